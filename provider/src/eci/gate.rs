//! The gate before the cloud: a token bucket for each action, and a bound on calls in flight that deletions pass first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::rates::{Bucket, Rates};

/// The most calls in flight; creations get [`CREATIONS`] of them, other calls [`OTHERS`] together with creations, and the
/// rest is for deletions alone.
const IN_FLIGHT: usize = 64;
const OTHERS: usize = 48;
const CREATIONS: usize = 32;

/// The longest time for which the cloud's wish for a pause closes the gate: callers that wait hold up others, and can wait
/// longer by themselves.
const CLOSED_MAX: Duration = Duration::from_secs(10);

/// The rank of an action where a limit is shared: what frees, what looks, what costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Delete,
    Describe,
    Create,
}

/// The waits of one action's calls so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waits {
    /// Calls let through.
    pub calls: u64,
    /// Calls that had to wait, among `calls`.
    pub waited: u64,
    /// The sum of their waits.
    pub total: Duration,
    /// The longest wait.
    pub longest: Duration,
    /// Calls that wait now.
    pub waiting: usize,
}

/// The gate; clones are the same one.
#[derive(Clone)]
pub(super) struct Gate(Arc<Inner>);

struct Inner {
    rates: Rates,
    began: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    lanes: BTreeMap<&'static str, Lane>,
    in_flight: usize,
    last_ticket: u64,
    /// Set while the cloud wants a pause from the whole account.
    closed_until: Duration,
}

/// The calls of one action, in the order in which they came.
struct Lane {
    class: Class,
    bucket: Bucket,
    waiting: BTreeMap<u64, Arc<Notify>>,
    waits: Waits,
}

/// The permission for one call; its place in flight is free again when this is dropped.
#[must_use]
pub(super) struct Turn {
    gate: Gate,
}

/// A call in its lane, which leaves it when it is dropped.
struct Waiting<'a> {
    gate: &'a Gate,
    action: &'static str,
    ticket: u64,
}

/// The answer to a call that asks to go.
enum Admission {
    Now,
    /// Not before this time.
    At(Duration),
    /// Not before something else changes.
    Later,
}

impl Gate {
    pub(super) fn new(rates: Rates) -> Self {
        Self(Arc::new(Inner { rates, began: Instant::now(), state: Mutex::default() }))
    }

    /// True where a call of `action` waits for no rate.
    pub(super) fn is_open(&self, action: &str) -> bool {
        self.0.rates.are_unlimited(action)
    }

    /// Waits until a call of `action` may go.
    pub(super) async fn turn(&self, action: &'static str) -> Turn {
        let began = self.elapsed();
        let (ticket, woken) = self.enter(action);
        let waiting = Waiting { gate: self, action, ticket };
        loop {
            let now = self.elapsed();
            let admission = self.state().admit(&self.0.rates, action, ticket, now, now - began);
            match admission {
                Admission::Now => break,
                Admission::At(at) => {
                    tokio::select! {
                        biased;
                        () = tokio::time::sleep_until(self.0.began + at) => {}
                        () = woken.notified() => {}
                    }
                }
                Admission::Later => woken.notified().await,
            }
        }
        drop(waiting);
        Turn { gate: self.clone() }
    }

    /// Counts a call that waits for nobody.
    pub(super) fn pass(&self, action: &'static str) {
        let now = self.elapsed();
        let mut state = self.state();
        let lane = state.lane(&self.0.rates, action);
        lane.bucket.take(now);
        lane.waits.calls += 1;
    }

    /// Lets no call of `action`, or of any action, go for `pause`.
    pub(super) fn close(&self, action: &'static str, all: bool, pause: Duration) {
        let until = self.elapsed() + pause.min(CLOSED_MAX);
        let mut state = self.state();
        if all {
            state.closed_until = state.closed_until.max(until);
        } else {
            state.lane(&self.0.rates, action).bucket.close_until(until);
        }
    }

    /// The waits of each action that was called.
    pub(super) fn waits(&self) -> BTreeMap<&'static str, Waits> {
        let state = self.state();
        let of = |lane: &Lane| Waits { waiting: lane.waiting.len(), ..lane.waits };
        state.lanes.iter().map(|(action, lane)| (*action, of(lane))).collect()
    }

    fn enter(&self, action: &'static str) -> (u64, Arc<Notify>) {
        let woken = Arc::new(Notify::new());
        let mut state = self.state();
        state.last_ticket += 1;
        let ticket = state.last_ticket;
        state.lane(&self.0.rates, action).waiting.insert(ticket, woken.clone());
        (ticket, woken)
    }

    fn elapsed(&self) -> Duration {
        self.0.began.elapsed()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn lane(&mut self, rates: &Rates, action: &'static str) -> &mut Lane {
        self.lanes.entry(action).or_insert_with(|| Lane {
            class: Class::of(action),
            bucket: rates.bucket(action),
            waiting: BTreeMap::new(),
            waits: Waits::default(),
        })
    }

    fn admit(
        &mut self,
        rates: &Rates,
        action: &'static str,
        ticket: u64,
        now: Duration,
        waited: Duration,
    ) -> Admission {
        let (in_flight, closed_until) = (self.in_flight, self.closed_until);
        let lane = self.lane(rates, action);
        if lane.waiting.first_key_value().is_none_or(|(first, _)| *first != ticket) {
            return Admission::Later;
        }
        let at = lane.bucket.next(now).max(closed_until);
        if at > now && !planted!(RatesAreNotKept) {
            return Admission::At(at);
        }
        if in_flight >= lane.class.places() {
            return Admission::Later;
        }
        lane.bucket.take(now);
        lane.waits.calls += 1;
        if !waited.is_zero() {
            lane.waits.waited += 1;
            lane.waits.total += waited;
            lane.waits.longest = lane.waits.longest.max(waited);
        }
        self.in_flight += 1;
        Admission::Now
    }

    /// Wakes the first of each lane, in the order of their classes.
    fn wake_all(&self) {
        let mut lanes: Vec<_> = self.lanes.values().collect();
        lanes.sort_by_key(|lane| lane.class);
        for (_, woken) in lanes.into_iter().filter_map(|lane| lane.waiting.first_key_value()) {
            woken.notify_one();
        }
    }
}

impl Class {
    fn of(action: &str) -> Self {
        let starts = |word: &str| action.starts_with(word);
        if starts("Delete") {
            Self::Delete
        } else if starts("Create") || starts("Copy") || starts("Update") {
            Self::Create
        } else {
            Self::Describe
        }
    }

    /// The number of calls in flight below which a call of this class may go.
    fn places(self) -> usize {
        match self {
            Self::Delete => IN_FLIGHT,
            Self::Describe => OTHERS,
            Self::Create if planted!(CreationsFillTheGate) => IN_FLIGHT,
            Self::Create => CREATIONS,
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        let Some(lane) = state.lanes.get_mut(self.action) else { return };
        lane.waiting.remove(&self.ticket);
        // The next one is first now.
        if let Some((_, woken)) = lane.waiting.first_key_value() {
            woken.notify_one();
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        state.wake_all();
    }
}

#[cfg(test)]
mod tests;
