//! Sources of the present: the machine, a paused runtime, a factor of either, or an instant that stands.
//!
//! | made by | reads | moves |
//! |---|---|---|
//! | [`Clock::system`] | the machine's wall clock | with it, back too when it is corrected |
//! | [`Clock::monotonic`] | the machine's wall clock | with it, but never back |
//! | [`Clock::following_runtime`] | a start instant plus the tokio runtime's clock | as the runtime's clock moves; a paused runtime steps it |
//! | [`Clock::still`] | an instant | only by [`Clock::advance`] |
//!
//! Each can be sped up or stopped with [`Clock::set_rate`] and pushed forward with [`Clock::advance`]; a sped-up clock
//! measures by the machine's steady counter, so that a correction is not multiplied. All but [`Clock::system`] never go
//! back by themselves; [`Clock::set`] puts one back together with a world that was kept. Durations are measured with
//! tokio's `Instant` or with a clock that never goes back.

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

/// A machine's two clocks.
pub trait Machine: Send + Sync {
    /// The wall clock, which is corrected, and goes on while the machine is suspended.
    fn wall(&self) -> Timestamp;

    /// The time since an arbitrary instant by a counter that is never corrected; it may stand during a suspend.
    fn elapsed(&self) -> Duration;
}

struct ThisMachine {
    started: std::time::Instant,
}

/// The raw passing of time.
#[derive(Clone)]
enum Source {
    /// By the wall clock while the rate is 1, else by the counter.
    Wall {
        machine: Arc<dyn Machine>,
        forward_only: bool,
    },
    /// By the counter alone.
    Counter {
        machine: Arc<dyn Machine>,
    },
    Runtime {
        started: tokio::time::Instant,
    },
}

/// One look at a source.
#[derive(Clone, Copy)]
struct Reading {
    counter: Duration,
    /// Wall clock's time, where the source follows one.
    wall: Option<Timestamp>,
}

/// The translation of raw time: `told + (raw - since) × rate`.
#[derive(Clone, Copy)]
struct Dial {
    last_wall: Timestamp,
    since: Reading,
    rate: u32,
    /// The last answer and the counter at that time, for a clock that never goes back.
    last: (Timestamp, Duration),
}

/// Error for a clock that cannot be moved as asked.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OutOfRange {
    /// The calendar ends before the instant that was asked for.
    #[error("the clock cannot be moved past the year 9999")]
    EndOfCalendar,
}

impl Clock {
    /// The machine's own time, also after its clock was corrected, back too, and after a suspend or a migration.
    pub fn system() -> Self {
        Self::of_machine(ThisMachine::started_now())
    }

    /// The machine's own time, except that it never goes back: after a correction backwards it goes on from where it
    /// was, until the wall clock has come up to it.
    pub fn monotonic() -> Self {
        Self::monotonic_of_machine(ThisMachine::started_now())
    }

    /// As [`Clock::system`], of another machine.
    pub fn of_machine(machine: Arc<dyn Machine>) -> Self {
        let start = machine.wall();
        Self::new(Source::Wall { machine, forward_only: false }, start, 1)
    }

    /// As [`Clock::monotonic`], of another machine.
    pub fn monotonic_of_machine(machine: Arc<dyn Machine>) -> Self {
        let start = machine.wall();
        Self::new(Source::Wall { machine, forward_only: true }, start, 1)
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
    pub fn still(start: Timestamp) -> Self {
        Self::new(Source::Counter { machine: ThisMachine::started_now() }, start, 0)
    }

    fn new(source: Source, start: Timestamp, rate: u32) -> Self {
        let dial = Dial::starting(start, source.reading(), rate);
        Self(Arc::new(Inner { source, dial: Mutex::new(dial) }))
    }

    /// Present instant of the clock.
    pub fn now(&self) -> Timestamp {
        self.turn(|source, dial, raw| {
            let now = dial.at(source, raw);
            dial.last = (now, raw.counter);
            now
        })
    }

    /// Seconds of this clock in one second of its source; 0 when it stands still.
    pub fn rate(&self) -> u32 {
        self.turn(|_, dial, _| dial.rate)
    }

    /// Lets time pass `rate` times as fast from now on; 0 stops it.
    pub fn set_rate(&self, rate: u32) {
        self.turn(|source, dial, raw| *dial = Dial::starting(dial.at(source, raw), raw, rate));
    }

    /// Pushes the present forward by `span` and returns it.
    ///
    /// # Errors
    /// [`OutOfRange`] when the calendar ends first; the clock is then unchanged.
    pub fn advance(&self, span: Duration) -> Result<Timestamp, OutOfRange> {
        let span = SignedDuration::try_from(span).map_err(|_| OutOfRange::EndOfCalendar)?;
        self.turn(|source, dial, raw| {
            let last_wall = dial.at(source, raw).checked_add(span).map_err(|_| OutOfRange::EndOfCalendar)?;
            *dial = Dial::starting(last_wall, raw, dial.rate);
            Ok(last_wall)
        })
    }

    /// Puts the present at an instant, an earlier one too: for whoever puts back all that lives by this clock.
    pub fn set(&self, at: Timestamp) {
        self.turn(|_, dial, raw| *dial = Dial::starting(at, raw, dial.rate));
    }

    /// A clock of its own that tells `at` now, and runs from there as this one does.
    #[must_use]
    pub fn branch(&self, at: Timestamp) -> Self {
        Self::new(self.0.source.clone(), at, self.rate())
    }

    /// The source is read under the lock, so that no reading is older than the one before it.
    fn turn<T>(&self, change: impl FnOnce(&Source, &mut Dial, Reading) -> T) -> T {
        let mut dial = self.0.dial.lock().unwrap_or_else(PoisonError::into_inner);
        let raw = self.0.source.reading();
        change(&self.0.source, &mut dial, raw)
    }
}

impl Dial {
    fn starting(last_wall: Timestamp, since: Reading, rate: u32) -> Self {
        Self { last_wall, since, rate, last: (last_wall, since.counter) }
    }

    fn at(&self, source: &Source, raw: Reading) -> Timestamp {
        let passed = match (raw.wall, self.since.wall, self.rate) {
            (Some(wall), Some(since), 1) => wall.duration_since(since),
            _ => {
                let passed = raw.counter.saturating_sub(self.since.counter).saturating_mul(self.rate);
                SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX)
            }
        };
        let last_wall = moved(self.last_wall, passed);
        let (last, counter) = self.last;
        if last_wall < last && source.is_forward_only() {
            let passed = raw.counter.saturating_sub(counter);
            return moved(last, SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX));
        }
        last_wall
    }
}

fn moved(from: Timestamp, by: SignedDuration) -> Timestamp {
    let end = if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
    from.saturating_add(by).unwrap_or(end)
}

impl Source {
    fn reading(&self) -> Reading {
        match self {
            Self::Wall { machine, .. } => Reading { counter: machine.elapsed(), wall: Some(machine.wall()) },
            Self::Counter { machine } => Reading { counter: machine.elapsed(), wall: None },
            Self::Runtime { started } => Reading { counter: started.elapsed(), wall: None },
        }
    }

    fn is_forward_only(&self) -> bool {
        matches!(self, Self::Wall { forward_only: true, .. })
    }
}

impl ThisMachine {
    #[allow(clippy::disallowed_methods, reason = "this is the door")]
    fn started_now() -> Arc<dyn Machine> {
        Arc::new(Self { started: std::time::Instant::now() })
    }
}

impl Machine for ThisMachine {
    #[allow(clippy::disallowed_methods, reason = "this is the door")]
    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({}, ×{})", self.now(), self.rate())
    }
}

/// Stopwatch of the machine's time, for people to read; never an input to a decision.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts the stopwatch.
    #[allow(clippy::disallowed_methods, reason = "this is the door")]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests;
