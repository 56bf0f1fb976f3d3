//! What time it is: by the machine, by a paused runtime, by a factor, or standing still.
//!
//! | made by | reads | moves |
//! |---|---|---|
//! | [`Clock::system`] | the machine's clock | by itself |
//! | [`Clock::following_runtime`] | a start instant plus the tokio runtime's clock | as the runtime's clock moves; a paused runtime steps it |
//! | [`Clock::still`] | an instant | only by [`Clock::advance`] |
//!
//! Each can be sped up or stopped with [`Clock::set_rate`] and pushed forward with [`Clock::advance`]; none ever
//! goes back by itself; [`Clock::set`] puts one back together with a world that was kept.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A source of the present, cheap to clone; all clones tell the same time.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    source: Source,
    dial: Mutex<Dial>,
}

/// Where the raw passing of time comes from.
#[derive(Clone, Copy)]
enum Source {
    Machine { started: std::time::Instant },
    Runtime { started: tokio::time::Instant },
}

/// How raw time becomes the time that is told: `told + (raw - since) × rate`.
#[derive(Clone, Copy)]
struct Dial {
    told: Timestamp,
    since: Duration,
    rate: u32,
}

/// Why a clock cannot be moved as asked.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OutOfRange {
    /// The calendar ends before the instant that was asked for.
    #[error("the clock cannot be moved past the year 9999")]
    EndOfCalendar,
}

impl Clock {
    /// The machine's own time.
    #[allow(clippy::disallowed_methods, reason = "this is the door")]
    pub fn system() -> Self {
        Self::new(Source::Machine { started: std::time::Instant::now() }, Timestamp::now(), 1)
    }

    /// `start`, plus whatever the current tokio runtime's clock has moved since: with a paused runtime, a clock
    /// that jumps to the next timer when everything waits.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn following_runtime(start: Timestamp) -> Self {
        Self::new(Source::Runtime { started: tokio::time::Instant::now() }, start, 1)
    }

    /// Stands at `start` until it is advanced.
    #[allow(clippy::disallowed_methods, reason = "this is the door")]
    pub fn still(start: Timestamp) -> Self {
        Self::new(Source::Machine { started: std::time::Instant::now() }, start, 0)
    }

    fn new(source: Source, start: Timestamp, rate: u32) -> Self {
        let dial = Dial { told: start, since: Duration::ZERO, rate };
        Self(Arc::new(Inner { source, dial: Mutex::new(dial) }))
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        let raw = self.0.source.elapsed();
        self.dial().at(raw)
    }

    /// How many told seconds pass in one raw second; 0 when the clock stands.
    pub fn rate(&self) -> u32 {
        self.dial().rate
    }

    /// Lets time pass `rate` times as fast from now on; 0 stops it.
    pub fn set_rate(&self, rate: u32) {
        let raw = self.0.source.elapsed();
        let mut dial = self.0.dial.lock().unwrap_or_else(PoisonError::into_inner);
        *dial = Dial { told: dial.at(raw), since: raw, rate };
    }

    /// Pushes the present forward by `span` and returns it.
    ///
    /// # Errors
    /// [`OutOfRange`] when the calendar ends first; the clock is then unchanged.
    pub fn advance(&self, span: Duration) -> Result<Timestamp, OutOfRange> {
        let raw = self.0.source.elapsed();
        let mut dial = self.0.dial.lock().unwrap_or_else(PoisonError::into_inner);
        let span = SignedDuration::try_from(span).map_err(|_| OutOfRange::EndOfCalendar)?;
        let told = dial.at(raw).checked_add(span).map_err(|_| OutOfRange::EndOfCalendar)?;
        *dial = Dial { told, since: raw, rate: dial.rate };
        Ok(told)
    }

    /// Puts the present at an instant, an earlier one too: for whoever puts back all that lives by this clock.
    pub fn set(&self, at: Timestamp) {
        let raw = self.0.source.elapsed();
        let mut dial = self.0.dial.lock().unwrap_or_else(PoisonError::into_inner);
        *dial = Dial { told: at, since: raw, rate: dial.rate };
    }

    /// A clock of its own that tells `at` now, and runs from there as this one does.
    #[must_use]
    pub fn branch(&self, at: Timestamp) -> Self {
        let dial = Dial { told: at, since: self.0.source.elapsed(), rate: self.rate() };
        Self(Arc::new(Inner { source: self.0.source, dial: Mutex::new(dial) }))
    }

    fn dial(&self) -> Dial {
        *self.0.dial.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dial {
    fn at(&self, raw: Duration) -> Timestamp {
        let passed = raw.saturating_sub(self.since).saturating_mul(self.rate);
        let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        self.told.saturating_add(passed).unwrap_or(Timestamp::MAX)
    }
}

impl Source {
    #[allow(clippy::disallowed_methods, reason = "this is the door")]
    fn elapsed(&self) -> Duration {
        match self {
            Self::Machine { started } => started.elapsed(),
            Self::Runtime { started } => started.elapsed(),
        }
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({}, ×{})", self.now(), self.rate())
    }
}

/// How long something took on the machine, for people to read; never an input to a decision.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts counting.
    #[allow(clippy::disallowed_methods, reason = "this is the door")]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// What has passed since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NINE: &str = "2026-01-01T09:00:00Z";

    fn nine() -> Timestamp {
        NINE.parse().unwrap()
    }

    #[test]
    fn a_still_clock_moves_only_when_advanced() {
        let clock = Clock::still(nine());
        assert_eq!(clock.now(), nine());
        clock.advance(Duration::from_secs(3600)).unwrap();
        assert_eq!(clock.now().to_string(), "2026-01-01T10:00:00Z");
    }

    #[test]
    fn clones_tell_the_same_time() {
        let clock = Clock::still(nine());
        let other = clock.clone();
        clock.advance(Duration::from_secs(1)).unwrap();
        assert_eq!(other.now(), clock.now());
    }

    #[test]
    fn advancing_past_the_calendar_is_refused_and_changes_nothing() {
        let clock = Clock::still(nine());
        assert_eq!(clock.advance(Duration::MAX), Err(OutOfRange::EndOfCalendar));
        assert_eq!(clock.now(), nine());
    }

    #[test]
    fn a_clock_that_is_put_back_leaves_its_branch_where_it_was() {
        let clock = Clock::still(nine());
        let branch = clock.branch(nine());
        clock.advance(Duration::from_secs(3600)).unwrap();
        assert_eq!(branch.now(), nine());
        clock.set(nine());
        assert_eq!(clock.now(), nine());
    }

    #[tokio::test(start_paused = true)]
    async fn a_paused_runtime_steps_the_clock() {
        let clock = Clock::following_runtime(nine());
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(clock.now().to_string(), "2026-01-01T10:00:00Z");
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_multiplies_what_passes_from_then_on() {
        let clock = Clock::following_runtime(nine());
        tokio::time::sleep(Duration::from_secs(60)).await;
        clock.set_rate(60);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(clock.now().to_string(), "2026-01-01T09:02:00Z");
    }
}
