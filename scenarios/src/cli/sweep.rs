//! `scenarios sweep`: every case again, with one perturbation at each place.

use std::collections::BTreeSet;
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
use crate::shard::Shard;
use crate::sweep::choice::{self, Breadth, Candidates, Ranked, Urgency, across};
use crate::sweep::plan::Plan;
use crate::sweep::processes::{self, How};
use crate::sweep::sweeping::{self, Effect, Finding, Job, RunOutcome, Subject};

/// The number of characters of a journal's line that are shown.
const LINE: usize = 220;

#[derive(Debug, Args)]
pub(super) struct SweepArgs {
    /// Cases to sweep, as for `run`; all where nothing is said.
    #[arg(value_name = "CASE")]
    cases: Vec<String>,
    /// Plays random mixes of perturbations instead, one for each seed of this range.
    #[arg(long, value_name = "A..B", conflicts_with_all = ["all", "only"])]
    seeds: Option<Seeds>,
    /// Plays every perturbation that fits at the first place of a situation, every kill at its last, and all others at the drawn
    /// one, and not only a kill and a lost answer.
    #[arg(long)]
    all: bool,
    /// The most runs to be played; the places of those are drawn by `--turn`.
    #[arg(long, value_name = "COUNT")]
    runs: Option<usize>,
    /// Plays exactly these perturbations, as a violation prints them: `call-17:kill-before-41s`.
    #[arg(long, value_name = "PLACE:PERTURBATION,…")]
    only: Option<Plan>,
    /// The seed of the worlds' chance: three words, or any number or text.
    #[arg(long, value_name = "SEED", default_value_t = Seed::DEFAULT)]
    seed: Seed,
    /// Any text; another one kills in another way at each place, and draws other places.
    #[arg(long, value_name = "TEXT", default_value = "")]
    turn: String,
    /// Writes what is found to a file, too, run by run.
    #[arg(long, value_name = "FILE")]
    found: Option<PathBuf>,
    /// Plays each run once more from its beginning, and not only one of fifty: both must tell the same.
    #[arg(long)]
    twice: bool,
    /// Prints the journal of the runs of `--only`.
    #[arg(long, requires = "only")]
    journal: bool,
}

/// A range of seeds by their numbers; the end is included.
#[derive(Debug, Clone, Copy)]
struct Seeds(u32, u32);

/// A text that is no range of seeds.
#[derive(Debug, thiserror::Error)]
#[error("a range of seeds is two numbers, as in `1..1000`")]
struct NoSeeds;

impl FromStr for Seeds {
    type Err = NoSeeds;

    fn from_str(text: &str) -> Result<Self, NoSeeds> {
        let range = text.split_once("..").and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
        match range {
            Some((from, to)) if from <= to => Ok(Self(from, to)),
            _ => Err(NoSeeds),
        }
    }
}

pub(super) fn run(arguments: &SweepArgs) -> anyhow::Result<ExitCode> {
    let stopwatch = Stopwatch::start();
    let cases = understood(cases::named(&arguments.cases, &command())?)?;
    let shard = Shard::from_environment()?;
    let mut report = Report::new(arguments, shard)?;
    let subjects = report.references(&cases, arguments.seed)?;
    let jobs = shard.of_items(jobs(arguments, &subjects, &mut report)?);
    let of = jobs.len();
    let mut told = Ok(());
    let how = How { seed: arguments.seed, twice: arguments.twice };
    processes::play_all(&subjects, &jobs, how, |job, ended| {
        let case = &subjects[job.subject].case.file.case;
        let well = report.ended(case, of, &ended);
        told = std::mem::replace(&mut told, Ok(())).and(well);
    })
    .context("the runs cannot be played in processes of their own")?;
    told?;
    report.sum_up(subjects.len(), &stopwatch)?;
    Ok(if report.violations == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

fn jobs(arguments: &SweepArgs, subjects: &[Subject<'_>], report: &mut Report) -> anyhow::Result<Vec<Job>> {
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
    let candidates_of = |subject: &'_ Subject<'_>| {
        let case = subject.case.file.case.clone();
        let candidates = Candidates::of(&case, &subject.reference.entries, &arguments.turn);
        (case, candidates)
    };
    let mut candidates: Vec<_> = subjects.iter().map(candidates_of).collect();
    if let Some(seeds) = arguments.seeds {
        report.say(&format!("random mixes from the seeds {} to {}", seeds.0, seeds.1))?;
        return Ok(mixes(seeds, &candidates));
    }
    across::order(&mut candidates, &arguments.turn);
    let breadth = if arguments.all { Breadth::All } else { Breadth::Turned };
    let ranked = candidates.iter().enumerate().flat_map(|(subject, (case, candidates))| {
        let plans = candidates.plans(case, breadth, &arguments.turn);
        plans.into_iter().map(move |Ranked { plan, order }| (order, Job { subject, plan, drawn_from: None }))
    });
    let ranked: Vec<_> = ranked.collect();
    let places =
        |count: fn(&Candidates) -> usize| candidates.iter().map(|(_, own)| count(own)).sum::<usize>();
    report.say(&format!(
        "{} of {} places: of those that repeat one situation the first, the last and a drawn one, and of the start, which is the \
         same in every case, a share; at each {}: {} runs, {} of them in situations that other cases have, too",
        places(|own| own.chosen.len()),
        places(|own| own.all),
        if arguments.all {
            "all that fits, of repeats the kills at the last and the others at the drawn one"
        } else {
            "one kill and the lost answer"
        },
        ranked.len(),
        ranked.iter().filter(|(order, _)| order.is_common()).count(),
    ))?;
    bounded(ranked, arguments, report)
}

/// At most `--runs` of the jobs, in the order of cases and places; the turn draws which.
fn bounded(
    mut ranked: Vec<(Urgency, Job)>,
    arguments: &SweepArgs,
    report: &mut Report,
) -> anyhow::Result<Vec<Job>> {
    let all = ranked.len();
    if let Some(most) = arguments.runs.filter(|most| *most < all) {
        ranked.sort_by_key(|(order, _)| *order);
        ranked.truncate(most);
        ranked.sort_by(|(_, one), (_, other)| {
            (one.subject, one.plan.perturbations()).cmp(&(other.subject, other.plan.perturbations()))
        });
        let place = |job: &Job| job.plan.perturbations().first().map(|(place, _)| *place);
        let places: BTreeSet<_> = ranked.iter().map(|(_, job)| (job.subject, place(job))).collect();
        report.say(&format!(
            "{most} runs of {all} are played, at {} places, drawn by turn `{}`",
            places.len(),
            arguments.turn
        ))?;
    }
    Ok(ranked.into_iter().map(|(_, job)| job).collect())
}

/// A mix of perturbations in a drawn case for each seed.
fn mixes(Seeds(from, to): Seeds, candidates: &[(String, Candidates)]) -> Vec<Job> {
    let indexes: Vec<usize> = (0..candidates.len()).collect();
    let drawn = (from..=to).filter_map(|number| {
        let seed = Seed::numbered(number);
        let mut chance = seed.chance("sweep");
        let subject = *chance.pick(&indexes)?;
        let plan = choice::mixed(&mut chance, &candidates[subject].1);
        Some(Job { subject, plan, drawn_from: Some(seed) })
    });
    drawn.collect()
}

/// The progress of a sweep and its findings, as they are printed.
struct Report {
    runs: usize,
    violations: usize,
    ineffective: usize,
    hit_nothing: usize,
    seed: Seed,
    file: Option<std::fs::File>,
    live: bool,
    /// The part of the jobs that is played, and of the reference runs that is told.
    shard: Shard,
}

impl Report {
    fn new(arguments: &SweepArgs, shard: Shard) -> anyhow::Result<Self> {
        let create = |path: &PathBuf| {
            std::fs::File::create(path).with_context(|| format!("cannot write {}", path.display()))
        };
        let file = arguments.found.as_ref().map(create).transpose()?;
        let live = std::io::stderr().is_terminal();
        let seed = arguments.seed;
        Ok(Self { runs: 0, violations: 0, ineffective: 0, hit_nothing: 0, seed, file, live, shard })
    }

    /// Plays the reference runs; a case that cannot be played is passed over by name.
    fn references<'a>(&mut self, cases: &'a [Case], seed: Seed) -> anyhow::Result<Vec<Subject<'a>>> {
        let mut subjects = Vec::new();
        for (place, (case, played)) in cases.iter().zip(sweeping::references(cases, seed)).enumerate() {
            let name = &case.file.case;
            match played {
                Ok((reference, violations)) => {
                    self.runs += 1;
                    let known = violations.iter().map(|violation| violation.oracle.clone()).collect();
                    if !violations.is_empty() && self.shard.has(place) {
                        let found = Finding {
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

    fn ended(&mut self, case: &str, of: usize, ended: &RunOutcome) -> anyhow::Result<()> {
        self.runs += 1;
        self.ineffective += usize::from(ended.effect == Effect::Ineffective);
        self.hit_nothing += usize::from(ended.effect == Effect::HitNothing);
        if self.live {
            eprint!("\r\x1b[K{} of {of} runs, {} violations, {case}", self.runs, self.violations);
        } else if self.runs.is_multiple_of(500) {
            eprintln!("{} of {of} runs, {} violations", self.runs, self.violations);
        }
        ended.found.as_ref().map_or(Ok(()), |found| self.tell(found))
    }

    fn sum_up(&mut self, cases: usize, stopwatch: &Stopwatch) -> anyhow::Result<()> {
        let Self { runs, violations, ineffective, hit_nothing, .. } = self;
        let processor =
            processor_seconds().map_or_else(String::new, |seconds| format!(", {seconds} s of processors"));
        let line = format!(
            "{runs} runs of {cases} cases, {violations} violations; without effect {} (not effective {ineffective}, hit nothing \
             {hit_nothing}); {} s{processor}",
            *ineffective + *hit_nothing,
            stopwatch.elapsed().as_secs(),
        );
        self.say(&line)
    }

    fn tell(&mut self, found: &Finding) -> anyhow::Result<()> {
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

/// Seconds of processors that this process and its children have taken; `None` where the system does not tell.
fn processor_seconds() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/stat").ok()?;
    // After the program's name in brackets, which may hold anything; in hundredths.
    let fields: Vec<&str> = status.rsplit(')').next()?.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some((11..=14).map(ticks).sum::<Option<u64>>()? / 100)
}

fn short(text: &str) -> String {
    match text.char_indices().nth(LINE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
