//! ReplicaSets: as many pods as asked for, no more and no less.

use std::sync::Arc;

use futures::FutureExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::backoff::Backoff;
use super::owned::{
    self, ConditionTime, PODS, available_from, claimed, delete_pod, from_template, is_active, set_counters,
};
use super::reconciling::{Concerns, Controller};
use super::recorder::{EventRecord, record};
use super::waiting::earliest;
use crate::label_selector::selects;
use crate::object::conditions::{Condition, holds};
use crate::object::field::{is_terminating, name, number, uid};
use crate::service::controller_writes::{create_as_controller, replace_as_controller};
use crate::sim::KubeSim;
use crate::status::ApiError;
use crate::store::GroupResource;

const SETS: GroupResource = ("apps", "replicasets");
const COMPONENT: &str = "replicaset-controller";

/// The controller of ReplicaSets.
pub const CONTROLLER: Controller = Controller {
    objects: SETS,
    watched: &[PODS],
    concerns: Concerns::Owners("ReplicaSet"),
    reconcile: |sim, set, backoff| reconcile(sim, set, backoff).boxed(),
};

/// The step towards as many active pods as asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Plan {
    /// Create this many pods; 0 when there are enough.
    Create(usize),
    /// Delete these pods.
    Delete(Vec<Arc<Value>>),
}

/// Decides for a set whose pods are `pods`.
pub fn plan(set: &Value, pods: &[Arc<Value>]) -> Plan {
    let wanted = usize::try_from(number(set, "/spec/replicas").unwrap_or(1)).unwrap_or(0);
    let mut active: Vec<_> = pods.iter().filter(|pod| is_active(pod)).cloned().collect();
    if active.len() <= wanted {
        return Plan::Create(wanted - active.len());
    }
    owned::sort_for_deletion(&mut active);
    active.truncate(active.len() - wanted);
    Plan::Delete(active)
}

async fn reconcile(sim: &KubeSim, set: &Arc<Value>, backoff: &mut Backoff) -> Option<Timestamp> {
    let mut pods = claimed(sim, set, PODS);
    let before = sim.store().revision();
    let mut failure = None;
    let mut due = None;
    if !is_terminating(set) {
        match plan(set, &pods) {
            Plan::Create(0) => backoff.clear(uid(set)),
            Plan::Create(more) => {
                let now = sim.clock().now();
                due = backoff.until(uid(set), now);
                if due.is_some() {
                    failure = Some(None);
                } else if let Err(why) = create(sim, set, more).await {
                    due = Some(backoff.fail(uid(set), now));
                    failure = Some(Some(why.message));
                } else {
                    backoff.clear(uid(set));
                }
            }
            Plan::Delete(pods) => pods.iter().for_each(|pod| delete(sim, set, pod)),
        }
    }
    if sim.store().revision() != before {
        pods = claimed(sim, set, PODS);
    }
    let now = sim.clock().now();
    let seconds = number(set, "/spec/minReadySeconds").unwrap_or(0);
    let soon = match seconds {
        0 => None,
        _ => pods.iter().filter_map(|pod| available_from(pod, seconds)).filter(|at| *at > now).min(),
    };
    publish(sim, set, &pods, failure);
    earliest(due, soon)
}

async fn create(sim: &KubeSim, set: &Value, more: usize) -> Result<(), ApiError> {
    for _ in 0..more {
        let pod = from_template(sim, set, name(set));
        let created = name(&pod).to_owned();
        match create_as_controller(sim, "", "pods", pod).await {
            Ok(()) => emit(sim, set, "Normal", "SuccessfulCreate", &format!("Created pod: {created}")),
            Err(error) => {
                let namespace_leaves = error.message.contains("because it is being terminated");
                if !namespace_leaves {
                    emit(sim, set, "Warning", "FailedCreate", &format!("Error creating: {error}"));
                }
                return Err(error);
            }
        }
    }
    Ok(())
}

fn delete(sim: &KubeSim, set: &Value, pod: &Value) {
    delete_pod(sim, pod);
    emit(sim, set, "Normal", "SuccessfulDelete", &format!("Deleted pod: {}", name(pod)));
}

fn emit(sim: &KubeSim, set: &Value, kind: &str, reason: &str, message: &str) {
    record(sim, set, EventRecord { kind, reason, message, component: COMPONENT });
}

/// Writes the set's status; `failure` is `Some(None)` while an earlier failure still counts.
fn publish(sim: &KubeSim, set: &Arc<Value>, pods: &[Arc<Value>], failure: Option<Option<String>>) {
    let Some(set) = sim.store().get(SETS, crate::object::field::namespace(set), name(set)) else { return };
    let now = sim.clock().now();
    let mut next = (*set).clone();
    crate::object::field::map_mut(&mut next, "status");
    let seconds = number(&set, "/spec/minReadySeconds").unwrap_or(0);
    let active: Vec<_> = pods.iter().filter(|pod| is_active(pod)).collect();
    let template = &set["spec"]["template"]["metadata"]["labels"];
    let fully = json!({"matchLabels": template});
    let tally = |holds: &dyn Fn(&Value) -> bool| {
        i64::try_from(active.iter().filter(|pod| holds(pod)).count()).unwrap_or(i64::MAX)
    };
    let is_available = |pod: &Value| match seconds {
        0 => holds(pod, "Ready"),
        _ => available_from(pod, seconds).is_some_and(|at| at <= now),
    };
    next["status"]["replicas"] = tally(&|_| true).into();
    let counters = [
        ("fullyLabeledReplicas", tally(&|pod| selects(Some(&fully), pod))),
        ("readyReplicas", tally(&|pod| holds(pod, "Ready"))),
        ("availableReplicas", tally(&is_available)),
        ("observedGeneration", number(&set, "/metadata/generation").unwrap_or(0)),
    ];
    set_counters(&mut next["status"], &counters);
    match failure {
        Some(Some(why)) => {
            let condition =
                Condition { kind: "ReplicaFailure", status: "True", reason: "FailedCreate", message: &why };
            owned::set_condition(&mut next, &condition, ConditionTime::Transition, now);
        }
        Some(None) => {}
        None => {
            if let Some(all) = next.pointer_mut("/status/conditions").and_then(Value::as_array_mut) {
                all.retain(|condition| condition["type"] != "ReplicaFailure");
            }
            if next["status"]["conditions"] == json!([]) {
                next["status"].as_object_mut().and_then(|status| status.shift_remove("conditions"));
            }
        }
    }
    let _ = replace_as_controller(sim, SETS, &set, next); // whoever changed it meanwhile woke us again
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pod(phase: &str, leaving: bool) -> Arc<Value> {
        let mut pod =
            json!({"metadata": {"name": "p"}, "spec": {"nodeName": "n"}, "status": {"phase": phase}});
        if leaving {
            pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T09:00:00Z");
        }
        Arc::new(pod)
    }

    #[test]
    fn only_pods_that_still_work_count() {
        let pods =
            [pod("Running", false), pod("Running", true), pod("Failed", false), pod("Succeeded", false)];
        assert_eq!(plan(&json!({"spec": {"replicas": 2}}), &pods), Plan::Create(1));
    }

    proptest! {
        #[test]
        fn after_the_plan_there_are_as_many_as_asked_for(
            wanted in 0usize..8, states in prop::collection::vec((0usize..4, any::<bool>()), 0..12),
        ) {
            let phases = ["Pending", "Running", "Succeeded", "Failed"];
            let pods: Vec<_> = states.iter().map(|(phase, leaving)| pod(phases[*phase], *leaving)).collect();
            let active = pods.iter().filter(|pod| is_active(pod)).count();
            let after = match plan(&json!({"spec": {"replicas": wanted}}), &pods) {
                Plan::Create(more) => active + more,
                Plan::Delete(gone) => {
                    prop_assert!(gone.iter().all(|pod| is_active(pod)));
                    active - gone.len()
                }
            };
            prop_assert_eq!(after, wanted);
        }
    }
}
