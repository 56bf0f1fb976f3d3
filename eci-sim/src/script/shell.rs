//! Reader of commands: how long a container runs, which lines it writes and when, what it does to files, its exit code.
//!
//! It is a small shell with a clock instead of processes: lists, pipes, loops, branches, functions, variables, sums,
//! files, and the commands of [`commands`]. What is not known stops it, and the plan says what that was
//! ([`Run::assumed`]). The work is bounded: a script is read for [`STEPS_MAX`] steps, and a loop whose rounds are all the
//! same is kept as one round.

mod commands;
mod loops;
mod marks;
mod parser;
mod pattern;
mod play;
mod run;
mod streams;
mod sum;
mod syntax;
mod tar;
mod timeline;
mod words;

use std::time::Duration;

use jiff::Timestamp;

use crate::script::files::{Layer, Space};
pub use marks::dated;
use marks::{MARK, MARK_END};
use play::Play;
pub use run::{Again, Assumed, Run};

/// Steps that a script may take; what comes after is not played.
const STEPS_MAX: usize = 10_000;
/// Lines of a run that are kept; a run that writes more is silent from there on.
const LINES_MAX: usize = 2000;
/// Bytes of a text in a script, at most.
const TEXT_MAX: usize = 64 << 10;
/// Bytes that are read or written in a step.
const BYTES_IN_A_STEP: usize = 1024;
/// Format of `date` where none is given.
const DATE: &str = "%a %b %e %H:%M:%S UTC %Y";

/// What a command finds where it is run.
#[derive(Debug, Clone, Default)]
pub struct RunContext<'a> {
    /// Environment: names and values.
    pub env: &'a [(&'a str, &'a str)],
    /// Files as they are at the start.
    pub space: Space,
    /// Files as others have left them, each state from its time after the start on.
    pub later: Vec<(Duration, Vec<Layer>)>,
    /// Standard input; `None` where none is given.
    pub input: Option<&'a [u8]>,
    /// True if a standard input stays open, as that of a terminal.
    pub is_open: bool,
    /// Working directory, an absolute path; empty for the root.
    pub directory: &'a str,
    /// Start of the run.
    pub started: Timestamp,
}

/// Reads a command and its arguments, and returns the plan of a run of it.
pub fn read(words: &[&str], context: RunContext<'_>) -> Run {
    let mut play = Play::new(context);
    let plain = |word: &&str| word.chars().filter(|c| !matches!(*c, MARK | MARK_END)).collect::<String>();
    let words: Vec<String> = words.iter().map(plain).collect();
    let flow = words.split_first().and_then(|(name, rest)| play.run(name, rest));
    play.end(flow)
}

/// True if a word names a shell whose scripts are read.
pub fn is_shell(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    matches!(name, "sh" | "bash" | "ash" | "dash")
}

/// Reads a time of `sleep`: `30`, `0.5`, `2m`; `None` for `infinity` and for a malformed one.
fn span(text: &str) -> Option<Duration> {
    let (number, unit) = match text.char_indices().next_back()? {
        (at, 's') => (&text[..at], 1),
        (at, 'm') => (&text[..at], 60),
        (at, 'h') => (&text[..at], 3600),
        (at, 'd') => (&text[..at], 86_400),
        _ => (text, 1),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let whole = if whole.is_empty() && !fraction.is_empty() { "0" } else { whole };
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    let millis = whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(digits.parse::<u64>().ok()?)?;
    Some(Duration::from_millis(millis.checked_mul(unit)?))
}

#[cfg(test)]
mod tests;
