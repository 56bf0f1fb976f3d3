//! HTTP over a pipe within this process, for requests after which the connection speaks another protocol.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

/// Bytes that wait in the pipe in one direction.
const PIPE_BYTES: usize = 64 << 10;

/// Carries a request to `answer` and back. The request there and the response here hold their ends of the connection
/// (`hyper::upgrade::on`) where the answer is 101.
///
/// # Errors
/// When the answer's head is not HTTP, or `answer` is gone before it came.
pub(crate) async fn exchange<A, F, B>(
    request: Request<Bytes>,
    answer: A,
) -> Result<Response<Incoming>, hyper::Error>
where
    A: Fn(Request<Incoming>) -> F + Send + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let (near, far) = tokio::io::duplex(PIPE_BYTES);
    let service = service_fn(move |request| {
        let answering = answer(request);
        async move { Ok::<_, Infallible>(answering.await) }
    });
    let server = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(far), service);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(near)).await?;
    tokio::spawn(async move {
        // A side that leaves early is seen at the other end of the pipe.
        let _ = tokio::join!(server.with_upgrades(), connection.with_upgrades());
    });
    let (mut parts, body) = request.into_parts();
    if let Some(below) = parts.uri.path_and_query() {
        parts.uri = Uri::from(below.clone());
    }
    sender.send_request(Request::from_parts(parts, Full::new(body))).await
}
