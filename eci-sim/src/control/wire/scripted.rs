//! Container scripts as bodies of the control API.

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SpanError, span};
use crate::latency::Latency;
use crate::script::{Runs, Script, Usage, malformed};

/// A script of containers whose image, or whose group's name, matches the pattern; a field that is left out leaves the
/// default behaviour.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ScriptRequest {
    /// Image or group name; a `*` stands for anything.
    pub pattern: String,
    /// Seconds that the pull of the image takes.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_seconds: Option<Decimal>,
    /// Error of the pull, which then fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cannot_pull: Option<String>,
    /// Seconds from the container's creation to its start.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_seconds: Option<Decimal>,
    /// Seconds that the container runs.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_seconds: Option<Decimal>,
    /// Runs until it is stopped.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub run_forever: bool,
    /// Exit code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Lines of output at the container's start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
    /// Never becomes ready.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unready: bool,
    /// Seconds from the start until the container is ready; with a readiness probe, until the first probe from then on.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_after_seconds: Option<Decimal>,
    /// Seconds from the start until the container is no longer ready; with a readiness probe, until it has failed often
    /// enough from then on.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unready_after_seconds: Option<Decimal>,
    /// Seconds that a postStart hook takes.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_start_seconds: Option<Decimal>,
    /// Fails a postStart hook, so that the container is killed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub post_start_fails: bool,
    /// Seconds that a preStop hook takes.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_stop_seconds: Option<Decimal>,
    /// Fails a preStop hook, which makes an event and nothing else.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pre_stop_fails: bool,
    /// Seconds that the group waits for a machine.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_seconds: Option<Decimal>,
    /// Seconds that the setup of the group's sandbox takes.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox_seconds: Option<Decimal>,
    /// Seconds that the preparation of the group's restart or update takes.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preparation_seconds: Option<Decimal>,
    /// Latency of all steps of the group whose seconds no script says: `none`, `published`, or a factor such as `x0.5`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// Reason why the group gets no machine, which then ends as ScheduleFailed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cannot_schedule: Option<String>,
    /// Seconds from the start until liveness and readiness probes fail.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unhealthy_after_seconds: Option<Decimal>,
    /// Seconds from the start until the container is killed for lack of memory.
    #[schemars(with = "Option<f64>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_of_memory_after_seconds: Option<Decimal>,
    /// Usage over time, in order of time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub usage_curve: Vec<UsagePoint>,
    /// Seconds that a container takes to end when it is stopped, its preStop hook included.
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

/// The usage of a container from a moment on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct UsagePoint {
    /// Seconds from the container's start.
    #[schemars(with = "f64")]
    pub after_seconds: Decimal,
    /// Thousandths of a vCPU.
    pub milli_vcpu: u32,
    /// MiB of memory.
    pub mebibytes: u32,
}

/// A body that is no script.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// A time in it is none.
    #[error(transparent)]
    Span(#[from] SpanError),
    /// A run of some seconds and without end.
    #[error("`run-seconds` and `run-forever` exclude each other")]
    RunsTwice,
    /// A container that is never ready and ready after some seconds.
    #[error("`unready` and `ready-after-seconds` exclude each other")]
    ReadyTwice,
    /// A pattern that no image and no group can match.
    #[error(
        "`{0}` is the name of no image and of no group; it should be one such as `batch:1.2`, or have a `*` for anything"
    )]
    Pattern(String),
    /// A script without a pattern.
    #[error("`pattern` is missing; it should be an image or a group's name, such as `batch:*`")]
    NoPattern,
}

impl TryFrom<ScriptRequest> for Script {
    type Error = ScriptError;

    fn try_from(body: ScriptRequest) -> Result<Self, ScriptError> {
        if body.pattern.is_empty() {
            return Err(ScriptError::NoPattern);
        }
        if !body.pattern.contains('*') && malformed(&body.pattern).is_some() {
            return Err(ScriptError::Pattern(body.pattern));
        }
        let maybe = |seconds: Option<Decimal>| seconds.map(span).transpose();
        let run = match (body.run_seconds, body.run_forever) {
            (Some(_), true) => return Err(ScriptError::RunsTwice),
            (Some(seconds), false) => Some(Runs::For(span(seconds)?)),
            (None, true) => Some(Runs::Forever),
            (None, false) => None,
        };
        if body.unready && body.ready_after_seconds.is_some() {
            return Err(ScriptError::ReadyTwice);
        }
        let usage = match (body.uses_milli_vcpu, body.uses_mebibytes) {
            (None, None) => None,
            (vcpu, memory) => Some(Usage { milli_vcpu: vcpu.unwrap_or(0), mebibytes: memory.unwrap_or(0) }),
        };
        let curve = body.usage_curve.into_iter().map(|uses| {
            let UsagePoint { after_seconds, milli_vcpu, mebibytes } = uses;
            Ok((span(after_seconds)?, Usage { milli_vcpu, mebibytes }))
        });
        Ok(Self {
            usage,
            usage_curve: curve.collect::<Result<_, SpanError>>()?,
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
            sandbox: maybe(body.sandbox_seconds)?,
            preparation: maybe(body.preparation_seconds)?,
            latency: body.latency,
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
    fn everything_a_script_can_say_can_be_sent_to_the_control_api() {
        let seconds = Duration::from_secs;
        let usage = Usage { milli_vcpu: 250, mebibytes: 512 };
        let all = json!({
            "pattern": "batch:*", "pull-seconds": 1, "cannot-pull": "denied", "start-seconds": 2, "run-seconds": 3,
            "exit-code": 4, "log": ["up"], "unready": true, "unready-after-seconds": 6, "post-start-seconds": 7,
            "post-start-fails": true, "pre-stop-seconds": 8, "pre-stop-fails": true, "scheduling-seconds": 9,
            "cannot-schedule": "full", "uses-milli-vcpu": 250, "uses-mebibytes": 512,
            "usage-curve": [{ "after-seconds": 10, "milli-vcpu": 250, "mebibytes": 512 }],
            "unhealthy-after-seconds": 11, "out-of-memory-after-seconds": 12, "stop-seconds": 13,
            "sandbox-seconds": 14, "preparation-seconds": 15, "latency": "x0.5"
        });
        let script = Script::try_from(serde_json::from_value::<ScriptRequest>(all).unwrap()).unwrap();
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
            sandbox: Some(seconds(14)),
            preparation: Some(seconds(15)),
            latency: Some("x0.5".parse().unwrap()),
            cannot_schedule: Some("full".into()),
            usage: Some(usage),
            usage_curve: vec![(seconds(10), usage)],
            unhealthy_after: Some(seconds(11)),
            out_of_memory_after: Some(seconds(12)),
            stop: Some(seconds(13)),
        };
        assert_eq!(script, wanted);
        let ready = json!({ "pattern": "x", "ready-after-seconds": 0.5, "run-forever": true });
        let script = Script::try_from(serde_json::from_value::<ScriptRequest>(ready).unwrap()).unwrap();
        assert_eq!((script.ready_after, script.run), (Some(Duration::from_millis(500)), Some(Runs::Forever)));
    }

    #[test]
    fn a_script_that_says_two_things_of_the_same_is_none() {
        for (body, word) in [
            (json!({ "pattern": "x", "run-seconds": 1, "run-forever": true }), "`run-forever`"),
            (json!({ "pattern": "x", "unready": true, "ready-after-seconds": 1 }), "`ready-after-seconds`"),
            (json!({ "run-seconds": 1 }), "`pattern` is missing"),
            (json!({ "pattern": "Nginx Latest" }), "name of no image"),
            (json!({ "pattern": "x", "ready-after-seconds": -1 }), "0 or more"),
        ] {
            let why = Script::try_from(serde_json::from_value::<ScriptRequest>(body).unwrap())
                .unwrap_err()
                .to_string();
            assert!(why.contains(word), "{why}");
        }
    }
}
