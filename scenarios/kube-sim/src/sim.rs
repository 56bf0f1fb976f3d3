//! The embedded cluster: its objects, clock, seed and tokens, shared by the API and the controllers.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use determinism::{Chance, Clock, Seed};

use crate::authn::Tokens;
use crate::object::field::text;
use crate::outbound::Outbound;
use crate::saved::SavedObjects;
use crate::store::{GroupResource, Store};
use crate::tls::{Authority, ClusterTime, TlsError};
use crate::tunnel::Tunnels;

const EVENTS: GroupResource = ("", "events");

/// The embedded cluster: its objects, clock, seed and tokens. Clones share it.
///
/// Nothing happens by itself before [`KubeSim::run_controllers`] is polled. With the same seed, clock and order of calls,
/// the same names, uids and resource versions come out; reads change none of them.
///
/// ```
/// let sim = kube_sim::KubeSim::builder().build();
/// let (namespaces, _revision) = sim.store().list(("", "namespaces"), None);
/// assert_eq!(namespaces.len(), 4);
/// ```
#[derive(Clone)]
pub struct KubeSim(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Clock,
    chance: Mutex<Chance>,
    /// Chance of values that only readers see, so that reads do not change what is written.
    readers: Mutex<Chance>,
    seed: Seed,
    outbound: Arc<dyn Outbound>,
    tokens: Tokens,
    root_certificate: String,
    /// Made when it is first needed, since it takes entropy.
    authority: Mutex<Option<Arc<Authority>>>,
    tunnels: Tunnels,
    rbac: AtomicBool,
}

impl KubeSim {
    /// An empty cluster; see [`KubeSim::builder`] for one with the objects of a new cluster.
    pub(crate) fn empty(
        clock: Clock,
        seed: Seed,
        outbound: Arc<dyn Outbound>,
        root_certificate: String,
        tunnels: Tunnels,
    ) -> Self {
        Self(Arc::new(Inner {
            store: Store::default(),
            chance: Mutex::new(seed.chance("kube-sim")),
            readers: Mutex::new(seed.chance("kube-sim readers")),
            tokens: Tokens::new(seed),
            seed,
            clock,
            outbound,
            root_certificate,
            authority: Mutex::default(),
            tunnels,
            rbac: AtomicBool::new(false),
        }))
    }

    /// Evaluates roles and bindings from now on; until then, whoever is known may do everything.
    pub fn enable_rbac(&self) {
        self.0.rbac.store(true, Ordering::Relaxed);
    }

    /// True when roles and bindings are evaluated.
    pub(crate) fn has_rbac(&self) -> bool {
        self.0.rbac.load(Ordering::Relaxed)
    }

    /// All objects of the cluster.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The objects of this instant, for a cluster that goes on with them.
    pub fn saved(&self) -> SavedObjects {
        let (objects, revision) = self.0.store.all();
        SavedObjects { revision, objects }
    }

    /// The clock of all timestamps and deadlines.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The seed that the cluster was built with.
    pub fn seed(&self) -> Seed {
        self.0.seed
    }

    /// The way to webhooks and nodes.
    pub fn outbound(&self) -> &Arc<dyn Outbound> {
        &self.0.outbound
    }

    /// Forgets history: watches that resume from before get `410 Expired` and begin again.
    pub fn compact(&self) {
        self.0.store.compact();
    }

    /// Forgets what the API server of a real cluster forgets with time: the changes up to a revision, and the oldest events
    /// above a number.
    pub fn forget(&self, revision: u64, events_max: usize) {
        let mut events = self.0.store.list(EVENTS, None).0;
        events.sort_by_key(|event| text(event, "/metadata/resourceVersion").parse::<u64>().unwrap_or(0));
        for event in events.iter().rev().skip(events_max) {
            // One that somebody has just written again is not among the oldest any more.
            let _ = self.0.store.remove(EVENTS, event);
        }
        self.0.store.forget(revision);
    }

    /// Ends all watches, as a restart of the API server does; clients resume them.
    pub fn cut_watches(&self) {
        self.0.store.cut_watches();
    }

    /// The tokens that this cluster issued.
    pub fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    /// The authority that signs what the cluster's signers sign, and the certificates of [`KubeSim::https`].
    ///
    /// # Errors
    /// [`TlsError`] when no key can be made.
    pub fn authority(&self) -> Result<Arc<Authority>, TlsError> {
        let mut known = self.0.authority.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(authority) = &*known {
            return Ok(Arc::clone(authority));
        }
        let authority = Arc::new(Authority::generate()?);
        *known = Some(Arc::clone(&authority));
        Ok(authority)
    }

    /// The TLS settings of this API at `address`, and a kubeconfig for its administrator. Clients are known by the
    /// certificates that this cluster signs, as long as these are good by its clock.
    ///
    /// # Errors
    /// [`TlsError`] when no key can be made.
    pub fn https(&self, address: SocketAddr) -> Result<(rustls::ServerConfig, String), TlsError> {
        let (mut settings, kubeconfig) = self.authority()?.api_server(address)?;
        settings.time_provider = Arc::new(ClusterTime(self.0.clock.clone()));
        Ok((settings, kubeconfig))
    }

    /// The places for upgraded connections.
    pub(crate) fn tunnels(&self) -> &Tunnels {
        &self.0.tunnels
    }

    /// The certificate (PEM) that clients inside the cluster trust; empty unless set.
    pub(crate) fn root_certificate(&self) -> &str {
        &self.0.root_certificate
    }

    /// Draws a value that is stored, such as a uid, from the seed's sequence.
    pub(crate) fn draw<T>(&self, draw: impl FnOnce(&mut Chance) -> T) -> T {
        draw(&mut self.0.chance.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Draws a value that is not stored, such as the lifetime of a watch.
    pub(crate) fn draw_for_reader<T>(&self, draw: impl FnOnce(&mut Chance) -> T) -> T {
        draw(&mut self.0.readers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn after_many_pods_came_and_went_a_few_events_and_no_changes_are_left() {
        let sim = KubeSim::builder().build();
        let object = |name: &str| json!({"metadata": {"namespace": "default", "name": name, "uid": name}});
        for at in 0..500 {
            let pod = sim.store().create(("", "pods"), object(&format!("p{at}"))).unwrap();
            sim.store().create(EVENTS, object(&format!("e{at}"))).unwrap();
            sim.store().remove(("", "pods"), &pod).unwrap();
        }
        assert!(sim.store().remembered() >= 1500);
        sim.forget(sim.store().revision(), 10);
        let left = sim.store().list(EVENTS, None).0;
        let names: Vec<_> = left.iter().map(|event| text(event, "/metadata/name")).collect();
        assert_eq!((names.len(), names.contains(&"e499")), (10, true));
        sim.forget(sim.store().revision(), 10);
        assert_eq!(sim.store().remembered(), 0);
    }
}
