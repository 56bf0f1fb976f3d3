//! `proxy` of nodes, pods and services: requests handed on with their path, query, method and body as they are.

mod backend;
mod redirect;

use http::header::{HOST, HeaderValue, LOCATION};
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use serde_json::json;

use super::admit::Admission;
use super::call::Call;
use super::connect;
use super::response::ApiResponse;
use super::target::Target;
use crate::admission::attributes::Operation;
use crate::status::ApiError;

/// Any request below `proxy`.
///
/// # Errors
/// When there is no such node, pod or service, or it is not reached.
pub async fn forward(call: &Call, target: &Target) -> Result<ApiResponse, ApiError> {
    if target.watch {
        return Err(ApiError::no_such_resource());
    }
    connect::refuse_dry_run(call)?;
    let (prefix, below) = split(call.uri.path(), target);
    admit(call, target, below).await?;
    let backend = backend::find(call, target)?;
    let query = call.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let upgrades = connect::asks_for_upgrade(&call.headers);
    if below.is_empty() && !upgrades && matches!(call.method, Method::GET | Method::HEAD) {
        return Ok(moved(&format!("{prefix}/{query}")));
    }
    let path = format!("{}{query}", if below.is_empty() { "/" } else { below });
    if upgrades {
        return connect::upgraded(call, backend, &path).await;
    }
    let own = backend.base.split_once("://").map_or("", |(_, own)| own).to_owned();
    let mut response = connect::send(call, backend, &path).await?;
    let asked = call.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    let location = location.map(|location| redirect::through_proxy(location, &own, asked, prefix));
    if let Some(location) = location.and_then(|location| HeaderValue::try_from(location).ok()) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(ApiResponse::whole(response))
}

/// Asks the webhooks; a path is never changed, and so none of them may.
async fn admit(call: &Call, target: &Target, path: &str) -> Result<(), ApiError> {
    let below = target.kind.subresources.iter().find(|below| below.name == target.subresource);
    let options = json!({"kind": below.map(|below| below.body.2), "apiVersion": "v1", "path": path});
    let mut admitted = options.clone();
    Admission::new(call, target, Operation::Connect, None, false).connect(&mut admitted).await?;
    match admitted == options {
        true => Ok(()),
        false => Err(ApiError::internal(
            "a webhook changed the options of a proxy, which this server does not follow",
        )),
    }
}

/// A path as it was sent, split behind the word `proxy`.
fn split<'a>(path: &'a str, target: &Target) -> (&'a str, &'a str) {
    let words = if target.kind.namespaced { 7 } else { 5 };
    let ends = path
        .char_indices()
        .filter(|(at, c)| *c != '/' && !path[at + c.len_utf8()..].starts_with(|c| c != '/'));
    let end = ends.map(|(at, c)| at + c.len_utf8()).nth(words - 1).unwrap_or(path.len());
    path.split_at(end)
}

/// The real server's redirect to the root of what is proxied.
fn moved(location: &str) -> ApiResponse {
    let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    ApiResponse::whole(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::target::{Route, parse_path};

    #[test]
    fn what_stands_behind_the_word_proxy_is_taken_as_it_is() {
        for (path, below) in [
            ("/api/v1/nodes/n/proxy", ""),
            ("/api/v1/nodes/n/proxy/", "/"),
            ("/api/v1/nodes/n/proxy/stats/summary", "/stats/summary"),
            ("/api/v1//nodes/n/proxy//a%2Fb/../c/", "//a%2Fb/../c/"),
            ("/api/v1/namespaces/ns/pods/https:p:443/proxy/proxy", "/proxy"),
        ] {
            let Ok(Route::Resource(target)) = parse_path(path) else { panic!("{path} is no resource") };
            let (prefix, rest) = split(path, &target);
            assert_eq!((rest, prefix.ends_with("proxy")), (below, true), "{path}");
        }
    }
}
