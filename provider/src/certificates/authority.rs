//! The provider's own certificate authority, and the certificates that it issues for both ports.

use std::net::IpAddr;
use std::sync::Arc;

use certificate_authority::{CertificateError, CertificateTemplate};
use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

/// The life of an authority.
pub const AUTHORITY_LIFE: SignedDuration = SignedDuration::from_hours(3 * 365 * 24);
/// The life of a certificate of a port.
pub const LEAF_LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Certificates are good from a little before they are made: clocks of other machines may be behind.
const SKEW: SignedDuration = SignedDuration::from_hours(1);
/// The common name by which an authority of ours is known.
const NAME: &str = "virtual-node-authority";

/// A certificate that cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The library.
    #[error("a certificate cannot be made: {0}")]
    Made(#[from] CertificateError),
    /// The TLS library.
    #[error("a certificate cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
    /// Something that was stored.
    #[error("{what} is no {should}")]
    Stored {
        /// The entry.
        what: &'static str,
        /// The expected content, as `key of the authority in ca.crt`.
        should: &'static str,
    },
}

/// The time in which a certificate is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The instant from which a certificate is good.
    pub from: Timestamp,
    /// The instant from which a certificate is good no more.
    pub until: Timestamp,
}

impl Validity {
    /// Returns true once two thirds of the validity are over at `now`, so that it is time for another certificate.
    pub fn is_due(self, now: Timestamp) -> bool {
        let life = self.until.duration_since(self.from);
        now >= self.from.saturating_add(life * 2 / 3).unwrap_or(self.until)
    }

    /// Returns true once the validity is over at `now`.
    pub fn is_over(self, now: Timestamp) -> bool {
        now >= self.until
    }

    fn starting(now: Timestamp, life: SignedDuration) -> Self {
        Self {
            from: now.saturating_add(-SKEW).unwrap_or(Timestamp::MIN),
            until: now.saturating_add(life).unwrap_or(Timestamp::MAX),
        }
    }

    fn of(certificate: &[u8]) -> Option<Self> {
        let (_, read) = x509_parser::parse_x509_certificate(certificate).ok()?;
        let time = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp()).ok();
        Some(Self { from: time(read.validity().not_before)?, until: time(read.validity().not_after)? })
    }

    fn range(self) -> certificate_authority::Validity {
        self.from.into()..self.until.into()
    }
}

/// A private key in PEM, which is never printed.
#[derive(Clone)]
pub struct KeyPem(String);

impl KeyPem {
    /// Takes the text in.
    pub fn new(pem: String) -> Self {
        Self(pem)
    }

    /// The text, to be stored.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// A certificate authority with its key.
#[derive(Clone)]
pub struct Authority {
    certificate: String,
    key: KeyPem,
    validity: Validity,
}

impl PartialEq for Authority {
    fn eq(&self, other: &Self) -> bool {
        self.certificate == other.certificate
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Authority({:?})", self.validity)
    }
}

/// A certificate for both ports.
#[derive(Clone)]
pub struct Leaf {
    /// With its key, as a listener takes it.
    pub key: Arc<CertifiedKey>,
    /// The time in which the certificate is good.
    pub validity: Validity,
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// [`AuthorityError::Made`].
    pub fn made(now: Timestamp) -> Result<Self, AuthorityError> {
        let validity = Validity::starting(now, AUTHORITY_LIFE);
        let made = certificate_authority::Authority::generate(NAME, Some(validity.range()))?;
        Ok(Self { certificate: made.certificate().to_owned(), key: KeyPem(made.key()), validity })
    }

    /// The authority of a stored pair: the first certificate of `bundle` (PEM), and its key.
    ///
    /// # Errors
    /// [`AuthorityError::Stored`] when it is none that was made by [`Authority::made`].
    pub fn stored(bundle: &str, key: &KeyPem) -> Result<Self, AuthorityError> {
        let no_authority =
            AuthorityError::Stored { what: "ca.crt", should: "authority that a provider made" };
        let Some(Ok(der)) = CertificateDer::pem_slice_iter(bundle.as_bytes()).next() else {
            return Err(no_authority);
        };
        let Some(validity) = Validity::of(&der).filter(|_| is_ours(&der)) else { return Err(no_authority) };
        let no_key = || AuthorityError::Stored { what: "ca.key", should: "key of the authority in ca.crt" };
        let private = PrivateKeyDer::from_pem_slice(key.0.as_bytes()).map_err(|_| no_key())?;
        let provider = rustls::crypto::ring::default_provider();
        CertifiedKey::from_der(vec![der], private, &provider).map_err(|_| no_key())?;
        let certificate = certificates(bundle).into_iter().next().unwrap_or_default();
        let authority = Self { certificate, key: key.clone(), validity };
        authority.signer().map_err(|_| no_key())?;
        Ok(authority)
    }

    /// The certificate, in PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The key.
    pub fn key(&self) -> &KeyPem {
        &self.key
    }

    /// The time in which the authority's certificate is good.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Issues a certificate for the node `node` and for every one of these names and addresses.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn issue(
        &self,
        node: &str,
        names: &[String],
        addresses: &[IpAddr],
        now: Timestamp,
    ) -> Result<Leaf, AuthorityError> {
        let mut validity = Validity::starting(now, LEAF_LIFE);
        validity.until = validity.until.min(self.validity.until);
        let addresses = addresses.iter().map(ToString::to_string);
        let hosts = names.iter().cloned().chain(addresses);
        let template = CertificateTemplate::server(&format!("system:node:{node}"), hosts)
            .organization("system:nodes")
            .valid(validity.range());
        let (certificate, private) = self.signer()?.sign(template)?.into_der();
        let provider = rustls::crypto::ring::default_provider();
        let key = CertifiedKey::from_der(vec![certificate], private, &provider)?;
        Ok(Leaf { key: Arc::new(key), validity })
    }

    fn signer(&self) -> Result<certificate_authority::Authority, CertificateError> {
        certificate_authority::Authority::stored(NAME, self.certificate.clone(), &self.key.0)
    }
}

fn is_ours(certificate: &[u8]) -> bool {
    let read = x509_parser::parse_x509_certificate(certificate);
    read.is_ok_and(|(_, read)| read.subject().to_string() == format!("CN={NAME}"))
}

/// The certificates in a PEM text, one by one, each as it stands there.
fn certificates(bundle: &str) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----";
    let each = bundle.split_inclusive(END).filter(|part| part.contains(END));
    each.map(|part| format!("{}\n", part.trim())).collect()
}

/// The bundle in which `current` stands first, followed by what `before` held and is still good at `now`.
pub fn bundle(current: &Authority, before: &str, now: Timestamp) -> String {
    let mut bundle = current.certificate.trim().to_owned() + "\n";
    for certificate in certificates(before) {
        let der = CertificateDer::from_pem_slice(certificate.as_bytes()).ok();
        let good =
            der.as_ref().and_then(|der| Validity::of(der)).is_some_and(|validity| !validity.is_over(now));
        if good && !bundle.contains(certificate.trim()) {
            bundle.push_str(&certificate);
        }
    }
    bundle
}
