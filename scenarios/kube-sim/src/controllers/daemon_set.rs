//! DaemonSets: a pod on each node that takes it.

mod decide;
mod placement;

use std::sync::Arc;

use futures::FutureExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::backoff::Backoff;
use super::owned::{PODS, claimed, delete_pod, from_template, set_counters};
use super::reconciling::{Concerns, Controller};
use super::recorder::{EventRecord, record};
use super::revisions::{self, POD_LABEL as HASH, REVISIONS};
use super::waiting::earliest;
use crate::kinds::TEMPLATE_GENERATION;
use crate::object::conditions::holds;
use crate::object::field::{annotation, is_terminating, label, map_mut, name, namespace, number, text, uid};
use crate::service::controller_writes::{create_as_controller, replace_as_controller};
use crate::sim::KubeSim;
use crate::store::GroupResource;
use decide::{DaemonPods, Step};

const SETS: GroupResource = ("apps", "daemonsets");
const NODES: GroupResource = ("", "nodes");
const COMPONENT: &str = "daemonset-controller";

/// The controller of DaemonSets.
pub const CONTROLLER: Controller = Controller {
    objects: SETS,
    watched: &[PODS, NODES, REVISIONS],
    concerns: Concerns::All,
    reconcile: |sim, set, backoff| reconcile(sim, set, backoff).boxed(),
};

async fn reconcile(sim: &KubeSim, set: &Arc<Value>, backoff: &mut Backoff) -> Option<Timestamp> {
    if is_terminating(set) {
        return None;
    }
    let known = revisions::all(sim, set);
    let present = revisions::present(sim, set, &known, HASH).await?;
    let hash = label(&present, HASH).unwrap_or_default().to_owned();
    let nodes = sim.store().list(NODES, None).0;
    let now = sim.clock().now();
    let pods = DaemonPods::new(set, &nodes, claimed(sim, set, PODS), &hash, now);
    let due = act(sim, set, &pods, backoff).await;
    let pods = DaemonPods::new(set, &nodes, claimed(sim, set, PODS), &hash, now);
    publish(sim, set, &pods);
    let in_use = revisions::labels_of(pods.all(), HASH);
    let all = revisions::all(sim, set);
    revisions::prune(sim, set, &all, |revision| {
        uid(revision) == uid(&present) || label(revision, HASH).is_some_and(|hash| in_use.contains(hash))
    });
    earliest(due, pods.next_available())
}

/// Makes and deletes pods; returns the instant of the next try of what has to wait.
async fn act(sim: &KubeSim, set: &Value, pods: &DaemonPods<'_>, backoff: &mut Backoff) -> Option<Timestamp> {
    let now = sim.clock().now();
    let mut due = None;
    for step in pods.steps() {
        match step {
            Step::Create(node) => {
                let key = format!("{}/{node}/create", uid(set));
                if let Some(until) = backoff.until(&key, now) {
                    due = earliest(due, Some(until));
                    continue;
                }
                match create(sim, set, pods.hash, node).await {
                    true => backoff.clear(&key),
                    false => due = earliest(due, Some(backoff.fail(&key, now))),
                }
            }
            Step::Delete(pod) => remove(sim, set, &pod),
            Step::Replace(pod, node) => {
                let key = format!("{}/{node}", uid(set));
                if let Some(until) = backoff.until(&key, now) {
                    due = earliest(due, Some(until));
                    continue;
                }
                backoff.fail(&key, now);
                report_ended(sim, set, &pod, node);
                remove(sim, set, &pod);
            }
        }
    }
    due
}

fn report_ended(sim: &KubeSim, set: &Value, pod: &Value, node: &str) {
    let found = |word: &str, what: &str| {
        format!(
            "Found {word} daemon pod {}/{} on node {node}, will try to {what} it",
            namespace(pod),
            name(pod)
        )
    };
    match text(pod, "/status/phase") {
        "Failed" => emit(sim, set, "Warning", "FailedDaemonPod", &found("failed", "kill")),
        _ => emit(sim, set, "Normal", "SucceededDaemonPod", &found("succeeded", "delete")),
    }
}

fn remove(sim: &KubeSim, set: &Value, pod: &Value) {
    delete_pod(sim, pod);
    emit(sim, set, "Normal", "SuccessfulDelete", &format!("Deleted pod: {}", name(pod)));
}

/// Makes a pod for a node; false when it was turned down.
async fn create(sim: &KubeSim, set: &Value, hash: &str, node: &str) -> bool {
    let mut pod = from_template(sim, set, name(set));
    let labels = map_mut(&mut pod["metadata"], "labels");
    labels.insert(HASH.to_owned(), hash.into());
    if let Some(generation) = annotation(set, TEMPLATE_GENERATION) {
        labels.insert("pod-template-generation".to_owned(), generation.into());
    }
    placement::add_tolerations(&mut pod["spec"]);
    placement::bind_to(&mut pod["spec"], node);
    let created = name(&pod).to_owned();
    match create_as_controller(sim, PODS.0, PODS.1, pod).await {
        Ok(()) => emit(sim, set, "Normal", "SuccessfulCreate", &format!("Created pod: {created}")),
        Err(error) => {
            emit(sim, set, "Warning", "FailedCreate", &format!("Error creating: {error}"));
            return false;
        }
    }
    true
}

fn emit(sim: &KubeSim, set: &Value, kind: &str, reason: &str, message: &str) {
    record(sim, set, EventRecord { kind, reason, message, component: COMPONENT });
}

fn publish(sim: &KubeSim, set: &Value, pods: &DaemonPods<'_>) {
    let Some(stored) = sim.store().get(SETS, namespace(set), name(set)) else { return };
    let (mut desired, mut current, mut misscheduled) = (0, 0, 0);
    let (mut ready, mut updated, mut available) = (0, 0, 0);
    for (shall_run, first) in pods.first_of_each_node() {
        desired += i64::from(shall_run);
        let Some(pod) = first else { continue };
        if !shall_run {
            misscheduled += 1;
            continue;
        }
        current += 1;
        ready += i64::from(holds(pod, "Ready"));
        available += i64::from(pods.is_available(pod));
        updated += i64::from(label(pod, HASH) == Some(pods.hash));
    }
    let mut next = (*stored).clone();
    map_mut(&mut next, "status");
    for (key, value) in [
        ("currentNumberScheduled", current),
        ("numberMisscheduled", misscheduled),
        ("desiredNumberScheduled", desired),
        ("numberReady", ready),
    ] {
        next["status"][key] = json!(value);
    }
    let counters = [
        ("observedGeneration", number(set, "/metadata/generation").unwrap_or(0)),
        ("updatedNumberScheduled", updated),
        ("numberAvailable", available),
        ("numberUnavailable", desired - available),
    ];
    set_counters(&mut next["status"], &counters);
    let _ = replace_as_controller(sim, SETS, &stored, next); // whoever changed it meanwhile woke us again
}
