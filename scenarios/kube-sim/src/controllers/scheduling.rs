//! The scheduler's loop: takes the pods that wait, places them or tells them why not.

use std::collections::BTreeMap;
use std::sync::Arc;

use determinism::Chance;
use serde_json::{Value, json};

use super::recorder::{Happening, record};
use super::waiting::Changes;
use crate::KubeSim;
use crate::pods::binding;
use crate::pods::conditions::{self, Condition};
use crate::pods::field::{is_leaving, list, name, namespace, text, uid};
use crate::scheduler::candidate::{Cluster, is_over};
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
        && !is_over(pod)
}

/// One look at all pods that wait; `told` is what each was told last, by uid.
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
    let owned =
        |shelf| sim.store().list(shelf, None).0.iter().map(|object| (**object).clone()).collect::<Vec<_>>();
    let (nodes, namespaces) = (owned(NODES), owned(("", "namespaces")));
    let mut placed: Vec<Value> = pods.iter().map(|pod| (**pod).clone()).collect();
    for pod in waiting {
        if !list(&pod, "/spec/schedulingGates").is_empty() {
            gated(sim, &pod);
            continue;
        }
        let cluster = Cluster::new(&nodes, &placed, &namespaces);
        let claim = |namespace: &str, name: &str| {
            sim.store().get(("", "persistentvolumeclaims"), namespace, name).is_some()
        };
        match place(&pod, &cluster, claim, chance) {
            Ok(node) => {
                bind(sim, &pod, &node);
                if let Some(copy) = placed.iter_mut().find(|copy| uid(copy) == uid(&pod)) {
                    copy["spec"]["nodeName"] = node.into();
                }
            }
            Err(unplaced) => tell(sim, &pod, &unplaced.to_string(), told),
        }
    }
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
    set(sim, pod, &Condition { kind: "PodScheduled", status: "False", reason: "SchedulingGated", message });
}

fn tell(sim: &KubeSim, pod: &Arc<Value>, why: &str, told: &mut BTreeMap<String, String>) {
    if told.insert(uid(pod).to_owned(), why.to_owned()).as_deref() == Some(why) {
        return;
    }
    set(
        sim,
        pod,
        &Condition { kind: "PodScheduled", status: "False", reason: "Unschedulable", message: why },
    );
    record(
        sim,
        pod,
        Happening { kind: "Warning", reason: "FailedScheduling", message: why, component: COMPONENT },
    );
}

fn set(sim: &KubeSim, pod: &Arc<Value>, condition: &Condition<'_>) {
    let mut next = (**pod).clone();
    if conditions::set(&mut next, condition, sim.clock().now()) {
        let _ = sim.store().replace(PODS, pod, next); // a pod that changed meanwhile is looked at again anyway
    }
}
