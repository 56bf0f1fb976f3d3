//! Validation of objects: metadata of all kinds, then the rules of each kind.

mod configuration;
mod events;
mod metadata;
mod network;
mod nodes;
pub mod workloads;

use serde_json::Value;

use crate::kinds::Kind;
use crate::object::field_error::FieldErrors;
use crate::pods::{resize, update as pod_update, validate as pods};

/// The errors of a new object.
pub fn new_object(kind: &Kind, object: &Value) -> FieldErrors {
    let mut errors = FieldErrors::default();
    metadata::check(kind, object, &mut errors);
    match (kind.group, kind.resource) {
        ("", "pods") => errors.0.extend(pods::new_pod(object).0),
        ("", "nodes") => nodes::check(object, true, &mut errors),
        ("", "configmaps") => configuration::config_map(object, &mut errors),
        ("", "secrets") => configuration::secret(object, &mut errors),
        ("", "services") => network::service(object, &mut errors),
        ("", "events") => events::core(object, &mut errors),
        ("events.k8s.io", "events") => events::newer(object, &mut errors),
        ("apps", "deployments" | "replicasets") => workloads::replicated(object, &mut errors),
        ("batch", "jobs") => workloads::job(&object["spec"], "spec", &mut errors),
        ("coordination.k8s.io", "leases") => nodes::lease(object, &mut errors),
        ("admissionregistration.k8s.io", _) => configuration::webhooks(object, &mut errors),
        ("scheduling.k8s.io", "priorityclasses") => configuration::priority_class(object, &mut errors),
        _ => (kind.rules.check)(object, None, &mut errors),
    }
    errors
}

/// The errors of a changed object.
pub fn changed_object(kind: &Kind, subresource: &str, old: &Value, new: &Value) -> FieldErrors {
    let mut errors = FieldErrors::default();
    metadata::check(kind, new, &mut errors);
    match (kind.group, kind.resource, subresource) {
        ("", "pods", "") => errors.0.extend(pod_update::spec(old, new).0),
        ("", "pods", "resize") => errors.0.extend(resize::check(old, new).0),
        ("", "pods", "status") => errors.0.extend(pod_update::status(old, new).0),
        ("", "nodes", _) => {
            nodes::check(new, false, &mut errors);
            nodes::changed(old, new, &mut errors);
        }
        ("", "configmaps", _) => {
            configuration::config_map(new, &mut errors);
            configuration::immutable(old, new, &["data", "binaryData"], &mut errors);
        }
        ("", "secrets", _) => {
            configuration::secret_changed(old, new, &mut errors);
            configuration::secret(new, &mut errors);
            configuration::immutable(old, new, &["data"], &mut errors);
        }
        ("", "services", "") => {
            network::service(new, &mut errors);
            network::changed(old, new, &mut errors);
        }
        ("apps", "deployments" | "replicasets", "") => {
            workloads::replicated(new, &mut errors);
            workloads::immutable(old, new, &["selector"], &mut errors);
        }
        ("batch", "jobs", "") => {
            workloads::job(&new["spec"], "spec", &mut errors);
            workloads::immutable(old, new, &["selector", "completions", "template"], &mut errors);
        }
        ("coordination.k8s.io", "leases", _) => nodes::lease(new, &mut errors),
        ("admissionregistration.k8s.io", _, _) => configuration::webhooks(new, &mut errors),
        ("scheduling.k8s.io", "priorityclasses", _) => {
            configuration::priority_class(new, &mut errors);
            if old["value"] != new["value"] {
                errors.forbidden("value", "may not be changed in an update.");
            }
        }
        (_, _, "") => (kind.rules.check)(new, Some(old), &mut errors),
        (_, _, below) => (kind.writes.check)(below, old, new, &mut errors),
    }
    errors
}
