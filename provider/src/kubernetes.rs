//! Clients of the Kubernetes API whose calls end: an answer in time, or an error that says so.

use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response, header};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use tower::{BoxError, Service};

/// The longest that one call may take, its answer's body included; also a watch may not take longer to begin.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest that one call of the heartbeat may take: of the 40 s that a lease lasts, two such calls leave a retry.
pub const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest that a watch says nothing before it is begun anew; the API server sends a bookmark each minute. kube-rs
/// adds 5 s of its own.
pub const WATCH_TIMEOUT_SECONDS: u32 = 85;

/// An answer that did not come in time. Whether the call was carried out is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{method} {path}: no answer of the API server within {} s", limit.as_secs())]
pub struct CallTimeout {
    /// The call's method.
    pub method: String,
    /// The call's path.
    pub path: String,
    /// The limit that passed.
    pub limit: Duration,
}

/// `client` with a limit on each call. Watches are limited until they begin, as their streams end by themselves
/// ([`WATCH_TIMEOUT_SECONDS`]).
///
/// To be called within a runtime.
pub fn with_timeout(client: Client, limit: Duration) -> Client {
    let namespace = client.default_namespace().to_owned();
    let limit = if planted!(CallsHaveNoLimit) { Duration::MAX } else { limit };
    Client::new(Limited { client, limit }, namespace)
}

struct Limited {
    client: Client,
    limit: Duration,
}

impl Service<Request<Body>> for Limited {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Waiting for the client counts against the limit, too.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (client, limit) = (self.client.clone(), self.limit);
        let late = CallTimeout {
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            limit,
        };
        let goes_on = goes_on(&request);
        Box::pin(async move {
            let answered = async {
                let response = client.send(request).await?;
                if goes_on {
                    return Ok(response);
                }
                let (parts, body) = response.into_parts();
                let body = body.collect().await?.to_bytes();
                Ok::<_, BoxError>(Response::from_parts(parts, Body::from(body)))
            };
            tokio::time::timeout(limit, answered).await.unwrap_or_else(|_| Err(late.into()))
        })
    }
}

/// Returns true for a request whose answer goes on for as long as there is something to say: watches, followed logs
/// and upgrades.
fn goes_on(request: &Request<Body>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    query.split('&').any(|pair| matches!(pair, "watch=true" | "watch=1" | "follow=true"))
        || request.headers().contains_key(header::UPGRADE)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use futures::StreamExt;
    use k8s_openapi::api::core::v1::Pod;
    use kube::Api;
    use kube::api::WatchParams;

    use super::*;

    /// An API server that answers nothing at all, or heads without a body.
    fn silent(heads: bool) -> Client {
        let service = tower::service_fn(move |_request: Request<Body>| async move {
            if !heads {
                std::future::pending::<()>().await;
            }
            let silence = futures::stream::pending::<Result<http_body::Frame<Bytes>, Infallible>>();
            Ok::<_, BoxError>(Response::new(http_body_util::StreamBody::new(silence)))
        });
        with_timeout(Client::new(service, "default"), CALL_TIMEOUT)
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_never_answered_ends_and_says_so() {
        for heads in [false, true] {
            let began = tokio::time::Instant::now();
            let error = Api::<Pod>::namespaced(silent(heads), "default").get("p").await.unwrap_err();
            assert_eq!(began.elapsed().as_secs(), CALL_TIMEOUT.as_secs());
            let said = crate::causes::with_causes(&error);
            assert!(said.contains("/api/v1/namespaces/default/pods/p: no answer"), "{said}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_is_limited_until_it_begins_and_not_afterwards() {
        let watch = async |heads| {
            let api = Api::<Pod>::namespaced(silent(heads), "default");
            let parameters = WatchParams::default();
            let stream = tokio::time::timeout(Duration::from_secs(60), api.watch(&parameters, "0"));
            let mut stream = std::pin::pin!(stream.await.unwrap()?);
            Ok::<_, kube::Error>(tokio::time::timeout(Duration::from_secs(60), stream.next()).await.is_err())
        };
        assert!(watch(false).await.is_err(), "it does not begin");
        assert!(watch(true).await.unwrap(), "it goes on in silence");
    }
}
