//! A check, its report, and its outcome in a line.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::outcome::{CheckOutcome, Extent};

/// The environment variable by which a check's process is told where to write its [`Report`].
pub const REPORT: &str = "VIRTUAL_NODE_REPORT";

/// A check of the project.
pub struct Check {
    pub name: &'static str,
    /// Programs without which the check is skipped.
    pub needs: &'static [&'static str],
    /// Checks that it builds on: it begins when they have ended, and does not begin when one has failed.
    pub after: &'static [&'static str],
    pub pool: Pool,
    /// Seconds that it took at the last measurement, on two cores with warm caches.
    pub takes: u64,
    /// Seconds after which it is ended, whatever else the machine does.
    pub budget: u64,
    /// Left out of a run of all checks without `--all`; always run by its name.
    pub on_demand: bool,
    /// Additional scope with `--all`; empty for none.
    pub all: &'static str,
    pub run: fn(&Path, Extent) -> Result<CheckOutcome>,
    /// Removes leftovers that live on when the check's processes are killed.
    pub clean_up: Option<fn() -> Result<()>>,
}

/// Resource that a check occupies; each has room for so many checks at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pool {
    /// The workspace's builds, which cargo does one after the other.
    Cargo,
    /// Builds of Go programs.
    Go,
    /// Nothing much: the check waits for others more than it computes.
    Waiting,
    /// The one container engine, which is waited for more than it computes.
    Engine,
    /// What others leave of the processors.
    Background,
    /// Nothing: the check sleeps nearly all of its time, to see that nothing happens.
    Sleeping,
}

impl Pool {
    /// Number of checks that have room at once.
    pub fn capacity(self) -> usize {
        match self {
            Self::Cargo | Self::Go | Self::Engine | Self::Background | Self::Sleeping => 1,
            Self::Waiting => 2,
        }
    }
}

/// Report that a check's process writes when it ends.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    pub conclusion: Conclusion,
    /// Milliseconds that were spent building or downloading only.
    pub building: u64,
    /// Seconds of processors that the check and what it waited for have taken; what it leaves to others, such as the
    /// processes of a container engine, is theirs.
    #[serde(default)]
    pub processors: u64,
}

/// Verdict on a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Conclusion {
    Passed,
    /// Not run, since this machine lacks a requirement of the check; the text names it.
    Skipped(String),
    Failed(String),
}

/// A check that has ended, or never began.
#[derive(Debug, Clone)]
pub struct Finished {
    pub name: &'static str,
    pub conclusion: Conclusion,
    pub took: Duration,
    pub building: Duration,
    /// Time of processors, as far as it is the check's own.
    pub processors: Duration,
    pub budget: Duration,
}

/// Outcome of a check, in a line.
pub fn line(finished: &Finished) -> String {
    let (took, building) = (span(finished.took), span(finished.building));
    let times = format!("({took}, {building} of it building)");
    match &finished.conclusion {
        Conclusion::Passed => format!("✓ {}  {times}", finished.name),
        Conclusion::Skipped(why) => format!("- {}: skipped, {why}  {times}", finished.name),
        Conclusion::Failed(why) => format!("✗ {}: {why}  {times}", finished.name),
    }
}

/// A span in whole seconds.
pub fn span(span: Duration) -> String {
    format!("{} s", span.as_secs_f64().round())
}
