//! A Kubernetes API in one process; it knows nothing of ECI.
//!
//! A service first, a listener second: [`KubeSim::service`] answers `kube::Client` in process, under a paused clock too;
//! [`server::serve`] puts the same service behind HTTPS for kubectl.

pub mod admission;
pub mod authn;
pub mod controllers;
pub mod outbound;
pub mod pods;
pub mod scheduler;
pub mod server;
pub mod status;
pub mod tls;

pub(crate) mod decode;
pub(crate) mod defaults;
pub(crate) mod discovery;
pub(crate) mod events;
pub(crate) mod json;
pub mod kinds;
pub(crate) mod meta;
pub mod node_proxy;
pub(crate) mod openapi;
pub(crate) mod patch;
pub(crate) mod protobuf;
pub(crate) mod quantity;
pub(crate) mod reviews;
pub(crate) mod schema;
pub(crate) mod selector;
pub(crate) mod service;
pub mod store;
pub(crate) mod table;
pub(crate) mod validation;
pub(crate) mod watching;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use determinism::{Chance, Clock, Seed};

pub use outbound::{HttpsOutbound, Outbound, OutboundError};
pub use service::KubeService;
pub use status::ApiError;

/// An error while a body is transferred.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;
/// The body of an answer: whole, or a stream of watch events.
pub type KubeBody = http_body_util::combinators::UnsyncBoxBody<Bytes, BodyError>;

/// The embedded cluster; clones share it.
#[derive(Clone)]
pub struct KubeSim(Arc<Inner>);

struct Inner {
    store: store::Store,
    clock: Clock,
    chance: Mutex<Chance>,
    /// Chance of values that only readers see, so that reads do not change what is written.
    readers: Mutex<Chance>,
    seed: Seed,
    outbound: Arc<dyn Outbound>,
    tokens: authn::Tokens,
    root_certificate: String,
}

/// The settings of a cluster; see [`KubeSim::builder`].
pub struct KubeSimBuilder {
    clock: Option<Clock>,
    seed: Seed,
    outbound: Option<Arc<dyn Outbound>>,
    root_certificate: String,
}

impl KubeSimBuilder {
    /// The clock of all timestamps and deadlines; the machine's unless set.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The seed of generated names, uids and addresses.
    #[must_use]
    pub fn seed(mut self, seed: Seed) -> Self {
        self.seed = seed;
        self
    }

    /// The way to webhooks and nodes; HTTPS over the network unless set.
    #[must_use]
    pub fn outbound(mut self, outbound: Arc<dyn Outbound>) -> Self {
        self.outbound = Some(outbound);
        self
    }

    /// The certificate (PEM) that this server's own goes back to: every namespace's `kube-root-ca.crt` holds it.
    #[must_use]
    pub fn root_certificate(mut self, pem: impl Into<String>) -> Self {
        self.root_certificate = pem.into();
        self
    }

    /// The cluster, with its four namespaces, and nothing running yet.
    pub fn build(self) -> KubeSim {
        let clock = self.clock.unwrap_or_else(Clock::monotonic);
        let outbound = self.outbound.unwrap_or_else(|| Arc::new(HttpsOutbound::new()));
        let sim = KubeSim(Arc::new(Inner {
            store: store::Store::default(),
            chance: Mutex::new(self.seed.chance("kube-sim")),
            readers: Mutex::new(self.seed.chance("kube-sim readers")),
            tokens: authn::Tokens::new(self.seed),
            seed: self.seed,
            clock,
            outbound,
            root_certificate: self.root_certificate,
        }));
        defaults::bootstrap(&sim);
        sim
    }
}

impl KubeSim {
    /// A cluster on the machine's clock with the default seed, unless told otherwise.
    pub fn builder() -> KubeSimBuilder {
        KubeSimBuilder { clock: None, seed: Seed::DEFAULT, outbound: None, root_certificate: String::new() }
    }

    /// The API, for requests that are already known to come from a cluster administrator.
    pub fn service(&self) -> KubeService {
        KubeService::new(self.clone(), authn::User::admin())
    }

    /// All objects of the cluster.
    pub fn store(&self) -> &store::Store {
        &self.0.store
    }

    /// The clock of all timestamps and deadlines; the machine's unless set.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The seed that the cluster was built with.
    pub fn seed(&self) -> Seed {
        self.0.seed
    }

    /// The way to webhooks and nodes; HTTPS over the network unless set.
    pub fn outbound(&self) -> &Arc<dyn Outbound> {
        &self.0.outbound
    }

    /// Forgets history, so that watches that resume are told to begin again.
    pub fn compact(&self) {
        self.0.store.compact();
    }

    /// Ends all watches, as a restart of the API server does; clients resume them.
    pub fn cut_watches(&self) {
        self.0.store.cut_watches();
    }

    /// Tokens of service accounts.
    pub fn tokens(&self) -> &authn::Tokens {
        &self.0.tokens
    }

    /// The certificate (PEM) that clients inside the cluster trust; empty unless set.
    pub(crate) fn root_certificate(&self) -> &str {
        &self.0.root_certificate
    }

    /// Draws from this cluster's chance.
    pub(crate) fn draw<T>(&self, draw: impl FnOnce(&mut Chance) -> T) -> T {
        draw(&mut self.0.chance.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Draws a value that is not stored, such as the lifetime of a watch.
    pub(crate) fn draw_for_reader<T>(&self, draw: impl FnOnce(&mut Chance) -> T) -> T {
        draw(&mut self.0.readers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
