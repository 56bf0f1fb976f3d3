//! The provider's way to the simulator, within one process.

use bytes::Bytes;
use eci_sim::{EciSim, Incoming};
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use provider::eci::{Transport, TransportError};

use crate::pipe;

/// Carries calls to a simulator in this process; a fault that swallows the answer is a broken connection.
pub(super) struct Line(pub(super) EciSim);

impl Transport for Line {
    fn send(&self, mut request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        // As a listener with TLS does: the addresses of sessions are then encrypted ones too.
        if request.uri().scheme_str() == Some("https") {
            request.headers_mut().insert("x-forwarded-proto", HeaderValue::from_static("https"));
        }
        Box::pin(async move {
            let exchange = self.0.exchange(Incoming::from(request));
            if !exchange.delay.is_zero() {
                tokio::time::sleep(exchange.delay).await;
            }
            exchange.answer.ok_or_else(lost)
        })
    }

    fn upgrade(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<(HeaderMap, Upgraded), TransportError>> {
        let sim = self.0.clone();
        Box::pin(async move {
            let carried = pipe::exchange(request, move |request| open(sim.clone(), request)).await;
            let mut response = carried.map_err(|_| lost())?;
            if response.status() != StatusCode::SWITCHING_PROTOCOLS {
                let status = response.status();
                let said = response.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                let said = String::from_utf8_lossy(&said);
                return Err(TransportError::new(format!("HTTP status {status}: {}", said.trim())));
            }
            let upgraded = hyper::upgrade::on(&mut response).await.map_err(|_| lost())?;
            Ok((std::mem::take(response.headers_mut()), upgraded))
        })
    }
}

fn lost() -> TransportError {
    TransportError::new("the connection was closed before an answer came")
}

/// Opens the session that a request asks for.
async fn open(sim: EciSim, mut request: Request<hyper::body::Incoming>) -> Response<Full<Bytes>> {
    let upgrading = hyper::upgrade::on(&mut request);
    let exchange = sim.exchange(Incoming::from(request.map(|_unread| Bytes::new())));
    if !exchange.delay.is_zero() {
        tokio::time::sleep(exchange.delay).await;
    }
    let mut answer = exchange.answer.unwrap_or_else(|| {
        let mut swallowed = Response::new(Bytes::from_static(b"the answer was swallowed"));
        *swallowed.status_mut() = StatusCode::BAD_GATEWAY;
        swallowed
    });
    if let Some(session) = exchange.session {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        tokio::spawn(async move {
            // A client that leaves before its answer needs no session.
            if let Ok(upgraded) = upgrading.await {
                session.hold(TokioIo::new(upgraded), Vec::new()).await;
            }
        });
    }
    answer.map(Full::new)
}
