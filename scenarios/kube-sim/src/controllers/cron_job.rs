//! CronJobs: a Job at each instant of a schedule.

mod history;
mod schedule;

use std::sync::Arc;

use futures::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::backoff::Backoff;
use super::owned::reference;
use super::reconciling::{Concerns, Controller};
use super::recorder::{EventRecord, record};
use crate::cron::zone;
use crate::kinds;
use crate::object::field::{
    controller, flag, is_terminating, list, list_mut, map_mut, name, namespace, number, text, uid,
};
use crate::object::timestamp;
use crate::service::controller_writes::{create_as_controller, replace_as_controller};
use crate::service::delete::{Options, delete};
use crate::sim::KubeSim;
use crate::store::GroupResource;
use schedule::{Missed, Plan};

const CRON_JOBS: GroupResource = ("batch", "cronjobs");
const JOBS: GroupResource = ("batch", "jobs");
const COMPONENT: &str = "cronjob-controller";
/// Annotation of a Job with the instant that it was scheduled for.
const SCHEDULED: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";

/// The controller of CronJobs.
pub const CONTROLLER: Controller = Controller {
    objects: CRON_JOBS,
    watched: &[JOBS],
    concerns: Concerns::All,
    reconcile: |sim, cron, backoff| reconcile(sim, cron, backoff).boxed(),
};

async fn reconcile(sim: &KubeSim, cron: &Arc<Value>, backoff: &mut Backoff) -> Option<Timestamp> {
    let mut next = (**cron).clone();
    map_mut(&mut next, "status");
    let is_own = |job: &Value| controller(job).is_some_and(|owner| text(owner, "/uid") == uid(cron));
    let mut jobs = sim.store().list(JOBS, Some(namespace(cron))).0;
    jobs.retain(|job| is_own(job));
    history::remove_old(sim, &mut next, &jobs);
    history::follow(sim, &mut next, &jobs);
    let due = match is_terminating(cron) || flag(cron, "/spec/suspend") {
        true => None,
        false => start(sim, &mut next, backoff).await,
    };
    if list(&next, "/status/active").is_empty() {
        next["status"].as_object_mut().and_then(|status| status.shift_remove("active"));
    }
    let _ = replace_as_controller(sim, CRON_JOBS, cron, next); // whoever changed it meanwhile woke us again
    due
}

/// Starts the Job that is due; returns the next instant to look.
async fn start(sim: &KubeSim, cron: &mut Value, backoff: &mut Backoff) -> Option<Timestamp> {
    let now = sim.clock().now();
    let plan = match schedule::plan(cron, now) {
        Ok(plan) => plan,
        Err(error) => {
            emit(sim, cron, "Warning", error.reason(), &error.to_string());
            return None;
        }
    };
    let Plan { due: Some(at), next, missed } = plan else { return plan.next };
    if missed == Missed::Many {
        let message =
            "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
        emit(sim, cron, "Warning", "TooManyMissedTimes", message);
    }
    if is_too_late(cron, at, now) {
        let when = at.strftime("%a, %d %b %Y %H:%M:%S UTC");
        emit(sim, cron, "Warning", "MissSchedule", &format!("Missed scheduled time to start a job: {when}"));
        return next;
    }
    let job_name = format!("{}-{}", name(cron), at.as_second() / 60);
    let is_started = list(cron, "/status/active").iter().any(|job| text(job, "/name") == job_name);
    if is_started || timestamp::read(cron, "/status/lastScheduleTime") == Some(at) {
        return next;
    }
    let active = list(cron, "/status/active").to_vec();
    match text(cron, "/spec/concurrencyPolicy") {
        "Forbid" if !active.is_empty() => {
            let message =
                "Not starting job because prior execution is running and concurrency policy is Forbid";
            emit(sim, cron, "Normal", "JobAlreadyActive", message);
            return next;
        }
        "Replace" => active.iter().for_each(|job| remove(sim, cron, text(job, "/name"))),
        _ => {}
    }
    if let Some(until) = backoff.until(uid(cron), now) {
        return Some(until);
    }
    let made = create_as_controller(sim, JOBS.0, JOBS.1, job_of(cron, &job_name, at)).await;
    match made {
        Ok(()) => emit(sim, cron, "Normal", "SuccessfulCreate", &format!("Created job {job_name}")),
        Err(error) if error.reason == "AlreadyExists" => {}
        Err(error) => {
            emit(sim, cron, "Warning", "FailedCreate", &format!("Error creating job: {error}"));
            return Some(backoff.fail(uid(cron), now));
        }
    }
    backoff.clear(uid(cron));
    if let Some(job) = sim.store().get(JOBS, namespace(cron), &job_name)
        && controller(&job).is_some_and(|owner| text(owner, "/uid") == uid(cron))
    {
        let entry = json!({"kind": "Job", "namespace": namespace(&job), "name": job_name, "uid": uid(&job),
            "apiVersion": "batch/v1", "resourceVersion": job["metadata"]["resourceVersion"]});
        list_mut(&mut cron["status"], "active").push(entry);
        cron["status"]["lastScheduleTime"] = timestamp::seconds(at).into();
    }
    next
}

fn is_too_late(cron: &Value, at: Timestamp, now: Timestamp) -> bool {
    let deadline = number(cron, "/spec/startingDeadlineSeconds").map(SignedDuration::from_secs);
    deadline.is_some_and(|deadline| at.saturating_add(deadline).is_ok_and(|until| until < now))
}

/// The Job of an instant.
fn job_of(cron: &Value, job_name: &str, at: Timestamp) -> Value {
    let template = &cron["spec"]["jobTemplate"];
    let mut metadata =
        json!({"name": job_name, "namespace": namespace(cron), "ownerReferences": [reference(cron)]});
    for map in ["labels", "annotations"] {
        if template["metadata"][map].is_object() {
            metadata[map] = template["metadata"][map].clone();
        }
    }
    let zone = zone(text(cron, "/spec/timeZone")).unwrap_or(jiff::tz::TimeZone::UTC);
    let offset = zone.to_offset(at);
    let written = match offset.is_zero() {
        true => timestamp::seconds(at),
        false => at.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
    };
    map_mut(&mut metadata, "annotations").insert(SCHEDULED.to_owned(), written.into());
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template["spec"]})
}

/// Deletes a Job and takes it off the active ones.
fn remove(sim: &KubeSim, cron: &mut Value, job: &str) {
    let Some(kind) = kinds::find(JOBS.0, JOBS.1) else { return };
    let options = Options { propagation: "Background".to_owned(), ..Options::default() };
    let gone = delete(sim.store(), kind, namespace(cron), job, &options, sim.clock().now());
    list_mut(&mut cron["status"], "active").retain(|active| text(active, "/name") != job);
    match gone {
        Ok(_) => emit(sim, cron, "Normal", "SuccessfulDelete", &format!("Deleted job {job}")),
        Err(error) => emit(sim, cron, "Warning", "FailedDelete", &format!("Deleted job: {error}")),
    }
}

fn emit(sim: &KubeSim, cron: &Value, kind: &str, reason: &str, message: &str) {
    record(sim, cron, EventRecord { kind, reason, message, component: COMPONENT });
}
