//! The transport of requests: over a socket in production, within the process where there is no socket.

use std::io::ErrorKind;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::upgrade::Upgraded;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// The largest answer that is read: twenty groups with all their events are far below.
const ANSWER_LIMIT: usize = 32 * 1024 * 1024;

/// The longest sentence that is read when a session is refused.
const REFUSAL_LIMIT: usize = 64 * 1024;

/// Something that carries a request to the cloud and brings the answer.
pub trait Transport: Send + Sync {
    /// Carries one request; its URI is absolute.
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>>;

    /// Carries a request after which the connection stops being HTTP: the headers of the answer, and the connection.
    fn upgrade(
        &self,
        _request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<(HeaderMap, Upgraded), TransportError>> {
        Box::pin(async { Err(TransportError::new("this way to the cloud carries no sessions")) })
    }
}

/// The time after which an unused connection is not used again, below what load balancers keep one for.
const IDLE_MAX: Duration = Duration::from_secs(14);

/// The error of a request that got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct TransportError {
    why: String,
    closed: bool,
}

impl TransportError {
    /// With the words of whatever failed.
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), closed: false }
    }

    /// The other side closed the connection before it had answered anything.
    pub fn closed(why: impl Into<String>) -> Self {
        Self { why: why.into(), closed: true }
    }

    /// Returns true when the other side closed the connection before it had answered anything.
    pub fn was_closed(&self) -> bool {
        self.closed
    }

    fn with_causes(error: &dyn std::error::Error) -> Self {
        Self::new(crate::causes::with_causes(error))
    }

    fn of_call(error: &hyper_util::client::legacy::Error) -> Self {
        let mut cause = std::error::Error::source(error);
        let mut closed = false;
        while let Some(error) = cause {
            let hyper = error.downcast_ref::<hyper::Error>();
            closed |= hyper.is_some_and(|error| error.is_incomplete_message() || error.is_canceled());
            let io = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
            closed |= matches!(io, Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe));
            cause = error.source();
        }
        Self { closed: closed && !error.is_connect(), ..Self::with_causes(error) }
    }
}

/// HTTP/1.1 over TCP, with TLS where the URI says `https`; connections are kept.
#[derive(Clone)]
pub struct HyperTransport {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    answer_limit: usize,
}

impl HyperTransport {
    /// Trusts the certificate authorities that the machine trusts.
    ///
    /// # Errors
    /// When the machine's store of authorities cannot be read.
    pub fn new() -> Result<Self, TransportError> {
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TransportError::with_causes(&error))?
            .with_native_roots()
            .map_err(|error| TransportError::with_causes(&error))?
            .with_no_client_auth();
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new()).pool_idle_timeout(IDLE_MAX).build(connector);
        Ok(Self { client, answer_limit: ANSWER_LIMIT })
    }

    /// The same, with another limit of an answer's size in bytes.
    #[must_use]
    pub fn with_answer_limit(self, answer_limit: usize) -> Self {
        Self { answer_limit, ..self }
    }
}

impl Transport for HyperTransport {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let response = self
                .client
                .request(request.map(Full::new))
                .await
                .map_err(|error| TransportError::of_call(&error))?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, self.answer_limit).collect().await.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    TransportError::new(format!("the answer is larger than {} bytes", self.answer_limit))
                } else {
                    TransportError::with_causes(&*error)
                }
            })?;
            Ok(Response::from_parts(parts, body.to_bytes()))
        })
    }

    fn upgrade(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<(HeaderMap, Upgraded), TransportError>> {
        Box::pin(async move {
            let mut response = self
                .client
                .request(request.map(Full::new))
                .await
                .map_err(|error| TransportError::with_causes(&error))?;
            if response.status() != StatusCode::SWITCHING_PROTOCOLS {
                let status = response.status();
                let body = Limited::new(response.into_body(), REFUSAL_LIMIT).collect().await;
                let body = body.map(|body| body.to_bytes()).unwrap_or_default();
                let said = String::from_utf8_lossy(&body);
                return Err(TransportError::new(format!("HTTP status {status}: {}", said.trim())));
            }
            let upgraded = hyper::upgrade::on(&mut response).await;
            let upgraded = upgraded.map_err(|error| TransportError::with_causes(&error))?;
            Ok((std::mem::take(response.headers_mut()), upgraded))
        })
    }
}
