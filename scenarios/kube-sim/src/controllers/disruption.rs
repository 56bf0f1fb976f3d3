//! PodDisruptionBudgets: the number of selected pods that may be evicted just now.

use std::sync::Arc;

use serde_json::{Value, json};

use super::owned::{ConditionTime, PODS, set_condition};
use super::recorder::{EventRecord, record};
use super::waiting::ChangeWatcher;
use crate::label_selector::selects;
use crate::object::conditions::{Condition, holds};
use crate::object::field::{
    controller, default_to, is_terminating, list_mut, map_mut, namespace, number, text,
};
use crate::pods::phase::is_terminal;
use crate::service::controller_writes::replace_as_controller;
use crate::sim::KubeSim;
use crate::store::GroupResource;

const BUDGETS: GroupResource = ("policy", "poddisruptionbudgets");
/// Kinds whose objects say how many pods there should be.
const OWNERS: [(&str, GroupResource); 2] =
    [("ReplicaSet", ("apps", "replicasets")), ("StatefulSet", ("apps", "statefulsets"))];

/// Reconciles budgets until the future is dropped.
pub async fn run(sim: &KubeSim) {
    let mut changes = ChangeWatcher::new(sim, &[BUDGETS, PODS, OWNERS[0].1, OWNERS[1].1]);
    loop {
        changes.mark_seen();
        for budget in sim.store().list(BUDGETS, None).0.iter().filter(|b| !is_terminating(b)) {
            reconcile(sim, budget);
        }
        changes.wait(sim, None).await;
    }
}

/// A budget's counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetStatus {
    /// Number of pods that there should be.
    pub expected: i64,
    /// Number of those that have to be healthy.
    pub desired: i64,
    /// Number of pods that are ready and not being deleted.
    pub healthy: i64,
}

impl BudgetStatus {
    /// Number of pods that may be evicted now.
    pub fn allowed(self) -> i64 {
        if self.expected == 0 { 0 } else { (self.healthy - self.desired).max(0) }
    }
}

/// Counts for a budget: `expected` pods by their owners, of which `pods` are there.
pub fn budget_status(budget: &Value, pods: &[Arc<Value>], expected: i64) -> BudgetStatus {
    let share = |value: &Value| match value {
        Value::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(100);
            (expected * percent + 99) / 100
        }
        value => value.as_i64().unwrap_or(0),
    };
    let desired = match (budget.pointer("/spec/maxUnavailable"), budget.pointer("/spec/minAvailable")) {
        (Some(most), _) if !most.is_null() => (expected - share(most)).max(0),
        (_, Some(least)) if !least.is_null() => share(least),
        _ => (expected - 1).max(0),
    };
    let healthy = pods.iter().filter(|pod| holds(pod, "Ready") && !is_terminating(pod)).count();
    BudgetStatus { expected, desired, healthy: i64::try_from(healthy).unwrap_or(i64::MAX) }
}

/// Number of pods that the owners of `pods` ask for; a pod without one counts as one.
fn expected(sim: &KubeSim, pods: &[Arc<Value>]) -> i64 {
    let mut owners = std::collections::BTreeMap::new();
    let mut alone = 0;
    for pod in pods {
        let set = controller(pod).and_then(|owner| {
            let (_, resource) = OWNERS.into_iter().find(|(kind, _)| text(owner, "/kind") == *kind)?;
            sim.store().get(resource, namespace(pod), text(owner, "/name"))
        });
        match set {
            Some(set) => {
                let replicas = number(&set, "/spec/replicas").unwrap_or(1);
                owners.insert(crate::object::field::uid(&set).to_owned(), replicas);
            }
            None => alone += 1,
        }
    }
    owners.values().sum::<i64>() + alone
}

fn reconcile(sim: &KubeSim, budget: &Arc<Value>) {
    let selector = budget.pointer("/spec/selector");
    let mut pods = sim.store().list(PODS, Some(namespace(budget))).0;
    pods.retain(|pod| selects(selector, pod) && !is_terminal(pod));
    if pods.is_empty()
        && number(budget, "/status/observedGeneration") != number(budget, "/metadata/generation")
    {
        let (kind, reason, message) = ("Normal", "NoPods", "No matching pods found");
        record(sim, budget, EventRecord { kind, reason, message, component: "controllermanager" });
    }
    let status = budget_status(budget, &pods, expected(sim, &pods));
    let mut next = (**budget).clone();
    map_mut(&mut next, "status");
    for (key, value) in [
        ("observedGeneration", number(budget, "/metadata/generation").unwrap_or(0)),
        ("disruptionsAllowed", status.allowed()),
        ("currentHealthy", status.healthy),
        ("desiredHealthy", status.desired),
        ("expectedPods", status.expected),
    ] {
        next["status"][key] = json!(value);
    }
    let (status, reason) =
        if status.allowed() > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
    let condition = Condition { kind: "DisruptionAllowed", status, reason, message: "" };
    set_condition(&mut next, &condition, ConditionTime::Transition, sim.clock().now());
    // Unlike those of pods, these conditions always say their message and the generation.
    for condition in list_mut(&mut next["status"], "conditions") {
        default_to(condition, "message", "");
        condition["observedGeneration"] = json!(number(budget, "/metadata/generation").unwrap_or(0));
    }
    let _ = replace_as_controller(sim, BUDGETS, budget, next); // whoever changed it meanwhile woke us again
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_allows_what_is_left_above_its_line() {
        let pod = |ready: bool| {
            let status = if ready { "True" } else { "False" };
            Arc::new(json!({"status": {"conditions": [{"type": "Ready", "status": status}]}}))
        };
        let pods = [pod(true), pod(true), pod(true), pod(false)];
        for (spec, desired, allowed) in [
            (json!({"minAvailable": 2}), 2, 1),
            (json!({"minAvailable": "50%"}), 2, 1),
            (json!({"minAvailable": "100%"}), 4, 0),
            (json!({"maxUnavailable": 1}), 3, 0),
            (json!({"maxUnavailable": 2}), 2, 1),
            (json!({"maxUnavailable": "30%"}), 2, 1),
        ] {
            let status = budget_status(&json!({"spec": spec}), &pods, 4);
            assert_eq!((status.desired, status.allowed()), (desired, allowed), "{spec}");
        }
    }
}
