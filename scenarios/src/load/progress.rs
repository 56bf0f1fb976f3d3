//! The progress of a run, a line each second of the machine's time, on whatever takes lines.

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use determinism::Stopwatch;

use super::history::Counts;

/// The pause between two lines.
const INTERVAL: Duration = Duration::from_secs(1);

/// A part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Pods are made.
    Creating,
    /// All were asked for, and not all run.
    Starting,
    /// All run.
    Steady,
    /// Pods are taken away.
    Deleting,
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Part of the run.
    pub phase: Phase,
    /// Seconds since the run began, in the world's time.
    pub seconds: f64,
    /// Counts of pods.
    pub counts: Counts,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match self.phase {
            Phase::Creating => "creating",
            Phase::Starting => "starting",
            Phase::Steady => "steady",
            Phase::Deleting => "deleting",
        };
        let Counts { requested, accepted, scheduled, running, failed, gone } = self.counts;
        write!(
            f,
            "{:>7.1} s {phase:<8} {requested} requested, {accepted} accepted, {scheduled} scheduled, {running} Running, {gone} gone",
            self.seconds
        )?;
        if failed > 0 { write!(f, ", {failed} failed") } else { Ok(()) }
    }
}

/// Writes progress no more often than once a second.
pub struct ProgressLines<W> {
    out: W,
    live: bool,
    since: Stopwatch,
}

impl<W: Write> ProgressLines<W> {
    /// Lines on `out`; one that is written again and again where `live`.
    pub fn new(out: W, live: bool) -> Self {
        Self { out, live, since: Stopwatch::start() }
    }

    /// Writes a line, if it is time.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn tell(&mut self, progress: &Progress) -> io::Result<()> {
        if self.since.elapsed() < INTERVAL {
            return Ok(());
        }
        self.since = Stopwatch::start();
        match self.live {
            true => write!(self.out, "\r\x1b[K{progress}")?,
            false => writeln!(self.out, "{progress}")?,
        }
        self.out.flush()
    }

    /// Clears the line that was written again and again.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn end(&mut self) -> io::Result<()> {
        if self.live { write!(self.out, "\r\x1b[K") } else { Ok(()) }
    }
}
