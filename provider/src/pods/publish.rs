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
    fields.retain(|key, value| old.get(key).map_or(!value.is_null(), |old| !says_the_same(old, value)));
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

/// Returns true when two values of a status differ at most in states that say nothing: an API server writes `{}` for the last
/// state of a container that never ended.
fn says_the_same(old: &Value, new: &Value) -> bool {
    let without_empty_states = |value: &Value| {
        let mut value = value.clone();
        for container in value.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            container.retain(|_, field| field.as_object().is_none_or(|field| !field.is_empty()));
        }
        value
    };
    old == new || without_empty_states(old) == without_empty_states(new)
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
    // A group has a type where that is billed, and not its vCPU and memory.
    let size = || cpu.as_ref().zip(memory.as_ref()).map(|(cpu, memory)| format!("{cpu}-{memory}Gi"));
    let spec = text(&group.instance_type).or_else(size);
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
mod tests;
