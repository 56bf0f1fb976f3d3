//! Answers to calls with a client token, so that the same call again gives the same answer and makes nothing twice.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a token is remembered; `ours`, since no page says it.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// Whose token, and which.
pub type Token = (Arc<str>, String);

/// The tokens of the last day.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Tokens {
    #[serde(with = "crate::keyed")]
    known: BTreeMap<Token, Answered>,
    order: VecDeque<(Timestamp, Token)>,
}

/// What a token was used for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Tells requests apart.
    pub fingerprint: String,
    /// The answer, as JSON.
    pub reply: String,
}

impl Tokens {
    /// What this token was used for within a day.
    pub fn find(&mut self, token: &Token, now: Timestamp) -> Option<&Answered> {
        while let Some((at, old)) = self.order.front()
            && at.duration_until(now) > KEPT
        {
            self.known.remove(old);
            self.order.pop_front();
        }
        self.known.get(token)
    }

    /// Remembers an answer.
    pub fn keep(&mut self, token: Token, answered: Answered, now: Timestamp) {
        self.order.push_back((now, token.clone()));
        self.known.insert(token, answered);
    }

    /// Forgets the tokens of the accounts that fit.
    pub fn clear(&mut self, fits: impl Fn(&str) -> bool) {
        self.known.retain(|(account, _), _| !fits(account));
        self.order.retain(|(_, (account, _))| !fits(account));
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_forgotten_after_a_day() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let token = ("local".into(), "t".to_owned());
        let answered = Answered { fingerprint: "f".into(), reply: "{}".into() };
        let mut tokens = Tokens::default();
        tokens.keep(token.clone(), answered.clone(), start);
        assert_eq!(tokens.find(&token, start + KEPT), Some(&answered));
        assert_eq!(tokens.find(&token, start + KEPT + SignedDuration::from_secs(1)), None);
        assert!(tokens.is_empty());
    }
}
