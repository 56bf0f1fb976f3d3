//! Input from the Kubernetes API: lists, watch events, and the answers to this process's own writes.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;

use super::super::queue::Uid;
use super::record::{Record, Session, Snapshot};
use super::{PodStore, State};

impl PodStore {
    /// A list begins, of `namespace` or of all: what it says replaces what was known, be its resource versions older.
    pub fn list_began(&self, namespace: Option<&str>) {
        let mut state = self.state();
        state.session += 1;
        state.listing.retain(|(listed, _)| namespace.is_some_and(|namespace| namespace != listed));
    }

    /// A pod of the list.
    pub fn listed(&self, pod: Pod, now: Timestamp) {
        let Some(uid) = pod.metadata.uid.clone() else { return };
        let namespace = pod.metadata.namespace.clone().unwrap_or_default();
        self.state().listing.insert((namespace, uid.as_str().into()));
        self.put(&uid, pod, true, now);
    }

    /// The list of `namespace`, or of all, was read whole: pods of it that are not listed are gone. With `is_last`, every
    /// list that is followed has been read whole once.
    pub fn list_ended(&self, namespace: Option<&str>, is_last: bool, now: Timestamp) {
        let of_list = |listed: &str| namespace.is_none_or(|namespace| namespace == listed);
        let gone: Vec<_> = {
            let mut state = self.state();
            state.pods_listed |= is_last;
            let (listing, others) =
                std::mem::take(&mut state.listing).into_iter().partition(|(listed, _)| of_list(listed));
            state.listing = others;
            let listing: BTreeSet<(String, Uid)> = listing;
            let listed: BTreeSet<&Uid> = listing.iter().map(|(_, uid)| uid).collect();
            let gone = state.records.iter().filter(|(uid, record)| {
                record.in_api
                    && of_list(record.pod.metadata.namespace.as_deref().unwrap_or_default())
                    && !listed.contains(uid)
            });
            gone.map(|(uid, _)| uid.clone()).collect()
        };
        for uid in gone {
            self.left_api(&uid, now);
        }
        self.0.wake.notify_one();
    }

    /// A pod as the watch shows it; an older version than the one known in this session is not looked at.
    pub fn watched(&self, pod: Pod, now: Timestamp) {
        let Some(uid) = pod.metadata.uid.clone() else { return };
        let older = {
            let state = self.state();
            let known = state.records.get(uid.as_str()).filter(|known| known.session == state.session);
            known.is_some_and(|known| version(&known.pod) > version(&pod))
        };
        if !older || planted!(OlderWatchEventsCount) {
            self.put(&uid, pod, true, now);
        }
    }

    /// A pod that the API does not have any more, in its last state, which says how it went.
    pub fn removed(&self, pod: Pod, now: Timestamp) {
        let Some(uid) = pod.metadata.uid.clone() else { return };
        self.put(&uid, pod, false, now);
        self.left_api(&uid, now);
    }

    /// The pod as the API returned it from a write that was made on what `before` shows. It counts only when it is
    /// newer than what the same session has shown meanwhile, and never brings a pod back.
    pub fn wrote(&self, before: &Snapshot, pod: Pod, now: Timestamp) {
        let Some(uid) = pod.metadata.uid.clone() else { return };
        let counts = {
            let state = self.state();
            state.records.get(uid.as_str()).is_some_and(|known| {
                known.in_api
                    && Session(state.session) == before.session
                    && version(&pod)
                        .is_some_and(|written| version(&known.pod).is_some_and(|known| written > known))
            })
        };
        if counts || planted!(EveryWriteAnswerCounts) {
            self.put(&uid, pod, true, now);
        }
    }

    fn left_api(&self, uid: &str, now: Timestamp) {
        let mut state = self.state();
        let Some(name) = state.records.get(uid).and_then(Record::name) else { return };
        if state.names.get(&name).is_some_and(|known| &**known == uid) {
            state.names.remove(&name);
        }
        drop(state);
        self.change(uid, now, |record| {
            record.in_api = false;
            true
        });
    }

    fn put(&self, uid: &str, mut pod: Pod, in_api: bool, now: Timestamp) {
        if !planted!(ManagedFieldsAreKept) {
            pod.metadata.managed_fields = None;
        }
        let mut state = self.state();
        let session = state.session;
        if let Some(name) = pod.metadata.namespace.clone().zip(pod.metadata.name.clone()).filter(|_| in_api) {
            state.names.insert(name, uid.into());
        }
        if !state.records.contains_key(uid) {
            let record = Record { in_api, ..Record::of_pod(pod, &state) };
            state.insert(uid.into(), record);
            drop(state);
            return self.change(uid, now, |_| true);
        }
        drop(state);
        self.change(uid, now, |record| {
            record.pod = Arc::new(pod);
            record.born = super::Born::Api;
            (record.in_api, record.session) = (in_api, session);
            true
        });
    }

    /// Strikes a record out, unless it changed since `seen`.
    pub fn forget(&self, seen: &Snapshot) -> bool {
        let mut state = self.state();
        if state
            .records
            .get(&seen.uid)
            .is_none_or(|record| record.version != seen.version && !planted!(ForgetsWhatChanged))
        {
            return false;
        }
        state.remove(&seen.uid);
        self.0.queue.forget(&seen.uid);
        true
    }
}

impl State {
    /// Takes a new record in.
    pub(super) fn insert(&mut self, uid: Uid, record: Record) {
        self.last_number = record.number;
        self.records.insert(uid, record);
    }

    fn remove(&mut self, uid: &Uid) {
        self.records.remove(uid);
        self.measure(uid);
        self.questions.remove(uid);
        self.schedule.remove(uid);
    }
}

/// Resource versions are whole numbers that grow, by Kubernetes' rules since 1.35 and by every server's habit before.
fn version(pod: &Pod) -> Option<u128> {
    pod.metadata.resource_version.as_ref()?.parse().ok()
}
