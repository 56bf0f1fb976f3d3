//! Certificates of a cluster that lives as long as its process: an authority, a server, its clients, and a kubeconfig.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};

/// Errors of keys and certificates.
#[derive(Debug, thiserror::Error)]
#[error("the cluster's certificates could not be made: {0}")]
pub struct TlsError(String);

impl TlsError {
    fn of(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// Signs the cluster's certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
}

/// A certificate and its key, as PEM.
pub struct Identity {
    /// The certificate, as PEM.
    pub certificate: String,
    /// The private key, as PEM; never printed.
    pub key: String,
    der: (CertificateDer<'static>, PrivateKeyDer<'static>),
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(…)")
    }
}

impl Authority {
    /// A new authority with a key of its own.
    ///
    /// # Errors
    /// [`TlsError`] when no key can be made.
    pub fn generate() -> Result<Self, TlsError> {
        let key = KeyPair::generate().map_err(TlsError::of)?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "kube-sim");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        let certificate = params.self_signed(&key).map_err(TlsError::of)?;
        let (pem, der) = (certificate.pem(), certificate.der().clone());
        Ok(Self { issuer: Issuer::new(params, key), certificate: der, pem })
    }

    /// The authority's certificate, as PEM.
    pub fn certificate(&self) -> &str {
        &self.pem
    }

    /// A server's certificate for these addresses and names.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn server(&self, addresses: &[IpAddr], names: &[&str]) -> Result<Identity, TlsError> {
        let all =
            addresses.iter().map(ToString::to_string).chain(names.iter().map(|name| (*name).to_owned()));
        let mut params = CertificateParams::new(all.collect::<Vec<_>>()).map_err(TlsError::of)?;
        params.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params)
    }

    /// A client's certificate: a user and its groups.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn client(&self, user: &str, groups: &[&str]) -> Result<Identity, TlsError> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, user);
        for group in groups {
            params.distinguished_name.push(DnType::OrganizationName, *group);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Result<Identity, TlsError> {
        let key = KeyPair::generate().map_err(TlsError::of)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(TlsError::of)?;
        let der =
            (certificate.der().clone(), PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())));
        Ok(Identity { certificate: certificate.pem(), key: key.serialize_pem(), der })
    }

    /// The TLS settings of a listener: the server's identity, and this authority for clients that show a certificate.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn server_config(&self, identity: Identity) -> Result<rustls::ServerConfig, TlsError> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).map_err(TlsError::of)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .allow_unauthenticated()
            .build()
            .map_err(TlsError::of)?;
        let builder =
            rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let (certificate, key) = identity.der;
        let builder = builder.map_err(TlsError::of)?.with_client_cert_verifier(verifier);
        let mut config = builder.with_single_cert(vec![certificate], key).map_err(TlsError::of)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// A kubeconfig for `client` at this server; it holds the client's private key.
    pub fn kubeconfig(&self, server: &str, client: &Identity) -> String {
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- name: virtual-node\n  cluster:\n    server: {server}\n    \
             certificate-authority-data: {}\nusers:\n- name: admin\n  user:\n    client-certificate-data: {}\n    \
             client-key-data: {}\ncontexts:\n- name: virtual-node\n  context:\n    cluster: virtual-node\n    user: admin\n\
             current-context: virtual-node\n",
            encode(&self.pem),
            encode(&client.certificate),
            encode(&client.key),
        )
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
