//! Validation of config maps, secrets, webhook configurations and priority classes.

use base64::Engine as _;
use serde_json::Value;

use crate::object::field::{entries, list, number, text};
use crate::object::field_error::{FieldErrorKind, FieldErrors};

/// Most bytes of data in a config map or a secret.
const DATA_BYTES_MAX: usize = 1024 * 1024;
const USER_PRIORITY_MAX: i64 = 1_000_000_000;
const KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  \
                   or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

/// Adds the errors of a config map.
pub fn config_map(object: &Value, errors: &mut FieldErrors) {
    let mut bytes = 0;
    for place in ["data", "binaryData"] {
        for (key, value) in entries(object, &format!("/{place}")) {
            errors.rule(format!("{place}[{key}]"), key, key_rule);
            if place == "binaryData" && !object["data"][key].is_null() {
                errors.invalid(
                    format!("{place}[{key}]"),
                    key,
                    format!("duplicate of key present in data: {key:?}"),
                );
            }
            bytes += value.as_str().unwrap_or_default().len();
        }
    }
    if bytes > DATA_BYTES_MAX {
        errors.push("", FieldErrorKind::TooLong(DATA_BYTES_MAX));
    }
}

fn key_rule(key: &str) -> Vec<String> {
    let fits =
        !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    match key {
        "." => vec!["must not be '.'".to_owned()],
        ".." => vec!["must not be '..'".to_owned()],
        key if key.len() > 253 => vec!["must be no more than 253 characters".to_owned()],
        _ if fits => Vec::new(),
        _ => vec![KEY.to_owned()],
    }
}

/// Adds the errors of a secret; its contents never stand in them.
pub fn secret(object: &Value, errors: &mut FieldErrors) {
    let mut bytes = 0;
    for (key, value) in entries(object, "/data") {
        errors.rule(format!("data[{key}]"), key, key_rule);
        bytes += decoded(value).len();
    }
    if bytes > DATA_BYTES_MAX {
        errors.push("data", FieldErrorKind::TooLong(DATA_BYTES_MAX));
    }
    let has = |key: &str| !object["data"][key].is_null();
    match text(object, "/type") {
        "kubernetes.io/tls" => {
            for key in ["tls.crt", "tls.key"].into_iter().filter(|key| !has(key)) {
                errors.required(format!("data[{key}]"), "");
            }
        }
        "kubernetes.io/ssh-auth" if !has("ssh-privatekey") => errors.required("data[ssh-privatekey]", ""),
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => {
            errors.required("data[username]", "");
            errors.required("data[password]", "");
        }
        "kubernetes.io/dockerconfigjson" => is_json(object, ".dockerconfigjson", errors),
        "kubernetes.io/dockercfg" => is_json(object, ".dockercfg", errors),
        "kubernetes.io/service-account-token"
            if text(&object["metadata"]["annotations"], "/kubernetes.io~1service-account.name")
                .is_empty() =>
        {
            errors.required("metadata.annotations[kubernetes.io/service-account.name]", "");
        }
        _ => {}
    }
}

fn decoded(value: &Value) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(value.as_str().unwrap_or_default()).unwrap_or_default()
}

fn is_json(object: &Value, key: &str, errors: &mut FieldErrors) {
    let value = &object["data"][key];
    if value.is_null() {
        errors.required(format!("data[{key}]"), "");
    } else if let Err(why) = serde_json::from_slice::<Value>(&decoded(value)) {
        errors.invalid(format!("data[{key}]"), "<secret contents redacted>", why.to_string());
    }
}

/// Adds the errors of a secret's changes.
pub fn secret_changed(old: &Value, new: &Value, errors: &mut FieldErrors) {
    if old["type"] != new["type"] {
        errors.invalid("type", &new["type"], "field is immutable");
    }
}

/// Adds the errors of changes to an immutable config map or secret.
pub fn immutable(old: &Value, new: &Value, places: &[&str], errors: &mut FieldErrors) {
    if old["immutable"] != true {
        return;
    }
    let why = "field is immutable when `immutable` is set";
    if new["immutable"] != true {
        errors.forbidden("immutable", why);
    }
    for place in places.iter().filter(|place| old[**place] != new[**place]) {
        errors.forbidden(*place, why);
    }
}

/// Adds the errors of a webhook configuration.
pub fn webhooks(object: &Value, errors: &mut FieldErrors) {
    for (at, webhook) in list(object, "/webhooks").iter().enumerate() {
        let field = format!("webhooks[{at}]");
        let name = text(webhook, "/name");
        if name.is_empty() {
            errors.required(format!("{field}.name"), "");
        } else if name.split('.').count() < 3 {
            let why = "should be a domain with at least three segments separated by dots";
            errors.invalid(format!("{field}.name"), name, why);
        }
        match text(webhook, "/sideEffects") {
            "" => errors.required(format!("{field}.sideEffects"), "must specify one of None, NoneOnDryRun"),
            effects => errors.one_of(format!("{field}.sideEffects"), effects, &["None", "NoneOnDryRun"]),
        }
        if list(webhook, "/admissionReviewVersions").is_empty() {
            let why = "must specify one of v1, v1beta1";
            errors.required(format!("{field}.admissionReviewVersions"), why);
        }
        if let Some(seconds) = number(webhook, "/timeoutSeconds").filter(|s| !(1..=30).contains(s)) {
            let why = "the timeout value must be between 1 and 30 seconds";
            errors.invalid(format!("{field}.timeoutSeconds"), seconds, why);
        }
        errors.one_of(format!("{field}.failurePolicy"), text(webhook, "/failurePolicy"), &["Fail", "Ignore"]);
        let client = &webhook["clientConfig"];
        if client["url"].is_null() == client["service"].is_null() {
            let why = "exactly one of url or service is required";
            errors.required(format!("{field}.clientConfig"), why);
        }
    }
}

/// Adds the errors of a priority class.
pub fn priority_class(object: &Value, errors: &mut FieldErrors) {
    let value = number(object, "/value").unwrap_or(0);
    if value > USER_PRIORITY_MAX && !text(object, "/metadata/name").starts_with("system-") {
        let why = format!("maximum allowed value of a user defined priority is {USER_PRIORITY_MAX}");
        errors.forbidden("value", &why);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn messages(check: impl Fn(&Value, &mut FieldErrors), object: &Value) -> Vec<String> {
        let mut errors = FieldErrors::default();
        check(object, &mut errors);
        errors.0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_secret_has_what_its_type_promises() {
        for (kind, data, wanted) in [
            ("Opaque", json!({}), vec![]),
            ("kubernetes.io/tls", json!({"tls.crt": ""}), vec!["data[tls.key]: Required value"]),
            ("kubernetes.io/dockerconfigjson", json!({}), vec!["data[.dockerconfigjson]: Required value"]),
        ] {
            assert_eq!(messages(secret, &json!({"type": kind, "data": data})), wanted, "{kind}");
        }
    }

    #[test]
    fn what_is_secret_is_not_shown_when_it_is_wrong() {
        let object =
            json!({"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "aHVudGVyMg=="}});
        let said = messages(secret, &object);
        assert!(
            said[0].starts_with("data[.dockerconfigjson]: Invalid value: \"<secret contents redacted>\""),
            "{said:?}"
        );
        assert!(!said[0].contains("hunter2"));
    }

    #[test]
    fn what_is_immutable_stays() {
        let old = json!({"immutable": true, "data": {"a": "1"}});
        let new = json!({"immutable": true, "data": {"a": "2"}});
        let mut errors = FieldErrors::default();
        immutable(&old, &new, &["data"], &mut errors);
        assert_eq!(errors.0[0].to_string(), "data: Forbidden: field is immutable when `immutable` is set");
    }
}
