//! Certificates and keys of one cluster: one authority, and everything that it vouches for.

pub use certificate_authority::Identity;
use certificate_authority::{CertificateError, CertificateTemplate};

/// The cluster's certificate authority: it signs servers, clients and the node's own requests.
#[derive(Debug)]
pub struct Authority(certificate_authority::Authority);

impl Authority {
    /// A new authority with a new key.
    ///
    /// # Errors
    /// when the machine gives no entropy
    pub fn generate() -> Result<Self, CertificateError> {
        Ok(Self(certificate_authority::Authority::generate("control-plane-ca", None)?))
    }

    /// The authority's own certificate, as PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        self.0.certificate()
    }

    /// The authority's key, as PEM; the controller manager signs certificate requests with it.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.key()
    }

    /// Certificate and key of a server that is reached under these names and addresses.
    ///
    /// # Errors
    /// when one of them is no name
    pub fn server(&self, common_name: &str, reached_as: &[&str]) -> Result<Identity, CertificateError> {
        // etcd shows its serving certificate also when it calls itself
        self.0.sign(CertificateTemplate::server(common_name, reached_as).also_client())
    }

    /// Certificate and key of a user of this name and group.
    ///
    /// # Errors
    /// when the machine gives no entropy
    pub fn client(&self, user: &str, group: Option<&str>) -> Result<Identity, CertificateError> {
        self.0.sign(CertificateTemplate::client(user, group))
    }
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
    fn a_kubeconfig_is_read_by_the_client_library() {
        let authority = Authority::generate().unwrap();
        let admin = authority.client("admin", None).unwrap();
        let written = kubeconfig("https://127.0.0.1:6443", authority.certificate(), &admin).to_string();
        let read = kube::config::Kubeconfig::from_yaml(&written).unwrap();
        assert_eq!(
            read.clusters[0].cluster.as_ref().unwrap().server.as_deref(),
            Some("https://127.0.0.1:6443")
        );
    }
}
