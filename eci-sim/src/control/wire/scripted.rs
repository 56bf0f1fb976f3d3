//! What containers do, as it goes over the control door's wire.

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NoSpan, span};
use crate::script::{Runs, Script, Usage};

/// What containers do whose image, or whose group's name, fits the pattern; what is left out stays as it would be.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Scripted {
    /// Which containers: a `*` stands for anything.
    pub pattern: String,
    /// How long the image takes to be pulled.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_seconds: Option<Decimal>,
    /// Why the image cannot be pulled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cannot_pull: Option<String>,
    /// How long a container takes to start.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_seconds: Option<Decimal>,
    /// How long a container runs.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_seconds: Option<Decimal>,
    /// Whether it runs until it is told to end.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub run_forever: bool,
    /// What it ends with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// What it says when it has started.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
    /// Whether it never becomes ready.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unready: bool,
    /// It becomes ready so long after its start, with a readiness probe at the first that comes then.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_after_seconds: Option<Decimal>,
    /// It is no longer ready so long after its start, with a readiness probe when that has failed often enough.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unready_after_seconds: Option<Decimal>,
    /// How long the hook takes that runs when a container has started, where there is one.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_start_seconds: Option<Decimal>,
    /// Whether that hook ends badly, so that the container is ended.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub post_start_fails: bool,
    /// How long the hook takes that runs before a container is stopped, where there is one.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_stop_seconds: Option<Decimal>,
    /// Whether that hook ends badly, which is told and changes nothing else.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pre_stop_fails: bool,
    /// How long the group waits for a machine.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_seconds: Option<Decimal>,
    /// Why the group gets no machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cannot_schedule: Option<String>,
    /// From so long after its start on, its probes fail.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unhealthy_after_seconds: Option<Decimal>,
    /// So long after its start, it runs out of memory.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_of_memory_after_seconds: Option<Decimal>,
    /// What it uses from so long after its start on, in order of time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub usage_curve: Vec<Uses>,
    /// How long the containers take to end when they are told to, their hooks included.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_seconds: Option<Decimal>,
    /// Thousandths of a vCPU that a container uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses_milli_vcpu: Option<u32>,
    /// MiB of memory that a container uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses_mebibytes: Option<u32>,
}

/// What a container uses from a moment on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Uses {
    /// So long after its start.
    #[schemars(with = "f64")]
    pub after_seconds: Decimal,
    /// Thousandths of a vCPU.
    pub milli_vcpu: u32,
    /// MiB of memory.
    pub mebibytes: u32,
}

/// Why a script cannot be.
#[derive(Debug, thiserror::Error)]
pub enum NoScript {
    /// A time in it is none.
    #[error(transparent)]
    Span(#[from] NoSpan),
    /// It says two things of the same.
    #[error("`run-seconds` and `run-forever` exclude each other")]
    RunsTwice,
    /// It says two things of the same.
    #[error("`unready` and `ready-after-seconds` exclude each other")]
    ReadyTwice,
    /// It fits nothing.
    #[error("`pattern` is missing; it should be an image or a group's name, such as `batch:*`")]
    NoPattern,
}

impl TryFrom<Scripted> for Script {
    type Error = NoScript;

    fn try_from(body: Scripted) -> Result<Self, NoScript> {
        if body.pattern.is_empty() {
            return Err(NoScript::NoPattern);
        }
        let maybe = |seconds: Option<Decimal>| seconds.map(span).transpose();
        let run = match (body.run_seconds, body.run_forever) {
            (Some(_), true) => return Err(NoScript::RunsTwice),
            (Some(seconds), false) => Some(Runs::For(span(seconds)?)),
            (None, true) => Some(Runs::Forever),
            (None, false) => None,
        };
        if body.unready && body.ready_after_seconds.is_some() {
            return Err(NoScript::ReadyTwice);
        }
        let usage = match (body.uses_milli_vcpu, body.uses_mebibytes) {
            (None, None) => None,
            (vcpu, memory) => Some(Usage { milli_vcpu: vcpu.unwrap_or(0), mebibytes: memory.unwrap_or(0) }),
        };
        let curve = body.usage_curve.into_iter().map(|uses| {
            let Uses { after_seconds, milli_vcpu, mebibytes } = uses;
            Ok((span(after_seconds)?, Usage { milli_vcpu, mebibytes }))
        });
        Ok(Self {
            usage,
            usage_curve: curve.collect::<Result<_, NoSpan>>()?,
            unhealthy_after: maybe(body.unhealthy_after_seconds)?,
            out_of_memory_after: maybe(body.out_of_memory_after_seconds)?,
            pull: maybe(body.pull_seconds)?,
            cannot_pull: body.cannot_pull,
            start: maybe(body.start_seconds)?,
            run,
            exit_code: body.exit_code,
            log: body.log,
            unready: body.unready,
            ready_after: maybe(body.ready_after_seconds)?,
            unready_after: maybe(body.unready_after_seconds)?,
            post_start: maybe(body.post_start_seconds)?,
            post_start_fails: body.post_start_fails,
            pre_stop: maybe(body.pre_stop_seconds)?,
            pre_stop_fails: body.pre_stop_fails,
            scheduling: maybe(body.scheduling_seconds)?,
            cannot_schedule: body.cannot_schedule,
            stop: maybe(body.stop_seconds)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    #[test]
    fn everything_a_script_can_say_can_be_said_at_the_door() {
        let seconds = Duration::from_secs;
        let usage = Usage { milli_vcpu: 250, mebibytes: 512 };
        let all = json!({
            "pattern": "batch:*", "pull-seconds": 1, "cannot-pull": "denied", "start-seconds": 2, "run-seconds": 3,
            "exit-code": 4, "log": ["up"], "unready": true, "unready-after-seconds": 6, "post-start-seconds": 7,
            "post-start-fails": true, "pre-stop-seconds": 8, "pre-stop-fails": true, "scheduling-seconds": 9,
            "cannot-schedule": "full", "uses-milli-vcpu": 250, "uses-mebibytes": 512,
            "usage-curve": [{ "after-seconds": 10, "milli-vcpu": 250, "mebibytes": 512 }],
            "unhealthy-after-seconds": 11, "out-of-memory-after-seconds": 12, "stop-seconds": 13
        });
        let script = Script::try_from(serde_json::from_value::<Scripted>(all).unwrap()).unwrap();
        // Each field by name, so that a new one has to be thought of here.
        let wanted = Script {
            pull: Some(seconds(1)),
            cannot_pull: Some("denied".into()),
            start: Some(seconds(2)),
            run: Some(Runs::For(seconds(3))),
            exit_code: Some(4),
            log: vec!["up".into()],
            unready: true,
            ready_after: None,
            unready_after: Some(seconds(6)),
            post_start: Some(seconds(7)),
            post_start_fails: true,
            pre_stop: Some(seconds(8)),
            pre_stop_fails: true,
            scheduling: Some(seconds(9)),
            cannot_schedule: Some("full".into()),
            usage: Some(usage),
            usage_curve: vec![(seconds(10), usage)],
            unhealthy_after: Some(seconds(11)),
            out_of_memory_after: Some(seconds(12)),
            stop: Some(seconds(13)),
        };
        assert_eq!(script, wanted);
        let ready = json!({ "pattern": "x", "ready-after-seconds": 0.5, "run-forever": true });
        let script = Script::try_from(serde_json::from_value::<Scripted>(ready).unwrap()).unwrap();
        assert_eq!((script.ready_after, script.run), (Some(Duration::from_millis(500)), Some(Runs::Forever)));
    }

    #[test]
    fn a_script_that_says_two_things_of_the_same_is_none() {
        for (body, word) in [
            (json!({ "pattern": "x", "run-seconds": 1, "run-forever": true }), "`run-forever`"),
            (json!({ "pattern": "x", "unready": true, "ready-after-seconds": 1 }), "`ready-after-seconds`"),
            (json!({ "run-seconds": 1 }), "`pattern` is missing"),
            (json!({ "pattern": "x", "ready-after-seconds": -1 }), "0 or more"),
        ] {
            let why =
                Script::try_from(serde_json::from_value::<Scripted>(body).unwrap()).unwrap_err().to_string();
            assert!(why.contains(word), "{why}");
        }
    }
}
