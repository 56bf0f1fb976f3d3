//! Plays runs side by side: a process for each case, off whose reference run its runs branch as processes of their own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use determinism::Seed;
use fork::Fork;
use serde::{Deserialize, Serialize};

use super::branches::{Branch, Branches};
use super::played;
use super::sweeping::{Effect, Finding, Job, NotEnded, RunOutcome, Subject, broken_off, judged, run_end};

/// The time without a word after which it is asked whether the processes still live.
const SILENCE: Duration = Duration::from_secs(1);
/// The most violations of one run that are told, and the most characters of each text, so that an outcome fits into a datagram.
const VIOLATIONS_MAX: usize = 20;
const TEXT_MAX: usize = 1000;
/// Bytes of the largest outcome: that many texts of four bytes a character, escaped, and room for the rest.
const OUTCOME_BYTES_MAX: usize = 256 << 10;

/// The way in which runs are played.
#[derive(Debug, Clone, Copy)]
pub struct How {
    /// The seed of the worlds' chance.
    pub seed: Seed,
    /// Plays each once more from its beginning: what branched off must tell the same.
    pub twice: bool,
}

/// The word of a branch: its job and what came of it.
#[derive(Serialize, Deserialize)]
struct Word {
    job: usize,
    outcome: RunOutcome,
}

/// A case whose runs are being played.
struct Playing {
    subject: usize,
    /// The jobs of which nothing was heard so far.
    silent: BTreeSet<usize>,
    /// How its process ended, once that was seen; what it said before may still have to be read.
    ended: Option<ExitStatus>,
}

/// Plays all `jobs`, as many at once as the machine has processors; `told` hears of each as it ends.
///
/// The process must have no other thread.
///
/// # Errors
/// When the system gives no processes or no connection to them.
pub fn play_all(
    subjects: &[Subject<'_>],
    jobs: &[Job],
    how: How,
    mut told: impl FnMut(&Job, RunOutcome),
) -> io::Result<()> {
    let (to_us, words) = UnixDatagram::pair()?;
    words.set_read_timeout(Some(SILENCE))?;
    let mut waiting = by_subject(jobs);
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let mut playing: BTreeMap<i32, Playing> = BTreeMap::new();
    let mut buffer = vec![0; OUTCOME_BYTES_MAX];
    loop {
        while playing.len() < at_once
            && let Some((subject, numbers)) = waiting.pop_front()
        {
            match fork::fork()? {
                Fork::Child => std::process::exit(play_case(&subjects[subject], jobs, &numbers, how, &to_us)),
                Fork::Parent(child) => {
                    let silent = numbers.into_iter().collect();
                    playing.insert(child, Playing { subject, silent, ended: None });
                }
            }
        }
        if playing.is_empty() {
            return Ok(());
        }
        match words.recv(&mut buffer) {
            Ok(length) => {
                let Word { job, mut outcome } = serde_json::from_slice(&buffer[..length])?;
                if let Some(found) = &mut outcome.found {
                    found.drawn_from = jobs[job].drawn_from;
                }
                for case in playing.values_mut() {
                    case.silent.remove(&job);
                }
                told(&jobs[job], outcome);
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                for (case, status) in given_up(&mut playing)? {
                    for job in case.silent.into_iter().map(|job| &jobs[job]) {
                        let words =
                            format!("the process of its case ended with {status} before it was played");
                        told(job, broken_off(&subjects[case.subject], job, words));
                    }
                }
                continue;
            }
            Err(error) => return Err(error),
        }
        for (child, case) in playing.extract_if(.., |_, case| case.silent.is_empty()) {
            if case.ended.is_none() {
                fork::waitpid(child)?;
            }
        }
    }
}

/// After a silence: the cases whose process had ended before it, and how, since all that they said is read by now. Notes
/// those that have ended meanwhile.
fn given_up(playing: &mut BTreeMap<i32, Playing>) -> io::Result<Vec<(Playing, ExitStatus)>> {
    let silent = playing.extract_if(.., |_, case| case.ended.is_some());
    let given_up = silent.filter_map(|(_, case)| case.ended.map(|status| (case, status))).collect();
    for (child, case) in playing {
        case.ended = fork::waitpid_nohang(*child)?.map(ExitStatus::from_raw);
    }
    Ok(given_up)
}

/// The numbers of the jobs of each subject, the subject with most of them first.
fn by_subject(jobs: &[Job]) -> VecDeque<(usize, Vec<usize>)> {
    let mut numbers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (number, job) in jobs.iter().enumerate() {
        numbers.entry(job.subject).or_default().push(number);
    }
    let mut ordered: Vec<_> = numbers.into_iter().collect();
    ordered.sort_by_key(|(_, numbers)| std::cmp::Reverse(numbers.len()));
    ordered.into()
}

/// Plays the jobs of one case in this process, which is this for nothing else, and in its children; the exit code of either.
fn play_case(
    subject: &Subject<'_>,
    jobs: &[Job],
    numbers: &[usize],
    how: How,
    to_parent: &UnixDatagram,
) -> i32 {
    let branch = |number: &usize| Branch { job: *number, plan: jobs[*number].plan.clone() };
    let branches = Branches::new(numbers.iter().map(branch).collect());
    let played = run_end(|| played::play_branching(subject.case, how.seed, &branches));
    let tell = |job: usize, outcome: RunOutcome| {
        let word = serde_json::to_vec(&Word { job, outcome: fitting(outcome) })?;
        to_parent.send(&word)
    };
    let told: io::Result<Vec<usize>> = match branches.taken() {
        Some(Branch { job, .. }) => {
            let played = played.and_then(|played| played.ok_or(NotEnded::GivenUp));
            tell(job, judged(subject, &jobs[job], played, how.seed, how.twice)).map(|bytes| vec![bytes])
        }
        None => {
            let lost =
                branches.take_lost().into_iter().map(|(Branch { job, .. }, why)| (job, why.to_string()));
            let lost = lost.map(|(job, why)| (job, broken_off(subject, &jobs[job], why)));
            let left = branches.take_waiting().into_iter().map(|Branch { job, .. }| match &played {
                Ok(_) => (job, RunOutcome { found: None, effect: Effect::HitNothing }),
                Err(why) => (job, broken_off(subject, &jobs[job], why.to_string())),
            });
            lost.chain(left).map(|(job, outcome)| tell(job, outcome)).collect()
        }
    };
    // Nobody hears of it when the parent is gone.
    i32::from(told.is_err())
}

/// The outcome, cut so that it fits into a datagram.
fn fitting(outcome: RunOutcome) -> RunOutcome {
    let cut = |text: String| match text.char_indices().nth(TEXT_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    };
    let found = outcome.found.map(|found| {
        let mut violations = found.violations;
        violations.truncate(VIOLATIONS_MAX);
        violations
            .iter_mut()
            .for_each(|violation| violation.words = cut(std::mem::take(&mut violation.words)));
        let difference = found.difference.map(|(reference, here)| (cut(reference), cut(here)));
        Finding { violations, difference, ..found }
    });
    RunOutcome { found, ..outcome }
}
