//! The builder of an embedded cluster.

use std::sync::Arc;

use determinism::{Clock, Seed};

use crate::defaults;
use crate::outbound::{HttpsOutbound, Outbound};
use crate::saved::SavedObjects;
use crate::sim::KubeSim;
use crate::tunnel::{TUNNELS_MAX, Tunnels};

/// The settings of a cluster; see [`KubeSim::builder`].
pub struct KubeSimBuilder {
    clock: Option<Clock>,
    seed: Seed,
    outbound: Option<Arc<dyn Outbound>>,
    root_certificate: String,
    tunnels_max: usize,
    objects: Option<SavedObjects>,
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

    /// The bound of exec, attach, port-forward and other upgraded connections at a time; 1,024 unless set.
    #[must_use]
    pub fn tunnels_max(mut self, max: usize) -> Self {
        self.tunnels_max = max;
        self
    }

    /// The objects to begin with, instead of those of a new cluster. Watches of the cluster they are from begin anew; another
    /// seed than that cluster's keeps uids from being drawn twice.
    #[must_use]
    pub fn objects(mut self, saved: SavedObjects) -> Self {
        self.objects = Some(saved);
        self
    }

    /// The cluster, with its four namespaces and what is in them; no controller runs yet.
    pub fn build(self) -> KubeSim {
        let clock = self.clock.unwrap_or_else(Clock::monotonic);
        let outbound = self.outbound.unwrap_or_else(|| Arc::new(HttpsOutbound::new()));
        let tunnels = Tunnels::new(self.tunnels_max);
        let sim = KubeSim::empty(clock, self.seed, outbound, self.root_certificate, tunnels);
        match self.objects {
            Some(SavedObjects { objects, revision }) => sim.store().restore(objects, revision),
            None => defaults::bootstrap(&sim),
        }
        sim
    }
}

impl KubeSim {
    /// A builder with the defaults: the machine's clock, the default seed, HTTPS over the network, no root certificate.
    pub fn builder() -> KubeSimBuilder {
        KubeSimBuilder {
            clock: None,
            seed: Seed::DEFAULT,
            outbound: None,
            root_certificate: String::new(),
            tunnels_max: TUNNELS_MAX,
            objects: None,
        }
    }
}
