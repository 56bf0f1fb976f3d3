//! What a playground forgets, so that it does not grow with all that ever ran in it.

use std::time::Duration;

use tokio::time::Instant;

/// Time between two rounds; changes are kept for one to two of them. The API server of a real cluster compacts every five
/// minutes.
const PERIOD: Duration = Duration::from_secs(60);
/// Events that are kept; those of a real cluster are gone after an hour.
pub(super) const EVENTS_MAX: usize = 2000;

/// Says which changes are old.
#[derive(Debug)]
pub(super) struct Housekeeping {
    /// The instant of the last round, and the revision of that time.
    last: (Instant, u64),
}

impl Housekeeping {
    /// Begins at `now`, when the last write is `revision`.
    pub(super) fn new(now: Instant, revision: u64) -> Self {
        Self { last: (now, revision) }
    }

    /// The revision up to which changes are to be forgotten; `None` before the next round.
    pub(super) fn due(&mut self, now: Instant, revision: u64) -> Option<u64> {
        let (then, old) = self.last;
        if now.saturating_duration_since(then) < PERIOD {
            return None;
        }
        self.last = (now, revision);
        Some(old)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_kept_for_a_whole_round_at_least() {
        let begun = Instant::now();
        let mut housekeeping = Housekeeping::new(begun, 5);
        let at = |seconds| begun + Duration::from_secs(seconds);
        let due: Vec<_> = [(30, 10), (60, 20), (90, 30), (121, 40), (200, 50)]
            .map(|(seconds, revision)| housekeeping.due(at(seconds), revision))
            .into();
        assert_eq!(due, [None, Some(5), None, Some(20), Some(40)]);
    }
}
