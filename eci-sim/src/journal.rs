//! What is done to a world, in order: written before it is answered, and done again when the world is taken up again.
//!
//! A world is a function of its seed and of the calls that reached it, each at its instant; so the calls are all that
//! has to be kept. Requests that only look are not kept, except while rules of faults count them. When the calls have
//! become longer than the world that came of them, that is written down in their place.

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod full_disk;
mod summary;
mod writer;

use bytes::Bytes;
use determinism::Seed;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::EciSim;
use crate::actions::{Caller, serve};
use crate::control::door::Door;
use crate::faults::{Call, Verdict};
use crate::server::{Incoming, State, check};
use crate::store::{Store, StoreProblem};
use summary::Reading;
pub(crate) use writer::{Writer, take_up};

/// What entries look like; another number is not understood.
const FORMAT: u32 = 2;

/// From how many bytes on entries are summed up, where nothing is said.
pub(crate) const SUMS_UP_FROM: u64 = 1 << 20;

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    /// The world began.
    Began(Heading),
    /// A call of the ECI OpenAPI.
    Call {
        /// Where the world had got to.
        at: Timestamp,
        /// Whose.
        account: String,
        /// Where.
        region: String,
        /// Its number.
        request_id: String,
        /// The operation.
        action: String,
        /// The parameters.
        pairs: Vec<(String, String)>,
        /// The key and nonce that it was signed with.
        signed: Option<(String, String)>,
        /// Whether rules of faults looked at it.
        judged: bool,
        /// Whether it was carried out.
        done: bool,
    },
    /// A call of the control door.
    Door {
        /// When.
        at: Timestamp,
        /// When by the clients' clock.
        outside: Timestamp,
        /// The verb.
        method: String,
        /// The path.
        path: String,
        /// The body.
        body: String,
    },
}

/// How a world was begun, and how its time ran from an instant on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Heading {
    /// What the entries look like.
    format: u32,
    /// The simulator that wrote them: another may do something else on the same call.
    version: String,
    /// Where its chance comes from.
    seed: String,
    /// When.
    at: Timestamp,
    /// When by the clients' clock.
    outside: Timestamp,
    /// How fast its time ran.
    rate: u32,
}

/// What was done and is not yet written; a part of the state, so that it has the state's order.
#[derive(Debug, Default)]
pub(crate) struct Unwritten {
    entries: Vec<Vec<u8>>,
    taken: u64,
}

/// What was found in a store.
struct Loaded {
    /// The number of the latest entry; none where the store is new.
    number: Option<u64>,
    bytes: u64,
    summary_bytes: u64,
}

impl Heading {
    /// As it is now.
    fn of(sim: &EciSim) -> Self {
        let at = sim.clock().now();
        Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: sim.seed().to_string(),
            at,
            outside: sim.outside().unwrap_or(at),
            rate: sim.clock().rate(),
        }
    }
}

impl Unwritten {
    /// Adds what was done.
    pub fn push(&mut self, op: &Op) {
        // An operation is made of texts and numbers, which can always be written.
        self.entries.push(serde_json::to_vec(op).unwrap_or_default());
    }

    /// The number of the latest.
    pub fn latest(&self) -> u64 {
        self.taken + self.entries.len() as u64
    }
}

/// Whether a call only looks.
pub(crate) fn only_looks(action: &str) -> bool {
    action.starts_with("Describe") || action.starts_with("List")
}

/// Does again what a store says was done.
fn load(sim: &EciSim, store: &Store, rate: Option<u32>) -> Result<Loaded, StoreProblem> {
    let now = sim.outside().unwrap_or_else(|| sim.clock().now());
    let damaged = |why: String| StoreProblem::Damaged { file: store.path().to_owned(), why };
    let mut reading = Reading::into(sim);
    let mut summary_bytes = 0;
    store.summary(|row| {
        summary_bytes += row.len() as u64;
        reading.add(row)
    })?;
    let summed = reading.end().map_err(damaged)?;
    let covered = summed.as_ref().map_or(0, |head| head.number);
    let (done, bytes) = store.done(covered)?;
    let number = covered + done.len() as u64;
    let mut replay = match (&summed, done.first()) {
        (Some(head), _) => Replay::from(sim, store, &head.heading)?,
        (None, Some(Op::Began(heading))) => {
            let begun = Replay::from(sim, store, heading)?;
            let fresh = EciSim::fresh_state(sim.clock(), sim.seed());
            *sim.state() = fresh;
            begun
        }
        (None, Some(_)) => return Err(damaged("its first entry is not its beginning".to_owned())),
        (None, None) => return Ok(Loaded { number: None, bytes, summary_bytes }),
    };
    done.iter().for_each(|op| replay.repeat(op));
    replay.end(now, rate);
    Ok(Loaded { number: Some(number), bytes, summary_bytes })
}

/// A world that is done again; its clock stands still except where an entry moves it.
struct Replay<'a> {
    sim: &'a EciSim,
    door: Door,
    /// How time ran since when, by the simulator's and by the clients' clock.
    rate: u32,
    told: Timestamp,
    outside: Timestamp,
}

impl<'a> Replay<'a> {
    /// From an instant on at which time ran like this.
    fn from(sim: &'a EciSim, store: &Store, heading: &Heading) -> Result<Self, StoreProblem> {
        let Heading { format, version, seed, at, outside, rate } = heading;
        let otherwise = |what, kept: &str, given: String| {
            Err(StoreProblem::Otherwise { file: store.path().to_owned(), what, kept: kept.to_owned(), given })
        };
        if *format != FORMAT || version != env!("CARGO_PKG_VERSION") {
            let told = |version: &str, format: u32| format!("{version} (format {format})");
            return otherwise("eci-sim", &told(version, *format), told(env!("CARGO_PKG_VERSION"), FORMAT));
        }
        if seed.parse::<Seed>().is_ok_and(|seed| seed != sim.seed()) {
            return otherwise("the seed", seed, sim.seed().to_string());
        }
        sim.clock().set_rate(0);
        sim.clock().set(*at);
        Ok(Self { sim, door: Door::of(sim.control()), rate: *rate, told: *at, outside: *outside })
    }

    fn repeat(&mut self, op: &Op) {
        match op {
            Op::Began(_) => {}
            Op::Call { at, .. } => {
                self.sim.clock().set(*at);
                call_again(self.sim, &mut self.sim.state(), op);
            }
            Op::Door { at, outside, method, path, body } => {
                self.sim.clock().set(*at);
                let body = Bytes::copy_from_slice(body.as_bytes());
                let request =
                    Incoming { method: method.clone(), path: path.clone(), body, ..Incoming::default() };
                self.door.answer(&request);
                if path == "/clock" {
                    self.rate = self.sim.clock().rate();
                    self.sim.clock().set_rate(0);
                    self.sim.clock().set(*at);
                }
                (self.told, self.outside) = (self.sim.clock().now(), *outside);
            }
        }
    }

    /// Time went on while nobody was there.
    fn end(self, now: Timestamp, rate: Option<u32>) {
        let passed = self.outside.duration_until(now).max(SignedDuration::ZERO);
        let passed = passed.checked_mul(i32::try_from(self.rate).unwrap_or(i32::MAX));
        let told = passed.and_then(|passed| self.told.checked_add(passed).ok()).unwrap_or(self.told);
        self.sim.clock().set(told.max(self.sim.state().world.now()));
        self.sim.clock().set_rate(rate.unwrap_or(self.rate));
    }
}

fn call_again(sim: &EciSim, state: &mut State, op: &Op) {
    let Op::Call { at, account, region, request_id, action, pairs, signed, judged, done } = op else {
        return;
    };
    if let Some((key, nonce)) = signed {
        state.remember_nonce(key, nonce, *at, sim.outside().unwrap_or(*at));
    }
    let verdict = match judged {
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
    verdict.befall(&mut state.world, caller.group_named());
    if !*done {
        return;
    }
    // What was refused then is refused now, and what it left behind on the way is left behind again.
    let _as_then = check(action, &caller.pairs).and_then(|()| serve(action, &mut state.world, &caller));
}

/// The entry of a call.
pub(crate) fn entry(
    at: Timestamp,
    action: &str,
    caller: &Caller,
    signed: Option<(&str, &str)>,
    judged: bool,
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
        judged,
        done,
    }
}
