//! The history of a run: for each pod the instants at which something of it was asked or first seen.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// An instant of a pod's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// The call that makes it, or its owner, was sent.
    Requested,
    /// The API answered that it has it, or showed it.
    Accepted,
    /// It was seen bound to a node.
    Scheduled,
    /// The cloud had its container group.
    GroupRequested,
    /// The group was Running in the cloud.
    GroupRunning,
    /// Its phase was seen as Running.
    Running,
    /// The call that deletes it, or its owner, was sent.
    DeleteRequested,
    /// It was seen with a date of deletion.
    Deleted,
    /// The cloud had deleted its container group.
    GroupGone,
    /// It was seen no more.
    Gone,
}

/// Number of moments.
const MOMENTS: usize = Moment::Gone as usize + 1;

/// The instants of one pod, in microseconds since the run began, in the order of [`Moment`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life([Option<u64>; MOMENTS]);

/// The lives of all pods.
#[derive(Debug, Clone, Default)]
pub struct History {
    lives: BTreeMap<String, (String, Life)>,
    /// The instants of objects: requested, accepted, asked to be deleted.
    objects: BTreeMap<String, Life>,
    /// Pods that a watch or list has shown.
    seen: BTreeSet<String>,
    /// Reasons of pods that failed, by their names.
    failed: BTreeMap<String, String>,
}

/// A pod as a watch shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodObservation {
    /// Name.
    pub pod: String,
    /// Name of the object of the load that it belongs to: its own, or its owner's.
    pub object: String,
    /// True once it is bound to a node.
    pub bound: bool,
    /// Phase.
    pub phase: String,
    /// Reason of the phase.
    pub reason: String,
    /// True once it has a date of deletion.
    pub deleting: bool,
}

/// The counts of a history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Counts {
    /// Pods that were asked for, or seen.
    pub requested: usize,
    /// Pods that the API accepted.
    pub accepted: usize,
    /// Pods that are bound to a node.
    pub scheduled: usize,
    /// Pods that were seen Running.
    pub running: usize,
    /// Pods that ended as Failed.
    pub failed: usize,
    /// Pods that were seen and are gone.
    pub gone: usize,
}

impl Life {
    /// Notes a moment, unless it was noted before.
    pub fn note(&mut self, moment: Moment, at: u64) {
        self.0[moment as usize].get_or_insert(at);
    }

    /// The instant of a moment, in microseconds since the run began.
    pub fn at(&self, moment: Moment) -> Option<u64> {
        self.0[moment as usize]
    }

    /// The microseconds from one moment to another; zero where the second was noted before the first.
    pub fn between(&self, from: Moment, to: Moment) -> Option<u64> {
        Some(self.at(to)?.saturating_sub(self.at(from)?))
    }

    /// The same life, of a run that began so many microseconds later than another.
    #[must_use]
    pub fn later(self, by: u64) -> Self {
        Self(self.0.map(|at| at.map(|at| at.saturating_add(by))))
    }
}

impl History {
    /// Notes a moment of an object that this program made, and so of all its pods.
    pub fn note_object(&mut self, object: &str, moment: Moment, at: u64) {
        self.objects.entry(object.to_owned()).or_default().note(moment, at);
        let own = self.lives.values_mut().filter(|(owner, _)| owner == object);
        if moment != Moment::Accepted {
            own.for_each(|(_, life)| life.note(moment, at));
        }
    }

    /// Notes a moment of a bare pod of this name.
    pub fn note_pod(&mut self, pod: &str, moment: Moment, at: u64) {
        self.objects.entry(pod.to_owned()).or_default().note(moment, at);
        self.life(pod, pod).note(moment, at);
    }

    /// Notes what a watch shows.
    pub fn see(&mut self, observation: &PodObservation, at: u64) {
        if !self.seen.contains(&observation.pod) {
            self.seen.insert(observation.pod.clone());
        }
        let life = self.life(&observation.pod, &observation.object);
        life.note(Moment::Accepted, at);
        if observation.bound {
            life.note(Moment::Scheduled, at);
        }
        if observation.phase == "Running" {
            life.note(Moment::Running, at);
        }
        if observation.deleting {
            life.note(Moment::Deleted, at);
        }
        if observation.phase == "Failed" && !observation.deleting {
            self.failed.entry(observation.pod.clone()).or_insert_with(|| observation.reason.clone());
        }
    }

    /// Notes that a watch shows a pod no more.
    pub fn see_gone(&mut self, pod: &str, at: u64) {
        if let Some((_, life)) = self.lives.get_mut(pod) {
            life.note(Moment::Gone, at);
        }
    }

    /// Notes that a list shows these pods and no others. Those that nothing has shown before may be younger than the list.
    pub fn see_only(&mut self, pods: &[PodObservation], at: u64) {
        pods.iter().for_each(|observation| self.see(observation, at));
        let shown: BTreeSet<&str> = pods.iter().map(|observation| observation.pod.as_str()).collect();
        let missing = self.present().filter(|name| !shown.contains(name)).map(str::to_owned);
        let missing: Vec<String> = missing.collect();
        missing.iter().for_each(|name| self.see_gone(name, at));
    }

    /// Notes a moment of a pod's group in the cloud; of pods that are not of this load it takes no note.
    pub fn note_group(&mut self, pod: &str, moment: Moment, at: u64) {
        if let Some((_, life)) = self.lives.get_mut(pod) {
            life.note(moment, at);
        }
    }

    /// The pods that were seen and are not gone.
    fn present(&self) -> impl Iterator<Item = &str> {
        let there = |life: &Life| life.at(Moment::Gone).is_none();
        let seen = self.seen.iter().filter_map(|name| self.lives.get_key_value(name));
        seen.filter(move |(_, (_, life))| there(life)).map(|(name, _)| name.as_str())
    }

    /// The life of a pod, begun with what is known of its object.
    fn life(&mut self, pod: &str, object: &str) -> &mut Life {
        if !self.lives.contains_key(pod) {
            let of_object = self.objects.get(object).copied().unwrap_or_default();
            let mut life = Life::default();
            for moment in [Moment::Requested, Moment::DeleteRequested] {
                of_object.at(moment).into_iter().for_each(|at| life.note(moment, at));
            }
            self.lives.insert(pod.to_owned(), (object.to_owned(), life));
        }
        &mut self.lives.entry(pod.to_owned()).or_default().1
    }

    /// All lives, by the pods' names.
    pub fn lives(&self) -> impl Iterator<Item = &Life> {
        self.lives.values().map(|(_, life)| life)
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { failed: self.failed.len(), ..Counts::default() };
        for life in self.lives() {
            let is = |moment| usize::from(life.at(moment).is_some());
            counts.requested += 1;
            counts.accepted += is(Moment::Accepted);
            counts.scheduled += is(Moment::Scheduled);
            counts.running += is(Moment::Running);
            counts.gone += is(Moment::Gone);
        }
        counts
    }

    /// The number of pods that no one has asked to delete and that are not Running.
    pub fn not_running(&self) -> usize {
        let waits =
            |life: &&Life| life.at(Moment::Running).is_none() && life.at(Moment::DeleteRequested).is_none();
        self.lives().filter(waits).count()
    }

    /// One reason of a pod that failed, with the pod's name.
    pub fn failure(&self) -> Option<(&str, &str)> {
        self.failed.first_key_value().map(|(pod, reason)| (pod.as_str(), reason.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observation(pod: &str, object: &str, phase: &str) -> PodObservation {
        let (pod, object, phase) = (pod.to_owned(), object.to_owned(), phase.to_owned());
        PodObservation { pod, object, phase, ..PodObservation::default() }
    }

    #[test]
    fn the_first_observation_of_each_moment_counts() {
        let mut history = History::default();
        history.note_pod("a", Moment::Requested, 10);
        history.see(&observation("a", "a", "Pending"), 20);
        history.note_pod("a", Moment::Accepted, 30);
        history.see(&PodObservation { bound: true, ..observation("a", "a", "Pending") }, 40);
        history.see(&PodObservation { bound: true, ..observation("a", "a", "Running") }, 50);
        history.see(&PodObservation { bound: true, ..observation("a", "a", "Running") }, 60);
        let life = *history.lives().next().unwrap();
        let at = [Moment::Requested, Moment::Accepted, Moment::Scheduled, Moment::Running]
            .map(|moment| life.at(moment));
        assert_eq!(at, [Some(10), Some(20), Some(40), Some(50)]);
        assert_eq!(life.between(Moment::Requested, Moment::Running), Some(40));
    }

    #[test]
    fn pods_of_an_owner_were_asked_for_and_deleted_with_it() {
        let mut history = History::default();
        history.note_object("web", Moment::Requested, 5);
        history.see(&observation("web-x", "web", "Pending"), 7);
        history.note_object("web", Moment::DeleteRequested, 9);
        history.see(&observation("web-y", "web", "Pending"), 11);
        for life in history.lives() {
            assert_eq!((life.at(Moment::Requested), life.at(Moment::DeleteRequested)), (Some(5), Some(9)));
        }
        history.see_gone("web-x", 12);
        history.see_only(&[], 13);
        let gone: Vec<_> = history.lives().map(|life| life.at(Moment::Gone)).collect();
        assert_eq!(gone, [Some(12), Some(13)]);
    }

    #[test]
    fn a_pod_that_is_younger_than_a_list_is_not_gone() {
        let mut history = History::default();
        for pod in ["young", "old"] {
            history.note_pod(pod, Moment::Requested, 1);
            history.note_pod(pod, Moment::Accepted, 2);
        }
        history.see(&observation("old", "old", "Pending"), 3);
        history.see_only(&[], 4);
        let gone: Vec<_> = history.lives().map(|life| life.at(Moment::Gone)).collect();
        assert_eq!(gone, [Some(4), None], "old, young");
    }

    #[test]
    fn a_group_of_somebody_else_s_pod_is_none_of_the_load() {
        let mut history = History::default();
        history.note_group("other", Moment::GroupRequested, 1);
        assert_eq!(history.lives().count(), 0);
    }
}
