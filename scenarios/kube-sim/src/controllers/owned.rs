//! The pods of a workload: those it owns, those still active, and new ones from its template.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::kinds;
use crate::label_selector::selects;
use crate::meta;
use crate::object::conditions;
use crate::object::field::{
    annotation, controller, is_terminating, list, name, namespace, number, text, uid,
};
use crate::object::timestamp;
use crate::pods::phase::is_terminal;
use crate::service::controller_writes::replace_as_controller;
use crate::service::delete::{Options, delete};
use crate::sim::KubeSim;
use crate::store::GroupResource;

/// Group and resource of pods.
pub const PODS: GroupResource = ("", "pods");

/// The objects of a kind that `owner` controls, after it took in those that match its selector and have no controller,
/// and let go of those that match no longer.
pub fn claimed(sim: &KubeSim, owner: &Value, resource: GroupResource) -> Vec<Arc<Value>> {
    let selector = owner.pointer("/spec/selector");
    let mut mine = Vec::new();
    for object in sim.store().claimable(resource, namespace(owner), uid(owner)) {
        let controlled = controller(&object).map(|reference| text(reference, "/uid") == uid(owner));
        match (controlled, selects(selector, &object)) {
            (Some(true), true) => mine.push(object),
            (Some(true), false) if !is_terminating(owner) => drop(release(sim, owner, resource, &object)),
            (None, true) if !is_terminating(owner) && !is_terminating(&object) => {
                mine.extend(adopt(sim, owner, resource, &object));
            }
            _ => {}
        }
    }
    mine
}

fn adopt(sim: &KubeSim, owner: &Value, resource: GroupResource, object: &Arc<Value>) -> Option<Arc<Value>> {
    let mut taken = (**object).clone();
    crate::object::field::list_mut(&mut taken["metadata"], "ownerReferences").push(reference(owner));
    replace_as_controller(sim, resource, object, taken).ok()
}

fn release(sim: &KubeSim, owner: &Value, resource: GroupResource, object: &Arc<Value>) -> Option<Arc<Value>> {
    let mut free = (**object).clone();
    crate::object::field::list_mut(&mut free["metadata"], "ownerReferences")
        .retain(|reference| text(reference, "/uid") != uid(owner));
    replace_as_controller(sim, resource, object, free).ok()
}

/// The reference by which `owner` controls what it made.
pub fn reference(owner: &Value) -> Value {
    json!({"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": name(owner), "uid": uid(owner),
        "controller": true, "blockOwnerDeletion": true})
}

/// A new pod of `owner`, named after `stem` with a random end.
pub fn from_template(sim: &KubeSim, owner: &Value, stem: &str) -> Value {
    let template = &owner["spec"]["template"];
    let prefix: String = format!("{stem}-").chars().take(58).collect();
    let mut metadata = json!({
        "name": format!("{prefix}{}", meta::suffix(sim)), "generateName": prefix, "namespace": namespace(owner)});
    for map in ["labels", "annotations", "finalizers"] {
        if let Some(given) = template.pointer(&format!("/metadata/{map}")).filter(|v| !v.is_null()) {
            metadata[map] = given.clone();
        }
    }
    metadata["ownerReferences"] = json!([reference(owner)]);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
}

/// True for a pod that has not ended and is not being deleted.
pub fn is_active(pod: &Value) -> bool {
    !is_terminal(pod) && !is_terminating(pod)
}

/// The instant since which the pod has been ready; `None` while it is not.
pub fn ready_since(pod: &Value) -> Option<Timestamp> {
    let ready = conditions::find(pod, "Ready").filter(|c| text(c, "/status") == "True")?;
    timestamp::read(ready, "/lastTransitionTime")
}

/// The instant at which the pod will have been ready for `seconds`; `None` while it is not ready.
pub fn available_from(pod: &Value, seconds: i64) -> Option<Timestamp> {
    let since = ready_since(pod)?;
    Some(since.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX))
}

/// Deletes a pod with its own grace period.
pub fn delete_pod(sim: &KubeSim, pod: &Value) {
    let Some(kind) = kinds::find("", "pods") else { return };
    let options = Options { uid: Some(uid(pod).to_owned()), ..Options::default() };
    // A pod that somebody else deleted first is deleted all the same.
    let _ = delete(sim.store(), kind, namespace(pod), name(pod), &options, sim.clock().now());
}

/// Sorts pods for deletion, as a ReplicaSet that shrinks does: unbound, pending, unready and young ones first.
pub fn sort_for_deletion(pods: &mut [Arc<Value>]) {
    let at: Vec<String> = pods.iter().map(|pod| text(pod, "/spec/nodeName").to_owned()).collect();
    let crowd = |pod: &Value| {
        let node = text(pod, "/spec/nodeName");
        at.iter().filter(|other| !node.is_empty() && other.as_str() == node).count()
    };
    let key = |pod: &Arc<Value>| {
        let phase = match text(pod, "/status/phase") {
            "Pending" | "" => 0,
            "Unknown" => 1,
            _ => 2,
        };
        let ready = ready_since(pod);
        let cost = annotation(pod, "controller.kubernetes.io/pod-deletion-cost");
        let cost: i64 = cost.and_then(|cost| cost.parse().ok()).unwrap_or(0);
        (
            !text(pod, "/spec/nodeName").is_empty(),
            phase,
            ready.is_some(),
            cost,
            std::cmp::Reverse(crowd(pod)),
            std::cmp::Reverse(ready),
            std::cmp::Reverse(restarts(pod)),
            std::cmp::Reverse(text(pod, "/metadata/creationTimestamp").to_owned()),
            name(pod).to_owned(),
        )
    };
    pods.sort_by_cached_key(key);
}

/// Number of restarts of the pod's containers.
pub fn restarts(pod: &Value) -> i64 {
    let of =
        |kind: &str| list(pod, &format!("/status/{kind}")).iter().filter_map(|s| number(s, "/restartCount"));
    of("containerStatuses").chain(of("initContainerStatuses")).sum()
}

/// Sets an object's condition; its times move as the real controllers move them.
pub fn set_condition(
    object: &mut Value,
    condition: &conditions::Condition<'_>,
    times: ConditionTime,
    now: Timestamp,
) {
    let now = timestamp::seconds(now);
    let old = conditions::find(object, condition.kind).cloned();
    let moved = old.as_ref().is_none_or(|old| text(old, "/status") != condition.status);
    let said = |old: &Value| (text(old, "/reason").to_owned(), text(old, "/message").to_owned());
    let same_words =
        old.as_ref().map(said) == Some((condition.reason.to_owned(), condition.message.to_owned()));
    if !moved && same_words {
        return;
    }
    let transition = old.filter(|_| !moved).map(|old| old["lastTransitionTime"].clone());
    let mut new = json!({"type": condition.kind, "status": condition.status});
    match times {
        ConditionTime::Updated => new["lastUpdateTime"] = now.as_str().into(),
        ConditionTime::Probed => new["lastProbeTime"] = now.as_str().into(),
        ConditionTime::Transition => {}
    }
    new["lastTransitionTime"] = transition.unwrap_or_else(|| now.into());
    for (key, value) in [("reason", condition.reason), ("message", condition.message)] {
        if !value.is_empty() {
            new[key] = value.into();
        }
    }
    crate::object::field::map_mut(object, "status");
    let all = crate::object::field::list_mut(&mut object["status"], "conditions");
    match all.iter_mut().find(|c| text(c, "/type") == condition.kind) {
        Some(slot) => *slot = new,
        None => all.push(new),
    }
}

/// The time that a kind's conditions carry beside `lastTransitionTime`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionTime {
    /// No other time.
    Transition,
    /// `lastUpdateTime`, as deployments do.
    Updated,
    /// `lastProbeTime`, as jobs do.
    Probed,
}

/// Sets the counters of a status; a counter of zero is left out.
pub fn set_counters(status: &mut Value, counters: &[(&str, i64)]) {
    let status = match status {
        Value::Object(status) => status,
        _ => return,
    };
    for (key, value) in counters {
        if *value == 0 {
            status.shift_remove(*key);
        } else {
            status.insert((*key).to_owned(), (*value).into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pods_that_are_missed_least_go_first() {
        let pod = |name: &str, node: &str, phase: &str, ready: Option<&str>, cost: &str| {
            let conditions =
                ready.map(|at| json!([{"type": "Ready", "status": "True", "lastTransitionTime": at}]));
            Arc::new(json!({
                "metadata": {"name": name, "creationTimestamp": "2026-01-01T09:00:00Z",
                    "annotations": {"controller.kubernetes.io/pod-deletion-cost": cost}},
                "spec": {"nodeName": node}, "status": {"phase": phase, "conditions": conditions}}))
        };
        let old = Some("2026-01-01T09:00:00Z");
        let mut pods = vec![
            pod("old", "a", "Running", old, "0"),
            pod("dear", "a", "Running", old, "9"),
            pod("alone", "b", "Running", old, "0"),
            pod("young", "a", "Running", Some("2026-01-01T10:00:00Z"), "0"),
            pod("unready", "a", "Running", None, "0"),
            pod("starting", "a", "Pending", None, "0"),
            pod("unplaced", "", "Pending", None, "0"),
        ];
        sort_for_deletion(&mut pods);
        let names: Vec<_> = pods.iter().map(|pod| name(pod)).collect();
        assert_eq!(names, ["unplaced", "starting", "unready", "young", "old", "alone", "dear"]);
    }
}
