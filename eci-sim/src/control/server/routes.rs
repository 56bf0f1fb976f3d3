//! The table of the control API's routes: parameters, bodies, answers and handlers. The OpenAPI document is built from
//! it.

use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema};

use super::{ApiError, ControlServer, Reply, RouteRequest, handlers};
use crate::control::GroupSummary;
use crate::control::wire::{
    AccountStatus, Advance, Bill, Crash, Done, Fault, FaultCreated, FollowerProgress, Forked, GroupFilter,
    LedgerFilter, Price, Quota, Rate, Reclaim, RequestFilter, ResetScope, Routes, ScriptRequest,
    SnapshotInfo, SoldOut, Stock, Throttling, Time,
};
use crate::state::RequestLogEntry;

/// Describes a body.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// One operation of the control API.
pub(super) struct Route {
    pub method: &'static str,
    pub path: &'static str,
    /// `operationId` in the document.
    pub operation_id: &'static str,
    pub summary: &'static str,
    /// Needs no token.
    pub open: bool,
    /// Open to followers of the clock, also where nothing else is served.
    pub for_followers: bool,
    pub query: Option<SchemaOf>,
    pub body: Option<SchemaOf>,
    pub response: ResponseSchema,
    pub handler: fn(&ControlServer, &RouteRequest<'_>) -> Result<Reply, ApiError>,
}

/// The content of a route's answer.
#[derive(Clone, Copy)]
pub(super) enum ResponseSchema {
    Json(SchemaOf),
    Text,
    Css,
    Script,
}

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// The schema of a fault rule; written by hand, since rules are also written in scenarios and files.
fn rule(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({
        "type": "object",
        "required": ["verdict"],
        "additionalProperties": true,
        "properties": {
            "action": { "type": "string", "description": "The operation; a `*` stands for anything." },
            "parameter": {
                "type": "array", "items": { "type": "string" }, "minItems": 2, "maxItems": 2,
                "description": "Only calls with this parameter of this value; a `*` stands for anything."
            },
            "times": { "type": "integer", "minimum": 0, "description": "Number of further calls that match." },
            "every": { "type": "integer", "minimum": 1, "description": "Of these only each so many-th." },
            "share": {
                "type": ["string", "number"],
                "description": "Of those only this share, drawn from the seed: above 0, up to 1; `0.1` or `10%`."
            },
            "verdict": {
                "description": "Verdict on them: a word such as `drop-after`, or an object of one such as \
                                {\"refuse\": {\"code\": \"OperationDenied.NoStock\"}} or {\"delay-ms\": 200}."
            }
        }
    })
}

const fn get(
    path: &'static str,
    operation_id: &'static str,
    summary: &'static str,
    response: SchemaOf,
    handler: Handler,
) -> Route {
    Route {
        method: "GET",
        path,
        operation_id,
        summary,
        open: false,
        for_followers: false,
        query: None,
        body: None,
        response: ResponseSchema::Json(response),
        handler,
    }
}

const fn post(
    path: &'static str,
    operation_id: &'static str,
    summary: &'static str,
    response: SchemaOf,
    handler: Handler,
) -> Route {
    Route { method: "POST", ..get(path, operation_id, summary, response, handler) }
}

const fn delete(
    path: &'static str,
    operation_id: &'static str,
    summary: &'static str,
    handler: Handler,
) -> Route {
    Route { method: "DELETE", ..get(path, operation_id, summary, of::<Done>, handler) }
}

type Handler = fn(&ControlServer, &RouteRequest<'_>) -> Result<Reply, ApiError>;

impl Route {
    const fn body_of(self, body: SchemaOf) -> Self {
        Self { body: Some(body), ..self }
    }

    const fn query_of(self, query: SchemaOf) -> Self {
        Self { query: Some(query), ..self }
    }

    const fn text(self) -> Self {
        self.responds(ResponseSchema::Text)
    }

    const fn responds(self, response: ResponseSchema) -> Self {
        Self { response, ..self }
    }

    const fn open(self) -> Self {
        Self { open: true, ..self }
    }

    const fn for_followers(self) -> Self {
        Self { for_followers: true, ..self }
    }
}

/// All routes.
pub(super) const ROUTES: &[Route] = &[
    get(
        "/",
        "getFront",
        "The page for browsers, the list of routes for programs.",
        of::<Routes>,
        handlers::index,
    )
    .open(),
    get("/page/style.css", "getStyle", "Style sheet of the page.", of::<Done>, handlers::style)
        .responds(ResponseSchema::Css)
        .open(),
    get("/page/page.js", "getScript", "Script of the page.", of::<Done>, handlers::page_script)
        .responds(ResponseSchema::Script)
        .open(),
    get("/openapi.json", "getDocument", "This document.", of::<Done>, handlers::document).open(),
    get("/healthz", "isAlive", "`ok` while the process answers.", of::<Done>, handlers::healthz)
        .text()
        .open(),
    get("/readyz", "isReady", "`ok` once calls are served.", of::<Done>, handlers::readyz).text().open(),
    get(
        "/clock",
        "getTime",
        "Time, rate, next due event and followers of the clock.",
        of::<Time>,
        handlers::clock,
    )
    .for_followers(),
    post("/clock", "setRate", "Sets the rate of the clock; 0 pauses it.", of::<Time>, handlers::set_rate)
        .body_of(of::<Rate>),
    post(
        "/clock/advance",
        "advance",
        "Advances the clock; all that is due until then has happened when the answer comes.",
        of::<Time>,
        handlers::advance,
    )
    .body_of(of::<Advance>),
    post(
        "/clock/followers/{name}",
        "follow",
        "Reports a follower's progress, or registers it.",
        of::<Time>,
        handlers::follow,
    )
    .body_of(of::<FollowerProgress>)
    .for_followers(),
    delete("/clock/followers/{name}", "leave", "Removes a follower.", handlers::leave).for_followers(),
    get(
        "/groups",
        "listGroups",
        "Groups of all accounts and regions.",
        of::<Vec<GroupSummary>>,
        handlers::groups,
    )
    .query_of(of::<GroupFilter>),
    get("/ledger", "getLedger", "The ledger, one line an entry.", of::<Done>, handlers::ledger)
        .query_of(of::<LedgerFilter>)
        .text(),
    get("/bill", "getBill", "The bill up to now.", of::<Bill>, handlers::bill),
    get("/bill/total", "getCost", "The bill up to now, without its lines.", of::<Bill>, handlers::bill_total),
    get("/faults", "listFaults", "Fault rules in force.", of::<Vec<Fault>>, handlers::faults),
    post(
        "/faults",
        "addFault",
        "Adds a fault rule behind the others.",
        of::<FaultCreated>,
        handlers::add_fault,
    )
    .body_of(rule),
    delete("/faults", "clearFaults", "Removes all fault rules.", handlers::remove_faults),
    delete("/faults/{number}", "removeFault", "Removes one fault rule.", handlers::remove_fault),
    post("/scripts", "addScript", "Adds a script of containers.", of::<Done>, handlers::script)
        .body_of(of::<ScriptRequest>),
    delete("/scripts", "clearScripts", "Removes all scripts.", handlers::clear_scripts),
    get("/stock", "getStock", "Zones and sizes that are out of stock.", of::<SoldOut>, handlers::stock),
    post(
        "/stock",
        "setStock",
        "Takes a zone or size out of stock, or restocks it.",
        of::<SoldOut>,
        handlers::set_stock,
    )
    .body_of(of::<Stock>),
    get(
        "/prices",
        "listPrices",
        "Prices that were set for the spot market.",
        of::<Vec<Price>>,
        handlers::prices,
    ),
    post("/prices", "setPrice", "Sets a price of the spot market.", of::<Vec<Price>>, handlers::set_price)
        .body_of(of::<Price>),
    delete(
        "/prices",
        "clearPrices",
        "Removes all prices that were set for the spot market.",
        handlers::clear_prices,
    ),
    get("/accounts/{name}", "getAccount", "Standing of an account.", of::<AccountStatus>, handlers::account),
    post(
        "/accounts/{name}",
        "setAccount",
        "Sets the standing of an account.",
        of::<AccountStatus>,
        handlers::set_account,
    )
    .body_of(of::<AccountStatus>),
    post(
        "/groups/{name}/reclaim",
        "reclaimGroup",
        "Takes a spot instance back.",
        of::<Done>,
        handlers::reclaim,
    )
    .body_of(of::<Reclaim>),
    post("/groups/{name}/crash", "crashContainer", "Crashes a container.", of::<Done>, handlers::crash)
        .body_of(of::<Crash>),
    get("/quota", "getQuota", "Limits of every account in a region.", of::<Quota>, handlers::quota),
    post(
        "/quota",
        "setQuota",
        "Sets the limits of every account in a region.",
        of::<Quota>,
        handlers::set_quota,
    )
    .body_of(of::<Quota>),
    get("/throttling", "getThrottling", "Throttling of calls.", of::<Throttling>, handlers::throttling),
    post(
        "/throttling",
        "setThrottling",
        "Turns the throttling of calls on or off.",
        of::<Throttling>,
        handlers::set_throttling,
    )
    .body_of(of::<Throttling>),
    get(
        "/requests",
        "searchRequests",
        "The latest 1,000 calls, oldest first; of each text the first 256 bytes.",
        of::<Vec<RequestLogEntry>>,
        handlers::requests,
    )
    .query_of(of::<RequestFilter>),
    post(
        "/reset",
        "reset",
        "Resets the world, or the part of an account, or of a region.",
        of::<Done>,
        handlers::reset,
    )
    .body_of(of::<ResetScope>),
    get(
        "/snapshots",
        "listSnapshots",
        "Snapshots of the world.",
        of::<Vec<SnapshotInfo>>,
        handlers::snapshots,
    ),
    post(
        "/snapshots/{name}",
        "saveSnapshot",
        "Saves a snapshot under a name of 1 to 64 letters, digits, dots, dashes or underscores; 16 at most.",
        of::<SnapshotInfo>,
        handlers::save,
    ),
    post(
        "/snapshots/{name}/load",
        "loadSnapshot",
        "Restores world and clock from a snapshot.",
        of::<SnapshotInfo>,
        handlers::load,
    ),
    post(
        "/snapshots/{name}/fork",
        "forkSnapshot",
        "Starts a second simulator from a snapshot, 16 times at most in the life of the process.",
        of::<Forked>,
        handlers::fork,
    ),
    delete("/snapshots/{name}", "dropSnapshot", "Deletes a snapshot.", handlers::drop_snapshot),
];
