//! One container of a group: where it is in its life, and when it is started again.

pub mod hook;
pub mod spec;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::script::Run;
use spec::Spec;

/// Whether containers are started again after they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RestartPolicy {
    /// Whenever they ended.
    #[default]
    Always,
    /// When they ended badly.
    OnFailure,
    /// Never.
    Never,
}

/// A container and its life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Container {
    /// What it was asked to be.
    pub spec: Spec,
    /// Whether it runs before the others and has to end well.
    pub init: bool,
    /// Where it is.
    pub phase: Phase,
    /// How its last run ended, where it is not the present one.
    pub previous: Option<Box<Ended>>,
    /// How often it was started again.
    pub restarts: u32,
    /// Whether it is ready.
    pub ready: bool,
    /// How often in a row it ended early, or its image could not be pulled.
    pub failures: u32,
    /// What its present run does, or its last.
    pub run: Option<Arc<Run>>,
}

/// Where a container is in its life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// It is not running and may be started.
    Waiting(Wait),
    /// It is running.
    Running {
        /// Since when.
        since: Timestamp,
    },
    /// It ended.
    Terminated(Box<Ended>),
}

/// What a container waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wait {
    /// Its start.
    Creating,
    /// The init containers.
    Initializing,
    /// Its image cannot be pulled.
    PullFailed(Box<str>),
    /// Its image could not be pulled, and is tried again later.
    PullBackOff(Box<str>),
    /// The name of its image is none.
    InvalidImage(Box<str>),
    /// It ended early, and is started again later.
    CrashLoop {
        /// How long it waits.
        seconds: u16,
    },
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// With what.
    pub exit_code: i32,
    /// The signal that ended it; 0 for none.
    pub signal: i32,
    /// Its reason, where `Completed` and `Error` do not say it.
    pub reason: Option<Cow<'static, str>>,
    /// What it did.
    pub run: Option<Arc<Run>>,
    /// The code and the reason of a bad end that counts as a good one.
    #[serde(default)]
    pub forgiven: Option<(i32, Cow<'static, str>)>,
}

/// How many bytes of what a container said last are told.
const LAST_WORDS_MAX: usize = 4096;
/// How many of its last lines are looked at for that; as the kubelet does.
const LAST_LINES_MAX: usize = 80;
/// After a run of this length, early ends are forgotten.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_mins(10);

impl RestartPolicy {
    /// The policy of this name; `Always` for the empty one.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "" | "Always" => Some(Self::Always),
            "OnFailure" => Some(Self::OnFailure),
            "Never" => Some(Self::Never),
            _ => None,
        }
    }

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::OnFailure => "OnFailure",
            Self::Never => "Never",
        }
    }

    /// Whether a container that ended with `exit_code` is started again; an init container that ended well never is.
    pub fn restarts(self, init: bool, exit_code: i32) -> bool {
        match self {
            Self::Always => !init || exit_code != 0,
            Self::OnFailure => exit_code != 0,
            Self::Never => false,
        }
    }
}

/// How long to wait before the try after so many failures: 10 s, doubled each time, 5 minutes at most.
pub fn back_off(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(5);
    Duration::from_secs((10u64 << doublings).min(300))
}

impl Container {
    /// A container that was not started yet.
    pub fn new(spec: Spec, init: bool, after_others: bool) -> Self {
        let wait = if after_others { Wait::Initializing } else { Wait::Creating };
        Self {
            spec,
            init,
            phase: Phase::Waiting(wait),
            previous: None,
            restarts: 0,
            ready: false,
            failures: 0,
            run: None,
        }
    }

    /// Whether it is running.
    pub fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running { .. })
    }

    /// The number of its next run, where an Engine does them.
    pub fn next_run(&self) -> u32 {
        self.run.as_ref().and_then(|run| run.number).map_or(1, |number| number.saturating_add(1))
    }

    /// Whether it is running, and it is this run of an Engine's.
    pub fn is_run(&self, number: u32) -> bool {
        self.is_running() && self.run.as_ref().and_then(|run| run.number) == Some(number)
    }

    /// Whether it was ever started.
    pub fn was_started(&self) -> bool {
        !matches!(self.phase, Phase::Waiting(_)) || self.previous.is_some()
    }

    /// Whether the platform ends it once the normal containers have ended.
    pub fn is_sidecar(&self) -> bool {
        self.spec.says("ECI_CONTAINER_TYPE", "sidecar")
    }

    /// Whether something runs before it is stopped.
    pub fn has_stop_hook(&self) -> bool {
        self.spec.rare.as_ref().is_some_and(|rare| rare.stop_hook.is_some())
    }

    /// Whether something asks whether it is ready.
    pub fn is_probed_for_readiness(&self) -> bool {
        self.spec.rare.as_ref().is_some_and(|rare| rare.readiness.is_some())
    }

    /// Whether its group is ready without it.
    pub fn ignores_readiness(&self) -> bool {
        self.spec.says("ECI_CONTAINER_IGNORE_READY", "true")
    }

    /// Whether a bad end of it counts as a good one.
    pub fn ignores_exit_code(&self) -> bool {
        self.spec.says("ECI_CONTAINER_IGNORE_EXIT_CODE", "true")
    }

    /// What it ended with, while nothing starts it again.
    pub fn exit_code(&self) -> Option<i32> {
        match &self.phase {
            Phase::Terminated(ended) => Some(ended.exit_code),
            Phase::Waiting(_) | Phase::Running { .. } => None,
        }
    }

    /// It runs from `at` on, as `run` says.
    pub fn start(&mut self, at: Timestamp, run: Arc<Run>) {
        self.retire();
        self.phase = Phase::Running { since: at };
        self.run = Some(run);
    }

    /// It ends at `at`. Does nothing when it is not running.
    pub fn end(&mut self, at: Timestamp, exit_code: i32, signal: i32, reason: Option<&'static str>) {
        let Phase::Running { since } = self.phase else { return };
        if since.duration_until(at) >= FORGOTTEN_AFTER {
            self.failures = 0;
        }
        let (run, reason) = (self.run.clone(), reason.map(Cow::Borrowed));
        let mut ended =
            Ended { started: since, finished: at, exit_code, signal, reason, run, forgiven: None };
        if exit_code != 0 && !self.init && self.ignores_exit_code() {
            ended.forgive();
        }
        self.phase = Phase::Terminated(Box::new(ended));
        self.ready = false;
    }

    /// Waits for a start; how the last run ended becomes the previous state.
    pub fn wait(&mut self, wait: Wait) {
        self.retire();
        self.phase = Phase::Waiting(wait);
        self.ready = false;
    }

    /// What it said last, where that is to be told of a bad end, and what was bad where that is forgiven: 4 KiB at most
    /// (eci-openapi.md, section 7.2).
    pub fn last_words(&self, ended: &Ended) -> String {
        let tells = self.spec.rare.as_ref().is_some_and(|rare| rare.tells_last_words);
        let bad = ended.exit_code != 0 || ended.forgiven.is_some();
        let run = ended.run.as_ref().filter(|_| tells && bad);
        let ran = ended.started.duration_until(ended.finished).unsigned_abs();
        let said = run.map(|run| run.lines(ended.started, ran, LAST_LINES_MAX)).unwrap_or_default();
        let mut text = said.iter().map(|(_, line)| &**line).collect::<Vec<_>>().join("\n");
        if let Some((code, reason)) = &ended.forgiven {
            text = format!("ExitCode: {code}, Reason: {reason}, Message: {text}");
        }
        let mut from = text.len().saturating_sub(LAST_WORDS_MAX);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        text[from..].to_owned()
    }

    fn retire(&mut self) {
        let phase = std::mem::replace(&mut self.phase, Phase::Waiting(Wait::Creating));
        if let Phase::Terminated(ended) = phase {
            self.previous = Some(ended);
        }
    }
}

impl Ended {
    /// Counts as a good end; what it was is still told.
    fn forgive(&mut self) {
        self.forgiven = Some((self.exit_code, self.reason().to_owned().into()));
        (self.exit_code, self.signal, self.reason) = (0, 0, None);
    }

    /// The word for it.
    pub fn reason(&self) -> &str {
        self.reason.as_deref().unwrap_or(if self.exit_code == 0 { "Completed" } else { "Error" })
    }
}

impl Wait {
    /// The word for it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Creating => "ContainerCreating",
            Self::Initializing => "PodInitializing",
            Self::PullFailed(_) => "ErrImagePull",
            Self::PullBackOff(_) => "ImagePullBackOff",
            Self::InvalidImage(_) => "InvalidImageName",
            Self::CrashLoop { .. } => "CrashLoopBackOff",
        }
    }

    /// What a person reads.
    pub fn message(&self, container: &str, image: &str, group_name: &str, group_id: &str) -> String {
        match self {
            Self::Creating | Self::Initializing => String::new(),
            Self::PullFailed(why) => format!("failed to pull and unpack image \"{image}\": {why}"),
            Self::PullBackOff(_) => format!("Back-off pulling image \"{image}\""),
            Self::InvalidImage(why) => why.to_string(),
            Self::CrashLoop { seconds } => {
                let (minutes, rest) = (seconds / 60, seconds % 60);
                let span = if minutes > 0 { format!("{minutes}m{rest}s") } else { format!("{rest}s") };
                format!(
                    "Back-off {span} restarting failed container={container} pod={group_name}_{group_id}({group_id})"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_from_ten_seconds_to_five_minutes() {
        let waits: Vec<_> = (1..=8).map(|failures| back_off(failures).as_secs()).collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 300, 300, 300]);
    }

    #[test]
    fn the_policy_decides_who_is_started_again() {
        use RestartPolicy::{Always, Never, OnFailure};
        for (policy, init, exit_code, again) in [
            (Always, false, 0, true),
            (Always, false, 1, true),
            (OnFailure, false, 0, false),
            (OnFailure, false, 1, true),
            (Never, false, 0, false),
            (Never, false, 1, false),
            (Always, true, 0, false),
            (Always, true, 1, true),
            (Never, true, 1, false),
        ] {
            assert_eq!(policy.restarts(init, exit_code), again, "{policy:?} init {init} code {exit_code}");
        }
    }
}
