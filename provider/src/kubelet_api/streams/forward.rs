//! Port-forward: connections from the node to the address of a pod's group (kubelet-contract.md, section 9.5).
//!
//! ECI has no such operation, so the group's own address is dialled, which the provider must be able to reach. A kubelet
//! dials within the pod; what listens on the pod's loopback alone is out of reach here.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use eci_api::group::ContainerGroupStatus;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::bad;
use super::channels::{Channels, Version, limits};
use super::ends::{StreamReceiver, StreamSender};
use super::spdy::{self, Stream};
use super::upgrade::Io;
use crate::kubelet_api::network::{PodNetwork, PodStream};
use crate::kubelet_api::response::Refusal;
use crate::pods::store::Snapshot;

/// The longest time of a port to answer.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest wait of a stream for the one that belongs to it.
const PAIR_TIMEOUT: Duration = Duration::from_secs(30);
/// The most ports of one WebSocket: its channels are numbered with a byte, two for a port.
const PORTS_MAX: usize = 127;

/// The pod whose ports are forwarded.
#[derive(Clone)]
pub(super) struct Target {
    network: Arc<dyn PodNetwork>,
    address: IpAddr,
    pod: String,
    uid: String,
}

/// Errors of one forwarded connection, in the kubelet's words.
#[derive(Debug, thiserror::Error)]
enum ForwardError {
    #[error("dial tcp {address}: {}", crate::causes::with_causes(.error))]
    Dial { address: SocketAddr, error: std::io::Error },
    #[error("dial tcp {address}: no answer within {} s", DIAL_TIMEOUT.as_secs())]
    Unanswered { address: SocketAddr },
    #[error("{0}")]
    Carry(std::io::Error),
}

impl Target {
    /// The address of a pod that runs.
    pub fn of(view: &Snapshot, network: Arc<dyn PodNetwork>) -> Result<Self, Refusal> {
        let metadata = &view.pod.metadata;
        let name = metadata.name.clone().unwrap_or_default();
        let group =
            view.group.as_ref().filter(|group| group.parsed_status() == ContainerGroupStatus::Running);
        let not_running = || bad(format!("unable to forward port because pod \"{name}\" is not running"));
        let group = group.ok_or_else(not_running)?;
        let address = group.intranet_ip.parse().map_err(|_| {
            bad(format!("unable to forward port because pod \"{name}\" has no address in the cloud"))
        })?;
        let pod = format!("{name}_{}", metadata.namespace.as_deref().unwrap_or_default());
        Ok(Self { network, address, pod, uid: metadata.uid.clone().unwrap_or_default() })
    }

    /// Connects to a port.
    async fn dial(&self, port: u16) -> Result<Box<dyn PodStream>, ForwardError> {
        let address = SocketAddr::new(self.address, port);
        match tokio::time::timeout(DIAL_TIMEOUT, self.network.connect(address)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(ForwardError::Dial { address, error }),
            Err(_) => Err(ForwardError::Unanswered { address }),
        }
    }

    async fn connect_and_exchange(
        &self,
        port: u16,
        receiver: StreamReceiver,
        sender: &StreamSender,
    ) -> Result<(), ForwardError> {
        let stream = self.dial(port).await?;
        exchange(stream, receiver, sender).await.map_err(ForwardError::Carry)
    }

    /// Connects, and carries bytes both ways until both are closed.
    async fn carry(&self, port: u16, receiver: StreamReceiver, sender: StreamSender, failure: StreamSender) {
        if let Err(error) = self.connect_and_exchange(port, receiver, &sender).await {
            let Self { pod, uid, .. } = self;
            let text = format!("error forwarding port {port} to pod {pod}, uid {uid}: {error}");
            // An error is ignored: a peer that has left need not know.
            let _ = failure.say(text.into()).await;
        }
        failure.close().await;
        sender.close().await;
    }
}

async fn exchange(
    stream: Box<dyn PodStream>,
    mut receiver: StreamReceiver,
    sender: &StreamSender,
) -> std::io::Result<()> {
    let (mut read, mut write) = tokio::io::split(stream);
    let inward = async {
        while let Some(bytes) = receiver.recv().await {
            write.write_all(&bytes).await?;
        }
        // A connection that is closed already needs no further close.
        let _ = write.shutdown().await;
        Ok::<_, std::io::Error>(())
    };
    let outward = async {
        let mut buffer = BytesMut::with_capacity(32 << 10);
        while read.read_buf(&mut buffer).await? > 0 {
            if sender.say(buffer.split().freeze()).await.is_err() {
                break;
            }
        }
        sender.close().await;
        Ok(())
    };
    tokio::try_join!(inward, outward).map(drop)
}

/// Over streams that the client begins, two for a connection.
pub(super) async fn over_spdy(io: impl AsyncRead + AsyncWrite + Unpin, target: Target) {
    spdy::carry(io, |streams| pair(streams, target)).await;
}

/// Streams that wait for the one that belongs to them, each with the instant after which it waits no longer.
type Lonely = BTreeMap<String, (Stream, Instant)>;

async fn pair(mut streams: mpsc::Receiver<Stream>, target: Target) {
    let mut lonely = Lonely::new();
    let mut connections = JoinSet::new();
    loop {
        let earliest = lonely.values().map(|(_, until)| *until).min();
        let too_late = async {
            match earliest {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let stream = tokio::select! {
            stream = streams.recv() => match stream {
                Some(stream) => stream,
                None => break,
            },
            () = too_late => {
                let now = Instant::now();
                for (_, (stream, _)) in lonely.extract_if(.., |_, (_, until)| *until <= now) {
                    stream.sender.reset().await;
                }
                continue;
            }
            Some(_) = connections.join_next() => continue,
        };
        let kind = stream.header("streamtype").unwrap_or_default().to_owned();
        let port = stream.header("port").and_then(|port| port.parse().ok()).filter(|port| *port > 0);
        let (true, Some(port)) = (matches!(kind.as_str(), "error" | "data"), port) else {
            stream.sender.reset().await;
            continue;
        };
        let key = request_id(&stream, &kind);
        let other = match lonely.remove(&key) {
            None => {
                lonely.insert(key, (stream, Instant::now() + PAIR_TIMEOUT));
                continue;
            }
            Some((other, _)) => other,
        };
        if other.header("streamtype") == Some(kind.as_str()) {
            stream.sender.reset().await;
            lonely.insert(key, (other, Instant::now() + PAIR_TIMEOUT));
            continue;
        }
        let (data, failure) = if kind == "data" { (stream, other) } else { (other, stream) };
        let target = target.clone();
        connections
            .spawn(async move { target.carry(port, data.receiver, data.sender, failure.sender).await });
    }
}

/// The number that two streams share; clients from before there were such numbers begin the one of errors first.
fn request_id(stream: &Stream, kind: &str) -> String {
    match stream.header("requestid") {
        Some(id) => id.to_owned(),
        None if kind == "error" => format!("stream {}", stream.id),
        None => format!("stream {}", stream.id.saturating_sub(2)),
    }
}

/// The ports that a query names, several in one value or in several.
pub(super) fn ports(pairs: &[(String, String)]) -> Result<Vec<u16>, Refusal> {
    let values = pairs.iter().filter(|(key, _)| key == "port" || key == "ports");
    let mut ports = Vec::new();
    for text in values.flat_map(|(_, value)| value.split(',')) {
        let port = text.trim().parse().ok().filter(|port| *port > 0);
        ports.push(port.ok_or_else(|| bad(format!("port `{text}` is not a number from 1 to 65535")))?);
    }
    match ports.len() {
        0 => Err(bad("query parameter \"port\" is required")),
        1..=PORTS_MAX => Ok(ports),
        many => {
            Err(bad(format!("{many} ports are more than the {PORTS_MAX} that a WebSocket has channels for")))
        }
    }
}

/// Over the channels of a WebSocket: two for each port, and the port in the first message of each (R131).
pub(super) async fn over_channels(io: Io, version: Version, target: Target, ports: &[u16]) {
    let mut channels = Channels::new();
    let mut connections = JoinSet::new();
    for (number, port) in (0..).step_by(2).zip(ports.iter().copied()) {
        let (data, failure) = (channels.sender(number), channels.sender(number + 1));
        let (receiver, target) = (channels.receiver(number), target.clone());
        connections.spawn(async move {
            let named = Bytes::copy_from_slice(&port.to_le_bytes());
            for sender in [&data, &failure] {
                if sender.say(named.clone()).await.is_err() {
                    return;
                }
            }
            target.carry(port, receiver, data, failure).await;
        });
    }
    let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(limits())).await;
    let work = async move { while connections.join_next().await.is_some() {} };
    channels.carry(socket, version, None, work).await;
}
