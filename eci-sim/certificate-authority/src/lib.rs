//! X.509 certificates that are made on the spot: an authority, the certificates that it signs, and self-signed ones.
//!
//! ```
//! use certificate_authority::{Authority, CertificateTemplate};
//!
//! let authority = Authority::generate("local", None)?;
//! let server = authority.sign(CertificateTemplate::server("api", ["127.0.0.1", "localhost"]))?;
//! assert!(server.certificate.starts_with("-----BEGIN CERTIFICATE-----"));
//! # Ok::<(), certificate_authority::CertificateError>(())
//! ```
//!
//! Keys are of ECDSA on P-256. Where no validity is given, a certificate is good for as long as anybody's clock goes.

mod request;

use std::fmt;
use std::ops::Range;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

pub use request::{CertificateRequest, KeyPurpose, RequestError};

/// A key or certificate that cannot be made, or a stored key that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct CertificateError(#[from] rcgen::Error);

/// The validity of a certificate: good from the start on, and no more at the end; whole seconds since 1970.
pub type Validity = Range<SystemTime>;

/// The content of a certificate that is asked for.
#[derive(Debug, Clone)]
#[must_use]
pub struct CertificateTemplate {
    common_name: String,
    organization: Option<String>,
    names: Vec<String>,
    usages: Vec<ExtendedKeyUsagePurpose>,
    validity: Option<Validity>,
}

impl CertificateTemplate {
    /// A server's certificate; `names` are the DNS names and IP addresses by which it is reached.
    pub fn server(common_name: &str, names: impl IntoIterator<Item: ToString>) -> Self {
        Self {
            common_name: common_name.to_owned(),
            organization: None,
            names: names.into_iter().map(|name| name.to_string()).collect(),
            usages: vec![ExtendedKeyUsagePurpose::ServerAuth],
            validity: None,
        }
    }

    /// A client's certificate for a user and its group, as Kubernetes reads common name and organization.
    pub fn client(user: &str, group: Option<&str>) -> Self {
        Self {
            common_name: user.to_owned(),
            organization: group.map(str::to_owned),
            names: Vec::new(),
            usages: vec![ExtendedKeyUsagePurpose::ClientAuth],
            validity: None,
        }
    }

    /// The same with this organization in its subject.
    pub fn organization(mut self, organization: &str) -> Self {
        self.organization = Some(organization.to_owned());
        self
    }

    /// The same, for a server that shows its certificate also when it calls others.
    pub fn also_client(mut self) -> Self {
        self.usages.push(ExtendedKeyUsagePurpose::ClientAuth);
        self
    }

    /// The same, good for this time only.
    pub fn valid(mut self, validity: Validity) -> Self {
        self.validity = Some(validity);
        self
    }

    /// Signs the certificate with its own new key: whoever is to trust it is given the certificate itself.
    ///
    /// # Errors
    /// [`CertificateError`] when a name is neither a DNS name nor an address, or the machine gives no entropy.
    pub fn self_signed(self) -> Result<Identity, CertificateError> {
        let key = KeyPair::generate()?;
        let certificate = self.params()?.self_signed(&key)?;
        Ok(Identity::new(&certificate, &key))
    }

    fn params(self) -> Result<CertificateParams, CertificateError> {
        let mut params = CertificateParams::new(self.names)?;
        params.distinguished_name = subject(&self.common_name, self.organization.as_deref());
        params.extended_key_usages = self.usages;
        limit(&mut params, self.validity);
        Ok(params)
    }
}

/// A certificate and its private key.
pub struct Identity {
    /// Certificate, as PEM.
    pub certificate: String,
    /// Private key, as PEM; never printed.
    pub key: String,
    der: (CertificateDer<'static>, PrivateKeyDer<'static>),
}

impl Identity {
    fn new(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        let private = PrivatePkcs8KeyDer::from(key.serialize_der());
        Self {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            der: (certificate.der().clone(), private.into()),
        }
    }

    /// Certificate and private key as a TLS library takes them.
    #[must_use]
    pub fn into_der(self) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        self.der
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// A certificate authority with its key; what it signs cannot sign in turn.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl Authority {
    /// A new authority with a new key.
    ///
    /// # Errors
    /// [`CertificateError`] when the machine gives no entropy.
    pub fn generate(common_name: &str, validity: Option<Validity>) -> Result<Self, CertificateError> {
        let key = KeyPair::generate()?;
        let mut params = authority_params(common_name);
        limit(&mut params, validity);
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// The authority that was generated under this common name and stored as `certificate` and `key` (PEM). The
    /// certificate is taken as it is: whether it belongs to the key is for the caller to know.
    ///
    /// # Errors
    /// [`CertificateError`] when the text is no private key.
    pub fn stored(common_name: &str, certificate: String, key: &str) -> Result<Self, CertificateError> {
        let key = KeyPair::from_pem(key)?;
        Ok(Self { issuer: Issuer::new(authority_params(common_name), key), certificate })
    }

    /// Certificate, as PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Private key, as PEM, to be stored.
    #[must_use]
    pub fn key(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// Signs a certificate with a new key.
    ///
    /// # Errors
    /// [`CertificateError`] when a name is neither a DNS name nor an address, or the machine gives no entropy.
    pub fn sign(&self, template: CertificateTemplate) -> Result<Identity, CertificateError> {
        let mut params = template.params()?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        Ok(Identity::new(&params.signed_by(&key, &self.issuer)?, &key))
    }
}

/// A key pair that is in no certificate, such as signs tokens: the private key and the public one, as PEM.
///
/// # Errors
/// [`CertificateError`] when the machine gives no entropy.
pub fn key_pair() -> Result<(String, String), CertificateError> {
    let key = KeyPair::generate()?;
    Ok((key.serialize_pem(), key.public_key_pem()))
}

fn authority_params(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = subject(common_name, None);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages =
        vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    params
}

fn limit(params: &mut CertificateParams, validity: Option<Validity>) {
    if let Some(Range { start, end }) = validity {
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        let since = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let whole = |time| Duration::from_secs(since(time).as_secs());
        (params.not_before, params.not_after) = (epoch + whole(start), epoch + whole(end));
    }
}

fn subject(common_name: &str, organization: Option<&str>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    if let Some(organization) = organization {
        name.push(DnType::OrganizationName, organization);
    }
    name.push(DnType::CommonName, common_name);
    name
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

    use super::*;

    #[test]
    fn a_private_key_never_shows_itself() {
        let authority = Authority::generate("local", None).unwrap();
        let user = authority.sign(CertificateTemplate::client("admin", Some("system:masters"))).unwrap();
        let shown = format!("{user:?} {authority:?}");
        assert!(shown.contains("BEGIN CERTIFICATE") && !shown.contains("PRIVATE KEY"), "{shown}");
    }

    #[test]
    fn a_certificate_says_who_when_and_by_whom() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let made = Authority::generate("local", None).unwrap();
        let stored = Authority::stored("local", made.certificate().to_owned(), &made.key()).unwrap();
        let template = CertificateTemplate::server("api", ["::1", "localhost"]).organization("servers");
        for authority in [made, stored] {
            let signed = authority.sign(template.clone().valid(at(60)..at(120))).unwrap();
            let (certificate, _) = signed.into_der();
            let (_, read) = x509_parser::parse_x509_certificate(&certificate).unwrap();
            assert_eq!(read.subject().to_string(), "O=servers, CN=api");
            assert_eq!(read.issuer().to_string(), "CN=local");
            let validity = read.validity();
            assert_eq!((validity.not_before.timestamp(), validity.not_after.timestamp()), (60, 120));
            let names = read.subject_alternative_name().unwrap().unwrap();
            assert_eq!(names.value.general_names.len(), 2);
            assert!(!read.is_ca());
        }
        let wrong = CertificateTemplate::server("api", ["no näme"]).self_signed();
        assert!(wrong.is_err(), "{wrong:?}");
    }
}
