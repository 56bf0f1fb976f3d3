//! What a check is, and what is told of one that has ended.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::outcome::{CheckOutcome, Extent};

/// The environment variable by which a check's process is told where to write its [`Report`].
pub const REPORT: &str = "VIRTUAL_NODE_REPORT";

/// One check.
pub struct Check {
    pub name: &'static str,
    /// The programs without which it is skipped.
    pub needs: &'static [&'static str],
    /// The checks that it builds on: it begins when they have ended, and does not begin when one has failed.
    pub after: &'static [&'static str],
    pub place: Place,
    /// Seconds that it took when that was last measured, on two cores with warm caches.
    pub takes: u64,
    /// Seconds after which it is ended, whatever else the machine does.
    pub budget: u64,
    /// What it looks at with `--all` alone; empty where that is nothing.
    pub all: &'static str,
    pub run: fn(&Path, Extent) -> Result<CheckOutcome>,
    /// Takes away what lives on when its processes are killed.
    pub clean_up: Option<fn() -> Result<()>>,
}

/// What a check takes of the machine; each place takes so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The workspace's builds, which cargo does one after the other.
    Cargo,
    /// Builds of Go programs.
    Go,
    /// Waits for others more than it computes.
    Beside,
}

impl Place {
    /// How many checks it takes at once.
    pub fn at_once(self) -> usize {
        match self {
            Self::Cargo | Self::Go => 1,
            Self::Beside => 2,
        }
    }
}

/// What a check's process says of itself when it ends.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    pub verdict: Verdict,
    /// Milliseconds of it that only built or downloaded.
    pub building: u64,
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    Passed,
    /// This machine lacks what it needs.
    Skipped(String),
    Failed(String),
}

/// A check that has ended, or never began.
#[derive(Debug, Clone)]
pub struct Finished {
    pub name: &'static str,
    pub verdict: Verdict,
    pub took: Duration,
    pub building: Duration,
    pub budget: Duration,
}

/// What came of a check, in a line.
pub fn line(finished: &Finished) -> String {
    let (took, building) = (span(finished.took), span(finished.building));
    let times = format!("({took}, {building} of it building)");
    match &finished.verdict {
        Verdict::Passed => format!("✓ {}  {times}", finished.name),
        Verdict::Skipped(why) => format!("- {}: skipped, {why}  {times}", finished.name),
        Verdict::Failed(why) => format!("✗ {}: {why}  {times}", finished.name),
    }
}

/// A span in whole seconds.
pub fn span(span: Duration) -> String {
    format!("{} s", span.as_secs_f64().round())
}
