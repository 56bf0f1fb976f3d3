//! The way of a request to its route's handler, and of the handler's reply to an answer.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};

use super::ControlServer;
use super::endpoint::{Reply, RouteRequest};
use super::error::ApiError;
use super::routes::{ROUTES, Route};
use crate::control::Control;
use crate::control::version::{self, VERSION, VERSION_HEADER};
use crate::control::wire::ErrorBody;
use crate::exchange::{Exchange, Incoming, http_date};
use crate::page::{self, File};
use crate::text::truncated;

/// Bound of an error's text in bytes, since it may repeat a part of the request.
const ERROR_MAX: usize = 4 << 10;

/// Routes that are refused while a container runtime runs the containers in real time.
const SCRIPTED_RUNTIME_ONLY: [&str; 4] =
    ["/clock", "/clock/advance", "/snapshots/{name}/load", "/snapshots/{name}/fork"];

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
        headers.insert(VERSION_HEADER, HeaderValue::from(VERSION));
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
        version::check(request.header(VERSION_HEADER))?;
        let method = if request.method == "HEAD" { "GET" } else { request.method.as_str() };
        let mut known = Vec::new();
        for route in ROUTES.iter().filter(|route| route.for_followers || !self.clock_only) {
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
