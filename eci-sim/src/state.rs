//! The state behind a simulator's lock: all that a call may change.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

use determinism::{Chance, Seed};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::faults::Faults;
use crate::quota::Throttle;
use crate::world::World;

/// A nonce is remembered for as long as a time stamp may differ from the present, in both directions.
const NONCE_TTL: SignedDuration = SignedDuration::from_mins(62);
/// Bounds of the request log: calls, and bytes of each of a call's texts.
pub(crate) const LOG_MAX: usize = 1000;
/// Pairs of operation and error code that are counted apart.
const COUNTS_MAX: usize = 4096;
pub(crate) const LOGGED_TEXT_MAX: usize = 256;

/// All that a call may change, behind one lock.
pub(crate) struct State {
    pub world: World,
    pub faults: Faults,
    pub throttle: Throttle,
    pub log: VecDeque<RequestLogEntry>,
    /// Calls since this process began, by operation and error code.
    pub call_counts: BTreeMap<(String, String), u64>,
    /// Journal entries that are not yet written, in a persistent world.
    pub pending: Option<PendingEntries>,
    requests: Chance,
    nonces: Nonces,
}

/// A call in the request log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RequestLogEntry {
    /// Time of the call.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Request id, as in the answer.
    pub request_id: String,
    /// Operation; empty where the call named none.
    pub action: String,
    /// Account of the access key; empty where nobody signed the call.
    pub account: String,
    /// Region of the call; empty where the call was refused before it was known.
    pub region: String,
    /// Id of the group that the call names or made; empty where there is none.
    pub group: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// Error code of the answer; empty where the call succeeded.
    pub code: String,
}

/// The nonces that were used while their time stamps are accepted.
#[derive(Clone, Default)]
struct Nonces {
    known: HashSet<Arc<str>>,
    order: VecDeque<(Timestamp, Timestamp, Arc<str>)>,
}

/// Journal entries that are not yet written; a part of the state, so that they are in its order.
#[derive(Debug, Default)]
pub(crate) struct PendingEntries {
    entries: Vec<Vec<u8>>,
    taken: u64,
}

impl State {
    /// A state with an empty world at `now`.
    pub(crate) fn fresh(seed: Seed, now: Timestamp) -> Self {
        Self::new(World::new(seed, now), seed.chance("requests"))
    }

    pub(crate) fn new(world: World, requests: Chance) -> Self {
        Self {
            world,
            faults: Faults::default(),
            throttle: Throttle::default(),
            log: VecDeque::new(),
            call_counts: BTreeMap::new(),
            pending: None,
            requests,
            nonces: Nonces::default(),
        }
    }

    /// A copy that is not persistent.
    pub(crate) fn copy(&self) -> Self {
        Self {
            world: self.world.clone(),
            faults: self.faults.clone(),
            throttle: self.throttle.clone(),
            log: self.log.clone(),
            call_counts: self.call_counts.clone(),
            pending: None,
            requests: self.requests.clone(),
            nonces: self.nonces.clone(),
        }
    }

    /// Continues the request ids from here.
    pub(crate) fn set_request_ids(&mut self, requests: Chance) {
        self.requests = requests;
    }

    /// Records the nonce of an access key as used; false when it was used while its time stamp is accepted.
    pub(crate) fn admit_nonce(
        &mut self,
        key: &str,
        nonce: &str,
        now: Timestamp,
        client_time: Timestamp,
    ) -> bool {
        self.nonces.admit(key, nonce, now, client_time)
    }

    /// Restores a saved world with its rules, counts and log; nonces and request ids go on from here, so that none is
    /// accepted or given twice.
    pub(crate) fn restore(&mut self, kept: Self) {
        let Self { mut world, faults, throttle, log, .. } = kept;
        if self.world.runtime.is_real() {
            // an Engine has to know which groups are gone
            self.world.clear(|_, _| true);
            world.runtime = self.world.runtime.clone();
        }
        world.tariff = self.world.tariff.clone();
        (self.world, self.faults, self.throttle, self.log) = (world, faults, throttle, log);
    }

    /// The nonces that were used, each with its two times of use.
    pub(crate) fn nonces(&self) -> impl Iterator<Item = &(Timestamp, Timestamp, Arc<str>)> {
        self.nonces.order.iter()
    }

    /// A state that was read from a snapshot: a world, the rules and counts for its calls, and the nonces that were
    /// used.
    pub(crate) fn of(
        (world, faults, throttle): (World, Faults, Throttle),
        nonces: Vec<(Timestamp, Timestamp, Arc<str>)>,
        requests: Chance,
    ) -> Self {
        let known = nonces.iter().map(|(_, _, nonce)| Arc::clone(nonce)).collect();
        let nonces = Nonces { known, order: nonces.into() };
        Self { faults, throttle, nonces, ..Self::new(world, requests) }
    }

    /// Adds a call to the request log.
    pub(crate) fn log_request(&mut self, call: RequestLogEntry) {
        let key = (call.action.clone(), call.code.clone());
        // Names of operations come from outside: beyond the bound they are counted without one.
        let known = self.call_counts.len() < COUNTS_MAX || self.call_counts.contains_key(&key);
        *self.call_counts.entry(if known { key } else { <_>::default() }).or_default() += 1;
        if self.log.len() == LOG_MAX {
            self.log.pop_front();
        }
        self.log.push_back(call);
    }

    pub(crate) fn next_request_id(&mut self) -> String {
        let mut text = [0; 36];
        self.requests.uuid().hyphenated().encode_upper(&mut text).to_owned()
    }
}

impl Nonces {
    /// Records a nonce; false when it was used within [`NONCE_TTL`]. A time stamp may be near the simulator's clock or
    /// near the clients', so a nonce is dropped when both have moved on.
    fn admit(&mut self, account: &str, nonce: &str, now: Timestamp, client_time: Timestamp) -> bool {
        while let Some((at, at_client_time, old)) = self.order.front()
            && at.duration_until(now) > NONCE_TTL
            && at_client_time.duration_until(client_time) > NONCE_TTL
        {
            self.known.remove(old);
            self.order.pop_front();
        }
        let nonce: Arc<str> = [account, "/", nonce].concat().into();
        let new = self.known.insert(Arc::clone(&nonce));
        if new {
            self.order.push_back((now, client_time, nonce));
        }
        new
    }
}

impl PendingEntries {
    /// No entries, behind the one of this number.
    pub fn after(number: u64) -> Self {
        Self { entries: Vec::new(), taken: number }
    }

    /// Adds an entry.
    pub fn push(&mut self, entry: Vec<u8>) {
        self.entries.push(entry);
    }

    /// The number of the latest entry.
    pub fn latest(&self) -> u64 {
        self.taken + self.entries.len() as u64
    }

    /// Takes all entries, to be written.
    pub fn take(&mut self) -> Vec<Vec<u8>> {
        let entries = std::mem::take(&mut self.entries);
        self.taken += entries.len() as u64;
        entries
    }

    /// Drops the entries up to this number, which a snapshot covers.
    pub fn cover(&mut self, number: u64) {
        let covered = number.saturating_sub(self.taken);
        self.entries.drain(..usize::try_from(covered).unwrap_or(0));
        self.taken = number;
    }
}
