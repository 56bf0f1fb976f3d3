//! Plays one case under a plan, to its end and on until the world is at rest, and keeps the journal.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use determinism::Seed;
use eci_sim::Bill;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;

use super::branches::Branches;
use super::end::End;
use super::journal::{Entry, GroupMove, Occurrence};
use super::plan::Plan;
use super::tap::Tap;
use crate::outcome::Miss;
use crate::runner::Case;
use crate::scenario::Capability;
use crate::stage::{Builder, World};

/// The time after the last perturbation in which everything must come to rest.
const RECOVERY: Duration = Duration::from_secs(240);
/// The same after a perturbation that costs the node: an orphan's grace of ten minutes, and a minute twice.
const RECOVERY_OF_NODE: Duration = Duration::from_secs(720);
/// The time before the end in which nothing is done to the world: a period of the node's status and a little more.
const QUIET: Duration = Duration::from_secs(330);
/// The same of a reference run: two such periods, or the longest pause between two tries and a little more.
const QUIET_OF_REFERENCE: Duration = Duration::from_secs(660);

/// One run of a case.
#[derive(Debug, Clone)]
pub struct Played {
    /// All that happened, in order.
    pub entries: Vec<Entry>,
    /// The pods, groups and node that were left.
    pub end: End,
    /// The cloud's bill.
    pub bill: Bill,
    /// The provider's log.
    pub log: String,
    /// The texts that may stand in neither: values of Secrets, and tokens that were given out.
    pub secrets: BTreeSet<String>,
}

/// The reason for which a case cannot be played here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPlayed {
    /// A capability that only real time has.
    #[error("it needs {0}, and its time is not stepped")]
    Needs(Capability),
    /// No world could be begun.
    #[error("no world: {0}")]
    NoWorld(String),
}

/// Plays `case` from `seed` under `plan`.
///
/// # Errors
/// [`NotPlayed`].
pub fn play(case: &Case, seed: Seed, plan: &Plan) -> Result<Played, NotPlayed> {
    let perturbed = |world: Builder| world.perturbed(plan.clone());
    let played = tapped(case, |builder| perturbed(builder.seed(seed)), std::future::pending(), || false)?;
    played.ok_or_else(|| NotPlayed::NoWorld("it came to no end".to_owned()))
}

/// Plays the reference run of `case` from `seed`, off which `branches` go. In a branch, which this process then is, what came
/// of it; in the reference run nothing where it is given up, since none waits any more.
///
/// # Errors
/// [`NotPlayed`].
pub fn play_branching(case: &Case, seed: Seed, branches: &Branches) -> Result<Option<Played>, NotPlayed> {
    let is_branch = || branches.taken().is_some();
    tapped(case, |world| world.seed(seed).branching(branches.clone()), branches.exhausted(), is_branch)
}

/// Plays `case` in a tapped world, to its end or until `given_up`.
fn tapped(
    case: &Case,
    world: impl FnOnce(Builder) -> Builder,
    given_up: impl Future<Output = ()>,
    is_branch: impl Fn() -> bool,
) -> Result<Option<Played>, NotPlayed> {
    if case.scenario.needs.contains(&Capability::Kubectl) {
        return Err(NotPlayed::Needs(Capability::Kubectl));
    }
    let log = Log::default();
    // What clients below it log is theirs, and costs more than the whole world.
    let own = Targets::new().with_target("provider", tracing::Level::TRACE);
    let lines = tracing_subscriber::fmt::layer().without_time().with_ansi(false).with_writer(log.clone());
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(own));
    let _logging = tracing::subscriber::set_default(subscriber);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let runtime = runtime.map_err(|error| NotPlayed::NoWorld(error.to_string()))?;
    let played = runtime.block_on(async {
        tokio::select! {
            // In this order, since a drawn one would take from the runtime's chance.
            biased;
            () = given_up => Ok(None),
            played = in_a_world(case, world) => played.map(Some),
        }
    });
    // A branch has none of the threads that the runtime may know of, and would wait for them.
    match is_branch() {
        true => std::mem::forget(runtime),
        false => runtime.shutdown_background(),
    }
    Ok(played?.map(|played| Played { log: log.text(), ..played }))
}

async fn in_a_world(case: &Case, world: impl FnOnce(Builder) -> Builder) -> Result<Played, NotPlayed> {
    let no_world = |why: String| NotPlayed::NoWorld(why);
    let folder = case.file.beside().map_err(|error| no_world(error.to_string()))?;
    let builder = world(World::builder().folder(folder.path()));
    let mut world = builder.start().await.map_err(|error| no_world(error.to_string()))?;
    let Some(tap) = world.tap() else { return Err(no_world("the world is not tapped".to_owned())) };
    let journal = tap.journal().clone();
    for (index, step) in case.scenario.steps.iter().enumerate() {
        journal.write(Occurrence::Step(index, step.to_string()));
        world.demands().begin(index);
        if let Err(miss) = step.play(&mut world).await {
            journal.write(Occurrence::Missed(index, miss.in_short()));
        }
    }
    if let Err(miss) = heal(&mut world, &tap).await {
        journal.write(Occurrence::Missed(case.scenario.steps.len(), miss.in_short()));
    }
    journal.write(Occurrence::Quiet);
    world.advance(if tap.plan().perturbations().is_empty() { QUIET_OF_REFERENCE } else { QUIET }).await;
    journal.write(Occurrence::End);
    let end = End::of(&world).await.map_err(|miss| no_world(miss.in_short()))?;
    let (bill, moves) = world.cloud().here().map(|eci| (eci.bill(), moves(eci))).unwrap_or_default();
    // The process of a branch ends when it has told what came of it: nothing is taken apart before.
    match tap.is_of_branch() {
        true => std::mem::forget(world),
        false => world.end().await,
    }
    let mut entries = journal.take();
    entries.extend(moves);
    // What the cloud did at an instant comes behind what it was asked for then.
    entries.sort_by_key(|entry| entry.at);
    Ok(Played { entries, end, bill, log: String::new(), secrets: journal.secrets() })
}

/// Ends all faults and lets the world recover, also from a perturbation that strikes meanwhile.
async fn heal(world: &mut World, tap: &Tap) -> Result<(), Miss> {
    let mut healed = world.cloud().clear_faults().await;
    loop {
        let rests_at = tap.rests_at();
        let left = rests_at.map(|at| at.duration_since(world.now()));
        world.pass(left.and_then(|left| left.try_into().ok()).unwrap_or_default()).await;
        if tap.rests_at() != rests_at {
            continue;
        }
        healed = healed.and(world.have_provider().await);
        tap.journal().write(Occurrence::Healed);
        let costs_the_node = tap.plan().perturbations().iter().any(|(_, own)| own.costs_the_node());
        world.advance(if costs_the_node { RECOVERY_OF_NODE } else { RECOVERY }).await;
        if tap.rests_at() == rests_at {
            return healed;
        }
    }
}

/// The groups' moves, by the cloud's ledger.
fn moves(eci: &crate::eci::Eci) -> Vec<Entry> {
    use eci_sim::ledger::LedgerEvent;
    let ledger = eci.control().ledger();
    let moved = ledger.into_iter().filter_map(|entry| {
        let state = match &entry.event {
            LedgerEvent::Created => "Created".to_owned(),
            LedgerEvent::Moved { to, .. } => to.name().to_owned(),
            LedgerEvent::ContainerEnded { .. } => {
                let what = Occurrence::ContainerEnded(entry.group.id.to_string());
                return Some(Entry { at: entry.at, what });
            }
            _ => return None,
        };
        let uid = entry.group.tags.iter().find(|(key, _)| &**key == "UID");
        let uid = uid.map(|(_, value)| value.to_string()).unwrap_or_default();
        let what = Occurrence::Group(GroupMove { id: entry.group.id.to_string(), uid, state });
        Some(Entry { at: entry.at, what })
    });
    moved.collect()
}

/// A text that the provider's log is written to.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl tracing_subscriber::fmt::MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
