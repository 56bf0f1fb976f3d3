//! Kubernetes' channels over a WebSocket: the first byte of each message says which stream it is of (R127).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, Bytes, BytesMut};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};

use super::ends::{Line, Movement, Outgoing, StreamReceiver, StreamSender, WAITING_MAX};

/// The largest message.
const MESSAGE_MAX: usize = 1 << 20;
/// The channel on which the fifth version's client closes others; towards the client nothing is closed alone.
const CLOSE: u8 = 255;
/// The longest wait for the other side's own close.
const LINGER: Duration = Duration::from_secs(5);

/// Encodings of channels in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// Bytes.
    V4,
    /// Text: a digit and then base64.
    V4Base64,
    /// Bytes, and the client can close its streams one by one.
    V5,
}

/// The largest messages of a WebSocket.
pub(super) fn limits() -> WebSocketConfig {
    WebSocketConfig::default().max_message_size(Some(MESSAGE_MAX)).max_frame_size(Some(MESSAGE_MAX))
}

/// Reads a message: the channel and its bytes; `None` when it is none.
pub(super) fn read(version: Version, message: Message) -> Option<(u8, Bytes)> {
    let mut bytes = match message {
        Message::Binary(bytes) => bytes,
        Message::Text(text) => text.into(),
        _ => return None,
    };
    if bytes.is_empty() {
        return None;
    }
    let first = bytes.split_to(1)[0];
    match version {
        Version::V4 | Version::V5 => Some((first, bytes)),
        Version::V4Base64 => Some((first.checked_sub(b'0')?, STANDARD.decode(&bytes).ok()?.into())),
    }
}

/// Writes a message.
pub(super) fn write(version: Version, channel: u8, bytes: &[u8]) -> Message {
    if version == Version::V4Base64 {
        return Message::text(format!(
            "{}{}",
            char::from(b'0'.saturating_add(channel)),
            STANDARD.encode(bytes)
        ));
    }
    let mut message = BytesMut::with_capacity(bytes.len() + 1);
    message.put_u8(channel);
    message.extend_from_slice(bytes);
    Message::Binary(message.freeze())
}

/// The channels of a connection that have ends on this side.
pub(super) struct Channels {
    line: Line,
    outgoing: mpsc::Receiver<Outgoing>,
    inputs: Vec<Option<mpsc::Sender<Bytes>>>,
}

impl Channels {
    /// None yet.
    pub fn new() -> Self {
        let (line, outgoing) = mpsc::channel(WAITING_MAX);
        Self { line, outgoing, inputs: Vec::new() }
    }

    /// The end from which a channel is written.
    pub fn sender(&self, channel: u8) -> StreamSender {
        StreamSender::new(channel.into(), self.line.clone())
    }

    /// The end at which a channel is read.
    pub fn receiver(&mut self, channel: u8) -> StreamReceiver {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let at = usize::from(channel);
        self.inputs.resize_with(self.inputs.len().max(at + 1), || None);
        self.inputs[at] = Some(sender);
        receiver
    }

    /// Carries them until `work` is done, or the other side leaves; `greeted` gets an empty message first.
    pub async fn carry<S: AsyncRead + AsyncWrite + Unpin>(
        self,
        socket: WebSocketStream<S>,
        version: Version,
        greeted: Option<u8>,
        work: impl Future<Output = ()>,
    ) {
        let Self { line, outgoing, inputs } = self;
        let (mut sink, stream) = socket.split();
        if let Some(greeted) = greeted
            && sink.send(write(version, greeted, &[])).await.is_err()
        {
            return;
        }
        let movement = Movement::default();
        let mut listening = std::pin::pin!(listen(stream, version, inputs, movement.clone()));
        let mut speaking = std::pin::pin!(speak(sink, version, outgoing, movement.clone()));
        tokio::select! {
            () = work => {}
            () = &mut listening => return,
            () = &mut speaking => return,
            () = movement.has_ceased() => {}
        }
        let last = async {
            let _ = tokio::join!(line.send(Outgoing::End(0)), speaking);
            tokio::time::sleep(LINGER).await;
        };
        tokio::select! {
            () = last => {}
            () = listening => {}
            () = movement.has_ceased() => {}
        }
    }
}

async fn listen<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: SplitStream<WebSocketStream<S>>,
    version: Version,
    mut inputs: Vec<Option<mpsc::Sender<Bytes>>>,
    movement: Movement,
) {
    while let Some(Ok(message)) = stream.next().await {
        movement.moved();
        let Some((channel, bytes)) = read(version, message) else { continue };
        if version == Version::V5 && channel == CLOSE {
            if let Some(receiver) = bytes.first().and_then(|closed| inputs.get_mut(usize::from(*closed))) {
                *receiver = None;
            }
            continue;
        }
        if let Some(Some(receiver)) = inputs.get(usize::from(channel)) {
            // Nobody may want it any more.
            let _ = receiver.send(bytes).await;
        }
    }
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin>(
    mut sink: SplitSink<WebSocketStream<S>, Message>,
    version: Version,
    mut outgoing: mpsc::Receiver<Outgoing>,
    movement: Movement,
) {
    while let Some(word) = outgoing.recv().await {
        let message = match word {
            Outgoing::Bytes(channel, bytes) => write(version, u8::try_from(channel).unwrap_or(0), &bytes),
            Outgoing::End(_) => break,
            _ => continue,
        };
        movement.moved();
        if sink.send(message).await.is_err() {
            return;
        }
    }
    close(&mut sink).await;
}

/// Ends a WebSocket in order: Kubernetes' own client takes an end without this code for a failure.
pub(super) async fn close<S: AsyncRead + AsyncWrite + Unpin>(
    sink: &mut SplitSink<WebSocketStream<S>, Message>,
) {
    let ended = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    // Fails only where the other side has left.
    let _ = sink.send(Message::Close(Some(ended))).await;
    let _ = sink.close().await;
}
