//! A long line to the cloud: the WebSocket behind the address that `ExecContainerCommand` gives out.

use std::time::Duration;

use bytes::Bytes;
use eci_api::Action;
use eci_api::actions::ExecContainerCommand;
use http::{Request, header};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::Eci;
use super::error::EciError;

/// The upgraded connection that a session goes over.
pub type UpgradedStream = TokioIo<Upgraded>;

/// The longest time of the WebSocket handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// A session that the cloud has taken.
pub(crate) struct CloudSession {
    /// The session's WebSocket.
    pub socket: WebSocketStream<UpgradedStream>,
    /// The subprotocol that the cloud chose of those offered, if any.
    pub protocol: Option<String>,
}

impl Eci {
    /// Opens the session at `address`, which is a secret for as long as it is good, and so is not told in errors.
    ///
    /// # Errors
    /// [`EciError::Unreachable`] when nobody answers, [`EciError::Garbled`] when the answer or the address makes no sense.
    pub(crate) async fn session(
        &self,
        address: &str,
        offers: &[&str],
        limits: WebSocketConfig,
    ) -> Result<CloudSession, EciError> {
        let action = ExecContainerCommand::NAME;
        let garbled = |why: &str| EciError::Garbled { action, why: why.to_owned() };
        let uri = match (address.split_once("://"), self.0.endpoint.is_encrypted()) {
            (Some(("wss", rest)), _) => format!("https://{rest}"),
            (Some(("ws", rest)), false) => format!("http://{rest}"),
            (Some(("ws", _)), true) => return Err(garbled("the session's address is not encrypted")),
            _ => return Err(garbled("the session's address is no WebSocket's")),
        };
        let key = generate_key();
        let request = Request::get(uri)
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, &key)
            .header(header::SEC_WEBSOCKET_PROTOCOL, offers.join(", "))
            .body(Bytes::new())
            .map_err(|_| garbled("the session's address cannot be read"))?;
        let upgraded = tokio::time::timeout(HANDSHAKE_TIMEOUT, self.0.transport.upgrade(request)).await;
        let (headers, upgraded) = upgraded
            .map_err(|_| EciError::unreachable(action, "its session: no answer within 10 s".to_owned()))?
            .map_err(|why| EciError::unreachable(action, format!("its session: {why}")))?;
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        if text(header::SEC_WEBSOCKET_ACCEPT) != Some(&derive_accept_key(key.as_bytes())) {
            return Err(garbled("the session's handshake is answered wrongly"));
        }
        let protocol = text(header::SEC_WEBSOCKET_PROTOCOL).map(str::to_owned);
        let socket =
            WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, Some(limits)).await;
        Ok(CloudSession { socket, protocol })
    }
}
