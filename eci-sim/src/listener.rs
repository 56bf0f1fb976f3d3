//! HTTP/1.1 over a socket, for request lines as long as ECI's: a whole CreateContainerGroup stands in one.
//!
//! The usual servers hold a request line of 64 KiB at most, since their type for addresses does; the files of a
//! group alone may be larger than that (eci-openapi.md, section 1.1).

mod inbox;
mod request;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use connection_limits::{Connection, ConnectionLimiter, TICK};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::Response;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_rustls::TlsAcceptor;

use crate::exchange::{Exchange, Incoming, SECURE};
use inbox::Inbox;
use request::{Bad, read};

/// How long may be taken by a TLS handshake, a head and a body, in seconds.
const HANDSHAKE_TIMEOUT: u64 = 10;
const HEAD_TIMEOUT: u64 = 10;
const BODY_TIMEOUT: u64 = 10;
/// How long a client may take to read an answer, in seconds.
const WRITE_TIMEOUT: u64 = 60;
/// How long an authenticated connection may wait for its next request, in seconds.
const IDLE_TIMEOUT: u64 = 600;

/// What a conversation goes over.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// What answers a request.
type Responder = Arc<dyn Fn(Incoming) -> Exchange + Send + Sync>;

/// Answers on `listener` until `shutdown` is over, then closes what is open.
pub async fn serve<A>(listener: TcpListener, answer: A, shutdown: impl Future<Output = ()> + Send)
where
    A: Fn(Incoming) -> Exchange + Send + Sync + 'static,
{
    serve_within(ConnectionLimiter::default(), listener, None, answer, shutdown).await;
}

/// The same, over TLS.
pub async fn serve_tls<A>(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    answer: A,
    shutdown: impl Future<Output = ()> + Send,
) where
    A: Fn(Incoming) -> Exchange + Send + Sync + 'static,
{
    serve_within(ConnectionLimiter::default(), listener, Some(tls), answer, shutdown).await;
}

/// The same within limits that other listeners share.
pub async fn serve_within<A>(
    limiter: ConnectionLimiter,
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    answer: A,
    shutdown: impl Future<Output = ()> + Send,
) where
    A: Fn(Incoming) -> Exchange + Send + Sync + 'static,
{
    let tls = tls.map(TlsAcceptor::from);
    serve_boxed(limiter, listener, tls, Arc::new(answer), Box::pin(shutdown)).await;
}

/// [`serve_within`], boxed where nothing is generic, so that the server is compiled once and not again by each caller.
fn serve_boxed(
    limiter: ConnectionLimiter,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    answer: Responder,
    shutdown: BoxFuture<'_, ()>,
) -> BoxFuture<'_, ()> {
    accept(limiter, listener, tls, answer, shutdown).boxed()
}

async fn accept(
    limiter: ConnectionLimiter,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    answer: Responder,
    mut shutdown: BoxFuture<'_, ()>,
) {
    let mut connections = JoinSet::new();
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let (answer, tls) = (Arc::clone(&answer), tls.clone());
                    limiter.spawn(&mut connections, peer.ip(), |connection| async move {
                        if let Err(error) = take(stream, tls, &answer, &connection).await {
                            tracing::debug!("a connection broke: {error}");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!("no connection could be taken: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            now = ticks.tick() => limiter.tick(now),
            Some(_) = connections.join_next() => {}
        }
    }
    connections.abort_all();
}

async fn take(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    answer: &Responder,
    connection: &Connection,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match tls {
        None => converse(stream, false, answer, connection).await,
        Some(tls) => {
            connection.within(HANDSHAKE_TIMEOUT);
            converse(tls.accept(stream).await?, true, answer, connection).await
        }
    }
}

/// Reads and answers requests until the other side has had enough.
async fn converse(
    mut stream: impl Stream,
    secure: bool,
    answer: &Responder,
    connection: &Connection,
) -> io::Result<()> {
    let mut inbox = Inbox::new();
    loop {
        connection.within(if connection.is_authenticated() { IDLE_TIMEOUT } else { HEAD_TIMEOUT });
        let (mut request, keep) = match read(&mut stream, &mut inbox, connection).await? {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(()),
            Err(Bad(status, why)) => return close(&mut stream, status, why).await,
        };
        connection.without_deadline();
        let is_head = request.method == "HEAD";
        if secure {
            request.headers.push((SECURE.to_owned(), "https".to_owned()));
        }
        let exchange = answer(request);
        if connection.release() {
            // So that large buffers do not live as long as the connection.
            inbox.shrink();
        }
        if exchange.authenticated {
            connection.authenticate();
        }
        if !exchange.delay.is_zero() {
            tokio::time::sleep(exchange.delay).await;
        }
        let Some(response) = exchange.answer else { return Ok(()) };
        if let Some(session) = exchange.session {
            stream.write_all(&switching(&response)).await?;
            session.hold(stream, inbox.into_rest()).await;
            return Ok(());
        }
        connection.within(WRITE_TIMEOUT);
        stream.write_all(&written(&response, keep, is_head)).await?;
        if !keep {
            return stream.shutdown().await;
        }
    }
}

/// The head of an answer after which the connection speaks something else.
fn switching(response: &Response<Bytes>) -> Vec<u8> {
    let mut out = b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\n".to_vec();
    for (name, value) in response.headers() {
        out.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    out.extend_from_slice(b"\r\n");
    out
}

fn written(response: &Response<Bytes>, keep: bool, is_head: bool) -> Vec<u8> {
    let status = response.status();
    let mut out = Vec::with_capacity(256 + response.body().len());
    let reason = status.canonical_reason().unwrap_or_default();
    for part in ["HTTP/1.1 ", status.as_str(), " ", reason, "\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    for (name, value) in response.headers() {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            out.extend_from_slice(part);
        }
    }
    let (length, connection) = (response.body().len().to_string(), if keep { "keep-alive" } else { "close" });
    for part in ["content-length: ", &length, "\r\nconnection: ", connection, "\r\n\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    if !is_head {
        out.extend_from_slice(response.body());
    }
    out
}

async fn close(stream: &mut impl Stream, status: u16, why: &str) -> io::Result<()> {
    let reason =
        http::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or_default();
    let text = format!(
        "HTTP/1.1 {status} {reason}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{why}\n",
        why.len() + 1
    );
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await
}
