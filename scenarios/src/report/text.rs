//! The outcomes for people: a line a case, a paragraph a failure, a total, and what to type next.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use eci_sim::{Cost, Currency};

use super::{priced, real, simulated};
use crate::outcome::{CaseVerdict, Fact, Failure, Miss, Outcome};

/// No line is wider, except where a single word is.
const WIDTH: usize = 100;
/// The column at which the figures of a case begin.
const CLAIM: usize = 64;
/// The beginning of a line behind `next:`.
const INSET: &str = "       ";
/// The most cases that the last lines name, to be played again.
const MOST_AGAIN: usize = 3;
/// The column at which the text of a failure's facts begins.
const INDENT: usize = 15;

const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const RED: Style = AnsiColor::Red.on_default();
const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

/// The extent of the text, and the words that it repeats.
#[derive(Debug, Clone)]
pub struct TextOptions {
    /// Only the last line, and failures.
    pub quiet: bool,
    /// The line of a running case is drawn and drawn over.
    pub live: bool,
    /// The words that start this program, for lines that can be pasted.
    pub command: String,
    /// The seed in three words.
    pub seed: String,
    /// The arguments that name the cluster, where it is not the embedded one.
    pub on: String,
}

/// Prints outcomes as they come.
#[derive(Debug)]
pub struct Text<W> {
    out: W,
    options: TextOptions,
    folder: String,
    totals: Totals,
    failures: Vec<Failed>,
}

/// A case that failed, for the lines at the end.
#[derive(Debug)]
struct Failed {
    case: String,
    place: String,
}

/// The sum of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Totals {
    passed: usize,
    /// Of those that passed, those that rest on assumptions.
    assumed: usize,
    /// Of those that passed, those that had failed the time before.
    flaky: usize,
    failed: usize,
    lacking: Vec<String>,
    simulated: Duration,
    /// The sums of what is known, by currency.
    costs: BTreeMap<Currency, Cost>,
    /// Number of cases of whose bill a price is not known; their own lines say which.
    unpriced: usize,
}

impl<W: Write> Text<W> {
    /// A report that goes to `out`.
    pub fn new(out: W, options: TextOptions) -> Self {
        Self { out, options, folder: String::new(), totals: Totals::default(), failures: Vec::new() }
    }

    /// Writes the first line: the world that the cases run in.
    ///
    /// # Errors
    /// When nothing can be written.
    pub fn begin(&mut self, world: &str) -> io::Result<()> {
        if self.options.quiet {
            return Ok(());
        }
        writeln!(self.out, "{world} · seed {}", self.options.seed)
    }

    /// A case begins.
    ///
    /// # Errors
    /// When nothing can be written.
    pub fn case_begins(&mut self, case: &str, claim: &str) -> io::Result<()> {
        if self.options.quiet {
            return Ok(());
        }
        let folder = case.rsplit_once('/').map_or("", |(folder, _)| folder);
        if folder != self.folder {
            self.folder = folder.to_owned();
            write!(self.out, "\n{BOLD}{folder}{BOLD:#}\n")?;
        }
        if self.options.live {
            let claim: String = claim.chars().take(WIDTH - 4).collect();
            write!(self.out, "  {DIM}· {claim}{DIM:#}")?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// A case ended.
    ///
    /// # Errors
    /// When nothing can be written.
    pub fn case_ended(&mut self, outcome: &Outcome) -> io::Result<()> {
        self.totals.add(outcome);
        if self.options.live && !self.options.quiet {
            write!(self.out, "\r\x1b[2K")?;
        }
        if !self.options.quiet || outcome.failed() {
            self.out.write_all(line(outcome).as_bytes())?;
        }
        if let CaseVerdict::Failed(failure) = &outcome.verdict {
            self.out.write_all(self.paragraph(outcome, failure).as_bytes())?;
            let place = format!("{}:{}", outcome.file, failure.line);
            self.failures.push(Failed { case: outcome.case.clone(), place });
        }
        Ok(())
    }

    /// All cases ended, after `took`.
    ///
    /// # Errors
    /// When nothing can be written.
    pub fn end(&mut self, took: Duration) -> io::Result<()> {
        let totals = self.totals.line(took);
        if self.options.quiet {
            return writeln!(self.out, "{totals}");
        }
        write!(self.out, "\n{totals}\n\n{}", self.next())
    }

    /// The lines that say what to do now: after a failure what to do about it, else what else there is.
    fn next(&self) -> String {
        let command = &self.options.command;
        let [first, rest @ ..] = self.failures.as_slice() else {
            return format!("next:  {:<36}  a playground for your own kubectl\n", format!("{command} up"));
        };
        let more = match rest.len() {
            0 => String::new(),
            others => format!(", and {others} more above"),
        };
        let again = self.failures.iter().take(MOST_AGAIN);
        let cases: String = again.map(|failed| format!(" {}", pasted(&failed.case))).collect();
        let (seed, on) = (&self.options.seed, self.on());
        format!(
            "next:  {}{more}\n\
             {INSET}  mend the step, or what it is about; docs/scenarios.md tells what each step takes\n\
             {INSET}{command} run{cases} --seed {seed}{on}\n\
             {INSET}  plays it once more, alone\n\
             {INSET}{command} up\n\
             {INSET}  a playground in which your own kubectl can do the same\n",
            first.place
        )
    }

    /// The arguments that name the cluster, behind others; empty for the embedded one.
    fn on(&self) -> String {
        match self.options.on.as_str() {
            "" => String::new(),
            on => format!(" {on}"),
        }
    }

    fn paragraph(&self, outcome: &Outcome, failure: &Failure) -> String {
        let mut text = String::new();
        let place = format!("{}:{}", outcome.file, failure.line);
        let whole = format!("    {place}   {}", failure.step);
        if width(&whole) <= WIDTH {
            let _ = write!(text, "\n{whole}\n");
        } else {
            let _ = write!(text, "\n    {place}\n");
            labelled(&mut text, "step", &failure.step);
        }
        match &failure.miss {
            Miss::Refused(message) => labelled(&mut text, "refused", message),
            Miss::Unmet { wanted, seen, because } => {
                facts(&mut text, "wanted", wanted);
                facts(&mut text, "seen", seen);
                if let Some(because) = because {
                    labelled(&mut text, "because", because);
                }
            }
        }
        let chapters = failure.story.chapters();
        let names = chapters.iter().map(|chapter| width(&chapter.what)).max().unwrap_or(0).min(34);
        let latest = chapters.last().map_or(0.0, |chapter| chapter.after.as_secs_f64());
        let times = width(&format!("+{latest:.3}s"));
        for (index, chapter) in chapters.iter().enumerate() {
            let head = if index == 0 { "story" } else { "" };
            let after = format!("+{:.3}s", chapter.after.as_secs_f64());
            let gap = " ".repeat(names.saturating_sub(width(&chapter.what)));
            labelled(&mut text, head, &format!("{after:<times$}  {}{gap}  {}", chapter.what, chapter.detail));
        }
        let (TextOptions { command, seed, .. }, on) = (&self.options, self.on());
        let _ = writeln!(text, "      again    {command} run {} --seed {seed}{on}\n", pasted(&outcome.case));
        text
    }
}

/// The line of one case.
fn line(outcome: &Outcome) -> String {
    let mark = match outcome.verdict {
        CaseVerdict::Passed if outcome.passed_on_assumptions() => format!("{YELLOW}?{YELLOW:#}"),
        CaseVerdict::Passed => format!("{GREEN}✓{GREEN:#}"),
        CaseVerdict::Failed(_) => format!("{RED}✗{RED:#}"),
        CaseVerdict::Lacking(missing) => {
            return format!(
                "  {DIM}-{DIM:#} {:<CLAIM$}  {DIM}passed over: no {missing}{DIM:#}\n",
                outcome.claim
            );
        }
    };
    let assumed: String = outcome.assumed.iter().fold(String::new(), |mut text, line| {
        labelled(&mut text, "assumed", line);
        text
    });
    let flake = outcome.flake().map_or_else(String::new, |failure| {
        let mut text = String::new();
        let place = format!("{}:{} {}", outcome.file, failure.line, failure.step);
        labelled(&mut text, "before", &format!("{place}: {}", failure.miss.in_short()));
        text
    });
    let figures = format!(
        "{:>7} {:>8}   {}",
        real(outcome.took),
        simulated(outcome.simulated),
        priced(outcome.currency, &outcome.cost)
    );
    match width(&outcome.claim) <= CLAIM {
        true => {
            let gap = " ".repeat(CLAIM - width(&outcome.claim));
            format!("  {mark} {}{gap} {figures}\n{assumed}{flake}", outcome.claim)
        }
        false => format!("  {mark} {}\n    {} {figures}\n{assumed}{flake}", outcome.claim, " ".repeat(CLAIM)),
    }
}

/// Facts one under the other, their values aligned.
fn facts(text: &mut String, head: &str, facts: &[Fact]) {
    let names = facts.iter().map(|fact| width(&fact.name)).max().unwrap_or(0);
    for (index, fact) in facts.iter().enumerate() {
        let head = if index == 0 { head } else { "" };
        labelled(
            text,
            head,
            &format!("{}{}  {}", fact.name, " ".repeat(names - width(&fact.name)), fact.value),
        );
    }
}

/// One labelled line, broken at spaces where it is too wide.
fn labelled(text: &mut String, head: &str, message: &str) {
    let mut line = format!("      {head:<9}");
    let mut empty = true;
    for word in message.split_inclusive(' ') {
        if !empty && width(&line) + width(word.trim_end()) > WIDTH {
            let _ = writeln!(text, "{}", line.trim_end());
            line = " ".repeat(INDENT);
        }
        line.push_str(&word.replace('\n', " ⏎ "));
        empty = false;
    }
    let _ = writeln!(text, "{}", line.trim_end());
}

/// A word as a shell takes it: in quotes where it has to be.
fn pasted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:,@+".contains(c);
    match word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

impl Totals {
    fn add(&mut self, outcome: &Outcome) {
        match outcome.verdict {
            CaseVerdict::Passed => self.passed += 1,
            CaseVerdict::Failed(_) => self.failed += 1,
            CaseVerdict::Lacking(missing) => self.lacking.push(missing.to_string()),
        }
        self.assumed += usize::from(outcome.passed_on_assumptions());
        self.flaky += usize::from(outcome.flake().is_some());
        self.simulated += outcome.simulated;
        match &outcome.cost {
            Cost::Known(_) => {
                let sum = self.costs.entry(outcome.currency).or_default();
                *sum = std::mem::take(sum) + outcome.cost.clone();
            }
            Cost::Unknown(_) | Cost::Mixed(_) => self.unpriced += 1,
        }
    }

    fn line(&self, took: Duration) -> String {
        let mut text = String::new();
        if self.failed > 0 {
            let _ = write!(text, "{RED}{} failed{RED:#}, ", self.failed);
        }
        let _ = write!(text, "{} passed", self.passed);
        if self.assumed > 0 {
            let _ = write!(text, " ({} with containers assumed)", self.assumed);
        }
        if self.flaky > 0 {
            let _ = write!(text, " ({} only when played again)", self.flaky);
        }
        if !self.lacking.is_empty() {
            let mut missing = self.lacking.clone();
            missing.sort();
            missing.dedup();
            let _ = write!(text, ", {} passed over (no {})", self.lacking.len(), missing.join(", no "));
        }
        let hours = self.simulated.as_secs() / 3600;
        let simulated = if hours >= 10 { format!("{hours} h") } else { simulated(self.simulated) };
        // what cost nothing has no say in the currency
        let mut costs = self.costs.iter().filter(|(_, cost)| **cost != Cost::ZERO).peekable();
        let billed = match costs.peek() {
            None => priced(Currency::default(), &Cost::ZERO),
            Some(_) => {
                costs.map(|(currency, cost)| priced(*currency, cost)).collect::<Vec<_>>().join(" and ")
            }
        };
        let _ = write!(text, " in {:.1} s · {simulated} simulated · {billed} billed", took.as_secs_f64());
        if self.unpriced > 0 {
            let _ = write!(text, " ({} without a known price)", self.unpriced);
        }
        text
    }
}
