//! HTTP/1.1 over a socket, for request lines as long as ECI's: a whole CreateContainerGroup stands in one.
//!
//! The usual servers hold a request line of 64 KiB at most, since their type for addresses does; the files of a
//! group alone may be larger than that (eci-openapi.md, section 1.1).

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::Response;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::server::{BODY_MAX, Exchange, Incoming, SECURE};

/// The longest request line together with its headers.
const HEAD_MAX: usize = 1 << 20;
/// How many headers a request may have.
const HEADERS_MAX: usize = 100;

const LINE_TOO_LONG: Bad = Bad(414, "the request line is longer than 1 MiB");
const HEAD_TOO_LONG: Bad = Bad(431, "the headers are longer than 1 MiB");
const BODY_TOO_LONG: Bad = Bad(413, "the body is larger than 4 MiB");

/// Why a connection is closed with an answer of its own.
struct Bad(u16, &'static str);

/// How long a TLS handshake may take.
const HANDSHAKE_TAKES: Duration = Duration::from_secs(10);

/// What a conversation goes over.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Answers on `listener` until `shutdown` is over, then closes what is open.
pub async fn serve<A>(listener: TcpListener, answer: A, shutdown: impl Future<Output = ()>)
where
    A: Fn(Incoming) -> Exchange + Send + Sync + 'static,
{
    serve_over(listener, None, answer, shutdown).await;
}

/// The same, over TLS.
pub async fn serve_tls<A>(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    answer: A,
    shutdown: impl Future<Output = ()>,
) where
    A: Fn(Incoming) -> Exchange + Send + Sync + 'static,
{
    serve_over(listener, Some(tls.into()), answer, shutdown).await;
}

async fn serve_over<A>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    answer: A,
    shutdown: impl Future<Output = ()>,
) where
    A: Fn(Incoming) -> Exchange + Send + Sync + 'static,
{
    let answer = Arc::new(answer);
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let (answer, tls) = (Arc::clone(&answer), tls.clone());
                    connections.spawn(async move {
                        if let Err(error) = take(stream, tls, &*answer).await {
                            tracing::debug!("a connection broke: {error}");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!("no connection could be taken: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    connections.abort_all();
}

async fn take<A: Fn(Incoming) -> Exchange>(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    answer: &A,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match tls {
        None => converse(stream, false, answer).await,
        Some(tls) => {
            let stream = tokio::time::timeout(HANDSHAKE_TAKES, tls.accept(stream)).await??;
            converse(stream, true, answer).await
        }
    }
}

/// Reads and answers requests until the other side has had enough.
async fn converse<A: Fn(Incoming) -> Exchange>(
    mut stream: impl Stream,
    secure: bool,
    answer: &A,
) -> io::Result<()> {
    let mut buffer = BytesMut::with_capacity(8 << 10);
    loop {
        let (mut request, keep) = match read(&mut stream, &mut buffer).await? {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(()),
            Err(Bad(status, why)) => return close(&mut stream, status, why).await,
        };
        let is_head = request.method == "HEAD";
        if secure {
            request.headers.push((SECURE.to_owned(), "https".to_owned()));
        }
        let exchange = answer(request);
        if !exchange.delay.is_zero() {
            tokio::time::sleep(exchange.delay).await;
        }
        let Some(response) = exchange.answer else { return Ok(()) };
        if let Some(session) = exchange.session {
            stream.write_all(&switching(&response)).await?;
            session.hold(stream, buffer.to_vec()).await;
            return Ok(());
        }
        stream.write_all(&written(&response, keep, is_head)).await?;
        if !keep {
            return stream.shutdown().await;
        }
    }
}

/// The next request, and whether more may follow it; `None` when the other side is done.
async fn read(
    stream: &mut impl Stream,
    buffer: &mut BytesMut,
) -> io::Result<Result<Option<(Incoming, bool)>, Bad>> {
    let mut searched = 0;
    let head = loop {
        let from = usize::saturating_sub(searched, 3);
        let end = memchr::memmem::find(&buffer[from..], b"\r\n\r\n").map(|at| from + at + 4);
        if end.unwrap_or(buffer.len()) > HEAD_MAX {
            let in_line = buffer.iter().take(HEAD_MAX).all(|byte| *byte != b'\n');
            return Ok(Err(if in_line { LINE_TOO_LONG } else { HEAD_TOO_LONG }));
        }
        if let Some(end) = end {
            break end;
        }
        searched = buffer.len();
        if stream.read_buf(buffer).await? == 0 {
            return if buffer.is_empty() { Ok(Ok(None)) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
    };
    let (mut request, version) = match parse(&buffer[..head]) {
        Ok(parsed) => parsed,
        Err(bad) => return Ok(Err(bad)),
    };
    buffer.advance(head);
    if request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    match read_body(stream, buffer, &request).await? {
        Ok(body) => request.body = body,
        Err(bad) => return Ok(Err(bad)),
    }
    let connection = request.header("connection").unwrap_or_default().to_ascii_lowercase();
    let keep = if version == 0 { connection.contains("keep-alive") } else { !connection.contains("close") };
    Ok(Ok(Some((request, keep))))
}

fn parse(head: &[u8]) -> Result<(Incoming, u8), Bad> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Request::new(&mut headers);
    match parsed.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Bad(431, "there are more than 100 headers")),
        Ok(httparse::Status::Partial) | Err(_) => return Err(Bad(400, "this is no HTTP/1.1 request")),
    }
    let target = parsed.path.unwrap_or_default();
    // A proxy is asked with the whole address; what stands before the path is the host again.
    let target = match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['/', '?']) => rest.find('/').map_or("/", |at| &rest[at..]),
        _ => target,
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let text = |value: &[u8]| match std::str::from_utf8(value) {
        Ok(value) => value.trim().to_owned(),
        Err(_) => String::from_utf8_lossy(value).trim().to_owned(),
    };
    let headers = parsed.headers.iter().map(|header| (header.name.to_owned(), text(header.value)));
    let request = Incoming {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.collect(),
        body: Bytes::new(),
    };
    Ok((request, parsed.version.unwrap_or(1)))
}

async fn read_body(
    stream: &mut impl Stream,
    buffer: &mut BytesMut,
    request: &Incoming,
) -> io::Result<Result<Bytes, Bad>> {
    if let Some(coding) = request.header("transfer-encoding") {
        if !coding.eq_ignore_ascii_case("chunked") {
            return Ok(Err(Bad(501, "the only transfer coding that is understood is `chunked`")));
        }
        return read_chunks(stream, buffer).await;
    }
    let Some(length) = request.header("content-length") else { return Ok(Ok(Bytes::new())) };
    let Ok(length) = length.parse::<usize>() else { return Ok(Err(Bad(400, "Content-Length is no number"))) };
    if length > BODY_MAX {
        return Ok(Err(BODY_TOO_LONG));
    }
    fill(stream, buffer, length).await?;
    Ok(Ok(buffer.split_to(length).freeze()))
}

async fn read_chunks(stream: &mut impl Stream, buffer: &mut BytesMut) -> io::Result<Result<Bytes, Bad>> {
    let mut body = BytesMut::new();
    loop {
        let line = loop {
            if let Some(at) = buffer.windows(2).position(|two| two == b"\r\n") {
                break buffer.split_to(at + 2);
            }
            if buffer.len() > 1024 {
                return Ok(Err(Bad(400, "the length of a chunk cannot be read")));
            }
            fill(stream, buffer, buffer.len() + 1).await?;
        };
        let text = String::from_utf8_lossy(&line);
        let digits = text.split(';').next().unwrap_or_default().trim();
        let Ok(length) = usize::from_str_radix(digits, 16) else {
            return Ok(Err(Bad(400, "the length of a chunk cannot be read")));
        };
        if body.len().saturating_add(length) > BODY_MAX {
            return Ok(Err(BODY_TOO_LONG));
        }
        fill(stream, buffer, length + 2).await?;
        body.extend_from_slice(&buffer[..length]);
        buffer.advance(length + 2);
        if length == 0 {
            return Ok(Ok(body.freeze()));
        }
    }
}

/// Reads until the buffer holds so many bytes.
async fn fill(stream: &mut impl Stream, buffer: &mut BytesMut, length: usize) -> io::Result<()> {
    while buffer.len() < length {
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
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
