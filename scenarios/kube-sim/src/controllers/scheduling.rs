//! The scheduler's loop: binds pending pods to nodes, or reports why none fits.

use std::collections::BTreeMap;
use std::sync::Arc;

use determinism::Chance;
use serde_json::{Value, json};

use super::recorder::{Happening, record};
use super::waiting::Changes;
use crate::sim::KubeSim;
use crate::pods::binding;
use crate::object::conditions::{self, Condition};
use crate::object::field::{is_leaving, list, name, namespace, text, uid};
use crate::pods::phase::is_terminal;
use crate::scheduler::candidate::Cluster;
use crate::scheduler::place;
use crate::store::Shelf;

const PODS: Shelf = ("", "pods");
const NODES: Shelf = ("", "nodes");
const COMPONENT: &str = "default-scheduler";

/// Places pods until the future is dropped.
pub async fn run(sim: &KubeSim) {
    let mut changes = Changes::of(sim, &[PODS, NODES]);
    let mut chance = sim.seed().chance("scheduler");
    let mut told = BTreeMap::new();
    loop {
        changes.seen();
        round(sim, &mut chance, &mut told);
        changes.next(sim, None).await;
    }
}

fn waits(pod: &Value) -> bool {
    text(pod, "/spec/nodeName").is_empty()
        && text(pod, "/spec/schedulerName") == COMPONENT
        && !is_leaving(pod)
        && !is_terminal(pod)
}

/// Schedules all pending pods once; `told` is the message last reported for each, by uid.
fn round(sim: &KubeSim, chance: &mut Chance, told: &mut BTreeMap<String, String>) {
    let (pods, _) = sim.store().list(PODS, None);
    let mut waiting: Vec<Arc<Value>> = pods.iter().filter(|pod| waits(pod)).cloned().collect();
    if waiting.is_empty() {
        return;
    }
    waiting.sort_by_key(|pod| {
        let priority = -pod.pointer("/spec/priority").and_then(Value::as_i64).unwrap_or(0);
        (priority, text(pod, "/metadata/creationTimestamp").to_owned(), name(pod).to_owned())
    });
    told.retain(|uid_told, _| waiting.iter().any(|pod| uid(pod) == uid_told));
    let nodes = sim.store().list(NODES, None).0;
    let namespaces = sim.store().list(("", "namespaces"), None).0;
    let mut cluster = Cluster::new(each(&nodes), each(&pods), each(&namespaces));
    for pod in &waiting {
        if !list(pod, "/spec/schedulingGates").is_empty() {
            gated(sim, pod);
            continue;
        }
        let claim = |namespace: &str, name: &str| {
            sim.store().get(("", "persistentvolumeclaims"), namespace, name).is_some()
        };
        match place(pod, &cluster, claim, chance) {
            Ok(node) => {
                bind(sim, pod, &node);
                cluster.put(pod, &node);
            }
            Err(unplaced) => tell(sim, pod, &unplaced.to_string(), told),
        }
    }
}

fn each(objects: &[Arc<Value>]) -> impl Iterator<Item = &Value> {
    objects.iter().map(AsRef::as_ref)
}

fn bind(sim: &KubeSim, pod: &Arc<Value>, node: &str) {
    let binding = json!({"metadata": {"name": name(pod)}, "target": {"kind": "Node", "name": node}});
    let mut bound = (**pod).clone();
    let fits = binding::bind(&mut bound, &binding, sim.clock().now()).is_ok();
    if !fits {
        return;
    }
    if let Ok(bound) = sim.store().replace(PODS, pod, bound) {
        let message = format!("Successfully assigned {}/{} to {node}", namespace(pod), name(pod));
        let happening =
            Happening { kind: "Normal", reason: "Scheduled", message: &message, component: COMPONENT };
        record(sim, &bound, happening);
    }
}

fn gated(sim: &KubeSim, pod: &Arc<Value>) {
    let message = "Scheduling is blocked due to non-empty scheduling gates";
    let _ = set(
        sim,
        pod,
        &Condition { kind: "PodScheduled", status: "False", reason: "SchedulingGated", message },
    );
}

fn tell(sim: &KubeSim, pod: &Arc<Value>, why: &str, told: &mut BTreeMap<String, String>) {
    if told.get(uid(pod)).is_some_and(|last| last == why) {
        return;
    }
    let condition =
        Condition { kind: "PodScheduled", status: "False", reason: "Unschedulable", message: why };
    if !set(sim, pod, &condition) {
        return;
    }
    told.insert(uid(pod).to_owned(), why.to_owned());
    record(
        sim,
        pod,
        Happening { kind: "Warning", reason: "FailedScheduling", message: why, component: COMPONENT },
    );
}

/// Writes a condition; false when the pod changed meanwhile, and so will be looked at again.
fn set(sim: &KubeSim, pod: &Arc<Value>, condition: &Condition<'_>) -> bool {
    let mut next = (**pod).clone();
    !conditions::set(&mut next, condition, sim.clock().now()) || sim.store().replace(PODS, pod, next).is_ok()
}
