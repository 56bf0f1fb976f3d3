//! Back-off of what failed: a second, then twice as long each time.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// Longest back-off in seconds.
const SECONDS_MAX: i64 = 1000;
/// Failures in a row that are counted; the back-off no longer grows after them.
const FAILURES_MAX: u32 = 10;

/// Failures in a row by key, and the instant of the next try of each.
#[derive(Debug, Default)]
pub struct Backoff(BTreeMap<String, (u32, Timestamp)>);

impl Backoff {
    /// The instant of the next try, if it is still to come.
    pub fn until(&self, key: &str, now: Timestamp) -> Option<Timestamp> {
        self.0.get(key).map(|(_, until)| *until).filter(|until| *until > now)
    }

    /// Notes a failure; returns the instant of the next try.
    pub fn fail(&mut self, key: &str, now: Timestamp) -> Timestamp {
        let (times, until) = self.0.entry(key.to_owned()).or_insert((0, now));
        let seconds = 1_i64.checked_shl(*times).unwrap_or(SECONDS_MAX).clamp(1, SECONDS_MAX);
        *times = (*times + 1).min(FAILURES_MAX);
        *until = now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
        *until
    }

    /// Forgets the failures of a key.
    pub fn clear(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// True where nothing failed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets all keys but those that `is_known` takes.
    pub fn retain(&mut self, is_known: impl Fn(&str) -> bool) {
        self.0.retain(|key, _| is_known(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_back_off_doubles_up_to_its_bound_and_ends_with_a_success() {
        let (mut backoff, now) = (Backoff::default(), Timestamp::UNIX_EPOCH);
        let waits: Vec<_> = (0..12).map(|_| backoff.fail("a", now).as_second()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 1000]);
        assert_eq!(backoff.until("a", now).map(Timestamp::as_second), Some(1000));
        assert_eq!(backoff.until("b", now), None);
        backoff.clear("a");
        assert_eq!(backoff.fail("a", now).as_second(), 1);
    }
}
