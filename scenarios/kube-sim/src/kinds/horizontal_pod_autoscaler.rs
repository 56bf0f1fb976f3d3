//! HorizontalPodAutoscalers: two versions of one kind, defaults and columns.

mod conversion;
mod validation;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::kind::{CORE, Kind, Rules, status};
use crate::object::field::{default_to, is_set, list, map_mut, number, text};
use crate::table::cells::{AGE, Column, NAME, age_of, count, name_of, text_column};

/// The percentage of the requested CPU that is aimed at where nothing is said.
const DEFAULT_UTILIZATION: i64 = 80;
/// Most metrics that the table shows.
const SHOWN_MAX: usize = 2;

const COLUMNS: &[Column] = &[
    NAME,
    text_column("Reference"),
    text_column("Targets"),
    text_column("MinPods"),
    text_column("MaxPods"),
    text_column("Replicas"),
    AGE,
];

/// The row of HorizontalPodAutoscalers of `autoscaling/v2`, the form in which they are stored.
pub const AUTOSCALERS: Kind = Kind {
    group: "autoscaling",
    version: "v2",
    resource: "horizontalpodautoscalers",
    kind: "HorizontalPodAutoscaler",
    short: &["hpa"],
    categories: &["all"],
    subresources: &[status("HorizontalPodAutoscaler")],
    rules: Rules { fill: |object, _| fill(object), check: validation::check, columns: COLUMNS, row },
    ..CORE
};

/// The row of HorizontalPodAutoscalers of `autoscaling/v1`: one target of CPU, and the rest in annotations.
pub const AUTOSCALERS_V1: Kind = Kind { version: "v1", conversion: Some(conversion::V1), ..AUTOSCALERS };

fn fill(object: &mut Value) {
    map_mut(object, "spec");
    let spec = &mut object["spec"];
    default_to(spec, "minReplicas", 1);
    if list(spec, "/metrics").is_empty() {
        let target = json!({"type": "Utilization", "averageUtilization": DEFAULT_UTILIZATION});
        spec["metrics"] = json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]);
    }
    if is_set(spec, "/behavior") {
        let behavior = &mut spec["behavior"];
        let pods = json!({"type": "Pods", "value": 4, "periodSeconds": 15});
        let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
        for (direction, policies) in [("scaleUp", json!([pods, percent])), ("scaleDown", json!([percent]))] {
            map_mut(behavior, direction);
            let rules = &mut behavior[direction];
            if direction == "scaleUp" {
                default_to(rules, "stabilizationWindowSeconds", 0);
            }
            default_to(rules, "selectPolicy", "Max");
            default_to(rules, "policies", policies);
            // Behind a feature gate that is off in this version.
            map_mut(behavior, direction).shift_remove("tolerance");
        }
    }
    map_mut(object, "status");
    default_to(&mut object["status"], "desiredReplicas", 0);
    default_to(&mut object["status"], "currentMetrics", Value::Null);
}

fn row(object: &Value, now: Timestamp) -> Vec<Value> {
    let target = "/spec/scaleTargetRef";
    let reference =
        format!("{}/{}", text(object, &format!("{target}/kind")), text(object, &format!("{target}/name")));
    let least = number(object, "/spec/minReplicas").map_or("<unset>".to_owned(), |least| least.to_string());
    vec![
        name_of(object),
        reference.into(),
        targets(object).into(),
        least.into(),
        count(object, "/spec/maxReplicas").into(),
        count(object, "/status/currentReplicas").into(),
        age_of(object, now),
    ]
}

/// What is measured and what is aimed at, for the first metrics.
fn targets(object: &Value) -> String {
    let metrics = list(object, "/spec/metrics");
    if metrics.is_empty() {
        return "<none>".to_owned();
    }
    let current = list(object, "/status/currentMetrics");
    let shown = metrics.iter().enumerate().map(|(at, metric)| target(metric, current.get(at)));
    let shown: Vec<_> = shown.take(SHOWN_MAX).collect();
    match metrics.len().saturating_sub(SHOWN_MAX) {
        0 => shown.join(", "),
        more => format!("{} + {more} more...", shown.join(", ")),
    }
}

fn target(metric: &Value, current: Option<&Value>) -> String {
    let source = source_of(metric);
    let wanted = |key: &str| metric.pointer(&format!("/{source}/target/{key}"));
    let seen = |key: &str| current.and_then(|current| current.pointer(&format!("/{source}/current/{key}")));
    let said = |value: Option<&Value>, otherwise: &str| match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => otherwise.to_owned(),
        Some(other) => other.to_string(),
    };
    let percent = |value: Option<&Value>, otherwise: &str| match value.and_then(Value::as_i64) {
        Some(percent) => format!("{percent}%"),
        None => otherwise.to_owned(),
    };
    let average = wanted("averageValue").is_some();
    let value = |key: &str| format!("{}/{}", said(seen(key), "<unknown>"), said(wanted(key), ""));
    match (source.as_str(), average) {
        ("resource" | "containerResource", true) => {
            format!("{}: {}", text(metric, &format!("/{source}/name")), value("averageValue"))
        }
        ("resource" | "containerResource", false) => {
            let seen = percent(seen("averageUtilization"), "<unknown>");
            let wanted = percent(wanted("averageUtilization"), "<auto>");
            format!("{}: {seen}/{wanted}", text(metric, &format!("/{source}/name")))
        }
        ("pods", _) => value("averageValue"),
        ("object" | "external", true) => format!("{} (avg)", value("averageValue")),
        ("object" | "external", false) => value("value"),
        _ => "<unknown type>".to_owned(),
    }
}

/// The member of a metric that its type names.
fn source_of(metric: &Value) -> String {
    let kind = text(metric, "/type");
    let mut letters = kind.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_stands_beside_what_is_aimed_at() {
        let metric = |name: &str, target: Value| json!({"type": "Resource", "resource": {"name": name, "target": target}});
        let seen = |current: Value| json!({"type": "Resource", "resource": {"current": current}});
        let (cpu, memory) = (json!({"averageUtilization": 50}), json!({"averageValue": "1Gi"}));
        for (metrics, current, wanted) in [
            (json!([metric("cpu", cpu.clone())]), Value::Null, "cpu: <unknown>/50%"),
            (
                json!([metric("cpu", cpu.clone())]),
                json!([seen(json!({"averageUtilization": 7}))]),
                "cpu: 7%/50%",
            ),
            (
                json!([metric("memory", memory.clone())]),
                json!([seen(json!({"averageValue": "3Mi"}))]),
                "memory: 3Mi/1Gi",
            ),
            (
                json!([metric("cpu", cpu.clone()), metric("memory", memory), metric("cpu", cpu)]),
                json!([{"type": ""}]),
                "cpu: <unknown>/50%, memory: <unknown>/1Gi + 1 more...",
            ),
        ] {
            let autoscaler = json!({"spec": {"metrics": metrics}, "status": {"currentMetrics": current}});
            assert_eq!(targets(&autoscaler), wanted);
        }
    }

    #[test]
    fn a_behaviour_that_says_something_is_filled_in_for_both_directions() {
        let mut autoscaler =
            json!({"spec": {"behavior": {"scaleDown": {"selectPolicy": "Disabled", "tolerance": "5"}}}});
        fill(&mut autoscaler);
        let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
        let pods = json!({"type": "Pods", "value": 4, "periodSeconds": 15});
        assert_eq!(
            autoscaler["spec"]["behavior"],
            json!({"scaleDown": {"selectPolicy": "Disabled", "policies": [percent]},
                "scaleUp": {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [pods, percent]}})
        );
    }
}
