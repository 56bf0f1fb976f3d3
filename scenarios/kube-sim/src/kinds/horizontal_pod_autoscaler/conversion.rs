//! HorizontalPodAutoscalers of `autoscaling/v1`: what that version has no field for stands in annotations, as JSON.

use serde_json::{Map, Value, json};

use super::source_of;
use crate::kinds::Conversion;
use crate::object::field::{entries, is_set, list, map_mut, text};

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT_METRICS: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";

/// Fields of a metric's source in v1, and their place in v2.
const FIELDS: [(&str, &[(&str, &str)]); 5] = [
    (
        "resource",
        &[
            ("name", "/name"),
            ("targetAverageUtilization", "/target/averageUtilization"),
            ("targetAverageValue", "/target/averageValue"),
            ("currentAverageUtilization", "/current/averageUtilization"),
            ("currentAverageValue", "/current/averageValue"),
        ],
    ),
    (
        "containerResource",
        &[
            ("name", "/name"),
            ("targetAverageUtilization", "/target/averageUtilization"),
            ("targetAverageValue", "/target/averageValue"),
            ("currentAverageUtilization", "/current/averageUtilization"),
            ("currentAverageValue", "/current/averageValue"),
            ("container", "/container"),
        ],
    ),
    (
        "pods",
        &[
            ("metricName", "/metric/name"),
            ("targetAverageValue", "/target/averageValue"),
            ("currentAverageValue", "/current/averageValue"),
            ("selector", "/metric/selector"),
        ],
    ),
    (
        "object",
        &[
            ("target", "/describedObject"),
            ("metricName", "/metric/name"),
            ("targetValue", "/target/value"),
            ("currentValue", "/current/value"),
            ("selector", "/metric/selector"),
            ("averageValue", "/target/averageValue"),
        ],
    ),
    (
        "external",
        &[
            ("metricName", "/metric/name"),
            ("metricSelector", "/metric/selector"),
            ("targetValue", "/target/value"),
            ("targetAverageValue", "/target/averageValue"),
            ("currentValue", "/current/value"),
            ("currentAverageValue", "/current/averageValue"),
        ],
    ),
];

/// The form of `autoscaling/v1`, stored as `autoscaling/v2`.
pub const V1: Conversion = Conversion { to_stored, to_shown };

fn to_shown(mut object: Value) -> Value {
    object["apiVersion"] = "autoscaling/v1".into();
    let spec = map_mut(&mut object, "spec");
    let metrics = spec.shift_remove("metrics").unwrap_or_default();
    let behavior = spec.shift_remove("behavior").filter(Value::is_object);
    let metrics: Vec<Value> = list(&metrics, "").to_vec();
    let is_cpu = |metric: &&Value| {
        is_set(metric, "/resource/target/averageUtilization") && text(metric, "/resource/name") == "cpu"
    };
    if let Some(first) = metrics.iter().find(is_cpu) {
        object["spec"]["targetCPUUtilizationPercentage"] =
            first["resource"]["target"]["averageUtilization"].clone();
    }
    let others: Vec<Value> = metrics.iter().filter(|metric| !is_cpu(metric)).map(older).collect();
    let status = map_mut(&mut object, "status");
    let current = status.shift_remove("currentMetrics").unwrap_or_default();
    let conditions = status.shift_remove("conditions").unwrap_or_default();
    status.entry("currentReplicas").or_insert_with(|| 0.into());
    let current: Vec<Value> = list(&current, "").to_vec();
    let is_cpu = |metric: &&Value| {
        is_set(metric, "/resource/current/averageUtilization") && text(metric, "/resource/name") == "cpu"
    };
    if let Some(first) = current.iter().find(is_cpu) {
        object["status"]["currentCPUUtilizationPercentage"] =
            first["resource"]["current"]["averageUtilization"].clone();
    }
    let current: Vec<Value> = current.iter().map(older).collect();
    drop_annotations(&mut object);
    let lists = [(METRICS, others), (CURRENT_METRICS, current), (CONDITIONS, list(&conditions, "").to_vec())];
    let lists =
        lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(key, list)| (key, Value::from(list)));
    for (key, value) in
        lists.chain(behavior.map(|behavior| (BEHAVIOR, recased(&behavior, char::to_ascii_uppercase))))
    {
        map_mut(&mut object["metadata"], "annotations").insert(key.to_owned(), value.to_string().into());
    }
    object
}

fn to_stored(mut object: Value) -> Value {
    object["apiVersion"] = "autoscaling/v2".into();
    let noted = |key: &str| -> Option<Value> {
        let text = object["metadata"]["annotations"].get(key)?.as_str()?;
        serde_json::from_str(text).ok()
    };
    let [metrics, current, conditions, behavior] =
        [METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR].map(noted);
    let metrics: Option<Vec<Value>> = metrics.map(|metrics| list(&metrics, "").iter().map(newer).collect());
    let current: Option<Vec<Value>> = current.map(|current| list(&current, "").iter().map(newer).collect());
    let cpu = |part: &str, percent: Value| {
        let mut resource = json!({"name": "cpu"});
        resource[part] = json!({"averageUtilization": percent});
        if part == "target" {
            resource[part]["type"] = "Utilization".into();
        }
        json!({"type": "Resource", "resource": resource})
    };
    let spec = map_mut(&mut object, "spec");
    let target = spec.shift_remove("targetCPUUtilizationPercentage").filter(|target| !target.is_null());
    let metrics: Vec<Value> =
        metrics.into_iter().flatten().chain(target.map(|target| cpu("target", target))).collect();
    if !metrics.is_empty() {
        spec.insert("metrics".to_owned(), metrics.into());
    }
    if let Some(behavior) = behavior.filter(Value::is_object) {
        spec.insert("behavior".to_owned(), recased(&behavior, char::to_ascii_lowercase));
    }
    if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
        let used = status.shift_remove("currentCPUUtilizationPercentage").filter(|used| !used.is_null());
        let current = current.or_else(|| used.map(|used| vec![cpu("current", used)]));
        if let Some(current) = current {
            status.insert("currentMetrics".to_owned(), current.into());
        }
        if let Some(conditions) = conditions.filter(Value::is_array) {
            status.insert("conditions".to_owned(), conditions);
        }
    }
    drop_annotations(&mut object);
    object
}

fn drop_annotations(object: &mut Value) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) else { return };
    annotations.retain(|key, _| ![METRICS, CURRENT_METRICS, BEHAVIOR, CONDITIONS].contains(&key.as_str()));
    if annotations.is_empty() {
        metadata.shift_remove("annotations");
    }
}

fn fields_of(metric: &Value) -> (String, &'static [(&'static str, &'static str)]) {
    let source = source_of(metric);
    let fields = FIELDS.iter().find(|(name, _)| *name == source).map_or(&[][..], |(_, fields)| fields);
    (source, fields)
}

/// A metric, or its status, as v1 writes it.
fn older(metric: &Value) -> Value {
    let (source, fields) = fields_of(metric);
    let found = fields.iter().filter_map(|(old, new)| {
        let value = metric[source.as_str()].pointer(new).filter(|value| !value.is_null())?;
        Some(((*old).to_owned(), value.clone()))
    });
    let found: Map<String, Value> = found.collect();
    let mut older = json!({"type": metric["type"]});
    if !found.is_empty() {
        older[source.as_str()] = found.into();
    }
    older
}

/// A metric, or its status, as v2 writes it.
fn newer(metric: &Value) -> Value {
    let (source, fields) = fields_of(metric);
    let mut newer = json!({"type": metric["type"]});
    for (old, new) in fields {
        let Some(value) = metric[source.as_str()].get(old).filter(|value| !value.is_null()) else { continue };
        let (part, key) = new[1..].split_once('/').unwrap_or(("", &new[1..]));
        let own = map_mut(&mut newer, &source);
        if part.is_empty() {
            own.insert(key.to_owned(), value.clone());
            continue;
        }
        let part_of = own.entry(part).or_insert_with(|| json!({}));
        part_of[key] = value.clone();
        let kind = match (part, key) {
            ("target", "averageUtilization") => "Utilization",
            ("target", "averageValue") => "AverageValue",
            ("target", "value") => "Value",
            _ => continue,
        };
        part_of["type"] = kind.into();
    }
    newer
}

/// A value with the first letter of every member's name in another case: the annotation of the behaviour has the names of
/// Go's fields.
fn recased(value: &Value, case: fn(&char) -> char) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| recased(item, case)).collect(),
        Value::Object(_) => {
            let renamed = entries(value, "").map(|(key, value)| {
                let mut letters = key.chars();
                let name: String = letters.next().iter().map(case).chain(letters).collect();
                (name, recased(value, case))
            });
            Value::Object(renamed.collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> Value {
        let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
        let condition = json!({"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale"});
        json!({
            "kind": "HorizontalPodAutoscaler", "apiVersion": "autoscaling/v2",
            "metadata": {"name": "web", "annotations": {"own": "1"}},
            "spec": {
                "scaleTargetRef": {"kind": "Deployment", "name": "web"}, "minReplicas": 1, "maxReplicas": 9,
                "metrics": [
                    {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}},
                    {"type": "Pods", "pods": {"metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "4"}}},
                    {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}},
                ],
                "behavior": {"scaleDown": {"selectPolicy": "Max", "policies": [percent]}},
            },
            "status": {
                "currentReplicas": 2, "desiredReplicas": 3, "conditions": [condition],
                "currentMetrics": [{"type": ""}, {"type": ""},
                    {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 75, "averageValue": "75m"}}}],
            },
        })
    }

    #[test]
    fn v1_has_the_target_of_cpu_as_a_field_and_the_rest_in_annotations() {
        let shown = to_shown(stored());
        assert_eq!(shown["apiVersion"], "autoscaling/v1");
        assert_eq!(shown["spec"]["targetCPUUtilizationPercentage"], 50);
        assert_eq!(shown["status"]["currentCPUUtilizationPercentage"], 75);
        let annotations = &shown["metadata"]["annotations"];
        assert_eq!(annotations["own"], "1");
        assert_eq!(
            annotations[METRICS],
            r#"[{"type":"Resource","resource":{"name":"memory","targetAverageValue":"1Gi"}},{"type":"Pods","pods":{"metricName":"queue","targetAverageValue":"4"}}]"#
        );
        assert_eq!(
            annotations[BEHAVIOR],
            r#"{"ScaleDown":{"SelectPolicy":"Max","Policies":[{"Type":"Percent","Value":100,"PeriodSeconds":15}]}}"#
        );
        assert_eq!(shown["spec"].get("metrics"), None);
        assert_eq!(shown["status"].get("conditions"), None);
    }

    #[test]
    fn there_and_back_nothing_is_lost() {
        assert_eq!(to_stored(to_shown(stored())), stored());
    }
}
