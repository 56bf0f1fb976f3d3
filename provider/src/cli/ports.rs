//! Arguments of the two ports, and the certificates with which the ports answer.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use determinism::Clock;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};
use tokio_rustls::TlsAcceptor;

use super::arguments::read_text;
use super::error::CliError;
use crate::certificates::{Certificates, Names};
use crate::eci::retry::back_off;
use crate::namespaced_name::NamespacedName;
use crate::serving::{self, Identification};
use crate::webhook::registration::{self, Address};

/// Arguments of the node's port and of the webhook's.
#[derive(Debug, clap::Args)]
pub struct PortArguments {
    /// The certificate of the node's port; made on the spot when absent.
    #[arg(long, value_name = "FILE", requires = "node_key")]
    node_certificate: Option<String>,
    /// The key of that certificate.
    #[arg(long, value_name = "FILE", requires = "node_certificate")]
    node_key: Option<String>,
    /// The authority of clients' certificates at the node's port; the cluster's own when absent.
    #[arg(long, value_name = "FILE")]
    client_ca: Option<PathBuf>,
    /// Lets everybody ask the node's port. For tests only.
    #[arg(long)]
    pub no_auth: bool,
    /// The address at which the webhook's port listens; no webhook when absent.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub webhook_listen: Option<SocketAddr>,
    /// The certificate of the webhook's port; made on the spot when absent.
    #[arg(long, value_name = "FILE", requires = "webhook_key")]
    webhook_certificate: Option<String>,
    /// The key of that certificate.
    #[arg(long, value_name = "FILE", requires = "webhook_certificate")]
    webhook_key: Option<String>,
    /// Registers the webhook at this URL, as `https://10.0.0.5:8443`; a chart that registers it does not need this.
    #[arg(long, value_name = "URL", requires = "webhook_listen")]
    webhook_url: Option<String>,
    /// The Secret in which the authority of both ports' certificates is kept, made and renewed, as
    /// `kube-system/virtual-node-certificates`; where a port has a certificate of its own, that is shown.
    #[arg(long, value_name = "NAMESPACE/NAME")]
    certificates_secret: Option<NamespacedName>,
    /// The Service of the webhook, for whose names certificates are made.
    #[arg(long, value_name = "NAMESPACE/NAME", requires = "certificates_secret")]
    webhook_service: Option<NamespacedName>,
    /// The MutatingWebhookConfiguration that is told that authority.
    #[arg(long, value_name = "NAME", requires = "certificates_secret")]
    webhook_configuration: Option<String>,
}

impl PortArguments {
    /// The store of certificates, where there is one. Peers judge certificates by the machine's time, whatever clock
    /// the node lives by.
    ///
    /// # Errors
    /// [`CliError::Certificates`].
    pub fn certificate_store(
        &self,
        client: &Client,
        node: &str,
        addresses: &[IpAddr],
    ) -> Result<Option<Certificates>, CliError> {
        let Some(secret) = self.certificates_secret.clone() else { return Ok(None) };
        let service = self.webhook_service.iter().flat_map(|service| {
            let name = format!("{}.{}", service.name, service.namespace);
            [format!("{name}.svc"), name]
        });
        let names = Names {
            secret,
            registration: self.webhook_configuration.clone(),
            node: node.to_owned(),
            hosts: service.chain([node.to_owned()]).collect(),
            addresses: with_url(addresses, self.webhook_url.as_deref()),
        };
        Ok(Some(Certificates::new(client.clone(), names, Clock::system())?))
    }

    /// The TLS acceptor of the node's port; clients may show certificates signed by `clients` (PEM).
    ///
    /// # Errors
    /// [`CliError::Tls`].
    pub fn node_acceptor(
        &self,
        node: &str,
        addresses: &[IpAddr],
        store: Option<&Certificates>,
        clients: Option<&str>,
    ) -> Result<TlsAcceptor, CliError> {
        Ok(match (&self.node_certificate, &self.node_key, store) {
            (Some(certificate), Some(key), _) => {
                Identification::from_files(certificate, key)?.acceptor(clients)?
            }
            (_, _, Some(store)) => serving::acceptor(store.shown(), clients)?,
            _ => Identification::self_signed(&[node.to_owned()], addresses)?.acceptor(clients)?,
        })
    }

    /// The authority of clients' certificates, in PEM: from a file, else the one that the cluster publishes. Without
    /// one, clients show tokens. Waits until the API server answers.
    ///
    /// # Errors
    /// [`CliError::File`].
    pub async fn client_authority(&self, client: &Client, server: &str) -> Result<Option<String>, CliError> {
        if let Some(path) = &self.client_ca {
            return read_text(path).map(Some);
        }
        let api: Api<ConfigMap> = Api::namespaced(client.clone(), "kube-system");
        let mut failures = 0;
        loop {
            match api.get_opt("extension-apiserver-authentication").await {
                Ok(found) => return Ok(found.and_then(|found| found.data?.get("client-ca-file").cloned())),
                Err(kube::Error::Api(answer)) if answer.code == 403 => {
                    tracing::warn!(
                        "the cluster's authority of clients may not be read; only tokens are accepted"
                    );
                    return Ok(None);
                }
                // Without the API server there is nothing to do but to wait for it.
                Err(error) => {
                    let why = crate::causes::with_causes(&error);
                    tracing::warn!(
                        "the API server at {server} does not answer: {why}; asked again until it does"
                    );
                }
            }
            failures += 1;
            tokio::time::sleep(back_off(failures, Duration::from_millis(500), Duration::from_secs(10))).await;
        }
    }

    /// The TLS acceptor of the webhook's port; the webhook is registered when a URL is given.
    ///
    /// # Errors
    /// [`CliError::Tls`] and [`CliError::Registration`].
    pub async fn webhook_acceptor(
        &self,
        client: &Client,
        addresses: &[IpAddr],
        store: Option<&Certificates>,
    ) -> Result<TlsAcceptor, CliError> {
        let (authority, acceptor) = match (&self.webhook_certificate, &self.webhook_key, store) {
            (Some(certificate), Some(key), _) => {
                let shown = Identification::from_files(certificate, key)?;
                (shown.pem.clone(), shown.acceptor(None)?)
            }
            (_, _, Some(store)) => (store.trusted().to_owned(), serving::acceptor(store.shown(), None)?),
            _ => {
                let addresses = with_url(addresses, self.webhook_url.as_deref());
                let shown = Identification::self_signed(&["localhost".to_owned()], &addresses)?;
                (shown.pem.clone(), shown.acceptor(None)?)
            }
        };
        if let Some(url) = &self.webhook_url {
            let configuration = registration::configuration(&Address::Url(url.clone()), authority.as_bytes());
            registration::register(client.clone(), &configuration).await.map_err(CliError::Registration)?;
        }
        Ok(acceptor)
    }
}

/// The addresses with the host of `url`, where that is one: a certificate must hold the address by which it is called.
fn with_url(addresses: &[IpAddr], url: Option<&str>) -> Vec<IpAddr> {
    let host =
        url.and_then(|url| url.parse::<http::Uri>().ok()).and_then(|uri| uri.host().map(str::to_owned));
    let called = host.and_then(|host| host.trim_matches(['[', ']']).parse().ok());
    addresses.iter().copied().chain(called).collect()
}
