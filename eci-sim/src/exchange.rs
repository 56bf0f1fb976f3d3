//! One exchange over HTTP: a request as it was received, and its answer.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use crate::session::Session;

/// The largest body that is read: a whole CreateContainerGroup with its files is far smaller.
pub const BODY_MAX: usize = 4 << 20;
/// Header with the scheme of a client's request to a proxy before the simulator; its own TLS listener sets it too.
pub(crate) const SECURE: &str = "x-forwarded-proto";

/// A request as it was received.
#[derive(Debug, Clone, Default)]
pub struct Incoming {
    /// Method.
    pub method: String,
    /// Path, as received.
    pub path: String,
    /// Query string, without its question mark.
    pub query: String,
    /// Header names and values, in order.
    pub headers: Vec<(String, String)>,
    /// Body; more than [`BODY_MAX`] bytes are refused.
    pub body: Bytes,
}

/// The answer to a request; a fault may delay or drop it.
#[derive(Debug)]
pub struct Exchange {
    /// Delay of the answer.
    pub delay: Duration,
    /// Answer; `None` when a fault dropped it.
    pub answer: Option<Response<Bytes>>,
    /// True when the sender has proved who they are.
    pub authenticated: bool,
    /// Session that continues on the same connection after the answer.
    pub session: Option<Box<Session>>,
}

/// `Thu, 01 Jan 2026 09:00:00 GMT`.
pub(crate) fn http_date(at: Timestamp) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new();
    PRINTER.timestamp_to_rfc9110_string(&at).unwrap_or_default()
}

impl Exchange {
    /// An answer without delay to an unauthenticated sender.
    pub fn answering(answer: Response<Bytes>) -> Self {
        Self { delay: Duration::ZERO, answer: Some(answer), authenticated: false, session: None }
    }
}

impl Incoming {
    /// The value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let own = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        own.map(|(_, value)| value.as_str())
    }

    /// A parameter of the query, as it stands there.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(own, _)| *own == name).map(|(_, value)| value).next()
    }
}

impl From<Request<Bytes>> for Incoming {
    fn from(request: Request<Bytes>) -> Self {
        let (parts, body) = request.into_parts();
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut headers: Vec<(String, String)> =
            parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        if !parts.headers.contains_key(header::HOST)
            && let Some(authority) = parts.uri.authority()
        {
            headers.push(("host".to_owned(), authority.to_string()));
        }
        Self {
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers,
            body,
        }
    }
}
