//! Validation of a pod's scheduling constraints.

use serde_json::Value;

use crate::object::field::{entries, is_set, list, number, text};
use crate::object::field_error::FieldErrors;
use crate::object::names;

/// Adds the errors of selectors, affinities, tolerations and spread.
pub fn check(spec: &Value, at: &str, errors: &mut FieldErrors) {
    for (key, value) in entries(spec, "/nodeSelector") {
        errors.rule(format!("{at}.nodeSelector"), key, names::qualified);
        errors.rule(format!("{at}.nodeSelector"), value.as_str().unwrap_or_default(), names::label_value);
    }
    for (i, toleration) in list(spec, "/tolerations").iter().enumerate() {
        self::toleration(toleration, &format!("{at}.tolerations[{i}]"), errors);
    }
    node_affinity(spec, &format!("{at}.affinity.nodeAffinity"), errors);
    for kind in ["podAffinity", "podAntiAffinity"] {
        pod_affinity(spec, kind, &format!("{at}.affinity.{kind}"), errors);
    }
    for (i, constraint) in list(spec, "/topologySpreadConstraints").iter().enumerate() {
        spread(constraint, &format!("{at}.topologySpreadConstraints[{i}]"), errors);
    }
}

fn toleration(toleration: &Value, at: &str, errors: &mut FieldErrors) {
    let (key, operator) = (text(toleration, "/key"), text(toleration, "/operator"));
    let (value, effect) = (text(toleration, "/value"), text(toleration, "/effect"));
    if !key.is_empty() {
        errors.rule(format!("{at}.key"), key, names::qualified);
    }
    if key.is_empty() && operator != "Exists" {
        let why =
            "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        errors.invalid(format!("{at}.operator"), operator, why);
    }
    if is_set(toleration, "/tolerationSeconds") && effect != "NoExecute" {
        let why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        errors.invalid(format!("{at}.effect"), effect, why);
    }
    match operator {
        "" | "Equal" => errors.rule(format!("{at}.operator"), value, names::label_value),
        "Exists" if !value.is_empty() => {
            let why = "value must be empty when `operator` is 'Exists'";
            errors.invalid(format!("{at}.operator"), value, why);
        }
        other => errors.one_of(format!("{at}.operator"), other, &["Equal", "Exists"]),
    }
    if !effect.is_empty() {
        let known = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
        errors.one_of(format!("{at}.effect"), effect, &known);
    }
}

fn node_affinity(spec: &Value, at: &str, errors: &mut FieldErrors) {
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    if is_set(spec, &format!("/affinity/nodeAffinity/{required}")) {
        let field = format!("{at}.{required}.nodeSelectorTerms");
        let terms = list(spec, &format!("/affinity/nodeAffinity/{required}/nodeSelectorTerms"));
        if terms.is_empty() {
            errors.required(&field, "must have at least one node selector term");
        }
        for (i, term) in terms.iter().enumerate() {
            node_term(term, &format!("{field}[{i}]"), errors);
        }
    }
    let preferred = "preferredDuringSchedulingIgnoredDuringExecution";
    for (i, wish) in list(spec, &format!("/affinity/nodeAffinity/{preferred}")).iter().enumerate() {
        let field = format!("{at}.{preferred}[{i}]");
        weight(wish, &field, errors);
        node_term(wish.get("preference").unwrap_or(&Value::Null), &format!("{field}.preference"), errors);
    }
}

fn weight(wish: &Value, at: &str, errors: &mut FieldErrors) {
    let weight = number(wish, "/weight").unwrap_or(0);
    if !(1..=100).contains(&weight) {
        errors.invalid(format!("{at}.weight"), weight, "must be in the range 1-100");
    }
}

fn node_term(term: &Value, at: &str, errors: &mut FieldErrors) {
    for (i, requirement) in list(term, "/matchExpressions").iter().enumerate() {
        let field = |key: &str| format!("{at}.matchExpressions[{i}].{key}");
        let operator = text(requirement, "/operator");
        let values = list(requirement, "/values").len();
        match operator {
            "In" | "NotIn" if values == 0 => {
                let why = "must be specified when `operator` is 'In' or 'NotIn'";
                errors.required(field("values"), why);
            }
            "Exists" | "DoesNotExist" if values > 0 => {
                let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                errors.forbidden(field("values"), why);
            }
            "Gt" | "Lt" if values != 1 => {
                let why = "must be specified single value when `operator` is 'Lt' or 'Gt'";
                errors.required(field("values"), why);
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
            _ => errors.invalid(field("operator"), operator, "not a valid selector operator"),
        }
        errors.rule(field("key"), text(requirement, "/key"), names::qualified);
    }
    for (i, requirement) in list(term, "/matchFields").iter().enumerate() {
        let field = |key: &str| format!("{at}.matchFields[{i}].{key}");
        if !matches!(text(requirement, "/operator"), "In" | "NotIn") {
            let why = "not a valid selector operator";
            errors.invalid(field("operator"), text(requirement, "/operator"), why);
        } else if list(requirement, "/values").len() != 1 {
            let why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
            errors.required(field("values"), why);
        }
        if text(requirement, "/key") != "metadata.name" {
            let why = "not a valid field selector key";
            errors.invalid(field("key"), text(requirement, "/key"), why);
        }
    }
}

fn pod_affinity(spec: &Value, kind: &str, at: &str, errors: &mut FieldErrors) {
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    for (i, term) in list(spec, &format!("/affinity/{kind}/{required}")).iter().enumerate() {
        topology_key(term, &format!("{at}.{required}[{i}]"), errors);
    }
    let preferred = "preferredDuringSchedulingIgnoredDuringExecution";
    for (i, wish) in list(spec, &format!("/affinity/{kind}/{preferred}")).iter().enumerate() {
        let field = format!("{at}.{preferred}[{i}]");
        weight(wish, &field, errors);
        let term = wish.get("podAffinityTerm").unwrap_or(&Value::Null);
        topology_key(term, &format!("{field}.podAffinityTerm"), errors);
    }
}

fn topology_key(term: &Value, at: &str, errors: &mut FieldErrors) {
    let key = text(term, "/topologyKey");
    if key.is_empty() {
        errors.required(format!("{at}.topologyKey"), "can not be empty");
    }
    errors.rule(format!("{at}.topologyKey"), key, names::qualified);
}

fn spread(constraint: &Value, at: &str, errors: &mut FieldErrors) {
    let skew = number(constraint, "/maxSkew").unwrap_or(0);
    if skew <= 0 {
        errors.invalid(format!("{at}.maxSkew"), skew, "must be greater than zero");
    }
    let key = text(constraint, "/topologyKey");
    if key.is_empty() {
        errors.required(format!("{at}.topologyKey"), "can not be empty");
    } else {
        errors.rule(format!("{at}.topologyKey"), key, names::qualified);
    }
    let when = text(constraint, "/whenUnsatisfiable");
    errors.one_of(format!("{at}.whenUnsatisfiable"), when, &["DoNotSchedule", "ScheduleAnyway"]);
    if let Some(domains) = number(constraint, "/minDomains") {
        if domains <= 0 {
            errors.invalid(format!("{at}.minDomains"), domains, "must be greater than 0");
        }
        if when != "DoNotSchedule" {
            let why = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {when}");
            errors.invalid(format!("{at}.minDomains"), domains, why);
        }
    }
}
