//! StatefulSets: pods with a number, a name and claims that stay, made and replaced in their order.

mod decide;
mod identity;

use std::sync::Arc;

use futures::FutureExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::backoff::Backoff;
use super::owned::{PODS, claimed, delete_pod};
use super::reconciling::{Concerns, Controller};
use super::recorder::{EventRecord, record};
use super::revisions::{self, POD_LABEL as POD_REVISION, REVISIONS};
use super::waiting::earliest;
use crate::object::conditions::holds;
use crate::object::field::{is_terminating, label, map_mut, name, namespace, number, text, uid};
use crate::service::controller_writes::{create_as_controller, replace_as_controller};
use crate::sim::KubeSim;
use crate::status::ApiError;
use crate::store::GroupResource;
use decide::{Step, is_available};

const SETS: GroupResource = ("apps", "statefulsets");
const CLAIMS: GroupResource = ("", "persistentvolumeclaims");
const COMPONENT: &str = "statefulset-controller";
/// Label of a revision with the hash of its template.
const REVISION_HASH: &str = "controller.kubernetes.io/hash";

/// The controller of StatefulSets.
pub const CONTROLLER: Controller = Controller {
    objects: SETS,
    watched: &[PODS, REVISIONS, CLAIMS],
    concerns: Concerns::All,
    reconcile: |sim, set, backoff| reconcile(sim, set, backoff).boxed(),
};

/// The revision that pods were made of until now, and that of the present template.
struct Revisions {
    current: Arc<Value>,
    update: Arc<Value>,
}

async fn reconcile(sim: &KubeSim, set: &Arc<Value>, backoff: &mut Backoff) -> Option<Timestamp> {
    if is_terminating(set) {
        return None;
    }
    let known = revisions::all(sim, set);
    let update = revisions::present(sim, set, &known, REVISION_HASH).await?;
    let said = text(set, "/status/currentRevision");
    let current = known.iter().find(|revision| name(revision) == said).unwrap_or(&update);
    let own = Revisions { current: Arc::clone(current), update };
    let pods = identity::numbered(set, claimed(sim, set, PODS));
    let now = sim.clock().now();
    let mut due = backoff.until(uid(set), now);
    if due.is_none() {
        due = act(sim, set, &own, &pods, backoff).await;
    }
    identity::keep_owners_of_claims(sim, set, &pods);
    let pods = identity::numbered(set, claimed(sim, set, PODS));
    publish(sim, set, &own, &pods, now);
    let all = revisions::all(sim, set);
    let in_use = revisions::labels_of(pods.iter().map(|(_, pod)| pod), POD_REVISION);
    revisions::prune(sim, set, &all, |revision| {
        [name(&own.current), name(&own.update)].contains(&name(revision)) || in_use.contains(name(revision))
    });
    earliest(due, decide::next_available(set, &pods, now))
}

/// Makes and deletes pods; returns the instant of the next try when one could not be made.
async fn act(
    sim: &KubeSim,
    set: &Value,
    own: &Revisions,
    pods: &[(i64, Arc<Value>)],
    backoff: &mut Backoff,
) -> Option<Timestamp> {
    let now = sim.clock().now();
    for step in decide::steps(set, pods, name(&own.update), now) {
        match step {
            Step::Create(ordinal) => {
                let revision = if decide::is_of_current(set, ordinal) { &own.current } else { &own.update };
                if create(sim, set, revision, ordinal).await.is_err() {
                    return Some(backoff.fail(uid(set), now));
                }
                backoff.clear(uid(set));
            }
            Step::Delete(pod) => {
                delete_pod(sim, &pod);
                let what = format!("delete Pod {} in StatefulSet {} successful", name(&pod), name(set));
                emit(sim, set, "Normal", "SuccessfulDelete", &what);
            }
        }
    }
    None
}

/// Makes a pod, and before it the claims that it lacks.
async fn create(sim: &KubeSim, set: &Value, revision: &Value, ordinal: i64) -> Result<(), ApiError> {
    let mut pod = identity::pod(&revisions::applied(set, revision), ordinal);
    map_mut(&mut pod["metadata"], "labels").insert(POD_REVISION.to_owned(), name(revision).into());
    let pod_name = name(&pod).to_owned();
    for claim in identity::claims(set, ordinal) {
        let claim_name = name(&claim).to_owned();
        if sim.store().get(CLAIMS, namespace(set), &claim_name).is_some() {
            continue;
        }
        let told = format!("Claim {claim_name}");
        let made = create_as_controller(sim, CLAIMS.0, CLAIMS.1, claim).await;
        let of = format!("in StatefulSet {}", name(set));
        match &made {
            Ok(()) => {
                let what = format!("create {told} Pod {pod_name} {of} success");
                emit(sim, set, "Normal", "SuccessfulCreate", &what);
            }
            Err(error) => {
                let what = format!("create {told} for Pod {pod_name} {of} failed error: {error}");
                emit(sim, set, "Warning", "FailedCreate", &what);
            }
        }
        made?;
    }
    let made = create_as_controller(sim, PODS.0, PODS.1, pod).await;
    let what = format!("create Pod {pod_name} in StatefulSet {}", name(set));
    match &made {
        Ok(()) => emit(sim, set, "Normal", "SuccessfulCreate", &format!("{what} successful")),
        Err(error) => emit(sim, set, "Warning", "FailedCreate", &format!("{what} failed error: {error}")),
    }
    made
}

fn emit(sim: &KubeSim, set: &Value, kind: &str, reason: &str, message: &str) {
    record(sim, set, EventRecord { kind, reason, message, component: COMPONENT });
}

fn publish(sim: &KubeSim, set: &Value, own: &Revisions, pods: &[(i64, Arc<Value>)], now: Timestamp) {
    let Some(stored) = sim.store().get(SETS, namespace(set), name(set)) else { return };
    let count = |holds: &dyn Fn(&Value) -> bool| {
        i64::try_from(pods.iter().filter(|(_, pod)| holds(pod)).count()).unwrap_or(i64::MAX)
    };
    let of = |revision: &Value| {
        count(&|pod| label(pod, POD_REVISION) == Some(name(revision)) && !is_terminating(pod))
    };
    let is_ready = |pod: &Value| text(pod, "/status/phase") == "Running" && holds(pod, "Ready");
    let wanted = number(set, "/spec/replicas").unwrap_or(1);
    let (replicas, ready, updated) = (count(&|_| true), count(&is_ready), of(&own.update));
    let rolls = text(set, "/spec/updateStrategy/type") == "RollingUpdate";
    let complete = rolls && [updated, ready, replicas] == [wanted; 3];
    let current = if complete { &own.update } else { &own.current };
    let mut status = json!({
        "observedGeneration": number(set, "/metadata/generation"),
        "replicas": replicas,
        "currentRevision": name(current),
        "updateRevision": name(&own.update),
        "collisionCount": number(&stored, "/status/collisionCount").unwrap_or(0),
        "availableReplicas": count(&|pod| is_ready(pod) && is_available(set, pod, now)),
    });
    let counters = [("readyReplicas", ready), ("currentReplicas", of(current)), ("updatedReplicas", updated)];
    super::owned::set_counters(&mut status, &counters);
    if stored["status"]["conditions"].is_array() {
        status["conditions"] = stored["status"]["conditions"].clone();
    }
    let mut next = (*stored).clone();
    next["status"] = status;
    let _ = replace_as_controller(sim, SETS, &stored, next); // whoever changed it meanwhile woke us again
}
