//! The due-queue of looks at single groups: when each is worth a call, which share one, and which come first; pure.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::queue::Uid;

/// Groups that one call by id may name.
pub const BATCH: usize = 20;
/// The time after its last change within which a settled group may soon change again: most short work ends within it.
const RECENT_CHANGE_WINDOW: i64 = 450;

/// The group's activity, as far as looks at it are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// On its way somewhere, or being deleted.
    Moving,
    /// Running and settled.
    Settled,
    /// Over: the full rounds suffice.
    Over,
}

/// The pause until the next look at a group that has not changed for `unchanged`; `None` when full rounds suffice.
pub fn pause(pace: Pace, unchanged: SignedDuration) -> Option<Duration> {
    if planted!(LooksStayFrequent) {
        return Some(Duration::from_secs(1));
    }
    let (shortest, longest) = match pace {
        Pace::Moving => (1, 10),
        Pace::Settled if unchanged.as_secs() < RECENT_CHANGE_WINDOW => (2, 30),
        Pace::Settled | Pace::Over => return None,
    };
    Some(Duration::from_secs((unchanged.as_secs() / 15).clamp(shortest, longest).unsigned_abs()))
}

/// The pause between two full rounds of `pages` calls: rounds cost at most a call every four seconds.
pub fn round_pause(pages: usize) -> Duration {
    if planted!(RoundsFollowAtOnce) {
        return Duration::from_secs(5);
    }
    let pages = u64::try_from(pages).unwrap_or(u64::MAX);
    Duration::from_secs(pages.saturating_mul(4).clamp(30, 300))
}

/// The urgency of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Somebody waits for what it shows.
    Awaited,
    /// The group may have changed by itself.
    Routine,
}

/// The looks that are due, by time.
#[derive(Debug, Default)]
pub struct Schedule {
    awaited: BTreeSet<(Timestamp, Uid)>,
    routine: BTreeSet<(Timestamp, Uid)>,
    times: HashMap<Uid, (Timestamp, Urgency)>,
}

impl Schedule {
    fn queue(&mut self, urgency: Urgency) -> &mut BTreeSet<(Timestamp, Uid)> {
        match urgency {
            Urgency::Awaited => &mut self.awaited,
            Urgency::Routine => &mut self.routine,
        }
    }

    /// Plans the next look at a pod's group, in place of the one that was planned.
    pub fn set(&mut self, uid: &Uid, at: Timestamp, urgency: Urgency) {
        self.remove(uid);
        self.times.insert(uid.clone(), (at, urgency));
        self.queue(urgency).insert((at, uid.clone()));
    }

    /// Plans a look no later than `at`, and of this urgency.
    pub fn hasten(&mut self, uid: &Uid, at: Timestamp, urgency: Urgency) {
        match self.times.get(uid).copied() {
            Some((known, known_urgency)) if known <= at && known_urgency == urgency => {}
            Some((known, _)) => self.set(uid, at.min(known), urgency),
            None => self.set(uid, at, urgency),
        }
    }

    /// Plans no look.
    pub fn remove(&mut self, uid: &Uid) {
        if let Some((known, urgency)) = self.times.remove(uid) {
            self.queue(urgency).remove(&(known, uid.clone()));
        }
    }

    /// The time of the next look, when calls for routine looks alone begin no sooner than at `routine_from`.
    pub fn next(&self, routine_from: Timestamp) -> Option<Timestamp> {
        let first = |queue: &BTreeSet<(Timestamp, Uid)>| queue.first().map(|(at, _)| *at);
        let routine = first(&self.routine).map(|at| at.max(routine_from));
        first(&self.awaited).into_iter().chain(routine).min()
    }

    /// Takes out the pods of one call: those that are due at `now`, filled up with those that are due within `slack`,
    /// which then need no call of their own; awaited looks first, routine looks alone from `routine_from` on. Returns the
    /// most urgent look's urgency with them.
    pub fn take(
        &mut self,
        now: Timestamp,
        slack: SignedDuration,
        routine_from: Timestamp,
    ) -> Option<(Urgency, Vec<Uid>)> {
        let is_due = |queue: &BTreeSet<(Timestamp, Uid)>| queue.first().is_some_and(|(at, _)| *at <= now);
        let urgency = if is_due(&self.awaited) {
            Urgency::Awaited
        } else if is_due(&self.routine) && routine_from <= now {
            Urgency::Routine
        } else {
            return None;
        };
        let share = if planted!(LooksAreNotShared) { 1 } else { BATCH };
        let soon = |queue: &BTreeSet<(Timestamp, Uid)>| {
            queue.iter().take_while(|(at, _)| *at <= now + slack).take(share).cloned().collect::<Vec<_>>()
        };
        let mut batch = soon(&self.awaited);
        batch.extend(soon(&self.routine));
        let batch: Vec<Uid> = batch.into_iter().take(share).map(|(_, uid)| uid).collect();
        batch.iter().for_each(|uid| self.remove(uid));
        Some((urgency, batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        "2026-01-05T01:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn looks_become_rarer_while_nothing_changes_and_stop_when_all_is_settled() {
        let seconds =
            |pace, unchanged| pause(pace, SignedDuration::from_secs(unchanged)).map(|pause| pause.as_secs());
        assert_eq!([0, 20, 60, 600].map(|t| seconds(Pace::Moving, t)), [Some(1), Some(1), Some(4), Some(10)]);
        assert_eq!([0, 60, 449, 450].map(|t| seconds(Pace::Settled, t)), [Some(2), Some(4), Some(29), None]);
        assert_eq!(seconds(Pace::Over, 0), None);
    }

    fn schedule(looks: &[(&str, i64, Urgency)]) -> Schedule {
        let mut schedule = Schedule::default();
        looks.iter().for_each(|(uid, seconds, urgency)| schedule.set(&(*uid).into(), at(*seconds), *urgency));
        schedule
    }

    #[test]
    fn one_call_takes_what_is_due_and_what_would_be_soon() {
        let looks = [("due", 0), ("soon", 3), ("later", 60)].map(|(uid, at)| (uid, at, Urgency::Awaited));
        let mut schedule = schedule(&looks);
        assert!(schedule.take(at(-1), SignedDuration::from_secs(5), at(0)).is_none(), "nothing is due yet");
        let taken = schedule.take(at(0), SignedDuration::from_secs(5), at(0)).unwrap();
        assert_eq!(taken, (Urgency::Awaited, ["due".into(), "soon".into()].to_vec()));
        assert_eq!(schedule.next(at(0)), Some(at(60)));
    }

    #[test]
    fn a_call_names_at_most_twenty_groups() {
        let mut schedule = Schedule::default();
        (0..50).for_each(|n| schedule.set(&format!("{n:02}").into(), at(0), Urgency::Awaited));
        let mut calls = 0;
        while schedule.take(at(0), SignedDuration::ZERO, at(0)).is_some() {
            calls += 1;
        }
        assert_eq!(calls, 3);
    }

    #[test]
    fn an_awaited_look_comes_before_routine_looks_that_are_overdue() {
        let mut schedule = Schedule::default();
        (0..40).for_each(|n| schedule.set(&format!("{n:02}").into(), at(0), Urgency::Routine));
        schedule.set(&"awaited".into(), at(9), Urgency::Awaited);
        let (urgency, taken) = schedule.take(at(10), SignedDuration::ZERO, at(10)).unwrap();
        assert_eq!((urgency, &*taken[0], taken.len()), (Urgency::Awaited, "awaited", BATCH));
    }

    #[test]
    fn routine_looks_alone_wait_for_their_allowance() {
        let mut schedule = schedule(&[("p", 0, Urgency::Routine)]);
        assert_eq!(schedule.take(at(5), SignedDuration::ZERO, at(8)), None);
        assert_eq!(schedule.next(at(8)), Some(at(8)));
        assert!(schedule.take(at(8), SignedDuration::ZERO, at(8)).is_some());
    }

    #[test]
    fn a_look_that_is_awaited_now_is_no_routine_any_more() {
        let mut schedule = schedule(&[("p", 3, Urgency::Routine)]);
        schedule.hasten(&"p".into(), at(5), Urgency::Awaited);
        assert_eq!(schedule.next(at(100)), Some(at(3)), "sooner is as good");
    }

    #[test]
    fn rounds_are_bounded_by_their_pages() {
        assert_eq!([1, 10, 50, 500].map(|pages| round_pause(pages).as_secs()), [30, 40, 200, 300]);
    }
}
