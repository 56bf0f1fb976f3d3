//! Reader of commands: how long a container runs, which lines it writes and when, and its exit code.
//!
//! It is a small shell with a clock instead of processes: lists, loops, branches, variables, sums, `$(…)`, and the
//! commands of [`commands`]. What is not known stops it, and the plan says what that was ([`Run::assumed`]). The work is
//! bounded: a script is read for [`STEPS_MAX`] steps, and a loop whose rounds are all the same is kept as one round.

mod commands;
mod parser;
mod play;
mod syntax;
mod words;

use std::borrow::Cow;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use play::Play;

/// Plan of one run of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Lines of the log, each at a time after the start, in order of time; 2000 at most.
    pub says: Vec<(Duration, String)>,
    /// Round of lines that is repeated without an end after them.
    #[serde(default)]
    pub again: Option<Box<Again>>,
    /// Time after the start at which the run ends, and its exit code; `None` for a run without an end.
    pub ends: Option<(Duration, i32)>,
    /// Number of the run, where an Engine does it and knows the rest.
    pub number: Option<u32>,
    /// What was not played and is assumed; `None` where all was played.
    #[serde(default)]
    pub assumed: Option<Box<Assumed>>,
}

/// A part of a command that was not played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assumed {
    /// The part, in the words of the command.
    pub what: String,
    /// Time after the start at which it comes.
    pub at: Duration,
    /// True if nothing comes after it: whether it ends is not known.
    pub stops: bool,
    /// What is assumed instead, and how to script it; empty until that is settled.
    pub message: String,
}

/// Round of a loop without an end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// Time after the start at which it comes first.
    pub from: Duration,
    /// Interval at which it comes again; not zero.
    pub every: Duration,
    /// Lines of a round, each at a time after its beginning.
    pub lines: Vec<(Duration, String)>,
}

/// Steps that a script may take; one that takes more is taken to run for ever.
const STEPS_MAX: usize = 10_000;
/// Lines of a run that are kept; a run that writes more is silent from there on.
const LINES_MAX: usize = 2000;
/// Bytes of a text in a script, at most.
const TEXT_MAX: usize = 64 << 10;
/// Marks around the format of `date` in a line, whose time is only known when the line is read.
const MARK: char = '\u{1}';
const MARK_END: char = '\u{2}';
/// Format of `date` where none is given.
const DATE: &str = "%a %b %e %H:%M:%S UTC %Y";

impl Run {
    /// The last lines, at most `most`, of a run that began at `started`, up to `until` after that.
    pub fn lines(&self, started: Timestamp, until: Duration, most: usize) -> Vec<(Duration, Cow<'_, str>)> {
        let until = self.ends.map_or(until, |(end, _)| until.min(end));
        let again = self.again.iter().flat_map(|again| again.backwards(until));
        let says = self.says.iter().rev().map(|(after, line)| (*after, line.as_str()));
        let all = again.chain(says).filter(|(after, _)| *after <= until).take(most);
        let mut lines: Vec<_> = all.map(|(after, line)| (after, dated(line, started, after))).collect();
        lines.reverse();
        lines
    }

    /// All lines of a run that begins at `started`, in order; without an end for a run that repeats a round.
    pub fn forwards(&self, started: Timestamp) -> impl Iterator<Item = (Duration, Cow<'_, str>)> + Send {
        let end = self.ends.map_or(Duration::MAX, |(end, _)| end);
        let says = self.says.iter().map(|(after, line)| (*after, line.as_str()));
        let again = self.again.iter().flat_map(|again| again.forwards());
        let until_the_end = says.chain(again).take_while(move |(after, _)| *after <= end);
        until_the_end.map(move |(after, line)| (after, dated(line, started, after)))
    }
}

impl Again {
    /// Lines of every round, in order, without an end.
    fn forwards(&self) -> impl Iterator<Item = (Duration, &str)> + Send {
        (0u32..).flat_map(move |round| {
            let begun = self.from.saturating_add(self.every.saturating_mul(round));
            self.lines.iter().map(move |(after, line)| (begun.saturating_add(*after), line.as_str()))
        })
    }

    /// Lines of the rounds up to `until`, the latest first.
    fn backwards(&self, until: Duration) -> impl Iterator<Item = (Duration, &str)> {
        let every = self.every.as_nanos().max(1);
        let rounds = until.checked_sub(self.from).map_or(0, |gone| gone.as_nanos() / every + 1);
        (0..rounds).rev().flat_map(move |round| {
            let begun = u64::try_from(round * every).map_or(Duration::MAX, Duration::from_nanos);
            let begun = begun.saturating_add(self.from);
            self.lines.iter().rev().map(move |(after, line)| (begun.saturating_add(*after), line.as_str()))
        })
    }
}

/// A line with the times of `date` filled in: `after` after `started`.
fn dated(line: &str, started: Timestamp, after: Duration) -> Cow<'_, str> {
    if !line.contains(MARK) {
        return Cow::Borrowed(line);
    }
    let after = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
    let at = started.saturating_add(after).unwrap_or(Timestamp::MAX).to_zoned(TimeZone::UTC);
    let (mut told, mut rest) = (String::new(), line);
    while let Some((before, (format, behind))) =
        rest.split_once(MARK).and_then(|(before, marked)| Some((before, marked.split_once(MARK_END)?)))
    {
        told.push_str(before);
        // A format that is malformed stands as it is.
        told.push_str(&jiff::fmt::strtime::format(format, &at).unwrap_or_else(|_| format.to_owned()));
        rest = behind;
    }
    told.push_str(rest);
    Cow::Owned(told)
}

/// Reads a command and its arguments, and returns the plan of a run of it.
pub fn read(words: &[&str], env: &[(&str, &str)]) -> Run {
    let mut play = Play::new(env);
    let plain = |word: &&str| word.chars().filter(|c| !matches!(*c, MARK | MARK_END)).collect::<String>();
    let words: Vec<String> = words.iter().map(plain).collect();
    let flow = words.split_first().and_then(|(name, rest)| play.run(name, rest));
    play.end(flow)
}

fn is_shell(word: &str) -> bool {
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
