//! The provider in this process: started with the guide's parameters, and killed without warning.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use provider::Provider;
use provider::config::Config;
use provider::eci::{Eci, Transport};
use provider::webhook::registration::{self, Address};
use tokio::task::JoinHandle;

use super::outbound::{InProcess, NoNetwork, WEBHOOK};
use crate::cluster::error::ClusterError;
use crate::cluster::interface::{NODE, ProviderSettings, SECURITY_GROUP, VSWITCH, WorldParts, of_life};
use crate::eci::{REGION, credentials};

/// The node's address; what is sent there is a call within this process.
pub(super) const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 0, 1));

/// The connections of one life of the provider, and of the one who installs it.
pub(super) struct Connections {
    /// The provider's client of Kubernetes.
    pub(super) kube: kube::Client,
    /// The provider's transport to the cloud.
    pub(super) cloud: Arc<dyn Transport>,
    /// The way of whoever registers its webhook.
    pub(super) admin: kube::Client,
}

/// A running provider.
pub(super) struct VirtualNode(JoinHandle<()>);

impl VirtualNode {
    /// Starts the provider of the first node, and registers its webhook.
    ///
    /// # Errors
    /// When the webhook is not registered.
    pub(super) async fn start(
        parts: &WorldParts,
        lives: u32,
        settings: &ProviderSettings,
        connections: Connections,
        outbound: &InProcess,
    ) -> Result<Self, ClusterError> {
        let admin = connections.admin.clone();
        let provider = provider(parts, lives, settings, connections, NODE);
        outbound.answer_with(provider.webhook(), provider.kubelet_api().over(NoNetwork));
        let address = Address::Url(format!("https://{WEBHOOK}"));
        let configuration = registration::configuration(&address, b"within one process");
        registration::register(admin, &configuration).await?;
        Ok(Self::run(provider))
    }

    /// Starts the provider of another node, whose port and webhook nobody asks.
    pub(super) fn start_beside(
        parts: &WorldParts,
        lives: u32,
        settings: &ProviderSettings,
        connections: Connections,
        name: &str,
    ) -> Self {
        Self::run(provider(parts, lives, settings, connections, name))
    }

    fn run(provider: Provider) -> Self {
        Self(tokio::spawn(async move {
            if let Err(error) = provider.run(std::future::pending()).await {
                tracing::error!(%error, "the provider ended");
            }
        }))
    }

    /// Ends it in the middle of whatever it does.
    pub(super) async fn kill(self) {
        self.0.abort();
        let _ = self.0.await; // it was aborted in the middle of something
    }
}

/// The provider of a node. Each of the `lives` draws from a chance of its own, since the cloud takes no signature's nonce twice.
fn provider(
    parts: &WorldParts,
    lives: u32,
    settings: &ProviderSettings,
    Connections { kube, cloud, admin: _ }: Connections,
    name: &str,
) -> Provider {
    let seed = of_life(parts.seed, lives);
    let eci = Eci::new(cloud, credentials(), REGION, parts.clock.clone(), seed);
    let ProviderSettings { cluster_id, capacity, cloud_rates, calls: _, more_nodes: _ } = settings.clone();
    let rates = cloud_rates.and_then(|rates| rates.parse().ok());
    let eci = rates.into_iter().fold(eci, Eci::with_rates);
    // the step has read it before
    let capacity = capacity.and_then(|capacity| capacity.parse().ok()).unwrap_or_default();
    let (node_ip, node_name) = (Some(ADDRESS), name.to_owned());
    let config = Config { node_ip, node_name, cluster_id, capacity, ..Config::new(VSWITCH, SECURITY_GROUP) };
    Provider::new(config, kube, eci, parts.clock.clone(), seed)
}
