//! Who follows the simulator's clock, and how far each has come: whoever moves the clock can wait for them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use determinism::Clock;
use jiff::{SignedDuration, Timestamp};

use super::wire::Follower;

/// Who has not been heard of for so long by the machine's clock follows no more.
const SILENCE_MAX: SignedDuration = SignedDuration::from_secs(10);
/// So many at once; there is no use for more.
const FOLLOWERS_MAX: usize = 64;
/// The longest name; a node's is not longer.
const NAME_MAX: usize = 253;

/// All of them. They are no part of the world: no reset and no snapshot touches them.
pub(crate) struct Followers {
    machine: Clock,
    known: Mutex<BTreeMap<String, Heard>>,
}

/// What one said last.
struct Heard {
    at: Timestamp,
    when: Timestamp,
}

/// Why somebody cannot follow.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoFollower {
    #[error("a follower's name should have 1 to 253 letters, digits, `-`, `_` and `.`")]
    Name,
    #[error("64 follow already; end one, or DELETE /clock/followers/NAME")]
    TooMany,
}

impl Default for Followers {
    fn default() -> Self {
        Self::heard_by(Clock::monotonic())
    }
}

impl Followers {
    fn heard_by(machine: Clock) -> Self {
        Self { machine, known: Mutex::default() }
    }

    /// One says that it has come up to an instant; who says so for the first time follows from now on.
    pub(crate) fn says(&self, name: &str, at: Timestamp) -> Result<(), NoFollower> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(fits) {
            return Err(NoFollower::Name);
        }
        let mut known = self.those_heard();
        if !known.contains_key(name) && known.len() >= FOLLOWERS_MAX {
            return Err(NoFollower::TooMany);
        }
        known.insert(name.to_owned(), Heard { at, when: self.machine.now() });
        Ok(())
    }

    /// One follows no more; false when it did not.
    pub(crate) fn leaves(&self, name: &str) -> bool {
        self.those_heard().remove(name).is_some()
    }

    /// Those who follow, by name.
    pub(crate) fn all(&self) -> Vec<Follower> {
        let known = self.those_heard();
        known.iter().map(|(name, heard)| Follower { name: name.clone(), at: heard.at }).collect()
    }

    /// Those who were heard of lately.
    fn those_heard(&self) -> MutexGuard<'_, BTreeMap<String, Heard>> {
        let now = self.machine.now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, heard| now.duration_since(heard.when) < SILENCE_MAX);
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
        let followers = Followers::heard_by(machine.clone());
        followers.says("early", nine()).unwrap();
        machine.advance(Duration::from_secs(9)).unwrap();
        followers.says("late", nine()).unwrap();
        assert_eq!(followers.all().len(), 2);
        machine.advance(Duration::from_secs(1)).unwrap();
        assert_eq!(followers.all(), [Follower { name: "late".to_owned(), at: nine() }]);
    }

    #[test]
    fn names_and_numbers_have_bounds() {
        let followers = Followers::heard_by(Clock::still(nine()));
        for name in ["", "a b", "ä", &"x".repeat(254)] {
            assert!(matches!(followers.says(name, nine()), Err(NoFollower::Name)), "{name}");
        }
        for number in 0..FOLLOWERS_MAX {
            followers.says(&format!("node-{number}"), nine()).unwrap();
        }
        assert!(matches!(followers.says("one-more", nine()), Err(NoFollower::TooMany)));
        assert!(followers.says("node-1", nine()).is_ok());
    }
}
