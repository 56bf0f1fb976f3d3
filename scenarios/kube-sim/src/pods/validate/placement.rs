//! Validation of a pod's scheduling constraints.

use serde_json::Value;

use crate::object::field::{entries, is_set, list, number, text};
use crate::object::names;
use crate::object::field_error::Problems;

/// Adds the errors of selectors, affinities, tolerations and spread.
pub fn check(spec: &Value, at: &str, problems: &mut Problems) {
    for (key, value) in entries(spec, "/nodeSelector") {
        problems.rule(format!("{at}.nodeSelector"), key, names::qualified);
        problems.rule(format!("{at}.nodeSelector"), value.as_str().unwrap_or_default(), names::label_value);
    }
    for (i, toleration) in list(spec, "/tolerations").iter().enumerate() {
        self::toleration(toleration, &format!("{at}.tolerations[{i}]"), problems);
    }
    node_affinity(spec, &format!("{at}.affinity.nodeAffinity"), problems);
    for kind in ["podAffinity", "podAntiAffinity"] {
        pod_affinity(spec, kind, &format!("{at}.affinity.{kind}"), problems);
    }
    for (i, constraint) in list(spec, "/topologySpreadConstraints").iter().enumerate() {
        spread(constraint, &format!("{at}.topologySpreadConstraints[{i}]"), problems);
    }
}

fn toleration(toleration: &Value, at: &str, problems: &mut Problems) {
    let (key, operator) = (text(toleration, "/key"), text(toleration, "/operator"));
    let (value, effect) = (text(toleration, "/value"), text(toleration, "/effect"));
    if !key.is_empty() {
        problems.rule(format!("{at}.key"), key, names::qualified);
    }
    if key.is_empty() && operator != "Exists" {
        let why =
            "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        problems.invalid(format!("{at}.operator"), operator, why);
    }
    if is_set(toleration, "/tolerationSeconds") && effect != "NoExecute" {
        let why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        problems.invalid(format!("{at}.effect"), effect, why);
    }
    match operator {
        "" | "Equal" => problems.rule(format!("{at}.operator"), value, names::label_value),
        "Exists" if !value.is_empty() => {
            let why = "value must be empty when `operator` is 'Exists'";
            problems.invalid(format!("{at}.operator"), value, why);
        }
        other => problems.one_of(format!("{at}.operator"), other, &["Equal", "Exists"]),
    }
    if !effect.is_empty() {
        let known = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
        problems.one_of(format!("{at}.effect"), effect, &known);
    }
}

fn node_affinity(spec: &Value, at: &str, problems: &mut Problems) {
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    if is_set(spec, &format!("/affinity/nodeAffinity/{required}")) {
        let field = format!("{at}.{required}.nodeSelectorTerms");
        let terms = list(spec, &format!("/affinity/nodeAffinity/{required}/nodeSelectorTerms"));
        if terms.is_empty() {
            problems.required(&field, "must have at least one node selector term");
        }
        for (i, term) in terms.iter().enumerate() {
            node_term(term, &format!("{field}[{i}]"), problems);
        }
    }
    let preferred = "preferredDuringSchedulingIgnoredDuringExecution";
    for (i, wish) in list(spec, &format!("/affinity/nodeAffinity/{preferred}")).iter().enumerate() {
        let field = format!("{at}.{preferred}[{i}]");
        weight(wish, &field, problems);
        node_term(wish.get("preference").unwrap_or(&Value::Null), &format!("{field}.preference"), problems);
    }
}

fn weight(wish: &Value, at: &str, problems: &mut Problems) {
    let weight = number(wish, "/weight").unwrap_or(0);
    if !(1..=100).contains(&weight) {
        problems.invalid(format!("{at}.weight"), weight, "must be in the range 1-100");
    }
}

fn node_term(term: &Value, at: &str, problems: &mut Problems) {
    for (i, requirement) in list(term, "/matchExpressions").iter().enumerate() {
        let field = |key: &str| format!("{at}.matchExpressions[{i}].{key}");
        let operator = text(requirement, "/operator");
        let values = list(requirement, "/values").len();
        match operator {
            "In" | "NotIn" if values == 0 => {
                let why = "must be specified when `operator` is 'In' or 'NotIn'";
                problems.required(field("values"), why);
            }
            "Exists" | "DoesNotExist" if values > 0 => {
                let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                problems.forbidden(field("values"), why);
            }
            "Gt" | "Lt" if values != 1 => {
                let why = "must be specified single value when `operator` is 'Lt' or 'Gt'";
                problems.required(field("values"), why);
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
            _ => problems.invalid(field("operator"), operator, "not a valid selector operator"),
        }
        problems.rule(field("key"), text(requirement, "/key"), names::qualified);
    }
    for (i, requirement) in list(term, "/matchFields").iter().enumerate() {
        let field = |key: &str| format!("{at}.matchFields[{i}].{key}");
        if !matches!(text(requirement, "/operator"), "In" | "NotIn") {
            let why = "not a valid selector operator";
            problems.invalid(field("operator"), text(requirement, "/operator"), why);
        } else if list(requirement, "/values").len() != 1 {
            let why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
            problems.required(field("values"), why);
        }
        if text(requirement, "/key") != "metadata.name" {
            let why = "not a valid field selector key";
            problems.invalid(field("key"), text(requirement, "/key"), why);
        }
    }
}

fn pod_affinity(spec: &Value, kind: &str, at: &str, problems: &mut Problems) {
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    for (i, term) in list(spec, &format!("/affinity/{kind}/{required}")).iter().enumerate() {
        topology_key(term, &format!("{at}.{required}[{i}]"), problems);
    }
    let preferred = "preferredDuringSchedulingIgnoredDuringExecution";
    for (i, wish) in list(spec, &format!("/affinity/{kind}/{preferred}")).iter().enumerate() {
        let field = format!("{at}.{preferred}[{i}]");
        weight(wish, &field, problems);
        let term = wish.get("podAffinityTerm").unwrap_or(&Value::Null);
        topology_key(term, &format!("{field}.podAffinityTerm"), problems);
    }
}

fn topology_key(term: &Value, at: &str, problems: &mut Problems) {
    let key = text(term, "/topologyKey");
    if key.is_empty() {
        problems.required(format!("{at}.topologyKey"), "can not be empty");
    }
    problems.rule(format!("{at}.topologyKey"), key, names::qualified);
}

fn spread(constraint: &Value, at: &str, problems: &mut Problems) {
    let skew = number(constraint, "/maxSkew").unwrap_or(0);
    if skew <= 0 {
        problems.invalid(format!("{at}.maxSkew"), skew, "must be greater than zero");
    }
    let key = text(constraint, "/topologyKey");
    if key.is_empty() {
        problems.required(format!("{at}.topologyKey"), "can not be empty");
    } else {
        problems.rule(format!("{at}.topologyKey"), key, names::qualified);
    }
    let when = text(constraint, "/whenUnsatisfiable");
    problems.one_of(format!("{at}.whenUnsatisfiable"), when, &["DoNotSchedule", "ScheduleAnyway"]);
    if let Some(domains) = number(constraint, "/minDomains") {
        if domains <= 0 {
            problems.invalid(format!("{at}.minDomains"), domains, "must be greater than 0");
        }
        if when != "DoNotSchedule" {
            let why = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {when}");
            problems.invalid(format!("{at}.minDomains"), domains, why);
        }
    }
}
