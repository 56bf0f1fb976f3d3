//! The node lifecycle: a node without heartbeats becomes unknown and tainted, and its pods not ready.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::recorder::{EventRecord, record};
use super::waiting::ChangeWatcher;
use crate::object::conditions::{self, Condition};
use crate::object::field::{flag, list, list_mut, map_mut, name, text, uid};
use crate::object::timestamp;
use crate::service::controller_writes::replace_as_controller;
use crate::sim::KubeSim;
use crate::store::GroupResource;

const NODES: GroupResource = ("", "nodes");
const LEASES: GroupResource = ("coordination.k8s.io", "leases");
const PODS: GroupResource = ("", "pods");
/// Time without a heartbeat after which a node is unknown (Kubernetes 1.32 and later).
const HEARTBEAT_GRACE: SignedDuration = SignedDuration::from_secs(50);
/// The same for a node that never sent a heartbeat, from its creation on.
const STARTUP_GRACE: SignedDuration = SignedDuration::from_secs(60);
const CONDITIONS: [&str; 4] = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];
const COMPONENT: &str = "node-controller";
const TTL: &str = "node.alpha.kubernetes.io/ttl";

/// Reconciles nodes until the future is dropped.
pub async fn run(sim: &KubeSim) {
    let mut changes = ChangeWatcher::new(sim, &[NODES, LEASES]);
    let mut known = BTreeSet::new();
    let mut settled: Vec<Arc<Value>> = Vec::new();
    loop {
        changes.mark_seen();
        let (nodes, _) = sim.store().list(NODES, None);
        let is_known = |node: &Arc<Value>| settled.iter().any(|settled| Arc::ptr_eq(settled, node));
        // Most rounds are for a lease alone, which says no more than that the node is not silent.
        if settled.len() != nodes.len() || !nodes.iter().all(is_known) {
            emit_registered(sim, &nodes, &mut known);
        }
        let mut due = None;
        for node in &nodes {
            let is_settled = is_known(node);
            let deadline = deadline(sim, node);
            let silent = sim.clock().now() >= deadline;
            if silent || !is_settled {
                reconcile(sim, node, silent);
            }
            if !silent {
                due = Some(due.map_or(deadline, |due: Timestamp| due.min(deadline)));
            }
        }
        settled = nodes;
        changes.wait(sim, due).await;
    }
}

/// Emits `RegisteredNode` for each new node.
fn emit_registered(sim: &KubeSim, nodes: &[Arc<Value>], known: &mut BTreeSet<String>) {
    for node in nodes.iter().filter(|node| !known.contains(uid(node))) {
        let name = name(node);
        let message = format!("Node {name} event: Registered Node {name} in Controller");
        record(
            sim,
            node,
            EventRecord { kind: "Normal", reason: "RegisteredNode", message: &message, component: COMPONENT },
        );
    }
    *known = nodes.iter().map(|node| uid(node).to_owned()).collect();
}

/// Reconciles one node, which is `silent` where the deadline of its next heartbeat has passed.
fn reconcile(sim: &KubeSim, node: &Arc<Value>, silent: bool) {
    let now = sim.clock().now();
    let mut next = (**node).clone();
    // The TTL controller's value for a small cluster.
    map_mut(&mut next["metadata"], "annotations").entry(TTL).or_insert_with(|| "0".into());
    let was_ready = conditions::holds(node, "Ready");
    if silent {
        become_unknown(&mut next, now);
    }
    taint(&mut next, now);
    let changed = next != **node;
    if changed && replace_as_controller(sim, NODES, node, next).is_ok() && silent && was_ready {
        let message = format!("Node {} status is now: NodeNotReady", name(node));
        record(
            sim,
            node,
            EventRecord { kind: "Normal", reason: "NodeNotReady", message: &message, component: COMPONENT },
        );
        unready_pods(sim, name(node));
    }
}

/// The instant until which the node's last heartbeat counts.
fn deadline(sim: &KubeSim, node: &Value) -> Timestamp {
    let lease = sim.store().get(LEASES, "kube-node-lease", name(node));
    let renewed = lease.and_then(|lease| timestamp::read(&lease, "/spec/renewTime"));
    let posted =
        conditions::find(node, "Ready").and_then(|ready| timestamp::read(ready, "/lastHeartbeatTime"));
    let later = |at: Timestamp, span| at.saturating_add(span).unwrap_or(Timestamp::MAX);
    match renewed.max(posted) {
        Some(sign) => later(sign, HEARTBEAT_GRACE),
        None => {
            let created = timestamp::read(node, "/metadata/creationTimestamp").unwrap_or(Timestamp::MAX);
            later(created, STARTUP_GRACE)
        }
    }
}

fn become_unknown(node: &mut Value, now: Timestamp) {
    for kind in CONDITIONS {
        let known = conditions::find(node, kind);
        if known.is_some_and(|condition| text(condition, "/status") == "Unknown") {
            continue;
        }
        let never = known.is_none();
        let heartbeat = known.map(|condition| condition["lastHeartbeatTime"].clone());
        let heartbeat = heartbeat.unwrap_or_else(|| node["metadata"]["creationTimestamp"].clone());
        let (reason, message) = match never {
            true => ("NodeStatusNeverUpdated", "Kubelet never posted node status."),
            false => ("NodeStatusUnknown", "Kubelet stopped posting node status."),
        };
        let condition = json!({"type": kind, "status": "Unknown", "reason": reason, "message": message,
            "lastHeartbeatTime": heartbeat, "lastTransitionTime": timestamp::seconds(now)});
        let all = list_mut(&mut node["status"], "conditions");
        match all.iter_mut().find(|c| text(c, "/type") == kind) {
            Some(old) => *old = condition,
            None => all.push(condition),
        }
    }
}

/// Sets the taints that follow from the node's conditions, and removes those that do not.
fn taint(node: &mut Value, now: Timestamp) {
    let ready = conditions::find(node, "Ready").map(|condition| text(condition, "/status").to_owned());
    let ready = ready.unwrap_or_default();
    let not_ready = ready == "False";
    let unreachable = ready == "Unknown";
    let wanted = [
        ("node.kubernetes.io/not-ready", "NoSchedule", not_ready || ready.is_empty()),
        ("node.kubernetes.io/not-ready", "NoExecute", not_ready),
        ("node.kubernetes.io/unreachable", "NoSchedule", unreachable),
        ("node.kubernetes.io/unreachable", "NoExecute", unreachable),
        ("node.kubernetes.io/memory-pressure", "NoSchedule", conditions::holds(node, "MemoryPressure")),
        ("node.kubernetes.io/disk-pressure", "NoSchedule", conditions::holds(node, "DiskPressure")),
        ("node.kubernetes.io/pid-pressure", "NoSchedule", conditions::holds(node, "PIDPressure")),
        (
            "node.kubernetes.io/network-unavailable",
            "NoSchedule",
            conditions::holds(node, "NetworkUnavailable"),
        ),
        ("node.kubernetes.io/unschedulable", "NoSchedule", flag(node, "/spec/unschedulable")),
    ];
    for (key, effect, wanted) in wanted {
        let is_it = |taint: &Value| text(taint, "/key") == key && text(taint, "/effect") == effect;
        let there = list(node, "/spec/taints").iter().any(is_it);
        if wanted && !there {
            let taint = json!({"key": key, "effect": effect, "timeAdded": timestamp::seconds(now)});
            list_mut(&mut node["spec"], "taints").push(taint);
        } else if !wanted && there {
            list_mut(&mut node["spec"], "taints").retain(|taint| !is_it(taint));
        }
    }
    if list(node, "/spec/taints").is_empty() {
        node["spec"].as_object_mut().and_then(|spec| spec.shift_remove("taints"));
    }
}

fn unready_pods(sim: &KubeSim, node: &str) {
    let now = sim.clock().now();
    for pod in sim.store().list(PODS, None).0.iter().filter(|pod| text(pod, "/spec/nodeName") == node) {
        if !conditions::holds(pod, "Ready") {
            continue;
        }
        let mut next = (**pod).clone();
        conditions::set(
            &mut next,
            &Condition { kind: "Ready", status: "False", reason: "", message: "" },
            now,
        );
        if let Ok(next) = replace_as_controller(sim, PODS, pod, next) {
            let entry = EventRecord {
                kind: "Warning",
                reason: "NodeNotReady",
                message: "Node is not ready",
                component: COMPONENT,
            };
            record(sim, &next, entry);
        }
    }
}
