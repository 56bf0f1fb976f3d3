//! The control door over HTTP: JSON in, JSON out; for programs and for its own page, not for pages of other origins.

mod access;
mod answers;
mod openapi;
mod routes;

use std::sync::Arc;

use bytes::Bytes;
use eci_api::Secret;
use http::{HeaderValue, Request, Response, StatusCode, header};
use serde_json::Value;

use super::Control;
use super::followers::NoFollower;
use super::snapshots::NoSnapshot;
use super::wire::{Forked, NoScript, NoSpan, Problem};
use crate::EciSim;
use crate::journal::{Op, Unwritten};
use crate::page::{self, File};
use crate::server::{Exchange, Incoming, cut, http_date};
use crate::store::StoreProblem;
use access::Access;
use routes::Route;

/// Opens listeners for a second simulator, and says where it answers.
type Opener = dyn Fn(EciSim) -> Result<Forked, String> + Send + Sync;

/// How much is said of what is wrong with a request, which may repeat a part of it, in bytes.
const ERROR_MAX: usize = 4 << 10;

/// What cannot be done while containers run for real.
const MOVES_TIME: [&str; 4] =
    ["/clock", "/clock/advance", "/snapshots/{name}/load", "/snapshots/{name}/fork"];

/// The door as a listener has it; cheap to clone.
#[derive(Clone)]
pub struct Door {
    control: Control,
    access: Access,
    opener: Option<Arc<Opener>>,
    clock_only: bool,
}

/// Why the door does not do what was asked.
#[derive(Debug, thiserror::Error)]
enum Shut {
    #[error("{0} {1} does not exist; GET /openapi.json describes what does")]
    NoSuchRoute(String, String),
    #[error("{1} takes {2}, not {0}")]
    Method(String, String, String),
    #[error("the body cannot be read: {0}")]
    Body(#[from] serde_json::Error),
    #[error("the query cannot be read: {0}")]
    Query(String),
    #[error("there is no fault of number {0}; GET /faults lists those there are")]
    NoFault(String),
    #[error("there is no group of id {0}; GET /groups lists those there are")]
    NoGroup(String),
    #[error("no container called {0} is running in a group of id {1}")]
    NotRunning(String, String),
    #[error("{0}")]
    Wrong(String),
    #[error("only programs on this machine may use this door; the request came for `{0}`")]
    Foreign(String),
    #[error("this door belongs to its own page; the request came from a page of `{0}`")]
    ForeignPage(String),
    #[error("this door wants its token, as `Authorization: Bearer …`; it was given with --control-token")]
    Token,
    #[error("nobody called {0} follows the clock; GET /clock lists those who do")]
    NotFollowing(String),
    #[error(transparent)]
    Follower(#[from] NoFollower),
    #[error(transparent)]
    Snapshot(#[from] NoSnapshot),
    #[error(transparent)]
    Unwritten(#[from] StoreProblem),
    #[error(
        "with --runtime docker containers run for real, so that time cannot be moved, nor a world put back or forked"
    )]
    Real,
    #[error("not ready: {0}")]
    NotReady(String),
    #[error("this door cannot open listeners, so it cannot fork; eci-sim as a program can")]
    CannotFork,
}

/// What the door answers.
enum Reply {
    Json(Value),
    Text(String),
    File(File),
}

/// A request, and what the place holders in its route's path stand for.
struct Asked<'a> {
    request: &'a Incoming,
    names: Vec<&'a str>,
}

impl Control {
    /// One exchange with the door, as it opens on loopback.
    pub fn call(&self, request: Request<Bytes>) -> Response<Bytes> {
        Door::of(self.clone()).answer(&Incoming::from(request))
    }

    /// One exchange with the door, as a listener on loopback has it.
    pub fn exchange(&self, request: &Incoming) -> Exchange {
        Door::of(self.clone()).exchange(request)
    }
}

impl Door {
    /// A door for programs on this machine.
    pub fn of(control: Control) -> Self {
        Self { control, access: Access::default(), opener: None, clock_only: false }
    }

    /// The same door, for whoever has this token, wherever they are.
    #[must_use]
    pub fn with_token(mut self, token: Secret) -> Self {
        self.access = Access::with_token(token);
        self
    }

    /// A door that tells the time to those who follow it, wherever they are, and nothing else to nobody.
    pub fn of_the_clock(control: Control) -> Self {
        Self { access: Access::of_anybody(), clock_only: true, ..Self::of(control) }
    }

    /// The same door, which can open listeners for a fork.
    #[must_use]
    pub fn forking(self, open: impl Fn(EciSim) -> Result<Forked, String> + Send + Sync + 'static) -> Self {
        Self { opener: Some(Arc::new(open)), ..self }
    }

    /// Whether more than a refusal may come of a request: it has the token, or none is wanted.
    pub fn lets_in(&self, request: &Incoming) -> bool {
        self.access.is_theirs(request)
    }

    /// One exchange, as a listener has it.
    pub fn exchange(&self, request: &Incoming) -> Exchange {
        let answer = self.answer(request);
        let authenticated = answer.status().is_success() && self.access.is_theirs(request);
        Exchange { authenticated, ..Exchange::answering(answer) }
    }

    /// One exchange.
    pub fn answer(&self, request: &Incoming) -> Response<Bytes> {
        let (status, reply) = match self.route(request) {
            Ok(reply) => (StatusCode::OK, reply),
            Err(shut) => {
                let problem = Problem { error: cut(shut.to_string(), ERROR_MAX) };
                (shut.status(), Reply::Json(serde_json::to_value(problem).unwrap_or_default()))
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

    fn route(&self, request: &Incoming) -> Result<Reply, Shut> {
        self.access.refuse_strangers(request)?;
        let method = if request.method == "HEAD" { "GET" } else { request.method.as_str() };
        let mut known = Vec::new();
        for route in routes::ALL.iter().filter(|route| route.follows || !self.clock_only) {
            let Some(names) = route.names(&request.path) else { continue };
            if route.method != method {
                known.push(route.method);
                continue;
            }
            if !route.open {
                self.access.want_token(request)?;
            }
            let asked = Asked { request, names };
            return match method {
                "GET" => self.look(route, &asked),
                // Who follows is of no matter to the world.
                _ if route.follows => (route.run)(self, &asked),
                _ => self.run_and_keep(route, &asked),
            };
        }
        let (method, path) = (method.to_owned(), request.path.clone());
        match known.is_empty() {
            true => Err(Shut::NoSuchRoute(method, path)),
            false => Err(Shut::Method(method, path, known.join(" and "))),
        }
    }
}

impl Door {
    /// Looks; where the world is kept, nothing is told that could still be taken back, but whether all is well.
    fn look(&self, route: &Route, asked: &Asked<'_>) -> Result<Reply, Shut> {
        let sim = &self.control.0;
        if !sim.is_kept() || route.open || route.follows {
            return (route.run)(self, asked);
        }
        drop(sim.turn());
        let reply = (route.run)(self, asked)?;
        let seen = sim.state().unwritten.as_ref().map(Unwritten::latest);
        sim.wait_until_written(seen)?;
        Ok(reply)
    }

    /// Does what is asked; where the world is kept, also writes down that it was.
    fn run_and_keep(&self, route: &Route, asked: &Asked<'_>) -> Result<Reply, Shut> {
        let sim = &self.control.0;
        if sim.is_real() && MOVES_TIME.contains(&route.path) {
            return Err(Shut::Real);
        }
        let turn = sim.turn();
        let (at, outside) = (sim.clock().now(), sim.outside());
        let reply = (route.run)(self, asked)?;
        let written_by = sim.state().unwritten.as_mut().map(|unwritten| {
            let Incoming { method, path, body, .. } = asked.request;
            let body = String::from_utf8_lossy(body).into_owned();
            let (method, path, outside) = (method.clone(), path.clone(), outside.unwrap_or(at));
            unwritten.push(&Op::Door { at, outside, method, path, body });
            unwritten.latest()
        });
        drop(turn);
        sim.wait_until_written(written_by)?;
        Ok(reply)
    }
}

impl Route {
    /// What the place holders of this route's path stand for in `path`, if it is of this route.
    fn names<'a>(&self, path: &'a str) -> Option<Vec<&'a str>> {
        let (mut wanted, mut given) = (self.path.split('/'), path.split('/'));
        let mut names = Vec::new();
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return Some(names),
                (Some(holder), Some(name)) if holder.starts_with('{') && !name.is_empty() => names.push(name),
                (Some(wanted), Some(given)) if wanted == given => {}
                _ => return None,
            }
        }
    }
}

impl Shut {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoGroup(_) => StatusCode::NOT_FOUND,
            Self::NotRunning(..) | Self::Real => StatusCode::CONFLICT,
            Self::NoSuchRoute(..)
            | Self::NoFault(_)
            | Self::NotFollowing(_)
            | Self::Snapshot(NoSnapshot::Unknown(_)) => StatusCode::NOT_FOUND,
            Self::Method(..) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Body(_)
            | Self::Query(_)
            | Self::Wrong(_)
            | Self::Snapshot(NoSnapshot::Name(_))
            | Self::Follower(NoFollower::Name) => StatusCode::BAD_REQUEST,
            Self::Foreign(_) | Self::ForeignPage(_) => StatusCode::FORBIDDEN,
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::Snapshot(NoSnapshot::TooMany) | Self::Follower(NoFollower::TooMany) => StatusCode::CONFLICT,
            Self::Unwritten(_) | Self::NotReady(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::CannotFork => StatusCode::NOT_IMPLEMENTED,
        }
    }
}

impl From<NoSpan> for Shut {
    fn from(why: NoSpan) -> Self {
        Self::Wrong(why.to_string())
    }
}

impl From<NoScript> for Shut {
    fn from(why: NoScript) -> Self {
        Self::Wrong(why.to_string())
    }
}
