//! Durations in a group's life, drawn from the seed by the group's id, and scaled by the latency: about 12 to 17 s to Running
//! with the published one.
//!
//! | step | takes | source |
//! |---|---|---|
//! | finding a machine | 2 to 6 s | eci-openapi.md 7.1 |
//! | setting up the sandbox | 5 to 5.5 s | ours, so that the sum fits the trace there |
//! | pulling an image | 4 to 5 s | ours, likewise |
//! | starting a container | 0.3 to 0.8 s | ours, likewise |
//! | preparing a restart or an update | 1 to 3 s | ours |
//! | a stop hook | 1 to 3 s | ours |

use std::time::Duration;

use determinism::{Chance, Seed};

use crate::latency::Latency;

/// Time that a group may stay in Pending, in minutes, where the request gives none.
pub const PENDING_TIMEOUT_MINUTES: u32 = 240;

/// Generator of a group's durations.
#[derive(Debug, Clone)]
pub struct Timeline(Chance, Latency);

impl Timeline {
    /// The generator for a step of the group with this id; the same step always takes the same time.
    pub fn of(seed: Seed, id: &str, step: &str, latency: Latency) -> Self {
        Self(seed.chance(&format!("timeline/{id}/{step}")), latency)
    }

    /// Time to find a machine, 2 to 6 s.
    pub fn scheduling(mut self) -> Duration {
        self.millis(2000, 6000)
    }

    /// Time to set up the sandbox, 5 to 5.5 s.
    pub fn sandbox(mut self) -> Duration {
        self.millis(5000, 5500)
    }

    /// Time to pull an image, 4 to 5 s.
    pub fn pull(mut self) -> Duration {
        self.millis(4000, 5000)
    }

    /// Time to start a container, 0.3 to 0.8 s.
    pub fn start(mut self) -> Duration {
        self.millis(300, 800)
    }

    /// Time to prepare a restart or an update, 1 to 3 s.
    pub fn preparation(mut self) -> Duration {
        self.millis(1000, 3000)
    }

    /// Time of a stop hook, 1 to 3 s.
    pub fn stop(mut self) -> Duration {
        self.millis(1000, 3000)
    }

    fn millis(&mut self, low: u64, high: u64) -> Duration {
        self.1.of(Duration::from_millis(self.0.between(low, high)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_step_of_the_same_group_takes_the_same_time() {
        let pull = |id| Timeline::of(Seed::DEFAULT, id, "pull 0", Latency::default()).pull();
        assert_eq!(pull("eci-1"), pull("eci-1"));
        assert_ne!(pull("eci-1"), pull("eci-2"));
    }
}
