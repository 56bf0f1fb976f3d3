//! Eviction of pods from nodes with NoExecute taints, and of pods whose node is gone.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::following::{Follower, Key, News, key_of};
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
    let mut evictor = Evictor::new();
    loop {
        changes.mark_seen();
        let due = evictor.round(sim);
        changes.wait(sim, due).await;
    }
}

/// The controller between its rounds.
#[derive(Debug)]
struct Evictor {
    follower: Follower,
    /// The pods bound to each node, there or not.
    bound: BTreeMap<String, BTreeMap<Key, Arc<Value>>>,
    /// Since when each node is missed that pods are bound to.
    missed: BTreeMap<String, Timestamp>,
    /// The last removal of pods whose node is gone.
    last_round: Option<Timestamp>,
    /// Number of pods that were looked at.
    visited: usize,
}

impl Evictor {
    fn new() -> Self {
        let (bound, missed) = (BTreeMap::new(), BTreeMap::new());
        Self { follower: Follower::new(PODS), bound, missed, last_round: None, visited: 0 }
    }

    fn insert(&mut self, pod: &Arc<Value>) {
        self.visited += 1;
        let node = text(pod, "/spec/nodeName");
        if !node.is_empty() {
            self.bound.entry(node.to_owned()).or_default().insert(key_of(pod), Arc::clone(pod));
        }
    }

    fn remove(&mut self, pod: &Value) {
        let node = text(pod, "/spec/nodeName");
        if let Some(there) = self.bound.get_mut(node) {
            there.remove(&key_of(pod));
            if there.is_empty() {
                self.bound.remove(node);
            }
        }
    }

    fn catch_up(&mut self, sim: &KubeSim) {
        match self.follower.news(sim.store()) {
            News::Changes(changes) => {
                for change in &changes {
                    change.before.iter().for_each(|before| self.remove(before));
                    if !change.removed {
                        self.insert(&change.after);
                    }
                }
            }
            News::Everything(pods) => {
                self.bound.clear();
                pods.iter().for_each(|pod| self.insert(pod));
            }
        }
    }

    /// The pods of nodes that are gone or repel what runs on them, by namespace and name.
    fn threatened(&mut self, nodes: &BTreeMap<String, Arc<Value>>) -> Vec<Arc<Value>> {
        let repels = |node: &Arc<Value>| {
            list(node, "/spec/taints").iter().any(|taint| text(taint, "/effect") == "NoExecute")
        };
        let theirs = self.bound.iter().filter(|(node, _)| nodes.get(*node).is_none_or(repels));
        let pods: BTreeMap<&Key, &Arc<Value>> = theirs.flat_map(|(_, pods)| pods).collect();
        self.visited += pods.len();
        pods.into_values().cloned().collect()
    }

    /// Takes in the pods that changed, and reconciles those that may have to go; returns the instant of the next eviction.
    fn round(&mut self, sim: &KubeSim) -> Option<Timestamp> {
        self.catch_up(sim);
        let now = sim.clock().now();
        let nodes: BTreeMap<String, Arc<Value>> =
            sim.store().list(NODES, None).0.into_iter().map(|node| (name(&node).to_owned(), node)).collect();
        self.missed.retain(|node, _| !nodes.contains_key(node));
        let mut next: Option<Timestamp> = None;
        let next_round = self.last_round.map_or(Timestamp::MIN, |last| later(last, ROUND));
        for pod in self.threatened(&nodes) {
            let node = text(&pod, "/spec/nodeName");
            if is_terminating(&pod) && nodes.contains_key(node) {
                continue;
            }
            let due = match nodes.get(node) {
                Some(node) => tainted_until(&pod, node, now),
                None => {
                    let since = *self.missed.entry(node.to_owned()).or_insert(now);
                    Some(later(since, QUARANTINE).max(next_round))
                }
            };
            let Some(due) = due else { continue };
            if due > now {
                next = Some(next.map_or(due, |other| other.min(due)));
            } else if nodes.contains_key(node) {
                evict(sim, &pod);
            } else {
                self.last_round = Some(now);
                delete_orphaned(sim, &pod);
            }
        }
        next
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(sim: &KubeSim, taints: &Value) -> Arc<Value> {
        let whole = json!({"kind": "Node", "apiVersion": "v1", "metadata": {"name": "n", "uid": "n"}, "spec": {"taints": taints}});
        sim.store().create(NODES, whole).unwrap()
    }

    fn pod(sim: &KubeSim, at: usize) -> Arc<Value> {
        let name = format!("p{at}");
        let whole = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"namespace": "default", "name": name, "uid": name},
            "spec": {"nodeName": "n"}, "status": {"phase": "Running"}});
        sim.store().create(PODS, whole).unwrap()
    }

    /// Makes pods and removes them one by one, with a round after each; returns the number of pods looked at.
    fn looked_at(count: usize) -> usize {
        let (sim, mut evictor) = (KubeSim::builder().build(), Evictor::new());
        node(&sim, &json!([{"key": "a", "effect": "NoSchedule"}]));
        for at in 0..count {
            pod(&sim, at);
            evictor.round(&sim);
        }
        for made in sim.store().list(PODS, None).0 {
            sim.store().remove(PODS, &made).unwrap();
            evictor.round(&sim);
        }
        assert!(evictor.bound.is_empty());
        evictor.visited
    }

    #[test]
    fn a_pod_costs_the_same_however_many_run_on_nodes_that_keep_them() {
        assert_eq!(looked_at(100), 10 * looked_at(10));
    }

    #[test]
    fn a_taint_that_comes_later_evicts_the_pods_that_are_there() {
        let (sim, mut evictor) = (KubeSim::builder().build(), Evictor::new());
        let made = node(&sim, &json!([]));
        pod(&sim, 1);
        assert_eq!(evictor.round(&sim), None);
        let mut tainted = (*made).clone();
        tainted["spec"]["taints"] = json!([{"key": "a", "effect": "NoExecute"}]);
        sim.store().replace(NODES, &made, tainted).unwrap();
        evictor.round(&sim);
        let left = sim.store().list(PODS, None).0;
        assert!(left.iter().all(|pod| is_terminating(pod)), "{left:?}");
    }
}
