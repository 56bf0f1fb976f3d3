//! The way to a port of a pod: a port on this machine's loopback, forwarded by the API server as kubectl does it.

use std::net::{Ipv4Addr, SocketAddr};

use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, Client};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::cluster::error::ClusterError;

/// A port here that leads there, as long as it is kept.
pub(super) struct PortForward {
    pub address: SocketAddr,
    listening: JoinHandle<()>,
}

/// The end of the way: the pod that these labels select at the moment of a connection.
#[derive(Clone)]
pub(super) struct Target {
    pub client: Client,
    pub namespace: &'static str,
    pub labels: &'static str,
    pub port: u16,
}

impl PortForward {
    /// Opens the port.
    pub async fn open(target: Target) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let listening = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let target = target.clone();
                connections.spawn(async move {
                    if let Err(why) = connect(near, &target).await {
                        tracing::debug!("the way to {} in {} broke: {why}", target.labels, target.namespace);
                    }
                });
            }
        });
        Ok(Self { address, listening })
    }
}

impl Drop for PortForward {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn connect(mut near: TcpStream, target: &Target) -> Result<(), ClusterError> {
    // Small questions and answers, each waited for.
    near.set_nodelay(true)?;
    let pods: Api<Pod> = Api::namespaced(target.client.clone(), target.namespace);
    let selected = ListParams::default().labels(target.labels).fields("status.phase=Running");
    let running = pods.list_metadata(&selected).await?;
    let pod =
        running.items.into_iter().find_map(|pod| pod.metadata.name).ok_or(ClusterError::NoRunningPod)?;
    let mut forwarded = pods.portforward(&pod, &[target.port]).await?;
    let mut far = forwarded.take_stream(target.port).ok_or(ClusterError::NoStream)?;
    copy_bidirectional(&mut near, &mut far).await?;
    Ok(())
}
