//! The calls in flight, counted, so that time stands still for as long as there are any.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use hyper::upgrade::Upgraded;
use kube::Client;
use kube::client::ClientBuilder;
use tower::{Layer, Service};

use crate::eci::{Transport, TransportError};

/// The longest real time for which calls in flight hold up the time.
const HOLD_MAX: Duration = Duration::from_secs(2);
/// The pause between two looks at the number of calls, in real time.
const POLL_INTERVAL: Duration = Duration::from_millis(1);
/// The looks in a row that must find no call.
const QUIET_LOOKS: u32 = 2;

/// A count of the calls in flight; clones share it.
#[derive(Debug, Clone, Default)]
pub struct InFlightCalls(Arc<AtomicUsize>);

/// A call in flight, counted until it is dropped.
struct InFlightCall(Arc<AtomicUsize>);

impl InFlightCalls {
    /// Returns true while no call is in flight.
    pub fn are_none(&self) -> bool {
        self.0.load(Ordering::SeqCst) == 0
    }

    /// Waits until no call is in flight any more, for two seconds of real time at most.
    pub async fn wait_until_none(&self) {
        let mut quiet = 0;
        let mut held = Duration::ZERO;
        while quiet < QUIET_LOOKS && held < HOLD_MAX {
            sleep_real(POLL_INTERVAL).await;
            held += POLL_INTERVAL;
            quiet = if self.are_none() { quiet + 1 } else { 0 };
        }
    }

    /// A client of a cluster with its calls counted, watches excepted, since they wait for others to act.
    ///
    /// # Errors
    /// When the configuration cannot be used.
    pub fn client(&self, mut config: kube::Config) -> kube::Result<Client> {
        // No read timeout: where time is hurried, a silent connection is nothing to wonder at.
        config.read_timeout = None;
        Ok(ClientBuilder::try_from(config)?.with_layer(self).build())
    }

    fn begin(&self) -> InFlightCall {
        self.0.fetch_add(1, Ordering::SeqCst);
        InFlightCall(self.0.clone())
    }
}

impl Drop for InFlightCall {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A transport to the cloud whose calls are counted.
pub struct CountedTransport<T>(pub T, pub InFlightCalls);

impl<T: Transport> Transport for CountedTransport<T> {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let _call = self.1.begin();
            self.0.send(request).await
        })
    }

    fn upgrade(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<(HeaderMap, Upgraded), TransportError>> {
        Box::pin(async move {
            let _call = self.1.begin();
            self.0.upgrade(request).await
        })
    }
}

impl<S> Layer<S> for InFlightCalls {
    type Service = CountedService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CountedService(inner, self.clone())
    }
}

/// A service to the API server whose calls are counted, but not watches, which wait for others to act.
#[derive(Debug, Clone)]
pub struct CountedService<S>(S, InFlightCalls);

impl<S, B> Service<Request<B>> for CountedService<S>
where
    S: Service<Request<B>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let watches = request.uri().query().is_some_and(|query| query.contains("watch=true"));
        let call = (!watches).then(|| self.1.begin());
        let answer = self.0.call(request);
        Box::pin(async move {
            let _call = call;
            answer.await
        })
    }
}

/// Sleeps for a span of real time, whatever a paused clock says.
pub async fn sleep_real(span: Duration) {
    let (_open, closed) = std::sync::mpsc::channel::<()>();
    // Nobody ever sends: only time passes, or the other end is dropped with this future.
    let _ = tokio::task::spawn_blocking(move || closed.recv_timeout(span)).await;
}
