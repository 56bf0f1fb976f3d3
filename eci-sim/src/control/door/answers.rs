//! What the door does for each route.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::routes::ALL;
use super::{Asked, Door, Reply, Shut, openapi};
use crate::control::wire::{
    Advance, Allowed, Bill, CaughtUp, Crash, Done, Entries, Fault, Laid, Price, Rate, Reclaim, Scope,
    Scripted, Search, SoldOut, Stands, Stock, Throttling, Time, Which, span,
};
use crate::faults::Rule;
use crate::market::Quote;
use crate::page;
use crate::script::Script;
use crate::world::standing::Standing;

type Answer = Result<Reply, Shut>;

fn give(value: impl Serialize) -> Answer {
    Ok(Reply::Json(serde_json::to_value(value)?))
}

fn done() -> Answer {
    give(Done {})
}

impl Asked<'_> {
    fn body<T: DeserializeOwned>(&self) -> Result<T, Shut> {
        Ok(serde_json::from_slice(&self.request.body)?)
    }

    /// The same, where no body at all means the usual.
    fn body_or_default<T: DeserializeOwned + Default>(&self) -> Result<T, Shut> {
        if self.request.body.is_empty() { Ok(T::default()) } else { self.body() }
    }

    /// What the query says; numbers are read as such.
    fn query<T: DeserializeOwned>(&self) -> Result<T, Shut> {
        let pairs = eci_api::query::parse_form(self.request.query.as_bytes());
        let value = |name: &str, text: String| match (name, text.parse::<u64>()) {
            ("limit" | "status", Ok(number)) => json!(number),
            _ => json!(text),
        };
        let fields = pairs.into_iter().filter(|(_, text)| !text.is_empty());
        let fields = fields.map(|(name, text)| (name.clone(), value(&name, text)));
        let object = serde_json::Value::Object(fields.collect());
        serde_json::from_value(object).map_err(|why| Shut::Query(why.to_string()))
    }

    fn name(&self) -> &str {
        self.names.first().copied().unwrap_or_default()
    }
}

/// The page for browsers, the list for programs.
pub(super) fn front(_: &Door, asked: &Asked<'_>) -> Answer {
    if asked.request.header("accept").is_some_and(|kinds| kinds.contains("text/html")) {
        return Ok(Reply::File(page::INDEX));
    }
    let routes = ALL.iter().map(|route| format!("{} {}: {}", route.method, route.path, route.says));
    give(json!({ "document": "/openapi.json", "routes": routes.collect::<Vec<_>>() }))
}

pub(super) fn style(_: &Door, _: &Asked<'_>) -> Answer {
    Ok(Reply::File(page::STYLE))
}

pub(super) fn page_script(_: &Door, _: &Asked<'_>) -> Answer {
    Ok(Reply::File(page::SCRIPT))
}

pub(super) fn document(_: &Door, _: &Asked<'_>) -> Answer {
    Ok(Reply::Json(openapi::document()))
}

pub(super) fn healthy(_: &Door, _: &Asked<'_>) -> Answer {
    Ok(Reply::Text("ok\n".to_owned()))
}

pub(super) fn ready(door: &Door, _: &Asked<'_>) -> Answer {
    door.control.now();
    if let Some(why) = door.control.0.writer().and_then(crate::journal::Writer::failed) {
        return Err(Shut::NotReady(why));
    }
    Ok(Reply::Text("ok\n".to_owned()))
}

pub(super) fn time(door: &Door, _: &Asked<'_>) -> Answer {
    let next_due = door.control.next_due();
    let clock = door.control.clock();
    give(Time { now: clock.now(), rate: clock.rate(), next_due, followers: door.control.0.followers().all() })
}

pub(super) fn follow(door: &Door, asked: &Asked<'_>) -> Answer {
    let CaughtUp { at } = asked.body()?;
    door.control.0.followers().says(asked.name(), at)?;
    time(door, asked)
}

pub(super) fn leave(door: &Door, asked: &Asked<'_>) -> Answer {
    match door.control.0.followers().leaves(asked.name()) {
        true => done(),
        false => Err(Shut::NotFollowing(asked.name().to_owned())),
    }
}

pub(super) fn set_rate(door: &Door, asked: &Asked<'_>) -> Answer {
    door.control.set_rate(asked.body::<Rate>()?.rate);
    time(door, asked)
}

pub(super) fn advance(door: &Door, asked: &Asked<'_>) -> Answer {
    let by = span(asked.body::<Advance>()?.seconds)?;
    door.control.advance(by).map_err(|why| Shut::Wrong(why.to_string()))?;
    time(door, asked)
}

pub(super) fn groups(door: &Door, asked: &Asked<'_>) -> Answer {
    give(door.control.find(&asked.query::<Which>()?))
}

pub(super) fn ledger(door: &Door, asked: &Asked<'_>) -> Answer {
    let Entries { group } = asked.query()?;
    let ledger = door.control.ledger();
    let own = ledger.iter().filter(|entry| group.as_deref().is_none_or(|id| *entry.group.id == *id));
    let lines: Vec<_> = own.map(|entry| format!("{entry}\n")).collect();
    Ok(Reply::Text(lines.concat()))
}

pub(super) fn bill(door: &Door, _: &Asked<'_>) -> Answer {
    give(Bill::from(&door.control.bill()))
}

pub(super) fn cost(door: &Door, _: &Asked<'_>) -> Answer {
    let bill = door.control.bill();
    give(Bill {
        currency: bill.currency.to_string(),
        total: bill.total.decimal().normalize(),
        lines: Vec::new(),
    })
}

pub(super) fn faults(door: &Door, _: &Asked<'_>) -> Answer {
    let faults = door.control.faults().into_iter().map(|(number, rule)| Fault { number, rule });
    give(faults.collect::<Vec<_>>())
}

pub(super) fn lay(door: &Door, asked: &Asked<'_>) -> Answer {
    give(Laid { number: door.control.lay(asked.body::<Rule>()?) })
}

pub(super) fn lift_all(door: &Door, _: &Asked<'_>) -> Answer {
    door.control.clear_faults();
    done()
}

pub(super) fn lift(door: &Door, asked: &Asked<'_>) -> Answer {
    match asked.name().parse().is_ok_and(|number| door.control.lift(number)) {
        true => done(),
        false => Err(Shut::NoFault(asked.name().to_owned())),
    }
}

pub(super) fn script(door: &Door, asked: &Asked<'_>) -> Answer {
    let body: Scripted = asked.body()?;
    let pattern = body.pattern.clone();
    door.control.script(pattern, Script::try_from(body)?);
    done()
}

pub(super) fn clear_scripts(door: &Door, _: &Asked<'_>) -> Answer {
    door.control.clear_scripts();
    done()
}

pub(super) fn stock(door: &Door, _: &Asked<'_>) -> Answer {
    give(SoldOut { sold_out: door.control.sold_out() })
}

pub(super) fn set_stock(door: &Door, asked: &Asked<'_>) -> Answer {
    let Stock { sold_out, restocked } = asked.body()?;
    sold_out.into_iter().for_each(|what| door.control.sell_out(what));
    restocked.iter().for_each(|what| door.control.restock(what));
    stock(door, asked)
}

pub(super) fn prices(door: &Door, _: &Asked<'_>) -> Answer {
    let price = |quote: Quote| {
        let Quote { what, zone, from, hourly } = quote;
        Price { what, zone, from: Some(from), hourly }
    };
    give(door.control.quotes().into_iter().map(price).collect::<Vec<_>>())
}

pub(super) fn set_price(door: &Door, asked: &Asked<'_>) -> Answer {
    let Price { what, zone, from, hourly } = asked.body()?;
    if hourly.is_sign_negative() {
        return Err(Shut::Wrong(format!("an hour cannot cost {hourly}; it should be 0 or more")));
    }
    let from = from.unwrap_or_else(|| door.control.now());
    door.control.quote(Quote { what, zone, from, hourly });
    prices(door, asked)
}

pub(super) fn clear_prices(door: &Door, _: &Asked<'_>) -> Answer {
    door.control.clear_quotes();
    done()
}

pub(super) fn standing(door: &Door, asked: &Asked<'_>) -> Answer {
    give(Stands { standing: door.control.standing(asked.name()).name().to_owned() })
}

pub(super) fn set_standing(door: &Door, asked: &Asked<'_>) -> Answer {
    let Stands { standing: name } = asked.body()?;
    let wrong = || {
        let why = format!("`{name}` should be good, arrears, no-payment, closed or unverified");
        Shut::Wrong(why)
    };
    door.control.set_standing(asked.name(), Standing::named(&name).ok_or_else(wrong)?);
    standing(door, asked)
}

pub(super) fn reclaim(door: &Door, asked: &Asked<'_>) -> Answer {
    let Reclaim { minutes } = asked.body_or_default()?;
    match door.control.reclaim(asked.name(), minutes) {
        true => done(),
        false => Err(Shut::NoGroup(asked.name().to_owned())),
    }
}

pub(super) fn crash(door: &Door, asked: &Asked<'_>) -> Answer {
    let Crash { container, exit_code } = asked.body()?;
    match door.control.crash(asked.name(), &container, exit_code) {
        true => done(),
        false => Err(Shut::NotRunning(container, asked.name().to_owned())),
    }
}

pub(super) fn quota(door: &Door, _: &Asked<'_>) -> Answer {
    give(Allowed::from(door.control.quota()))
}

pub(super) fn set_quota(door: &Door, asked: &Asked<'_>) -> Answer {
    door.control.set_quota(asked.body::<Allowed>()?.into());
    quota(door, asked)
}

pub(super) fn throttling(door: &Door, _: &Asked<'_>) -> Answer {
    give(Throttling { on: door.control.throttling() })
}

pub(super) fn set_throttling(door: &Door, asked: &Asked<'_>) -> Answer {
    door.control.set_throttling(asked.body::<Throttling>()?.on);
    throttling(door, asked)
}

pub(super) fn requests(door: &Door, asked: &Asked<'_>) -> Answer {
    give(door.control.search(&asked.query::<Search>()?))
}

pub(super) fn reset(door: &Door, asked: &Asked<'_>) -> Answer {
    let Scope { account, region } = asked.body_or_default()?;
    door.control.reset_only(account.as_deref(), region.as_deref());
    done()
}

pub(super) fn snapshots(door: &Door, _: &Asked<'_>) -> Answer {
    give(door.control.snapshots())
}

pub(super) fn save(door: &Door, asked: &Asked<'_>) -> Answer {
    give(door.control.save(asked.name())?)
}

pub(super) fn load(door: &Door, asked: &Asked<'_>) -> Answer {
    give(door.control.load(asked.name())?)
}

pub(super) fn fork(door: &Door, asked: &Asked<'_>) -> Answer {
    let open = door.opener.as_ref().ok_or(Shut::CannotFork)?;
    give(open(door.control.fork(asked.name())?).map_err(Shut::Wrong)?)
}

pub(super) fn drop_snapshot(door: &Door, asked: &Asked<'_>) -> Answer {
    door.control.drop_snapshot(asked.name())?;
    done()
}
