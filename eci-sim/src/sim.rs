//! The simulator: one world and its clock, accounts, followers and persistence, behind locks.

pub(crate) mod builder;
pub(crate) mod command;
pub(crate) mod control;
mod durability;
pub(crate) mod perform;
mod replay;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use determinism::{Clock, Seed};
use eci_api::signature::Secret;
use jiff::Timestamp;

use crate::followers::Followers;
use crate::orders::Runtime;
use crate::persistence::named::Snapshots;
use crate::persistence::writer::Writer;
use crate::prices::Tariff;
use crate::runtime::queries::EngineHandle;
use crate::state::State;
use crate::temporary_keys::KeyIssuer;

/// A local ECI; all clones are the same one.
///
/// Calls are carried out one after the other, each after everything that fell due until its own instant, so that the same
/// seed, clock and calls give the same world. Nothing happens between calls but what a real runtime's containers do. A
/// call that is refused changes nothing; of a persistent world, one that is answered is on the disk. See the crate for an
/// example.
#[derive(Clone)]
pub struct EciSim(Arc<Inner>);

struct Inner {
    clock: Clock,
    clients_clock: Option<Clock>,
    seed: Seed,
    region: String,
    tariff: Tariff,
    credentials: Arc<BTreeMap<String, (Secret, Arc<str>)>>,
    account: Arc<str>,
    /// The RAM role of the machine, which OIDC tokens open, too.
    ram_role: Option<Arc<str>>,
    state: Mutex<State>,
    snapshots: Mutex<Snapshots>,
    followers: Followers,
    /// The journal's writer, in a persistent world.
    writer: OnceLock<Writer>,
    /// The container engine, once one runs the containers.
    engine: Mutex<Option<EngineHandle>>,
}

impl EciSim {
    fn of(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// True if an Engine runs the containers.
    pub fn is_real(&self) -> bool {
        self.engine().is_some()
    }

    /// The container engine, where one runs the containers.
    pub(crate) fn engine(&self) -> Option<EngineHandle> {
        self.0.engine.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets an Engine run the containers from now on: it takes the world's orders, and the queries of clients.
    pub(crate) fn use_engine(&self, orders: Runtime, queries: EngineHandle) {
        self.state().world.runtime = orders;
        *self.0.engine.lock().unwrap_or_else(PoisonError::into_inner) = Some(queries);
    }

    /// Brings the world up to the present, and returns the state and the present.
    pub(crate) fn state_now(&self) -> (MutexGuard<'_, State>, Timestamp) {
        let now = self.clock().now();
        let mut state = self.state();
        state.world.advance_to(now);
        (state, now)
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The clients' time, where it is not the simulator's.
    pub(crate) fn client_time(&self) -> Option<Timestamp> {
        self.0.clients_clock.as_ref().map(Clock::now)
    }

    pub(crate) fn seed(&self) -> Seed {
        self.0.seed
    }

    /// Prices and currency of the bill.
    pub(crate) fn tariff(&self) -> &Tariff {
        &self.0.tariff
    }

    pub(crate) fn default_region(&self) -> &str {
        &self.0.region
    }

    /// The account of calls within the process.
    pub(crate) fn account(&self) -> &Arc<str> {
        &self.0.account
    }

    pub(crate) fn credential(&self, key_id: &str) -> Option<&(Secret, Arc<str>)> {
        self.0.credentials.get(key_id)
    }

    /// The account of this name that has an access key.
    pub(crate) fn account_named(&self, name: &str) -> Option<&Arc<str>> {
        self.0.credentials.values().map(|(_, account)| account).find(|account| ***account == *name)
    }

    /// The RAM role of the machine, which OIDC tokens open, too.
    pub(crate) fn ram_role(&self) -> Option<&str> {
        self.0.ram_role.as_deref()
    }

    /// The issuer of temporary keys.
    pub(crate) fn temporary_keys(&self) -> KeyIssuer {
        KeyIssuer::of_seed(self.0.seed)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn snapshots(&self) -> MutexGuard<'_, Snapshots> {
        self.0.snapshots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn followers(&self) -> &Followers {
        &self.0.followers
    }

    /// A second simulator for the same accounts, with a state and a clock of its own.
    pub(crate) fn branch(&self, at: Timestamp, mut state: State) -> Self {
        let Inner { clock, clients_clock, seed, region, tariff, credentials, account, ram_role, .. } =
            &*self.0;
        state.world.tariff = tariff.clone();
        Self::of(Inner {
            clock: clock.branch(at),
            clients_clock: clients_clock.clone(),
            seed: *seed,
            region: region.clone(),
            tariff: tariff.clone(),
            credentials: Arc::clone(credentials),
            account: Arc::clone(account),
            ram_role: ram_role.clone(),
            state: Mutex::new(state),
            snapshots: Mutex::default(),
            followers: Followers::default(),
            writer: OnceLock::new(),
            engine: Mutex::default(),
        })
    }
}

impl fmt::Debug for EciSim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EciSim({}, seed {})", self.0.region, self.0.seed)
    }
}
