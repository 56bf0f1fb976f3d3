//! The choices before a stepped world begins: its seed, its files, and the perturbation of its calls.

use std::path::PathBuf;

use determinism::{Clock, Seed};
use tokio::runtime::{Handle, RuntimeFlavor};

use super::{BEGINNING, World};
use crate::cluster::embedded::Embedded;
use crate::cluster::error::StartError;
use crate::cluster::interface::WorldParts;
use crate::eci::Eci;
use crate::sweep::branches::Branches;
use crate::sweep::journal::Journal;
use crate::sweep::plan::Plan;
use crate::sweep::tap::Tap;

/// The seed, files and perturbation of a world that has not begun; made by [`World::builder`].
#[derive(Debug, Clone)]
pub struct Builder {
    seed: Seed,
    folder: PathBuf,
    plan: Option<Plan>,
    branches: Option<Branches>,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self { seed: Seed::DEFAULT, folder: PathBuf::from("."), plan: None, branches: None }
    }

    /// Sets the seed of this world's randomness; without it, [`Seed::DEFAULT`].
    #[must_use]
    pub fn seed(mut self, seed: Seed) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the folder of the files that a case names; without it, the working directory.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    /// Taps the provider's lines: all is written into a journal, and perturbed as `plan` says.
    #[must_use]
    pub fn perturbed(mut self, plan: Plan) -> Self {
        self.plan = Some(plan);
        self
    }

    /// Taps the provider's lines, and lets these branches go their own ways at their places, each in a process of its own.
    ///
    /// For a process of one thread.
    #[must_use]
    pub fn branching(mut self, branches: Branches) -> Self {
        self.branches = Some(branches);
        self
    }

    /// Begins the world at [`BEGINNING`], and waits until its virtual node is ready.
    ///
    /// # Errors
    /// As [`World::start`].
    pub async fn start(self) -> Result<World, StartError> {
        let one_thread = |handle: Handle| handle.runtime_flavor() == RuntimeFlavor::CurrentThread;
        if !Handle::try_current().is_ok_and(one_thread) {
            return Err(StartError::WrongRuntime);
        }
        let beginning = BEGINNING.parse().map_err(StartError::of::<jiff::Error>("the clock"))?;
        let clock = Clock::following_runtime(beginning);
        let eci = Eci::here(&clock, self.seed);
        let is_tapped = self.plan.is_some() || self.branches.is_some();
        let plan = self.plan.unwrap_or_default();
        let tap = is_tapped.then(|| Tap::new(plan, self.branches, Journal::new(clock.clone())));
        let parts = WorldParts { clock, seed: self.seed, eci, tap };
        let cluster = Embedded::start(parts.clone()).await?;
        Ok(World { beginning, ..World::of(Box::new(cluster), parts, self.folder) })
    }
}
