//! Handshakes of sessions, at the addresses that `ExecContainerCommand` gives out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::actions::EXEC_PATH;
use crate::exchange::{Exchange, Incoming};
use crate::refusal::Refusal;
use crate::session::{CHANNELS, Framing, Session};
use crate::sim::EciSim;
use crate::state::LOGGED_TEXT_MAX;
use crate::text::prefix;

impl EciSim {
    /// The session that a request asks for, if it is the handshake of one that may be opened.
    pub(super) fn session(&self, request: &Incoming) -> Option<Exchange> {
        let key = request.header("sec-websocket-key").filter(|_| is_handshake(request))?;
        let key = STANDARD.decode(key).ok().filter(|bytes| bytes.len() == 16).map(|_| key)?;
        let now = self.clock().now();
        let mut state = self.state();
        let pending = state.world.sessions.take(name(request)?, now)?;
        drop(state);
        let engine = self.engine();
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
        let session = Session { pending, engine, framing, sim: self.clone() };
        let session = Some(Box::new(session));
        Some(Exchange { session, authenticated: true, ..Exchange::answering(answer) })
    }

    /// The refusal of a request to the sessions' path that opens none.
    pub(super) fn no_session(request: &Incoming) -> Refusal {
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
