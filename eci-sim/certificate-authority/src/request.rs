//! Signing requests: certificates that somebody asks for who keeps the key.

use rcgen::{
    CertificateSigningRequestParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType,
};
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer as _;

use super::{Authority, CertificateError, CertificateTemplate, Validity, limit};

/// A request that cannot be read, or whose sender does not have the key.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The text holds no signing request.
    #[error("PEM block type must be CERTIFICATE REQUEST")]
    Pem,
    /// The request is damaged, or is not signed with its own key.
    #[error(transparent)]
    Request(#[from] rcgen::Error),
    /// The request is damaged.
    #[error("the certificate request cannot be parsed")]
    Damaged,
}

/// What a key is certified for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPurpose {
    /// Signatures.
    DigitalSignature,
    /// The encipherment of other keys.
    KeyEncipherment,
    /// A client's side of TLS.
    ClientAuth,
    /// A server's side of TLS.
    ServerAuth,
}

/// A signing request, signed with the key that it is for.
#[derive(Debug, Clone)]
pub struct CertificateRequest {
    /// The subject's common name; empty when it has none.
    pub common_name: String,
    /// The subject's organizations.
    pub organizations: Vec<String>,
    /// Number of DNS names.
    pub dns_names: usize,
    /// Number of IP addresses.
    pub ip_addresses: usize,
    /// Number of mail addresses.
    pub email_addresses: usize,
    /// Number of URIs.
    pub uris: usize,
    params: CertificateSigningRequestParams,
}

impl CertificateRequest {
    /// Reads a request in PEM, and checks its signature.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn read(pem: &str) -> Result<Self, RequestError> {
        let der = CertificateSigningRequestDer::from_pem_slice(pem.as_bytes());
        let der = der.map_err(|_| RequestError::Pem)?;
        let params = CertificateSigningRequestParams::from_der(&der)?;
        let (_, read) = X509CertificationRequest::from_der(&der).map_err(|_| RequestError::Damaged)?;
        let subject = &read.certification_request_info.subject;
        let text = |name: &x509_parser::x509::AttributeTypeAndValue<'_>| name.as_str().map(str::to_owned);
        let names = &params.params.subject_alt_names;
        let count = |of: fn(&SanType) -> bool| names.iter().filter(|name| of(name)).count();
        Ok(Self {
            common_name: subject.iter_common_name().next().and_then(|n| text(n).ok()).unwrap_or_default(),
            organizations: subject.iter_organization().filter_map(|n| text(n).ok()).collect(),
            dns_names: count(|name| matches!(name, SanType::DnsName(_))),
            ip_addresses: count(|name| matches!(name, SanType::IpAddress(_))),
            email_addresses: count(|name| matches!(name, SanType::Rfc822Name(_))),
            uris: count(|name| matches!(name, SanType::URI(_))),
            params,
        })
    }
}

impl CertificateTemplate {
    /// Asks for the certificate with a new key; returns the request and the private key, as PEM.
    ///
    /// # Errors
    /// [`CertificateError`] when a name is neither a DNS name nor an address, or the machine gives no entropy.
    pub fn request(self) -> Result<(String, String), CertificateError> {
        let key = KeyPair::generate()?;
        // A validity is the signer's to say.
        let params = Self { validity: None, ..self }.params()?;
        Ok((params.serialize_request(&key)?.pem()?, key.serialize_pem()))
    }
}

impl Authority {
    /// Signs what is asked for, for these purposes alone; returns the certificate as PEM.
    ///
    /// # Errors
    /// [`CertificateError`] when the machine gives no entropy.
    pub fn sign_request(
        &self,
        request: &CertificateRequest,
        purposes: &[KeyPurpose],
        validity: Validity,
    ) -> Result<String, CertificateError> {
        let mut asked = request.params.clone();
        let params = &mut asked.params;
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        (params.key_usages, params.extended_key_usages) = (Vec::new(), Vec::new());
        for purpose in purposes {
            match purpose {
                KeyPurpose::DigitalSignature => params.key_usages.push(KeyUsagePurpose::DigitalSignature),
                KeyPurpose::KeyEncipherment => params.key_usages.push(KeyUsagePurpose::KeyEncipherment),
                KeyPurpose::ClientAuth => {
                    params.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth)
                }
                KeyPurpose::ServerAuth => {
                    params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth)
                }
            }
        }
        limit(params, Some(validity));
        Ok(asked.signed_by(&self.issuer)?.pem())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

    use std::time::{Duration, SystemTime};

    use super::*;

    fn pem() -> String {
        let template = CertificateTemplate::server("system:node:n", ["node.example.com", "10.0.0.1"]);
        template.organization("system:nodes").request().unwrap().0
    }

    #[test]
    fn a_request_says_for_whom_and_is_signed_for_no_more_than_is_granted() {
        let asked = CertificateRequest::read(&pem()).unwrap();
        assert_eq!(asked.common_name, "system:node:n");
        assert_eq!(asked.organizations, ["system:nodes"]);
        assert_eq!((asked.dns_names, asked.ip_addresses, asked.email_addresses, asked.uris), (1, 1, 0, 0));
        let authority = Authority::generate("local", None).unwrap();
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let purposes = [KeyPurpose::DigitalSignature, KeyPurpose::ServerAuth];
        let certificate = authority.sign_request(&asked, &purposes, at(60)..at(120)).unwrap();
        let (_, pem) = x509_parser::pem::parse_x509_pem(certificate.as_bytes()).unwrap();
        let read = pem.parse_x509().unwrap();
        assert_eq!(read.subject().to_string(), "O=system:nodes, CN=system:node:n");
        assert_eq!(read.issuer().to_string(), "CN=local");
        assert!(!read.is_ca());
        let usages = read.extended_key_usage().unwrap().unwrap();
        assert!(usages.value.server_auth && !usages.value.client_auth);
        assert_eq!(
            (read.validity().not_before.timestamp(), read.validity().not_after.timestamp()),
            (60, 120)
        );
    }

    #[test]
    fn what_is_no_request_or_is_signed_by_somebody_else_is_refused() {
        let words = |text: &str| CertificateRequest::read(text).unwrap_err().to_string();
        assert_eq!(words("hello"), "PEM block type must be CERTIFICATE REQUEST");
        let mut lines: Vec<String> = pem().lines().map(str::to_owned).collect();
        let at = lines.len() - 3;
        lines[at] = lines[at].chars().rev().collect();
        assert!(CertificateRequest::read(&lines.join("\n")).is_err());
    }
}
