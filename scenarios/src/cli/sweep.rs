//! `scenarios sweep`: every case again, with one perturbation at each place.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::Context;
use clap::Args;
use determinism::{Seed, Stopwatch};

use super::{FAILED, command, understood};
use crate::cases;
use crate::runner::Case;
use crate::sweep::choice::{self, Breadth};
use crate::sweep::plan::Plan;
use crate::sweep::sweeping::{self, Found, Job, Subject};

/// How many characters of a journal's line are shown.
const LINE: usize = 220;

#[derive(Debug, Args)]
pub(super) struct Sweep {
    /// Cases to sweep: a case, a folder of cases, or a path to a file; all where nothing is said.
    #[arg(value_name = "CASE")]
    cases: Vec<String>,
    /// Plays random mixes of perturbations instead, one for each seed of this range.
    #[arg(long, value_name = "A..B", conflicts_with_all = ["all", "only"])]
    seeds: Option<Seeds>,
    /// Plays every perturbation at each place, and not only a kill and a lost answer.
    #[arg(long)]
    all: bool,
    /// Plays exactly these perturbations, as a violation prints them: `call-17:kill-before-41s`.
    #[arg(long, value_name = "PLACE:PERTURBATION,…")]
    only: Option<Plan>,
    /// Where the worlds' chance comes from: three words.
    #[arg(long, value_name = "WORDS", default_value_t = Seed::DEFAULT)]
    seed: Seed,
    /// Any text; another one kills in another way at each place.
    #[arg(long, value_name = "TEXT", default_value = "")]
    turn: String,
    /// Writes what is found to a file, too, run by run.
    #[arg(long, value_name = "FILE")]
    found: Option<PathBuf>,
    /// Prints the journal of the runs of `--only`.
    #[arg(long, requires = "only")]
    journal: bool,
}

/// A range of seeds by their numbers; the end is included.
#[derive(Debug, Clone, Copy)]
struct Seeds(u32, u32);

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let range = text.split_once("..").and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
        match range {
            Some((from, to)) if from <= to => Ok(Self(from, to)),
            _ => Err("a range of seeds is two numbers, as in `1..1000`".to_owned()),
        }
    }
}

pub(super) fn run(arguments: &Sweep) -> anyhow::Result<ExitCode> {
    let stopwatch = Stopwatch::start();
    let cases = understood(cases::named(&arguments.cases, &command())?)?;
    let mut report = Report::new(arguments)?;
    let subjects = report.references(&cases, arguments.seed)?;
    let jobs = jobs(arguments, &subjects, &mut report)?;
    let of = jobs.len();
    let mut told = Ok(());
    sweeping::play_all(&subjects, jobs, arguments.seed, |job, found| {
        let case = &subjects[job.subject].case.file.case;
        let well = report.ended(case, of, found.as_ref());
        told = std::mem::replace(&mut told, Ok(())).and(well);
    });
    told?;
    let seconds = stopwatch.elapsed().as_secs();
    report.say(&format!(
        "{} runs of {} cases, {} violations, {seconds} s",
        report.runs,
        subjects.len(),
        report.violations
    ))?;
    Ok(if report.violations == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

fn jobs(arguments: &Sweep, subjects: &[Subject<'_>], report: &mut Report) -> anyhow::Result<Vec<Job>> {
    let chosen: Vec<_> = subjects.iter().map(|subject| choice::places(&subject.reference.entries)).collect();
    if let Some(plan) = &arguments.only {
        if arguments.journal {
            for subject in subjects {
                let played = crate::sweep::played::play(subject.case, arguments.seed, plan)?;
                let journal: Vec<_> = played.entries.iter().map(ToString::to_string).collect();
                report.say(&journal.join("\n"))?;
            }
        }
        let job = |subject| Job { subject, plan: plan.clone(), drawn_from: None };
        return Ok((0..subjects.len()).map(job).collect());
    }
    if let Some(Seeds(from, to)) = arguments.seeds {
        let drawn = (from..=to).filter_map(|number| {
            let seed = Seed::numbered(number);
            let mut chance = seed.chance("sweep");
            let indexes: Vec<usize> = (0..subjects.len()).collect();
            let subject = *chance.pick(&indexes)?;
            let plan = choice::mixed(&mut chance, &chosen[subject].0);
            Some(Job { subject, plan, drawn_from: Some(seed) })
        });
        return Ok(drawn.collect());
    }
    let breadth = if arguments.all { Breadth::All } else { Breadth::Turned(arguments.turn.clone()) };
    let (places, all) =
        chosen.iter().fold((0, 0), |(some, all), (places, of)| (some + places.len(), all + of));
    let each = match &breadth {
        Breadth::All => "every perturbation".to_owned(),
        Breadth::Turned(turn) => format!("one kill (turn `{turn}`) and the lost answer"),
    };
    report.say(&format!(
        "{places} of {all} places: the first, the middle and the last of each kind of call and event of a case; at each {each}"
    ))?;
    let jobs = subjects.iter().zip(&chosen).enumerate().flat_map(|(subject, (own, (places, _)))| {
        let plans = choice::plans(&own.case.file.case, places, &breadth);
        plans.into_iter().map(move |plan| Job { subject, plan, drawn_from: None })
    });
    Ok(jobs.collect())
}

/// Says how far it has come and what was found.
struct Report {
    runs: usize,
    violations: usize,
    seed: Seed,
    file: Option<std::fs::File>,
    live: bool,
}

impl Report {
    fn new(arguments: &Sweep) -> anyhow::Result<Self> {
        let create = |path: &PathBuf| {
            std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))
        };
        let file = arguments.found.as_ref().map(create).transpose()?;
        let live = std::io::stderr().is_terminal();
        Ok(Self { runs: 0, violations: 0, seed: arguments.seed, file, live })
    }

    /// Plays the reference runs; a case that cannot be played is passed over by name.
    fn references<'a>(&mut self, cases: &'a [Case], seed: Seed) -> anyhow::Result<Vec<Subject<'a>>> {
        let mut subjects = Vec::new();
        for case in cases {
            let name = &case.file.case;
            match sweeping::reference(case, seed) {
                Ok((reference, violations)) => {
                    self.runs += 1;
                    let known = violations.iter().map(|violation| violation.oracle).collect();
                    if !violations.is_empty() {
                        let found = Found {
                            case: name.clone(),
                            plan: Plan::default(),
                            drawn_from: None,
                            violations,
                            difference: None,
                        };
                        self.tell(&found)?;
                    }
                    subjects.push(Subject { case, reference, known });
                }
                Err(why) => self.say(&format!("passed over {name}: {why}"))?,
            }
        }
        Ok(subjects)
    }

    fn ended(&mut self, case: &str, of: usize, found: Option<&Found>) -> anyhow::Result<()> {
        self.runs += 1;
        if self.live {
            eprint!("\r\x1b[K{} of {of} runs, {} violations, {case}", self.runs, self.violations);
        } else if self.runs.is_multiple_of(1000) {
            eprintln!("{} of {of} runs, {} violations", self.runs, self.violations);
        }
        found.map_or(Ok(()), |found| self.tell(found))
    }

    fn tell(&mut self, found: &Found) -> anyhow::Result<()> {
        self.violations += 1;
        let mut text = String::new();
        let at = match found.plan.perturbations().is_empty() {
            true => "in the reference run".to_owned(),
            false => format!("at {}", found.plan),
        };
        writeln!(text, "✗ {} {at}, seed {}", found.case, self.seed)?;
        if let Some(seed) = found.drawn_from {
            writeln!(text, "  drawn from {seed}")?;
        }
        for violation in &found.violations {
            writeln!(text, "  {} {:.3} {}", violation.oracle, violation.at, short(&violation.words))?;
        }
        if let Some((reference, here)) = &found.difference {
            writeln!(
                text,
                "  the journals part here:\n    reference  {}\n    this run   {}",
                short(reference),
                short(here)
            )?;
        }
        if !found.plan.perturbations().is_empty() {
            write!(
                text,
                "  again: {} sweep {} --seed {} --only {}",
                command(),
                found.case,
                self.seed,
                found.plan
            )?;
        }
        self.say(text.trim_end())
    }

    fn say(&mut self, text: &str) -> anyhow::Result<()> {
        if self.live {
            eprint!("\r\x1b[K");
        }
        writeln!(anstream::stdout(), "{text}")?;
        if let Some(file) = &mut self.file {
            writeln!(file, "{text}")?;
        }
        Ok(())
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(LINE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
