//! The control door over HTTP: JSON in, JSON out; for programs on this machine, not for pages of other origins.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Control;
use crate::billing::{Bill, BillLine};
use crate::faults::Rule;
use crate::script::{Runs, Script, Usage};
use crate::server::{Exchange, Incoming, http_date};

/// Why the door does not do what was asked.
#[derive(Debug, thiserror::Error)]
enum Shut {
    #[error("{0} {1} does not exist; GET / lists what does")]
    NoSuchRoute(String, String),
    #[error("the body cannot be read: {0}")]
    Body(#[from] serde_json::Error),
    #[error("{0}")]
    Wrong(String),
    #[error("only programs on this machine may use this door; the request came for `{0}`")]
    Foreign(String),
}

const ROUTES: [&str; 16] = [
    "GET /healthz",
    "GET /clock",
    "POST /clock {\"rate\": 60}",
    "POST /clock/advance {\"seconds\": 3600}",
    "GET /groups",
    "GET /ledger",
    "GET /bill",
    "GET /faults",
    "POST /faults {\"action\": \"Create*\", \"times\": 1, \"verdict\": {\"refuse\": {\"code\": \"OperationDenied.NoStock\"}}}",
    "DELETE /faults, DELETE /faults/1",
    "POST /scripts {\"pattern\": \"batch:*\", \"run-seconds\": 30, \"exit-code\": 3, \"log\": [\"a line\"]}",
    "DELETE /scripts",
    "POST /stock {\"sold-out\": \"cn-hangzhou-b\"}, {\"restocked\": \"cn-hangzhou-b\"}",
    "POST /throttling {\"on\": true}",
    "GET /requests",
    "POST /reset",
];

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Advance {
    seconds: Decimal,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Rate {
    rate: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Throttling {
    on: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Stock {
    sold_out: Option<String>,
    restocked: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Scripted {
    pattern: String,
    pull_seconds: Option<Decimal>,
    cannot_pull: Option<String>,
    start_seconds: Option<Decimal>,
    run_seconds: Option<Decimal>,
    #[serde(default)]
    run_forever: bool,
    exit_code: Option<i32>,
    #[serde(default)]
    log: Vec<String>,
    #[serde(default)]
    unready: bool,
    scheduling_seconds: Option<Decimal>,
    cannot_schedule: Option<String>,
    stop_seconds: Option<Decimal>,
    uses_milli_vcpu: Option<u32>,
    uses_mebibytes: Option<u32>,
}

enum Reply {
    Json(Value),
    Text(String),
}

impl Control {
    /// One exchange with the door.
    pub fn call(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.answer(&Incoming::from(request))
    }

    /// One exchange with the door, as a listener has it.
    pub fn exchange(&self, request: &Incoming) -> Exchange {
        Exchange { delay: Duration::ZERO, answer: Some(self.answer(request)) }
    }

    fn answer(&self, request: &Incoming) -> Response<Bytes> {
        let (status, reply) = match refuse_strangers(request).and_then(|()| self.route(request)) {
            Ok(reply) => (StatusCode::OK, reply),
            Err(shut) => (shut.status(), Reply::Json(json!({ "error": shut.to_string() }))),
        };
        let (kind, body) = match reply {
            Reply::Json(value) => ("application/json", format!("{value:#}\n")),
            Reply::Text(text) => ("text/plain;charset=utf-8", text),
        };
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        if let Ok(date) = HeaderValue::from_str(&http_date(self.clock().now())) {
            response.headers_mut().insert(header::DATE, date);
        }
        response
    }

    fn route(&self, request: &Incoming) -> Result<Reply, Shut> {
        let done = || Ok(Reply::Json(json!({})));
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/") => Ok(Reply::Json(json!({ "routes": ROUTES }))),
            ("GET", "/healthz") => Ok(Reply::Text("ok\n".to_owned())),
            ("GET", "/clock") => Ok(Reply::Json(self.time())),
            ("POST", "/clock") => {
                self.clock().set_rate(read::<Rate>(request)?.rate);
                Ok(Reply::Json(self.time()))
            }
            ("POST", "/clock/advance") => {
                let span = span(read::<Advance>(request)?.seconds)?;
                self.clock().advance(span).map_err(|why| Shut::Wrong(why.to_string()))?;
                self.next_due();
                Ok(Reply::Json(self.time()))
            }
            ("GET", "/groups") => Ok(Reply::Json(serde_json::to_value(self.groups())?)),
            ("GET", "/ledger") => {
                let lines: Vec<_> = self.ledger().iter().map(|entry| format!("{entry}\n")).collect();
                Ok(Reply::Text(lines.concat()))
            }
            ("GET", "/bill") => Ok(Reply::Json(bill(&self.bill()))),
            ("GET", "/requests") => Ok(Reply::Json(serde_json::to_value(self.requests())?)),
            ("POST", "/scripts") => {
                let Scripted { pattern, .. } = &read::<Scripted>(request)?;
                self.script(pattern.clone(), script(read(request)?)?);
                done()
            }
            ("DELETE", "/scripts") => {
                self.clear_scripts();
                done()
            }
            ("POST", "/stock") => {
                let Stock { sold_out, restocked } = read(request)?;
                sold_out.into_iter().for_each(|what| self.sell_out(what));
                restocked.iter().for_each(|what| self.restock(what));
                done()
            }
            ("POST", "/throttling") => {
                self.set_throttling(read::<Throttling>(request)?.on);
                done()
            }
            ("POST", "/reset") => {
                self.reset();
                done()
            }
            (method, path) if path == "/faults" || path.starts_with("/faults/") => {
                self.route_faults(method, path, request)
            }
            (method, path) => Err(Shut::NoSuchRoute(method.to_owned(), path.to_owned())),
        }
    }

    fn route_faults(&self, method: &str, path: &str, request: &Incoming) -> Result<Reply, Shut> {
        match (method, path.strip_prefix("/faults/")) {
            ("GET", None) => {
                let rule = |(number, rule): (u64, Rule)| json!({ "number": number, "rule": rule });
                Ok(Reply::Json(self.faults().into_iter().map(rule).collect()))
            }
            ("POST", None) => Ok(Reply::Json(json!({ "number": self.lay(read(request)?) }))),
            ("DELETE", None) => {
                self.clear_faults();
                Ok(Reply::Json(json!({})))
            }
            ("DELETE", Some(number)) if number.parse().is_ok_and(|number| self.lift(number)) => {
                Ok(Reply::Json(json!({})))
            }
            _ => Err(Shut::NoSuchRoute(method.to_owned(), path.to_owned())),
        }
    }

    fn time(&self) -> Value {
        let next: Option<Timestamp> = self.next_due();
        json!({ "now": self.clock().now(), "rate": self.clock().rate(), "next-due": next })
    }
}

impl Shut {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoSuchRoute(..) => StatusCode::NOT_FOUND,
            Self::Body(_) | Self::Wrong(_) => StatusCode::BAD_REQUEST,
            Self::Foreign(_) => StatusCode::FORBIDDEN,
        }
    }
}

/// Turns away what a browser sends for a page of another origin, or for a name that was bent to this machine.
fn refuse_strangers(request: &Incoming) -> Result<(), Shut> {
    for (name, value) in [("host", request.header("host")), ("origin", request.header("origin"))] {
        let Some(value) = value else { continue };
        let authority =
            if name == "origin" { value.split_once("://").map_or(value, |(_, rest)| rest) } else { value };
        if !is_here(authority) {
            return Err(Shut::Foreign(value.to_owned()));
        }
    }
    Ok(())
}

fn is_here(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn read<T: DeserializeOwned>(request: &Incoming) -> Result<T, Shut> {
    Ok(serde_json::from_slice(&request.body)?)
}

fn span(seconds: Decimal) -> Result<Duration, Shut> {
    let millis = (seconds * Decimal::ONE_THOUSAND).to_u64();
    let wrong = || Shut::Wrong(format!("{seconds} seconds cannot be; it should be 0 or more"));
    millis.map(Duration::from_millis).ok_or_else(wrong)
}

fn script(body: Scripted) -> Result<Script, Shut> {
    let maybe = |seconds: Option<Decimal>| seconds.map(span).transpose();
    let run = match (body.run_seconds, body.run_forever) {
        (Some(_), true) => {
            return Err(Shut::Wrong("`run-seconds` and `run-forever` exclude each other".to_owned()));
        }
        (Some(seconds), false) => Some(Runs::For(span(seconds)?)),
        (None, true) => Some(Runs::Forever),
        (None, false) => None,
    };
    let usage = match (body.uses_milli_vcpu, body.uses_mebibytes) {
        (None, None) => None,
        (vcpu, memory) => Some(Usage { milli_vcpu: vcpu.unwrap_or(0), mebibytes: memory.unwrap_or(0) }),
    };
    Ok(Script {
        usage,
        pull: maybe(body.pull_seconds)?,
        cannot_pull: body.cannot_pull,
        start: maybe(body.start_seconds)?,
        run,
        exit_code: body.exit_code,
        log: body.log,
        unready: body.unready,
        scheduling: maybe(body.scheduling_seconds)?,
        cannot_schedule: body.cannot_schedule,
        stop: maybe(body.stop_seconds)?,
    })
}

fn bill(bill: &Bill) -> Value {
    let line = |line: &BillLine| {
        let parts = line.parts.iter().map(|part| (part.item.to_string(), json!(part.amount)));
        let tags = line.tags.iter().map(|(key, value)| (key.clone(), json!(value)));
        json!({
            "group-id": line.group_id,
            "group-name": line.group_name,
            "region": line.region,
            "tags": tags.collect::<serde_json::Map<_, _>>(),
            "from": line.from,
            "to": line.to,
            "seconds": line.seconds,
            "vcpu": line.vcpu,
            "memory": line.memory,
            "item": line.item,
            "parts": parts.collect::<serde_json::Map<_, _>>(),
            "amount": line.amount,
        })
    };
    let lines: Vec<_> = bill.lines.iter().map(line).collect();
    json!({ "currency": bill.currency.to_string(), "total": bill.total, "lines": lines })
}
