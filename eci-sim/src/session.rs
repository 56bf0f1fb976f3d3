//! Sessions of `ExecContainerCommand` over a WebSocket.
//!
//! The cloud's protocol is not published (eci-openapi.md, section 8), so this one is `ours`. A client that offers
//! `v4.channel.k8s.io` gets Kubernetes' channels, which the cloud's probably are too: the first byte of each message says
//! whether it is input (0), output (1), errors (2), the end (3) or a size (4). Any other client writes what is typed and
//! reads what is said; the close frame tells the code.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, Bytes, BytesMut};
use futures::{SinkExt, StreamExt};
use http::{HeaderValue, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};

use crate::EciSim;
use crate::actions::EXEC_PATH;
use crate::refusal::Refusal;
use crate::runtime::attach::{Attached, OutputFrame, StdinFrame};
use crate::runtime::engine::EngineError;
use crate::runtime::{Order, Runtime};
use crate::server::{Exchange, Incoming, LOGGED_TEXT_MAX, prefix};
use crate::world::sessions::PendingSession;

/// The one subprotocol that is supported.
const CHANNELS: &str = "v4.channel.k8s.io";
/// Bound of a message in bytes.
const MESSAGE_MAX: usize = 1 << 20;

/// A session that begins when the answer to its handshake is on its way.
#[derive(Debug)]
pub struct Session {
    pending: PendingSession,
    runtime: Runtime,
    framing: Framing,
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
enum Framing {
    Channels,
    Plain,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Size {
    width: u16,
    height: u16,
}

impl EciSim {
    /// The session that a request asks for, if it is the handshake of one that may be opened.
    pub(crate) fn session(&self, request: &Incoming) -> Option<Exchange> {
        let key = request.header("sec-websocket-key").filter(|_| is_handshake(request))?;
        let key = STANDARD.decode(key).ok().filter(|bytes| bytes.len() == 16).map(|_| key)?;
        let now = self.clock().now();
        let mut state = self.state();
        let pending = state.world.sessions.take(name(request)?, now)?;
        let runtime = state.world.runtime.clone();
        drop(state);
        let offers = request.header("sec-websocket-protocol").unwrap_or_default();
        let framing = match offers.split(',').any(|offer| offer.trim() == CHANNELS) {
            true => Framing::Channels,
            false => Framing::Plain,
        };
        let mut answer = Response::new(Bytes::new());
        *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = answer.headers_mut();
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        let accepted = HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok()?;
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accepted);
        if framing == Framing::Channels {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(CHANNELS));
        }
        let session = Session { pending, runtime, framing };
        let session = Some(Box::new(session));
        Some(Exchange { session, authenticated: true, ..Exchange::answering(answer) })
    }

    /// The refusal of a request to the sessions' path that opens none.
    pub(crate) fn no_session(request: &Incoming) -> Refusal {
        let named = request.parameter("s").filter(|_| is_handshake(request)).or(request.parameter("param"));
        match named {
            Some(id) => Refusal::NotFound { kind: "session", id: prefix(id, LOGGED_TEXT_MAX).to_owned() },
            None => Refusal::invalid(
                "s",
                "it should come with the handshake of a WebSocket of version 13, as WebSocketUri says it; HttpUrl is for browsers",
            ),
        }
    }
}

/// The name of a session, as its address has it.
fn name(request: &Incoming) -> Option<&str> {
    request.parameter("s").filter(|_| request.path == EXEC_PATH)
}

fn is_handshake(request: &Incoming) -> bool {
    request.method == "GET"
        && request.header("upgrade").is_some_and(|to| to.eq_ignore_ascii_case("websocket"))
        && request.header("sec-websocket-version") == Some("13")
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
        match (self.runtime, self.pending.run) {
            (Runtime::Engine(driver), Some(run)) => {
                let (answer, answered) = tokio::sync::oneshot::channel();
                let (command, stdin) = (self.pending.command, self.pending.stdin);
                driver.send(Order::Attach { run, words: command.words, tty: command.tty, stdin, answer });
                answered
                    .await
                    .unwrap_or_else(|_| Err(EngineError::Failed("the Engine's driver has ended".to_owned())))
            }
            _ => {
                let attached = self.pending.command.attach();
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
