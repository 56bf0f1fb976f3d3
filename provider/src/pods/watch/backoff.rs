//! The pauses of a watch that fails: those of client-go's reflector, drawn from the provider's own chance.
//!
//! kube-rs draws its own from the machine's, so that a run under perturbations could not be played again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use determinism::Chance;
use kube::runtime::utils::{Backoff, ResetTimerBackoff};

use super::super::call_failure::BackoffPolicy;

const POLICY: BackoffPolicy = BackoffPolicy {
    first: Duration::from_millis(800),
    longest: Duration::from_secs(30),
    jitter_percent: 100,
};
/// The time without a failure after which the pauses begin anew.
const RESET_AFTER: Duration = Duration::from_secs(120);

/// The pauses of one watch.
pub(super) struct WatchBackoff {
    failures: u32,
    chance: Arc<Mutex<Chance>>,
}

/// The pauses of a watch that shares `chance` with others.
pub(super) fn of(chance: Arc<Mutex<Chance>>) -> ResetTimerBackoff<WatchBackoff> {
    ResetTimerBackoff::new(WatchBackoff { failures: 0, chance }, RESET_AFTER)
}

impl Iterator for WatchBackoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        Some(POLICY.pause(self.failures, &mut chance))
    }
}

impl Backoff for WatchBackoff {
    fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use determinism::Seed;

    use super::*;

    fn pauses() -> Vec<Duration> {
        of(Arc::new(Mutex::new(Seed::DEFAULT.chance("watch")))).take(9).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_pauses() {
        assert_eq!(pauses(), pauses());
    }

    #[test]
    fn a_pause_doubles_up_to_half_a_minute_and_is_lengthened_by_its_own_length_at_most() {
        let mut least = Duration::from_millis(800);
        for pause in pauses() {
            assert!(pause >= least && pause <= least * 2, "{pause:?} after {least:?}");
            least = (least * 2).min(Duration::from_secs(30));
        }
    }
}
