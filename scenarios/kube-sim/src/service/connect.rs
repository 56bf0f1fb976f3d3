//! Requests that are handed on to a node or pod: the headers that go along, and connections that change their protocol.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, EXPECT, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};

use super::call::Call;
use super::response::ApiResponse;
use crate::body::KubeBody;
use crate::outbound::OutboundError;
use crate::status::ApiError;

/// Headers of one connection, which are not handed on.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Beginnings of headers that say who the caller is: only this server is asked to believe them.
const IDENTITY: [&str; 2] = ["impersonate-", "x-remote-"];

/// The other side of a request that is handed on.
#[derive(Debug)]
pub struct Backend {
    /// Scheme, host and port.
    pub base: String,
    /// The header by which the other side knows this server; `None` for pods.
    pub authorization: Option<String>,
}

/// Refuses a dry run: what is handed on has its effect elsewhere.
pub fn refuse_dry_run(call: &Call) -> Result<(), ApiError> {
    match call.query.iter().any(|(key, _)| key == "dryRun") {
        true => Err(ApiError::bad_request("dryRun is not supported")),
        false => Ok(()),
    }
}

/// True for a request after which the connection is to speak another protocol.
pub fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|word| word.trim().eq_ignore_ascii_case("upgrade"))
}

/// Opens a tunnel: the protocol is chosen by the client and the other side, and only handed through here.
///
/// # Errors
/// 503 when every place for a tunnel is taken, 500 when the other side is not reached or answers what it may not.
pub async fn upgraded(call: &Call, backend: Backend, path: &str) -> Result<ApiResponse, ApiError> {
    let place = call.sim.tunnels().enter();
    let place = place.map_err(|full| ApiError::new(503, "ServiceUnavailable", full.to_string()))?;
    let unreached = |why: String| ApiError::new(500, "", format!("error dialing backend: {why}"));
    let request = request(call, backend, path).map_err(|error| unreached(error.to_string()))?;
    let response = call.sim.outbound().send(request, None).await;
    let mut response = response.map_err(|error| unreached(error.to_string()))?;
    match response.status() {
        StatusCode::SWITCHING_PROTOCOLS => {
            response.extensions_mut().insert(place);
        }
        status if status.as_u16() < 400 => {
            let message = format!("invalid upgrade response: status code {}", status.as_u16());
            return Err(ApiError::new(500, "", message));
        }
        _ => remove_hop_by_hop(response.headers_mut()),
    }
    Ok(ApiResponse::whole(response))
}

/// Hands a request on, and returns the response without what belongs to its connection.
///
/// # Errors
/// 503 when the other side does not answer.
pub async fn send(call: &Call, backend: Backend, path: &str) -> Result<Response<KubeBody>, ApiError> {
    let sent = match request(call, backend, path) {
        Ok(request) => call.sim.outbound().send(request, None).await,
        Err(error) => Err(OutboundError(error.to_string())),
    };
    let mut response = sent.map_err(|why| unreachable_service(&why.to_string()))?;
    remove_hop_by_hop(response.headers_mut());
    Ok(response)
}

/// The error for a pod or node that does not answer.
pub fn unreachable_service(why: &str) -> ApiError {
    ApiError::new(503, "ServiceUnavailable", format!("error trying to reach service: {why}"))
}

fn request(call: &Call, backend: Backend, path: &str) -> Result<Request<Bytes>, http::Error> {
    let mut headers = call.headers.clone();
    let protocols: Vec<HeaderValue> = match asks_for_upgrade(&headers) {
        true => headers.get_all(UPGRADE).iter().cloned().collect(),
        false => Vec::new(),
    };
    remove_hop_by_hop(&mut headers);
    for name in [AUTHORIZATION, CONTENT_LENGTH, EXPECT] {
        headers.remove(name);
    }
    let claims = |name: &&HeaderName| IDENTITY.iter().any(|beginning| name.as_str().starts_with(beginning));
    let claims: Vec<HeaderName> = headers.keys().filter(claims).cloned().collect();
    claims.iter().for_each(|name| drop(headers.remove(name)));
    if let Some(authorization) = backend.authorization {
        headers.insert(AUTHORIZATION, HeaderValue::try_from(authorization)?);
    }
    if !protocols.is_empty() {
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        for protocol in protocols {
            headers.append(UPGRADE, protocol);
        }
    }
    let uri = format!("{}{path}", backend.base);
    let mut request = Request::builder().method(call.method.clone()).uri(uri).body(call.body.clone())?;
    *request.headers_mut() = headers;
    Ok(request)
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<HeaderName> =
        named.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok()).collect();
    named.iter().for_each(|name| drop(headers.remove(name)));
    HOP_BY_HOP.iter().for_each(|name| drop(headers.remove(*name)));
}
