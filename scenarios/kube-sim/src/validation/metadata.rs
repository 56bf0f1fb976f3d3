//! Validation of names, labels, annotations, owners and finalizers, the same for every kind.

use serde_json::Value;

use crate::kinds::{self, Kind};
use crate::object::field::{entries, flag, list, name, text};
use crate::object::field_error::{FieldErrorKind, FieldErrors};
use crate::object::{finalizers, names};

/// Most bytes of all annotations of an object together.
const ANNOTATIONS_BYTES_MAX: usize = 256 * 1024;
/// Finalizers that need no domain.
const STANDARD_FINALIZERS: [&str; 3] = [finalizers::NAMESPACE, finalizers::ORPHAN, finalizers::FOREGROUND];
const SERVICE_NAME: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
                            alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', \
                            regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

/// Adds the errors of an object's metadata.
pub fn check(kind: &Kind, object: &Value, errors: &mut FieldErrors) {
    match (kind.group, kind.resource) {
        (kinds::RBAC_GROUP, _) => {}
        ("", "services") => errors.rule("metadata.name", name(object), service_name),
        ("", "namespaces") => errors.rule("metadata.name", name(object), names::dns_label),
        _ => errors.rule("metadata.name", name(object), names::dns_subdomain),
    }
    for (key, value) in entries(object, "/metadata/labels") {
        errors.rule("metadata.labels", key, names::qualified);
        errors.rule("metadata.labels", value.as_str().unwrap_or_default(), names::label_value);
    }
    let mut bytes = 0;
    for (key, value) in entries(object, "/metadata/annotations") {
        errors.rule("metadata.annotations", &key.to_ascii_lowercase(), names::qualified);
        bytes += key.len() + value.as_str().unwrap_or_default().len();
    }
    if bytes > ANNOTATIONS_BYTES_MAX {
        errors.push("metadata.annotations", FieldErrorKind::TooLong(ANNOTATIONS_BYTES_MAX));
    }
    check_finalizers(object, errors);
    owners(object, errors);
}

fn service_name(name: &str) -> Vec<String> {
    let rest_is_fine = names::dns_label(name);
    if rest_is_fine.is_empty() && name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Vec::new();
    }
    if name.len() > 63 {
        return vec!["must be no more than 63 characters".to_owned()];
    }
    vec![SERVICE_NAME.to_owned()]
}

fn check_finalizers(object: &Value, errors: &mut FieldErrors) {
    for (at, finalizer) in list(object, "/metadata/finalizers").iter().enumerate() {
        let finalizer = finalizer.as_str().unwrap_or_default();
        errors.rule("metadata.finalizers", finalizer, names::qualified);
        if !finalizer.contains('/') && !STANDARD_FINALIZERS.contains(&finalizer) {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            errors.invalid(format!("metadata.finalizers[{at}]"), finalizer, why);
        }
    }
}

fn owners(object: &Value, errors: &mut FieldErrors) {
    let mut controller: Option<String> = None;
    for owner in list(object, "/metadata/ownerReferences") {
        for key in ["apiVersion", "kind", "name", "uid"] {
            let value = owner.get(key).and_then(Value::as_str).unwrap_or_default();
            if value.is_empty() {
                let why = if key == "apiVersion" { "version must not be empty" } else { "must not be empty" };
                errors.invalid(format!("metadata.ownerReferences.{key}"), value, why);
            }
        }
        if !flag(owner, "/controller") {
            continue;
        }
        let shown = format!("{}/{}", text(owner, "/kind"), text(owner, "/name"));
        if let Some(first) = &controller {
            let why = format!(
                "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {shown}"
            );
            errors.invalid("metadata.ownerReferences", owner, why);
        }
        controller = controller.or(Some(shown));
    }
}
