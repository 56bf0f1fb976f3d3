//! Tokens, reviewed by the API server within bounds: strangers who try tokens cost it no more than a few reviews a second,
//! and push nobody out of memory whose token is good.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::{Identity, Refusal, unreviewed};

/// The time for which a review counts.
const TOKEN_TTL: Duration = Duration::from_mins(2);
/// The time after its last good review for which a token is no stranger's.
const ACQUAINTED: Duration = Duration::from_hours(1);
/// Good tokens that are remembered, and bad ones.
const GOOD_MAX: usize = 1024;
const BAD_MAX: usize = 1024;
/// Reviews at once.
const AT_ONCE: usize = 8;
/// Reviews of strangers' tokens: so many at once, and one more in each pause.
const BURST: u32 = 50;
const ONE_MORE: Duration = Duration::from_millis(200);
/// The longest token that is reviewed, in bytes: a service account's has about 1,200.
const TOKEN_MAX: usize = 16 << 10;

/// The reviews of tokens, and what is remembered of them, by the tokens' hashes.
pub(super) struct TokenReviews {
    client: Client,
    at_once: Semaphore,
    memory: Mutex<Memory>,
}

struct Memory {
    good: BTreeMap<String, (Identity, Instant)>,
    bad: BTreeMap<String, Instant>,
    /// The time at which strangers have all their reviews again.
    strangers: Instant,
}

impl TokenReviews {
    pub(super) fn new(client: Client) -> Self {
        let memory = Memory { good: BTreeMap::new(), bad: BTreeMap::new(), strangers: Instant::now() };
        Self { client, at_once: Semaphore::new(AT_ONCE), memory: Mutex::new(memory) }
    }

    /// The identity that a token proves; `None` for a bad one.
    ///
    /// # Errors
    /// When the API server does not answer, and 429 when too many unknown tokens were shown lately.
    pub(super) async fn identify(&self, token: &str) -> Result<Option<Identity>, Refusal> {
        if token.is_empty() || token.len() > TOKEN_MAX {
            return Ok(None);
        }
        let key = eci_api::signature::acs3::sha256_hex(token.as_bytes());
        if let Some(known) = self.memory().recall(&key, Instant::now()) {
            return Ok(known);
        }
        // Waiting strangers wait for each other: the budget lets few of them in.
        if !self.memory().may_ask(&key, Instant::now()) {
            let text = "too many unknown tokens were shown lately; try again in a moment";
            return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, text));
        }
        let _place = self.at_once.acquire().await;
        if let Some(known) = self.memory().recall(&key, Instant::now()) {
            return Ok(known);
        }
        let identity = self.review(token).await?;
        self.memory().keep(key, identity.clone(), Instant::now());
        Ok(identity)
    }

    async fn review(&self, token: &str) -> Result<Option<Identity>, Refusal> {
        let review = TokenReview {
            spec: TokenReviewSpec { token: Some(token.to_owned()), audiences: None },
            ..TokenReview::default()
        };
        let api: Api<TokenReview> = Api::all(self.client.clone());
        let answer = api.create(&PostParams::default(), &review).await.map_err(unreviewed)?;
        let status = answer.status.unwrap_or_default();
        let user = status.user.filter(|_| status.authenticated == Some(true));
        Ok(user.map(|user| Identity {
            user: user.username.unwrap_or_default(),
            groups: user.groups.unwrap_or_default(),
        }))
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// The outcome of a review that still counts.
    fn recall(&self, key: &str, now: Instant) -> Option<Option<Identity>> {
        if let Some((identity, reviewed)) = self.good.get(key)
            && now.duration_since(*reviewed) < TOKEN_TTL
        {
            return Some(Some(identity.clone()));
        }
        let reviewed = self.bad.get(key)?;
        (now.duration_since(*reviewed) < TOKEN_TTL).then_some(None)
    }

    /// Whether this token may be reviewed now: always when it was good lately, else within the strangers' budget.
    fn may_ask(&mut self, key: &str, now: Instant) -> bool {
        if self.good.get(key).is_some_and(|(_, reviewed)| now.duration_since(*reviewed) < ACQUAINTED) {
            return true;
        }
        let next = self.strangers.max(now) + ONE_MORE;
        let may = next <= now + ONE_MORE * BURST;
        if may {
            self.strangers = next;
        }
        may
    }

    fn keep(&mut self, key: String, identity: Option<Identity>, now: Instant) {
        match identity {
            Some(identity) => {
                make_room(&mut self.good, GOOD_MAX, |(_, reviewed)| *reviewed);
                self.bad.remove(&key);
                self.good.insert(key, (identity, now));
            }
            None => {
                make_room(&mut self.bad, BAD_MAX, |reviewed| *reviewed);
                self.good.remove(&key);
                self.bad.insert(key, now);
            }
        }
    }
}

/// Forgets the older half of a memory that is full.
fn make_room<T>(memory: &mut BTreeMap<String, T>, max: usize, reviewed: impl Fn(&T) -> Instant) {
    if memory.len() < max {
        return;
    }
    let mut times: Vec<Instant> = memory.values().map(&reviewed).collect();
    times.sort_unstable();
    let middle = times.get(times.len() / 2).copied();
    memory.retain(|_, kept| middle.is_some_and(|middle| reviewed(kept) > middle));
}

#[cfg(test)]
mod tests;
