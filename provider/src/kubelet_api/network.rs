//! The way from the node to the addresses of its pods, for port-forward.

use std::io;
use std::net::SocketAddr;

use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A connection to a port of a pod.
pub trait PodStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> PodStream for T {}

/// Connects to pods.
pub trait PodNetwork: Send + Sync {
    /// Connects to a port of a pod's address.
    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn PodStream>>>;
}

/// The network that this machine is in.
#[derive(Debug, Clone, Copy, Default)]
pub struct MachineNetwork;

impl PodNetwork for MachineNetwork {
    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn PodStream>>> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            Ok(Box::new(stream) as Box<dyn PodStream>)
        })
    }
}
