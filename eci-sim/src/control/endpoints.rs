//! The endpoints of the control API: for each its method, path, input and reply. Server, OpenAPI document and client come
//! from this table.

use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::GroupSummary;
use super::wire::{
    AccountStatus, Advance, Bill, Crash, Done, Fault, FaultCreated, FollowerProgress, Forked, GroupFilter,
    Price, Quota, Rate, Reclaim, RequestFilter, ResetScope, ScriptRequest, SnapshotInfo, SoldOut,
    StepLatency, Stock, Throttling, Time,
};
use crate::billing::{AccountTerms, BillQuery};
use crate::faults::Rule;
use crate::script::AssumedRun;
use crate::state::RequestLogEntry;

/// Writes the schema of a query, a body or a reply.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// An endpoint of JSON.
pub(super) trait Endpoint {
    const METHOD: &'static str;
    /// Path, with placeholders such as `{name}`.
    const PATH: &'static str;
    /// `operationId` in the OpenAPI document.
    const OPERATION_ID: &'static str;
    const SUMMARY: &'static str;
    const INPUT: InputKind;
    /// Query or body; `Done` where there is none.
    type Input: Serialize + DeserializeOwned + JsonSchema;
    type Reply: Serialize + DeserializeOwned + JsonSchema;
}

/// The place of an endpoint's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InputKind {
    None,
    Query,
    Body,
    /// A body that may be left out, which means the usual.
    OptionalBody,
}

/// Writes a type's schema.
pub(super) fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

macro_rules! endpoints {
    ($($name:ident: $method:literal $path:literal, $id:literal, $kind:ident($input:ty) -> $reply:ty, $summary:literal;)*) => {
        $(
            #[doc = $summary]
            pub(super) struct $name;

            impl Endpoint for $name {
                const METHOD: &'static str = $method;
                const PATH: &'static str = $path;
                const OPERATION_ID: &'static str = $id;
                const SUMMARY: &'static str = $summary;
                const INPUT: InputKind = InputKind::$kind;
                type Input = $input;
                type Reply = $reply;
            }
        )*
    };
}

endpoints! {
    GetTime: "GET" "/clock", "getTime", None(Done) -> Time,
        "Time, rate, next due event and followers of the clock.";
    SetRate: "POST" "/clock", "setRate", Body(Rate) -> Time, "Sets the rate of the clock; 0 pauses it.";
    AdvanceClock: "POST" "/clock/advance", "advance", Body(Advance) -> Time,
        "Advances the clock; all that is due until then has happened when the answer comes.";
    Follow: "POST" "/clock/followers/{name}", "follow", Body(FollowerProgress) -> Time,
        "Reports a follower's progress, or registers it.";
    Leave: "DELETE" "/clock/followers/{name}", "leave", None(Done) -> Done, "Removes a follower.";
    ListGroups: "GET" "/groups", "listGroups", Query(GroupFilter) -> Vec<GroupSummary>,
        "Groups of all accounts and regions.";
    GetBill: "GET" "/bill", "getBill", Query(BillQuery) -> Bill,
        "The bill up to now: its lines, or their sums by pod, owner, namespace, node, tag, category, zone, hour or others.";
    GetCost: "GET" "/bill/total", "getCost", None(Done) -> Bill, "The bill up to now, without its lines.";
    ListFaults: "GET" "/faults", "listFaults", None(Done) -> Vec<Fault>, "Fault rules in force.";
    AddFault: "POST" "/faults", "addFault", Body(Rule) -> FaultCreated,
        "Adds a fault rule behind the others.";
    ClearFaults: "DELETE" "/faults", "clearFaults", None(Done) -> Done, "Removes all fault rules.";
    RemoveFault: "DELETE" "/faults/{number}", "removeFault", None(Done) -> Done, "Removes one fault rule.";
    AddScript: "POST" "/scripts", "addScript", Body(ScriptRequest) -> Done, "Adds a script of containers.";
    ClearScripts: "DELETE" "/scripts", "clearScripts", None(Done) -> Done, "Removes all scripts.";
    ListAssumed: "GET" "/assumed", "listAssumed", None(Done) -> Vec<AssumedRun>,
        "Containers whose commands are not played, and what is assumed of them; 10,000 at most.";
    GetStock: "GET" "/stock", "getStock", None(Done) -> SoldOut, "Zones and sizes that are out of stock.";
    SetStock: "POST" "/stock", "setStock", Body(Stock) -> SoldOut,
        "Takes a zone or size out of stock, or restocks it.";
    ListPrices: "GET" "/prices", "listPrices", None(Done) -> Vec<Price>,
        "Prices that were set for the spot market.";
    SetPrice: "POST" "/prices", "setPrice", Body(Price) -> Vec<Price>, "Sets a price of the spot market.";
    ClearPrices: "DELETE" "/prices", "clearPrices", None(Done) -> Done,
        "Removes all prices that were set for the spot market.";
    GetAccount: "GET" "/accounts/{name}", "getAccount", None(Done) -> AccountStatus, "Standing of an account.";
    SetAccount: "POST" "/accounts/{name}", "setAccount", Body(AccountStatus) -> AccountStatus,
        "Sets the standing of an account.";
    GetTerms: "GET" "/accounts/{name}/terms", "getTerms", None(Done) -> AccountTerms,
        "Currency, commitments, discount and balance of an account.";
    SetTerms: "POST" "/accounts/{name}/terms", "setTerms", Body(AccountTerms) -> AccountTerms,
        "Sets currency, commitments, discount and balance of an account, instead of those that it had.";
    ReclaimGroup: "POST" "/groups/{name}/reclaim", "reclaimGroup", OptionalBody(Reclaim) -> Done,
        "Takes a spot instance back.";
    CrashContainer: "POST" "/groups/{name}/crash", "crashContainer", Body(Crash) -> Done,
        "Crashes a container.";
    GetQuota: "GET" "/quota", "getQuota", None(Done) -> Quota, "Limits of every account in a region.";
    SetQuota: "POST" "/quota", "setQuota", Body(Quota) -> Quota,
        "Sets the limits of every account in a region.";
    GetLatency: "GET" "/latency", "getLatency", None(Done) -> StepLatency, "Latency of the steps of groups.";
    SetLatency: "POST" "/latency", "setLatency", Body(StepLatency) -> StepLatency,
        "Sets the latency of the steps of groups that begin from now on.";
    GetThrottling: "GET" "/throttling", "getThrottling", None(Done) -> Throttling, "Throttling of calls.";
    SetThrottling: "POST" "/throttling", "setThrottling", Body(Throttling) -> Throttling,
        "Turns the throttling of calls on or off.";
    SearchRequests: "GET" "/requests", "searchRequests", Query(RequestFilter) -> Vec<RequestLogEntry>,
        "The latest 1,000 calls, oldest first; of each text the first 256 bytes.";
    Reset: "POST" "/reset", "reset", OptionalBody(ResetScope) -> Done,
        "Resets the world, or the part of an account, or of a region.";
    ListSnapshots: "GET" "/snapshots", "listSnapshots", None(Done) -> Vec<SnapshotInfo>,
        "Snapshots of the world.";
    SaveSnapshot: "POST" "/snapshots/{name}", "saveSnapshot", None(Done) -> SnapshotInfo,
        "Saves a snapshot under a name of 1 to 64 letters, digits, dots, dashes or underscores; 16 at most.";
    LoadSnapshot: "POST" "/snapshots/{name}/load", "loadSnapshot", None(Done) -> SnapshotInfo,
        "Restores world and clock from a snapshot.";
    ForkSnapshot: "POST" "/snapshots/{name}/fork", "forkSnapshot", None(Done) -> Forked,
        "Starts a second simulator from a snapshot, 16 times at most in the life of the process.";
    DropSnapshot: "DELETE" "/snapshots/{name}", "dropSnapshot", None(Done) -> Done, "Deletes a snapshot.";
}
