//! The node's run: its two ports, its certificates, and the provider, until the first of them ends.

use std::net::SocketAddr;

use connection_limits::ConnectionLimiter;
use determinism::{Clock, Seed};
use tokio::net::TcpListener;

use super::arguments::Arguments;
use super::cluster::Cluster;
use super::error::CliError;
use super::restart;
use crate::Provider;
use crate::config::Config;
use crate::eci::Eci;
use crate::kubelet_api::access::Access;
use crate::leader_election::LeaderElection;
use crate::serving::{NodePort, serve};

/// The parts from which the node is run.
pub struct Node {
    pub config: Config,
    /// The address of the node's port.
    pub listen: SocketAddr,
    pub cluster: Cluster,
    pub eci: Eci,
    pub clock: Clock,
    pub seed: Seed,
}

impl Node {
    /// Opens the ports and runs the provider until a signal, or a change of `--exit-on-change`.
    ///
    /// # Errors
    /// Ports that cannot be opened, certificates that cannot be used, a webhook that cannot be registered.
    pub async fn run(self, arguments: &Arguments) -> Result<(), CliError> {
        let Self { mut config, listen, cluster, eci, clock, seed } = self;
        let ports = &arguments.ports;
        let listener = open(listen, "--listen").await?;
        let webhook_listener = match ports.webhook_listen {
            Some(address) => Some(open(address, "--webhook-listen").await?),
            None => None,
        };
        let address = listener.local_addr().unwrap_or(listen);
        config.kubelet_port = address.port();
        let addresses: Vec<_> = config.node_ip.into_iter().collect();
        let node = config.node_name.clone();
        let provider = Provider::new(config, cluster.unlimited, eci, clock.clone(), seed)
            .with_heartbeat_client(cluster.heartbeat.clone());
        let provider = match arguments.leader_election.clone() {
            None => provider,
            Some(lease) => {
                let name = std::env::var("HOSTNAME").unwrap_or_else(|_| node.clone());
                let chance = &mut seed.chance("leader-election");
                let client = cluster.heartbeat;
                provider.with_leader_election(LeaderElection::new(client, lease, &name, clock, chance))
            }
        };

        let client_authority = ports.client_authority(&cluster.client, &cluster.address).await?;
        let mut store = ports.certificate_store(&cluster.client, &node, &addresses)?;
        if let Some(store) = &mut store {
            // A failure is logged and tried again by the running store.
            let _ = store.reconcile().await;
        }
        let acceptor = ports.node_acceptor(&node, &addresses, store.as_ref(), client_authority.as_deref())?;
        let access = (!ports.no_auth).then(|| Access::new(cluster.client.clone(), &node));
        tracing::info!("the node {node} answers at https://{address}");
        let limiter = ConnectionLimiter::default();
        let answer = NodePort { api: provider.kubelet_api(), access };
        let node_port = serve(listener, acceptor, answer, limiter.clone());

        let webhook_port = match webhook_listener {
            Some(listener) => {
                let acceptor = ports.webhook_acceptor(&cluster.client, &addresses, store.as_ref()).await?;
                Some(serve(listener, acceptor, provider.webhook(), limiter))
            }
            None => None,
        };
        let exit_on_change = arguments.exit_on_change.as_deref();
        tokio::select! {
            ran = provider.run(restart::shutdown_signal()) => ran.map_err(CliError::Run),
            () = node_port => Ok(()),
            () = or_pending(webhook_port) => Ok(()),
            () = or_pending(store.map(|store| store.run())) => Ok(()),
            () = restart::changed(exit_on_change) => Ok(()),
        }
    }
}

/// Opens a port that the flag `flag` chose.
async fn open(address: SocketAddr, flag: &'static str) -> Result<TcpListener, CliError> {
    TcpListener::bind(address).await.map_err(|why| CliError::Port { address, flag, why })
}

/// Waits for a task that there may not be; without one, for ever.
async fn or_pending(task: Option<impl Future<Output = ()>>) {
    match task {
        Some(task) => task.await,
        None => std::future::pending().await,
    }
}
