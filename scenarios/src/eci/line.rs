//! The provider's way to the simulator, within one process.

use bytes::Bytes;
use eci_sim::{EciSim, Incoming};
use futures::future::BoxFuture;
use http::{Request, Response};
use provider::eci::{Transport, TransportError};

/// Carries calls to a simulator in this process; a fault that swallows the answer is a broken connection.
pub(super) struct Line(pub(super) EciSim);

impl Transport for Line {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let exchange = self.0.exchange(Incoming::from(request));
            if !exchange.delay.is_zero() {
                tokio::time::sleep(exchange.delay).await;
            }
            exchange
                .answer
                .ok_or_else(|| TransportError::new("the connection was closed before an answer came"))
        })
    }
}
