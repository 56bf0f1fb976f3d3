//! Signing requests: kubelets' own are approved, what is approved is signed, and what is old is deleted.

mod approve;
mod sign;

use std::sync::Arc;

use futures::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::reconciling::{Concerns, Controller};
use super::waiting::earliest;
use crate::kinds;
use crate::object::conditions::find;
use crate::object::field::{is_terminating, list_mut, map_mut, name, text, uid};
use crate::object::timestamp;
use crate::service::controller_writes::replace_as_controller;
use crate::service::delete::{Options, delete};
use crate::sim::KubeSim;
use crate::store::GroupResource;

/// Group and resource of signing requests.
const REQUESTS: GroupResource = (kinds::certificate_signing_request::GROUP, "certificatesigningrequests");
/// The time for which a request is retained that was answered, and one that was not.
const RETENTION_ANSWERED: SignedDuration = SignedDuration::from_hours(1);
const RETENTION_PENDING: SignedDuration = SignedDuration::from_hours(24);

/// The controller of signing requests.
pub const CONTROLLER: Controller = Controller {
    objects: REQUESTS,
    watched: &[],
    concerns: Concerns::All,
    reconcile: |sim, request, _| async move { reconcile(sim, request) }.boxed(),
};

fn reconcile(sim: &KubeSim, request: &Arc<Value>) -> Option<Timestamp> {
    if is_terminating(request) {
        return None;
    }
    let now = sim.clock().now();
    let until = expiry(request);
    if until.is_some_and(|until| until <= now) {
        if let Some(kind) = kinds::find(REQUESTS.0, REQUESTS.1) {
            let options = Options { uid: Some(uid(request).to_owned()), ..Options::default() };
            // One that somebody else deleted first is deleted all the same.
            let _ = delete(sim.store(), kind, "", name(request), &options, now);
        }
        return None;
    }
    let [approved, denied, failed] =
        ["Approved", "Denied", "Failed"].map(|kind| find(request, kind).is_some());
    if denied || failed || !text(request, "/status/certificate").is_empty() {
        return until;
    }
    let next = if approved { sign::sign(sim, request, now) } else { approve::approve(sim, request, now) };
    if let Some(next) = next {
        // Whoever changed it meanwhile woke us again.
        let _ = replace_as_controller(sim, REQUESTS, request, next);
    }
    earliest(until, None)
}

/// The instant at which a request is deleted.
fn expiry(request: &Value) -> Option<Timestamp> {
    let answered = ["Approved", "Denied", "Failed"].into_iter().filter_map(|kind| find(request, kind));
    let answered = answered.filter_map(|condition| timestamp::read(condition, "/lastUpdateTime")).min();
    let (since, retention) = match answered {
        Some(at) => (at, RETENTION_ANSWERED),
        None => (timestamp::read(request, "/metadata/creationTimestamp")?, RETENTION_PENDING),
    };
    since.saturating_add(retention).ok()
}

/// The request with one more condition.
fn with_condition(request: &Value, condition: Value) -> Value {
    let mut next = request.clone();
    map_mut(&mut next, "status");
    list_mut(&mut next["status"], "conditions").push(condition);
    next
}
