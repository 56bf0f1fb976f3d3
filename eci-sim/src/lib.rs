//! A local Alibaba Cloud ECI: the OpenAPI, lifecycles, events and a bill, offline.
//!
//! ```
//! use determinism::{Clock, Seed};
//! use eci_api::actions::{CreateContainerGroup, DescribeContainerGroups};
//! use eci_api::actions::create_container_group::Container;
//! use eci_sim::EciSim;
//!
//! let sim = EciSim::builder().clock(Clock::still("2026-01-01T09:00:00Z".parse()?)).build();
//! let container = Container { name: Some("web".into()), image: Some("nginx".into()), ..Container::default() };
//! let request = CreateContainerGroup {
//!     container_group_name: Some("web".into()),
//!     container: vec![container],
//!     ..CreateContainerGroup::default()
//! };
//! let id = sim.act(&request)?.container_group_id;
//! assert!(id.starts_with("eci-bp1"));
//! sim.control().clock().advance(std::time::Duration::from_secs(60))?;
//! let groups = sim.act(&DescribeContainerGroups::default())?.container_groups;
//! assert_eq!(groups[0].status, "Running");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod actions;
pub mod agenda;
pub mod billing;
pub mod catalog;
pub mod control;
pub mod faults;
pub mod group;
pub mod journal;
mod keyed;
pub mod ledger;
pub mod listener;
pub mod market;
pub mod money;
pub mod page;
pub mod quota;
pub mod refusal;
pub mod runtime;
pub mod script;
pub mod server;
pub mod session;
pub mod store;
mod terminal;
pub mod tls;
pub mod world;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use determinism::{Clock, Seed};
use eci_api::signature::Secret;
use jiff::Timestamp;

use journal::Writer;

pub use actions::Serve;
pub use billing::{Bill, BillLine, Item};
pub use control::Control;
pub use control::client::{ClientError, ControlClient};
pub use control::server::ControlServer;
pub use faults::{Rule, Verdict};
pub use ledger::Entry;
pub use money::{Currency, Yuan};
pub use refusal::Refusal;
pub use script::{Runs, Script};
pub use server::{Exchange, Incoming};
use store::Store;
pub use store::StoreError;

/// The region of calls that name none and come to no region's endpoint.
const DEFAULT_REGION: &str = "cn-hangzhou";
/// The account of calls within the process, where there is no credential.
const DEFAULT_ACCOUNT: &str = "local";

/// A local ECI; all clones are the same one.
#[derive(Clone)]
pub struct EciSim(Arc<Inner>);

struct Inner {
    clock: Clock,
    clients_clock: Option<Clock>,
    seed: Seed,
    region: String,
    currency: Currency,
    credentials: Arc<BTreeMap<String, (Secret, Arc<str>)>>,
    account: Arc<str>,
    state: Mutex<server::State>,
    snapshots: Mutex<control::snapshots::Snapshots>,
    followers: control::followers::Followers,
    /// The journal's writer, in a persistent world.
    writer: OnceLock<Writer>,
    /// Set once a container runtime runs the containers.
    real: OnceLock<()>,
}

/// Puts a local ECI together.
pub struct Builder {
    clock: Clock,
    clients_clock: Option<Clock>,
    seed: Seed,
    region: String,
    currency: Currency,
    credentials: Vec<(String, Secret, String)>,
    compact_from: u64,
}

impl EciSim {
    /// A builder with the machine's monotonic clock, the default seed, the region `cn-hangzhou` and no credential.
    pub fn builder() -> Builder {
        Builder {
            clock: Clock::monotonic(),
            clients_clock: None,
            seed: Seed::DEFAULT,
            region: DEFAULT_REGION.to_owned(),
            currency: Currency::Cny,
            credentials: Vec::new(),
            compact_from: journal::COMPACT_FROM_BYTES,
        }
    }

    /// A call within the process: no signature, no faults, the account of the first credential.
    ///
    /// # Errors
    /// [`Refusal`] when it is turned down.
    pub fn act<A: Serve>(&self, request: &A) -> Result<A::Reply, Refusal> {
        let pairs =
            eci_api::query::to_pairs(request).map_err(|error| Refusal::Undecodable(error.to_string()))?;
        let journal_lock = self.journal_lock();
        let now = self.clock().now();
        let mut state = self.state();
        let request_id = state.next_request_id();
        state.world.advance_to(now);
        let caller = self.caller(A::NAME, pairs, &self.0.account, "", &request_id);
        let mut written_by = None;
        let at = state.world.now();
        if let Some(pending) = &mut state.pending {
            if !journal::is_read_only(A::NAME) {
                pending.push(&journal::entry(at, A::NAME, &caller, None, false, true));
            }
            // A read shows nothing that could still be rolled back.
            written_by = Some(pending.latest());
        }
        let checked = server::check(A::NAME, &caller.pairs);
        let outcome = checked.and_then(|()| actions::serve_idempotent(request, &mut state.world, &caller));
        let (deferred, runtime) = (state.world.deferred.take(), state.world.runtime.clone());
        drop((state, journal_lock));
        let outcome = match (deferred.filter(|_| outcome.is_ok()), runtime) {
            (Some(deferred), runtime::Runtime::Engine(driver)) => deferred.ask(&driver).and_then(|answer| {
                let unread = |why: serde_json::Error| Refusal::Undecodable(why.to_string());
                serde_json::from_slice(&answer.json().map_err(unread)?).map_err(unread)
            }),
            _ => outcome,
        };
        match self.wait_until_written(written_by) {
            Ok(()) => outcome,
            Err(why) => Err(Refusal::by_rule("InternalError", Some(500), Some(why.to_string()))),
        }
    }

    /// The control API of this simulator.
    pub fn control(&self) -> Control {
        Control::of(self.clone())
    }

    /// True when the world is persisted in a directory.
    pub fn is_persistent(&self) -> bool {
        self.writer().is_some()
    }

    /// Restores a new simulator from a store, and persists it there from now on.
    fn persist_in(&self, store: Store, rate: Option<u32>, compact_from: u64) -> Result<(), StoreError> {
        let writer = journal::restore(self, store, rate, compact_from)?;
        // Nobody else has the new simulator yet, so it is not set.
        let _first = self.0.writer.set(writer);
        Ok(())
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The clients' time, where it is not the simulator's.
    pub(crate) fn client_time(&self) -> Option<Timestamp> {
        self.0.clients_clock.as_ref().map(Clock::now)
    }

    /// The journal's writer, in a persistent world.
    pub(crate) fn writer(&self) -> Option<&Writer> {
        self.0.writer.get()
    }

    /// Rolls the world back where its latest write failed, then locks the order of journal entries: nobody else changes
    /// a persistent world while this is held. `None` in a world that is not persistent.
    pub(crate) fn journal_lock(&self) -> Option<MutexGuard<'_, ()>> {
        if let Some(why) = self.writer().and_then(|writer| writer.recover(self).err()) {
            tracing::error!("the world is ahead of its disk: {why}");
        }
        self.writer().map(|writer| writer.order.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns once all entries up to this number are on the disk.
    pub(crate) fn wait_until_written(&self, number: Option<u64>) -> Result<(), StoreError> {
        match (self.writer(), number) {
            (Some(writer), Some(number)) => writer.write(self, number),
            _ => Ok(()),
        }
    }

    pub(crate) fn seed(&self) -> Seed {
        self.0.seed
    }

    pub(crate) fn currency(&self) -> Currency {
        self.0.currency
    }

    pub(crate) fn default_region(&self) -> &str {
        &self.0.region
    }

    pub(crate) fn credential(&self, key_id: &str) -> Option<&(Secret, Arc<str>)> {
        self.0.credentials.get(key_id)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, server::State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn snapshots(&self) -> MutexGuard<'_, control::snapshots::Snapshots> {
        self.0.snapshots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn followers(&self) -> &control::followers::Followers {
        &self.0.followers
    }

    /// A second simulator for the same accounts, with a state and a clock of its own.
    pub(crate) fn branch(&self, at: Timestamp, state: server::State) -> Self {
        let Inner { clock, clients_clock, seed, region, currency, credentials, account, .. } = &*self.0;
        Self(Arc::new(Inner {
            clock: clock.branch(at),
            clients_clock: clients_clock.clone(),
            seed: *seed,
            region: region.clone(),
            currency: *currency,
            credentials: Arc::clone(credentials),
            account: Arc::clone(account),
            state: Mutex::new(state),
            snapshots: Mutex::default(),
            followers: control::followers::Followers::default(),
            writer: OnceLock::new(),
            real: OnceLock::new(),
        }))
    }

    pub(crate) fn fresh_state(clock: &Clock, seed: Seed) -> server::State {
        server::State::new(world::World::new(seed, clock.now()), seed.chance("requests"))
    }
}

impl Builder {
    /// Sets the simulator's clock.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Sets the clients' clock, where the simulator's is moved without their knowledge: a signature is accepted when
    /// its time stamp is near either.
    #[must_use]
    pub fn clients_clock(self, clock: Clock) -> Self {
        Self { clients_clock: Some(clock), ..self }
    }

    /// Sets the seed of all randomness.
    #[must_use]
    pub fn seed(self, seed: Seed) -> Self {
        Self { seed, ..self }
    }

    /// An access key, with an account of its own.
    #[must_use]
    pub fn credential(self, key_id: impl Into<String>, secret: Secret) -> Self {
        let key_id = key_id.into();
        self.credential_of(key_id.clone(), key_id, secret)
    }

    /// One more access key of an account.
    #[must_use]
    pub fn credential_of(
        mut self,
        account: impl Into<String>,
        key_id: impl Into<String>,
        secret: Secret,
    ) -> Self {
        self.credentials.push((key_id.into(), secret, account.into()));
        self
    }

    /// The region of calls that name none.
    #[must_use]
    pub fn region(self, region: impl Into<String>) -> Self {
        Self { region: region.into(), ..self }
    }

    /// Sets the price list that is billed by.
    #[must_use]
    pub fn currency(self, currency: Currency) -> Self {
        Self { currency, ..self }
    }

    /// Compacts the journal into a snapshot once it is larger than `bytes` and than the previous snapshot.
    #[must_use]
    pub fn compact_from(self, bytes: u64) -> Self {
        Self { compact_from: bytes, ..self }
    }

    /// Builds the simulator of the world that is persisted in a directory, or of a new one there: every call is on the
    /// disk before it is answered. `rate` sets the clock's rate; without it the clock runs as it did.
    ///
    /// Calls of the control API through [`ControlServer`] are persisted; those through [`Control`] are not.
    ///
    /// # Errors
    /// [`StoreError`] when the directory cannot be used, or what stands there is damaged.
    pub fn persist(self, dir: &Path, rate: Option<u32>) -> Result<EciSim, StoreError> {
        let compact_from = self.compact_from;
        let sim = self.build();
        sim.persist_in(Store::open(dir)?, rate, compact_from)?;
        Ok(sim)
    }

    /// The simulator.
    pub fn build(self) -> EciSim {
        let account =
            self.credentials.first().map_or(DEFAULT_ACCOUNT, |(_, _, account)| account.as_str()).into();
        let credentials = self.credentials.into_iter();
        EciSim(Arc::new(Inner {
            state: Mutex::new(EciSim::fresh_state(&self.clock, self.seed)),
            clock: self.clock,
            clients_clock: self.clients_clock,
            seed: self.seed,
            region: self.region,
            currency: self.currency,
            credentials: Arc::new(
                credentials.map(|(key, secret, account)| (key, (secret, account.into()))).collect(),
            ),
            account,
            snapshots: Mutex::default(),
            followers: control::followers::Followers::default(),
            writer: OnceLock::new(),
            real: OnceLock::new(),
        }))
    }
}

impl fmt::Debug for EciSim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EciSim({}, seed {})", self.0.region, self.0.seed)
    }
}
