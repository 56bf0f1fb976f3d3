//! What falls due, for which group, in order; the only thing that makes the world move.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::group::Group;

/// A place in the agenda: an instant, and a number that orders what falls due at the same instant.
pub type Slot = (Timestamp, u64);

/// What can fall due for a group; numbers are those of containers.
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
    /// The command that runs when a container has started ends badly.
    PostStartFails(u8),
    /// What runs before a container is stopped ends badly.
    PreStopFails(u8),
    /// A container runs out of memory.
    OutOfMemory(u8),
    /// A container ends by itself.
    Exit(u8),
    /// A container that was told to end has ended, or may not take longer.
    Stopped(u8),
    /// A restart or update is prepared.
    Resume,
    /// The time in Pending is over.
    PendingOver,
    /// The active deadline passes.
    Deadline,
    /// The time to end is over.
    GraceOver,
    /// The market is looked at for a spot instance.
    SpotCheck,
    /// A spot instance is taken back.
    Reclaim,
    /// The record of what ended is old enough to be looked at.
    RecordAged,
}

/// All that falls due.
#[derive(Debug, Clone, Default)]
pub struct Agenda {
    slots: BTreeMap<Slot, (u64, Step)>,
    order: u64,
}

impl Agenda {
    /// When something falls due next.
    pub fn next(&self) -> Option<Timestamp> {
        self.slots.first_key_value().map(|((at, _), _)| *at)
    }

    /// What falls due until `now`, the earliest; it is then no longer in the agenda.
    pub fn take(&mut self, now: Timestamp) -> Option<(Slot, u64, Step)> {
        let first = self.slots.first_entry()?;
        let slot = *first.key();
        (slot.0 <= now).then(|| {
            let (group, step) = first.remove();
            (slot, group, step)
        })
    }

    /// Puts in what falls due for a group so long after `at`.
    pub fn put(&mut self, group: &mut Group, at: Timestamp, after: Duration, step: Step) {
        let after = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
        let slot = (at.saturating_add(after).unwrap_or(Timestamp::MAX), self.order);
        self.order += 1;
        self.slots.insert(slot, (group.card.number, step));
        group.due.push(slot);
    }

    /// Takes out what is due for a group and fits `which`.
    pub fn call_off(&mut self, group: &mut Group, which: impl Fn(Step) -> bool) {
        group.due.retain(|slot| match self.slots.get(slot) {
            Some((_, step)) if which(*step) => {
                self.slots.remove(slot);
                false
            }
            Some(_) => true,
            None => false,
        });
    }

    /// What is due for a group.
    pub(crate) fn due(&self, group: &Group) -> Vec<(Slot, Step)> {
        group.due.iter().filter_map(|slot| Some((*slot, self.slots.get(slot)?.1))).collect()
    }

    /// Takes up again what was due for a group.
    pub(crate) fn take_up(&mut self, group: &mut Group, due: Vec<(Slot, Step)>) {
        group.due = due.iter().map(|(slot, _)| *slot).collect();
        self.slots.extend(due.into_iter().map(|(slot, step)| (slot, (group.card.number, step))));
    }

    /// The number that the next place gets.
    pub(crate) fn order(&self) -> u64 {
        self.order
    }

    /// Numbers places from here on.
    pub(crate) fn go_on_from(&mut self, order: u64) {
        self.order = order;
    }

    /// How much is in it.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}
