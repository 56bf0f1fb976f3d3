//! Deployments: one ReplicaSet for each version of the template, and pods moved from the old ones to the new.

mod conditions;
mod proportions;
mod roll;
pub mod template_hash;

use std::sync::Arc;

use futures::FutureExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::owned::{self, PODS, claimed};
use super::reconciling::{Concerns, Controller};
use super::recorder::{EventRecord, record};
use crate::kinds;
use crate::object::field::{annotation, flag, is_terminating, map_mut, name, namespace, number, text, uid};
use crate::service::controller_writes::{
    create_as_controller, replace_as_controller, replace_with_status_as_controller,
};
use crate::service::delete::{Options, delete};
use crate::sim::KubeSim;
use crate::store::GroupResource;

const DEPLOYMENTS: GroupResource = ("apps", "deployments");
const SETS: GroupResource = ("apps", "replicasets");
const COMPONENT: &str = "deployment-controller";
const REVISION: &str = "deployment.kubernetes.io/revision";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";
const HASH: &str = "pod-template-hash";

/// The controller of Deployments.
pub const CONTROLLER: Controller = Controller {
    objects: DEPLOYMENTS,
    watched: &[SETS, PODS],
    concerns: Concerns::Owners("Deployment"),
    reconcile: |sim, deployment, _| reconcile(sim, deployment).boxed(),
};

async fn reconcile(sim: &KubeSim, deployment: &Arc<Value>) -> Option<Timestamp> {
    if is_terminating(deployment) {
        return None;
    }
    let sets = claimed(sim, deployment, SETS);
    let paused = flag(deployment, "/spec/paused");
    let current = sets.iter().find(|set| template_hash::same_template(set, deployment)).cloned();
    let scaled = paused || proportions::is_scaled(deployment, &sets);
    let (current, found) = match current {
        Some(set) => (Some(set_revision(sim, deployment, &set, &sets)), true),
        None if scaled || !may_begin(sim, deployment, &sets) => (None, false),
        None => (create_set(sim, deployment, &sets).await, false),
    };
    let old: Vec<_> =
        sets.into_iter().filter(|set| current.as_ref().is_none_or(|c| uid(c) != uid(set))).collect();
    let decide = if scaled { proportions::decide } else { roll::decide };
    let moves = decide(deployment, current.as_deref(), &old);
    for (set, replicas) in moves {
        scale(sim, deployment, &set, replicas);
    }
    prune_history(sim, deployment, &old);
    publish(sim, deployment, current.as_deref(), found)
}

/// True unless the strategy is `Recreate` and pods of older versions are left; scales those down.
fn may_begin(sim: &KubeSim, deployment: &Value, old: &[Arc<Value>]) -> bool {
    if text(deployment, "/spec/strategy/type") != "Recreate" {
        return true;
    }
    let is_of_old = |pod: &Value| {
        crate::object::field::controller(pod)
            .is_some_and(|owner| old.iter().any(|set| uid(set) == text(owner, "/uid")))
    };
    let left = sim
        .store()
        .list(PODS, Some(namespace(deployment)))
        .0
        .iter()
        .any(|pod| is_of_old(pod) && !crate::pods::phase::is_terminal(pod));
    for set in old {
        scale(sim, deployment, set, 0);
    }
    !left
}

fn revision(object: &Value) -> i64 {
    annotation(object, REVISION).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Gives the set of the present template the highest revision.
fn set_revision(sim: &KubeSim, deployment: &Arc<Value>, set: &Arc<Value>, sets: &[Arc<Value>]) -> Arc<Value> {
    let others = sets.iter().filter(|other| uid(other) != uid(set)).map(|other| revision(other)).max();
    let wanted = others.unwrap_or(0) + 1;
    let own = revision(set).max(wanted);
    let mut next = (**set).clone();
    map_mut(&mut next["metadata"], "annotations").insert(REVISION.to_owned(), own.to_string().into());
    let set = replace_as_controller(sim, SETS, set, next).unwrap_or_else(|_| Arc::clone(set));
    annotate_revision(sim, deployment, own);
    set
}

fn annotate(set: &mut Value, deployment: &Value, revision: i64) {
    let replicas = number(deployment, "/spec/replicas").unwrap_or(1);
    let most = replicas + roll::surge(deployment);
    let annotations = map_mut(&mut set["metadata"], "annotations");
    for (key, value) in [(REVISION, revision), (DESIRED, replicas), (MAX, most)] {
        annotations.insert(key.to_owned(), value.to_string().into());
    }
}

fn annotate_revision(sim: &KubeSim, deployment: &Value, revision: i64) {
    let Some(stored) = sim.store().get(DEPLOYMENTS, namespace(deployment), name(deployment)) else { return };
    let mut next = (*stored).clone();
    map_mut(&mut next["metadata"], "annotations").insert(REVISION.to_owned(), revision.to_string().into());
    let _ = replace_with_status_as_controller(sim, DEPLOYMENTS, &stored, next); // whoever changed it meanwhile woke us again
}

async fn create_set(sim: &KubeSim, deployment: &Arc<Value>, old: &[Arc<Value>]) -> Option<Arc<Value>> {
    let hash = template_hash::of(deployment);
    let revision = old.iter().map(|set| revision(set)).max().unwrap_or(0) + 1;
    let set_name = format!("{}-{hash}", name(deployment));
    let mut template = deployment["spec"]["template"].clone();
    let mut selector = deployment["spec"]["selector"].clone();
    map_mut(&mut template["metadata"], "labels").insert(HASH.to_owned(), hash.as_str().into());
    map_mut(&mut selector, "matchLabels").insert(HASH.to_owned(), hash.as_str().into());
    let mut set = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": set_name, "namespace": namespace(deployment), "labels": template["metadata"]["labels"],
            "ownerReferences": [owned::reference(deployment)]},
        "spec": {"replicas": roll::first_replicas(deployment, old), "selector": selector, "template": template},
    });
    if let Some(seconds) = number(deployment, "/spec/minReadySeconds").filter(|s| *s > 0) {
        set["spec"]["minReadySeconds"] = seconds.into();
    }
    let annotations = crate::object::field::entries(deployment, "/metadata/annotations");
    let passed_on = annotations.filter(|(key, _)| {
        *key != "kubectl.kubernetes.io/last-applied-configuration"
            && !key.starts_with("deployment.kubernetes.io/")
    });
    for (key, value) in passed_on {
        map_mut(&mut set["metadata"], "annotations").insert(key.to_owned(), value.clone());
    }
    annotate(&mut set, deployment, revision);
    let replicas = number(&set, "/spec/replicas").unwrap_or(0);
    match create_as_controller(sim, "apps", "replicasets", set).await {
        Ok(()) => {
            if replicas > 0 {
                emit_scaled(sim, deployment, &set_name, 0, replicas);
            }
            annotate_revision(sim, deployment, revision);
            sim.store().get(SETS, namespace(deployment), &set_name)
        }
        Err(error) => {
            let message = format!("Failed to create new replica set {set_name:?}: {error}");
            emit(sim, deployment, "Warning", "ReplicaSetCreateError", &message);
            None
        }
    }
}

fn scale(sim: &KubeSim, deployment: &Value, set: &Value, replicas: i64) {
    let Some(stored) = sim.store().get(SETS, namespace(set), name(set)) else { return };
    let before = number(&stored, "/spec/replicas").unwrap_or(1);
    let mut next = (*stored).clone();
    if before != replicas {
        next["spec"]["replicas"] = replicas.into();
        crate::meta::count_generation(&mut next);
    }
    let revision = revision(&next);
    annotate(&mut next, deployment, revision);
    if replace_as_controller(sim, SETS, &stored, next).is_ok() && before != replicas {
        emit_scaled(sim, deployment, name(set), before, replicas);
    }
}

fn emit_scaled(sim: &KubeSim, deployment: &Value, set: &str, from: i64, to: i64) {
    let way = if to > from { "up" } else { "down" };
    let message = format!("Scaled {way} replica set {set} from {from} to {to}");
    emit(sim, deployment, "Normal", "ScalingReplicaSet", &message);
}

fn emit(sim: &KubeSim, deployment: &Value, kind: &str, reason: &str, message: &str) {
    record(sim, deployment, EventRecord { kind, reason, message, component: COMPONENT });
}

/// Deletes empty old sets beyond `revisionHistoryLimit`.
fn prune_history(sim: &KubeSim, deployment: &Value, old: &[Arc<Value>]) {
    let kept = usize::try_from(number(deployment, "/spec/revisionHistoryLimit").unwrap_or(10)).unwrap_or(0);
    let none = |set: &Value, path: &str| number(set, path).unwrap_or(0) == 0;
    let mut empty: Vec<_> = old
        .iter()
        .filter(|s| none(s, "/spec/replicas") && none(s, "/status/replicas") && !is_terminating(s))
        .collect();
    empty.sort_by_key(|set| revision(set));
    let Some(kind) = kinds::find("apps", "replicasets") else { return };
    for set in &empty[..empty.len().saturating_sub(kept)] {
        let options = Options { uid: Some(uid(set).to_owned()), ..Options::default() };
        // An object that somebody else deleted first is deleted all the same.
        let _ = delete(sim.store(), kind, namespace(set), name(set), &options, sim.clock().now());
    }
}

fn publish(sim: &KubeSim, deployment: &Value, current: Option<&Value>, found: bool) -> Option<Timestamp> {
    let stored = sim.store().get(DEPLOYMENTS, namespace(deployment), name(deployment))?;
    let fresh = current.and_then(|set| sim.store().get(SETS, namespace(set), name(set)));
    let sets = claimed(sim, &stored, SETS);
    let mut next = (*stored).clone();
    let due = conditions::update(&mut next, fresh.as_deref(), &sets, found, sim.clock().now());
    let _ = replace_as_controller(sim, DEPLOYMENTS, &stored, next); // whoever changed it meanwhile woke us again
    due
}
