//! Sessions of `ExecContainerCommand` over a WebSocket.
//!
//! The cloud's protocol is not published (eci-openapi.md, section 8), so this one is `ours`. A client that offers
//! `v4.channel.k8s.io` gets Kubernetes' channels, which the cloud's probably are too: the first byte of each message says
//! whether it is input (0), output (1), errors (2), the end (3) or a size (4). Any other client writes what is typed and
//! reads what is said; the close frame tells the code.

use bytes::{BufMut, Bytes, BytesMut};
use futures::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};

use crate::runtime::attach::{Attached, OutputFrame, StdinFrame};
use crate::runtime::played::Command;
use crate::runtime::queries::{EngineError, EngineHandle};
use crate::sim::EciSim;
use crate::world::sessions::PendingSession;

/// The one subprotocol that is supported.
pub(crate) const CHANNELS: &str = "v4.channel.k8s.io";
/// Bound of a message in bytes.
const MESSAGE_MAX: usize = 1 << 20;

/// A session that begins when the answer to its handshake is on its way.
#[derive(Debug)]
pub struct Session {
    pub(crate) pending: PendingSession,
    /// Engine that runs the command; `None` where it is played.
    pub(crate) engine: Option<EngineHandle>,
    pub(crate) framing: Framing,
    /// Simulator in which a command is played.
    pub(crate) sim: EciSim,
}

/// A session that ends without an exit code.
#[derive(Debug, thiserror::Error)]
enum SessionError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("the command was lost")]
    Lost,
}

/// The form of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Channels,
    Plain,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Size {
    width: u16,
    height: u16,
}

impl Session {
    /// Runs the session until the command ends, or the client leaves; `read` is what came with the handshake.
    pub async fn hold(self, stream: impl AsyncRead + AsyncWrite + Unpin, read: Vec<u8>) {
        let config = WebSocketConfig::default().max_message_size(Some(MESSAGE_MAX));
        let mut socket = WebSocketStream::from_partially_read(stream, read, Role::Server, Some(config)).await;
        let framing = self.framing;
        let ended = match self.attach().await {
            Ok(attached) => relay(&mut socket, framing, attached).await,
            Err(why) => Some(Err(why.into())),
        };
        let Some(ended) = ended else { return };
        if framing == Framing::Channels
            && let Err(why) = socket.send(Message::Binary(channel(3, status(&ended).as_bytes()))).await
        {
            return tracing::debug!("a session broke: {why}");
        }
        let code = if ended.is_ok() { CloseCode::Normal } else { CloseCode::Error };
        let reason = match &ended {
            Ok(code) => format!("exit code {code}"),
            // a reason has room for 123 bytes
            Err(why) => why.to_string().chars().take(40).collect(),
        };
        if let Err(why) = socket.close(Some(CloseFrame { code, reason: reason.into() })).await {
            return tracing::debug!("a session broke: {why}");
        }
        // the other side's close
        while let Some(Ok(_)) = socket.next().await {}
    }

    async fn attach(self) -> Result<Attached, EngineError> {
        match (self.engine, self.pending.run) {
            (Some(engine), Some(run)) => {
                let (command, stdin) = (self.pending.command, self.pending.stdin);
                let words = command.words.iter().map(|word| word.to_string()).collect();
                engine.attach(run, words, command.tty, stdin).await
            }
            _ => {
                let sim = self.sim;
                let execute = move |command: &Command, words: &[Box<str>], input: (Option<&[u8]>, bool)| {
                    sim.execute(command, words, input)
                };
                let attached = self.pending.command.attach(self.pending.stdin, Box::new(execute));
                if !self.pending.stdin {
                    // nothing more comes; a command that has ended already need not know
                    let _told = attached.input.send(StdinFrame::Bytes(Bytes::new())).await;
                }
                Ok(attached)
            }
        }
    }
}

/// The exit code of the command; `None` when the client left before.
async fn relay<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    framing: Framing,
    attached: Attached,
) -> Option<Result<i32, SessionError>> {
    let (mut to_client, mut from_client) = socket.split();
    let Attached { input, mut output } = attached;
    // The two directions do not wait for each other: a command that receives more than it reads may have output that
    // has to be read first.
    let from_command_to_client = async {
        loop {
            let message = match output.recv().await {
                Some(OutputFrame::Output(bytes)) => framing.encode(1, &bytes),
                Some(OutputFrame::Errors(bytes)) => framing.encode(2, &bytes),
                Some(OutputFrame::Ended(code)) => return Some(Ok(code)),
                None => return Some(Err(SessionError::Lost)),
            };
            to_client.send(message).await.ok()?;
        }
    };
    let from_client_to_command = async {
        while let Some(Ok(message)) = from_client.next().await {
            let typed = match message {
                Message::Binary(bytes) => framing.decode(bytes),
                Message::Text(text) => framing.decode(text.into()),
                Message::Close(_) => return,
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => None,
            };
            if let Some(typed) = typed
                && input.send(typed).await.is_err()
            {
                tracing::debug!("a command does not hear any more");
            }
        }
    };
    tokio::select! {
        ended = from_command_to_client => ended,
        () = from_client_to_command => None,
    }
}

impl Framing {
    fn encode(self, number: u8, bytes: &[u8]) -> Message {
        Message::Binary(match self {
            Self::Channels => channel(number, bytes),
            Self::Plain => Bytes::copy_from_slice(bytes),
        })
    }

    fn decode(self, bytes: Bytes) -> Option<StdinFrame> {
        match (self, bytes.first()) {
            (Self::Plain, _) | (_, None) => Some(StdinFrame::Bytes(bytes)),
            (Self::Channels, Some(0)) => Some(StdinFrame::Bytes(bytes.slice(1..))),
            (Self::Channels, Some(4)) => serde_json::from_slice(&bytes[1..])
                .ok()
                .map(|size: Size| StdinFrame::Size(size.width, size.height)),
            (Self::Channels, Some(_)) => None,
        }
    }
}

fn channel(number: u8, bytes: &[u8]) -> Bytes {
    let mut message = BytesMut::with_capacity(bytes.len() + 1);
    message.put_u8(number);
    message.extend_from_slice(bytes);
    message.freeze()
}

/// The status that ends a session over Kubernetes' channels.
fn status(ended: &Result<i32, SessionError>) -> String {
    let status = match ended {
        Ok(0) => json!({ "metadata": {}, "status": "Success" }),
        Ok(code) => json!({
            "metadata": {},
            "status": "Failure",
            "message": format!("command terminated with non-zero exit code: exit status {code}"),
            "reason": "NonZeroExitCode",
            "details": { "causes": [{ "reason": "ExitCode", "message": code.to_string() }] },
        }),
        Err(why) => {
            let message = why.to_string();
            json!({ "metadata": {}, "status": "Failure", "message": message, "reason": "InternalError" })
        }
    };
    status.to_string()
}
