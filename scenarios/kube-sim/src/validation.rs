//! Validation of objects: metadata of all kinds, then the rules of each kind.

mod configuration;
mod events;
mod metadata;
mod network;
mod nodes;
mod workloads;

use serde_json::Value;

use crate::kinds::Kind;
use crate::object::field_error::Problems;
use crate::pods::{update as pod_update, validate as pods};

/// The errors of a new object.
pub fn new_object(kind: &Kind, object: &Value) -> Problems {
    let mut problems = Problems::default();
    metadata::check(kind, object, &mut problems);
    match (kind.group, kind.resource) {
        ("", "pods") => problems.0.extend(pods::new_pod(object).0),
        ("", "nodes") => nodes::check(object, true, &mut problems),
        ("", "configmaps") => configuration::config_map(object, &mut problems),
        ("", "secrets") => configuration::secret(object, &mut problems),
        ("", "services") => network::service(object, &mut problems),
        ("", "events") => events::core(object, &mut problems),
        ("events.k8s.io", "events") => events::newer(object, &mut problems),
        ("apps", "deployments" | "replicasets") => workloads::replicated(object, &mut problems),
        ("batch", "jobs") => workloads::job(object, &mut problems),
        ("coordination.k8s.io", "leases") => nodes::lease(object, &mut problems),
        ("admissionregistration.k8s.io", _) => configuration::webhooks(object, &mut problems),
        ("scheduling.k8s.io", "priorityclasses") => configuration::priority_class(object, &mut problems),
        _ => {}
    }
    problems
}

/// The errors of a changed object.
pub fn changed_object(kind: &Kind, subresource: &str, old: &Value, new: &Value) -> Problems {
    let mut problems = Problems::default();
    metadata::check(kind, new, &mut problems);
    match (kind.group, kind.resource, subresource) {
        ("", "pods", "") => problems.0.extend(pod_update::spec(old, new).0),
        ("", "pods", "status") => problems.0.extend(pod_update::status(old, new).0),
        ("", "nodes", _) => {
            nodes::check(new, false, &mut problems);
            nodes::changed(old, new, &mut problems);
        }
        ("", "configmaps", _) => {
            configuration::config_map(new, &mut problems);
            configuration::kept(old, new, &["data", "binaryData"], &mut problems);
        }
        ("", "secrets", _) => {
            configuration::secret_changed(old, new, &mut problems);
            configuration::secret(new, &mut problems);
            configuration::kept(old, new, &["data"], &mut problems);
        }
        ("", "services", "") => {
            network::service(new, &mut problems);
            network::changed(old, new, &mut problems);
        }
        ("apps", "deployments" | "replicasets", "") => {
            workloads::replicated(new, &mut problems);
            workloads::kept(old, new, &["selector"], &mut problems);
        }
        ("batch", "jobs", "") => {
            workloads::job(new, &mut problems);
            workloads::kept(old, new, &["selector", "completions", "template"], &mut problems);
        }
        ("coordination.k8s.io", "leases", _) => nodes::lease(new, &mut problems),
        ("admissionregistration.k8s.io", _, _) => configuration::webhooks(new, &mut problems),
        ("scheduling.k8s.io", "priorityclasses", _) => {
            configuration::priority_class(new, &mut problems);
            if old["value"] != new["value"] {
                problems.forbidden("value", "may not be changed in an update.");
            }
        }
        _ => {}
    }
    problems
}
