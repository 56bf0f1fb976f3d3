//! The one place at which a history is written: with the clock that dates it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use determinism::Clock;
use jiff::Timestamp;

use super::history::History;

/// The history, and the clock by which it is written; clones share it.
#[derive(Debug, Clone)]
pub struct Recorder {
    history: Arc<Mutex<History>>,
    clock: Clock,
    began: Timestamp,
}

impl Recorder {
    /// An empty history that begins now.
    pub fn new(clock: Clock) -> Self {
        Self { history: Arc::default(), began: clock.now(), clock }
    }

    /// Writes into the history what happens at this instant.
    pub fn note(&self, write: impl FnOnce(&mut History, u64)) {
        let at = self.micros(self.clock.now());
        write(&mut self.lock(), at);
    }

    /// Looks at the history.
    pub fn look<T>(&self, look: impl FnOnce(&History) -> T) -> T {
        look(&self.lock())
    }

    /// The instant at which the history begins.
    pub fn began(&self) -> Timestamp {
        self.began
    }

    /// Microseconds since the begin.
    pub fn elapsed(&self) -> u64 {
        self.micros(self.clock.now())
    }

    /// Microseconds from the begin to an instant; 0 for one before.
    pub fn micros(&self, at: Timestamp) -> u64 {
        u64::try_from(at.duration_since(self.began).as_micros()).unwrap_or(0)
    }

    fn lock(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
