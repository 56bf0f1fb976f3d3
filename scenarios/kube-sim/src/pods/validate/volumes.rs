//! Validation of a pod's volumes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::containers::shown_field;
use crate::object::field::{list, number, text};
use crate::object::field_error::FieldErrors;
use crate::object::names;

const FIELDS: [&str; 5] =
    ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

/// Adds the errors of all volumes, and returns the names that containers may mount.
pub fn check<'a>(spec: &'a Value, at: &str, errors: &mut FieldErrors) -> BTreeSet<&'a str> {
    let mut known = BTreeSet::new();
    for (i, volume) in list(spec, "/volumes").iter().enumerate() {
        let field = format!("{at}.volumes[{i}]");
        let name = text(volume, "/name");
        source(volume, &field, errors);
        if name.is_empty() {
            errors.required(format!("{field}.name"), "");
        } else {
            errors.rule(format!("{field}.name"), name, names::dns_label);
            if !known.insert(name) {
                errors.duplicate(format!("{field}.name"), name);
            }
        }
    }
    known
}

fn source(volume: &Value, at: &str, errors: &mut FieldErrors) {
    let sources: Vec<_> = volume
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, source)| *key != "name" && !source.is_null())
        .collect();
    if sources.is_empty() {
        errors.required(at, "must specify a volume type");
    }
    for (position, (kind, source)) in sources.into_iter().enumerate() {
        if position > 0 {
            errors.forbidden(format!("{at}.{kind}"), "may not specify more than 1 volume type");
            continue;
        }
        let field = format!("{at}.{kind}");
        let needs = match kind.as_str() {
            "configMap" => "name",
            "secret" => "secretName",
            "hostPath" => "path",
            "persistentVolumeClaim" => "claimName",
            "nfs" => "server",
            "csi" => "driver",
            _ => "",
        };
        if !needs.is_empty() && text(source, &format!("/{needs}")).is_empty() {
            errors.required(format!("{field}.{needs}"), "");
        }
        if kind == "projected" {
            projected(source, &field, errors);
        }
        if kind == "downwardAPI" {
            downward(source, &field, errors);
        }
        if ["configMap", "secret"].contains(&kind.as_str()) {
            items(source, &field, errors);
        }
    }
}

fn projected(volume: &Value, at: &str, errors: &mut FieldErrors) {
    for (i, source) in list(volume, "/sources").iter().enumerate() {
        let at = format!("{at}.sources[{i}]");
        if let Some(token) = source.get("serviceAccountToken") {
            let seconds = number(token, "/expirationSeconds").unwrap_or(3600);
            let field = format!("{at}.serviceAccountToken.expirationSeconds");
            if seconds < 600 {
                errors.invalid(field, seconds, "may not specify a duration less than 10 minutes");
            } else if seconds > 1 << 32 {
                errors.invalid(field, seconds, "may not specify a duration larger than 2^32 seconds");
            }
            if text(token, "/path").is_empty() {
                errors.required(format!("{at}.serviceAccountToken.path"), "");
            }
        }
        if let Some(fields) = source.get("downwardAPI") {
            downward(fields, &format!("{at}.downwardAPI"), errors);
        }
        for kind in ["configMap", "secret"] {
            if let Some(named) = source.get(kind) {
                if text(named, "/name").is_empty() {
                    errors.required(format!("{at}.{kind}.name"), "");
                }
                items(named, &format!("{at}.{kind}"), errors);
            }
        }
    }
}

fn items(source: &Value, at: &str, errors: &mut FieldErrors) {
    for (i, item) in list(source, "/items").iter().enumerate() {
        if text(item, "/key").is_empty() {
            errors.required(format!("{at}.items[{i}].key"), "");
        }
        file(item, &format!("{at}.items[{i}]"), errors);
    }
}

fn downward(source: &Value, at: &str, errors: &mut FieldErrors) {
    for (i, item) in list(source, "/items").iter().enumerate() {
        let at = format!("{at}.items[{i}]");
        file(item, &at, errors);
        if let Some(reference) = item.get("fieldRef") {
            shown_field(reference, &format!("{at}.fieldRef"), &FIELDS, errors);
        }
    }
}

fn file(item: &Value, at: &str, errors: &mut FieldErrors) {
    let path = text(item, "/path");
    if path.is_empty() {
        errors.required(format!("{at}.path"), "");
    } else if path.starts_with('/') {
        errors.invalid(format!("{at}.path"), path, "must be a relative path");
    } else if path.split('/').any(|part| part == "..") {
        errors.invalid(format!("{at}.path"), path, "must not contain '..'");
    }
}
