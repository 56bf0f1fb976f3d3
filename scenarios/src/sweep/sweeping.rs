//! Asks the oracles of each run, and shrinks what they find.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError, mpsc};

use determinism::Seed;
use serde::{Deserialize, Serialize};

use super::journal::{Entry, Occurrence};
use super::oracles::{self, Violation};
use super::plan::Plan;
use super::played::{self, NotPlayed, Played};
use crate::runner::Case;

/// What a run came to: its journal, or the reason for which there is none.
pub(super) type RunEnd = Result<Played, NotEnded>;

/// The reason for which a run has no journal to be judged.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotEnded {
    /// No world was begun, or it cannot be played in stepped time.
    #[error(transparent)]
    NotPlayed(#[from] NotPlayed),
    /// A panic in it.
    #[error("the program panicked")]
    Panicked,
    /// The reference run that it branched off was given up.
    #[error("it was given up")]
    GivenUp,
}

/// One run in so many is played once more, from its beginning: what branched off has to be what it would have been.
const SAMPLE: u64 = 50;

/// A case with its reference run.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The case.
    pub case: &'a Case,
    /// The run without perturbations.
    pub reference: Played,
    /// The oracles that find something in the reference run already, and are not asked again.
    pub known: Vec<Cow<'static, str>>,
}

/// One run to be played.
#[derive(Debug, Clone)]
pub struct Job {
    /// The index of its subject.
    pub subject: usize,
    /// The perturbations.
    pub plan: Plan,
    /// The seed that drew the plan, where one did.
    pub drawn_from: Option<Seed>,
}

/// A run with violations.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Finding {
    /// The case.
    pub case: String,
    /// The fewest perturbations that still show the first violation.
    pub plan: Plan,
    /// The seed that drew the perturbations, where one did.
    #[serde(skip)]
    pub drawn_from: Option<Seed>,
    /// The violations.
    pub violations: Vec<Violation>,
    /// The first line in which the journals differ: of the reference run, and of this one.
    pub difference: Option<(String, String)>,
}

/// A run that has ended.
#[derive(Debug, Serialize, Deserialize)]
pub struct RunOutcome {
    /// The violations, where there are any.
    pub found: Option<Finding>,
    /// The effect of the perturbations.
    pub effect: Effect,
}

/// The effect of a run's perturbations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// The journal is another one than the reference run's.
    Effective,
    /// All perturbations took place, and the journal is the reference run's.
    Ineffective,
    /// No perturbation took place: none of them fitted its call, or the run did not come to its place.
    HitNothing,
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
    violations.extend(same_journal(&played, &again));
    Ok((played, violations))
}

/// The violation of two runs of one plan whose journals differ.
fn same_journal(played: &Played, again: &Played) -> Option<Violation> {
    let (one, other) = first_difference(played, again)?;
    let words = format!("the same seed tells `{one}` and then `{other}`");
    Some(Violation::new("same-journal", played.entries.first()?.at, words))
}

/// Plays the reference runs of all `cases`, as many at once as the machine has processors, in their order.
pub fn references(cases: &[Case], seed: Seed) -> Vec<Result<(Played, Vec<Violation>), NotPlayed>> {
    let indexed = cases.iter().enumerate().collect();
    let mut played = Vec::new();
    side_by_side(indexed, |(index, case)| (index, reference(case, seed)), |one| played.push(one));
    played.sort_by_key(|(index, _)| *index);
    played.into_iter().map(|(_, played)| played).collect()
}

/// Does `work` for each of `all`, as many at once as the machine has processors.
fn side_by_side<T: Send, R: Send>(all: Vec<T>, work: impl Fn(T) -> R + Sync, mut told: impl FnMut(R)) {
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let waiting = Mutex::new(VecDeque::from(all));
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            let (sender, waiting, work) = (sender.clone(), &waiting, &work);
            scope.spawn(move || {
                let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                while let Some(one) = next() {
                    if sender.send(work(one)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        receiver.iter().for_each(&mut told);
    });
}

/// Judges the run of a job, which is played `twice` or drawn for that, and shrinks what is found in it to the fewest
/// perturbations.
pub(super) fn judged(
    subject: &Subject<'_>,
    job: &Job,
    played: RunEnd,
    seed: Seed,
    twice: bool,
) -> RunOutcome {
    let twice = twice || is_sample(&job.plan);
    let (violations, difference, effect) = judge(subject, &job.plan, played, seed, twice);
    let Some(oracle) = violations.first().map(|violation| violation.oracle.clone()) else {
        return RunOutcome { found: None, effect };
    };
    let mut found = Finding {
        case: subject.case.file.case.clone(),
        plan: job.plan.clone(),
        drawn_from: job.drawn_from,
        violations,
        difference,
    };
    let mut index = 0;
    while found.plan.perturbations().len() > 1 && index < found.plan.perturbations().len() {
        let fewer = found.plan.without(index);
        let played = run_end(|| played::play(subject.case, seed, &fewer));
        let (violations, difference, _) = judge(subject, &fewer, played, seed, false);
        match violations.iter().any(|violation| violation.oracle == oracle) {
            true => found = Finding { plan: fewer, violations, difference, ..found },
            false => index += 1,
        }
    }
    RunOutcome { found: Some(found), effect }
}

/// A run that did not come to its end, as a finding.
pub(super) fn broken_off(subject: &Subject<'_>, job: &Job, words: String) -> RunOutcome {
    let found = Finding {
        case: subject.case.file.case.clone(),
        plan: job.plan.clone(),
        drawn_from: job.drawn_from,
        violations: vec![not_ended(subject, words)],
        difference: None,
    };
    RunOutcome { found: Some(found), effect: Effect::Effective }
}

/// True of one plan in [`SAMPLE`], which is played twice to see that it can be played again.
fn is_sample(plan: &Plan) -> bool {
    let mut hash = DefaultHasher::new();
    plan.to_string().hash(&mut hash);
    hash.finish().is_multiple_of(SAMPLE)
}

/// Plays one run; a panic in it is its end, so that others do not suffer.
pub(super) fn run_end<T>(play: impl FnOnce() -> Result<T, NotPlayed>) -> Result<T, NotEnded> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(play)) {
        Ok(played) => Ok(played?),
        Err(_) => Err(NotEnded::Panicked),
    }
}

/// The violations of one run, the first difference from the reference run where there are any, and its effect.
fn judge(
    subject: &Subject<'_>,
    plan: &Plan,
    played: RunEnd,
    seed: Seed,
    twice: bool,
) -> (Vec<Violation>, Option<(String, String)>, Effect) {
    let played = match played {
        Ok(played) => played,
        Err(why) => return (vec![not_ended(subject, why.to_string())], None, Effect::Effective),
    };
    let mut violations = oracles::violations(&played, plan, Some(&subject.reference));
    violations.retain(|violation| !subject.known.contains(&violation.oracle));
    if twice && let Ok(again) = played::play(subject.case, seed, plan) {
        violations.extend(same_journal(&played, &again));
    }
    let difference = match violations.is_empty() {
        true => None,
        false => first_difference(&subject.reference, &played),
    };
    (violations, difference, effect(&subject.reference, &played))
}

fn not_ended(subject: &Subject<'_>, words: String) -> Violation {
    let at = subject.reference.entries.first().map(|entry| entry.at).unwrap_or_default();
    Violation::new("played", at, words)
}

/// The effect of the perturbations of `played`.
fn effect(reference: &Played, played: &Played) -> Effect {
    let took_place = |entry: &Entry| matches!(entry.what, Occurrence::Perturbed(..));
    if !played.entries.iter().any(took_place) {
        return Effect::HitNothing;
    }
    if compared(reference).eq(compared(played)) { Effect::Ineffective } else { Effect::Effective }
}

/// The journal but for the perturbations themselves.
fn compared(played: &Played) -> impl Iterator<Item = &Entry> {
    let own = |entry: &&Entry| !matches!(entry.what, Occurrence::Perturbed(..) | Occurrence::Killed(_));
    played.entries.iter().filter(own)
}

/// The first line in which two journals differ, but for the perturbations themselves.
fn first_difference(one: &Played, other: &Played) -> Option<(String, String)> {
    let (mut one, mut other) = (compared(one), compared(other));
    let line = |entry: Option<&Entry>| entry.map_or_else(|| "nothing more".to_owned(), ToString::to_string);
    loop {
        match (one.next(), other.next()) {
            (None, None) => return None,
            (one, other) if one == other => {}
            (one, other) => return Some((line(one), line(other))),
        }
    }
}
