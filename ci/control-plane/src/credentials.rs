//! Certificates and keys of one cluster: one authority, and everything that it vouches for.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose,
};

/// A certificate and its key, both as PEM.
pub struct Identity {
    /// Certificate, as PEM.
    pub certificate: String,
    /// Private key, as PEM; never printed.
    pub key: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("certificate", &self.certificate).field("key", &"…").finish()
    }
}

/// The cluster's certificate authority: it signs servers, clients and the node's own requests.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    /// A new authority with a new key.
    ///
    /// # Errors
    /// when the machine gives no entropy
    pub fn generate() -> Result<Self, rcgen::Error> {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = name("control-plane-ca", None);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        Ok(Self { issuer: CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)? })
    }

    /// The authority's own certificate, as PEM.
    #[must_use]
    pub fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// The authority's key, as PEM; the controller manager signs certificate requests with it.
    #[must_use]
    pub fn key(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// Certificate and key of a server that is reached under these names and addresses.
    ///
    /// # Errors
    /// when one of them is no name
    pub fn server(&self, common_name: &str, reached_as: &[&str]) -> Result<Identity, rcgen::Error> {
        let names: Vec<_> = reached_as.iter().map(ToString::to_string).collect();
        let mut parameters = CertificateParams::new(names)?;
        parameters.distinguished_name = name(common_name, None);
        // etcd shows its serving certificate also when it calls itself
        let usages = [ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(parameters, usages.to_vec())
    }

    /// Certificate and key of a user of this name and group.
    ///
    /// # Errors
    /// when the machine gives no entropy
    pub fn client(&self, user: &str, group: Option<&str>) -> Result<Identity, rcgen::Error> {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = name(user, group);
        self.sign(parameters, vec![ExtendedKeyUsagePurpose::ClientAuth])
    }

    fn sign(
        &self,
        mut parameters: CertificateParams,
        usages: Vec<ExtendedKeyUsagePurpose>,
    ) -> Result<Identity, rcgen::Error> {
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        parameters.extended_key_usages = usages;
        parameters.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = parameters.signed_by(&key, &self.issuer)?;
        Ok(Identity { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

/// Key pair of service account tokens: the signing key and the public one, as PEM.
///
/// # Errors
/// when the machine gives no entropy
pub fn token_keys() -> Result<(String, String), rcgen::Error> {
    let key = KeyPair::generate()?;
    Ok((key.serialize_pem(), key.public_key_pem()))
}

fn name(common_name: &str, organization: Option<&str>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    if let Some(organization) = organization {
        name.push(DnType::OrganizationName, organization);
    }
    name.push(DnType::CommonName, common_name);
    name
}

/// A kubeconfig for one user of one cluster, everything in it, as JSON (which is YAML).
#[must_use]
pub fn kubeconfig(server: &str, authority: &str, user: &Identity) -> serde_json::Value {
    use serde_json::json;
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "control-plane", "cluster": {
            "server": server, "certificate-authority-data": base64(authority.as_bytes()),
        }}],
        "users": [{"name": "user", "user": {
            "client-certificate-data": base64(user.certificate.as_bytes()),
            "client-key-data": base64(user.key.as_bytes()),
        }}],
        "contexts": [{"name": "control-plane", "context": {"cluster": "control-plane", "user": "user"}}],
        "current-context": "control-plane",
    })
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_never_shows_itself() {
        let authority = Authority::generate().unwrap();
        let shown = format!("{:?} {authority:?}", authority.client("admin", Some("system:masters")).unwrap());
        assert!(!shown.contains("PRIVATE KEY"), "{shown}");
    }

    #[test]
    fn a_kubeconfig_is_read_by_the_client_library() {
        let authority = Authority::generate().unwrap();
        let admin = authority.client("admin", None).unwrap();
        let written = kubeconfig("https://127.0.0.1:6443", &authority.certificate(), &admin).to_string();
        let read = kube::config::Kubeconfig::from_yaml(&written).unwrap();
        assert_eq!(
            read.clusters[0].cluster.as_ref().unwrap().server.as_deref(),
            Some("https://127.0.0.1:6443")
        );
    }
}
