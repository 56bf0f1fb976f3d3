//! The next request of a connection: its head, its body, and what they may take.

use std::io;

use bytes::Bytes;
use connection_limits::{Connection, Overloaded};
use tokio::io::AsyncWriteExt;

use super::inbox::Inbox;
use super::{BODY_TIMEOUT, HEAD_TIMEOUT, Stream};
use crate::exchange::{BODY_MAX, Incoming};

/// The longest request line together with its headers.
const HEAD_MAX: usize = 1 << 20;
/// The longest line in front of a chunk, whose length and extensions stand in it.
const CHUNK_LINE_MAX: usize = 1024;
/// How many headers a request may have.
const HEADERS_MAX: usize = 100;

const LINE_TOO_LONG: Bad = Bad(414, "the request line is longer than 1 MiB");
const HEAD_TOO_LONG: Bad = Bad(431, "the headers are longer than 1 MiB");
const BODY_TOO_LONG: Bad = Bad(413, "the body is larger than 4 MiB");

/// Why a connection is closed with an answer of its own.
pub(super) struct Bad(pub u16, pub &'static str);

impl From<Overloaded> for Bad {
    fn from(_: Overloaded) -> Self {
        Self(503, "too many bytes of unauthenticated requests are in flight; try again")
    }
}

/// How a request's body is delimited.
enum Framing {
    Nothing,
    Length(usize),
    Chunks,
}

/// The next request, and whether more may follow it; `None` when the other side is done.
pub(super) async fn read(
    stream: &mut impl Stream,
    inbox: &mut Inbox,
    connection: &Connection,
) -> io::Result<Result<Option<(Incoming, bool)>, Bad>> {
    let head = match read_head(stream, inbox, connection).await? {
        Ok(Some(end)) => end,
        Ok(None) => return Ok(Ok(None)),
        Err(bad) => return Ok(Err(bad)),
    };
    let parsed = inbox.front(head, connection).map_err(Bad::from).and_then(parse);
    let (mut request, version) = match parsed {
        Ok(parsed) => parsed,
        Err(bad) => return Ok(Err(bad)),
    };
    inbox.advance(head);
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
        match read_body(stream, inbox, framing, connection).await? {
            Ok(body) => request.body = body,
            Err(bad) => return Ok(Err(bad)),
        }
    }
    let connection = request.header("connection").unwrap_or_default().to_ascii_lowercase();
    let keep = if version == 0 { connection.contains("keep-alive") } else { !connection.contains("close") };
    Ok(Ok(Some((request, keep))))
}

/// Reads until a head is whole, and says how long it is; `None` when the other side is done.
async fn read_head(
    stream: &mut impl Stream,
    inbox: &mut Inbox,
    connection: &Connection,
) -> io::Result<Result<Option<usize>, Bad>> {
    let mut searched = 0;
    loop {
        let from = usize::saturating_sub(searched, 3);
        let end = inbox.find(b"\r\n\r\n", from).map(|at| at + 4);
        if end.unwrap_or(inbox.len()) > HEAD_MAX {
            let in_line = inbox.find(b"\n", 0).is_none_or(|at| at >= HEAD_MAX);
            return Ok(Err(if in_line { LINE_TOO_LONG } else { HEAD_TOO_LONG }));
        }
        if end.is_some() {
            return Ok(Ok(end));
        }
        if searched == 0 && !inbox.is_empty() {
            connection.within(HEAD_TIMEOUT);
        }
        searched = inbox.len();
        match inbox.receive(stream, connection).await? {
            Ok(0) if inbox.is_empty() => return Ok(Ok(None)),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(overloaded) => return Ok(Err(overloaded.into())),
        }
    }
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
    inbox: &mut Inbox,
    framing: Framing,
    connection: &Connection,
) -> io::Result<Result<Bytes, Bad>> {
    let length = match framing {
        Framing::Nothing => return Ok(Ok(Bytes::new())),
        Framing::Chunks => return read_chunks(stream, inbox, connection).await,
        Framing::Length(length) => length,
    };
    let filled = fill(stream, inbox, length, connection).await?;
    Ok(filled.and_then(|()| Ok(inbox.take(length, connection)?.freeze())))
}

async fn read_chunks(
    stream: &mut impl Stream,
    inbox: &mut Inbox,
    connection: &Connection,
) -> io::Result<Result<Bytes, Bad>> {
    let mut body = Inbox::new();
    loop {
        let end = loop {
            if let Some(at) = inbox.find(b"\r\n", 0) {
                break at + 2;
            }
            if inbox.len() > CHUNK_LINE_MAX {
                return Ok(Err(Bad(400, "the length of a chunk cannot be read")));
            }
            if let Err(bad) = fill(stream, inbox, inbox.len() + 1, connection).await? {
                return Ok(Err(bad));
            }
        };
        let length = match inbox.front(end, connection) {
            Ok(line) => chunk_length(line).ok_or(Bad(400, "the length of a chunk cannot be read")),
            Err(overloaded) => Err(overloaded.into()),
        };
        let length = match length {
            Ok(length) if body.len().saturating_add(length) > BODY_MAX => return Ok(Err(BODY_TOO_LONG)),
            Ok(length) => length,
            Err(bad) => return Ok(Err(bad)),
        };
        inbox.advance(end);
        if let Err(bad) = fill(stream, inbox, length + 2, connection).await? {
            return Ok(Err(bad));
        }
        if let Err(bad) = take_chunk(inbox, &mut body, length, connection) {
            return Ok(Err(bad));
        }
        if length == 0 {
            let length = body.len();
            return Ok(body.take(length, connection).map(Into::into).map_err(Bad::from));
        }
    }
}

/// Moves a chunk that has come to the end of the body.
fn take_chunk(
    inbox: &mut Inbox,
    body: &mut Inbox,
    length: usize,
    connection: &Connection,
) -> Result<(), Bad> {
    inbox.move_to(body, length, connection)?;
    if inbox.front(2, connection)? != b"\r\n" {
        return Err(Bad(400, "a chunk is longer than its length, or there is a trailer"));
    }
    inbox.advance(2);
    Ok(())
}

/// The length that a chunk's first line says, in front of its extensions.
fn chunk_length(line: &[u8]) -> Option<usize> {
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii();
    let digits =
        std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
    usize::from_str_radix(digits, 16).ok()
}

/// Reads until so many bytes are there.
async fn fill(
    stream: &mut impl Stream,
    inbox: &mut Inbox,
    length: usize,
    connection: &Connection,
) -> io::Result<Result<(), Bad>> {
    while inbox.len() < length {
        match inbox.receive(stream, connection).await? {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(overloaded) => return Ok(Err(overloaded.into())),
        }
    }
    Ok(Ok(()))
}
