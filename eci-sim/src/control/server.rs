//! The control API over HTTP: JSON in, JSON out; for programs and for its own page, not for pages of other origins.

mod access;
mod documents;
mod endpoint;
mod handlers;
mod openapi;
mod routes;

use std::sync::Arc;

use bytes::Bytes;
use eci_api::Secret;
use http::{HeaderValue, Request, Response, StatusCode, header};
use serde_json::Value;

use super::Control;
use super::wire::{ErrorBody, Forked, ScriptError, SpanError};
use crate::EciSim;
use crate::exchange::{Exchange, Incoming, http_date};
use crate::followers::FollowerError;
use crate::page::{self, File};
use crate::persistence::named::SnapshotError;
use crate::persistence::store::StoreError;
use crate::sim::command::CommandError;
use crate::text::truncated;
use access::Access;
use routes::Route;

/// Opens listeners for a second simulator; returns their addresses.
type Opener = dyn Fn(EciSim) -> Result<Forked, ForkError> + Send + Sync;

/// Bound of an error's text in bytes, since it may repeat a part of the request.
const ERROR_MAX: usize = 4 << 10;

/// Routes that are refused while a container runtime runs the containers in real time.
const SCRIPTED_RUNTIME_ONLY: [&str; 4] =
    ["/clock", "/clock/advance", "/snapshots/{name}/load", "/snapshots/{name}/fork"];

/// The control API as a listener serves it; cheap to clone.
#[derive(Clone)]
pub struct ControlServer {
    control: Control,
    access: Access,
    opener: Option<Arc<Opener>>,
    clock_only: bool,
}

/// A fork whose listeners cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ForkError {
    /// As many forks as there may be.
    #[error("{0} forks were opened already, and each lives until this eci-sim ends")]
    TooMany(usize),
    /// A listener that cannot be opened.
    #[error("cannot listen for a fork: {0}")]
    Listen(#[from] std::io::Error),
}

/// A request that the control API refuses.
#[derive(Debug, thiserror::Error)]
enum ApiError {
    #[error("{0} {1} does not exist; GET /openapi.json describes what does")]
    UnknownRoute(String, String),
    #[error("{1} takes {2}, not {0}")]
    Method(String, String, String),
    #[error("the body cannot be read: {0}")]
    Body(#[from] serde_json::Error),
    #[error("the query cannot be read: {0}")]
    Query(String),
    #[error("{0}")]
    Invalid(String),
    #[error("only programs on this machine may use this API; the request came for `{0}`")]
    ForeignHost(String),
    #[error("this API serves no page but its own; the request came from a page of `{0}`")]
    ForeignOrigin(String),
    #[error("this API requires its token, as `Authorization: Bearer …`; it was set with --control-token")]
    Token,
    #[error("no follower of the clock is called {0}; GET /clock lists the followers")]
    NotFollowing(String),
    #[error(transparent)]
    Follower(#[from] FollowerError),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Fork(#[from] ForkError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "with --runtime docker containers run for real, so that the clock cannot be moved, nor a snapshot loaded or forked"
    )]
    RealContainers,
    #[error("not ready: {0}")]
    NotReady(String),
    #[error("this server cannot open listeners, so it cannot fork; the program eci-sim can")]
    CannotFork,
}

/// The body of an answer.
enum Reply {
    Json(Value),
    Text(String),
    File(File),
}

/// A request, and the values of the placeholders in its route's path.
struct RouteRequest<'a> {
    incoming: &'a Incoming,
    path_parameters: Vec<&'a str>,
}

impl Control {
    /// One exchange with the control API as it is open to programs on this machine.
    pub fn call(&self, request: Request<Bytes>) -> Response<Bytes> {
        ControlServer::new(self.clone()).answer(&Incoming::from(request))
    }

    /// One exchange with the control API, as a listener on loopback has it.
    pub fn exchange(&self, request: &Incoming) -> Exchange {
        ControlServer::new(self.clone()).exchange(request)
    }
}

impl ControlServer {
    /// A server for programs on this machine.
    pub fn new(control: Control) -> Self {
        Self { control, access: Access::default(), opener: None, clock_only: false }
    }

    /// Admits whoever sends this token, from any machine, and nobody else.
    #[must_use]
    pub fn with_token(mut self, token: Secret) -> Self {
        self.access = Access::with_token(token);
        self
    }

    /// A server for followers of the clock on any machine: it serves the clock without a token, and no other route.
    pub fn for_clock(control: Control) -> Self {
        Self { access: Access::anonymous(), clock_only: true, ..Self::new(control) }
    }

    /// Lets the server fork: `open` opens listeners for a second simulator.
    #[must_use]
    pub fn with_forks(
        self,
        open: impl Fn(EciSim) -> Result<Forked, ForkError> + Send + Sync + 'static,
    ) -> Self {
        Self { opener: Some(Arc::new(open)), ..self }
    }

    /// True for a request whose sender is authorized: only such a request can do more than be refused.
    pub fn authorizes(&self, request: &Incoming) -> bool {
        self.access.is_authorized(request)
    }

    /// One exchange, as a listener has it.
    pub fn exchange(&self, request: &Incoming) -> Exchange {
        let answer = self.answer(request);
        let authenticated = answer.status().is_success() && self.access.is_authorized(request);
        Exchange { authenticated, ..Exchange::answering(answer) }
    }

    /// One exchange.
    pub fn answer(&self, request: &Incoming) -> Response<Bytes> {
        let (status, reply) = match self.route(request) {
            Ok(reply) => (StatusCode::OK, reply),
            Err(error) => {
                let problem = ErrorBody { error: truncated(error.to_string(), ERROR_MAX) };
                (error.status(), Reply::Json(serde_json::to_value(problem).unwrap_or_default()))
            }
        };
        let (kind, body) = match reply {
            Reply::Json(value) => ("application/json", format!("{value:#}\n")),
            Reply::Text(text) => ("text/plain;charset=utf-8", text),
            Reply::File(File { kind, text }) => (kind, text.to_owned()),
        };
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(page::POLICY));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Ok(date) = HeaderValue::from_str(&http_date(self.control.clock().now())) {
            headers.insert(header::DATE, date);
        }
        response
    }

    fn route(&self, request: &Incoming) -> Result<Reply, ApiError> {
        self.access.check_origin(request)?;
        let method = if request.method == "HEAD" { "GET" } else { request.method.as_str() };
        let mut known = Vec::new();
        for route in routes::ROUTES.iter().filter(|route| route.for_followers || !self.clock_only) {
            let Some(path_parameters) = route.path_parameters(&request.path) else { continue };
            if route.method != method {
                known.push(route.method);
                continue;
            }
            if !route.open {
                self.access.require_token(request)?;
            }
            let route_request = RouteRequest { incoming: request, path_parameters };
            return match method {
                "GET" => self.run_read(route, &route_request),
                _ if self.control.sim().is_real() && SCRIPTED_RUNTIME_ONLY.contains(&route.path) => {
                    Err(ApiError::RealContainers)
                }
                _ => (route.handler)(self, &route_request),
            };
        }
        let (method, path) = (method.to_owned(), request.path.clone());
        match known.is_empty() {
            true => Err(ApiError::UnknownRoute(method, path)),
            false => Err(ApiError::Method(method, path, known.join(" and "))),
        }
    }
}

impl ControlServer {
    /// Answers a read. In a persistent world it waits until all that the answer may show is on the disk; open routes
    /// and those for followers do not.
    fn run_read(&self, route: &Route, route_request: &RouteRequest<'_>) -> Result<Reply, ApiError> {
        let sim = self.control.sim();
        if !sim.is_persistent() || route.open || route.for_followers {
            return (route.handler)(self, route_request);
        }
        drop(sim.journal_lock());
        let reply = (route.handler)(self, route_request)?;
        sim.wait_until_written(sim.latest_record())?;
        Ok(reply)
    }
}

impl Route {
    /// The values of the placeholders in this route's path; `None` when `path` is not of this route.
    fn path_parameters<'a>(&self, path: &'a str) -> Option<Vec<&'a str>> {
        let (mut wanted, mut given) = (self.path.split('/'), path.split('/'));
        let mut path_parameters = Vec::new();
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return Some(path_parameters),
                (Some(holder), Some(name)) if holder.starts_with('{') && !name.is_empty() => {
                    path_parameters.push(name)
                }
                (Some(wanted), Some(given)) if wanted == given => {}
                _ => return None,
            }
        }
    }
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Command(error) => command_status(error),
            Self::RealContainers | Self::Follower(FollowerError::TooMany) => StatusCode::CONFLICT,
            Self::UnknownRoute(..) | Self::NotFollowing(_) => StatusCode::NOT_FOUND,
            Self::Method(..) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Body(_)
            | Self::Query(_)
            | Self::Invalid(_)
            | Self::Fork(_)
            | Self::Follower(FollowerError::Name) => StatusCode::BAD_REQUEST,
            Self::ForeignHost(_) | Self::ForeignOrigin(_) => StatusCode::FORBIDDEN,
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::Store(_) | Self::NotReady(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::CannotFork => StatusCode::NOT_IMPLEMENTED,
        }
    }
}

fn command_status(error: &CommandError) -> StatusCode {
    match error {
        CommandError::UnknownFault(_)
        | CommandError::UnknownGroup(_)
        | CommandError::Snapshot(SnapshotError::Unknown(_)) => StatusCode::NOT_FOUND,
        CommandError::NotRunning(..) | CommandError::Snapshot(SnapshotError::TooMany) => StatusCode::CONFLICT,
        CommandError::Clock(_) | CommandError::Snapshot(SnapshotError::Name(_)) => StatusCode::BAD_REQUEST,
        CommandError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        CommandError::Outcome => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<SpanError> for ApiError {
    fn from(why: SpanError) -> Self {
        Self::Invalid(why.to_string())
    }
}

impl From<ScriptError> for ApiError {
    fn from(why: ScriptError) -> Self {
        Self::Invalid(why.to_string())
    }
}
