//! Player of a script in simulated time: its lines and their times, its end, and its exit code.

use std::collections::BTreeMap;
use std::time::Duration;

use super::syntax::{self, Command, Link, List, Word};
use super::{Again, Assumed, LINES_MAX, Run, STEPS_MAX, TEXT_MAX};

/// Shells, texts and commands that may run within each other.
const NESTED_MAX: u32 = 16;
/// Characters of what is not played that are kept.
const WHAT_MAX: usize = 120;
/// Bytes of variables that are copied in one step.
const COPIED_IN_A_STEP: usize = 4096;

/// A script that is being played.
pub struct Play {
    pub(super) vars: BTreeMap<String, String>,
    pub(super) args: Vec<String>,
    pub(super) run: Run,
    pub(super) now: Duration,
    /// Exit code of the last command.
    pub(super) code: i32,
    pub(super) steps: usize,
    /// Number of shells, texts and commands that run within each other.
    pub(super) depth: u32,
    /// Output of a line that has not ended.
    line: String,
    /// Outputs that `$(…)` collects, the innermost last.
    caught: Vec<String>,
    /// Number of enclosing redirections that hide the output.
    quiet: u32,
    /// Script of `trap … EXIT`.
    pub(super) at_exit: Option<String>,
    /// Times at which background commands end; `None` for one that runs for ever.
    pub(super) left: Vec<Option<Duration>>,
    /// The first part that was not played, and its time, in the foreground and in the background.
    unplayed: Option<(String, Duration)>,
    unplayed_aside: Option<(String, Duration)>,
}

/// Control flow after a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// To the next command.
    Next,
    /// To the end of the script.
    Exit,
    /// Out of so many loops.
    Break(u32),
    /// To the next round of the loop that is so many levels out.
    Continue(u32),
}

impl Play {
    /// A player of a script that has not begun.
    pub fn new(env: &[(&str, &str)]) -> Self {
        Self {
            vars: env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            args: Vec::new(),
            run: Run::default(),
            now: Duration::ZERO,
            code: 0,
            steps: 0,
            depth: 0,
            line: String::new(),
            caught: Vec::new(),
            quiet: 0,
            at_exit: None,
            left: Vec::new(),
            unplayed: None,
            unplayed_aside: None,
        }
    }

    /// The plan of the run, when its script ended with `flow`.
    pub fn end(mut self, mut flow: Option<Flow>) -> Run {
        if let (Some(_), Some(text)) = (flow, self.at_exit.take()) {
            let code = self.code;
            flow = self.inside(&text);
            self.code = code;
        }
        if !self.line.is_empty() {
            self.write("\n");
        }
        self.run.says.sort_by_key(|(after, _)| *after);
        self.run.ends = flow.map(|_| (self.now, self.code & 0xff));
        let stops = flow.is_none() && self.unplayed.is_some();
        let unplayed = self.unplayed.or(self.unplayed_aside);
        self.run.assumed =
            unplayed.map(|(what, at)| Box::new(Assumed { what, at, stops, message: String::new() }));
        self.run
    }

    /// Stops at something that is not played; always `None`.
    pub(super) fn give_up<T>(&mut self, what: impl Into<String>) -> Option<T> {
        if self.unplayed.is_none() {
            let what: String = what.into();
            self.unplayed = Some((what.chars().take(WHAT_MAX).collect(), self.now));
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

    /// Writes to the log; the end of a line makes it a line.
    pub(super) fn write(&mut self, text: &str) {
        if self.quiet > 0 {
            return;
        }
        if let Some(caught) = self.caught.last_mut() {
            if caught.len() < TEXT_MAX {
                caught.push_str(text);
            }
            return;
        }
        for piece in text.split_inclusive('\n') {
            if self.line.len() < TEXT_MAX {
                self.line.push_str(piece.trim_end_matches('\n'));
            }
            if piece.ends_with('\n') {
                let line = std::mem::take(&mut self.line);
                if self.run.says.len() < LINES_MAX {
                    self.run.says.push((self.now, line));
                }
            }
        }
    }

    /// Plays commands one after the other; `None` where one runs for ever or is not understood, after which nothing
    /// comes.
    pub fn list(&mut self, list: &List) -> Option<Flow> {
        for (link, command) in list {
            let runs = match link {
                Link::Always => true,
                Link::OnSuccess => self.code == 0,
                Link::OnFailure => self.code != 0,
            };
            if runs {
                match self.command(command)? {
                    Flow::Next => {}
                    other => return Some(other),
                }
            }
        }
        Some(Flow::Next)
    }

    /// Counts a step; `None` when there were too many.
    fn step(&mut self) -> Option<()> {
        self.steps += 1;
        self.within_steps()
    }

    fn within_steps(&mut self) -> Option<()> {
        match self.steps <= STEPS_MAX {
            true => Some(()),
            false => self.give_up(format!("all after {STEPS_MAX} steps of the script")),
        }
    }

    pub(super) fn command(&mut self, command: &Command) -> Option<Flow> {
        self.step()?;
        match command {
            Command::Simple(sets, words) => self.simple(sets, words),
            Command::Not(inner) => {
                let flow = self.command(inner)?;
                self.code = i32::from(self.code == 0);
                Some(flow)
            }
            Command::If(arms, otherwise) => self.branch(arms, otherwise),
            Command::Loop { until, test, body } => self.rounds(*until, test, body),
            Command::For { name, items, body } => self.each(name, items.as_deref(), body),
            Command::Group(list) => self.list(list),
            Command::Subshell(list) => self.apart(|play| play.list(list)),
            Command::Quiet(inner) => {
                self.quiet += 1;
                let flow = self.command(inner);
                self.quiet -= 1;
                flow
            }
            Command::Background(inner) => {
                let (now, vars, unplayed) = (self.now, self.copied()?, self.unplayed.take());
                let ended = self.command(inner).map(|_| self.now);
                (self.now, self.vars, self.code) = (now, vars, 0);
                let aside = std::mem::replace(&mut self.unplayed, unplayed);
                self.unplayed_aside = self.unplayed_aside.take().or(aside);
                self.left.push(ended);
                Some(Flow::Next)
            }
            Command::Strange => self.give_up("a pipe"),
        }
    }

    fn simple(&mut self, sets: &[(String, Word)], words: &[Word]) -> Option<Flow> {
        let mut fields = Vec::new();
        for word in words {
            fields.extend(self.fields(word)?);
        }
        if words.is_empty() {
            self.code = 0;
        }
        for (name, word) in sets {
            let value = self.text(word)?;
            self.vars.insert(name.clone(), value);
        }
        match fields.split_first() {
            Some((name, rest)) => self.run(name, rest),
            None => Some(Flow::Next),
        }
    }

    fn branch(&mut self, arms: &[(List, List)], otherwise: &List) -> Option<Flow> {
        for (test, then) in arms {
            match self.list(test)? {
                Flow::Next if self.code == 0 => return self.list(then),
                Flow::Next => {}
                other => return Some(other),
            }
        }
        self.code = 0;
        self.list(otherwise)
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
    fn copied(&mut self) -> Option<BTreeMap<String, String>> {
        let size: usize = self.vars.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.steps += size / COPIED_IN_A_STEP;
        self.within_steps()?;
        Some(self.vars.clone())
    }

    /// Plays commands in a shell of its own, whose variables and end do not reach the present one.
    pub(super) fn apart(&mut self, play: impl FnOnce(&mut Self) -> Option<Flow>) -> Option<Flow> {
        let vars = self.copied()?;
        let flow = play(self);
        self.vars = vars;
        flow.map(|_| Flow::Next)
    }

    /// The output of commands, without the ends of lines at its end.
    pub(super) fn catch(&mut self, list: &List) -> Option<String> {
        self.caught.push(String::new());
        let quiet = std::mem::take(&mut self.quiet);
        let flow = self.apart(|play| play.list(list));
        self.quiet = quiet;
        let caught = self.caught.pop().unwrap_or_default();
        flow.map(|_| caught.trim_end_matches('\n').to_owned())
    }

    /// Effect of a round on its loop: true where the loop is over, and the flow after it.
    fn after_round(flow: Flow) -> (bool, Flow) {
        match flow {
            Flow::Next | Flow::Continue(0 | 1) => (false, Flow::Next),
            Flow::Break(0 | 1) => (true, Flow::Next),
            Flow::Break(more) => (true, Flow::Break(more - 1)),
            Flow::Continue(more) => (true, Flow::Continue(more - 1)),
            Flow::Exit => (true, Flow::Exit),
        }
    }

    fn rounds(&mut self, until: bool, test: &List, body: &List) -> Option<Flow> {
        let mut last = 0;
        loop {
            self.step()?;
            let before = (self.copied()?, self.code);
            let (now, said) = (self.now, self.run.says.len());
            match self.list(test)? {
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
            if (&before.0, before.1) == (&self.vars, self.code) {
                self.go_on_for_ever(now, said);
                return None;
            }
        }
    }

    /// Repeats a round that left all as it found it: each that follows is the same, so its lines come again and again.
    fn go_on_for_ever(&mut self, since: Duration, said: usize) {
        let every = self.now.saturating_sub(since);
        let heard = self.caught.is_empty() && self.quiet == 0 && self.run.says.len() < LINES_MAX;
        let lines = self.run.says.get(said..).unwrap_or_default();
        if heard && !every.is_zero() && !lines.is_empty() && self.run.again.is_none() {
            let lines = lines.iter().map(|(at, line)| (at.saturating_sub(since), line.clone())).collect();
            self.run.again = Some(Box::new(Again { from: self.now, every, lines }));
        }
    }

    fn each(&mut self, name: &str, items: Option<&[Word]>, body: &List) -> Option<Flow> {
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
