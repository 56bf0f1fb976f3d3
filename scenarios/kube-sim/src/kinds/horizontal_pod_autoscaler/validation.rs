//! Validation of HorizontalPodAutoscalers, whichever version they came by.

use serde_json::Value;

use super::source_of;
use crate::object::field::{is_set, list, name, number, text};
use crate::object::field_error::FieldErrors;
use crate::object::names;
use crate::object::quantity::thousandths;

const SOURCES: [&str; 5] = ["ContainerResource", "External", "Object", "Pods", "Resource"];
/// The longest time over which recommendations are stabilised, in seconds.
const WINDOW_MAX: i64 = 3600;
/// The longest period of a policy, in seconds.
const PERIOD_MAX: i64 = 1800;
const RAW_OR_UTILIZATION: &str = "must set either a target raw value or a target utilization";

/// Adds the errors of an autoscaler.
pub fn check(object: &Value, _: Option<&Value>, errors: &mut FieldErrors) {
    errors.rule("metadata.name", name(object), names::dns_subdomain);
    let least = number(object, "/spec/minReplicas").unwrap_or(1);
    let most = number(object, "/spec/maxReplicas").unwrap_or(0);
    if least < 1 {
        errors.invalid("spec.minReplicas", least, "must be greater than or equal to 1");
    }
    if most < 1 {
        errors.invalid("spec.maxReplicas", most, "must be greater than 0");
    }
    if most < least {
        errors.invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`");
    }
    for key in ["kind", "name"] {
        if text(object, &format!("/spec/scaleTargetRef/{key}")).is_empty() {
            errors.required(format!("spec.scaleTargetRef.{key}"), "");
        }
    }
    for (at, metric) in list(object, "/spec/metrics").iter().enumerate() {
        check_metric(metric, &format!("spec.metrics[{at}]"), errors);
    }
    for direction in ["scaleUp", "scaleDown"] {
        if let Some(rules) =
            object.pointer(&format!("/spec/behavior/{direction}")).filter(|rules| rules.is_object())
        {
            check_rules(rules, &format!("spec.behavior.{direction}"), errors);
        }
    }
}

fn check_metric(metric: &Value, field: &str, errors: &mut FieldErrors) {
    let kind = text(metric, "/type");
    if kind.is_empty() {
        return errors.required(format!("{field}.type"), "must specify a metric source type");
    }
    errors.one_of(format!("{field}.type"), kind, &SOURCES);
    if !SOURCES.contains(&kind) {
        return;
    }
    let own = source_of(metric);
    for other in ["object", "pods", "resource", "containerResource", "external"] {
        if other != own && is_set(metric, &format!("/{other}")) {
            errors.forbidden(format!("{field}.{other}"), "must populate the given metric source only");
        }
    }
    let Some(source) = metric.get(&own).filter(|source| source.is_object()) else {
        let why = "must populate information for the given metric source";
        return errors.required(format!("{field}.{own}"), why);
    };
    let field = format!("{field}.{own}");
    let missing = |path: &str, place: &str, why: &str, errors: &mut FieldErrors| {
        if text(source, path).is_empty() {
            errors.required(format!("{field}.{place}"), why);
        }
    };
    match own.as_str() {
        "resource" | "containerResource" => missing("/name", "name", "must specify a resource name", errors),
        _ => missing("/metric/name", "metric.name", "must specify a metric name", errors),
    }
    if own == "containerResource" {
        missing("/container", "container", "must specify a container", errors);
    }
    check_target(source, &own, &format!("{field}.target"), errors);
}

fn check_target(source: &Value, own: &str, field: &str, errors: &mut FieldErrors) {
    let kind = text(source, "/target/type");
    match kind {
        "" => errors.required(format!("{field}.type"), "must specify a metric target type"),
        "Utilization" | "Value" | "AverageValue" => {}
        _ => errors.invalid(
            format!("{field}.type"),
            kind,
            "must be either Utilization, Value, or AverageValue",
        ),
    }
    let given = |key: &str| source.pointer(&format!("/target/{key}")).filter(|value| !value.is_null());
    for key in ["value", "averageValue"] {
        if let Some(value) = given(key).filter(|value| thousandths(value) <= 0) {
            errors.invalid(format!("{field}.{key}"), value, "must be positive");
        }
    }
    if let Some(percent) = given("averageUtilization").and_then(Value::as_i64).filter(|percent| *percent < 1)
    {
        errors.invalid(format!("{field}.averageUtilization"), percent, "must be greater than 0");
    }
    let [utilization, average, value] =
        ["averageUtilization", "averageValue", "value"].map(|key| given(key).is_some());
    match own {
        "resource" | "containerResource" if !utilization && !average => {
            errors.required(format!("{field}.averageUtilization"), RAW_OR_UTILIZATION);
        }
        "resource" | "containerResource" if utilization && average => {
            let why = "may not set both a target raw value and a target utilization";
            errors.forbidden(format!("{field}.averageValue"), why);
        }
        "pods" if !average => {
            errors.required(format!("{field}.averageValue"), "must specify a positive target averageValue");
        }
        "object" if !average && !value => {
            let why = "must set either a target value or averageValue";
            errors.required(format!("{field}.averageValue"), why);
        }
        "external" if !average && !value => {
            let why = "must set either a target value for metric or a per-pod target";
            errors.required(format!("{field}.averageValue"), why);
        }
        "external" if average && value => {
            let why = "may not set both a target value for metric and a per-pod target";
            errors.forbidden(format!("{field}.value"), why);
        }
        _ => {}
    }
}

fn check_rules(rules: &Value, field: &str, errors: &mut FieldErrors) {
    if let Some(window) = number(rules, "/stabilizationWindowSeconds") {
        let field = format!("{field}.stabilizationWindowSeconds");
        if window < 0 {
            errors.invalid(field, window, "must be greater than or equal to zero");
        } else if window > WINDOW_MAX {
            errors.invalid(field, window, format!("must be less than or equal to {WINDOW_MAX}"));
        }
    }
    if is_set(rules, "/selectPolicy") {
        let policy = text(rules, "/selectPolicy");
        errors.one_of(format!("{field}.selectPolicy"), policy, &["Disabled", "Max", "Min"]);
    }
    let policies = list(rules, "/policies");
    if policies.is_empty() {
        errors.required(format!("{field}.policies"), "must specify at least one Policy");
    }
    for (at, policy) in policies.iter().enumerate() {
        let field = format!("{field}.policies[{at}]");
        errors.one_of(format!("{field}.type"), text(policy, "/type"), &["Percent", "Pods"]);
        for key in ["value", "periodSeconds"] {
            let given = number(policy, &format!("/{key}")).unwrap_or(0);
            if given <= 0 {
                errors.invalid(format!("{field}.{key}"), given, "must be greater than zero");
            } else if key == "periodSeconds" && given > PERIOD_MAX {
                let why = format!("must be less than or equal to {PERIOD_MAX}");
                errors.invalid(format!("{field}.{key}"), given, why);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn messages(spec: Value) -> Vec<String> {
        let mut errors = FieldErrors::default();
        check(&json!({"metadata": {"name": "web"}, "spec": spec}), None, &mut errors);
        errors.0.iter().map(ToString::to_string).collect()
    }

    fn spec(metric: Value, behavior: Value) -> Value {
        let target = json!({"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"});
        json!({"scaleTargetRef": target, "maxReplicas": 3, "metrics": [metric], "behavior": behavior})
    }

    #[test]
    fn an_autoscaler_that_cannot_work_is_refused_in_the_real_words() {
        assert_eq!(
            messages(json!({"minReplicas": 0, "scaleTargetRef": {"kind": "Deployment"}})),
            [
                "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1",
                "spec.maxReplicas: Invalid value: 0: must be greater than 0",
                "spec.scaleTargetRef.name: Required value",
            ]
        );
        let cpu = |target: Value| json!({"type": "Resource", "resource": {"name": "cpu", "target": target}});
        let fine = cpu(json!({"type": "Utilization", "averageUtilization": 50}));
        assert_eq!(messages(spec(fine.clone(), Value::Null)), Vec::<String>::new());
        for (metric, words) in [
            (
                json!({"type": "Weather"}),
                "spec.metrics[0].type: Unsupported value: \"Weather\": supported values: \"ContainerResource\", \"External\", \"Object\", \"Pods\", \"Resource\"",
            ),
            (
                json!({"type": "Resource"}),
                "spec.metrics[0].resource: Required value: must populate information for the given metric source",
            ),
            (
                cpu(json!({"type": "Utilization"})),
                "spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization",
            ),
            (
                cpu(json!({"type": "AverageValue", "averageValue": "0"})),
                "spec.metrics[0].resource.target.averageValue: Invalid value: \"0\": must be positive",
            ),
        ] {
            assert_eq!(messages(spec(metric, Value::Null)), [words]);
        }
        let policy = json!({"type": "Pods", "value": 0, "periodSeconds": 1801});
        let behavior = json!({"scaleUp": {"stabilizationWindowSeconds": 3601, "selectPolicy": "Max", "policies": [policy]}});
        assert_eq!(
            messages(spec(fine, behavior)),
            [
                "spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600",
                "spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero",
                "spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800",
            ]
        );
    }
}
