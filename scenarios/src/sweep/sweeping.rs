//! Plays many runs side by side, asks the oracles of each, and shrinks what they find.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError, mpsc};

use determinism::Seed;

use super::oracles::{self, Violation};
use super::plan::Plan;
use super::played::{self, NotPlayed, Played};
use crate::runner::Case;

/// A case with its reference run.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The case.
    pub case: &'a Case,
    /// The run without perturbations.
    pub reference: Played,
    /// The oracles that find something in the reference run already, and are not asked again.
    pub known: Vec<&'static str>,
}

/// One run to be played.
#[derive(Debug, Clone)]
pub struct Job {
    /// The index of its subject.
    pub subject: usize,
    /// What is perturbed.
    pub plan: Plan,
    /// The seed that drew the plan, where one did.
    pub drawn_from: Option<Seed>,
}

/// A run with violations.
#[derive(Debug, Clone)]
pub struct Found {
    /// The case.
    pub case: String,
    /// The fewest perturbations that still show the first violation.
    pub plan: Plan,
    /// The seed that drew the perturbations, where one did.
    pub drawn_from: Option<Seed>,
    /// What is wrong.
    pub violations: Vec<Violation>,
    /// The first line in which the journals differ: of the reference run, and of this one.
    pub difference: Option<(String, String)>,
}

/// Plays the reference run of `case`, twice: the second journal must be the first to the byte.
///
/// # Errors
/// [`NotPlayed`].
pub fn reference(case: &Case, seed: Seed) -> Result<(Played, Vec<Violation>), NotPlayed> {
    let plan = Plan::default();
    let played = played::play(case, seed, &plan)?;
    let again = played::play(case, seed, &plan)?;
    let mut violations = oracles::violations(&played, &plan, None);
    if let Some((one, other)) = first_difference(&played, &again)
        && let Some(entry) = played.entries.first()
    {
        let words = format!("the same seed tells `{one}` and then `{other}`");
        violations.push(Violation { oracle: "same-journal", at: entry.at, words });
    }
    Ok((played, violations))
}

/// Plays all `jobs`, as many at once as the machine has processors; `told` hears of each as it ends.
pub fn play_all(
    subjects: &[Subject<'_>],
    jobs: Vec<Job>,
    seed: Seed,
    mut told: impl FnMut(&Job, Option<Found>),
) {
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let waiting = Mutex::new(VecDeque::from(jobs));
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            let (sender, waiting) = (sender.clone(), &waiting);
            scope.spawn(move || {
                let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                while let Some(job) = next() {
                    let found = one(subjects, &job, seed);
                    if sender.send((job, found)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (job, found) in &receiver {
            told(&job, found);
        }
    });
}

fn one(subjects: &[Subject<'_>], job: &Job, seed: Seed) -> Option<Found> {
    let subject = subjects.get(job.subject)?;
    let play = |plan: &Plan| {
        // A run that panics is a violation; the others are not to suffer.
        let played = std::panic::catch_unwind(|| played::play(subject.case, seed, plan));
        match played {
            Ok(Ok(played)) => {
                let mut violations = oracles::violations(&played, plan, Some(&subject.reference));
                violations.retain(|violation| !subject.known.contains(&violation.oracle));
                (violations, first_difference(&subject.reference, &played))
            }
            Ok(Err(why)) => (vec![broken_off(subject, why.to_string())], None),
            Err(_) => (vec![broken_off(subject, "the program panicked".to_owned())], None),
        }
    };
    let (violations, difference) = play(&job.plan);
    let oracle = violations.first()?.oracle;
    let mut found = Found {
        case: subject.case.file.case.clone(),
        plan: job.plan.clone(),
        drawn_from: job.drawn_from,
        violations,
        difference,
    };
    let mut index = 0;
    while found.plan.perturbations().len() > 1 && index < found.plan.perturbations().len() {
        let fewer = found.plan.without(index);
        let (violations, difference) = play(&fewer);
        match violations.iter().any(|violation| violation.oracle == oracle) {
            true => found = Found { plan: fewer, violations, difference, ..found },
            false => index += 1,
        }
    }
    Some(found)
}

fn broken_off(subject: &Subject<'_>, words: String) -> Violation {
    let at = subject.reference.entries.first().map(|entry| entry.at).unwrap_or_default();
    Violation { oracle: "played", at, words }
}

/// The first line in which two journals differ, but for the perturbations themselves.
fn first_difference(one: &Played, other: &Played) -> Option<(String, String)> {
    use super::journal::Occurrence::{Killed, Perturbed};
    let lines = |played: &Played| {
        let told = played.entries.iter().filter(|entry| !matches!(entry.what, Perturbed(..) | Killed(_)));
        told.map(ToString::to_string).collect::<Vec<_>>()
    };
    let (one, other) = (lines(one), lines(other));
    let at = (0..one.len().max(other.len())).find(|index| one.get(*index) != other.get(*index))?;
    let line = |lines: &[String]| lines.get(at).cloned().unwrap_or_else(|| "nothing more".to_owned());
    Some((line(&one), line(&other)))
}
