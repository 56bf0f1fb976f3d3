//! One container of a group: the states of its life, and its restarts.

pub mod hook;
pub mod probed;
pub mod spec;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::script::Run;
use probed::Probed;
use spec::Spec;

/// Rule for starting containers again after they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RestartPolicy {
    /// Restart after every end.
    #[default]
    Always,
    /// Restart only after an end with an exit code other than 0.
    OnFailure,
    /// No restart, whatever the exit code.
    Never,
}

/// A container: its specification, and the state of its life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Container {
    /// Specification from the request.
    pub spec: Spec,
    /// True for an init container, which runs before the others and has to exit with 0.
    pub init: bool,
    /// Current phase, with its times and exit code.
    pub phase: Phase,
    /// End of the last run that the phase does not show; `None` where there is none.
    pub previous: Option<Box<TerminatedRun>>,
    /// Number of restarts, as describe gives it.
    pub restarts: u32,
    /// Readiness: true while it runs and its probe, or the script, says so; stays true for an init container that
    /// exited with 0.
    pub ready: bool,
    /// Consecutive early ends, or failed pulls of its image; counts for the back-off.
    pub failures: u32,
    /// Plan of the present run, or of the last one; `None` before the first.
    pub run: Option<Arc<Run>>,
    /// What its probes have found in the present run; `None` where none is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probed: Option<Box<Probed>>,
}

/// Phase of a container's life, with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Not running; may be started.
    Waiting(Wait),
    /// A run is under way.
    Running {
        /// Start of the run.
        since: Timestamp,
    },
    /// The last run ended, and none has begun since.
    Terminated(Box<TerminatedRun>),
}

/// Reason for which a container waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wait {
    /// The start is under way.
    Creating,
    /// The init containers have not all ended yet.
    Initializing,
    /// A pull of the image has just failed, with this message.
    PullFailed(Box<str>),
    /// A pull of the image failed with this message, and is tried again later.
    PullBackOff(Box<str>),
    /// The name of the image is malformed; the message says what is wrong.
    InvalidImage(Box<str>),
    /// A run ended early; the next start comes after a back-off.
    CrashLoop {
        /// Length of the back-off in seconds, 300 at most.
        seconds: u16,
    },
}

/// End of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminatedRun {
    /// Start of the run.
    pub started: Timestamp,
    /// End of the run.
    pub finished: Timestamp,
    /// Exit code; 128 plus the signal where a signal ended it.
    pub exit_code: i32,
    /// The signal that ended it; 0 for none.
    pub signal: i32,
    /// Reason, where it is other than `Completed` (exit code 0) or `Error`.
    pub reason: Option<Cow<'static, str>>,
    /// Plan of the run, whose lines are its log.
    pub run: Option<Arc<Run>>,
    /// Exit code and reason of a bad end that counts as a good one (`ECI_CONTAINER_IGNORE_EXIT_CODE`).
    #[serde(default)]
    pub forgiven: Option<(i32, Cow<'static, str>)>,
}

/// Bytes of a container's last lines that its message holds, at most.
const LAST_WORDS_MAX: usize = 4096;
/// Lines at the end of the log that are read for the message, at most; as the kubelet does.
const LAST_LINES_MAX: usize = 80;
/// Run time after which earlier failures no longer count.
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

    /// Name of the policy in requests and replies.
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::OnFailure => "OnFailure",
            Self::Never => "Never",
        }
    }

    /// True if a container that ended with `exit_code` is started again; an init container that exited with 0 never is.
    pub fn restarts(self, init: bool, exit_code: i32) -> bool {
        match self {
            Self::Always => !init || exit_code != 0,
            Self::OnFailure => exit_code != 0,
            Self::Never => false,
        }
    }
}

/// Back-off before the next try after so many failures in a row: 10 s, doubled each time, 300 s at most.
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
            probed: None,
        }
    }

    /// True while a run is under way.
    pub fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running { .. })
    }

    /// Number of the next run where an Engine runs the container; the first is 1.
    pub fn next_run(&self) -> u32 {
        self.run.as_ref().and_then(|run| run.number).map_or(1, |number| number.saturating_add(1))
    }

    /// True if it is running, and the run is the Engine's run `number`.
    pub fn is_run(&self, number: u32) -> bool {
        self.is_running() && self.run.as_ref().and_then(|run| run.number) == Some(number)
    }

    /// True once a run has begun, be it over or not.
    pub fn was_started(&self) -> bool {
        !matches!(self.phase, Phase::Waiting(_)) || self.previous.is_some()
    }

    /// True for a sidecar (`ECI_CONTAINER_TYPE`), which the platform ends once the normal containers have ended.
    pub fn is_sidecar(&self) -> bool {
        self.spec.says("ECI_CONTAINER_TYPE", "sidecar")
    }

    /// True if a hook runs before it is stopped.
    pub fn has_stop_hook(&self) -> bool {
        self.spec.optional.as_ref().is_some_and(|optional| optional.stop_hook.is_some())
    }

    /// True if it has a readiness probe.
    pub fn is_probed_for_readiness(&self) -> bool {
        self.spec.optional.as_ref().is_some_and(|optional| optional.readiness.is_some())
    }

    /// True if the group counts as ready without it (`ECI_CONTAINER_IGNORE_READY`).
    pub fn ignores_readiness(&self) -> bool {
        self.spec.says("ECI_CONTAINER_IGNORE_READY", "true")
    }

    /// True if a bad end of it counts as a good one (`ECI_CONTAINER_IGNORE_EXIT_CODE`).
    pub fn ignores_exit_code(&self) -> bool {
        self.spec.says("ECI_CONTAINER_IGNORE_EXIT_CODE", "true")
    }

    /// Exit code of the last run while the container stays ended; `None` while it waits or runs.
    pub fn exit_code(&self) -> Option<i32> {
        match &self.phase {
            Phase::Terminated(ended) => Some(ended.exit_code),
            Phase::Waiting(_) | Phase::Running { .. } => None,
        }
    }

    /// Starts the run `run` at `at`.
    pub fn start(&mut self, at: Timestamp, run: Arc<Run>) {
        self.retire();
        self.phase = Phase::Running { since: at };
        self.run = Some(run);
        self.probed = None;
    }

    /// Ends the run at `at`. Does nothing when it is not running.
    pub fn end(&mut self, at: Timestamp, exit_code: i32, signal: i32, reason: Option<&'static str>) {
        let Phase::Running { since } = self.phase else { return };
        if since.duration_until(at) >= FORGOTTEN_AFTER {
            self.failures = 0;
        }
        let (run, reason) = (self.run.clone(), reason.map(Cow::Borrowed));
        let mut ended =
            TerminatedRun { started: since, finished: at, exit_code, signal, reason, run, forgiven: None };
        if exit_code != 0 && !self.init && self.ignores_exit_code() {
            ended.forgive();
        }
        self.phase = Phase::Terminated(Box::new(ended));
        self.ready = false;
    }

    /// Waits for a start; the end of the last run becomes the previous state.
    pub fn wait(&mut self, wait: Wait) {
        self.retire();
        self.phase = Phase::Waiting(wait);
        self.ready = false;
    }

    /// Message of an end: the last lines of the log where the container asks for them and the end was bad, after the
    /// code and reason of an end that is forgiven; 4 KiB at most (eci-openapi.md, section 7.2).
    pub fn last_words(&self, ended: &TerminatedRun) -> String {
        let tells = self.spec.optional.as_ref().is_some_and(|optional| optional.tells_last_words);
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

impl TerminatedRun {
    /// Turns a bad end into a good one, and keeps the code and the reason for the message.
    fn forgive(&mut self) {
        self.forgiven = Some((self.exit_code, self.reason().to_owned().into()));
        (self.exit_code, self.signal, self.reason) = (0, 0, None);
    }

    /// Reason as describe gives it: the one that is set, else `Completed` or `Error` by the exit code.
    pub fn reason(&self) -> &str {
        self.reason.as_deref().unwrap_or(if self.exit_code == 0 { "Completed" } else { "Error" })
    }
}

impl Wait {
    /// Reason as describe gives it, in the kubelet's words.
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

    /// Message as describe gives it; empty for the waits that need none.
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
