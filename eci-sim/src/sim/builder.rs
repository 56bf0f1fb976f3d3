//! The builder of a simulator.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use determinism::{Clock, Seed};
use eci_api::signature::Secret;

use super::command::CommandError;
use super::{EciSim, Inner};
use crate::catalog::table::TableError;
use crate::commands::Command;
use crate::followers::Followers;
use crate::latency::Latency;
use crate::money::Currency;
use crate::persistence::store::{Store, StoreError};
use crate::persistence::writer::COMPACT_FROM_BYTES;
use crate::prices::{PriceFile, Tariff};
use crate::state::State;

/// The region of calls that name none and come to no region's endpoint.
const DEFAULT_REGION: &str = "cn-hangzhou";
/// The account of calls within the process, where there is no credential.
const DEFAULT_ACCOUNT: &str = "local";

/// Puts a local ECI together.
pub struct Builder {
    clock: Clock,
    clients_clock: Option<Clock>,
    seed: Seed,
    region: String,
    tariff: Tariff,
    credentials: Vec<(String, Secret, String)>,
    ram_role: Option<String>,
    compact_from: u64,
    latency: Option<Latency>,
}

impl EciSim {
    /// A builder with the machine's monotonic clock, the default seed, the region `cn-hangzhou` and no credential.
    pub fn builder() -> Builder {
        Builder {
            clock: Clock::monotonic(),
            clients_clock: None,
            seed: Seed::DEFAULT,
            region: DEFAULT_REGION.to_owned(),
            tariff: Tariff::default(),
            credentials: Vec::new(),
            ram_role: None,
            compact_from: COMPACT_FROM_BYTES,
            latency: None,
        }
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

    /// A RAM role of the first key's account: STS gives temporary keys of it to whoever brings an OIDC token, and the
    /// metadata service to everybody.
    #[must_use]
    pub fn ram_role(self, name: impl Into<String>) -> Self {
        Self { ram_role: Some(name.into()), ..self }
    }

    /// The region of calls that name none.
    #[must_use]
    pub fn region(self, region: impl Into<String>) -> Self {
        Self { region: region.into(), ..self }
    }

    /// Sets the currency of the bill, whose compiled-in prices apply.
    #[must_use]
    pub fn currency(self, currency: Currency) -> Self {
        Self { tariff: Tariff::of(currency), ..self }
    }

    /// Sets the currency of the bill, and prices that go before the compiled-in ones: CSV in the columns of
    /// `eci-sim/data/prices.csv`.
    ///
    /// # Errors
    /// [`TableError`] with file, row and reason for a row that cannot be, a gap and an overlap.
    pub fn prices(self, currency: Currency, files: &[PriceFile<'_>]) -> Result<Self, TableError> {
        Ok(Self { tariff: Tariff::with_files(currency, files)?, ..self })
    }

    /// Sets the latency of the steps of groups; without it the published one, or that of a restored world.
    #[must_use]
    pub fn latency(self, latency: Latency) -> Self {
        Self { latency: Some(latency), ..self }
    }

    /// Compacts the journal into a snapshot once it is larger than `bytes` and than the previous snapshot.
    #[must_use]
    pub fn compact_from(self, bytes: u64) -> Self {
        Self { compact_from: bytes, ..self }
    }

    /// Builds the simulator of the world that is persisted in a directory, or of a new one there: every call is on the
    /// disk before it is answered. `rate` sets the clock's rate; without it the clock runs as it did.
    ///
    /// Calls of the control API through [`crate::ControlServer`] are persisted; those through [`crate::Control`] are not.
    ///
    /// # Errors
    /// [`StoreError`] when the directory cannot be used, or what stands there is damaged.
    pub fn persist(mut self, dir: &Path, rate: Option<u32>) -> Result<EciSim, StoreError> {
        let (compact_from, latency) = (self.compact_from, self.latency.take());
        let sim = self.build();
        sim.persist_in(Store::open(dir)?, rate, compact_from)?;
        // In the journal, so that the calls before are replayed with the latency of then.
        if let Some(latency) = latency.filter(|latency| *latency != sim.control().latency()) {
            // A latency can always be set, if only it can be written.
            if let Err(CommandError::Store(why)) = sim.command(Command::SetLatency(latency)) {
                return Err(why);
            }
        }
        Ok(sim)
    }

    /// The simulator.
    pub fn build(self) -> EciSim {
        let account =
            self.credentials.first().map_or(DEFAULT_ACCOUNT, |(_, _, account)| account.as_str()).into();
        let credentials = self.credentials.into_iter();
        let mut state = State::fresh(self.seed, self.clock.now());
        state.world.tariff = self.tariff.clone();
        state.world.latency = self.latency.unwrap_or_default();
        EciSim::of(Inner {
            state: Mutex::new(state),
            clock: self.clock,
            clients_clock: self.clients_clock,
            seed: self.seed,
            region: self.region,
            tariff: self.tariff,
            credentials: Arc::new(
                credentials.map(|(key, secret, account)| (key, (secret, account.into()))).collect(),
            ),
            account,
            ram_role: self.ram_role.map(Into::into),
            snapshots: Mutex::default(),
            followers: Followers::default(),
            writer: OnceLock::new(),
            engine: Mutex::default(),
        })
    }
}
