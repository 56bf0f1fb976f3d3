//! The next request of a connection: its head, its body, and what they may take.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use connection_limits::Connection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{BODY_TIMEOUT, HEAD_TIMEOUT, Stream};
use crate::server::{BODY_MAX, Incoming};

/// The longest request line together with its headers.
const HEAD_MAX: usize = 1 << 20;
/// How many headers a request may have.
const HEADERS_MAX: usize = 100;

const LINE_TOO_LONG: Bad = Bad(414, "the request line is longer than 1 MiB");
const HEAD_TOO_LONG: Bad = Bad(431, "the headers are longer than 1 MiB");
const BODY_TOO_LONG: Bad = Bad(413, "the body is larger than 4 MiB");

const OVERLOADED: Bad = Bad(503, "too many bytes of unauthenticated requests are in flight; try again");

/// What a connection's buffer holds without being counted, in bytes: more than most requests have.
pub(super) const BUFFER: usize = 8 << 10;
/// Why a connection is closed with an answer of its own.
pub(super) struct Bad(pub u16, pub &'static str);

/// How a request's body is delimited.
enum Framing {
    Nothing,
    Length(usize),
    Chunks,
}

/// The next request, and whether more may follow it; `None` when the other side is done.
pub(super) async fn read(
    stream: &mut impl Stream,
    buffer: &mut BytesMut,
    connection: &Connection,
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
        if searched == 0 && !buffer.is_empty() {
            connection.within(HEAD_TIMEOUT);
        }
        searched = buffer.len();
        if let Err(bad) = make_room(buffer, HEAD_MAX + 1, connection) {
            return Ok(Err(bad));
        }
        if stream.read_buf(buffer).await? == 0 {
            return if buffer.is_empty() { Ok(Ok(None)) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
    };
    let (mut request, version) = match parse(&buffer[..head]) {
        Ok(parsed) => parsed,
        Err(bad) => return Ok(Err(bad)),
    };
    buffer.advance(head);
    let framing = match framing(&request, version) {
        Ok(Framing::Nothing) => None,
        Ok(framing) => Some(framing),
        Err(bad) => return Ok(Err(bad)),
    };
    if request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    if let Some(framing) = framing {
        connection.within(BODY_TIMEOUT);
        match read_body(stream, buffer, framing, connection).await? {
            Ok(body) => request.body = body,
            Err(bad) => return Ok(Err(bad)),
        }
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

/// How the body is delimited; what two readers might take for two different bodies is refused (RFC 9112, 6.1 and 6.3).
fn framing(request: &Incoming, version: u8) -> Result<Framing, Bad> {
    let all = |name: &'static str| {
        let named = request.headers.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    };
    let (mut lengths, mut codings) = (all("content-length"), all("transfer-encoding"));
    match (lengths.next(), codings.next()) {
        (None, None) => Ok(Framing::Nothing),
        (Some(_), Some(_)) => Err(Bad(400, "Content-Length and Transfer-Encoding exclude each other")),
        (Some(length), None) => {
            if lengths.next().is_some() {
                return Err(Bad(400, "there are two Content-Lengths"));
            }
            let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
            let length = length.parse::<usize>().ok().filter(|_| digits);
            match length.ok_or(Bad(400, "Content-Length is no number"))? {
                length if length > BODY_MAX => Err(BODY_TOO_LONG),
                length => Ok(Framing::Length(length)),
            }
        }
        (None, Some(_)) if codings.next().is_some() || version == 0 => {
            Err(Bad(400, "there are two Transfer-Encodings, or one in HTTP/1.0"))
        }
        (None, Some(coding)) if coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunks),
        (None, Some(_)) => Err(Bad(501, "the only transfer coding that is understood is `chunked`")),
    }
}

async fn read_body(
    stream: &mut impl Stream,
    buffer: &mut BytesMut,
    framing: Framing,
    connection: &Connection,
) -> io::Result<Result<Bytes, Bad>> {
    let length = match framing {
        Framing::Nothing => return Ok(Ok(Bytes::new())),
        Framing::Chunks => return read_chunks(stream, buffer, connection).await,
        Framing::Length(length) => length,
    };
    let filled = fill(stream, buffer, length, connection).await?;
    Ok(filled.map(|()| buffer.split_to(length).freeze()))
}

async fn read_chunks(
    stream: &mut impl Stream,
    buffer: &mut BytesMut,
    connection: &Connection,
) -> io::Result<Result<Bytes, Bad>> {
    let mut body = BytesMut::new();
    loop {
        let line = loop {
            if let Some(at) = memchr::memmem::find(buffer, b"\r\n") {
                break buffer.split_to(at + 2);
            }
            if buffer.len() > 1024 {
                return Ok(Err(Bad(400, "the length of a chunk cannot be read")));
            }
            if let Err(bad) = fill(stream, buffer, buffer.len() + 1, connection).await? {
                return Ok(Err(bad));
            }
        };
        let Some(length) = chunk_length(&line) else {
            return Ok(Err(Bad(400, "the length of a chunk cannot be read")));
        };
        if body.len().saturating_add(length) > BODY_MAX {
            return Ok(Err(BODY_TOO_LONG));
        }
        if let Err(bad) = fill(stream, buffer, length + 2, connection).await? {
            return Ok(Err(bad));
        }
        if buffer[length..length + 2] != *b"\r\n" {
            return Ok(Err(Bad(400, "a chunk is longer than its length, or there is a trailer")));
        }
        if let Err(bad) = make_room_for(&mut body, length, connection) {
            return Ok(Err(bad));
        }
        body.extend_from_slice(&buffer[..length]);
        buffer.advance(length + 2);
        if length == 0 {
            return Ok(Ok(body.freeze()));
        }
    }
}

/// The length that a chunk's first line says, in front of its extensions.
fn chunk_length(line: &[u8]) -> Option<usize> {
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii();
    let digits =
        std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
    usize::from_str_radix(digits, 16).ok()
}

/// Reads until the buffer holds so many bytes.
async fn fill(
    stream: &mut impl Stream,
    buffer: &mut BytesMut,
    length: usize,
    connection: &Connection,
) -> io::Result<Result<(), Bad>> {
    while buffer.len() < length {
        if let Err(bad) = make_room(buffer, length, connection) {
            return Ok(Err(bad));
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(Ok(()))
}

/// Room for more bytes, on the way to `wanted` of them: as many again as have come, so that bytes which are announced
/// and not sent take none.
fn make_room(buffer: &mut BytesMut, wanted: usize, connection: &Connection) -> Result<(), Bad> {
    if buffer.len() < buffer.capacity() {
        return Ok(());
    }
    let missing = wanted.saturating_sub(buffer.len()).max(1);
    make_room_for(buffer, buffer.len().max(BUFFER).min(missing), connection)
}

/// Room for so many more bytes.
fn make_room_for(buffer: &mut BytesMut, more: usize, connection: &Connection) -> Result<(), Bad> {
    if buffer.len() + more > BUFFER {
        connection.hold(more).map_err(|_| OVERLOADED)?;
    }
    buffer.reserve(more);
    Ok(())
}
