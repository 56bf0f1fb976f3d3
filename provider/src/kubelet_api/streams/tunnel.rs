//! SPDY in the messages of a WebSocket: their bytes one after the other, wherever messages begin (R132).

use bytes::{Bytes, BytesMut};
use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::channels::{close, limits};
use super::upgrade::Io;

/// The most bytes that wait on the way, and that a message has.
const WAITING_MAX: usize = 64 << 10;

/// Gives `inside` what travels in the messages of `io`, until either ends.
pub(super) async fn carry<W: Future<Output = ()>>(io: Io, inside: impl FnOnce(DuplexStream) -> W) {
    let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(limits())).await;
    let (mut sink, mut stream) = socket.split();
    let (near, far) = tokio::io::duplex(WAITING_MAX);
    let (mut read, mut write) = tokio::io::split(near);
    let inward = async {
        while let Some(Ok(message)) = stream.next().await {
            let bytes: Bytes = match message {
                Message::Binary(bytes) => bytes,
                Message::Text(text) => text.into(),
                _ => continue,
            };
            if write.write_all(&bytes).await.is_err() {
                break;
            }
        }
        // Fails only when the inside has ended.
        let _ = write.shutdown().await;
    };
    let outward = async {
        let mut buffer = BytesMut::with_capacity(WAITING_MAX);
        while let Ok(1..) = read.read_buf(&mut buffer).await {
            if sink.send(Message::Binary(buffer.split().freeze())).await.is_err() {
                return;
            }
        }
        close(&mut sink).await;
    };
    tokio::select! {
        ((), ()) = async { tokio::join!(inside(far), outward) } => {}
        () = async { inward.await; std::future::pending().await } => {}
    }
}
