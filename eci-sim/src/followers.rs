//! Followers of the simulator's clock and their progress: whoever moves the clock can wait for them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use determinism::Clock;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A follower that sent no report for so long, by the machine's clock, is dropped.
const FOLLOWER_TIMEOUT: SignedDuration = SignedDuration::from_secs(10);
/// Bound of the number of followers.
const FOLLOWERS_MAX: usize = 64;
/// Bound of a follower's name, that of a node's name.
const NAME_MAX: usize = 253;

/// A clock that follows the simulator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Follower {
    /// Name, by which it reports.
    pub name: String,
    /// Instant up to which it has done all that was due.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// All followers. No part of the world: no reset and no snapshot changes them.
pub(crate) struct Followers {
    machine: Clock,
    known: Mutex<BTreeMap<String, LastReport>>,
}

/// A follower's latest report.
struct LastReport {
    at: Timestamp,
    when: Timestamp,
}

/// A report that is not accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FollowerError {
    #[error("a follower's name should have 1 to 253 letters, digits, `-`, `_` and `.`")]
    Name,
    #[error("64 clocks follow already; end one, or DELETE /clock/followers/NAME")]
    TooMany,
}

impl Default for Followers {
    fn default() -> Self {
        Self::with_clock(Clock::monotonic())
    }
}

impl Followers {
    fn with_clock(machine: Clock) -> Self {
        Self { machine, known: Mutex::default() }
    }

    /// Records a follower's progress; the first report registers it.
    pub(crate) fn report(&self, name: &str, at: Timestamp) -> Result<(), FollowerError> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(fits) {
            return Err(FollowerError::Name);
        }
        let mut known = self.active();
        if !known.contains_key(name) && known.len() >= FOLLOWERS_MAX {
            return Err(FollowerError::TooMany);
        }
        known.insert(name.to_owned(), LastReport { at, when: self.machine.now() });
        Ok(())
    }

    /// Removes a follower; false when there is none of this name.
    pub(crate) fn remove(&self, name: &str) -> bool {
        self.active().remove(name).is_some()
    }

    /// The followers, by name.
    pub(crate) fn all(&self) -> Vec<Follower> {
        let known = self.active();
        known.iter().map(|(name, report)| Follower { name: name.clone(), at: report.at }).collect()
    }

    /// The followers that have reported within [`FOLLOWER_TIMEOUT`]; drops the others.
    fn active(&self) -> MutexGuard<'_, BTreeMap<String, LastReport>> {
        let now = self.machine.now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, report| now.duration_since(report.when) < FOLLOWER_TIMEOUT);
        known
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn nine() -> Timestamp {
        "2026-01-01T09:00:00Z".parse().unwrap()
    }

    #[test]
    fn who_is_silent_for_too_long_follows_no_more() {
        let machine = Clock::still(nine());
        let followers = Followers::with_clock(machine.clone());
        followers.report("early", nine()).unwrap();
        machine.advance(Duration::from_secs(9)).unwrap();
        followers.report("late", nine()).unwrap();
        assert_eq!(followers.all().len(), 2);
        machine.advance(Duration::from_secs(1)).unwrap();
        assert_eq!(followers.all(), [Follower { name: "late".to_owned(), at: nine() }]);
    }

    #[test]
    fn names_and_numbers_have_bounds() {
        let followers = Followers::with_clock(Clock::still(nine()));
        for name in ["", "a b", "ä", &"x".repeat(254)] {
            assert!(matches!(followers.report(name, nine()), Err(FollowerError::Name)), "{name}");
        }
        for number in 0..FOLLOWERS_MAX {
            followers.report(&format!("node-{number}"), nine()).unwrap();
        }
        assert!(matches!(followers.report("one-more", nine()), Err(FollowerError::TooMany)));
        assert!(followers.report("node-1", nine()).is_ok());
    }
}
