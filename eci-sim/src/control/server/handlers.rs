//! The handlers of the control API's routes.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::routes::ROUTES;
use super::{ApiError, ControlServer, Reply, RouteRequest, openapi};
use crate::commands::Command;
use crate::control::wire::{
    AccountStatus, Advance, Bill, Crash, Done, Fault, FaultCreated, FollowerProgress, GroupFilter,
    LedgerFilter, Price, Quota, Rate, Reclaim, RequestFilter, ResetScope, ScriptRequest, SoldOut, Stock,
    Throttling, Time, span,
};
use crate::faults::Rule;
use crate::market::Quote;
use crate::page;
use crate::script::Script;
use crate::sim::command::{Applied, CommandError};
use crate::world::standing::Standing;

type Answer = Result<Reply, ApiError>;

fn json_reply(value: impl Serialize) -> Answer {
    Ok(Reply::Json(serde_json::to_value(value)?))
}

fn done() -> Answer {
    json_reply(Done {})
}

impl ControlServer {
    /// Carries out a command that has nothing to tell.
    fn run(&self, command: Command) -> Answer {
        self.control.sim().command(command)?;
        done()
    }

    /// Carries out a command that makes or reads a snapshot.
    fn run_snapshot(&self, command: Command) -> Answer {
        match self.control.sim().command(command)? {
            Applied::Snapshot(info) => json_reply(info),
            Applied::Done | Applied::Fault(_) => done(),
        }
    }
}

impl RouteRequest<'_> {
    fn body<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        Ok(serde_json::from_slice(&self.incoming.body)?)
    }

    /// The same, where no body at all means the usual.
    fn body_or_default<T: DeserializeOwned + Default>(&self) -> Result<T, ApiError> {
        if self.incoming.body.is_empty() { Ok(T::default()) } else { self.body() }
    }

    /// The query's parameters; `limit` and `status` are read as numbers.
    fn query<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let pairs = eci_api::query::parse_form(self.incoming.query.as_bytes());
        let value = |name: &str, text: String| match (name, text.parse::<u64>()) {
            ("limit" | "status", Ok(number)) => json!(number),
            _ => json!(text),
        };
        let fields = pairs.into_iter().filter(|(_, text)| !text.is_empty());
        let fields = fields.map(|(name, text)| (name.clone(), value(&name, text)));
        let object = serde_json::Value::Object(fields.collect());
        serde_json::from_value(object).map_err(|why| ApiError::Query(why.to_string()))
    }

    fn name(&self) -> &str {
        self.path_parameters.first().copied().unwrap_or_default()
    }
}

/// The page for browsers, the list for programs.
pub(super) fn index(_: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    if request.incoming.header("accept").is_some_and(|kinds| kinds.contains("text/html")) {
        return Ok(Reply::File(page::INDEX));
    }
    let routes = ROUTES.iter().map(|route| format!("{} {}: {}", route.method, route.path, route.summary));
    json_reply(json!({ "document": "/openapi.json", "routes": routes.collect::<Vec<_>>() }))
}

pub(super) fn style(_: &ControlServer, _: &RouteRequest<'_>) -> Answer {
    Ok(Reply::File(page::STYLE))
}

pub(super) fn page_script(_: &ControlServer, _: &RouteRequest<'_>) -> Answer {
    Ok(Reply::File(page::SCRIPT))
}

pub(super) fn document(_: &ControlServer, _: &RouteRequest<'_>) -> Answer {
    Ok(Reply::Json(openapi::document()))
}

pub(super) fn healthz(_: &ControlServer, _: &RouteRequest<'_>) -> Answer {
    Ok(Reply::Text("ok\n".to_owned()))
}

pub(super) fn readyz(server: &ControlServer, _: &RouteRequest<'_>) -> Answer {
    server.control.now();
    if let Some(why) = server.control.sim().write_error() {
        return Err(ApiError::NotReady(why));
    }
    Ok(Reply::Text("ok\n".to_owned()))
}

pub(super) fn clock(server: &ControlServer, _: &RouteRequest<'_>) -> Answer {
    let next_due = server.control.next_due();
    let clock = server.control.clock();
    json_reply(Time {
        now: clock.now(),
        rate: clock.rate(),
        next_due,
        followers: server.control.sim().followers().all(),
    })
}

pub(super) fn follow(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    let FollowerProgress { at } = request.body()?;
    server.control.sim().followers().report(request.name(), at)?;
    clock(server, request)
}

pub(super) fn leave(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    match server.control.sim().followers().remove(request.name()) {
        true => done(),
        false => Err(ApiError::NotFollowing(request.name().to_owned())),
    }
}

pub(super) fn set_rate(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    server.run(Command::SetRate(request.body::<Rate>()?.rate))?;
    clock(server, request)
}

pub(super) fn advance(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    let by = span(request.body::<Advance>()?.seconds)?;
    server.run(Command::Advance(by))?;
    clock(server, request)
}

pub(super) fn groups(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    json_reply(server.control.find(&request.query::<GroupFilter>()?))
}

pub(super) fn ledger(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    let LedgerFilter { group } = request.query()?;
    let ledger = server.control.ledger();
    let own = ledger.iter().filter(|entry| group.as_deref().is_none_or(|id| *entry.group.id == *id));
    let lines: Vec<_> = own.map(|entry| format!("{entry}\n")).collect();
    Ok(Reply::Text(lines.concat()))
}

pub(super) fn bill(server: &ControlServer, _: &RouteRequest<'_>) -> Answer {
    json_reply(Bill::from(&server.control.bill()))
}

pub(super) fn bill_total(server: &ControlServer, _: &RouteRequest<'_>) -> Answer {
    let bill = server.control.bill();
    json_reply(Bill {
        currency: bill.currency.to_string(),
        total: bill.total.decimal().normalize(),
        lines: Vec::new(),
    })
}

pub(super) fn faults(server: &ControlServer, _: &RouteRequest<'_>) -> Answer {
    let faults = server.control.faults().into_iter().map(|(number, rule)| Fault { number, rule });
    json_reply(faults.collect::<Vec<_>>())
}

pub(super) fn add_fault(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    match server.control.sim().command(Command::AddFault(request.body::<Rule>()?))? {
        Applied::Fault(number) => json_reply(FaultCreated { number }),
        Applied::Done | Applied::Snapshot(_) => done(),
    }
}

pub(super) fn remove_faults(server: &ControlServer, _: &RouteRequest<'_>) -> Answer {
    server.run(Command::ClearFaults)
}

pub(super) fn remove_fault(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    let unknown = |_| CommandError::UnknownFault(request.name().to_owned());
    server.run(Command::RemoveFault(request.name().parse().map_err(unknown)?))
}

pub(super) fn script(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    let body: ScriptRequest = request.body()?;
    let pattern = body.pattern.clone();
    server.run(Command::AddScript(pattern, Box::new(Script::try_from(body)?)))
}

pub(super) fn clear_scripts(server: &ControlServer, _: &RouteRequest<'_>) -> Answer {
    server.run(Command::ClearScripts)
}

pub(super) fn stock(server: &ControlServer, _: &RouteRequest<'_>) -> Answer {
    json_reply(SoldOut { sold_out: server.control.sold_out() })
}

pub(super) fn set_stock(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    let Stock { sold_out, restocked } = request.body()?;
    server.run(Command::SetStock { sold_out, restocked })?;
    stock(server, request)
}

pub(super) fn prices(server: &ControlServer, _: &RouteRequest<'_>) -> Answer {
    let price = |quote: Quote| {
        let Quote { what, zone, from, hourly } = quote;
        Price { what, zone, from: Some(from), hourly }
    };
    json_reply(server.control.quotes().into_iter().map(price).collect::<Vec<_>>())
}

pub(super) fn set_price(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    let Price { what, zone, from, hourly } = request.body()?;
    if hourly.is_sign_negative() {
        return Err(ApiError::Invalid(format!("an hour cannot cost {hourly}; it should be 0 or more")));
    }
    let from = from.unwrap_or_else(|| server.control.now());
    server.run(Command::SetPrice(Quote { what, zone, from, hourly }))?;
    prices(server, request)
}

pub(super) fn clear_prices(server: &ControlServer, _: &RouteRequest<'_>) -> Answer {
    server.run(Command::ClearPrices)
}

pub(super) fn account(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    json_reply(AccountStatus { standing: server.control.standing(request.name()).name().to_owned() })
}

pub(super) fn set_account(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    let AccountStatus { standing: name } = request.body()?;
    let wrong = || {
        let why = format!("`{name}` should be good, arrears, no-payment, closed or unverified");
        ApiError::Invalid(why)
    };
    let standing = Standing::named(&name).ok_or_else(wrong)?;
    server.run(Command::SetStanding(request.name().to_owned(), standing))?;
    account(server, request)
}

pub(super) fn reclaim(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    let Reclaim { minutes } = request.body_or_default()?;
    server.run(Command::Reclaim(request.name().to_owned(), minutes))
}

pub(super) fn crash(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    let Crash { container, exit_code } = request.body()?;
    server.run(Command::Crash { group: request.name().to_owned(), container, exit_code })
}

pub(super) fn quota(server: &ControlServer, _: &RouteRequest<'_>) -> Answer {
    json_reply(Quota::from(server.control.quota()))
}

pub(super) fn set_quota(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    server.run(Command::SetQuota(request.body::<Quota>()?.into()))?;
    quota(server, request)
}

pub(super) fn throttling(server: &ControlServer, _: &RouteRequest<'_>) -> Answer {
    json_reply(Throttling { on: server.control.throttling() })
}

pub(super) fn set_throttling(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    server.run(Command::SetThrottling(request.body::<Throttling>()?.on))?;
    throttling(server, request)
}

pub(super) fn requests(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    json_reply(server.control.search(&request.query::<RequestFilter>()?))
}

pub(super) fn reset(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    let ResetScope { account, region } = request.body_or_default()?;
    server.run(Command::Reset { account, region })
}

pub(super) fn snapshots(server: &ControlServer, _: &RouteRequest<'_>) -> Answer {
    json_reply(server.control.snapshots())
}

pub(super) fn save(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    server.run_snapshot(Command::SaveSnapshot(request.name().to_owned()))
}

pub(super) fn load(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    server.run_snapshot(Command::LoadSnapshot(request.name().to_owned()))
}

pub(super) fn fork(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    let open = server.opener.as_ref().ok_or(ApiError::CannotFork)?;
    json_reply(open(server.control.fork(request.name()).map_err(CommandError::from)?)?)
}

pub(super) fn drop_snapshot(server: &ControlServer, request: &RouteRequest<'_>) -> Answer {
    server.run(Command::DropSnapshot(request.name().to_owned()))
}
