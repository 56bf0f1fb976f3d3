//! The patch of a pod's status and annotations, and the judgement whether one is needed.

use std::collections::BTreeMap;

use eci_api::group::ContainerGroup;
use k8s_openapi::api::core::v1::{Pod, PodStatus};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::annotations::PREFIX;

/// The field that API servers before 1.34 drop, in a status and in its conditions.
const GENERATION: &str = "observedGeneration";

/// The result of writing a pod's status.
#[derive(Debug, Clone)]
pub enum Written {
    /// The pod said so already; nothing was sent.
    Unchanged,
    /// The pod as the API answered it.
    Applied(Box<Pod>),
    /// The pod is another one by now: it is to be read again, and its status computed from what it says then.
    Conflict,
    /// There is no pod of this UID any more.
    Gone,
}

/// Writes a pod's status, where it is not so already: the differences alone.
///
/// # Errors
/// The API's answer, or the lack of one; the write may have been carried out all the same.
pub async fn write(
    client: &Client,
    pod: &Pod,
    wanted: &PodStatus,
    annotations: &BTreeMap<String, String>,
) -> kube::Result<Written> {
    let Some(patch) = patch(pod, wanted, annotations) else { return Ok(Written::Unchanged) };
    let (Some(namespace), Some(name)) = (&pod.metadata.namespace, &pod.metadata.name) else {
        return Ok(Written::Gone);
    };
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    match api.patch_status(name, &PatchParams::default(), &Patch::Strategic(patch)).await {
        Ok(pod) => Ok(Written::Applied(Box::new(pod))),
        Err(kube::Error::Api(answer)) if answer.code == 409 => Ok(Written::Conflict),
        Err(kube::Error::Api(answer)) if answer.code == 404 => Ok(Written::Gone),
        // Another pod has its name.
        Err(kube::Error::Api(answer)) if answer.code == 422 && answer.message.contains("metadata.uid") => {
            Ok(Written::Gone)
        }
        Err(error) => Err(error),
    }
}

/// The patch of a pod's status that turns what it says into `wanted`; `None` when it says so already.
///
/// It holds differences alone, and of conditions only those that differ, so that what others wrote is never written back.
/// It names the UID, and the resource version where it rests on what others write: an end, and `Ready` behind gates.
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
    keep_changed_conditions(fields, &old);
    fields.retain(|key, value| old.get(key).map_or(!value.is_null(), |old| old != value));
    let known = pod.metadata.annotations.clone().unwrap_or_default();
    let missing: Map<String, Value> = annotations
        .iter()
        .filter(|(key, value)| known.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect();
    // An API server that does not know the field drops it each time: alone it is no reason to write.
    let dropped = |key: &str| {
        key == GENERATION && old.get(GENERATION).is_none() && !planted!(DroppedFieldIsWrittenAgain)
    };
    if fields.keys().all(|key| dropped(key)) && missing.is_empty() {
        return None;
    }
    replace_addresses(fields, &old);
    let mut metadata = if planted!(WritesNameNoUid) { json!({}) } else { json!({ "uid": pod.metadata.uid }) };
    if rests_on_others(pod, fields) && !planted!(WritesNameNoVersion) {
        metadata["resourceVersion"] = json!(pod.metadata.resource_version);
    }
    if !missing.is_empty() {
        metadata["annotations"] = missing.into();
    }
    Some(json!({ "metadata": metadata, "status": new }))
}

/// Returns true when these changes follow from what others write into the same object.
fn rests_on_others(pod: &Pod, changes: &Map<String, Value>) -> bool {
    let ends = changes.get("phase").is_some_and(|phase| phase == "Failed" || phase == "Succeeded");
    let gated = pod.spec.as_ref().and_then(|spec| spec.readiness_gates.as_ref());
    let turns_ready =
        changes.get("conditions").is_some_and(|conditions| by_type(conditions).contains_key("Ready"));
    ends || turns_ready && gated.is_some_and(|gates| !gates.is_empty())
}

fn by_type(conditions: &Value) -> BTreeMap<&str, &Value> {
    let all = conditions.as_array().into_iter().flatten();
    all.filter_map(|condition| Some((condition["type"].as_str()?, condition))).collect()
}

/// Leaves the conditions that differ. They are merged by type: what one no longer says must be struck out, or it stands
/// there for ever.
fn keep_changed_conditions(fields: &mut Map<String, Value>, old: &Value) {
    let old = by_type(&old["conditions"]);
    let Some(Value::Array(mut conditions)) = fields.remove("conditions") else { return };
    conditions.retain(|condition| {
        let known = condition["type"].as_str().and_then(|kind| old.get(kind));
        known.is_none_or(|known| !is_same_condition(known, condition)) || planted!(AllConditionsAreSent)
    });
    for condition in &mut conditions {
        let Some(known) = condition["type"].as_str().and_then(|kind| old.get(kind)) else { continue };
        let Some(condition) = condition.as_object_mut() else { continue };
        for cleared in ["reason", "message"] {
            if known.get(cleared).is_some() && !condition.contains_key(cleared) {
                condition.insert(cleared.to_owned(), Value::Null);
            }
        }
    }
    if !conditions.is_empty() {
        fields.insert("conditions".to_owned(), conditions.into());
    }
}

fn is_same_condition(known: &Value, wanted: &Value) -> bool {
    let mut wanted = wanted.clone();
    if let (None, Some(wanted)) = (known.get(GENERATION), wanted.as_object_mut()) {
        wanted.remove(GENERATION);
    }
    *known == wanted
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

/// The annotation that tells people the id of a pod's group; nothing reads it.
const INSTANCE_ID: &str = "eci-instance-id";

/// The annotations that tell of a pod's instance.
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
    fn a_condition_of_somebody_else_is_never_sent_however_old_the_copy_is() {
        let mut pod = pod();
        let gate = json!({ "type": "gate/open", "status": "False" });
        pod.spec = Some(Default::default());
        pod.status = Some(status(json!({ "conditions": [gate, { "type": "Ready", "status": "False" }] })));
        let wanted = status(json!({ "conditions": [gate, { "type": "Ready", "status": "True" }] }));
        let patch = patch(&pod, &wanted, &BTreeMap::new()).unwrap();
        assert_eq!(patch["status"], json!({ "conditions": [{ "type": "Ready", "status": "True" }] }));
    }

    #[test]
    fn what_rests_on_others_names_the_version_it_rests_on() {
        let mut pod = pod();
        pod.metadata.resource_version = Some("7".into());
        let ready = status(json!({ "conditions": [{ "type": "Ready", "status": "True" }] }));
        let version = |pod: &Pod, wanted: &PodStatus| {
            patch(pod, wanted, &BTreeMap::new()).unwrap()["metadata"]["resourceVersion"].clone()
        };
        assert_eq!(version(&pod, &ready), Value::Null);
        pod.spec = serde_json::from_value(
            json!({ "containers": [], "readinessGates": [{ "conditionType": "gate/open" }] }),
        )
        .unwrap();
        assert_eq!(version(&pod, &ready), "7");
        assert_eq!(version(&self::pod(), &status(json!({ "phase": "Running" }))), Value::Null);
        assert_eq!(version(&pod, &status(json!({ "phase": "Failed" }))), "7");
    }

    #[test]
    fn an_api_that_drops_the_generation_is_not_written_to_for_ever() {
        let said = json!({
            "phase": "Pending", "reason": "ProviderFailed", "message": "no stock", "observedGeneration": 2,
            "conditions": [{ "type": "Ready", "status": "False", "observedGeneration": 2 }]
        });
        assert_eq!(patch(&pod(), &status(said.clone()), &BTreeMap::new()), None);
        let mut pod = pod();
        pod.status = Some(status(said.clone()));
        let mut newer = said;
        newer["observedGeneration"] = json!(3);
        let patch = patch(&pod, &status(newer), &BTreeMap::new()).unwrap();
        assert_eq!(patch["status"], json!({ "observedGeneration": 3 }), "where it is kept, it is written");
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
