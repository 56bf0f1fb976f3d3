//! The due-queue of looks at single groups: when each is worth a call, and which share one; pure.

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

/// The pause between two full rounds of `pages` calls: rounds cost at most a call every three seconds.
pub fn round_pause(pages: usize) -> Duration {
    if planted!(RoundsFollowAtOnce) {
        return Duration::from_secs(5);
    }
    let pages = u64::try_from(pages).unwrap_or(u64::MAX);
    Duration::from_secs(pages.saturating_mul(3).clamp(30, 300))
}

/// The looks that are due, by time.
#[derive(Debug, Default)]
pub struct Schedule {
    by_time: BTreeSet<(Timestamp, Uid)>,
    times: HashMap<Uid, Timestamp>,
}

impl Schedule {
    /// Plans the next look at a pod's group, in place of the one that was planned.
    pub fn set(&mut self, uid: &Uid, at: Timestamp) {
        if let Some(known) = self.times.insert(uid.clone(), at) {
            self.by_time.remove(&(known, uid.clone()));
        }
        self.by_time.insert((at, uid.clone()));
    }

    /// Plans a look no later than `at`.
    pub fn hasten(&mut self, uid: &Uid, at: Timestamp) {
        if self.times.get(uid).is_none_or(|known| *known > at) {
            self.set(uid, at);
        }
    }

    /// Plans no look.
    pub fn remove(&mut self, uid: &Uid) {
        if let Some(known) = self.times.remove(uid) {
            self.by_time.remove(&(known, uid.clone()));
        }
    }

    /// The time of the next look.
    pub fn next(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes out the pods of one call: those that are due at `now`, filled up with those that are due within `slack`,
    /// which then need no call of their own.
    pub fn take(&mut self, now: Timestamp, slack: SignedDuration) -> Vec<Uid> {
        if self.next().is_none_or(|at| at > now) {
            return Vec::new();
        }
        let batch = if planted!(LooksAreNotShared) { 1 } else { BATCH };
        let batch: Vec<_> =
            self.by_time.iter().take_while(|(at, _)| *at <= now + slack).take(batch).cloned().collect();
        for (at, uid) in &batch {
            self.by_time.remove(&(*at, uid.clone()));
            self.times.remove(uid);
        }
        batch.into_iter().map(|(_, uid)| uid).collect()
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

    #[test]
    fn one_call_takes_what_is_due_and_what_would_be_soon() {
        let mut schedule = Schedule::default();
        for (uid, seconds) in [("due", 0), ("soon", 3), ("later", 60)] {
            schedule.set(&uid.into(), at(seconds));
        }
        assert!(schedule.take(at(-1), SignedDuration::from_secs(5)).is_empty(), "nothing is due yet");
        let taken = schedule.take(at(0), SignedDuration::from_secs(5));
        assert_eq!(taken, ["due".into(), "soon".into()] as [Uid; 2]);
        assert_eq!(schedule.next(), Some(at(60)));
    }

    #[test]
    fn a_call_names_at_most_twenty_groups() {
        let mut schedule = Schedule::default();
        (0..50).for_each(|n| schedule.set(&format!("{n:02}").into(), at(0)));
        let mut calls = 0;
        while !schedule.take(at(0), SignedDuration::ZERO).is_empty() {
            calls += 1;
        }
        assert_eq!(calls, 3);
    }

    #[test]
    fn rounds_are_bounded_by_their_pages() {
        assert_eq!([1, 10, 50, 500].map(|pages| round_pause(pages).as_secs()), [30, 30, 150, 300]);
    }
}
