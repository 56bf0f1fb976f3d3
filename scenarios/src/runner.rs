//! Plays a case's steps in order in a world of its own, and gathers evidence where one fails.

mod nearest;
mod shared_cluster;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError, mpsc};

use determinism::{Seed, Stopwatch};
use eci_sim::{Cost, Currency};

pub use self::shared_cluster::{NotPlayed, play_on};
use crate::cases::CaseFile;
use crate::outcome::{CaseVerdict, Failure, Miss, Outcome};
use crate::scenario::Scenario;
use crate::stage::{StartError, World};
use crate::story::Story;

/// A case that is understood, and the file it stands in.
#[derive(Debug, Clone)]
pub struct Case {
    /// The file.
    pub file: CaseFile,
    /// The claim and the steps.
    pub scenario: Scenario,
}

/// Plays `case` in a new world on a runtime whose clock is stepped.
pub fn play(case: &Case, seed: Seed) -> Outcome {
    let stopwatch = Stopwatch::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let mut outcome = match runtime {
        Ok(runtime) => runtime.block_on(play_in_a_world(case, seed)),
        Err(error) => {
            outcome(case, CaseVerdict::Failed(Box::new(not_begun(case, format!("no runtime: {error}")))))
        }
    };
    outcome.took = stopwatch.elapsed();
    outcome
}

/// Plays `cases` side by side, as many at once as the machine has processors, and hands out the outcomes in the cases'
/// own order. Each has a world and a thread to itself, so that what comes of it does not depend on the others.
///
/// # Errors
/// The first error that `begun` or `ended` gives; what is being played is then played to its end, and no more is begun.
pub fn play_all<E>(
    cases: &[Case],
    seed: Seed,
    mut begun: impl FnMut(&Case) -> Result<(), E>,
    mut ended: impl FnMut(Outcome) -> Result<(), E>,
) -> Result<(), E> {
    let waiting = Mutex::new((0..cases.len()).collect::<VecDeque<_>>());
    let at_once = std::thread::available_parallelism().map_or(1, usize::from).min(cases.len());
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for worker in 0..at_once {
            let (sender, waiting) = (sender.clone(), &waiting);
            scope.spawn(move || {
                // One begins in front, so that there is something to tell; the others at the end, where the long ones are.
                while let Some((index, case)) = take(cases, waiting, worker == 0) {
                    // A case that panics is a failed case; the others are not to suffer.
                    let played = std::panic::catch_unwind(|| play(case, seed));
                    if sender.send((index, played.unwrap_or_else(|_| broken_off(case)))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let reported = in_order(cases, &receiver, &mut begun, &mut ended);
        // Nothing more needs to begin, also when telling failed.
        waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
        reported
    })
}

/// A case that nobody has begun: the first of them, or the last.
fn take<'a>(cases: &'a [Case], waiting: &Mutex<VecDeque<usize>>, first: bool) -> Option<(usize, &'a Case)> {
    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    let index = if first { waiting.pop_front() } else { waiting.pop_back() }?;
    cases.get(index).map(|case| (index, case))
}

/// Tells outcomes in the order of their cases, whichever comes first.
fn in_order<E>(
    cases: &[Case],
    receiver: &mpsc::Receiver<(usize, Outcome)>,
    begun: &mut impl FnMut(&Case) -> Result<(), E>,
    ended: &mut impl FnMut(Outcome) -> Result<(), E>,
) -> Result<(), E> {
    let mut early: BTreeMap<usize, Outcome> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        begun(case)?;
        let outcome = loop {
            if let Some(outcome) = early.remove(&index) {
                break outcome;
            }
            match receiver.recv() {
                Ok((other, outcome)) => early.insert(other, outcome),
                Err(_) => break broken_off(case),
            };
        };
        ended(outcome)?;
    }
    Ok(())
}

fn broken_off(case: &Case) -> Outcome {
    let why = "the program panicked while it played this".to_owned();
    outcome(case, CaseVerdict::Failed(Box::new(not_begun(case, why))))
}

async fn play_in_a_world(case: &Case, seed: Seed) -> Outcome {
    let folder = match case.file.beside() {
        Ok(folder) => folder,
        Err(error) => return no_files(case, &error),
    };
    let mut world = match World::builder().seed(seed).folder(folder.path()).start().await {
        Ok(world) => world,
        Err(error) => {
            return no_world(case, &error);
        }
    };
    let outcome = play_steps(case, &mut world).await;
    world.end().await;
    outcome
}

/// Plays the steps in a world that has begun.
pub(crate) async fn play_steps(case: &Case, world: &mut World) -> Outcome {
    if let Some(lacking) = case.scenario.needs.iter().find(|need| !world.can(**need)) {
        return outcome(case, CaseVerdict::Lacking(*lacking));
    }
    let assumed_before = world.cloud().assumed().await.len();
    let mut verdict = CaseVerdict::Passed;
    for (index, step) in case.scenario.steps.iter().enumerate() {
        world.demands().begin(index);
        if let Err(miss) = step.play(world).await {
            let miss = nearest::with_nearest_pod(world, step, miss).await;
            let story = world.story().await;
            let failure = Failure { line: case.scenario.line(index), step: step.to_string(), miss, story };
            verdict = CaseVerdict::Failed(Box::new(failure));
            break;
        }
    }
    if verdict == CaseVerdict::Passed
        && let Some(idle) = world.idle().into_iter().next()
    {
        let (line, step) = (case.scenario.line(idle.step), case.scenario.steps[idle.step].to_string());
        let failure = Failure { line, step, miss: idle.into(), story: world.story().await };
        verdict = CaseVerdict::Failed(Box::new(failure));
    }
    let bill = world.named_bill(&case.file.case).await.ok();
    let (currency, cost) = match &bill {
        Some(named) => (named.bill.currency, named.bill.total.clone()),
        None => world.cost().await,
    };
    let simulated = world.age();
    let assumed = world.cloud().assumed().await.into_iter().skip(assumed_before).collect();
    Outcome { simulated, currency, cost, bill, assumed, ..outcome(case, verdict) }
}

pub(crate) fn no_files(case: &Case, error: &std::io::Error) -> Outcome {
    let failure = not_begun(case, format!("the files beside the case cannot be had: {error}"));
    outcome(case, CaseVerdict::Failed(Box::new(failure)))
}

pub(crate) fn no_world(case: &Case, error: &StartError) -> Outcome {
    let failure = not_begun(case, format!("the world could not be put together: {error}"));
    outcome(case, CaseVerdict::Failed(Box::new(failure)))
}

fn not_begun(case: &Case, why: String) -> Failure {
    Failure {
        line: case.scenario.line(0),
        step: "begin".to_owned(),
        miss: Miss::Refused(why),
        story: Story::default(),
    }
}

fn outcome(case: &Case, verdict: CaseVerdict) -> Outcome {
    Outcome {
        case: case.file.case.clone(),
        file: case.file.file.clone(),
        claim: case.scenario.claim.clone(),
        cites: case.scenario.cites.clone(),
        verdict,
        earlier: None,
        assumed: Vec::new(),
        took: std::time::Duration::ZERO,
        simulated: std::time::Duration::ZERO,
        currency: Currency::default(),
        cost: Cost::ZERO,
        bill: None,
    }
}
