//! Command-line arguments of the process, and the parts of the provider that are made from them at the start.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use determinism::Clock;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};
use provider::certificates::authority::AuthorityError;
use provider::certificates::{Certificates, Names, SecretName};
use provider::config::{ConfigError, Settings, Sources, read_file};
use provider::eci::retry::back_off;
use provider::eci::{Rates, TransportError};
use provider::farewell::{Farewell, Held, Manner};
use provider::following::WentBack;
use provider::following::calls::Calls;
use provider::serving::{self, Identification, TlsError};
use provider::webhook::registration::{self, Address};
use provider::{Config, Eci, owner};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A virtual Kubernetes node whose pods run as Elastic Container Instances.
///
/// Four things must be given, in the environment or in a file: ECI_VSWITCH, ECI_SECURITY_GROUP, ECI_ACCESS_KEY and
/// ECI_SECRET_KEY. The cluster is found as kubectl finds it.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Arguments {
    /// A file of lines `NAME=value`, or a folder with a file for each name, as a mounted Secret is.
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// The name of the node [default: virtual-kubelet].
    #[arg(long, value_name = "NAME")]
    node_name: Option<String>,
    /// The address at which the API server reaches this process [environment: POD_IP].
    #[arg(long, value_name = "IP")]
    node_ip: Option<String>,
    /// The address at which the node's port listens [default: 0.0.0.0:10250].
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// The vSwitches of the instances, separated by commas [environment: ECI_VSWITCH].
    #[arg(long, value_name = "IDS")]
    vswitch: Option<String>,
    /// The security group of the instances [environment: ECI_SECURITY_GROUP].
    #[arg(long, value_name = "ID")]
    security_group: Option<String>,
    /// The id of the access key [environment: ECI_ACCESS_KEY]; its secret is never an argument.
    #[arg(long, value_name = "ID")]
    access_key: Option<String>,
    /// The region [environment: ECI_REGION, default: cn-hangzhou].
    #[arg(long, value_name = "ID")]
    region: Option<String>,
    /// The URL of the ECI OpenAPI [environment: ECI_ENDPOINT, default: the region's own endpoint].
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Takes the time from a local ECI's control door, as http://127.0.0.1:8089, instead of this machine [environment:
    /// ECI_FOLLOW_CLOCK]. For tests and demonstrations, never in production.
    #[arg(long, value_name = "URL")]
    follow_clock: Option<String>,
    /// The id of the cluster, which tells its instances from another cluster's [environment: ALIYUN_CLUSTERID,
    /// default: the UID of kube-system].
    #[arg(long, value_name = "ID")]
    cluster_id: Option<String>,
    /// The resource group of the instances [environment: ALIYUN_RESOURCEGROUP_ID].
    #[arg(long, value_name = "ID")]
    resource_group: Option<String>,
    /// The zone that the node claims to be in [environment: ECI_ZONE].
    #[arg(long, value_name = "ID")]
    zone: Option<String>,
    /// The addresses of the cluster's DNS, separated by commas [environment: CLUSTER_DNS, default: found in kube-system].
    #[arg(long, value_name = "ADDRESSES")]
    cluster_dns: Option<String>,
    /// The DNS suffix of the cluster's Services [environment: CLUSTER_DOMAIN, default: cluster.local].
    #[arg(long, value_name = "NAME")]
    cluster_domain: Option<String>,
    /// The architecture of the instances, amd64 or arm64 [environment: ECI_ARCHITECTURE].
    #[arg(long, value_name = "NAME")]
    architecture: Option<String>,
    /// The namespaces whose pods the node runs, separated by commas [environment: ECI_NAMESPACES, default: all].
    #[arg(long, value_name = "NAMES")]
    namespaces: Option<String>,
    /// A file with the purchases that pods' authors may make, as JSON [environment: ECI_POLICY, with the JSON itself].
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The certificate of the node's port; made on the spot when absent.
    #[arg(long, value_name = "FILE", requires = "node_key")]
    node_certificate: Option<String>,
    /// The key of that certificate.
    #[arg(long, value_name = "FILE", requires = "node_certificate")]
    node_key: Option<String>,
    /// The authority of clients' certificates at the node's port; the cluster's own when absent.
    #[arg(long, value_name = "FILE")]
    client_ca: Option<String>,
    /// Lets everybody ask the node's port. For tests only.
    #[arg(long)]
    pub no_auth: bool,
    /// The address at which the webhook's port listens; no webhook when absent.
    #[arg(long, value_name = "ADDRESS:PORT")]
    webhook_listen: Option<SocketAddr>,
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
    certificates_secret: Option<SecretName>,
    /// The Service of the webhook, for whose names certificates are made.
    #[arg(long, value_name = "NAMESPACE/NAME", requires = "certificates_secret")]
    webhook_service: Option<SecretName>,
    /// The MutatingWebhookConfiguration that is told that authority.
    #[arg(long, value_name = "NAME", requires = "certificates_secret")]
    webhook_configuration: Option<String>,
    /// Ends in order when what this file or folder holds changes, so that whoever started the process starts it anew with
    /// it; for a mounted Secret that environment variables came from.
    #[arg(long, value_name = "PATH")]
    exit_on_change: Option<PathBuf>,
    /// Seconds for which the group of a pod that was deleted while no provider ran is kept, where the node object was
    /// missing too [default: 600].
    #[arg(long, value_name = "SECONDS")]
    orphan_grace: Option<u64>,
    /// Takes instances that the cloud does not show for lost, and fails their pods, though many are missing at once or
    /// the region, the account or the cluster's id changed. To be given once, after having looked.
    #[arg(long)]
    accept_loss: bool,
    /// The rates at which the cloud is called: `published`, `unlimited`, or calls a minute that differ from the published
    /// ones, as `CreateContainerGroup=300,DescribeContainerGroups=4000`.
    #[arg(long, value_name = "RATES", default_value = "published")]
    pub cloud_rates: Rates,
    #[command(subcommand)]
    chore: Option<Chore>,
}

/// Tasks that are done instead of running a node.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
enum Chore {
    /// Before an uninstallation: say which container groups of the node live and cost on, or end them.
    Farewell {
        /// The treatment of container groups that are left.
        #[arg(long, value_enum, default_value_t)]
        manner: Manner,
    },
}

/// The pause between two looks at what `--exit-on-change` names; a kubelet brings a new version within a minute or so.
const CHANGE_POLL_INTERVAL: Duration = Duration::from_secs(10);
/// The longest time of the whole check: less than the 240 s of the chart's hook.
const FAREWELL_MAX: Duration = Duration::from_secs(200);

/// Errors that keep the provider from running or end it.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Settings.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Settings(Vec<ConfigError>),
    /// The file of settings.
    #[error("{path} cannot be read: {why}")]
    File { path: String, why: std::io::Error },
    /// The machine.
    #[error("the machine gives no entropy: {0}")]
    Entropy(std::io::Error),
    /// The way to the cloud.
    #[error("the machine's certificate authorities cannot be read: {0}")]
    Transport(TransportError),
    /// The node's groups.
    #[error("{0}")]
    Held(Held),
    /// The way to the cluster.
    #[error("there is no cluster: {0}. Set KUBECONFIG, or run this in a pod with a service account.")]
    Cluster(String),
    /// A port.
    #[error("{address} cannot be listened at: {why}. Choose another with {flag}, or end what listens there.")]
    Port { address: SocketAddr, flag: &'static str, why: std::io::Error },
    /// The clock that was followed.
    #[error(transparent)]
    Clock(#[from] WentBack),
    /// The runtime.
    #[error("the machine does not give what a runtime needs: {0}")]
    Runtime(std::io::Error),
    /// Certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The store of certificates.
    #[error(transparent)]
    Certificates(#[from] AuthorityError),
    /// The registration of the webhook.
    #[error("the webhook cannot be registered: {0}")]
    Registration(kube::Error),
    /// The provider itself.
    #[error(transparent)]
    Run(provider::RunError),
}

impl Arguments {
    /// The settings, from all their sources.
    pub fn settings(&self) -> Result<Settings, Trouble> {
        let flags = [
            ("NODE_NAME", &self.node_name),
            ("POD_IP", &self.node_ip),
            ("KUBELET_LISTEN", &self.listen),
            ("ECI_VSWITCH", &self.vswitch),
            ("ECI_SECURITY_GROUP", &self.security_group),
            ("ECI_ACCESS_KEY", &self.access_key),
            ("ECI_REGION", &self.region),
            ("ECI_ENDPOINT", &self.endpoint),
            ("ECI_FOLLOW_CLOCK", &self.follow_clock),
            ("ALIYUN_CLUSTERID", &self.cluster_id),
            ("ALIYUN_RESOURCEGROUP_ID", &self.resource_group),
            ("ECI_ZONE", &self.zone),
            ("CLUSTER_DNS", &self.cluster_dns),
            ("CLUSTER_DOMAIN", &self.cluster_domain),
            ("ECI_ARCHITECTURE", &self.architecture),
            ("ECI_NAMESPACES", &self.namespaces),
        ];
        let mut flags: BTreeMap<_, _> =
            flags.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
        if let Some(path) = &self.policy {
            let read = std::fs::read_to_string(path);
            let wrong = |why| Trouble::File { path: path.display().to_string(), why };
            flags.insert("ECI_POLICY", read.map_err(wrong)?);
        }
        let file = self.config.as_deref().map_or_else(|| Ok(BTreeMap::new()), read_path)?;
        let mut settings =
            Settings::from(&Sources { flags, environment: &|name| std::env::var(name).ok(), file })
                .map_err(Trouble::Settings)?;
        settings.config.accept_loss = self.accept_loss;
        if let Some(seconds) = self.orphan_grace {
            settings.config.orphan_grace = Duration::from_secs(seconds);
        }
        Ok(settings)
    }

    /// Returns when what `--exit-on-change` names has changed; never without it. While it cannot be read, as between two
    /// versions of a mounted Secret, it is taken for unchanged.
    pub async fn changed(&self) {
        let Some(path) = &self.exit_on_change else { return std::future::pending().await };
        let mut first = None;
        loop {
            match (read_path(path), &first) {
                (Ok(now), None) => first = Some(now),
                (Ok(now), Some(first)) if now != *first => {
                    tracing::warn!("{} has changed: ending, to be started anew with it", path.display());
                    return;
                }
                (Ok(_), Some(_)) => {}
                (Err(trouble), _) => tracing::debug!("{trouble}"),
            }
            tokio::time::sleep(CHANGE_POLL_INTERVAL).await;
        }
    }

    /// The treatment of groups that are left, when the subcommand asks for one instead of running a node.
    pub fn farewell(&self) -> Option<Manner> {
        self.chore.map(|Chore::Farewell { manner }| manner)
    }

    /// The store of certificates, where there is one. Peers judge certificates by the machine's time, whatever clock
    /// the node lives by.
    pub fn certificates(
        &self,
        client: &Client,
        node: &str,
        addresses: &[IpAddr],
    ) -> Result<Option<Certificates>, Trouble> {
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

    /// The TLS of the node's port.
    pub fn node_tls(
        &self,
        node: &str,
        addresses: &[IpAddr],
        store: Option<&Certificates>,
        clients: Option<&str>,
    ) -> Result<TlsAcceptor, Trouble> {
        Ok(match (&self.node_certificate, &self.node_key, store) {
            (Some(certificate), Some(key), _) => {
                Identification::from_files(certificate, key)?.acceptor(clients)?
            }
            (_, _, Some(store)) => serving::acceptor(store.shown(), clients)?,
            _ => Identification::self_signed(&[node.to_owned()], addresses)?.acceptor(clients)?,
        })
    }

    /// The authority of clients' certificates, in PEM: from a file, else the one that the cluster publishes. Without
    /// one, clients show tokens.
    pub async fn client_authority(&self, client: &Client, server: &str) -> Result<Option<String>, Trouble> {
        if let Some(path) = &self.client_ca {
            let read = std::fs::read_to_string(path);
            return read.map(Some).map_err(|why| Trouble::File { path: path.clone(), why });
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
                    let why = provider::with_causes(&error);
                    tracing::warn!(
                        "the API server at {server} does not answer: {why}; asked again until it does"
                    );
                }
            }
            failures += 1;
            tokio::time::sleep(back_off(failures, Duration::from_millis(500), Duration::from_secs(10))).await;
        }
    }

    /// The webhook's port, opened.
    pub async fn webhook_port(&self) -> Result<Option<TcpListener>, Trouble> {
        match self.webhook_listen {
            Some(address) => open(address, "--webhook-listen").await.map(Some),
            None => Ok(None),
        }
    }

    /// The webhook's listener and its TLS acceptor, `None` without a webhook; registered when a URL is given.
    pub async fn webhook(
        &self,
        listener: Option<TcpListener>,
        client: &Client,
        addresses: &[IpAddr],
        store: Option<&Certificates>,
    ) -> Result<Option<(TcpListener, TlsAcceptor)>, Trouble> {
        let Some(listener) = listener else { return Ok(None) };
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
            registration::register(client.clone(), &configuration).await.map_err(Trouble::Registration)?;
        }
        Ok(Some((listener, acceptor)))
    }
}

/// Says what becomes of the node's groups, and fails when they hold the uninstallation up.
pub async fn farewell(manner: Manner, config: Config, client: Client, eci: Eci) -> Result<(), Trouble> {
    let saying = async {
        let owner = owner(&config, &client).await;
        Farewell { client, eci, owner, namespaces: config.namespaces.clone() }.say(manner).await
    };
    let late =
        || Held::Unknown { node: config.node_name.clone(), why: "there was no answer in time".to_owned() };
    let said = tokio::time::timeout(FAREWELL_MAX, saying).await;
    match (said.unwrap_or_else(|_| Err(late())), manner) {
        (Ok(text), _) => println!("{text}"),
        (Err(held), Manner::Warn) => println!("WARNING: {held}"),
        (Err(held), _) => return Err(Trouble::Held(held)),
    }
    Ok(())
}

/// A certificate must hold the address by which it is called.
fn with_url(addresses: &[IpAddr], url: Option<&str>) -> Vec<IpAddr> {
    let host =
        url.and_then(|url| url.parse::<http::Uri>().ok()).and_then(|uri| uri.host().map(str::to_owned));
    let called = host.and_then(|host| host.trim_matches(['[', ']']).parse().ok());
    addresses.iter().copied().chain(called).collect()
}

fn read_path(path: &Path) -> Result<BTreeMap<String, String>, Trouble> {
    let wrong = |why| Trouble::File { path: path.display().to_string(), why };
    if !path.is_dir() {
        return Ok(read_file(&std::fs::read_to_string(path).map_err(wrong)?));
    }
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(path).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        // A mounted Secret holds links to files, and folders with dots that are no settings.
        if let (Ok(value), Ok(name)) =
            (std::fs::read_to_string(entry.path()), entry.file_name().into_string())
        {
            found.insert(name, value.trim().to_owned());
        }
    }
    Ok(found)
}

/// Opens a port that a flag chose.
pub async fn open(address: SocketAddr, flag: &'static str) -> Result<TcpListener, Trouble> {
    TcpListener::bind(address).await.map_err(|why| Trouble::Port { address, flag, why })
}

/// Clients of the cluster, each with connections of its own.
pub struct Cluster {
    /// For everything but the heartbeat.
    pub client: Client,
    /// For the heartbeat.
    pub heartbeat: Client,
    /// The API server's host and port.
    pub address: String,
}

/// Clients of the cluster; their calls are counted where that is wanted.
pub async fn cluster(calls: Option<&Calls>) -> Result<Cluster, Trouble> {
    let config = kube::Config::infer().await.map_err(|error| Trouble::Cluster(error.to_string()))?;
    let host = config.cluster_url.host().unwrap_or("127.0.0.1").to_owned();
    let port = config.cluster_url.port_u16().unwrap_or(443);
    let client = || {
        let made =
            calls.map_or_else(|| Client::try_from(config.clone()), |calls| calls.client(config.clone()));
        made.map_err(|error| Trouble::Cluster(error.to_string()))
    };
    Ok(Cluster { client: client()?, heartbeat: client()?, address: format!("{host}:{port}") })
}

/// The machine's own address on the way to `target` (host and port), as the routing table has it; nothing is sent.
pub fn address_towards(target: &str) -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect(target).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

/// Waits for Ctrl-C, or for the signal with which Kubernetes ends a container.
pub async fn told_to_stop() {
    let interrupted = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
        }
        Err(_) => drop(interrupted.await),
    }
}
