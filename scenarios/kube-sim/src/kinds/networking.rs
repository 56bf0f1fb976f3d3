//! Ingresses, their classes, and network policies: defaults, validation and columns.

use serde_json::{Value, json};

use super::kind::{CORE, COUNTED, Kind, NO_RULES, Rules, status};
use crate::object::field::{default_to, is_set, list, list_mut, map_mut, number, text};
use crate::object::field_error::FieldErrors;
use crate::object::names;
use crate::table::cells::{AGE, NAME, age_of, name_of, or_none, selector, text_column};

const GROUP: &str = "networking.k8s.io";
/// Hosts that a cell shows before it counts the rest.
const HOSTS_MAX: usize = 3;

/// The row of Ingresses.
pub const INGRESSES: Kind = Kind {
    group: GROUP,
    resource: "ingresses",
    kind: "Ingress",
    short: &["ing"],
    subresources: &[status("Ingress")],
    traits: COUNTED,
    rules: Rules {
        fill: |object, _| {
            map_mut(object, "status");
            default_to(&mut object["status"], "loadBalancer", json!({}));
        },
        check: check_ingress,
        columns: &[
            NAME,
            text_column("Class"),
            text_column("Hosts"),
            text_column("Address"),
            text_column("Ports"),
            AGE,
        ],
        row: |object, now| {
            let ports = if list(object, "/spec/tls").is_empty() { "80" } else { "80, 443" };
            vec![
                name_of(object),
                or_none(text(object, "/spec/ingressClassName").to_owned()),
                hosts(object).into(),
                addresses(object).into(),
                ports.into(),
                age_of(object, now),
            ]
        },
    },
    ..CORE
};

/// The row of IngressClasses.
pub const INGRESS_CLASSES: Kind = Kind {
    group: GROUP,
    resource: "ingressclasses",
    kind: "IngressClass",
    namespaced: false,
    traits: COUNTED,
    rules: Rules {
        check: |object, _, errors| {
            if text(object, "/spec/controller").is_empty() {
                errors.required("spec.controller", "");
            }
        },
        columns: &[NAME, text_column("Controller"), text_column("Parameters"), AGE],
        row: |object, now| {
            let parameters = &object["spec"]["parameters"];
            let group = text(parameters, "/apiGroup");
            let kind = match group {
                "" => text(parameters, "/kind").to_owned(),
                group => format!("{}.{group}", text(parameters, "/kind")),
            };
            let parameters = match parameters.is_object() {
                true => format!("{kind}/{}", text(parameters, "/name")),
                false => String::new(),
            };
            let controller = text(object, "/spec/controller").into();
            vec![name_of(object), controller, or_none(parameters), age_of(object, now)]
        },
        ..NO_RULES
    },
    ..CORE
};

/// The row of NetworkPolicies.
pub const NETWORK_POLICIES: Kind = Kind {
    group: GROUP,
    resource: "networkpolicies",
    kind: "NetworkPolicy",
    short: &["netpol"],
    traits: COUNTED,
    rules: Rules {
        fill: |object, _| fill_policy(object),
        check: check_policy,
        columns: &[NAME, text_column("Pod-Selector"), AGE],
        row: |object, now| vec![name_of(object), selector(object, "/spec/podSelector"), age_of(object, now)],
    },
    ..CORE
};

fn hosts(object: &Value) -> String {
    let rules = list(object, "/spec/rules");
    let named: Vec<_> =
        rules.iter().map(|rule| text(rule, "/host")).filter(|host| !host.is_empty()).collect();
    match named.len() {
        0 => "*".to_owned(),
        few if few <= HOSTS_MAX => named.join(","),
        _ => format!("{} + {} more...", named[..HOSTS_MAX].join(","), rules.len() - HOSTS_MAX),
    }
}

fn addresses(object: &Value) -> String {
    let all = list(object, "/status/loadBalancer/ingress").iter().map(|ingress| match text(ingress, "/ip") {
        "" => text(ingress, "/hostname"),
        address => address,
    });
    let mut all: Vec<_> = all.filter(|address| !address.is_empty()).collect();
    all.sort_unstable();
    all.join(",")
}

fn check_ingress(object: &Value, _: Option<&Value>, errors: &mut FieldErrors) {
    let rules = list(object, "/spec/rules");
    let default = &object["spec"]["defaultBackend"];
    if rules.is_empty() && default.is_null() {
        let why = "either `defaultBackend` or `rules` must be specified";
        errors.invalid("spec", &object["spec"]["rules"], why);
    }
    if !default.is_null() {
        backend(default, "spec.defaultBackend", errors);
    }
    for (at, rule) in rules.iter().enumerate() {
        let field = format!("spec.rules[{at}]");
        let host = text(rule, "/host");
        if host.parse::<std::net::IpAddr>().is_ok() {
            errors.invalid(format!("{field}.host"), host, "must be a DNS name, not an IP address");
        }
        if !host.is_empty() {
            let name = host.strip_prefix("*.").unwrap_or(host);
            errors.rule(format!("{field}.host"), name, names::dns_subdomain);
        }
        if !is_set(rule, "/http") {
            continue;
        }
        let paths = list(rule, "/http/paths");
        if paths.is_empty() {
            errors.required(format!("{field}.http.paths"), "");
        }
        for (at, path) in paths.iter().enumerate() {
            check_path(path, &format!("{field}.http.paths[{at}]"), errors);
        }
    }
}

fn check_path(path: &Value, field: &str, errors: &mut FieldErrors) {
    let (kind, value) = (text(path, "/pathType"), text(path, "/path"));
    if kind.is_empty() {
        errors.required(format!("{field}.pathType"), "pathType must be specified");
        return;
    }
    errors.one_of(format!("{field}.pathType"), kind, &["Exact", "ImplementationSpecific", "Prefix"]);
    let may_be_empty = kind == "ImplementationSpecific";
    if !(value.starts_with('/') || may_be_empty && value.is_empty()) {
        errors.invalid(format!("{field}.path"), value, "must be an absolute path");
    }
    if !may_be_empty {
        for sequence in ["//", "/./", "/../", "%2f", "%2F"].into_iter().filter(|s| value.contains(s)) {
            errors.invalid(format!("{field}.path"), value, format!("must not contain '{sequence}'"));
        }
    }
    backend(&path["backend"], &format!("{field}.backend"), errors);
}

fn backend(backend: &Value, field: &str, errors: &mut FieldErrors) {
    match (is_set(backend, "/resource"), is_set(backend, "/service")) {
        (true, true) => errors.invalid(field, "", "cannot set both resource and service backends"),
        (false, false) => errors.invalid(field, "", "resource or service backend is required"),
        (true, false) => {}
        (false, true) => {
            let service = &backend["service"];
            match text(service, "/name") {
                "" => errors.required(format!("{field}.service.name"), ""),
                name => errors.rule(format!("{field}.service.name"), name, names::dns_label),
            }
            let port = number(service, "/port/number").unwrap_or(0);
            match (text(service, "/port/name"), port) {
                ("", 0) => errors.required(field, "port name or number is required"),
                ("", 1..=65_535) => {}
                ("", other) => {
                    let field = format!("{field}.service.port.number");
                    errors.invalid(field, other, "must be between 1 and 65535, inclusive");
                }
                (name, 0) => errors.rule(format!("{field}.service.port.name"), name, names::port),
                _ => errors.invalid(field, "", "cannot set both port name & port number"),
            }
        }
    }
}

fn fill_policy(object: &mut Value) {
    map_mut(object, "spec");
    let spec = &mut object["spec"];
    default_to(spec, "podSelector", json!({}));
    if list(spec, "/policyTypes").is_empty() {
        let types =
            if list(spec, "/egress").is_empty() { json!(["Ingress"]) } else { json!(["Ingress", "Egress"]) };
        spec["policyTypes"] = types;
    }
    for way in ["ingress", "egress"] {
        for rule in spec.get_mut(way).and_then(Value::as_array_mut).into_iter().flatten() {
            for port in rule.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
                default_to(port, "protocol", "TCP");
            }
        }
    }
    list_mut(spec, "policyTypes");
}

fn check_policy(object: &Value, _: Option<&Value>, errors: &mut FieldErrors) {
    for (at, kind) in list(object, "/spec/policyTypes").iter().enumerate() {
        let kind = kind.as_str().unwrap_or_default();
        errors.one_of(format!("spec.policyTypes[{at}]"), kind, &["Egress", "Ingress"]);
    }
    for (way, peers) in [("ingress", "from"), ("egress", "to")] {
        for (at, rule) in list(object, &format!("/spec/{way}")).iter().enumerate() {
            for (peer_at, peer) in list(rule, &format!("/{peers}")).iter().enumerate() {
                check_peer(peer, &format!("spec.{way}[{at}].{peers}[{peer_at}]"), errors);
            }
        }
    }
}

fn check_peer(peer: &Value, field: &str, errors: &mut FieldErrors) {
    let selects = is_set(peer, "/podSelector") || is_set(peer, "/namespaceSelector");
    let block = is_set(peer, "/ipBlock");
    if !selects && !block {
        errors.required(field, "must specify a peer");
    } else if selects && block {
        errors.forbidden(field, "may not specify both ipBlock and another peer");
    }
}
