//! Upgrades of a connection from HTTP: what the client offers, what is chosen, and the answer that says so.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::channels::Version;
use crate::kubelet_api::response::{Body, Refusal, text};

/// The byte stream under an upgraded connection.
pub(super) type Io = TokioIo<Upgraded>;

const VERSIONS: HeaderName = HeaderName::from_static("x-stream-protocol-version");

/// Forms of a command's end over SPDY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExitFormat {
    /// As JSON; terminals have sizes.
    Status,
    /// In words; terminals have sizes.
    WordsAndSizes,
    /// In words.
    Words,
}

/// Protocols of an upgraded connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// Streams of SPDY/3.1.
    Spdy(ExitFormat),
    /// Channels over a WebSocket.
    Channels(Version),
    /// SPDY/3.1 in the messages of a WebSocket.
    Tunnel,
}

/// Protocols that are spoken for one purpose, by preference: the names over SPDY, and those over a WebSocket.
pub(super) struct SupportedProtocols {
    spdy: &'static [(&'static str, Protocol)],
    websocket: &'static [(&'static str, Protocol)],
}

/// For exec and attach.
pub(super) const TERMINAL: SupportedProtocols = SupportedProtocols {
    spdy: &[
        ("v4.channel.k8s.io", Protocol::Spdy(ExitFormat::Status)),
        ("v3.channel.k8s.io", Protocol::Spdy(ExitFormat::WordsAndSizes)),
        ("v2.channel.k8s.io", Protocol::Spdy(ExitFormat::Words)),
        ("channel.k8s.io", Protocol::Spdy(ExitFormat::Words)),
    ],
    websocket: &[
        ("v5.channel.k8s.io", Protocol::Channels(Version::V5)),
        ("v4.channel.k8s.io", Protocol::Channels(Version::V4)),
        ("v4.base64.channel.k8s.io", Protocol::Channels(Version::V4Base64)),
    ],
};

/// For port-forward.
pub(super) const FORWARD: SupportedProtocols = SupportedProtocols {
    spdy: &[("portforward.k8s.io", Protocol::Spdy(ExitFormat::Words))],
    websocket: &[
        ("SPDY/3.1+portforward.k8s.io", Protocol::Tunnel),
        ("v2.portforward.k8s.io", Protocol::Tunnel),
        ("v4.channel.k8s.io", Protocol::Channels(Version::V4)),
        ("v4.base64.channel.k8s.io", Protocol::Channels(Version::V4Base64)),
    ],
};

/// A change of protocol that can be made.
pub(super) struct Upgrade {
    pub protocol: Protocol,
    name: &'static str,
    key: Option<String>,
    upgrading: OnUpgrade,
}

impl Upgrade {
    /// The upgrade that a request asks for. Fails with 400 for a request that is no proper upgrade, and with 403
    /// where no protocol that is offered is spoken.
    pub fn requested(mut request: Request<Bytes>, supported: &SupportedProtocols) -> Result<Self, Refusal> {
        let to = words(&request, &header::UPGRADE);
        let is = |name: &str| to.iter().any(|word| word.eq_ignore_ascii_case(name));
        let names_upgrade = words(&request, &header::CONNECTION);
        let bad = |text: &str| Refusal::new(StatusCode::BAD_REQUEST, text);
        if !names_upgrade.iter().any(|word| word.eq_ignore_ascii_case("upgrade")) {
            return Err(bad("Upgrade request required"));
        }
        let (offers, known, key) = if is("websocket") {
            if request.method() != Method::GET {
                return Err(bad("a WebSocket is opened by GET"));
            }
            if words(&request, &header::SEC_WEBSOCKET_VERSION) != ["13"] {
                return Err(bad("the version of the WebSocket protocol that is spoken is 13"));
            }
            let key = words(&request, &header::SEC_WEBSOCKET_KEY).into_iter().next().unwrap_or_default();
            if STANDARD.decode(&key).ok().is_none_or(|bytes| bytes.len() != 16) {
                return Err(bad("Sec-WebSocket-Key is not 16 bytes as base64"));
            }
            (words(&request, &header::SEC_WEBSOCKET_PROTOCOL), supported.websocket, Some(key))
        } else if is("SPDY/3.1") {
            (words(&request, &VERSIONS), supported.spdy, None)
        } else {
            return Err(bad("Upgrade request required: to SPDY/3.1 or websocket"));
        };
        let chosen = known.iter().find(|(name, _)| offers.iter().any(|offer| offer == name));
        let Some((name, protocol)) = chosen else {
            let accepted: Vec<_> = known.iter().map(|(name, _)| *name).collect();
            let text = format!(
                "unable to upgrade: unable to negotiate protocol: client supports {offers:?}, server accepts {accepted:?}"
            );
            return Err(Refusal::new(StatusCode::FORBIDDEN, text));
        };
        let upgrading = hyper::upgrade::on(&mut request);
        Ok(Self { protocol: *protocol, name, key, upgrading })
    }

    /// The answer, what will be spoken, and the connection, once the answer is on its way.
    pub fn accept(self) -> (Response<Body>, Protocol, impl Future<Output = Option<Io>>) {
        let mut response = text(StatusCode::SWITCHING_PROTOCOLS, "");
        let headers = response.headers_mut();
        headers.clear();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        let (to, named) = match &self.key {
            Some(_) => ("websocket", header::SEC_WEBSOCKET_PROTOCOL),
            None => ("SPDY/3.1", VERSIONS),
        };
        headers.insert(header::UPGRADE, HeaderValue::from_static(to));
        headers.insert(named, HeaderValue::from_static(self.name));
        let accepted = self.key.map(|key| derive_accept_key(key.as_bytes()));
        if let Some(accepted) = accepted.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accepted);
        }
        let upgrading = self.upgrading;
        let upgraded = async move {
            let upgraded = upgrading.await;
            upgraded
                .inspect_err(|error| tracing::debug!(%error, "a connection ended early"))
                .ok()
                .map(TokioIo::new)
        };
        (response, self.protocol, upgraded)
    }
}

/// The words of a header, which may stand in several lines, and in one between commas.
fn words(request: &Request<Bytes>, name: &HeaderName) -> Vec<String> {
    let lines = request.headers().get_all(name).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(|word| word.trim().to_owned()).collect()
}
