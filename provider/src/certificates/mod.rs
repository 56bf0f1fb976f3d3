//! One store of certificates: an authority in a Secret, made and renewed here, from which both ports get theirs.
//!
//! The Secret holds `ca.crt`, the bundle by which the webhook is verified (the authority in use first, then those before
//! it until they end), and `ca.key`. Certificates of the ports are issued in memory, for this process's own addresses.
//! An authority that is replaced goes into the Secret, then into the webhook's registration, and only then into use, so
//! that nobody is shown what is not verified yet. Whoever empties the Secret or the registration, as a tool does that
//! applies a rendered chart, finds both filled again within [`PERIOD`].

pub mod authority;
mod store;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use determinism::Clock;
use kube::Client;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::namespaced_name::NamespacedName;
use authority::{Authority, AuthorityError, Leaf, bundle};
use store::{Stored, Writing};

/// The pause between two comparisons of Secret and registration with what they should be.
pub const PERIOD: Duration = Duration::from_secs(60);
/// The most conflicting writes of others that one round gives way to.
const RACES_MAX: usize = 5;

/// A round that did not come to its end; the next one is [`PERIOD`] later, and the ports show what they had.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    /// Certificates themselves.
    #[error("the Secret {secret}: {why}; empty or delete it, and the provider fills it anew")]
    Stored {
        /// The Secret.
        secret: NamespacedName,
        /// The error in the Secret's content.
        why: AuthorityError,
    },
    /// Making one.
    #[error(transparent)]
    Made(#[from] AuthorityError),
    /// The Secret.
    #[error("the Secret {secret} cannot be {done}: {}", crate::causes::with_causes(.why))]
    Secret {
        /// The Secret.
        secret: NamespacedName,
        /// The failed operation as a participle, as `read` or `written`.
        done: &'static str,
        /// The API server's or the connection's error.
        why: kube::Error,
    },
    /// The registration of the webhook.
    #[error("the webhook's registration {name} cannot be told its authority: {}", crate::causes::with_causes(.why))]
    Registration {
        /// The name of the MutatingWebhookConfiguration.
        name: String,
        /// The API server's or the connection's error.
        why: kube::Error,
    },
    /// Somebody else wrote the Secret each time.
    #[error("the Secret {0} is written by others again and again")]
    Raced(NamespacedName),
}

/// The holders of certificates, and the objects in which certificates and authority are kept.
#[derive(Debug, Clone)]
pub struct Names {
    /// The Secret.
    pub secret: NamespacedName,
    /// The MutatingWebhookConfiguration that is told the authority.
    pub registration: Option<String>,
    /// The node.
    pub node: String,
    /// The names by which the ports are called.
    pub hosts: Vec<String>,
    /// The addresses by which they are called.
    pub addresses: Vec<IpAddr>,
}

/// The store, as one process sees it.
pub struct Certificates {
    client: Client,
    names: Names,
    clock: Clock,
    authority: Authority,
    /// Authorities that are trusted.
    trusted: String,
    leaf: Leaf,
    issuer: Authority,
    shown: Arc<Shown>,
}

/// The certificate that both ports show at the moment.
#[derive(Debug)]
pub struct Shown(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl Shown {
    /// The certificate with its key.
    pub fn current(&self) -> Arc<CertifiedKey> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Certificates {
    /// A store that has not looked at its Secret yet, with an authority of its own; `clock` is the one by which peers
    /// judge certificates.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn new(client: Client, names: Names, clock: Clock) -> Result<Self, AuthorityError> {
        let now = clock.now();
        let authority = Authority::made(now)?;
        let leaf = authority.issue(&names.node, &names.hosts, &names.addresses, now)?;
        let shown = Arc::new(Shown(RwLock::new(leaf.key.clone())));
        let (trusted, issuer) = (bundle(&authority, "", now), authority.clone());
        Ok(Self { client, names, clock, authority, trusted, leaf, issuer, shown })
    }

    /// The certificate that the ports show, now and after each renewal.
    pub fn shown(&self) -> Arc<Shown> {
        self.shown.clone()
    }

    /// The authorities by which the ports are verified, in PEM.
    pub fn trusted(&self) -> &str {
        &self.trusted
    }

    /// Keeps the store for ever.
    pub fn run(self) -> BoxFuture<'static, ()> {
        self.keep().boxed()
    }

    async fn keep(mut self) {
        let mut last = String::new();
        loop {
            // the same trouble is told once
            let trouble = self.reconcile().await.err().map(|error| error.to_string()).unwrap_or_default();
            if trouble != last && !trouble.is_empty() {
                tracing::warn!("{trouble}");
            } else if trouble != last {
                tracing::info!("certificates are as they should be again");
            }
            last = trouble;
            tokio::time::sleep(PERIOD).await;
        }
    }

    /// One round: Secret, registration, ports.
    ///
    /// # Errors
    /// [`CertificatesError`]; the ports then show a certificate of the authority that is known, as long as it is good.
    pub fn reconcile(&mut self) -> BoxFuture<'_, Result<(), CertificatesError>> {
        self.round().boxed()
    }

    async fn round(&mut self) -> Result<(), CertificatesError> {
        let agreed = self.agree().await;
        let told = match &self.names.registration {
            Some(name) => {
                let told = store::trust(&self.client, name, &self.trusted).await;
                told.map_err(|why| CertificatesError::Registration { name: name.clone(), why })
            }
            None => Ok(()),
        };
        self.show(told.is_ok())?;
        agreed.and(told)
    }

    /// Agrees with the Secret, and so with other replicas, on the authority: the stored one counts, unless it is due.
    async fn agree(&mut self) -> Result<(), CertificatesError> {
        for _ in 0..RACES_MAX {
            let secret = self.names.secret.clone();
            let failed = |done| move |why| CertificatesError::Secret { secret, done, why };
            let stored = store::read(&self.client, &self.names.secret).await.map_err(failed("read"))?;
            let now = self.clock.now();
            if let Some(data) = &stored.data {
                let authority = Authority::stored(&data.bundle, &data.key);
                let secret = self.names.secret.clone();
                self.authority = authority.map_err(|why| CertificatesError::Stored { secret, why })?;
                self.trusted = bundle(&self.authority, &data.bundle, now);
            }
            let is_due = self.authority.validity().is_due(now);
            if stored.data.is_some() && !is_due {
                return Ok(());
            }
            if self.write(&stored, is_due).await? == Writing::Done {
                return Ok(());
            }
        }
        Err(CertificatesError::Raced(self.names.secret.clone()))
    }

    /// Writes the authority that is known, or a new one in the place of one that is due.
    async fn write(&mut self, stored: &Stored, is_due: bool) -> Result<Writing, CertificatesError> {
        let now = self.clock.now();
        let authority = if is_due { Authority::made(now)? } else { self.authority.clone() };
        let trusted = bundle(&authority, &self.trusted, now);
        let secret = self.names.secret.clone();
        let written = store::write(&self.client, &self.names.secret, stored, &trusted, authority.key()).await;
        let written = written.map_err(|why| CertificatesError::Secret { secret, done: "written", why })?;
        if written == Writing::Done {
            tracing::info!(secret = %self.names.secret, until = %authority.validity().until, "a certificate authority was stored");
            (self.authority, self.trusted) = (authority, trusted);
        }
        Ok(written)
    }

    /// Has the ports show a certificate of the authority, a new one when that is due. While the API server does not
    /// know a new authority, they show one of the authority before, as long as that is good.
    fn show(&mut self, is_told: bool) -> Result<(), AuthorityError> {
        let now = self.clock.now();
        let is_new = self.issuer != self.authority;
        let switch = is_new && (is_told || self.leaf.validity.is_over(now));
        if !switch && !self.leaf.validity.is_due(now) {
            return Ok(());
        }
        if switch {
            self.issuer = self.authority.clone();
        }
        let Names { node, hosts, addresses, .. } = &self.names;
        self.leaf = self.issuer.issue(node, hosts, addresses, now)?;
        *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = self.leaf.key.clone();
        Ok(())
    }
}
