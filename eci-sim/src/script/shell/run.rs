//! The plan of a run: its lines, its changes of files, its end; rounds that are repeated are kept once.

use std::borrow::Cow;
use std::iter::Peekable;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::marks::{dated, times};
use crate::script::files::{Change, Looks, PORTS};

/// Rounds whose changes are carried out at most, of those that come within a time.
const ROUNDS_MAX: u64 = 2000;

/// Plan of one run of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Lines of the log, each at a time after the start, in order of time; 2000 at most.
    pub says: Vec<(Duration, String)>,
    /// Rounds of lines and changes that are repeated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub again: Vec<Again>,
    /// Changes of files, each at a time after the start, in order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<(Duration, Change)>,
    /// Layers and paths at which it looks, whose change would change the run.
    #[serde(default, skip_serializing_if = "Looks::is_empty")]
    pub looks: Looks,
    /// Output that is no text, as of an archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Vec<u8>>,
    /// True if it depends on the time at which it runs, so that another run of it may do otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reads_clock: bool,
    /// True if it reads a standard input that was not given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wants_input: bool,
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

/// Round of a loop that comes again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// Time after the start at which it comes first.
    pub from: Duration,
    /// Interval at which it comes again; not zero.
    pub every: Duration,
    /// Number of rounds; `None` for a loop without an end.
    pub rounds: Option<u64>,
    /// Lines of a round, each at a time after its beginning.
    pub lines: Vec<(Duration, String)>,
    /// Changes of files in a round, each at a time after its beginning.
    #[serde(default)]
    pub writes: Vec<(Duration, Change)>,
    /// Number of lines of the run that come before it.
    pub after: usize,
}

/// A line with its time, and its place among those of the same time.
type Line<'a> = (Duration, usize, &'a str);
type Lines<'a> = Peekable<Box<dyn Iterator<Item = Line<'a>> + Send + 'a>>;

impl Run {
    /// The last lines, at most `most`, of a run that began at `started`, up to `until` after that.
    pub fn lines(&self, started: Timestamp, until: Duration, most: usize) -> Vec<(Duration, Cow<'_, str>)> {
        let until = self.ends.map_or(until, |(end, _)| until.min(end));
        let says = self.says.iter().enumerate().rev();
        let says = says.map(|(place, (after, line))| (*after, 2 * place + 1, line.as_str()));
        let mut sources = vec![boxed(says.filter(move |(after, ..)| *after <= until))];
        for again in &self.again {
            let lines = again.backwards(until).map(move |(after, line)| (after, 2 * again.after, line));
            sources.push(boxed(lines.filter(move |(after, ..)| *after <= until)));
        }
        let all = merged(sources, |one, other| one > other).take(most);
        let mut lines: Vec<_> = all.map(|(after, line)| (after, dated(line, started, after))).collect();
        lines.reverse();
        lines
    }

    /// All lines of a run that begins at `started`, in order; without an end for a run that repeats a round for ever.
    pub fn forwards(&self, started: Timestamp) -> impl Iterator<Item = (Duration, Cow<'_, str>)> + Send {
        let end = self.ends.map_or(Duration::MAX, |(end, _)| end);
        let says = self.says.iter().zip(0usize..);
        let mut sources =
            vec![boxed(says.map(|((after, line), place)| (*after, 2 * place + 1, line.as_str())))];
        for again in &self.again {
            sources.push(boxed(again.forwards().map(move |(after, line)| (after, 2 * again.after, line))));
        }
        let all = merged(sources, |one, other| one < other).take_while(move |(after, _)| *after <= end);
        all.map(move |(after, line)| (after, dated(line, started, after)))
    }

    /// True if it changes files; ports that it opens are none.
    pub fn changes_files(&self) -> bool {
        let is_file = |(_, change): &(Duration, Change)| change.layer != PORTS;
        self.writes.iter().any(is_file) || self.again.iter().any(|again| again.writes.iter().any(is_file))
    }

    /// True if it changes files or ports.
    pub fn changes_anything(&self) -> bool {
        !self.writes.is_empty() || self.again.iter().any(|again| !again.writes.is_empty())
    }

    /// True if it looks at ports.
    pub fn looks_at_ports(&self) -> bool {
        self.looks.iter().any(|(layer, _)| *layer == PORTS)
    }

    /// True if no change of a file comes later than `after` its start.
    pub fn is_done_with_files(&self, after: Duration) -> bool {
        self.next_change(Some(after), |_| true).is_none()
    }

    /// Changes of files later than `after` and up to `until` after the start, in order of time. Of a loop's many rounds,
    /// the last are left out where all only add to files, and the first elsewhere.
    pub fn changes(&self, after: Option<Duration>, until: Duration) -> Vec<(Duration, &Change)> {
        let until = self.ends.map_or(until, |(end, _)| until.min(end));
        let is_due = |at: Duration| after.is_none_or(|after| at > after) && at <= until;
        let mut due: Vec<_> =
            self.writes.iter().filter(|(at, _)| is_due(*at)).map(|(at, change)| (*at, change)).collect();
        for again in &self.again {
            due.extend(again.changes(after, until).filter(|(at, _)| is_due(*at)));
        }
        due.sort_by_key(|(at, _)| *at);
        due
    }

    /// Time after the start of the first change later than `after` that `matters`.
    pub fn next_change(
        &self,
        after: Option<Duration>,
        matters: impl Fn(&Change) -> bool,
    ) -> Option<Duration> {
        let is_later = |at: Duration| after.is_none_or(|after| at > after);
        let single = self.writes.iter().filter(|(at, change)| is_later(*at) && matters(change));
        let single = single.map(|(at, _)| *at).min();
        let repeated = self.again.iter().filter_map(|again| again.next_change(after, &matters)).min();
        let next = [single, repeated].into_iter().flatten().min();
        next.filter(|at| self.ends.is_none_or(|(end, _)| *at <= end))
    }
}

fn boxed<'a>(lines: impl Iterator<Item = Line<'a>> + Send + 'a) -> Lines<'a> {
    let lines: Box<dyn Iterator<Item = Line<'a>> + Send + 'a> = Box::new(lines);
    lines.peekable()
}

/// Lines of several sources, of each the next one in its order, that which `comes_first` among them.
fn merged<'a>(
    mut sources: Vec<Lines<'a>>,
    comes_first: fn((Duration, usize), (Duration, usize)) -> bool,
) -> impl Iterator<Item = (Duration, &'a str)> + Send {
    std::iter::from_fn(move || {
        let mut best: Option<(usize, (Duration, usize))> = None;
        for (index, source) in sources.iter_mut().enumerate() {
            if let Some((at, place, _)) = source.peek()
                && best.is_none_or(|(_, known)| comes_first((*at, *place), known))
            {
                best = Some((index, (*at, *place)));
            }
        }
        let (at, _, line) = sources.get_mut(best?.0)?.next()?;
        Some((at, line))
    })
}

impl Again {
    /// Lines of every round, in order.
    pub fn forwards(&self) -> impl Iterator<Item = (Duration, &str)> + Send {
        // a round without a line would be looked for without an end
        let rounds = if self.lines.is_empty() { 0 } else { self.rounds.unwrap_or(u64::MAX) };
        (0..rounds).flat_map(move |round| {
            let begun = self.from.saturating_add(times(self.every, round));
            self.lines.iter().map(move |(after, line)| (begun.saturating_add(*after), line.as_str()))
        })
    }

    /// Number of rounds that begin up to a time.
    fn rounds_until(&self, until: Duration) -> u64 {
        let every = self.every.as_nanos().max(1);
        let begun = until.checked_sub(self.from).map_or(0, |gone| gone.as_nanos() / every + 1);
        u64::try_from(begun).unwrap_or(u64::MAX).min(self.rounds.unwrap_or(u64::MAX))
    }

    /// Lines of the rounds up to `until`, the latest first.
    fn backwards(&self, until: Duration) -> impl Iterator<Item = (Duration, &str)> + Send {
        let rounds = if self.lines.is_empty() { 0 } else { self.rounds_until(until) };
        (0..rounds).rev().flat_map(move |round| {
            let begun = self.from.saturating_add(times(self.every, round));
            self.lines.iter().rev().map(move |(after, line)| (begun.saturating_add(*after), line.as_str()))
        })
    }

    /// First round that does not lie before a time.
    fn round_at(&self, after: Option<Duration>) -> u64 {
        let every = self.every.as_nanos().max(1);
        let gone =
            after.and_then(|after| after.checked_sub(self.from)).map_or(0, |gone| gone.as_nanos() / every);
        u64::try_from(gone).unwrap_or(u64::MAX)
    }

    /// Changes of the rounds that begin later than about `after` and up to `until`; of many rounds, those that are carried
    /// out at most.
    pub fn changes(
        &self,
        after: Option<Duration>,
        until: Duration,
    ) -> impl Iterator<Item = (Duration, &Change)> {
        use crate::script::files::Effect;
        let (first, end) = (self.round_at(after), self.rounds_until(until));
        let end = if self.writes.is_empty() { first } else { end.max(first) };
        let adds = self.writes.iter().all(|(_, change)| matches!(change.effect, Effect::Append(_)));
        let (first, end) = match (end - first > ROUNDS_MAX, adds) {
            (false, _) => (first, end),
            (true, true) => (first, first + ROUNDS_MAX),
            (true, false) => (end - ROUNDS_MAX, end),
        };
        (first..end).flat_map(move |round| {
            let begun = self.from.saturating_add(times(self.every, round));
            self.writes.iter().map(move |(at, change)| (begun.saturating_add(*at), change))
        })
    }

    fn next_change(&self, after: Option<Duration>, matters: impl Fn(&Change) -> bool) -> Option<Duration> {
        let first = self.round_at(after);
        let rounds = first..self.rounds.unwrap_or(u64::MAX).min(first.saturating_add(2));
        let all = rounds.flat_map(|round| {
            let begun = self.from.saturating_add(times(self.every, round));
            self.writes.iter().map(move |(at, change)| (begun.saturating_add(*at), change))
        });
        let due = all.filter(|(at, change)| after.is_none_or(|after| *at > after) && matters(change));
        due.map(|(at, _)| at).min()
    }
}
