//! The journal of a persistent world: its operations in order, each written before it is answered, and replayed at the
//! next start.
//!
//! A world is a function of its seed and of the calls that reached it, each at its instant; so the calls are all that
//! has to be stored. Reads are not stored, except while fault rules count them. Once the journal is larger than the
//! world that came of it, a snapshot of the world takes its place.

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod full_disk;
mod snapshot;
mod writer;

use std::fmt::Display;

use bytes::Bytes;
use determinism::Seed;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::EciSim;
use crate::actions::{Caller, serve};
use crate::control::server::ControlServer;
use crate::faults::{Call, Verdict};
use crate::server::{Incoming, State, check};
use crate::store::{Store, StoreError};
use snapshot::SnapshotReader;
pub(crate) use writer::{Writer, restore};

/// Format of the entries; a journal of another format is not read.
const FORMAT: u32 = 3;

/// Default size in bytes from which the journal is compacted.
pub(crate) const COMPACT_FROM_BYTES: u64 = 1 << 20;

/// One entry of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    /// The beginning of the world.
    Began(JournalHeader),
    /// A call of the ECI OpenAPI.
    Call {
        /// Simulated time of the world.
        at: Timestamp,
        /// Account that signed the call.
        account: String,
        /// Region of the call.
        region: String,
        /// Request id.
        request_id: String,
        /// The operation.
        action: String,
        /// The parameters, as the call had them.
        pairs: Vec<(String, String)>,
        /// Access key id and nonce of the signature.
        signed: Option<(String, String)>,
        /// True when fault rules were asked for a verdict.
        fault_checked: bool,
        /// True when the call was carried out.
        done: bool,
    },
    /// A call of the control API.
    Control {
        /// Simulated time.
        at: Timestamp,
        /// Time by the clients' clock.
        client_time: Timestamp,
        /// HTTP method.
        method: String,
        /// Path, with the values of its placeholders.
        path: String,
        /// JSON body; empty for none.
        body: String,
    },
}

/// The start of a world, and the rate of its clock from an instant on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct JournalHeader {
    /// Format of the entries.
    format: u32,
    /// Version of the simulator that wrote the entries: another may do something else on the same call.
    version: String,
    /// Seed of the world.
    seed: String,
    /// Simulated time.
    at: Timestamp,
    /// Time by the clients' clock.
    client_time: Timestamp,
    /// Rate of the clock from then on.
    rate: u32,
}

/// Entries that are not yet written; a part of the state, so that they are in its order.
#[derive(Debug, Default)]
pub(crate) struct PendingEntries {
    entries: Vec<Vec<u8>>,
    taken: u64,
}

/// The contents of a store.
struct Loaded {
    /// The number of the latest entry; none where the store is new.
    number: Option<u64>,
    bytes: u64,
    snapshot_bytes: u64,
}

impl JournalHeader {
    /// The header of a journal that begins now.
    fn of(sim: &EciSim) -> Self {
        let at = sim.clock().now();
        Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: sim.seed().to_string(),
            at,
            client_time: sim.client_time().unwrap_or(at),
            rate: sim.clock().rate(),
        }
    }
}

impl PendingEntries {
    /// Adds an entry.
    pub fn push(&mut self, op: &Op) {
        // An operation is made of texts and numbers, which can always be written.
        self.entries.push(serde_json::to_vec(op).unwrap_or_default());
    }

    /// The number of the latest entry.
    pub fn latest(&self) -> u64 {
        self.taken + self.entries.len() as u64
    }
}

/// True for an operation that changes nothing.
pub(crate) fn is_read_only(action: &str) -> bool {
    action.starts_with("Describe") || action.starts_with("List")
}

/// Replays the contents of a store.
fn load(sim: &EciSim, store: &Store, rate: Option<u32>) -> Result<Loaded, StoreError> {
    let now = sim.client_time().unwrap_or_else(|| sim.clock().now());
    let damaged =
        |why: &dyn Display| StoreError::Damaged { file: store.path().to_owned(), why: why.to_string() };
    let mut reader = SnapshotReader::new(sim);
    let mut snapshot_bytes = 0;
    store.read_snapshot(|row| {
        snapshot_bytes += row.len() as u64;
        reader.add(row)
    })?;
    let snapshot = reader.finish().map_err(|why| damaged(&why))?;
    let covered = snapshot.as_ref().map_or(0, |header| header.number);
    let (done, bytes) = store.read_journal(covered)?;
    let number = covered + done.len() as u64;
    let mut replay = match (&snapshot, done.first()) {
        (Some(header), _) => Replay::from(sim, store, &header.journal)?,
        (None, Some(Op::Began(header))) => {
            let begun = Replay::from(sim, store, header)?;
            let fresh = EciSim::fresh_state(sim.clock(), sim.seed());
            *sim.state() = fresh;
            begun
        }
        (None, Some(_)) => return Err(damaged(&"its first entry is not its beginning")),
        (None, None) => return Ok(Loaded { number: None, bytes, snapshot_bytes }),
    };
    done.iter().for_each(|op| replay.replay(op));
    replay.end(now, rate);
    Ok(Loaded { number: Some(number), bytes, snapshot_bytes })
}

/// A world that is replayed; its clock is stopped except where an entry moves it.
struct Replay<'a> {
    sim: &'a EciSim,
    control: ControlServer,
    /// Rate of the clock since the last operation, whose times follow.
    rate: u32,
    at: Timestamp,
    client_time: Timestamp,
}

impl<'a> Replay<'a> {
    /// Begins a replay at the header's time, with the clock stopped.
    fn from(sim: &'a EciSim, store: &Store, header: &JournalHeader) -> Result<Self, StoreError> {
        let JournalHeader { format, version, seed, at, client_time, rate } = header;
        let otherwise = |what, kept: &str, given: String| {
            Err(StoreError::Otherwise { file: store.path().to_owned(), what, kept: kept.to_owned(), given })
        };
        if *format != FORMAT || version != env!("CARGO_PKG_VERSION") {
            let describe = |version: &str, format: u32| format!("{version} (format {format})");
            return otherwise(
                "eci-sim",
                &describe(version, *format),
                describe(env!("CARGO_PKG_VERSION"), FORMAT),
            );
        }
        if seed.parse::<Seed>().is_ok_and(|seed| seed != sim.seed()) {
            return otherwise("the seed", seed, sim.seed().to_string());
        }
        sim.clock().set_rate(0);
        sim.clock().set(*at);
        Ok(Self {
            sim,
            control: ControlServer::new(sim.control()),
            rate: *rate,
            at: *at,
            client_time: *client_time,
        })
    }

    fn replay(&mut self, op: &Op) {
        match op {
            Op::Began(_) => {}
            Op::Call { at, .. } => {
                self.sim.clock().set(*at);
                replay_call(self.sim, &mut self.sim.state(), op);
            }
            Op::Control { at, client_time, method, path, body } => {
                self.sim.clock().set(*at);
                let body = Bytes::copy_from_slice(body.as_bytes());
                let request =
                    Incoming { method: method.clone(), path: path.clone(), body, ..Incoming::default() };
                self.control.answer(&request);
                if path == "/clock" {
                    self.rate = self.sim.clock().rate();
                    self.sim.clock().set_rate(0);
                    self.sim.clock().set(*at);
                }
                (self.at, self.client_time) = (self.sim.clock().now(), *client_time);
            }
        }
    }

    /// Sets the clock as if it had run on while there was no process.
    fn end(self, now: Timestamp, rate: Option<u32>) {
        let passed = self.client_time.duration_until(now).max(SignedDuration::ZERO);
        let passed = passed.checked_mul(i32::try_from(self.rate).unwrap_or(i32::MAX));
        let now = passed.and_then(|passed| self.at.checked_add(passed).ok()).unwrap_or(self.at);
        self.sim.clock().set(now.max(self.sim.state().world.now()));
        self.sim.clock().set_rate(rate.unwrap_or(self.rate));
    }
}

fn replay_call(sim: &EciSim, state: &mut State, op: &Op) {
    let Op::Call { at, account, region, request_id, action, pairs, signed, fault_checked, done } = op else {
        return;
    };
    if let Some((key, nonce)) = signed {
        state.record_nonce(key, nonce, *at, sim.client_time().unwrap_or(*at));
    }
    let verdict = match fault_checked {
        true => state.faults.judge(&Call { action, pairs }, sim.seed()),
        false => Verdict::Pass,
    };
    state.world.advance_to(*at);
    let caller = Caller {
        account: account.as_str().into(),
        region: region.as_str().into(),
        request_id: request_id.clone(),
        currency: sim.currency(),
        host: String::new(),
        secure: true,
        pairs: pairs.clone(),
    };
    verdict.apply_side_effect(&mut state.world, caller.group_named());
    if !*done {
        return;
    }
    // A call that was refused then is refused again, and leaves the same behind.
    let _as_then = check(action, &caller.pairs).and_then(|()| serve(action, &mut state.world, &caller));
}

/// The journal entry of a call.
pub(crate) fn entry(
    at: Timestamp,
    action: &str,
    caller: &Caller,
    signed: Option<(&str, &str)>,
    fault_checked: bool,
    done: bool,
) -> Op {
    Op::Call {
        at,
        account: caller.account.to_string(),
        region: caller.region.to_string(),
        request_id: caller.request_id.clone(),
        action: action.to_owned(),
        pairs: caller.pairs.clone(),
        signed: signed.map(|(key, nonce)| (key.to_owned(), nonce.to_owned())),
        fault_checked,
        done,
    }
}
