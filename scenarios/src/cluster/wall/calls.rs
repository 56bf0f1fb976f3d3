//! Calls that are on their way, counted, so that time stands still for them as long as they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use provider::eci::{Transport, TransportError};
use tower::{Layer, Service};

/// How many calls are on their way.
#[derive(Debug, Clone, Default)]
pub(super) struct Calls(Arc<AtomicUsize>);

/// One that is.
struct OnItsWay(Arc<AtomicUsize>);

impl Calls {
    /// Whether there are none.
    pub(super) fn are_none(&self) -> bool {
        self.0.load(Ordering::SeqCst) == 0
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
pub(super) struct Counted<T>(pub T, pub Calls);

impl<T: Transport> Transport for Counted<T> {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let _on_its_way = self.1.begin();
            self.0.send(request).await
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
pub(super) struct CountedService<S>(S, Calls);

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
