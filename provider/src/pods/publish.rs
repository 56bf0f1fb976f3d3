//! What is written to the API about a pod, and whether anything needs to be.

use std::collections::BTreeMap;

use eci_api::group::ContainerGroup;
use k8s_openapi::api::core::v1::{Pod, PodStatus};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::annotations::PREFIX;
use super::book::INSTANCE_ID;

/// The patch of a pod's status that turns what it says into `wanted`; `None` when it says so already.
pub fn patch(pod: &Pod, wanted: &PodStatus, annotations: &BTreeMap<String, String>) -> Option<Value> {
    let old = serde_json::to_value(pod.status.as_ref()).unwrap_or_default();
    let mut new = serde_json::to_value(wanted).ok()?;
    let fields = new.as_object_mut()?;
    // The API set it, and takes no other.
    fields.remove("qosClass");
    for cleared in ["reason", "message"] {
        if !fields.contains_key(cleared) && old.get(cleared).is_some() {
            fields.insert(cleared.to_owned(), Value::Null);
        }
    }
    let unchanged = fields.iter().all(|(key, value)| is_same(key, old.get(key), value));
    let known = pod.metadata.annotations.clone().unwrap_or_default();
    let missing: Map<String, Value> = annotations
        .iter()
        .filter(|(key, value)| known.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect();
    if unchanged && missing.is_empty() {
        return None;
    }
    replace_addresses(fields, &old);
    clear_conditions(fields, &old);
    let mut metadata = json!({ "uid": pod.metadata.uid });
    if !missing.is_empty() {
        metadata["annotations"] = missing.into();
    }
    Some(json!({ "metadata": metadata, "status": new }))
}

fn is_same(key: &str, old: Option<&Value>, new: &Value) -> bool {
    match (key, old) {
        (_, None) => new.is_null(),
        ("conditions", Some(old)) => by_type(old) == by_type(new),
        (_, Some(old)) => old == new,
    }
}

fn by_type(conditions: &Value) -> BTreeMap<&str, &Value> {
    let all = conditions.as_array().into_iter().flatten();
    all.filter_map(|condition| Some((condition["type"].as_str()?, condition))).collect()
}

/// Conditions are merged by type: what one no longer says must be struck out, or it stands there for ever.
fn clear_conditions(fields: &mut Map<String, Value>, old: &Value) {
    let old = by_type(&old["conditions"]);
    for condition in fields.get_mut("conditions").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(known) = condition["type"].as_str().and_then(|kind| old.get(kind)) else { continue };
        let Some(condition) = condition.as_object_mut() else { continue };
        for cleared in ["reason", "message"] {
            if known.get(cleared).is_some() && !condition.contains_key(cleared) {
                condition.insert(cleared.to_owned(), Value::Null);
            }
        }
    }
}

/// Addresses are merged by themselves: those that are no longer true must be struck out one by one.
fn replace_addresses(fields: &mut Map<String, Value>, old: &Value) {
    for list in ["podIPs", "hostIPs"] {
        let Some(Value::Array(new)) = fields.get_mut(list) else { continue };
        let kept: Vec<Value> = new.iter().map(|address| address["ip"].clone()).collect();
        let stale =
            old[list].as_array().into_iter().flatten().filter(|address| !kept.contains(&address["ip"]));
        new.extend(
            stale.map(|address| json!({ "$patch": "delete", "ip": address["ip"] })).collect::<Vec<_>>(),
        );
    }
}

/// What a pod's annotations say about its instance.
pub fn annotations(group: &ContainerGroup) -> BTreeMap<String, String> {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let size = |number: Decimal| Some(number).filter(|number| !number.is_zero()).map(with_fraction);
    let (cpu, memory) = (size(group.cpu.decimal()), size(group.memory.decimal()));
    let spec = cpu.as_ref().zip(memory.as_ref()).map(|(cpu, memory)| format!("{cpu}-{memory}Gi"));
    let all = [
        (INSTANCE_ID, text(&group.container_group_id)),
        ("eci-instance-spec", spec),
        ("eci-instance-cpu", cpu),
        ("eci-instance-mem", memory),
        ("eci-instance-zone", text(&group.zone_id)),
        ("eci-instance-compute-category", text(&group.compute_category)),
        ("eci-vpc", text(&group.vpc_id)),
        ("eni-instance-id", text(&group.eni_instance_id)),
        ("allocated-eipAddress", text(&group.internet_ip)),
        ("allocated-ipv6Address", text(&group.ipv6_address)),
    ];
    all.into_iter().filter_map(|(key, value)| Some((format!("{PREFIX}{key}"), value?))).collect()
}

/// One decimal at least: `8` is written `8.0`.
fn with_fraction(number: Decimal) -> String {
    let number = number.normalize();
    if number.scale() == 0 { format!("{number}.0") } else { number.to_string() }
}

#[cfg(test)]
mod tests {
    use eci_api::Number;

    use super::*;

    fn pod() -> Pod {
        serde_json::from_value(json!({
            "metadata": { "name": "p", "uid": "u", "annotations": { "kept": "yes" } },
            "status": {
                "phase": "Pending", "reason": "ProviderFailed", "message": "no stock", "qosClass": "BestEffort",
                "podIPs": [{ "ip": "10.0.0.1" }],
                "conditions": [{ "type": "Ready", "status": "False" }, { "type": "Other", "status": "True" }]
            }
        }))
        .unwrap()
    }

    fn status(value: Value) -> PodStatus {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn nothing_is_written_when_nothing_changed_whatever_the_order_of_conditions() {
        let same = status(json!({
            "phase": "Pending", "reason": "ProviderFailed", "message": "no stock",
            "conditions": [{ "type": "Other", "status": "True" }, { "type": "Ready", "status": "False" }]
        }));
        assert_eq!(patch(&pod(), &same, &BTreeMap::new()), None);
    }

    #[test]
    fn a_change_names_the_pod_s_uid_and_clears_what_is_no_longer_said() {
        let patch = patch(&pod(), &status(json!({ "phase": "Running" })), &BTreeMap::new()).unwrap();
        assert_eq!(patch["metadata"], json!({ "uid": "u" }));
        assert_eq!(patch["status"], json!({ "phase": "Running", "reason": null, "message": null }));
    }

    #[test]
    fn a_condition_that_holds_again_loses_the_words_for_why_it_did_not() {
        let mut pod = pod();
        let words =
            json!({ "reason": "ContainersNotReady", "message": "containers with unready status: [c]" });
        let condition = |status: &str| json!({ "type": "Ready", "status": status });
        let mut unready = condition("False");
        unready.as_object_mut().unwrap().extend(words.as_object().unwrap().clone());
        pod.status = Some(status(json!({ "conditions": [unready] })));
        let ready = status(json!({ "conditions": [condition("True")] }));
        let patch = patch(&pod, &ready, &BTreeMap::new()).unwrap();
        let sent = &patch["status"]["conditions"][0];
        assert_eq!(
            (&sent["status"], &sent["reason"], &sent["message"]),
            (&json!("True"), &Value::Null, &Value::Null)
        );
        assert!(sent.as_object().unwrap().contains_key("reason"), "null strikes out; absence would not");
    }

    #[test]
    fn an_address_that_changed_is_struck_out() {
        let moved = status(
            json!({ "podIPs": [{ "ip": "10.0.0.2" }], "reason": "ProviderFailed", "message": "no stock" }),
        );
        let patch = patch(&pod(), &moved, &BTreeMap::new()).unwrap();
        assert_eq!(
            patch["status"]["podIPs"],
            json!([{ "ip": "10.0.0.2" }, { "$patch": "delete", "ip": "10.0.0.1" }])
        );
    }

    #[test]
    fn the_instance_is_told_in_annotations_the_way_the_vendor_writes_them() {
        let group = |cpu: &str, memory: &str| ContainerGroup {
            container_group_id: "eci-1".into(),
            cpu: cpu.parse::<Number>().unwrap(),
            memory: memory.parse().unwrap(),
            ..ContainerGroup::default()
        };
        for (cpu, memory, spec) in
            [("8", "14", "8.0-14.0Gi"), ("0.25", "0.5", "0.25-0.5Gi"), ("2.0", "4", "2.0-4.0Gi")]
        {
            let annotations = annotations(&group(cpu, memory));
            assert_eq!(annotations["k8s.aliyun.com/eci-instance-spec"], spec);
        }
        assert_eq!(annotations(&group("0", "0")).len(), 1, "an instance that is not placed yet has no size");
    }
}
