//! The agenda: events that are due, for each group, in order. Nothing else moves the world.
//!
//! A group keeps its own slots, so that its events are found without a search.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// An event's slot: its time, and a number that orders events of the same time.
pub type Slot = (Timestamp, u64);

/// An event of a group; numbers are those of containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// A machine is found.
    Place,
    /// No machine is found.
    FailToPlace,
    /// The sandbox is up.
    SandboxUp,
    /// A pull ends.
    PullEnds(u8),
    /// After a failed pull, the kubelet says that it waits.
    PullRests(u8),
    /// A failed pull is tried again.
    PullAgain(u8),
    /// A container starts.
    Start(u8),
    /// A container starts again.
    StartAgain(u8),
    /// A container's probe says that it is ready.
    Ready(u8),
    /// A container's readiness probe has failed too often.
    Unready(u8),
    /// A container's liveness probe has failed too often.
    Unhealthy(u8),
    /// A container's probe is asked.
    Probe(u8, ProbeKind),
    /// A container's postStart hook fails.
    PostStartFails(u8),
    /// A container's preStop hook fails.
    PreStopFails(u8),
    /// A container runs out of memory.
    OutOfMemory(u8),
    /// A container ends by itself.
    Exit(u8),
    /// A file changes at which a container looks.
    FilesChange,
    /// A container that was stopped has ended, or has used up its time to end.
    Stopped(u8),
    /// A restart or update is prepared.
    Resume,
    /// The time in Pending is over.
    PendingOver,
    /// The active deadline passes.
    Deadline,
    /// The time to end is over.
    GraceOver,
    /// The price of a spot instance is checked.
    SpotCheck,
    /// A spot instance is taken back.
    Reclaim,
    /// The record of a group that ended is old enough to be dropped.
    RecordAged,
}

/// Kind of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProbeKind {
    /// Whether a container lives; one that does not is killed.
    Liveness,
    /// Whether a container is ready.
    Readiness,
}

/// All events that are due.
#[derive(Debug, Clone, Default)]
pub struct Agenda {
    slots: BTreeMap<Slot, (u64, Step)>,
    order: u64,
}

impl Agenda {
    /// The time of the next event.
    pub fn next(&self) -> Option<Timestamp> {
        self.slots.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes out the earliest event that is due at `now`.
    pub fn take(&mut self, now: Timestamp) -> Option<(Slot, u64, Step)> {
        let first = self.slots.first_entry()?;
        let slot = *first.key();
        (slot.0 <= now).then(|| {
            let (group, step) = first.remove();
            (slot, group, step)
        })
    }

    /// Schedules an event of the group `number`, whose slots are `due`, `after` so long from `at`.
    pub fn put(&mut self, (number, due): (u64, &mut Vec<Slot>), at: Timestamp, after: Duration, step: Step) {
        let after = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
        let slot = (at.saturating_add(after).unwrap_or(Timestamp::MAX), self.order);
        self.order += 1;
        self.slots.insert(slot, (number, step));
        due.push(slot);
    }

    /// Cancels the events in the slots `due` that `which` selects.
    pub fn cancel(&mut self, due: &mut Vec<Slot>, which: impl Fn(Step) -> bool) {
        due.retain(|slot| match self.slots.get(slot) {
            Some((_, step)) if which(*step) => {
                self.slots.remove(slot);
                false
            }
            Some(_) => true,
            None => false,
        });
    }

    /// The events in the slots `due`.
    pub(crate) fn steps(&self, due: &[Slot]) -> Vec<(Slot, Step)> {
        due.iter().filter_map(|slot| Some((*slot, self.slots.get(slot)?.1))).collect()
    }

    /// Adds events of the group `number` that were read from a snapshot; returns their slots.
    pub(crate) fn restore(&mut self, number: u64, due: Vec<(Slot, Step)>) -> Vec<Slot> {
        let slots = due.iter().map(|(slot, _)| *slot).collect();
        self.slots.extend(due.into_iter().map(|(slot, step)| (slot, (number, step))));
        slots
    }

    /// The number of the next slot.
    pub(crate) fn order(&self) -> u64 {
        self.order
    }

    /// Continues the numbers of slots from here.
    pub(crate) fn set_next_order(&mut self, order: u64) {
        self.order = order;
    }

    /// The number of events.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// True when nothing is due.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}
