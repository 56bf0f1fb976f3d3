//! Certificates of a cluster that lives as long as its process: an authority, a server, its clients, and a kubeconfig.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use base64::Engine as _;
pub use certificate_authority::Identity;
use certificate_authority::{
    CertificateError, CertificateRequest, CertificateTemplate, KeyPurpose, Validity,
};
use determinism::Clock;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::time_provider::TimeProvider;
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::authn::MASTERS;

/// Errors of keys and certificates.
#[derive(Debug, thiserror::Error)]
#[error("the cluster's certificates could not be made: {0}")]
pub struct TlsError(String);

impl TlsError {
    fn of(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl From<CertificateError> for TlsError {
    fn from(error: CertificateError) -> Self {
        Self::of(error)
    }
}

/// Signs the cluster's certificates.
#[derive(Debug)]
pub struct Authority(certificate_authority::Authority);

impl Authority {
    /// A new authority with a key of its own.
    ///
    /// # Errors
    /// [`TlsError`] when no key can be made.
    pub fn generate() -> Result<Self, TlsError> {
        Ok(Self(certificate_authority::Authority::generate("kube-sim", None)?))
    }

    /// The authority's certificate, as PEM.
    pub fn certificate(&self) -> &str {
        self.0.certificate()
    }

    /// A server's certificate for these addresses and names.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn server(&self, addresses: &[IpAddr], names: &[&str]) -> Result<Identity, TlsError> {
        let addresses = addresses.iter().map(ToString::to_string);
        let all = addresses.chain(names.iter().map(ToString::to_string));
        Ok(self.0.sign(CertificateTemplate::server("kube-apiserver", all))?)
    }

    /// A client's certificate: a user and its group.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn client(&self, user: &str, group: Option<&str>) -> Result<Identity, TlsError> {
        Ok(self.0.sign(CertificateTemplate::client(user, group))?)
    }

    /// The TLS settings of a listener: the server's identity, and this authority for clients that show a certificate.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn server_config(&self, identity: Identity) -> Result<rustls::ServerConfig, TlsError> {
        let mut roots = RootCertStore::empty();
        let own = CertificateDer::from_pem_slice(self.certificate().as_bytes()).map_err(TlsError::of)?;
        roots.add(own).map_err(TlsError::of)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .allow_unauthenticated()
            .build()
            .map_err(TlsError::of)?;
        let builder =
            rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let (certificate, key) = identity.into_der();
        let builder = builder.map_err(TlsError::of)?.with_client_cert_verifier(verifier);
        let mut config = builder.with_single_cert(vec![certificate], key).map_err(TlsError::of)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Signs what somebody asks for who keeps the key; returns the certificate as PEM.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn sign_request(
        &self,
        request: &CertificateRequest,
        purposes: &[KeyPurpose],
        validity: Validity,
    ) -> Result<String, TlsError> {
        Ok(self.0.sign_request(request, purposes, validity)?)
    }

    /// The TLS settings of an API server at `address`, which is also called `localhost`, and a kubeconfig for its
    /// administrator.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn api_server(&self, address: SocketAddr) -> Result<(rustls::ServerConfig, String), TlsError> {
        let own = self.server(&[address.ip()], &["localhost"])?;
        let admin = self.client("kubernetes-admin", Some(MASTERS))?;
        let kubeconfig = self.kubeconfig(&format!("https://{address}"), &admin);
        Ok((self.server_config(own)?, kubeconfig))
    }

    /// A kubeconfig for `client` at this server; it holds the client's private key.
    pub fn kubeconfig(&self, server: &str, client: &Identity) -> String {
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- name: virtual-node\n  cluster:\n    server: {server}\n    \
             certificate-authority-data: {}\nusers:\n- name: admin\n  user:\n    client-certificate-data: {}\n    \
             client-key-data: {}\ncontexts:\n- name: virtual-node\n  context:\n    cluster: virtual-node\n    user: admin\n\
             current-context: virtual-node\n",
            encode(self.certificate()),
            encode(&client.certificate),
            encode(&client.key),
        )
    }
}

/// The TLS settings of an API server at `address`, which is also called `localhost`, and a kubeconfig for its administrator,
/// both of a new authority.
///
/// # Errors
/// [`TlsError`] when no key can be made.
pub fn api_server(address: SocketAddr) -> Result<(rustls::ServerConfig, String), TlsError> {
    Authority::generate()?.api_server(address)
}

/// The cluster's clock, by which certificates of clients are good or not.
pub(crate) struct ClusterTime(pub Clock);

impl std::fmt::Debug for ClusterTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClusterTime")
    }
}

impl TimeProvider for ClusterTime {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().as_second()).ok()?;
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)))
    }
}

/// A verifier that accepts any server certificate, as the real API server does for kubelets by default.
#[derive(Debug)]
pub struct AnyServer(CryptoProvider);

impl Default for AnyServer {
    fn default() -> Self {
        Self(rustls::crypto::ring::default_provider())
    }
}

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
