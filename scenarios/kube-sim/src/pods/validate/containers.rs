//! Validation of a pod's containers: images, ports, variables, mounts, resources.

use std::collections::BTreeSet;

use quantity::Quantity;
use serde_json::Value;

use super::probes;
use crate::object::field::{entries, flag, is_set, list, number, text};
use crate::object::field_error::FieldErrors;
use crate::object::names;
use crate::object::quantity::thousandths;

const FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
/// Fields that a selector or a conversion knows, though a variable may not show them.
const CONVERTIBLE: [&str; 6] = [
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.hostNetwork",
    "status.phase",
    "status.nominatedNodeName",
    "metadata.creationTimestamp",
];
const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

/// Adds the errors of all containers, which may mount `volumes`.
pub fn check(spec: &Value, at: &str, volumes: &BTreeSet<&str>, errors: &mut FieldErrors) {
    let mains = list(spec, "/containers");
    if mains.is_empty() {
        errors.required(format!("{at}.containers"), "");
    }
    let (mut seen, mut host_ports) = (BTreeSet::new(), BTreeSet::new());
    for (kind, containers) in [("containers", mains), ("initContainers", list(spec, "/initContainers"))] {
        for (i, container) in containers.iter().enumerate() {
            let field = format!("{at}.{kind}[{i}]");
            name(container, &field, &mut seen, errors);
            one(container, &field, volumes, errors);
            let used = (kind == "containers").then_some(&mut host_ports);
            ports(container, &field, flag(spec, "/hostNetwork"), used, errors);
            probes::check(container, &field, kind == "initContainers", errors);
            resources(container, &format!("{field}.resources"), errors);
        }
    }
}

fn name<'a>(container: &'a Value, at: &str, seen: &mut BTreeSet<&'a str>, errors: &mut FieldErrors) {
    let name = text(container, "/name");
    let field = format!("{at}.name");
    if name.is_empty() {
        errors.required(field, "");
    } else {
        errors.rule(field.clone(), name, names::dns_label);
        if !seen.insert(name) {
            errors.duplicate(field, name);
        }
    }
}

fn one(container: &Value, at: &str, volumes: &BTreeSet<&str>, errors: &mut FieldErrors) {
    let image = text(container, "/image");
    if image.is_empty() {
        errors.required(format!("{at}.image"), "");
    } else if image.trim() != image {
        errors.invalid(format!("{at}.image"), image, "must not have leading or trailing whitespace");
    }
    for (key, known) in [
        ("terminationMessagePolicy", &["File", "FallbackToLogsOnError"][..]),
        ("imagePullPolicy", &["Always", "IfNotPresent", "Never"]),
    ] {
        match text(container, &format!("/{key}")) {
            "" => errors.required(format!("{at}.{key}"), ""),
            value => errors.one_of(format!("{at}.{key}"), value, known),
        }
    }
    for (i, env) in list(container, "/env").iter().enumerate() {
        variable(env, &format!("{at}.env[{i}]"), errors);
    }
    for (i, from) in list(container, "/envFrom").iter().enumerate() {
        variables(from, &format!("{at}.envFrom[{i}]"), errors);
    }
    mounts(container, at, volumes, errors);
}

fn ports(
    container: &Value,
    at: &str,
    host_network: bool,
    mut used: Option<&mut BTreeSet<String>>,
    errors: &mut FieldErrors,
) {
    let mut named = BTreeSet::new();
    for (i, port) in list(container, "/ports").iter().enumerate() {
        let field = |key: &str| format!("{at}.ports[{i}].{key}");
        let name = text(port, "/name");
        if !name.is_empty() {
            let wrong = names::port(name);
            if wrong.is_empty() && !named.insert(name) {
                errors.duplicate(field("name"), name);
            }
            errors.rule(field("name"), name, |_| wrong);
        }
        let own = number(port, "/containerPort").unwrap_or(0);
        if own == 0 {
            errors.required(field("containerPort"), "");
        } else {
            in_port_range(own, field("containerPort"), errors);
        }
        let host = number(port, "/hostPort").unwrap_or(0);
        if host != 0 {
            in_port_range(host, field("hostPort"), errors);
            if host_network && host != own {
                let why = "must match `containerPort` when `hostNetwork` is true";
                errors.invalid(field("hostPort"), host, why);
            }
            let whole = format!("{}/{}/{host}", text(port, "/protocol"), text(port, "/hostIP"));
            if used.as_deref_mut().is_some_and(|used| !used.insert(whole.clone())) {
                errors.duplicate(field("hostPort"), whole.as_str());
            }
        }
        match text(port, "/protocol") {
            "" => errors.required(field("protocol"), ""),
            protocol => errors.one_of(field("protocol"), protocol, &["SCTP", "TCP", "UDP"]),
        }
    }
}

/// Adds an error for a port number outside 1 to 65535.
pub fn in_port_range(port: i64, field: String, errors: &mut FieldErrors) {
    if !(1..=65535).contains(&port) {
        errors.invalid(field, port, "must be between 1 and 65535, inclusive");
    }
}

fn variable(env: &Value, at: &str, errors: &mut FieldErrors) {
    match text(env, "/name") {
        "" => errors.required(format!("{at}.name"), ""),
        name => errors.rule(format!("{at}.name"), name, names::variable),
    }
    if !is_set(env, "/valueFrom") {
        return;
    }
    let field = format!("{at}.valueFrom");
    let sources = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef"];
    let given: Vec<_> = sources.into_iter().filter(|s| is_set(&env["valueFrom"], &format!("/{s}"))).collect();
    match given[..] {
        [] => errors.invalid(
            &field,
            "",
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`",
        ),
        [_] if !text(env, "/value").is_empty() => {
            errors.invalid(&field, "", "may not be specified when `value` is not empty");
        }
        [_] => {}
        _ => errors.invalid(&field, "", "may not have more than one field specified at a time"),
    }
    for source in given {
        let value = &env["valueFrom"][source];
        let field = format!("{field}.{source}");
        match source {
            "fieldRef" => shown_field(value, &field, &FIELDS, errors),
            "resourceFieldRef" => shown_resource(value, &field, errors),
            _ => {
                if text(value, "/name").is_empty() {
                    errors.required(format!("{field}.name"), "");
                }
                if text(value, "/key").is_empty() {
                    errors.required(format!("{field}.key"), "");
                }
            }
        }
    }
}

/// Adds the errors of a `fieldRef`, whose path must be one of `supported`.
pub fn shown_field(reference: &Value, at: &str, supported: &[&str], errors: &mut FieldErrors) {
    let path = text(reference, "/fieldPath");
    let field = format!("{at}.fieldPath");
    if path.is_empty() {
        return errors.required(field, "");
    }
    let keyed = ["metadata.labels", "metadata.annotations"]
        .into_iter()
        .any(|map| path == map || (path.starts_with(&format!("{map}['")) && path.ends_with("']")));
    if supported.contains(&path) || (keyed && (path.contains('[') || supported.contains(&"metadata.labels")))
    {
        return;
    }
    if keyed || FIELDS.contains(&path) || CONVERTIBLE.contains(&path) {
        errors.one_of(field, path, supported);
    } else {
        let why = format!("error converting fieldPath: field label not supported: {path}");
        errors.invalid(field, path, why);
    }
}

fn shown_resource(reference: &Value, at: &str, errors: &mut FieldErrors) {
    match text(reference, "/resource") {
        "" => errors.required(format!("{at}.resource"), ""),
        known if known.contains(".hugepages-") => {}
        other => errors.one_of(format!("{at}.resource"), other, &RESOURCES),
    }
}

fn variables(from: &Value, at: &str, errors: &mut FieldErrors) {
    let prefix = text(from, "/prefix");
    if !prefix.is_empty() {
        errors.rule(format!("{at}.prefix"), prefix, names::variable);
    }
    let given = ["configMapRef", "secretRef"].map(|s| is_set(from, &format!("/{s}")));
    match given {
        [false, false] => errors.invalid(at, "", "must specify one of: `configMapRef` or `secretRef`"),
        [true, true] => errors.invalid(at, "", "may not have more than one field specified at a time"),
        _ => {
            for source in ["configMapRef", "secretRef"] {
                if is_set(from, &format!("/{source}")) && text(from, &format!("/{source}/name")).is_empty() {
                    errors.required(format!("{at}.{source}.name"), "");
                }
            }
        }
    }
}

fn mounts(container: &Value, at: &str, volumes: &BTreeSet<&str>, errors: &mut FieldErrors) {
    let mut paths = BTreeSet::new();
    for (i, mount) in list(container, "/volumeMounts").iter().enumerate() {
        let field = |key: &str| format!("{at}.volumeMounts[{i}].{key}");
        match text(mount, "/name") {
            "" => errors.required(field("name"), ""),
            name if !volumes.contains(name) => {
                errors.push(
                    field("name"),
                    crate::object::field_error::FieldErrorKind::NotFound(format!("\"{name}\"")),
                );
            }
            _ => {}
        }
        match text(mount, "/mountPath") {
            "" => errors.required(field("mountPath"), ""),
            path if !paths.insert(path) => errors.invalid(field("mountPath"), path, "must be unique"),
            _ => {}
        }
        for key in ["subPath", "subPathExpr"] {
            let path = text(mount, &format!("/{key}"));
            if path.starts_with('/') {
                errors.invalid(field(key), path, "must be a relative path");
            }
            if path.split('/').any(|part| part == "..") {
                errors.invalid(field(key), path, "must not contain '..'");
            }
        }
    }
}

fn resources(container: &Value, at: &str, errors: &mut FieldErrors) {
    for kind in ["limits", "requests"] {
        for (name, value) in entries(container, &format!("/resources/{kind}")) {
            resource_name(name, &format!("{at}.{kind}"), errors);
            let said = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let field = format!("{at}.{kind}[{name}]");
            let amount = thousandths(value);
            if amount < 0 {
                errors.invalid(&field, said.as_str(), "must be greater than or equal to 0");
            }
            if is_whole_only(name) && amount.rem_euclid(1000) != 0 {
                errors.invalid(&field, said.as_str(), "must be an integer");
            }
        }
    }
    for (name, request) in entries(container, "/resources/requests") {
        let limit = container.pointer("/resources/limits").and_then(|l| l.get(name));
        let shown = request.as_str().map_or_else(|| request.to_string(), str::to_owned);
        match limit {
            Some(limit) => {
                let (asked, most) = (thousandths(request), thousandths(limit));
                let most_shown = limit.as_str().map_or_else(|| limit.to_string(), str::to_owned);
                if is_whole_only(name) && asked != most {
                    let why = format!("must be equal to {name} limit of {most_shown}");
                    errors.invalid(format!("{at}.requests"), shown.as_str(), why);
                } else if asked > most {
                    let why = format!("must be less than or equal to {name} limit of {most_shown}");
                    errors.invalid(format!("{at}.requests"), shown.as_str(), why);
                }
            }
            None if is_whole_only(name) => {
                errors.required(format!("{at}.limits"), "Limit must be set for non overcommitable resources")
            }
            None => {}
        }
    }
}

fn resource_name(name: &str, at: &str, errors: &mut FieldErrors) {
    errors.rule(at, name, names::qualified);
    let standard = ["cpu", "memory", "ephemeral-storage"].contains(&name) || name.starts_with("hugepages-");
    if !name.contains('/') && !standard {
        errors.invalid(at, name, "must be a standard resource type or fully qualified");
        errors.invalid(at, name, "must be a standard resource for containers");
    }
}

/// True for an extended resource: counted in whole units, and never overcommitted.
fn is_whole_only(name: &str) -> bool {
    name.contains('/') && !name.starts_with("kubernetes.io/") && name.parse::<Quantity>().is_err()
}
