//! Calls that are on their way, counted, so that time stands still for them as long as they are.

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

/// The longest real time for which calls on their way hold up the time.
const HELD_UP: Duration = Duration::from_secs(2);
/// The pause between two looks at the number of calls, in real time.
const GLANCE: Duration = Duration::from_millis(1);
/// The looks in a row that must find no call.
const QUIET: u32 = 2;

/// A count of the calls on their way; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Calls(Arc<AtomicUsize>);

/// A call on its way.
struct OnItsWay(Arc<AtomicUsize>);

impl Calls {
    /// Returns true while no call is on its way.
    pub fn are_none(&self) -> bool {
        self.0.load(Ordering::SeqCst) == 0
    }

    /// Waits until nothing is on its way any more.
    pub async fn until_none(&self) {
        let mut quiet = 0;
        let mut held_up = Duration::ZERO;
        while quiet < QUIET && held_up < HELD_UP {
            really(GLANCE).await;
            held_up += GLANCE;
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

    fn begin(&self) -> OnItsWay {
        self.0.fetch_add(1, Ordering::SeqCst);
        OnItsWay(self.0.clone())
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A way to the cloud on which calls are counted.
pub struct Counted<T>(pub T, pub Calls);

impl<T: Transport> Transport for Counted<T> {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let _on_its_way = self.1.begin();
            self.0.send(request).await
        })
    }

    fn upgrade(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<(HeaderMap, Upgraded), TransportError>> {
        Box::pin(async move {
            let _on_its_way = self.1.begin();
            self.0.upgrade(request).await
        })
    }
}

impl<S> Layer<S> for Calls {
    type Service = CountedService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CountedService(inner, self.clone())
    }
}

/// A way to the API server on which calls are counted, but not watches, which wait for others to act.
#[derive(Debug, Clone)]
pub struct CountedService<S>(S, Calls);

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
        let on_its_way = (!watches).then(|| self.1.begin());
        let answer = self.0.call(request);
        Box::pin(async move {
            let _on_its_way = on_its_way;
            answer.await
        })
    }
}

/// Lets real time pass, whatever a paused clock says.
pub async fn really(span: Duration) {
    let (_open, closed) = std::sync::mpsc::channel::<()>();
    // Nobody ever sends: only time passes, or the other end is dropped with this future.
    let _ = tokio::task::spawn_blocking(move || closed.recv_timeout(span)).await;
}
