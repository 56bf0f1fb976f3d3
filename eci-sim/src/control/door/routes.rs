//! The routes of the door: what each takes and gives, and who carries it out; the OpenAPI document is read from here.

use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema};

use super::{Asked, Door, Reply, Shut, answers};
use crate::control::GroupSummary;
use crate::control::wire::{
    Advance, Allowed, Bill, CaughtUp, Crash, Done, Entries, Fault, Forked, Kept, Laid, Price, Rate, Reclaim,
    Routes, Scope, Scripted, Search, SoldOut, Stands, Stock, Throttling, Time, Which,
};
use crate::server::Logged;

/// Describes a body.
pub(super) type Describe = fn(&mut SchemaGenerator) -> Schema;

/// One thing that can be asked of the door.
pub(super) struct Route {
    pub method: &'static str,
    pub path: &'static str,
    /// Its name in the document.
    pub name: &'static str,
    pub says: &'static str,
    /// Whether it needs no token.
    pub open: bool,
    /// Whether whoever follows the clock may ask it.
    pub follows: bool,
    pub query: Option<Describe>,
    pub body: Option<Describe>,
    pub gives: Gives,
    pub run: fn(&Door, &Asked<'_>) -> Result<Reply, Shut>,
}

/// What a route answers with.
#[derive(Clone, Copy)]
pub(super) enum Gives {
    Json(Describe),
    Text,
    Css,
    Script,
}

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// A rule of faults; described by hand, since rules are also written in scenarios and files.
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
            "times": { "type": "integer", "minimum": 0, "description": "For so many more calls." },
            "every": { "type": "integer", "minimum": 1, "description": "Of these only each so many-th." },
            "share": {
                "type": ["string", "number"],
                "description": "Of those only this share, drawn from the seed: above 0, up to 1; `0.1` or `10%`."
            },
            "verdict": {
                "description": "What becomes of them: a word such as `drop-after`, or an object of one such as \
                                {\"refuse\": {\"code\": \"OperationDenied.NoStock\"}} or {\"delay-ms\": 200}."
            }
        }
    })
}

const fn get(path: &'static str, name: &'static str, says: &'static str, gives: Describe, run: Run) -> Route {
    Route {
        method: "GET",
        path,
        name,
        says,
        open: false,
        follows: false,
        query: None,
        body: None,
        gives: Gives::Json(gives),
        run,
    }
}

const fn post(
    path: &'static str,
    name: &'static str,
    says: &'static str,
    gives: Describe,
    run: Run,
) -> Route {
    Route { method: "POST", ..get(path, name, says, gives, run) }
}

const fn delete(path: &'static str, name: &'static str, says: &'static str, run: Run) -> Route {
    Route { method: "DELETE", ..get(path, name, says, of::<Done>, run) }
}

type Run = fn(&Door, &Asked<'_>) -> Result<Reply, Shut>;

impl Route {
    const fn takes(self, body: Describe) -> Self {
        Self { body: Some(body), ..self }
    }

    const fn with(self, query: Describe) -> Self {
        Self { query: Some(query), ..self }
    }

    const fn text(self) -> Self {
        self.gives(Gives::Text)
    }

    const fn gives(self, gives: Gives) -> Self {
        Self { gives, ..self }
    }

    const fn open(self) -> Self {
        Self { open: true, ..self }
    }

    const fn follows(self) -> Self {
        Self { follows: true, ..self }
    }
}

/// All routes.
pub(super) const ALL: &[Route] = &[
    get(
        "/",
        "getFront",
        "The page for browsers, the list of routes for programs.",
        of::<Routes>,
        answers::front,
    )
    .open(),
    get("/page/style.css", "getStyle", "How the page looks.", of::<Done>, answers::style)
        .gives(Gives::Css)
        .open(),
    get("/page/page.js", "getScript", "What the page does.", of::<Done>, answers::page_script)
        .gives(Gives::Script)
        .open(),
    get("/openapi.json", "getDocument", "This document.", of::<Done>, answers::document).open(),
    get("/healthz", "isAlive", "`ok` while the process answers.", of::<Done>, answers::healthy).text().open(),
    get("/readyz", "isReady", "`ok` when calls are taken.", of::<Done>, answers::ready).text().open(),
    get(
        "/clock",
        "getTime",
        "What time it is, what happens next, and who follows.",
        of::<Time>,
        answers::time,
    )
    .follows(),
    post(
        "/clock",
        "setRate",
        "Lets time run so many times as fast; 0 stops it.",
        of::<Time>,
        answers::set_rate,
    )
    .takes(of::<Rate>),
    post("/clock/advance", "advance", "Pushes time forward.", of::<Time>, answers::advance)
        .takes(of::<Advance>),
    post(
        "/clock/followers/{name}",
        "follow",
        "Says how far a follower of the clock has come.",
        of::<Time>,
        answers::follow,
    )
    .takes(of::<CaughtUp>)
    .follows(),
    delete("/clock/followers/{name}", "leave", "Waits for this follower no more.", answers::leave).follows(),
    get(
        "/groups",
        "listGroups",
        "Groups of all accounts and regions.",
        of::<Vec<GroupSummary>>,
        answers::groups,
    )
    .with(of::<Which>),
    get("/ledger", "getLedger", "What happened, one line an entry.", of::<Done>, answers::ledger)
        .with(of::<Entries>)
        .text(),
    get("/bill", "getBill", "The bill up to now.", of::<Bill>, answers::bill),
    get("/bill/total", "getCost", "The bill up to now, without its lines.", of::<Bill>, answers::cost),
    get("/faults", "listFaults", "The rules that are laid.", of::<Vec<Fault>>, answers::faults),
    post("/faults", "layFault", "Lays a rule behind the others.", of::<Laid>, answers::lay).takes(rule),
    delete("/faults", "liftFaults", "Lifts all rules.", answers::lift_all),
    delete("/faults/{number}", "liftFault", "Lifts one rule.", answers::lift),
    post("/scripts", "addScript", "Says what containers do.", of::<Done>, answers::script)
        .takes(of::<Scripted>),
    delete("/scripts", "clearScripts", "Forgets all scripts.", answers::clear_scripts),
    get("/stock", "getStock", "What is out of stock.", of::<SoldOut>, answers::stock),
    post(
        "/stock",
        "setStock",
        "Takes something out of stock, or puts it back.",
        of::<SoldOut>,
        answers::set_stock,
    )
    .takes(of::<Stock>),
    get(
        "/prices",
        "listPrices",
        "What was laid down for the spot market.",
        of::<Vec<Price>>,
        answers::prices,
    ),
    post(
        "/prices",
        "setPrice",
        "Lays down a price of the spot market.",
        of::<Vec<Price>>,
        answers::set_price,
    )
    .takes(of::<Price>),
    delete(
        "/prices",
        "clearPrices",
        "Forgets what was laid down for the spot market.",
        answers::clear_prices,
    ),
    get("/accounts/{name}", "getAccount", "How an account stands.", of::<Stands>, answers::standing),
    post(
        "/accounts/{name}",
        "setAccount",
        "Says how an account stands.",
        of::<Stands>,
        answers::set_standing,
    )
    .takes(of::<Stands>),
    post(
        "/groups/{name}/reclaim",
        "reclaimGroup",
        "Takes a spot instance back.",
        of::<Done>,
        answers::reclaim,
    )
    .takes(of::<Reclaim>),
    post("/groups/{name}/crash", "crashContainer", "Ends a container badly.", of::<Done>, answers::crash)
        .takes(of::<Crash>),
    get("/quota", "getQuota", "How much an account may have in a region.", of::<Allowed>, answers::quota),
    post("/quota", "setQuota", "Says how much an account may have.", of::<Allowed>, answers::set_quota)
        .takes(of::<Allowed>),
    get("/throttling", "getThrottling", "Whether calls are counted.", of::<Throttling>, answers::throttling),
    post("/throttling", "setThrottling", "Counts calls, or not.", of::<Throttling>, answers::set_throttling)
        .takes(of::<Throttling>),
    get(
        "/requests",
        "searchRequests",
        "The latest 1,000 calls, oldest first; of each text the first 256 bytes.",
        of::<Vec<Logged>>,
        answers::requests,
    )
    .with(of::<Search>),
    post("/reset", "reset", "Forgets all, or an account, or a region.", of::<Done>, answers::reset)
        .takes(of::<Scope>),
    get("/snapshots", "listSnapshots", "The worlds that are kept.", of::<Vec<Kept>>, answers::snapshots),
    post(
        "/snapshots/{name}",
        "saveSnapshot",
        "Keeps the world as it is now, under a name of 1 to 64 letters, digits, dots, dashes or underscores; 16 at most.",
        of::<Kept>,
        answers::save,
    ),
    post("/snapshots/{name}/load", "loadSnapshot", "Puts world and clock back.", of::<Kept>, answers::load),
    post(
        "/snapshots/{name}/fork",
        "forkSnapshot",
        "Goes on from it beside this one, 16 times at most in the life of the process.",
        of::<Forked>,
        answers::fork,
    ),
    delete("/snapshots/{name}", "dropSnapshot", "Forgets a kept world.", answers::drop_snapshot),
];
