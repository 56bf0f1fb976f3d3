//! The control API over HTTP: JSON in, JSON out; for programs and for its own page, not for pages of other origins.

mod access;
mod dispatch;
mod documents;
mod endpoint;
mod error;
mod handlers;
mod openapi;
mod routes;

use std::sync::Arc;

use eci_api::Secret;

use super::Control;
use super::wire::Forked;
use crate::exchange::Incoming;
use crate::sim::EciSim;
use access::Access;
pub use error::ForkError;

/// Opens listeners for a second simulator; returns their addresses.
type Opener = dyn Fn(EciSim) -> Result<Forked, ForkError> + Send + Sync;

/// The control API as a listener serves it; cheap to clone.
#[derive(Clone)]
pub struct ControlServer {
    control: Control,
    access: Access,
    opener: Option<Arc<Opener>>,
    clock_only: bool,
}

impl ControlServer {
    /// A server for programs on this machine.
    pub fn new(control: Control) -> Self {
        Self { control, access: Access::default(), opener: None, clock_only: false }
    }

    /// Admits whoever sends this token, from any machine, and nobody else.
    #[must_use]
    pub fn with_token(mut self, token: Secret) -> Self {
        self.access = Access::with_token(token);
        self
    }

    /// A server for followers of the clock on any machine: it serves the clock without a token, and no other route.
    pub fn for_clock(control: Control) -> Self {
        Self { access: Access::anonymous(), clock_only: true, ..Self::new(control) }
    }

    /// Lets the server fork: `open` opens listeners for a second simulator.
    #[must_use]
    pub fn with_forks(
        self,
        open: impl Fn(EciSim) -> Result<Forked, ForkError> + Send + Sync + 'static,
    ) -> Self {
        Self { opener: Some(Arc::new(open)), ..self }
    }

    /// True for a request whose sender is authorized: only such a request can do more than be refused.
    pub fn authorizes(&self, request: &Incoming) -> bool {
        self.access.is_authorized(request)
    }
}
