//! A journal read by pod and by group.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::sweep::journal::{Entry, Occurrence, PodWrite};

/// The states in which a group can still do something or cost something.
const WORKING: [&str; 6] = ["Created", "Scheduling", "Pending", "Running", "Restarting", "Updating"];
/// The states that are billed.
const BILLED: [&str; 5] = ["Pending", "Running", "Restarting", "Updating", "Terminating"];

/// One group's life.
pub(super) struct GroupLife<'a> {
    pub id: &'a str,
    pub uid: &'a str,
    pub states: Vec<(Timestamp, &'a str)>,
}

/// One pod's life in the API.
#[derive(Default)]
pub(super) struct PodLife<'a> {
    pub writes: Vec<(Timestamp, &'a PodWrite)>,
}

/// The groups in the order of their creation.
pub(super) fn groups(entries: &[Entry]) -> Vec<GroupLife<'_>> {
    let mut groups: Vec<GroupLife<'_>> = Vec::new();
    for entry in entries {
        let Occurrence::Group(moved) = &entry.what else { continue };
        let state = (entry.at, moved.state.as_str());
        match groups.iter_mut().find(|group| group.id == moved.id) {
            Some(group) => group.states.push(state),
            None => groups.push(GroupLife { id: &moved.id, uid: &moved.uid, states: vec![state] }),
        }
    }
    groups
}

/// The pods by their UIDs.
pub(super) fn pods(entries: &[Entry]) -> BTreeMap<&str, PodLife<'_>> {
    let mut pods: BTreeMap<&str, PodLife<'_>> = BTreeMap::new();
    for entry in entries {
        if let Occurrence::Pod(write) = &entry.what {
            pods.entry(write.uid()).or_default().writes.push((entry.at, write));
        }
    }
    pods
}

/// The time of the first such occurrence.
pub(super) fn first(entries: &[Entry], what: impl Fn(&Occurrence) -> bool) -> Option<Timestamp> {
    entries.iter().find(|entry| what(&entry.what)).map(|entry| entry.at)
}

/// `seconds` after `at`.
pub(super) fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// True of a state in which a group can still do or cost something.
pub(super) fn works(state: &str) -> bool {
    WORKING.contains(&state)
}

impl GroupLife<'_> {
    pub(super) fn made(&self) -> Timestamp {
        self.states.first().map_or(Timestamp::MIN, |(at, _)| *at)
    }

    /// The state just before `at`; `Created` at the instant of the creation.
    pub(super) fn state_at(&self, at: Timestamp) -> &str {
        let before = self.states.iter().rev().find(|(since, _)| *since < at);
        before.or(self.states.first().filter(|(since, _)| *since <= at)).map_or("", |(_, state)| state)
    }

    /// The time at which it stopped working.
    pub(super) fn stopped(&self) -> Option<Timestamp> {
        self.states.iter().find(|(_, state)| !works(state)).map(|(at, _)| *at)
    }

    /// The time at which it was gone.
    pub(super) fn gone(&self) -> Option<Timestamp> {
        self.states.iter().find(|(_, state)| *state == "Deleted").map(|(at, _)| *at)
    }

    /// The whole seconds before `end` in which it was billed.
    pub(super) fn billed_until(&self, end: Timestamp) -> i64 {
        let mut seconds = 0;
        let mut since: Option<Timestamp> = None;
        for (at, state) in self.states.iter().filter(|(at, _)| *at <= end) {
            match (since, BILLED.contains(state)) {
                (None, true) => since = Some(*at),
                (Some(from), false) => {
                    seconds += at.as_second() - from.as_second();
                    since = None;
                }
                _ => {}
            }
        }
        seconds + since.map_or(0, |from| end.as_second() - from.as_second())
    }

    pub(super) fn last_state(&self) -> &str {
        self.states.last().map_or("", |(_, state)| state)
    }
}

impl<'a> PodLife<'a> {
    /// The pod as it was at `at`.
    pub(super) fn at(&self, at: Timestamp) -> Option<&'a PodWrite> {
        self.writes.iter().rev().find(|(since, _)| *since <= at).map(|(_, write)| *write)
    }

    /// The time at which it was gone from the API.
    pub(super) fn gone(&self) -> Option<Timestamp> {
        self.writes.iter().find(|(_, write)| write.removed).map(|(at, _)| *at)
    }

    pub(super) fn last(&self) -> Option<&'a PodWrite> {
        self.writes.last().map(|(_, write)| *write)
    }
}
