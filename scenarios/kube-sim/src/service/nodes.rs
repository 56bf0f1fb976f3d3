//! Requests to nodes, as the API server's own user.

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;

use super::call::{Call, stored};
use super::response::ApiResponse;
use crate::kinds;
use crate::node_proxy;
use crate::object::field::list;
use crate::status::ApiError;

/// The base address of the API of the node of this name.
///
/// # Errors
/// 404 when there is no such node, 500 when it has no address.
pub fn base(call: &Call, node: &str) -> Result<String, ApiError> {
    let Some(kind) = kinds::find("", "nodes") else { return Err(ApiError::no_such_resource()) };
    let node = stored(call, kind, "", node)?;
    node_proxy::address(&node).ok_or_else(|| {
        let message = format!(
            "no preferred addresses found; known addresses: {:?}",
            list(&node, "/status/addresses").len()
        );
        ApiError::internal(message)
    })
}

/// `GET` of a path of a node; other than 2xx becomes an error with the node's words.
pub async fn get(call: &Call, node: &str, path: &str) -> Result<ApiResponse, ApiError> {
    let url = format!("{}{path}", base(call, node)?);
    let request =
        Request::get(&url).header("authorization", node_proxy::authorization(&call.sim)).body(Bytes::new());
    // The real server passes the text of its client on as it is, without a reason.
    let unreached = |why: String| ApiError::new(500, "", format!("Get {url:?}: {why}"));
    let request = request.map_err(|e| unreached(e.to_string()))?;
    let response = call.sim.outbound().send(request, None).await;
    let response = response.map_err(|e| unreached(e.to_string()))?;
    let (parts, body) = response.into_parts();
    let content_type =
        parts.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or("text/plain");
    if parts.status.is_success() {
        return Ok(ApiResponse::proxied(parts.status.as_u16(), content_type, body));
    }
    let said = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    let reason = match parts.status.as_u16() {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        500 => "InternalError",
        _ => "",
    };
    Err(ApiError::new(parts.status.as_u16(), reason, said))
}
