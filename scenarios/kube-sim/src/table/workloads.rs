//! The columns of deployments, replica sets, jobs and disruption budgets.

use jiff::Timestamp;
use serde_json::Value;

use super::age;
use super::cells::{
    AGE, Column, NAME, Row, age_of, containers, count, number_column, selector, text_column, wide,
};
use crate::kinds::Kind;
use crate::object::field::{is_terminating, name, number};
use crate::object::{conditions, timestamp};

const DEPLOYMENTS: &[Column] = &[
    NAME,
    text_column("Ready"),
    number_column("Up-to-date"),
    number_column("Available"),
    AGE,
    wide("Containers"),
    wide("Images"),
    wide("Selector"),
];

const REPLICA_SETS: &[Column] = &[
    NAME,
    number_column("Desired"),
    number_column("Current"),
    number_column("Ready"),
    AGE,
    wide("Containers"),
    wide("Images"),
    wide("Selector"),
];

const JOBS: &[Column] = &[
    NAME,
    text_column("Status"),
    text_column("Completions"),
    text_column("Duration"),
    AGE,
    wide("Containers"),
    wide("Images"),
    wide("Selector"),
];

const BUDGETS: &[Column] = &[
    NAME,
    text_column("Min Available"),
    text_column("Max Unavailable"),
    number_column("Allowed Disruptions"),
    AGE,
];

/// The columns of a workload's kind, and the function that makes its rows; `None` for other kinds.
pub fn of(kind: &Kind) -> Option<(&'static [Column], Row)> {
    Some(match kind.resource {
        "deployments" => (DEPLOYMENTS, |object, now| {
            let ready =
                format!("{}/{}", count(object, "/status/readyReplicas"), count(object, "/spec/replicas"));
            let updated = count(object, "/status/updatedReplicas").into();
            let available = count(object, "/status/availableReplicas").into();
            let mut cells = vec![name(object).into(), ready.into(), updated, available, age_of(object, now)];
            cells.extend(template(object));
            cells
        }),
        "replicasets" => (REPLICA_SETS, |object, now| {
            let counts = ["/spec/replicas", "/status/replicas", "/status/readyReplicas"];
            let mut cells = vec![name(object).into()];
            cells.extend(counts.map(|path| count(object, path).into()));
            cells.push(age_of(object, now));
            cells.extend(template(object));
            cells
        }),
        "jobs" => (JOBS, job),
        "poddisruptionbudgets" => (BUDGETS, |object, now| {
            let amount = |path: &str| match object.pointer(path) {
                Some(Value::String(text)) => text.clone().into(),
                Some(Value::Number(number)) => number.to_string().into(),
                _ => Value::from("N/A"),
            };
            vec![
                name(object).into(),
                amount("/spec/minAvailable"),
                amount("/spec/maxUnavailable"),
                count(object, "/status/disruptionsAllowed").into(),
                age_of(object, now),
            ]
        }),
        _ => return None,
    })
}

fn template(object: &Value) -> [Value; 3] {
    let [names, images] = containers(object, "/spec/template/spec");
    [names, images, selector(object, "/spec/selector")]
}

fn job(object: &Value, now: Timestamp) -> Vec<Value> {
    let condition = |kind: &str| conditions::holds(object, kind);
    let status = match () {
        () if condition("Complete") => "Complete",
        () if condition("Failed") => "Failed",
        () if is_terminating(object) => "Terminating",
        () if condition("Suspended") => "Suspended",
        () => "Running",
    };
    let wanted = number(object, "/spec/completions").map_or("1".to_owned(), |n| n.to_string());
    let completions = format!("{}/{wanted}", count(object, "/status/succeeded"));
    let started = timestamp::read(object, "/status/startTime");
    let ended = timestamp::read(object, "/status/completionTime").unwrap_or(now);
    let duration = started.map(|from| age::between(from, ended)).unwrap_or_default();
    let mut cells =
        vec![name(object).into(), status.into(), completions.into(), duration.into(), age_of(object, now)];
    cells.extend(template(object));
    cells
}
