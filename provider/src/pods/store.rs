//! The pods of the node and what is known of their container groups: one record a pod, by UID, in memory; all of it is
//! found again in the API and in the cloud after a restart.
//!
//! Every transition is a method that says its source: the API's list or watch, the answer to a write, the cloud's tags,
//! the cloud's answer by id. Times are those of one clock that is never corrected. No lock is held across I/O.

mod api;
mod cloud;
mod conclusions;
mod fleet;
mod record;
mod usage;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use tokio::sync::Notify;

use super::evidence::Brake;
use super::group_state::still_works;
use super::queue::{Bounds, Uid, WorkQueue};
use super::schedule::Schedule;
pub use conclusions::Conclusion;
pub use fleet::Member;
use record::Record;
pub use record::{Born, Session, Snapshot};
use usage::UsageMeter;

/// Of the reconciler's 24 workers two are for deletions alone, and two more never wait in a creation.
const BOUNDS: Bounds = Bounds { creations: 20, others: 22 };

/// The store; clones share it.
#[derive(Clone)]
pub struct PodStore(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    queue: WorkQueue,
    /// A look or a round became due sooner.
    wake: Notify,
}

struct State {
    /// The time from which on this process saw things.
    started: Timestamp,
    records: BTreeMap<Uid, Record>,
    /// The number of the last record that was made.
    last_number: u64,
    /// The pods in the API, by namespace and name.
    names: BTreeMap<(String, String), Uid>,
    /// The list-watch session: resource versions compare within one.
    session: u64,
    /// The pods of the lists that are being read, with their namespaces.
    listing: BTreeSet<(String, Uid)>,
    pods_listed: bool,
    groups_listed: bool,
    away: bool,
    schedule: Schedule,
    /// The pods whose groups' existence is open.
    questions: BTreeSet<Uid>,
    brake: Brake,
    identity_changed: bool,
    identity_confirmed: bool,
    accepts_loss: bool,
    duplicates: u64,
    /// The sum for the operator's limits, where there are any.
    meter: Option<UsageMeter>,
}

impl PodStore {
    /// An empty store of a process that starts at `started`; with `accepts_loss`, the operator takes absence for lost
    /// groups whatever speaks against it.
    pub fn new(started: Timestamp, accepts_loss: bool) -> Self {
        let state = State {
            started,
            records: BTreeMap::new(),
            last_number: 0,
            names: BTreeMap::new(),
            session: 0,
            listing: BTreeSet::new(),
            pods_listed: false,
            groups_listed: false,
            away: false,
            schedule: Schedule::default(),
            questions: BTreeSet::new(),
            brake: Brake::Free,
            identity_changed: false,
            identity_confirmed: false,
            accepts_loss,
            duplicates: 0,
            meter: None,
        };
        let bounds =
            if planted!(CreationsTakeAllWorkers) { Bounds { creations: 24, others: 24 } } else { BOUNDS };
        let (queue, wake) = (WorkQueue::new(bounds), Notify::new());
        Self(Arc::new(Shared { state: Mutex::new(state), queue, wake }))
    }

    /// Begins the work at `now`: a process may have waited before. To be called before anything is seen.
    pub fn begin(&self, now: Timestamp) {
        self.state().started = now;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The queue of pods to reconcile, which every transition feeds.
    pub fn queue(&self) -> &WorkQueue {
        &self.0.queue
    }

    /// Waits until a look or a round becomes due sooner.
    pub async fn woken(&self) {
        self.0.wake.notified().await;
    }

    /// Returns true once the API's list of pods was read whole.
    pub fn are_pods_listed(&self) -> bool {
        self.state().pods_listed
    }

    /// Returns true once the cloud's list of groups was read whole.
    pub fn are_groups_listed(&self) -> bool {
        self.state().groups_listed
    }

    /// Returns true once pods and groups were read whole and each group that works is a pod's that the API has shown.
    pub fn is_adoption_complete(&self) -> bool {
        let state = self.state();
        let is_orphan = |record: &Record| {
            record.born == Born::Cloud && !record.in_api && record.group.as_deref().is_some_and(still_works)
        };
        state.pods_listed && state.groups_listed && !state.records.values().any(is_orphan)
    }

    /// The operator takes missing groups for lost ones.
    pub fn accepts_loss(&self) -> bool {
        self.state().accepts_loss
    }

    /// The number of groups that were found beside another working group of the same pod.
    pub fn duplicates(&self) -> u64 {
        self.state().duplicates
    }

    /// One pod's record, copied out.
    pub fn get(&self, uid: &str) -> Option<Snapshot> {
        let state = self.state();
        let (uid, record) = state.records.get_key_value(uid)?;
        Some(record.snapshot(uid, &state))
    }

    /// The pod of this name that is in the API.
    pub fn find(&self, namespace: &str, name: &str) -> Option<Snapshot> {
        let state = self.state();
        let uid = state.names.get(&(namespace.to_owned(), name.to_owned()))?;
        state.records.get(uid).map(|record| record.snapshot(uid, &state))
    }

    /// The number of the last pod that became known; each has a larger one than those before.
    pub fn last_number(&self) -> u64 {
        self.state().last_number
    }

    /// The pods that are in the API.
    pub fn pods(&self) -> Vec<Arc<Pod>> {
        let state = self.state();
        state.records.values().filter(|record| record.in_api).map(|record| record.pod.clone()).collect()
    }

    /// Changes a record that is there, and draws the consequences: its turn, its looks, its question.
    fn change(&self, uid: &str, now: Timestamp, change: impl FnOnce(&mut Record) -> bool) {
        let mut state = self.state();
        let Some((uid, _)) = state.records.get_key_value(uid) else { return };
        let uid = uid.clone();
        let Some(record) = state.records.get_mut(&uid) else { return };
        let worth_a_turn = change(record);
        record.version += 1;
        self.settle(&mut state, &uid, now, worth_a_turn);
    }

    fn settle(&self, state: &mut State, uid: &Uid, now: Timestamp, worth_a_turn: bool) {
        state.measure(uid);
        let Some(record) = state.records.get(uid) else { return };
        let class = record.class();
        match record.question() {
            Some(_) => state.questions.insert(uid.clone()),
            None => state.questions.remove(uid),
        };
        match record.next_look(now, state.started, state.brake) {
            Some((at, urgency)) => state.schedule.hasten(uid, at, urgency),
            None => state.schedule.remove(uid),
        }
        if worth_a_turn {
            self.0.queue.add(uid, class);
        }
        self.0.wake.notify_one();
    }
}

#[cfg(test)]
mod tests;
