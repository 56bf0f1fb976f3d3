//! Carries out the decisions about a Job: creates and deletes its pods, counts them, writes its status.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::decide::{self, JobOutcome, NextAction, PodCounts};
use super::indexes;
use super::{INDEX, JOBS, TRACKING};
use crate::controllers::owned::{
    self, ConditionTime, PODS, claimed, delete_pod, from_template, set_counters,
};
use crate::controllers::recorder::{EventRecord, record};
use crate::controllers::waiting::earliest;
use crate::kinds;
use crate::object::conditions::{Condition, holds};
use crate::object::field::{
    flag, is_terminating, list, list_mut, map_mut, name, namespace, number, text, uid,
};
use crate::object::timestamp;
use crate::service::controller_writes::{create_as_controller, remove_finalizer, replace_as_controller};
use crate::service::delete::{Options, delete};
use crate::sim::KubeSim;

const COMPONENT: &str = "job-controller";

/// Reconciles one Job; returns the instant of the next round that is due without a change.
pub async fn reconcile(sim: &KubeSim, job: &Arc<Value>) -> Option<Timestamp> {
    if is_terminating(job) {
        return None;
    }
    let now = sim.clock().now();
    if holds(job, "Complete") || holds(job, "Failed") {
        release_late(sim, job);
        return expire(sim, job, now);
    }
    let pods = claimed(sim, job, PODS);
    let counts = decide::count_pods(job, &pods);
    let outcome = decide::outcome(job, &pods, &counts, now);
    let mut due = decide::deadline(job);
    if outcome.is_some() {
        counts.active.iter().for_each(|pod| remove(sim, job, pod));
    } else {
        match decide::next_action(job, &pods, &counts, now) {
            NextAction::Nothing => {}
            NextAction::Wait(until) => due = earliest(due, Some(until)),
            NextAction::Delete(pods) => pods.iter().for_each(|pod| remove(sim, job, pod)),
            NextAction::Create(indexes) => create(sim, job, &pods, indexes).await,
        }
    }
    if !publish(sim, job, &counts, outcome.as_ref(), now) {
        return Some(now);
    }
    let Some(pods_kind) = kinds::find("", "pods") else { return due };
    counts.counted.iter().for_each(|pod| release(sim, pods_kind, pod));
    due
}

/// Takes the tracking finalizer off a pod, as it is now.
fn release(sim: &KubeSim, kind: &'static kinds::Kind, pod: &Value) {
    if let Some(pod) = sim.store().get(PODS, namespace(pod), name(pod))
        && list(&pod, "/metadata/finalizers").iter().any(|f| f == TRACKING)
    {
        remove_finalizer(sim, kind, &pod, TRACKING);
    }
}

/// Takes the tracking finalizer off pods that end after their Job; they are not counted.
fn release_late(sim: &KubeSim, job: &Value) {
    let Some(kind) = kinds::find("", "pods") else { return };
    for pod in claimed(sim, job, PODS).iter().filter(|pod| !owned::is_active(pod)) {
        release(sim, kind, pod);
    }
}

fn expire(sim: &KubeSim, job: &Value, now: Timestamp) -> Option<Timestamp> {
    let at = decide::expiry(job)?;
    if at > now {
        return Some(at);
    }
    let kind = kinds::find("batch", "jobs")?;
    let options = Options {
        uid: Some(uid(job).to_owned()),
        propagation: "Foreground".to_owned(),
        ..Options::default()
    };
    // A Job that somebody else deleted first is deleted all the same.
    let _ = delete(sim.store(), kind, namespace(job), name(job), &options, now);
    None
}

fn remove(sim: &KubeSim, job: &Value, pod: &Value) {
    delete_pod(sim, pod);
    emit(sim, job, "Normal", "SuccessfulDelete", &format!("Deleted pod: {}", name(pod)));
}

async fn create(sim: &KubeSim, job: &Value, pods: &[Arc<Value>], indexes: Vec<Option<i64>>) {
    for index in indexes {
        let mut pod = new_pod(sim, job, index);
        if let Some(index) = index.filter(|_| indexes::limit(job).is_some()) {
            note_failures(&mut pod, indexes::counts_of_next(job, pods, index));
        }
        let created = name(&pod).to_owned();
        match create_as_controller(sim, "", "pods", pod).await {
            Ok(()) => emit(sim, job, "Normal", "SuccessfulCreate", &format!("Created pod: {created}")),
            Err(error) => {
                emit(sim, job, "Warning", "FailedCreate", &format!("Error creating: {error}"));
                return;
            }
        }
    }
}

/// Notes on a new pod how often its index has failed before.
fn note_failures(pod: &mut Value, (counted, ignored): (i64, i64)) {
    let annotations = map_mut(&mut pod["metadata"], "annotations");
    annotations.insert(indexes::FAILURES.to_owned(), counted.to_string().into());
    if ignored > 0 {
        annotations.insert(indexes::IGNORED.to_owned(), ignored.to_string().into());
    }
}

/// A new pod; `index` is its completion index in an Indexed Job.
fn new_pod(sim: &KubeSim, job: &Value, index: Option<i64>) -> Value {
    let stem = match index {
        Some(index) => format!("{}-{index}", name(job)),
        None => name(job).to_owned(),
    };
    let mut pod = from_template(sim, job, &stem);
    list_mut(&mut pod["metadata"], "finalizers").push(TRACKING.into());
    let Some(index) = index else { return pod };
    for map in ["annotations", "labels"] {
        map_mut(&mut pod["metadata"], map).insert(INDEX.to_owned(), index.to_string().into());
    }
    crate::object::field::default_to(&mut pod["spec"], "hostname", format!("{}-{index}", name(job)));
    let path = format!("metadata.labels['{INDEX}']");
    let variable = json!({"name": "JOB_COMPLETION_INDEX", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}});
    for kind in ["initContainers", "containers"] {
        for container in pod["spec"].get_mut(kind).and_then(Value::as_array_mut).into_iter().flatten() {
            let env = list_mut(container, "env");
            if env.iter().all(|v| text(v, "/name") != "JOB_COMPLETION_INDEX") {
                env.push(variable.clone());
            }
        }
    }
    pod
}

fn emit(sim: &KubeSim, job: &Value, kind: &str, reason: &str, message: &str) {
    record(sim, job, EventRecord { kind, reason, message, component: COMPONENT });
}

/// Writes the counters and the outcome into the Job's status; false when the Job changed meanwhile.
fn publish(
    sim: &KubeSim,
    job: &Value,
    counts: &PodCounts,
    outcome: Option<&JobOutcome>,
    now: Timestamp,
) -> bool {
    let Some(stored) = sim.store().get(JOBS, namespace(job), name(job)) else { return false };
    let pods = claimed(sim, &stored, PODS);
    let present = decide::count_pods(&stored, &pods);
    let mut next = (*stored).clone();
    map_mut(&mut next, "status");
    let active = i64::try_from(present.active.len()).unwrap_or(i64::MAX);
    next["status"]["terminating"] = present.terminating.into();
    next["status"]["ready"] = present.ready.into();
    next["status"]["uncountedTerminatedPods"] = json!({});
    let counters = [("active", active), ("succeeded", counts.succeeded), ("failed", counts.failed)];
    set_counters(&mut next["status"], &counters);
    if decide::is_indexed(job) && !counts.done.is_empty() {
        next["status"]["completedIndexes"] = indexes::write_indexes(&counts.done).into();
    }
    if indexes::limit(job).is_some() {
        next["status"]["failedIndexes"] = indexes::write_indexes(&counts.failed_indexes).into();
    }
    suspension(sim, &mut next, now);
    let over = match outcome {
        Some(outcome) => conclude(&mut next, outcome, active == 0 && present.terminating == 0, now),
        None => false,
    };
    if replace_as_controller(sim, JOBS, &stored, next).is_err() {
        return false;
    }
    match outcome {
        Some(JobOutcome::Failed(reason, message)) if over => emit(sim, job, "Warning", reason, message),
        Some(JobOutcome::Complete(..)) if over => emit(sim, job, "Normal", "Completed", "Job completed"),
        _ => {}
    }
    true
}

/// Sets the conditions of a Job's outcome; true once its last pod is gone and the Job is over.
fn conclude(job: &mut Value, outcome: &JobOutcome, empty: bool, now: Timestamp) -> bool {
    let (first, last, reason, message) = match outcome {
        JobOutcome::Complete(reason, message) => {
            ("SuccessCriteriaMet", "Complete", *reason, message.as_str())
        }
        JobOutcome::Failed(reason, message) => ("FailureTarget", "Failed", *reason, message.as_str()),
    };
    let kinds = if empty { &[first, last][..] } else { &[first] };
    for kind in kinds {
        let condition = Condition { kind, status: "True", reason, message };
        owned::set_condition(job, &condition, ConditionTime::Probed, now);
    }
    if empty && matches!(outcome, JobOutcome::Complete(..)) {
        job["status"]["completionTime"] = timestamp::seconds(now).into();
    }
    empty
}

fn suspension(sim: &KubeSim, job: &mut Value, now: Timestamp) {
    let suspended = holds(job, "Suspended");
    if flag(job, "/spec/suspend") {
        if !suspended {
            let message = "Job suspended";
            let condition = Condition { kind: "Suspended", status: "True", reason: "JobSuspended", message };
            owned::set_condition(job, &condition, ConditionTime::Probed, now);
            emit(sim, job, "Normal", "Suspended", message);
        }
        job["status"].as_object_mut().and_then(|status| status.shift_remove("startTime"));
        return;
    }
    if suspended {
        let message = "Job resumed";
        let condition = Condition { kind: "Suspended", status: "False", reason: "JobResumed", message };
        owned::set_condition(job, &condition, ConditionTime::Probed, now);
        emit(sim, job, "Normal", "Resumed", message);
    }
    if number(job, "/status/startTime").is_none() && text(job, "/status/startTime").is_empty() {
        job["status"]["startTime"] = timestamp::seconds(now).into();
    }
}
