//! Validation of services.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::object::field::{entries, list, number, text};
use crate::object::field_error::FieldErrors;
use crate::object::names;

const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
const TYPES: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];

/// Adds the errors of a service.
pub fn service(service: &Value, errors: &mut FieldErrors) {
    let kind = text(service, "/spec/type");
    errors.one_of("spec.type", kind, &TYPES);
    errors.one_of("spec.sessionAffinity", text(service, "/spec/sessionAffinity"), &["ClientIP", "None"]);
    let ports = list(service, "/spec/ports");
    let headless = text(service, "/spec/clusterIP") == "None";
    if ports.is_empty() && !headless && kind != "ExternalName" {
        errors.required("spec.ports", "");
    }
    if kind == "ExternalName" && text(service, "/spec/externalName").is_empty() {
        errors.required("spec.externalName", "");
    }
    for (key, value) in entries(service, "/spec/selector") {
        errors.rule("spec.selector", key, names::qualified);
        errors.rule("spec.selector", value.as_str().unwrap_or_default(), names::label_value);
    }
    let mut known = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for (at, port) in ports.iter().enumerate() {
        let field = format!("spec.ports[{at}]");
        let name = text(port, "/name");
        if name.is_empty() && ports.len() > 1 {
            errors.required(format!("{field}.name"), "");
        } else if !name.is_empty() {
            errors.rule(format!("{field}.name"), name, names::dns_label);
            if !known.insert(name) {
                errors.duplicate(format!("{field}.name"), name);
            }
        }
        let number = number(port, "/port").unwrap_or(0);
        if !(1..=65535).contains(&number) {
            errors.invalid(format!("{field}.port"), number, "must be between 1 and 65535, inclusive");
        }
        let protocol = text(port, "/protocol");
        errors.one_of(format!("{field}.protocol"), protocol, &PROTOCOLS);
        if !taken.insert((number, protocol)) {
            errors.duplicate(field, &serde_json::json!({"port": number, "protocol": protocol}));
        }
    }
}

/// Adds the errors of a service's changes.
pub fn changed(old: &Value, new: &Value, errors: &mut FieldErrors) {
    let (before, after) = (text(old, "/spec/clusterIP"), text(new, "/spec/clusterIP"));
    let both_inside = [old, new].iter().all(|service| text(service, "/spec/type") != "ExternalName");
    if both_inside && !before.is_empty() && before != after {
        errors.invalid("spec.clusterIPs[0]", after, "may not change once set");
    }
}
