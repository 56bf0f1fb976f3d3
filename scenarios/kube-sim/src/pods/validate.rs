//! Validation of new pods and of pod templates.

pub mod containers;
pub mod placement;
pub mod probes;
pub mod volumes;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::object::field::{flag, is_set, list, number, text};
use crate::object::field_error::FieldErrors;
use crate::object::names;

/// The errors of a new pod, outside its metadata.
pub fn new_pod(pod: &Value) -> FieldErrors {
    let mut errors = FieldErrors::default();
    let spec = pod.get("spec").unwrap_or(&Value::Null);
    spec_of(spec, "spec", &mut errors);
    if !list(spec, "/ephemeralContainers").is_empty() {
        errors.forbidden("spec.ephemeralContainers", "cannot be set on create");
    }
    if !list(spec, "/schedulingGates").is_empty() && !text(spec, "/nodeName").is_empty() {
        errors.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared");
    }
    errors
}

/// Adds the errors of a pod's spec that stands at `at` (`spec`, or `spec.template.spec` in a workload).
pub fn spec_of(spec: &Value, at: &str, errors: &mut FieldErrors) {
    let volumes = volumes::check(spec, at, errors);
    containers::check(spec, at, &volumes, errors);
    choices(spec, at, errors);
    numbers(spec, at, errors);
    placement::check(spec, at, errors);
    names_of(spec, at, errors);
    if text(spec, "/dnsPolicy") == "None" && list(spec, "/dnsConfig/nameservers").is_empty() {
        if is_set(spec, "/dnsConfig") {
            let why = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            errors.required(format!("{at}.dnsConfig.nameservers"), why);
        } else {
            errors.required(format!("{at}.dnsConfig"), "must provide `dnsConfig` when `dnsPolicy` is None");
        }
    }
}

fn choices(spec: &Value, at: &str, errors: &mut FieldErrors) {
    match text(spec, "/restartPolicy") {
        "" => errors.required(format!("{at}.restartPolicy"), ""),
        policy => errors.one_of(format!("{at}.restartPolicy"), policy, &["Always", "OnFailure", "Never"]),
    }
    match text(spec, "/dnsPolicy") {
        "" => errors.required(format!("{at}.dnsPolicy"), ""),
        policy => {
            let known = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
            errors.one_of(format!("{at}.dnsPolicy"), policy, &known);
        }
    }
    if is_set(spec, "/os") {
        match text(spec, "/os/name") {
            "" => errors.required(format!("{at}.os.name"), "cannot be empty"),
            os => errors.one_of(format!("{at}.os"), os, &["linux", "windows"]),
        }
    }
    if is_set(spec, "/preemptionPolicy") {
        let policy = text(spec, "/preemptionPolicy");
        errors.one_of(format!("{at}.preemptionPolicy"), policy, &["PreemptLowerPriority", "Never"]);
    }
}

fn numbers(spec: &Value, at: &str, errors: &mut FieldErrors) {
    const MOST: i64 = i32::MAX as i64;
    if let Some(seconds) = number(spec, "/activeDeadlineSeconds").filter(|s| !(1..=MOST).contains(s)) {
        let why = format!("must be between 1 and {MOST}, inclusive");
        errors.invalid(format!("{at}.activeDeadlineSeconds"), seconds, why);
    }
    if let Some(seconds) = number(spec, "/terminationGracePeriodSeconds").filter(|s| *s < -1) {
        let why = "must be greater than or equal to 0";
        errors.invalid(format!("{at}.terminationGracePeriodSeconds"), seconds, why);
    }
}

fn names_of(spec: &Value, at: &str, errors: &mut FieldErrors) {
    for (field, rule) in [
        ("nodeName", names::dns_subdomain as fn(&str) -> Vec<String>),
        ("serviceAccountName", names::dns_subdomain),
        ("priorityClassName", names::dns_subdomain),
        ("hostname", names::dns_label),
        ("subdomain", names::dns_label),
    ] {
        let value = text(spec, &format!("/{field}"));
        if !value.is_empty() {
            errors.rule(format!("{at}.{field}"), value, rule);
        }
    }
    let mut seen = BTreeSet::new();
    for (i, gate) in list(spec, "/schedulingGates").iter().enumerate() {
        let (name, field) = (text(gate, "/name"), format!("{at}.schedulingGates[{i}]"));
        errors.rule(field.clone(), name, names::qualified);
        if !seen.insert(name) {
            errors.duplicate(field, name);
        }
    }
    for (i, gate) in list(spec, "/readinessGates").iter().enumerate() {
        let field = format!("{at}.readinessGates[{i}].conditionType");
        errors.rule(field, text(gate, "/conditionType"), names::qualified);
    }
    for (i, alias) in list(spec, "/hostAliases").iter().enumerate() {
        let ip = text(alias, "/ip");
        if ip.parse::<std::net::IpAddr>().is_err() {
            let why = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
            errors.invalid(format!("{at}.hostAliases[{i}].ip"), ip, why);
        }
    }
    if flag(spec, "/shareProcessNamespace") && flag(spec, "/hostPID") {
        let why = "ShareProcessNamespace and HostPID cannot both be enabled";
        errors.invalid(format!("{at}.shareProcessNamespace"), &Value::Bool(true), why);
    }
}

#[cfg(test)]
mod tests;
