//! The speed of a playground: no latency, the cloud's own, or one clock for all that is faster than the machine's.

use std::fmt;
use std::str::FromStr;
use std::sync::mpsc::{RecvTimeoutError, channel as signal};
use std::time::Duration;

use determinism::Clock;
use eci_sim::Latency;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{Receiver, channel};

/// Largest factor; an hour passes in seven seconds.
const FACTOR_MAX: u32 = 500;
/// The real time between two moves of the clock.
const TICK: Duration = Duration::from_millis(2);
/// The most real time that one move catches up with; a machine that was suspended does not find its leases over.
const BEHIND_MAX: Duration = Duration::from_millis(100);
/// The longest step of the clock, so that what is due within one is due in its order.
const STEP_MAX: Duration = Duration::from_millis(500);

/// The speed of cloud, cluster and provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speed {
    /// The machine's time, in which no step of the cloud takes any.
    Instant,
    /// The machine's time, with the latency that was published.
    Real,
    /// So many times as fast as the machine's.
    Times(u32),
}

/// A text that is no speed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` should be `instant`, `real`, or a factor from 2 to {FACTOR_MAX}, such as `x60`")]
pub(super) struct SpeedError(String);

impl FromStr for Speed {
    type Err = SpeedError;

    fn from_str(text: &str) -> Result<Self, SpeedError> {
        let factor =
            || text.strip_prefix(['x', '×'])?.parse().ok().filter(|factor| (2..=FACTOR_MAX).contains(factor));
        match text {
            "instant" => Ok(Self::Instant),
            "real" => Ok(Self::Real),
            _ => factor().map(Self::Times).ok_or_else(|| SpeedError(text.to_owned())),
        }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instant => f.write_str("instant"),
            Self::Real => f.write_str("real"),
            Self::Times(factor) => write!(f, "x{factor}"),
        }
    }
}

impl Speed {
    /// A runtime for it: of two threads by the machine's time, else of one whose clock is moved by [`keep`].
    ///
    /// # Errors
    /// When the system gives no threads.
    pub(super) fn runtime(self) -> std::io::Result<Runtime> {
        match self {
            Self::Times(_) => Builder::new_current_thread().enable_all().start_paused(true).build(),
            Self::Instant | Self::Real => Builder::new_multi_thread().worker_threads(2).enable_all().build(),
        }
    }

    /// The clock of all parts, within a runtime of this speed.
    pub(super) fn clock(self) -> Clock {
        let machine = Clock::monotonic();
        match self {
            Self::Times(_) => Clock::following_runtime(machine.now()),
            Self::Instant | Self::Real => machine,
        }
    }

    /// The latency of the cloud's steps.
    pub(super) fn latency(self) -> Latency {
        match self {
            Self::Instant => Latency::NONE,
            Self::Real | Self::Times(_) => Latency::PUBLISHED,
        }
    }

    /// Moves the runtime's clock for as long as it is polled, where this is faster than the machine.
    pub(super) async fn keep(self) {
        let Self::Times(factor) = self else { return };
        let (_open, closed) = signal::<()>();
        let (tick, ticks) = channel(1);
        // While a blocking task runs, a paused runtime does not take waiting for the network for idleness.
        tokio::task::spawn_blocking(move || {
            while closed.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout)
                && tick.blocking_send(()).is_ok()
            {}
        });
        follow(&Clock::monotonic(), factor, ticks).await;
    }
}

/// Moves the runtime's clock at each tick by what passed on the machine since the last one, so many times.
async fn follow(machine: &Clock, factor: u32, mut ticks: Receiver<()>) {
    let mut last = machine.now();
    while ticks.recv().await.is_some() {
        let now = machine.now();
        let passed = now.duration_since(last).unsigned_abs().min(BEHIND_MAX);
        last = now;
        let mut left = passed * factor;
        while !left.is_zero() {
            let step = left.min(STEP_MAX);
            tokio::time::advance(step).await;
            left -= step;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[test]
    fn a_speed_is_a_word_or_a_factor() {
        for text in ["instant", "real", "x2", "x500"] {
            assert_eq!(text.parse::<Speed>().unwrap().to_string(), text);
        }
        for text in ["x1", "x501", "60", "fast", "x", ""] {
            let why = text.parse::<Speed>().unwrap_err().to_string();
            assert!(why.starts_with(&format!("`{text}` should be `instant`")), "{why}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_tick_moves_the_clock_by_a_multiple_of_what_passed_and_a_long_sleep_counts_little() {
        let machine = Clock::still("2026-01-05T01:30:00Z".parse().unwrap());
        let began = Instant::now();
        let (tick, ticks) = channel(1);
        let ticking = async {
            for passed in [10, 20, 3_600_000] {
                machine.advance(Duration::from_millis(passed)).unwrap();
                tick.send(()).await.unwrap();
                tokio::task::yield_now().await;
            }
            drop(tick);
        };
        tokio::join!(follow(&machine, 60, ticks), ticking);
        let moved = began.elapsed().as_millis();
        assert!((6_000..=60 * 130).contains(&moved), "{moved} ms");
    }
}
