//! Answers of the node's API: a body of a kind, a sentence, a refusal.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};

use crate::eci::{EciError, Meaning};

/// A body that may go on for as long as somebody listens.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A request's answer that is nothing but a status and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    /// The refusal of `what`, since the cloud does not do it.
    pub(super) fn of_cloud(what: &str, error: &EciError) -> Self {
        let status = match error.meaning() {
            Some(Meaning::NotFound) => StatusCode::NOT_FOUND,
            Some(Meaning::Throttled) => StatusCode::TOO_MANY_REQUESTS,
            Some(Meaning::Request | Meaning::Busy | Meaning::Unknown) => StatusCode::BAD_REQUEST,
            _ => StatusCode::BAD_GATEWAY,
        };
        Self::new(status, format!("{what}: {error}"))
    }
}

pub(super) fn of_kind(kind: &'static str, told: &str) -> Response<Body> {
    let mut response = text(StatusCode::OK, told);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

pub(crate) fn text(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(text.to_owned())).boxed_unsync());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
