//! A Deployment's status: its counters, and whether it is available and getting on.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::roll;
use crate::controllers::owned::{ConditionTime, set_condition, set_counters};
use crate::object::conditions::{Condition, find};
use crate::object::field::{map_mut, name, number, text};
use crate::object::timestamp;

/// Brings the status up to date; returns the instant of the next progress check, if one is due without a change.
pub fn update(
    deployment: &mut Value,
    current: Option<&Value>,
    sets: &[Arc<Value>],
    found: bool,
    now: Timestamp,
) -> Option<Timestamp> {
    let before = deployment.get("status").cloned().unwrap_or_default();
    map_mut(deployment, "status");
    let sum = |path: &str| sets.iter().filter_map(|set| number(set, path)).sum::<i64>();
    let wanted = number(deployment, "/spec/replicas").unwrap_or(1);
    let available = sum("/status/availableReplicas");
    let counters = [
        ("observedGeneration", number(deployment, "/metadata/generation").unwrap_or(0)),
        ("replicas", sum("/status/replicas")),
        ("updatedReplicas", current.and_then(|set| number(set, "/status/replicas")).unwrap_or(0)),
        ("readyReplicas", sum("/status/readyReplicas")),
        ("availableReplicas", available),
        ("unavailableReplicas", (sum("/spec/replicas") - available).max(0)),
    ];
    set_counters(&mut deployment["status"], &counters);
    let least = wanted - roll::least_missing(deployment);
    let condition = if available >= least {
        Condition {
            kind: "Available",
            status: "True",
            reason: "MinimumReplicasAvailable",
            message: "Deployment has minimum availability.",
        }
    } else {
        Condition {
            kind: "Available",
            status: "False",
            reason: "MinimumReplicasUnavailable",
            message: "Deployment does not have minimum availability.",
        }
    };
    set_condition(deployment, &condition, ConditionTime::Updated, now);
    progress(deployment, &before, current, found, now)
}

fn is_complete(deployment: &Value) -> bool {
    let of = |path: &str| number(deployment, path).unwrap_or(0);
    let wanted = number(deployment, "/spec/replicas").unwrap_or(1);
    ["/status/updatedReplicas", "/status/replicas", "/status/availableReplicas"]
        .iter()
        .all(|p| of(p) == wanted)
}

fn has_moved(deployment: &Value, before: &Value) -> bool {
    let of = |status: &Value, key: &str| number(status, &format!("/{key}")).unwrap_or(0);
    let status = &deployment["status"];
    let old_of = |status: &Value| of(status, "replicas") - of(status, "updatedReplicas");
    of(status, "updatedReplicas") > of(before, "updatedReplicas")
        || old_of(status) < old_of(before)
        || of(status, "readyReplicas") > of(before, "readyReplicas")
        || of(status, "availableReplicas") > of(before, "availableReplicas")
}

fn progress(
    deployment: &mut Value,
    before: &Value,
    current: Option<&Value>,
    found: bool,
    now: Timestamp,
) -> Option<Timestamp> {
    let limit = number(deployment, "/spec/progressDeadlineSeconds").filter(|s| *s < i64::from(i32::MAX))?;
    let set = current.map(name)?.to_owned();
    let said = find(deployment, "Progressing")
        .map(|c| (text(c, "/reason").to_owned(), text(c, "/message").to_owned()));
    let Some((reason, message)) = said else {
        match found {
            true => set_progressing(
                deployment,
                "True",
                "FoundNewReplicaSet",
                &format!("Found new replica set {set:?}"),
                now,
            ),
            false => set_progressing(
                deployment,
                "True",
                "NewReplicaSetCreated",
                &format!("Created new replica set {set:?}"),
                now,
            ),
        }
        return progress_due(deployment, limit, now);
    };
    let moved = has_moved(deployment, before);
    let speaks_of_it = message.contains(&format!("{set:?}"));
    if is_complete(deployment) {
        let message = format!("ReplicaSet {set:?} has successfully progressed.");
        set_progressing(deployment, "True", "NewReplicaSetAvailable", &message, now);
        return None;
    }
    if reason == "NewReplicaSetAvailable" && speaks_of_it && !moved {
        return None;
    }
    if moved || !speaks_of_it {
        set_progressing(
            deployment,
            "True",
            "ReplicaSetUpdated",
            &format!("ReplicaSet {set:?} is progressing."),
            now,
        );
        refresh(deployment, now);
        return progress_due(deployment, limit, now);
    }
    let due = progress_due(deployment, limit, now);
    if reason == "ProgressDeadlineExceeded" || due.is_none_or(|at| at > now) {
        return due.filter(|at| *at > now);
    }
    let message = format!("ReplicaSet {set:?} has timed out progressing.");
    set_progressing(deployment, "False", "ProgressDeadlineExceeded", &message, now);
    None
}

fn set_progressing(deployment: &mut Value, status: &str, reason: &str, message: &str, now: Timestamp) {
    let condition = Condition { kind: "Progressing", status, reason, message };
    set_condition(deployment, &condition, ConditionTime::Updated, now);
}

/// Progress in the same words is progress all the same.
fn refresh(deployment: &mut Value, now: Timestamp) {
    let all = deployment.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
    let progressing = all.into_iter().flatten().find(|c| text(c, "/type") == "Progressing");
    if let Some(condition) = progressing {
        condition["lastUpdateTime"] = timestamp::seconds(now).into();
    }
}

fn progress_due(deployment: &Value, limit: i64, now: Timestamp) -> Option<Timestamp> {
    let progressing = find(deployment, "Progressing")?;
    let updated = timestamp::read(progressing, "/lastUpdateTime").unwrap_or(now);
    Some(updated.saturating_add(SignedDuration::from_secs(limit)).unwrap_or(Timestamp::MAX))
}
