//! The scheduler's loop: binds pending pods to nodes, or reports why none fits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use determinism::Chance;
use serde_json::{Value, json};

use super::following::{Follower, News};
use super::recorder::{EventRecord, record};
use super::waiting::ChangeWatcher;
use crate::object::conditions::{self, Condition};
use crate::object::field::{list, name, namespace, text, uid};
use crate::pods::binding;
use crate::scheduler::assigned::{Assigned, SCHEDULER};
use crate::scheduler::fit_error::FitError;
use crate::scheduler::schedule;
use crate::service::controller_writes::replace_as;
use crate::sim::KubeSim;
use crate::store::GroupResource;

const PODS: GroupResource = ("", "pods");
const NODES: GroupResource = ("", "nodes");
const CLAIMS: GroupResource = ("", "persistentvolumeclaims");
const COMPONENT: &str = SCHEDULER;

/// Places pods until the future is dropped.
pub async fn run(sim: &KubeSim) {
    let mut changes = ChangeWatcher::new(sim, &[PODS, NODES, CLAIMS]);
    let mut scheduler = Scheduler::new(sim);
    loop {
        changes.mark_seen();
        scheduler.round(sim);
        changes.wait(sim, None).await;
    }
}

/// The scheduler between its rounds.
struct Scheduler {
    follower: Follower,
    assigned: Assigned,
    chance: Chance,
    /// The message last reported for each pod that fits nowhere, by uid.
    reported: BTreeMap<String, String>,
}

impl Scheduler {
    fn new(sim: &KubeSim) -> Self {
        Self {
            follower: Follower::new(PODS),
            assigned: Assigned::default(),
            chance: sim.seed().chance("scheduler"),
            reported: BTreeMap::new(),
        }
    }

    /// Takes in the pods that changed, and schedules all that wait once; returns the number of pods that were looked at.
    fn round(&mut self, sim: &KubeSim) -> usize {
        let before = self.assigned.visited;
        match self.follower.news(sim.store()) {
            News::Changes(changes) => {
                for change in &changes {
                    match change.removed {
                        true => self.assigned.remove(&change.after),
                        false => self.assigned.insert(&change.after),
                    }
                }
            }
            News::Everything(pods) => {
                self.assigned.clear();
                pods.iter().for_each(|pod| self.assigned.insert(pod));
            }
        }
        let waiting = self.assigned.waiting();
        self.assigned.visited - before + reconcile(sim, waiting, self)
    }
}

/// Schedules the pods that wait once; returns the number of other pods that had to be looked at.
fn reconcile(sim: &KubeSim, mut waiting: Vec<Arc<Value>>, scheduler: &mut Scheduler) -> usize {
    if waiting.is_empty() {
        return 0;
    }
    let Scheduler { assigned, chance, reported, .. } = scheduler;
    waiting.sort_by_key(|pod| {
        let priority = -pod.pointer("/spec/priority").and_then(Value::as_i64).unwrap_or(0);
        (priority, text(pod, "/metadata/creationTimestamp").to_owned(), name(pod).to_owned())
    });
    let known: BTreeSet<&str> = waiting.iter().map(|pod| uid(pod)).collect();
    reported.retain(|uid, _| known.contains(uid.as_str()));
    let nodes = sim.store().list(NODES, None).0;
    let namespaces = sim.store().list(("", "namespaces"), None).0;
    let (mut cluster, seen) = assigned.cluster(each(&nodes), each(&namespaces), &waiting);
    for pod in &waiting {
        if !list(pod, "/spec/schedulingGates").is_empty() {
            report_gated(sim, pod);
            continue;
        }
        match claims_of(sim, pod) {
            Claims::Usable => {}
            // The volume is on its way, for the sake of this pod.
            Claims::WaitForPod => continue,
            Claims::Unbound => {
                let reason = "pod has unbound immediate PersistentVolumeClaims".to_owned();
                let error = FitError::Impossible { nodes: nodes.len(), reason };
                report_unschedulable(sim, pod, &error.to_string(), reported);
                continue;
            }
        }
        let claim = |namespace: &str, name: &str| sim.store().get(CLAIMS, namespace, name).is_some();
        match schedule(pod, &cluster, claim, chance) {
            Ok(node) => {
                bind(sim, pod, &node);
                cluster.assign(pod, &node);
            }
            Err(error) => report_unschedulable(sim, pod, &error.to_string(), reported),
        }
    }
    waiting.len() + seen
}

/// What a pod's claims are to its scheduling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claims {
    /// All are bound, or missing, which the scheduler reports.
    Usable,
    /// One waits for its first consumer.
    WaitForPod,
    /// One is not bound.
    Unbound,
}

fn claims_of(sim: &KubeSim, pod: &Value) -> Claims {
    let claims =
        list(pod, "/spec/volumes").iter().map(|volume| text(volume, "/persistentVolumeClaim/claimName"));
    let claims = claims.filter_map(|claim| sim.store().get(CLAIMS, namespace(pod), claim));
    let mut state = Claims::Usable;
    for claim in claims.filter(|claim| text(claim, "/status/phase") != "Bound") {
        let class = text(&claim, "/spec/storageClassName");
        let class = sim.store().get(("storage.k8s.io", "storageclasses"), "", class);
        let waits = class.is_some_and(|class| text(&class, "/volumeBindingMode") == "WaitForFirstConsumer");
        match waits {
            true if state == Claims::Usable => state = Claims::WaitForPod,
            true => {}
            false => state = Claims::Unbound,
        }
    }
    state
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
        let entry =
            EventRecord { kind: "Normal", reason: "Scheduled", message: &message, component: COMPONENT };
        record(sim, &bound, entry);
    }
}

fn report_gated(sim: &KubeSim, pod: &Arc<Value>) {
    let message = "Scheduling is blocked due to non-empty scheduling gates";
    let _ = set(
        sim,
        pod,
        &Condition { kind: "PodScheduled", status: "False", reason: "SchedulingGated", message },
    );
}

fn report_unschedulable(sim: &KubeSim, pod: &Arc<Value>, why: &str, reported: &mut BTreeMap<String, String>) {
    if reported.get(uid(pod)).is_some_and(|last| last == why) {
        return;
    }
    let condition =
        Condition { kind: "PodScheduled", status: "False", reason: "Unschedulable", message: why };
    if !set(sim, pod, &condition) {
        return;
    }
    reported.insert(uid(pod).to_owned(), why.to_owned());
    record(
        sim,
        pod,
        EventRecord { kind: "Warning", reason: "FailedScheduling", message: why, component: COMPONENT },
    );
}

/// Writes a condition; false when the pod changed meanwhile, and so will be looked at again.
fn set(sim: &KubeSim, pod: &Arc<Value>, condition: &Condition<'_>) -> bool {
    let mut next = (**pod).clone();
    !conditions::set(&mut next, condition, sim.clock().now())
        || replace_as(sim, "kube-scheduler", PODS, pod, next).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Binds `count` pods one by one; returns the number of pods that the scheduler looked at.
    fn looked_at(count: usize) -> usize {
        let sim = KubeSim::builder().build();
        let room = json!({"cpu": "9999", "memory": "9999Gi", "pods": "9999"});
        let node = json!({"kind": "Node", "apiVersion": "v1", "metadata": {"name": "n", "uid": "n"}, "spec": {},
            "status": {"allocatable": room, "conditions": [{"type": "Ready", "status": "True"}]}});
        sim.store().create(NODES, node).unwrap();
        let mut scheduler = Scheduler::new(&sim);
        let mut visited = 0;
        for at in 0..count {
            let name = format!("p{at}");
            let pod = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"namespace": "default", "name": name, "uid": name},
                "spec": {"schedulerName": COMPONENT, "containers": [{"name": "c", "image": "i"}]}, "status": {}});
            sim.store().create(PODS, pod).unwrap();
            visited += scheduler.round(&sim) + scheduler.round(&sim);
            let bound = sim.store().get(PODS, "default", &name).unwrap();
            assert_eq!(text(&bound, "/spec/nodeName"), "n");
        }
        visited
    }

    #[test]
    fn a_pod_costs_the_scheduler_the_same_however_many_there_are() {
        assert_eq!(looked_at(100), 10 * looked_at(10));
    }
}
