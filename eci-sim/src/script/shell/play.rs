//! Player of a script in simulated time: its lines and their times, its writes, its end, and its exit code.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;

use super::pattern::Pattern;
use super::streams::{Input, Sink};
use super::syntax::{self, Command, Link, List, Word};
use super::timeline::Timeline;
use super::{Assumed, MARK, MARK_END, Run, RunContext, STEPS_MAX};
use crate::script::files::Space;

/// Shells, texts and commands that may run within each other.
const NESTED_MAX: u32 = 16;
/// Characters of what is not played that are kept.
const WHAT_MAX: usize = 120;
/// Bytes of variables that are copied in one step.
const COPIED_IN_A_STEP: usize = 4096;
/// Functions that a script may define.
const FUNCTIONS_MAX: usize = 200;

/// A script that is being played.
pub struct Play {
    pub(super) vars: BTreeMap<String, String>,
    pub(super) args: Vec<String>,
    pub(super) functions: BTreeMap<String, Rc<Command>>,
    pub(super) run: Run,
    pub(super) now: Duration,
    /// Exit code of the last command.
    pub(super) code: i32,
    pub(super) steps: usize,
    /// Number of shells, texts and commands that run within each other.
    pub(super) depth: u32,
    /// Output of a line that has not ended.
    pub(super) line: String,
    /// Outputs that `$(…)` and pipes collect, the innermost last.
    pub(super) caught: Vec<String>,
    /// Places of output and errors.
    pub(super) out: Sink,
    pub(super) errors: Sink,
    /// Standard input; `None` where it is that of the container or session.
    pub(super) input: Option<Input>,
    /// Script of `trap … EXIT`.
    pub(super) at_exit: Option<String>,
    /// Times at which background commands end; `None` for one that runs for ever.
    pub(super) left: Vec<Option<Duration>>,
    /// The first part that was not played, and its time, in the foreground and in the background.
    unplayed: Option<(String, Duration)>,
    unplayed_aside: Option<(String, Duration)>,
    /// Files, and what others do to them later.
    pub(super) space: Space,
    pub(super) timeline: Timeline,
    /// Present directory.
    pub(super) directory: String,
    /// Start of the run.
    pub(super) started: Timestamp,
    /// Number of times that the clock was read, so that what follows depends on it.
    pub(super) clock_reads: u32,
    /// True after `set -e`.
    pub(super) stops_at_failure: bool,
    /// Number of enclosing tests, in which a failure stops nothing.
    pub(super) tests: u32,
    /// True once an expansion failed, so that the next command ends the script.
    pub(super) breaks: bool,
    /// True if a standard input stays open.
    pub(super) is_open: bool,
}

/// Control flow after a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// To the next command.
    Next,
    /// To the end of the script.
    Exit,
    /// To the end of the function.
    Return,
    /// Out of so many loops.
    Break(u32),
    /// To the next round of the loop that is so many levels out.
    Continue(u32),
}

impl Play {
    /// A player of a script that has not begun.
    pub fn new(context: RunContext<'_>) -> Self {
        let plain = |text: &str| text.replace([MARK, MARK_END], "");
        Self {
            vars: context.env.iter().map(|(key, value)| ((*key).to_owned(), plain(value))).collect(),
            args: Vec::new(),
            functions: BTreeMap::new(),
            run: Run::default(),
            now: Duration::ZERO,
            code: 0,
            steps: 0,
            depth: 0,
            line: String::new(),
            caught: Vec::new(),
            out: Sink::Log,
            errors: Sink::Log,
            input: context.input.map(Input::of),
            at_exit: None,
            left: Vec::new(),
            unplayed: None,
            unplayed_aside: None,
            space: context.space,
            timeline: Timeline::of(context.later),
            directory: if context.directory.is_empty() { "/" } else { context.directory }.to_owned(),
            started: context.started,
            clock_reads: 0,
            stops_at_failure: false,
            tests: 0,
            breaks: false,
            is_open: context.is_open,
        }
    }

    /// The plan of the run, when its script ended with `flow`.
    pub fn end(mut self, mut flow: Option<Flow>) -> Run {
        if let (Some(_), Some(text)) = (flow, self.at_exit.take()) {
            let code = self.code;
            self.stops_at_failure = false;
            flow = self.inside(&text);
            self.code = code;
        }
        if !self.line.is_empty() {
            self.write_to(&Sink::Log, "\n");
        }
        self.run.says.sort_by_key(|(after, _)| *after);
        self.run.writes.sort_by_key(|(after, _)| *after);
        self.run.ends = flow.map(|_| (self.now, self.code & 0xff));
        let stops = flow.is_none() && self.unplayed.is_some();
        let unplayed = self.unplayed.or(self.unplayed_aside);
        let assumed = |(what, at)| Box::new(Assumed { what, at, stops, message: String::new() });
        self.run.assumed = unplayed.map(assumed);
        self.run.reads_clock = self.clock_reads > 0;
        self.run.looks = self.space.into_looks();
        self.run
    }

    /// Stops at something that is not played; always `None`.
    pub(super) fn give_up<T>(&mut self, what: impl Into<String>) -> Option<T> {
        if self.unplayed.is_none() {
            let what: String = what.into();
            let shown = what.chars().filter(|c| !c.is_control()).take(WHAT_MAX).collect();
            self.unplayed = Some((shown, self.now));
        }
        None
    }

    /// Waits for the commands in the background; `None` where one runs for ever.
    pub(super) fn wait(&mut self) -> Option<()> {
        for ended in std::mem::take(&mut self.left) {
            let Some(ended) = ended else {
                self.unplayed = self.unplayed.take().or(self.unplayed_aside.take());
                return None;
            };
            self.now = self.now.max(ended);
        }
        Some(())
    }

    /// Plays commands one after the other; `None` where one runs for ever or is not understood, after which nothing
    /// comes.
    pub fn list(&mut self, list: &List) -> Option<Flow> {
        for (index, (link, command)) in list.iter().enumerate() {
            let runs = match link {
                Link::Always => true,
                Link::OnSuccess => self.code == 0,
                Link::OnFailure => self.code != 0,
            };
            if !runs {
                continue;
            }
            let is_tested = list.get(index + 1).is_some_and(|(next, _)| *next != Link::Always);
            self.tests += u32::from(is_tested);
            let flow = self.command(command);
            self.tests -= u32::from(is_tested);
            match flow? {
                Flow::Next => {}
                other => return Some(other),
            }
            let counts = self.stops_at_failure && self.tests == 0 && !is_tested;
            if counts && self.code != 0 && !matches!(command, Command::Not(_)) {
                return Some(Flow::Exit);
            }
        }
        Some(Flow::Next)
    }

    /// Plays a test, in which a failure stops nothing.
    pub(super) fn test(&mut self, list: &List) -> Option<Flow> {
        self.tests += 1;
        let flow = self.list(list);
        self.tests -= 1;
        flow
    }

    /// Counts a step; `None` when there were too many.
    pub(super) fn step(&mut self) -> Option<()> {
        self.more_steps(1)
    }

    /// Says that something was not played, after which the script goes on.
    pub(super) fn pass_over(&mut self, what: &str) {
        let now = self.now;
        self.unplayed_aside.get_or_insert_with(|| (what.to_owned(), now));
    }

    /// Counts steps; `None` when there were too many.
    pub(super) fn more_steps(&mut self, steps: usize) -> Option<()> {
        self.steps = self.steps.saturating_add(steps);
        match self.steps <= STEPS_MAX {
            true => Some(()),
            false => self.give_up(format!("what comes after {STEPS_MAX} steps of the script")),
        }
    }

    /// Counts steps; when there were too many, the next step stops the script.
    pub(super) fn spend(&mut self, steps: usize) {
        self.steps = self.steps.saturating_add(steps);
    }

    /// True if a text matches a pattern, which costs steps where both are long.
    pub(super) fn fits(&mut self, pattern: &Pattern, text: &str) -> bool {
        self.spend(text.len().saturating_mul(pattern.steps()) >> 14);
        pattern.matches(text)
    }

    pub(super) fn command(&mut self, command: &Command) -> Option<Flow> {
        self.step()?;
        match command {
            Command::Simple(sets, words) => self.simple(sets, words),
            Command::Not(inner) => {
                self.tests += 1;
                let flow = self.command(inner);
                self.tests -= 1;
                self.code = i32::from(self.code == 0);
                flow
            }
            Command::If(arms, otherwise) => self.branch(arms, otherwise),
            Command::Loop { until, test, body } => self.rounds(*until, test, body),
            Command::For { name, items, body } => self.each(name, items.as_deref(), body),
            Command::Case(word, arms) => self.case(word, arms),
            Command::Group(list) => self.list(list),
            Command::Subshell(list) => self.apart(|play| play.list(list)),
            Command::Function(name, body) => {
                if self.functions.len() < FUNCTIONS_MAX {
                    self.functions.insert(name.clone(), Rc::clone(body));
                }
                self.code = 0;
                Some(Flow::Next)
            }
            Command::Sum(word) => {
                let value = self.sum(word)?;
                self.code = i32::from(value == 0);
                Some(Flow::Next)
            }
            Command::Redirected(inner, redirections) => self.redirected(redirections, inner),
            Command::Pipe(parts) => self.pipe(parts),
            Command::Background(inner) => self.background(inner),
        }
    }

    fn background(&mut self, inner: &Command) -> Option<Flow> {
        self.more_steps(self.timeline.count() / 16)?;
        let (now, unplayed, vars) = (self.now, self.unplayed.take(), self.copied()?);
        let (layers, directory, timeline) =
            (self.space.layers().to_vec(), self.directory.clone(), self.timeline.clone());
        let (writes, rounds) = (self.run.writes.len(), self.run.again.len());
        let ended = self.command(inner).map(|_| self.now);
        (self.now, self.vars, self.code) = (now, vars, 0);
        (self.directory, self.timeline) = (directory, timeline);
        self.space.set_layers(layers);
        // what it writes at once is there at once; the rest comes when its time has come
        for (at, change) in self.run.writes.get(writes..).unwrap_or_default() {
            self.timeline.add(*at, change.clone());
        }
        for again in self.run.again.get(rounds..).unwrap_or_default() {
            self.timeline.add_rounds(again);
        }
        let aside = std::mem::replace(&mut self.unplayed, unplayed);
        self.unplayed_aside = self.unplayed_aside.take().or(aside);
        self.left.push(ended);
        self.vars.insert("!".to_owned(), (self.left.len() + 1).to_string());
        Some(Flow::Next)
    }

    fn simple(&mut self, sets: &[(String, Word)], words: &[Word]) -> Option<Flow> {
        let mut fields = Vec::new();
        for word in words {
            fields.extend(self.fields(word)?);
        }
        if words.is_empty() {
            self.code = 0;
        }
        let mut before = Vec::new();
        for (name, word) in sets {
            let value = self.text(word)?;
            let known = self.vars.insert(name.clone(), value);
            if !words.is_empty() {
                before.push((name, known));
            }
        }
        let flow = match fields.split_first() {
            Some((name, rest)) => self.run(name, rest),
            None => Some(Flow::Next),
        };
        for (name, known) in before {
            match known {
                Some(value) => drop(self.vars.insert(name.clone(), value)),
                None => drop(self.vars.remove(name)),
            }
        }
        flow
    }

    fn branch(&mut self, arms: &[(List, List)], otherwise: &List) -> Option<Flow> {
        for (test, then) in arms {
            match self.test(test)? {
                Flow::Next if self.code == 0 => return self.list(then),
                Flow::Next => {}
                other => return Some(other),
            }
        }
        self.code = 0;
        self.list(otherwise)
    }

    fn case(&mut self, word: &Word, arms: &[(Vec<Word>, List)]) -> Option<Flow> {
        let text = self.text(word)?;
        let text = self.settled(text);
        for (patterns, list) in arms {
            for pattern in patterns {
                self.step()?;
                let pattern = self.pattern(pattern)?;
                if self.fits(&pattern, &text) {
                    self.code = 0;
                    return self.list(list);
                }
            }
        }
        self.code = 0;
        Some(Flow::Next)
    }

    /// Calls a function of the script.
    pub(super) fn call(&mut self, body: &Command, args: &[String]) -> Option<Flow> {
        let args = std::mem::replace(&mut self.args, args.to_vec());
        let flow = self.nested(|play| play.command(body));
        self.args = args;
        Some(match flow? {
            Flow::Return => Flow::Next,
            other => other,
        })
    }

    /// Plays a text within the present script.
    pub(super) fn inside(&mut self, text: &str) -> Option<Flow> {
        self.nested(|play| match syntax::read(text) {
            Some(list) => play.list(&list),
            None => play.give_up(format!("the script `{}`", text.trim())),
        })
    }

    /// Plays commands within the present script; `None` where that is nested too deeply.
    pub(super) fn nested(&mut self, play: impl FnOnce(&mut Self) -> Option<Flow>) -> Option<Flow> {
        self.depth += 1;
        let flow =
            if self.depth <= NESTED_MAX { play(self) } else { self.give_up("what is nested so deeply") };
        self.depth -= 1;
        flow
    }

    /// A copy of the variables, which costs steps where they are large; `None` when there were too many.
    pub(super) fn copied(&mut self) -> Option<BTreeMap<String, String>> {
        let size: usize = self.vars.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.more_steps(size / COPIED_IN_A_STEP)?;
        Some(self.vars.clone())
    }

    /// Plays commands in a shell of its own, whose variables and end do not reach the present one.
    pub(super) fn apart(&mut self, play: impl FnOnce(&mut Self) -> Option<Flow>) -> Option<Flow> {
        let (vars, directory) = (self.copied()?, self.directory.clone());
        let flow = play(self);
        (self.vars, self.directory) = (vars, directory);
        flow.map(|_| Flow::Next)
    }
}
