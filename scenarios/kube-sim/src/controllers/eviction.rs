//! Eviction of pods from nodes with NoExecute taints, and of pods whose node is gone.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::recorder::{EventRecord, record};
use super::waiting::ChangeWatcher;
use crate::kinds;
use crate::object::conditions::{self, Condition};
use crate::object::field::{is_terminating, list, name, namespace, text, uid};
use crate::object::timestamp;
use crate::pods::phase::is_terminal;
use crate::pods::tolerations::{TolerationTime, toleration_time};
use crate::service::controller_writes::replace_as_controller;
use crate::service::delete::{Options, delete};
use crate::sim::KubeSim;
use crate::store::GroupResource;

const NODES: GroupResource = ("", "nodes");
const PODS: GroupResource = ("", "pods");
/// Time from the disappearance of a node to the removal of its pods.
const QUARANTINE: SignedDuration = SignedDuration::from_secs(40);
/// Time between two rounds of removing pods whose node is gone: what replaces them is removed by the next round only.
const ROUND: SignedDuration = SignedDuration::from_secs(20);

/// Evicts until the future is dropped.
pub async fn run(sim: &KubeSim) {
    let mut changes = ChangeWatcher::new(sim, &[NODES, PODS]);
    let mut missed: BTreeMap<String, Timestamp> = BTreeMap::new();
    let mut last_round = None;
    loop {
        changes.mark_seen();
        let due = reconcile(sim, &mut missed, &mut last_round);
        changes.wait(sim, due).await;
    }
}

/// Reconciles all bound pods once; returns the instant of the next eviction.
fn reconcile(
    sim: &KubeSim,
    missed: &mut BTreeMap<String, Timestamp>,
    last_round: &mut Option<Timestamp>,
) -> Option<Timestamp> {
    let now = sim.clock().now();
    let nodes: BTreeMap<String, Arc<Value>> =
        sim.store().list(NODES, None).0.into_iter().map(|node| (name(&node).to_owned(), node)).collect();
    missed.retain(|node, _| !nodes.contains_key(node));
    let mut next: Option<Timestamp> = None;
    let next_round = last_round.map_or(Timestamp::MIN, |last| later(last, ROUND));
    for pod in sim.store().list(PODS, None).0 {
        let node = text(&pod, "/spec/nodeName");
        if node.is_empty() || is_terminating(&pod) && nodes.contains_key(node) {
            continue;
        }
        let due = match nodes.get(node) {
            Some(node) => tainted_until(&pod, node, now),
            None => Some(later(*missed.entry(node.to_owned()).or_insert(now), QUARANTINE).max(next_round)),
        };
        let Some(due) = due else { continue };
        if due > now {
            next = Some(next.map_or(due, |other| other.min(due)));
        } else if nodes.contains_key(node) {
            evict(sim, &pod);
        } else {
            *last_round = Some(now);
            delete_orphaned(sim, &pod);
        }
    }
    next
}

fn later(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.saturating_add(span).unwrap_or(Timestamp::MAX)
}

/// The instant at which the node's NoExecute taints evict the pod; `None` for never.
fn tainted_until(pod: &Value, node: &Value, now: Timestamp) -> Option<Timestamp> {
    let taints: Vec<&Value> =
        list(node, "/spec/taints").iter().filter(|t| text(t, "/effect") == "NoExecute").collect();
    if taints.is_empty() || is_terminal(pod) {
        return None;
    }
    let tainted = taints.iter().filter_map(|taint| timestamp::read(taint, "/timeAdded")).min().unwrap_or(now);
    // A pod that came later tolerates the taint from then on: Kubernetes counts from when it sees the two together.
    let since = timestamp::read(pod, "/metadata/creationTimestamp").map_or(tainted, |made| made.max(tainted));
    match toleration_time(pod, &taints) {
        TolerationTime::Unlimited => None,
        TolerationTime::None => Some(now),
        TolerationTime::Seconds(seconds) => {
            Some(later(since, SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))))
        }
    }
}

fn mark_disrupted(
    sim: &KubeSim,
    pod: &Arc<Value>,
    reason: &str,
    message: &str,
    phase: Option<&str>,
) -> Arc<Value> {
    let mut next = (**pod).clone();
    conditions::set(
        &mut next,
        &Condition { kind: "DisruptionTarget", status: "True", reason, message },
        sim.clock().now(),
    );
    if let Some(phase) = phase.filter(|_| !is_terminal(pod)) {
        next["status"]["phase"] = phase.into();
    }
    replace_as_controller(sim, PODS, pod, next).unwrap_or_else(|_| pod.clone())
}

fn evict(sim: &KubeSim, pod: &Arc<Value>) {
    let message = format!("Marking for deletion Pod {}/{}", namespace(pod), name(pod));
    let component = "taint-eviction-controller";
    record(
        sim,
        pod,
        EventRecord { kind: "Normal", reason: "TaintManagerEviction", message: &message, component },
    );
    let pod = mark_disrupted(
        sim,
        pod,
        "DeletionByTaintManager",
        "Taint manager: deleting due to NoExecute taint",
        None,
    );
    remove(sim, &pod, None);
}

fn delete_orphaned(sim: &KubeSim, pod: &Arc<Value>) {
    let pod = mark_disrupted(sim, pod, "DeletionByPodGC", "PodGC: node no longer exists", Some("Failed"));
    remove(sim, &pod, Some(0));
}

fn remove(sim: &KubeSim, pod: &Value, grace: Option<i64>) {
    let Some(kind) = kinds::find("", "pods") else { return };
    let options = Options { grace, uid: Some(uid(pod).to_owned()), ..Options::default() };
    // A pod that somebody else deleted first is deleted all the same.
    let _ = delete(sim.store(), kind, namespace(pod), name(pod), &options, sim.clock().now());
}
