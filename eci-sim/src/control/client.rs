//! A client of the control API, for programs that drive a simulator somewhere else.
//!
//! ```no_run
//! # async fn example() -> Result<(), eci_sim::ClientError> {
//! let control = eci_sim::ControlClient::new("http://127.0.0.1:8089")?;
//! control.advance(std::time::Duration::from_secs(3600)).await?;
//! println!("{}", control.bill().await?.total);
//! # Ok(())
//! # }
//! ```

mod calls;

use std::fmt;

use bytes::Bytes;
use eci_api::query::{encode, render, to_pairs};
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::endpoints::{Endpoint, InputKind};
use super::version::{VERSION, VERSION_HEADER};
use super::wire::ErrorBody;

/// Bound of an answer's size in bytes.
const ANSWER_MAX: usize = 256 << 20;

/// A client of one simulator's control API; cheap to clone. Calls are not repeated: one that fails with [`ClientError`]
/// on the way may have been carried out.
#[derive(Clone)]
pub struct ControlClient {
    base: String,
    token: Option<HeaderValue>,
    http: Http<HttpConnector, Full<Bytes>>,
}

/// A call of the control API that gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// An address that is not of the form `http://HOST:PORT`.
    #[error("`{0}` is no address of a control API; it should look like http://127.0.0.1:8089")]
    Address(String),
    /// A token that no header can carry.
    #[error("the control API's token has bytes that no header can carry")]
    Token,
    /// A connection that failed or broke.
    #[error("the control API at {at} does not answer: {why}")]
    Unreachable {
        /// Address of the control API.
        at: String,
        /// The transport's error and its causes.
        why: String,
    },
    /// A control API of another version.
    #[error(
        "the control API at {at} serves version {served}, and this client speaks version {VERSION}; use one of the same version"
    )]
    Version {
        /// Address of the control API.
        at: String,
        /// Version that the answer names.
        served: String,
    },
    /// An answer with an error status.
    #[error("the control API refuses {call}: {why}")]
    Refused {
        /// Method and path of the call.
        call: String,
        /// Status of the answer.
        status: StatusCode,
        /// The error in the answer's body.
        why: String,
    },
    /// A body that is not of the call's form.
    #[error("the control API's answer to {call} cannot be read: {why}")]
    Unreadable {
        /// Method and path of the call.
        call: String,
        /// The parser's error.
        why: String,
    },
}

type ClientResult<T> = Result<T, ClientError>;

impl ControlClient {
    /// A client of the control API at an address such as `http://127.0.0.1:8089`.
    ///
    /// # Errors
    /// [`ClientError::Address`] for any other form of address.
    pub fn new(base: &str) -> ClientResult<Self> {
        let wrong = || ClientError::Address(base.to_owned());
        let uri: Uri = base.parse().map_err(|_| wrong())?;
        if uri.scheme_str() != Some("http") || uri.authority().is_none() {
            return Err(wrong());
        }
        let http = Http::builder(TokioExecutor::new()).build(HttpConnector::new());
        Ok(Self { base: base.trim_end_matches('/').to_owned(), token: None, http })
    }

    /// Sends this token with every call.
    ///
    /// # Errors
    /// [`ClientError::Token`] when no header can carry it.
    pub fn with_token(self, token: &str) -> ClientResult<Self> {
        let mut token = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| ClientError::Token)?;
        token.set_sensitive(true);
        Ok(Self { token: Some(token), ..self })
    }

    /// Returns once the simulator answers that it takes calls (`GET /readyz`).
    ///
    /// # Errors
    /// [`ClientError`] while it does not.
    pub async fn ready(&self) -> ClientResult<()> {
        self.text("GET", "/readyz", Bytes::new()).await.map(drop)
    }

    /// Calls an endpoint; `names` fill the placeholders of its path.
    async fn call<E: Endpoint>(&self, names: &[&str], input: &E::Input) -> ClientResult<E::Reply> {
        let mut names = names.iter().peekable();
        let filled = E::PATH.split('/').map(|part| match names.next_if(|_| part.starts_with('{')) {
            Some(name) => encode(name),
            None => part.to_owned(),
        });
        let mut path = filled.collect::<Vec<_>>().join("/");
        let call = format!("{} {path}", E::METHOD);
        let unreadable = |why: String| ClientError::Unreadable { call: call.clone(), why };
        let body = match E::INPUT {
            InputKind::Query => {
                let pairs = to_pairs(input).map_err(|why| unreadable(why.to_string()))?;
                path = format!("{path}?{}", render(&pairs));
                Vec::new()
            }
            InputKind::Body | InputKind::OptionalBody => {
                serde_json::to_vec(input).map_err(|why| unreadable(why.to_string()))?
            }
            InputKind::None => Vec::new(),
        };
        let text = self.text(E::METHOD, &path, body.into()).await?;
        serde_json::from_str(&text).map_err(|why| unreadable(why.to_string()))
    }

    async fn text(&self, method: &str, path: &str, body: Bytes) -> ClientResult<String> {
        let call = format!("{method} {path}");
        let unreachable = |why: String| ClientError::Unreachable { at: self.base.clone(), why };
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        request = request.header(VERSION_HEADER, VERSION);
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, token);
        }
        let request = request.body(Full::new(body)).map_err(|why| unreachable(why.to_string()))?;
        let response = self.http.request(request).await.map_err(|why| unreachable(chain(&why)))?;
        let status = response.status();
        if let Some(served) =
            response.headers().get(VERSION_HEADER).filter(|served| **served != HeaderValue::from(VERSION))
        {
            let served = String::from_utf8_lossy(served.as_bytes()).into_owned();
            return Err(ClientError::Version { at: self.base.clone(), served });
        }
        let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await;
        let body = body.map_err(|why| unreachable(why.to_string()))?.to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        if status.is_success() {
            return Ok(text);
        }
        let why = serde_json::from_str::<ErrorBody>(&text).map_or(text, |problem| problem.error);
        Err(ClientError::Refused { call, status, why })
    }
}

/// An error with its causes, since the first sentence alone rarely says enough.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

impl fmt::Debug for ControlClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ControlClient({})", self.base)
    }
}
