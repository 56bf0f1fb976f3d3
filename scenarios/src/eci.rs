//! A simulator in this process, for worlds that bring their own cloud.

mod line;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use determinism::{Clock, Seed};
use eci_api::Secret;
use eci_sim::{Control, EciSim, Exchange, Incoming, Latency, StoreError};
use provider::eci::Credentials;

use self::line::Line;

/// The id of the access key that the simulator takes.
pub const ACCESS_KEY_ID: &str = "local";
/// The secret of that key; it opens nothing but this process.
pub const ACCESS_KEY_SECRET: &str = "local-secret";
/// The region.
pub const REGION: &str = "cn-hangzhou";

/// A local ECI; cheap to clone.
#[derive(Clone)]
pub struct Eci {
    sim: EciSim,
    control: Control,
    operator: provider::eci::Eci,
}

impl Eci {
    /// A simulator in this process.
    pub fn here(clock: &Clock, seed: Seed) -> Self {
        Self::of(Self::builder(clock, seed).build(), clock, seed)
    }

    /// The same for clients of this machine, too, that sign by its time; with this latency of its steps, and, where a folder is
    /// given, with the world that is kept there. What people do by hand is signed from a seed of its own, since the cloud
    /// remembers nonces.
    ///
    /// # Errors
    /// [`StoreError`] when the folder cannot be used.
    pub(crate) fn open_to_clients(
        clock: &Clock,
        (seed, operators): (Seed, Seed),
        latency: Latency,
        data: Option<&Path>,
    ) -> Result<Self, StoreError> {
        let builder = Self::builder(clock, seed).clients_clock(Clock::system()).latency(latency);
        let sim = match data {
            Some(folder) => builder.persist(folder, None)?,
            None => builder.build(),
        };
        Ok(Self::of(sim, clock, operators))
    }

    fn builder(clock: &Clock, seed: Seed) -> eci_sim::Builder {
        let builder = EciSim::builder().clock(clock.clone()).seed(seed).region(REGION);
        builder.credential(ACCESS_KEY_ID, Secret::new(ACCESS_KEY_SECRET))
    }

    fn of(sim: EciSim, clock: &Clock, seed: Seed) -> Self {
        // a seed of its own, since the cloud takes no signature's nonce twice
        let number = seed.chance("operator").between(0, u64::from(u32::MAX));
        let seed = Seed::numbered(u32::try_from(number).unwrap_or_default());
        let line = Arc::new(Line(sim.clone()));
        let operator = provider::eci::Eci::new(line, credentials(), REGION, clock.clone(), seed);
        Self { control: sim.control(), sim, operator }
    }

    /// The bill up to now.
    pub fn bill(&self) -> eci_sim::Bill {
        self.control.bill()
    }

    /// The simulator's control API: faults, scripts, ledger.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The provider's transport to the simulator.
    pub(crate) fn line(&self) -> Arc<dyn provider::eci::Transport> {
        Arc::new(Line(self.sim.clone()))
    }

    /// A client of the OpenAPI beside the provider's, for what people do by hand.
    pub(crate) fn operator(&self) -> &provider::eci::Eci {
        &self.operator
    }

    /// One exchange of the OpenAPI.
    pub(crate) fn exchange(&self, request: Incoming) -> Exchange {
        self.sim.exchange(request)
    }

    /// One exchange with the simulator's control API.
    pub(crate) fn control_exchange(&self, request: &Incoming) -> Exchange {
        self.control.exchange(request)
    }
}

/// The access key that the simulator takes.
pub(crate) fn credentials() -> Credentials {
    Credentials { access_key_id: ACCESS_KEY_ID.to_owned(), secret: Secret::new(ACCESS_KEY_SECRET) }
}

impl fmt::Debug for Eci {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Eci({:?})", self.sim)
    }
}
