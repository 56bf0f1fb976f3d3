//! Replies to calls with a client token, so that the same call again gets the same reply and creates nothing twice.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Lifetime of a client token; `ours`, since no page says it.
const TOKEN_TTL: SignedDuration = SignedDuration::from_hours(24);

/// An account and its client token.
pub type Token = (Arc<str>, String);

/// The client tokens of the last day.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Tokens {
    #[serde(with = "crate::keyed")]
    known: BTreeMap<Token, StoredReply>,
    order: VecDeque<(Timestamp, Token)>,
}

/// The reply to a call with a client token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredReply {
    /// Digest of the request.
    pub fingerprint: String,
    /// Reply, as JSON.
    pub reply: String,
}

impl Tokens {
    /// The reply to this token's call, if it is not older than a day.
    pub fn find(&mut self, token: &Token, now: Timestamp) -> Option<&StoredReply> {
        while let Some((at, old)) = self.order.front()
            && at.duration_until(now) > TOKEN_TTL
        {
            self.known.remove(old);
            self.order.pop_front();
        }
        self.known.get(token)
    }

    /// Stores a reply.
    pub fn keep(&mut self, token: Token, stored: StoredReply, now: Timestamp) {
        self.order.push_back((now, token.clone()));
        self.known.insert(token, stored);
    }

    /// Removes the tokens of the accounts that fit.
    pub fn clear(&mut self, fits: impl Fn(&str) -> bool) {
        self.known.retain(|(account, _), _| !fits(account));
        self.order.retain(|(_, (account, _))| !fits(account));
    }

    /// The number of tokens.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// True when there is none.
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
        let stored = StoredReply { fingerprint: "f".into(), reply: "{}".into() };
        let mut tokens = Tokens::default();
        tokens.keep(token.clone(), stored.clone(), start);
        assert_eq!(tokens.find(&token, start + TOKEN_TTL), Some(&stored));
        assert_eq!(tokens.find(&token, start + TOKEN_TTL + SignedDuration::from_secs(1)), None);
        assert!(tokens.is_empty());
    }
}
