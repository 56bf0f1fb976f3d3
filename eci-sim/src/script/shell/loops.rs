//! Loops: played round by round until a round leaves all as it found it, which is then kept once.

use std::time::Duration;

use super::marks::{is_same, relative, times};
use super::play::{Flow, Play};
use super::syntax::{List, Word};
use super::{Again, LINES_MAX};
use crate::script::files::{Change, Effect, Kind, Layer};

/// Rounds whose additions to files are carried out one by one.
const ROUNDS_MAX: u64 = 2000;

/// What a round may change, as it was before.
struct Before {
    now: Duration,
    vars: std::collections::BTreeMap<String, String>,
    layers: Vec<Layer>,
    directory: String,
    code: i32,
    input: Option<usize>,
    clock_reads: u32,
    caught: usize,
    lines: usize,
    written: usize,
    looks: u64,
}

impl Play {
    /// Effect of a round on its loop: true where the loop is over, and the flow after it.
    fn after_round(flow: Flow) -> (bool, Flow) {
        match flow {
            Flow::Next | Flow::Continue(0 | 1) => (false, Flow::Next),
            Flow::Break(0 | 1) => (true, Flow::Next),
            Flow::Break(more) => (true, Flow::Break(more - 1)),
            Flow::Continue(more) => (true, Flow::Continue(more - 1)),
            Flow::Exit => (true, Flow::Exit),
            Flow::Return => (true, Flow::Return),
        }
    }

    pub(super) fn rounds(&mut self, until: bool, test: &List, body: &List) -> Option<Flow> {
        let mut last = 0;
        loop {
            self.step()?;
            self.catch_up();
            let before = self.before()?;
            match self.test(test)? {
                Flow::Next if (self.code == 0) == until => {
                    self.code = last;
                    return Some(Flow::Next);
                }
                Flow::Next => {}
                other => return Some(Self::after_round(other).1),
            }
            let (over, flow) = Self::after_round(self.list(body)?);
            last = self.code;
            if over {
                return Some(flow);
            }
            if self.is_as_before(&before) {
                self.repeat(&before)?;
            }
        }
    }

    fn before(&mut self) -> Option<Before> {
        Some(Before {
            now: self.now,
            vars: self.copied()?,
            layers: self.space.layers().to_vec(),
            directory: self.directory.clone(),
            code: self.code,
            input: self.input.as_ref().map(|input| input.at),
            clock_reads: self.clock_reads,
            caught: self.caught.iter().map(String::len).sum(),
            lines: self.run.says.len(),
            written: self.run.writes.len(),
            looks: self.space.looks(),
        })
    }

    /// True if a round left all as it found it but for additions to files that it does not read, so that each round that
    /// follows is the same.
    fn is_as_before(&self, before: &Before) -> bool {
        let caught: usize = self.caught.iter().map(String::len).sum();
        let same_vars = self.vars.len() == before.vars.len()
            && self.vars.iter().zip(&before.vars).all(|((name, value), (known, was))| {
                name == known && is_same((value.as_str(), self.now), (was.as_str(), before.now))
            });
        let layers = self.space.layers();
        same_vars
            && self.code == before.code
            && self.directory == before.directory
            && self.input.as_ref().map(|input| input.at) == before.input
            && self.clock_reads == before.clock_reads
            && caught == before.caught
            && layers.len() == before.layers.len()
            && (0u8..).zip(layers.iter().zip(&before.layers)).all(|(number, (layer, was))| {
                let looks = |path: &str| self.space.has_looked_since(before.looks, number, path);
                layer.is_same(was) || same_layer((layer, self.now), (was, before.now), looks)
            })
    }

    /// Repeats a round that left all as it found it: up to the next change of files by others, or for ever; `None` then.
    fn repeat(&mut self, before: &Before) -> Option<()> {
        let every = self.now.saturating_sub(before.now);
        let next = self.timeline.next();
        if every.is_zero() {
            // nothing passes until something changes
            self.now = self.now.max(next?);
            return Some(());
        }
        let rounds = next.map(|next| next.saturating_sub(self.now).as_nanos() / every.as_nanos());
        let rounds = rounds.map(|rounds| u64::try_from(rounds).unwrap_or(u64::MAX));
        if rounds == Some(0) {
            return Some(());
        }
        let since = before.now;
        let shift = |at: Duration| at.saturating_sub(since);
        let lines = self.run.says.get(before.lines..).unwrap_or_default().iter();
        let lines: Vec<_> =
            lines.map(|(at, line)| (shift(*at), relative(line, *at, since).into_owned())).collect();
        let writes = self.run.writes.get(before.written..).unwrap_or_default().iter();
        let writes: Vec<_> = writes.map(|(at, change)| (shift(*at), in_round(change, *at, since))).collect();
        let is_kept = self.run.says.len() < LINES_MAX && self.run.again.len() < LINES_MAX;
        if is_kept && !(lines.is_empty() && writes.is_empty()) {
            let after = self.run.says.len();
            let again = Again { from: self.now, every, rounds, lines, writes, after };
            self.run.again.push(again);
        }
        let rounds = rounds?;
        self.write_again(before.written, rounds)?;
        self.now = self.now.saturating_add(times(every, rounds));
        Some(())
    }

    /// Carries out so many more rounds' additions to files.
    fn write_again(&mut self, written: usize, rounds: u64) -> Option<()> {
        let adds = |change: &&Change| matches!(change.effect, Effect::Append(_));
        let writes = self.run.writes.get(written..).unwrap_or_default();
        let adds: Vec<Change> = writes.iter().map(|(_, change)| change).filter(adds).cloned().collect();
        let rounds = if adds.is_empty() { 0 } else { rounds.min(ROUNDS_MAX) };
        self.more_steps(usize::try_from(rounds / 20).unwrap_or(usize::MAX))?;
        for _ in 0..rounds {
            adds.iter().for_each(|change| self.space.apply(change));
        }
        Some(())
    }

    pub(super) fn each(&mut self, name: &str, items: Option<&[Word]>, body: &List) -> Option<Flow> {
        let mut fields = if items.is_none() { self.args.clone() } else { Vec::new() };
        for word in items.unwrap_or_default() {
            fields.extend(self.fields(word)?);
        }
        self.code = 0;
        for field in fields {
            self.step()?;
            self.vars.insert(name.to_owned(), field);
            let (over, flow) = Self::after_round(self.list(body)?);
            if over {
                return Some(flow);
            }
        }
        Some(Flow::Next)
    }
}

/// A change whose dates are those of its round.
fn in_round(change: &Change, at: Duration, since: Duration) -> Change {
    let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => relative(text, at, since).into_owned().into_bytes(),
        Err(_) => bytes.to_vec(),
    };
    let mut change = change.clone();
    match &mut change.effect {
        Effect::Append(bytes) => *bytes = text(bytes).into(),
        Effect::Put(node) => {
            if let Kind::File(bytes) = &mut node.kind {
                *bytes = text(bytes).into();
            }
        }
        Effect::Remove => {}
    }
    change
}

/// True if a layer is as it was, but for additions to files at which nobody `looks`.
fn same_layer(
    (layer, now): (&Layer, Duration),
    (was, then): (&Layer, Duration),
    looks: impl Fn(&str) -> bool,
) -> bool {
    let mut before = was.all();
    layer.all().all(|(path, node)| {
        let Some((known, old)) = before.next().filter(|(known, _)| *known == path) else { return false };
        let contents = (node.and_then(|node| node.content()), old.and_then(|node| node.content()));
        match contents {
            _ if node == old => true,
            (Some(new), Some(old)) => {
                let grown = new.len() > old.len() && new.starts_with(old) && !looks(known);
                let texts = (std::str::from_utf8(new), std::str::from_utf8(old));
                grown || matches!(texts, (Ok(new), Ok(old)) if is_same((new, now), (old, then)))
            }
            _ => false,
        }
    }) && before.next().is_none()
}
