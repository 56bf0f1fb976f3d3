//! `script: { image: batch, run: 30s, exit-code: 3 }`: what containers of an image, or of a group, do.

use std::fmt;

use eci_sim::Latency;
use eci_sim::control::wire;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::outcome::Miss;
use crate::scenario::error::CaseError;
use crate::scenario::span::Span;
use crate::stage::World;

/// Says what containers of an image, or of a group of this name, do.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Script {
    /// The image, or the name of the group; a `*` stands for anything.
    pub image: String,
    /// The time of pulling the image.
    pub pull: Option<Span>,
    /// The time until a container has started.
    pub start: Option<Span>,
    /// The time for which a container runs; as its command says where nothing is said here.
    pub run: Option<Span>,
    /// The container runs until it is told to end.
    #[serde(default)]
    pub run_forever: bool,
    /// The container's exit code.
    pub exit_code: Option<i32>,
    /// The lines of the container's log.
    #[serde(default)]
    pub log: Vec<String>,
    /// The reason for which the image cannot be pulled.
    pub cannot_pull: Option<String>,
    /// The containers never become ready.
    #[serde(default)]
    pub unready: bool,
    /// The time from the start until a container is ready; with a readiness probe, at the first one that comes then.
    pub ready_after: Option<Span>,
    /// The time from the start until a container is unready; with a readiness probe, when that has failed often enough.
    pub unready_after: Option<Span>,
    /// The time of the hook that runs when a container has started, where there is one.
    pub post_start: Option<Span>,
    /// The hook after the start ends badly, so that the container is ended.
    #[serde(default)]
    pub post_start_fails: bool,
    /// The time of the hook that runs before a container is stopped, where there is one.
    pub pre_stop: Option<Span>,
    /// The hook before the stop ends badly, which is told and changes nothing else.
    #[serde(default)]
    pub pre_stop_fails: bool,
    /// The time for which its groups wait for a machine.
    pub scheduling: Option<Span>,
    /// The time of setting up the sandbox of its groups.
    pub sandbox: Option<Span>,
    /// The time of preparing a restart or an update of its groups.
    pub preparation: Option<Span>,
    /// The latency of all other steps of its groups: `none`, `published`, or a factor such as `x0.5`.
    pub latency: Option<Latency>,
    /// The reason for which its groups get no machine.
    pub cannot_schedule: Option<String>,
    /// The resource usage of a container.
    pub uses: Option<Uses>,
    /// The resource usage from so long after the start on, in order of time.
    #[serde(default)]
    pub usage_curve: Vec<UsesLater>,
    /// From so long after its start on, its probes fail.
    pub unhealthy_after: Option<Span>,
    /// So long after its start, it runs out of memory.
    pub out_of_memory_after: Option<Span>,
    /// The time that the containers take to end when they are told to, their hooks included.
    pub stop: Option<Span>,
}

/// The resource usage of a container.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Uses {
    /// Thousandths of a vCPU.
    pub milli_vcpu: u32,
    /// MiB of memory.
    pub mebibytes: u32,
}

/// The resource usage of a container from a moment on.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct UsesLater {
    /// So long after its start.
    pub after: Span,
    /// Thousandths of a vCPU.
    pub milli_vcpu: u32,
    /// MiB of memory.
    pub mebibytes: u32,
}

impl Script {
    pub(super) fn check(&self) -> Result<(), CaseError> {
        match (self.exit_code, self.run) {
            (Some(_), None) => Err(CaseError::Lacks {
                holder: "exit-code",
                lacking: "`run`: how long the container runs before",
            }),
            (_, Some(_)) if self.run_forever => Err(CaseError::Exclusive("run", "run-forever")),
            _ if self.says_nothing() => Err(CaseError::SaysNothing {
                step: "script",
                advice: " about its containers; add `run: 30s` or the like",
            }),
            _ if self.unready && self.ready_after.is_some() => {
                Err(CaseError::Exclusive("unready", "ready-after"))
            }
            _ => Ok(()),
        }
    }

    fn says_nothing(&self) -> bool {
        let pattern = self.image.clone();
        self.scripted() == wire::ScriptRequest { pattern, ..wire::ScriptRequest::default() }
    }

    /// True when it is for containers of this image.
    pub(crate) fn is_for(&self, image: &str) -> bool {
        let mut scripts = eci_sim::script::Scripts::default();
        scripts.add(self.image.as_str(), eci_sim::Script::default());
        scripts.find("", image).is_some()
    }

    /// As the simulator's control API takes it.
    pub(crate) fn scripted(&self) -> wire::ScriptRequest {
        let later = |uses: &UsesLater| wire::UsagePoint {
            after_seconds: seconds(uses.after),
            milli_vcpu: uses.milli_vcpu,
            mebibytes: uses.mebibytes,
        };
        wire::ScriptRequest {
            pattern: self.image.clone(),
            pull_seconds: self.pull.map(seconds),
            cannot_pull: self.cannot_pull.clone(),
            start_seconds: self.start.map(seconds),
            run_seconds: self.run.map(seconds),
            run_forever: self.run_forever,
            exit_code: self.exit_code,
            log: self.log.clone(),
            unready: self.unready,
            ready_after_seconds: self.ready_after.map(seconds),
            unready_after_seconds: self.unready_after.map(seconds),
            post_start_seconds: self.post_start.map(seconds),
            post_start_fails: self.post_start_fails,
            pre_stop_seconds: self.pre_stop.map(seconds),
            pre_stop_fails: self.pre_stop_fails,
            scheduling_seconds: self.scheduling.map(seconds),
            sandbox_seconds: self.sandbox.map(seconds),
            preparation_seconds: self.preparation.map(seconds),
            latency: self.latency,
            cannot_schedule: self.cannot_schedule.clone(),
            unhealthy_after_seconds: self.unhealthy_after.map(seconds),
            out_of_memory_after_seconds: self.out_of_memory_after.map(seconds),
            usage_curve: self.usage_curve.iter().map(later).collect(),
            stop_seconds: self.stop.map(seconds),
            uses_milli_vcpu: self.uses.map(|uses| uses.milli_vcpu),
            uses_mebibytes: self.uses.map(|uses| uses.mebibytes),
        }
    }

    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        world.script(self).await?;
        world.demands().script(self.image.clone(), self.to_string());
        Ok(())
    }
}

impl World {
    /// Says what containers of an image, or of groups of a name, do from now on; of several scripts
    /// that fit, the latest counts.
    ///
    /// # Errors
    /// [`Miss::Refused`] for a script that contradicts itself, or when a cloud somewhere else does not answer.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use scenarios::{Script, Span, World};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let world = World::start().await?;
    /// let run = Some(Span(Duration::from_secs(30)));
    /// world.script(&Script { image: "batch:*".into(), run, exit_code: Some(3), ..Script::default() }).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn script(&self, script: &Script) -> Result<(), Miss> {
        script.check().map_err(|why| Miss::Refused(why.to_string()))?;
        self.cloud().script(script.scripted()).await
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "script {}", self.image)
    }
}

fn seconds(Span(span): Span) -> Decimal {
    Decimal::new(i64::try_from(span.as_millis()).unwrap_or(i64::MAX), 3).normalize()
}

#[cfg(test)]
mod tests {
    use crate::scenario::Scenario;
    use crate::steps::Step;

    #[test]
    fn a_step_says_all_that_the_control_api_can_be_told() {
        let text = "\
scenario: containers do what is said
cites: ours
steps:
  - script: { image: 'batch:*', pull: 1s, cannot-pull: denied, start: 2s, run: 3s, exit-code: 4, log: [up], unready: true,
              unready-after: 6s, post-start: 7s, post-start-fails: true, pre-stop: 8s, pre-stop-fails: true,
              scheduling: 9s, cannot-schedule: full, uses: { milli-vcpu: 250, mebibytes: 512 },
              usage-curve: [{ after: 10s, milli-vcpu: 1, mebibytes: 2 }], unhealthy-after: 11s,
              out-of-memory-after: 12s, stop: 13s }
  - script: { image: web, ready-after: 500ms, run-forever: true }
";
        let scripts = Scenario::read("x.yaml", text).unwrap().steps.into_iter().map(|step| match step {
            Step::Script(script) => serde_json::to_value(script.scripted()).unwrap(),
            _ => serde_json::Value::Null,
        });
        let wanted = [
            serde_json::json!({
                "pattern": "batch:*", "pull-seconds": "1", "cannot-pull": "denied", "start-seconds": "2",
                "run-seconds": "3", "exit-code": 4, "log": ["up"], "unready": true, "unready-after-seconds": "6",
                "post-start-seconds": "7", "post-start-fails": true, "pre-stop-seconds": "8", "pre-stop-fails": true,
                "scheduling-seconds": "9", "cannot-schedule": "full", "uses-milli-vcpu": 250, "uses-mebibytes": 512,
                "usage-curve": [{ "after-seconds": "10", "milli-vcpu": 1, "mebibytes": 2 }],
                "unhealthy-after-seconds": "11", "out-of-memory-after-seconds": "12", "stop-seconds": "13"
            }),
            serde_json::json!({ "pattern": "web", "ready-after-seconds": "0.5", "run-forever": true }),
        ];
        assert_eq!(scripts.collect::<Vec<_>>(), wanted);
    }
}
