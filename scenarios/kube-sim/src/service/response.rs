//! Responses: a document, a text, or a stream.

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use jiff::Timestamp;
use serde_json::Value;

use crate::body::KubeBody;
use crate::json;
use crate::protobuf::encode;
use crate::status::ApiError;

/// The media type of Kubernetes' protobuf.
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// A response before it is encoded.
pub struct ApiResponse {
    code: u16,
    content_type: String,
    warnings: Vec<String>,
    headers: Vec<(&'static str, String)>,
    body: Body,
}

enum Body {
    Json(Value),
    Written(Bytes),
    Text(String),
    Bytes(Bytes),
    Lines(BoxStream<'static, Bytes>),
    Proxied(KubeBody),
    Whole(Box<Response<KubeBody>>),
}

impl ApiResponse {
    /// A JSON document with status 200, encoded as YAML for a client that prefers it.
    pub fn json(document: Value) -> Self {
        Self::of(200, "application/json", Body::Json(document))
    }

    /// A document that is JSON text already.
    pub fn written(mut document: String) -> Self {
        document.push('\n');
        Self::line(document.into())
    }

    /// A document that is JSON text already, with the end of its line.
    pub fn line(document: Bytes) -> Self {
        Self::of(200, "application/json", Body::Written(document))
    }

    /// A plain text with status 200.
    pub fn text(text: &str) -> Self {
        Self::of(200, "text/plain; charset=utf-8", Body::Text(text.to_owned()))
    }

    /// An answer without a document, and so without a content type.
    pub fn bare(code: u16) -> Self {
        Self::of(code, "", Body::Text(String::new()))
    }

    /// A document that is encoded already, with its entity tag; 304 without it when `known` contains that tag.
    pub fn encoded(content_type: &str, document: Bytes, tag: &str, known: &str) -> Self {
        let tag = format!("\"{tag}\"");
        let mut answer = match known.split(',').any(|one| one.trim() == tag) {
            true => Self::bare(304),
            false => Self::of(200, content_type, Body::Bytes(document)),
        };
        answer.headers.push(("etag", tag));
        answer
    }

    /// A stream of watch events, one JSON line each.
    pub fn lines(lines: BoxStream<'static, Bytes>) -> Self {
        Self::of(200, "application/json", Body::Lines(lines))
    }

    /// The response of a node, passed on.
    pub fn proxied(code: u16, content_type: &str, body: KubeBody) -> Self {
        Self::of(code, content_type, Body::Proxied(body))
    }

    /// The response of a node or pod as it came: its status, headers and, where the protocol changes, its connection.
    pub fn whole(response: Response<KubeBody>) -> Self {
        Self::of(response.status().as_u16(), "", Body::Whole(Box::new(response)))
    }

    /// The `Status` of an error, with its code and `Retry-After`; plain text for a path outside of the API.
    pub fn error(error: &ApiError) -> Self {
        if error.code == 404 && error.reason.is_empty() {
            return Self::of(404, "text/plain; charset=utf-8", Body::Text(format!("{}\n", error.message)));
        }
        let mut answer = Self::of(error.code, "application/json", Body::Json(error.to_status()));
        if let Some(seconds) = error.details["retryAfterSeconds"].as_i64() {
            answer.headers.push(("retry-after", seconds.to_string()));
        }
        answer
    }

    /// A `Status` that carries more than an [`ApiError`] does.
    pub fn refusal(code: u16, status: Value) -> Self {
        Self::of(code, "application/json", Body::Json(status))
    }

    fn of(code: u16, content_type: &str, body: Body) -> Self {
        Self { code, content_type: content_type.to_owned(), warnings: Vec::new(), headers: Vec::new(), body }
    }

    /// With status 201.
    pub fn created(mut self) -> Self {
        self.code = 201;
        self
    }

    /// With another content type.
    pub fn typed(mut self, content_type: &str) -> Self {
        content_type.clone_into(&mut self.content_type);
        self
    }

    /// With an entity tag of the document; 304 without the document when `known` contains that tag.
    pub fn tagged(mut self, known: &str) -> Self {
        let Body::Json(document) = &self.body else { return self };
        let tag = format!("\"{:016X}\"", fingerprint(&document.to_string()));
        if known.split(',').any(|one| one.trim() == tag) {
            self.code = 304;
            self.body = Body::Text(String::new());
        }
        self.headers.push(("etag", tag));
        self.varying()
    }

    /// With `Vary: Accept`.
    pub fn varying(self) -> Self {
        self.headed("vary", "Accept")
    }

    /// With one more header.
    pub fn headed(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With texts that kubectl prints.
    pub fn warned(mut self, warnings: Vec<String>) -> Self {
        self.warnings = warnings;
        self
    }

    /// With one more text that kubectl prints.
    pub fn warned_also(mut self, warning: &str) -> Self {
        self.warnings.push(warning.to_owned());
        self
    }

    /// Encodes the response; `accept` decides between JSON and YAML.
    pub fn render(self, accept: &str, now: Timestamp) -> Response<KubeBody> {
        let wants_yaml =
            accept.split(',').next().is_some_and(|first| first.trim().starts_with("application/yaml"));
        let mut content_type = self.content_type;
        let body = if wants_only_protobuf(accept) && content_type == "application/json" && self.code != 406 {
            in_protobuf(self.body, &mut content_type)
        } else {
            self.body
        };
        let body: KubeBody = match body {
            Body::Json(document) if wants_yaml && content_type == "application/json" => {
                "application/yaml".clone_into(&mut content_type);
                whole(serde_saphyr::to_string(&document).unwrap_or_default())
            }
            Body::Written(document) if wants_yaml => {
                "application/yaml".clone_into(&mut content_type);
                let document: Value = serde_json::from_slice(&document).unwrap_or_default();
                whole(serde_saphyr::to_string(&document).unwrap_or_default())
            }
            Body::Json(document) => whole(json::text(&document) + "\n"),
            Body::Written(document) => whole(document),
            Body::Text(text) => whole(text),
            Body::Bytes(bytes) => whole(bytes),
            Body::Lines(lines) => StreamBody::new(lines.map(|line| Ok(Frame::data(line)))).boxed_unsync(),
            Body::Proxied(body) => body,
            Body::Whole(response) => return *response,
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        append(headers, header::DATE, &date);
        if !content_type.is_empty() {
            append(headers, header::CONTENT_TYPE, &content_type);
        }
        if !self.headers.iter().any(|(name, _)| *name == "cache-control") {
            headers.append(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
        }
        for (name, value) in &self.headers {
            append(headers, HeaderName::from_static(name), value);
        }
        for warning in &self.warnings {
            let line: String = warning.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            let quoted = line.replace('\\', "\\\\").replace('"', "\\\"");
            if let Ok(value) = HeaderValue::from_bytes(format!("299 - \"{quoted}\"").as_bytes()) {
                headers.append(header::WARNING, value);
            }
        }
        response
    }
}

/// Adds a header; a text that can be none is left out.
fn append(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.append(name, value);
    }
}

/// True for a client that takes protobuf and none of the other formats.
fn wants_only_protobuf(accept: &str) -> bool {
    let mut kinds = accept.split(',').map(|part| part.split(';').next().unwrap_or_default().trim());
    !accept.is_empty() && kinds.all(|kind| kind == PROTOBUF)
}

/// A document or the events of a watch in protobuf; whatever has no such form stays as it is.
fn in_protobuf(body: Body, content_type: &mut String) -> Body {
    let document = match body {
        Body::Json(document) => document,
        Body::Written(text) => serde_json::from_slice(&text).unwrap_or_default(),
        Body::Lines(lines) => {
            *content_type = format!("{PROTOBUF};stream=watch");
            let frame = |line: Bytes| async move {
                let event = serde_json::from_slice(&line).ok()?;
                encode::event(&event).map(Bytes::from)
            };
            return Body::Lines(lines.filter_map(frame).boxed());
        }
        other => return other,
    };
    match encode::document(&document) {
        Some(bytes) => {
            PROTOBUF.clone_into(content_type);
            Body::Bytes(bytes.into())
        }
        None => Body::Json(document),
    }
}

/// The FNV-1a hash of a text.
fn fingerprint(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn whole(document: impl Into<Bytes>) -> KubeBody {
    Full::new(document.into()).map_err(|never| match never {}).boxed_unsync()
}
