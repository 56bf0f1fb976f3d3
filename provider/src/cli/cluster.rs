//! Clients of the cluster, and this machine's address as the cluster sees it.

use std::net::{IpAddr, UdpSocket};

use kube::Client;

use super::error::CliError;
use crate::external_clock::calls::InFlightCalls;
use crate::kubernetes;

/// Clients of the cluster.
pub struct Cluster {
    /// The client without a limit on its calls, for watches.
    pub unlimited: Client,
    /// The client whose calls have a limit of [`kubernetes::CALL_TIMEOUT`].
    pub client: Client,
    /// The client of the heartbeat, with connections of its own.
    pub heartbeat: Client,
    /// The API server's host and port.
    pub address: String,
}

impl Cluster {
    /// Makes the clients, without a call yet; their calls are counted in `calls`, where that is given.
    ///
    /// # Errors
    /// [`CliError::NoCluster`] and [`CliError::Client`].
    pub async fn connect(calls: Option<&InFlightCalls>) -> Result<Self, CliError> {
        let config = kube::Config::infer().await.map_err(CliError::NoCluster)?;
        let host = config.cluster_url.host().unwrap_or("127.0.0.1").to_owned();
        let port = config.cluster_url.port_u16().unwrap_or(443);
        let client = || {
            let made =
                calls.map_or_else(|| Client::try_from(config.clone()), |calls| calls.client(config.clone()));
            made.map_err(CliError::Client)
        };
        let unlimited = client()?;
        Ok(Self {
            client: kubernetes::with_timeout(unlimited.clone(), kubernetes::CALL_TIMEOUT),
            unlimited,
            heartbeat: client()?,
            address: format!("{host}:{port}"),
        })
    }
}

/// The machine's own address on the way to `target` (host and port), as the routing table has it; nothing is sent.
pub fn address_towards(target: &str) -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect(target).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}
