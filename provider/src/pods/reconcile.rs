//! Reconciles pods with their container groups: a bounded number of workers takes pods from the queue, one step a turn.

mod backoff;
mod publish;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use determinism::{Chance, Clock};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::admission::Admission;
use super::budget::Budget;
use super::call_failure::BackoffPolicy;
use super::decide::{self, Decision, DeletionState, Observation};
use super::dns;
use super::events::Recorder;
use super::file_notes::FileNotes;
use super::queue::{Class, Uid};
use super::request::Scope;
use super::sources::ServiceLists;
use super::specs::SpecRefusal;
use super::startup_times::StartupTimes;
use super::store::{PodStore, Snapshot};
use crate::eci::{Eci, EciError};
use crate::node::facts::NodeFacts;
use backoff::Backoff;
use publish::Reported;

/// Pods that are worked on at once, so that neither the API nor the cloud is flooded.
const MAX_CONCURRENT: usize = 24;
/// The pause after a fault of this program in the work on one pod.
const PANIC_PAUSE: Duration = Duration::from_secs(10);

/// The pause between two turns of a pod whose grace is over and whose group was not looked at since.
const OVERDUE_PAUSE: Duration = Duration::from_secs(2);

/// What the work on pods is done with.
pub struct Tools {
    /// The Kubernetes API.
    pub client: Client,
    /// The cloud.
    pub eci: Eci,
    /// The records of pods and groups.
    pub store: PodStore,
    /// The same for all pods.
    pub scope: Scope,
    /// The writer of events.
    pub recorder: Recorder,
    /// The clock, for what is told and for times that others name.
    pub clock: Clock,
    /// The clock of the store, for durations: it is never corrected.
    pub steady: Clock,
    /// The node object.
    pub facts: NodeFacts,
    /// The times of pods on their way to Running.
    pub startup: StartupTimes,
}

/// Everything that the workers share.
pub struct Reconciler {
    tools: Tools,
    pub(super) dns: dns::Finder,
    pub(super) services: ServiceLists,
    pub(super) budget: Budget,
    pub(super) admission: Admission,
    chance: Mutex<Chance>,
    work: Mutex<HashMap<Uid, PodWork>>,
}

impl std::ops::Deref for Reconciler {
    type Target = Tools;

    fn deref(&self) -> &Tools {
        &self.tools
    }
}

/// The reconciler's notes about one pod between its turns.
#[derive(Default)]
pub(super) struct PodWork {
    backoff: Option<Backoff>,
    reported: Reported,
    /// The files of its instance.
    pub(super) files: FileNotes,
    /// The refusals of the specs that were tried in this round.
    pub(super) refusals: Vec<EciError>,
}

/// The result of one step.
pub(super) enum Outcome {
    /// The step is done, or there was nothing to do.
    Done,
    /// Nothing is left of the pod.
    Forgotten,
    /// There is more to do at this time.
    At(Instant),
    /// The pod's next step, whatever it is, comes no sooner than after this pause.
    Pause(Duration),
    /// The step did not work, and is tried again.
    Failed(BackoffPolicy),
}

impl Outcome {
    /// A failure with pauses of `first` seconds, doubled up to `longest`.
    pub(super) fn failed(first: u64, longest: u64) -> Self {
        let (first, longest) = (Duration::from_secs(first), Duration::from_secs(longest));
        Self::Failed(BackoffPolicy { first, longest, jitter_percent: 25 })
    }

    /// A write's outcome.
    pub(super) fn of_write(written: bool) -> Self {
        if written { Self::Done } else { Self::failed(1, 30) }
    }
}

impl Reconciler {
    /// A reconciler with its tools; pauses are drawn from `chance`.
    pub fn new(tools: Tools, chance: Chance) -> Self {
        Self {
            tools,
            dns: dns::Finder::default(),
            services: ServiceLists::default(),
            budget: Budget::default(),
            admission: Admission::default(),
            chance: Mutex::new(chance),
            work: Mutex::default(),
        }
    }

    /// Works for ever.
    pub async fn run(self: Arc<Self>) {
        let mut workers = JoinSet::new();
        for _ in 0..MAX_CONCURRENT {
            workers.spawn(self.clone().work());
        }
        while let Some(ended) = workers.join_next().await {
            if let Err(error) = ended {
                // A fault of this program in the work on one pod: that pod's turn is over, others are not concerned.
                tracing::error!(%error, "the work on a pod broke off");
            }
            workers.spawn(self.clone().work());
        }
    }

    async fn work(self: Arc<Self>) {
        loop {
            let turn = self.store.queue().next().await;
            let uid = turn.uid().clone();
            // Should the step panic, the pod has another turn all the same; a step that ends plans its own.
            let guard = Again { reconciler: &self, uid: &uid, armed: true };
            self.reconcile(&uid, turn.class()).await;
            guard.disarm();
        }
    }

    pub(super) fn pod_work(&self) -> MutexGuard<'_, HashMap<Uid, PodWork>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works with the notes about the files of a pod; `None` of a pod that is known no more.
    pub(super) fn file_notes<T>(&self, pod: &Pod, work: impl FnOnce(&mut FileNotes) -> T) -> Option<T> {
        let uid: Uid = pod.metadata.uid.as_deref()?.into();
        self.store.get(&uid)?;
        Some(work(&mut self.pod_work().entry(uid).or_default().files))
    }

    async fn reconcile(&self, uid: &Uid, class: Class) {
        let Some(seen) = self.store.get(uid) else { return };
        let decision = self.decide(&seen);
        if decision == Decision::Create && seen.duplicates.is_empty() && class != Class::Creation {
            // A creation can wait long for the cloud, and then only where workers are left for deletions.
            return self.store.queue().add(uid, Class::Creation);
        }
        let held =
            self.pod_work().get(uid).and_then(|work| work.backoff.as_ref()?.holds(&decision, seen.deletion));
        if let Some(until) = held {
            return self.store.queue().add_at(uid, self.class(&decision), until);
        }
        let outcome = self.carry_out(&decision, &seen).await;
        self.plan(uid, &decision, &seen, outcome);
    }

    /// Plans the pod's next turn after a step.
    fn plan(&self, uid: &Uid, decision: &Decision, seen: &Snapshot, outcome: Outcome) {
        let mut kept = self.pod_work();
        let work = kept.entry(uid.clone()).or_default();
        let at = match outcome {
            Outcome::Forgotten => {
                kept.remove(uid);
                if !self.store.forget(seen) {
                    self.store.queue().add(uid, Class::Deletion);
                }
                return;
            }
            Outcome::Done => {
                work.backoff = None;
                self.alarm(uid)
            }
            Outcome::At(at) => Some(self.alarm(uid).map_or(at, |alarm| alarm.min(at))),
            Outcome::Pause(pause) => {
                work.backoff = Some(Backoff::pause(pause));
                Some(Instant::now() + pause)
            }
            Outcome::Failed(policy) => {
                let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
                let taken = Backoff::after(work.backoff.take(), decision, seen.deletion, policy, &mut chance);
                let until = taken.until();
                work.backoff = Some(taken);
                Some(until)
            }
        };
        drop(kept);
        if let Some(at) = at {
            self.store.queue().add_at(uid, self.class(decision), at);
        }
    }

    fn class(&self, decision: &Decision) -> Class {
        match decision {
            Decision::Create => Class::Creation,
            Decision::Delete { .. }
            | Decision::Replace { .. }
            | Decision::RemoveFromApi
            | Decision::Forget => Class::Deletion,
            Decision::Publish | Decision::Fail { .. } | Decision::Wait => Class::Update,
        }
    }

    pub(super) fn decide(&self, seen: &Snapshot) -> Decision {
        decide::decide(&Observation {
            pod: &seen.pod,
            in_api: seen.in_api,
            cloud: seen.cloud(),
            history: &seen.history,
            deletion: seen.deletion,
            unanswered: seen.unanswered.is_some(),
            has_further_spec: self.has_further_spec(seen),
            seen_at: self.seen_at(seen),
            now: self.clock.now(),
        })
    }

    /// Whether a pod whose group could not be placed accepts another spec that was not tried yet.
    fn has_further_spec(&self, seen: &Snapshot) -> bool {
        let unplaced = seen.group.as_ref().is_some_and(|group| group.parsed_status().never_started());
        unplaced && self.further_spec(seen, SpecRefusal::OutOfStock).is_some()
    }

    /// The time, by the clock of others, of the last answer that has the pod's group.
    fn seen_at(&self, seen: &Snapshot) -> Option<Timestamp> {
        let age = self.steady.now().duration_since(seen.seen_at?);
        self.clock.now().checked_sub(age).ok()
    }

    /// The time to reconcile though nothing happens: the pod's deadline, or the end of its grace.
    fn alarm(&self, uid: &Uid) -> Option<Instant> {
        let seen = self.store.get(uid)?;
        let now = self.clock.now();
        let deadline = decide::deadline(&seen.pod).filter(|_| !decide::has_ended(&seen.pod));
        let overdue = decide::overdue(&seen.pod).filter(|_| seen.deletion == DeletionState::Graceful);
        let is_unseen = |at: &Timestamp| *at <= now && self.seen_at(&seen).is_none_or(|seen| seen < *at);
        if seen.group.is_some() && overdue.as_ref().is_some_and(is_unseen) {
            // The first look after its grace tells whether its group is deleted by force.
            return Some(Instant::now() + OVERDUE_PAUSE);
        }
        let at = deadline.into_iter().chain(overdue).filter(|at| *at > now).min()?;
        Some(Instant::now() + at.duration_since(now).unsigned_abs())
    }

    async fn carry_out(&self, decision: &Decision, seen: &Snapshot) -> Outcome {
        if !seen.duplicates.is_empty() {
            return self.delete_duplicates(seen).await;
        }
        match decision {
            Decision::Wait => {
                self.report_ignored(seen);
                Outcome::Done
            }
            Decision::Forget => Outcome::Forgotten,
            Decision::Publish => self.publish(seen).await,
            Decision::Create => self.create(seen).await,
            Decision::Delete { group, forced } => self.delete(seen, group, *forced).await,
            Decision::Replace { group } => self.replace(seen, group).await,
            Decision::Fail { end } => self.fail(seen, *end).await,
            Decision::RemoveFromApi => self.remove_from_api(seen).await,
        }
    }
}

/// Gives a pod another turn when the work on it panics.
struct Again<'a> {
    reconciler: &'a Reconciler,
    uid: &'a Uid,
    armed: bool,
}

impl Again<'_> {
    fn disarm(mut self) {
        self.armed = false;
    }
}

impl Drop for Again<'_> {
    fn drop(&mut self) {
        if self.armed {
            let at = Instant::now() + PANIC_PAUSE;
            self.reconciler.store.queue().add_at(self.uid, Class::Update, at);
        }
    }
}
