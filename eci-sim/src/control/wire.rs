//! The bodies and queries of the control API, shared by server and client.

mod scripted;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::billing::{self, BillGroup, BillLine, Cost, Dimension};
use crate::faults::Rule;
pub use crate::followers::Follower;
use crate::latency::Latency;
use crate::money::Currency;
pub use crate::persistence::named::SnapshotInfo;
pub use crate::quota::Quota;
pub use crate::sim::control::{GroupFilter, RequestFilter};
pub use scripted::{ScriptError, ScriptRequest, UsagePoint};

/// An empty answer: done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Done {}

/// The list of routes that `GET /` answers to programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Routes {
    /// Path of the OpenAPI document.
    pub document: String,
    /// Routes, each as `METHOD PATH: summary`.
    pub routes: Vec<String>,
}

/// Query of `GET /ledger`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LedgerFilter {
    /// Id of the group whose entries are wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// Body of every answer with an error status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorBody {
    /// The error and its remedy, as one sentence.
    pub error: String,
}

/// The simulator's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Time {
    /// The present.
    #[schemars(with = "String")]
    pub now: Timestamp,
    /// Simulated seconds in a second of the machine; 0 while the clock is paused.
    pub rate: u32,
    /// Time of the next due event.
    #[schemars(with = "Option<String>")]
    pub next_due: Option<Timestamp>,
    /// Clocks that follow this one.
    #[serde(default)]
    pub followers: Vec<Follower>,
}

/// A follower's report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FollowerProgress {
    /// Instant up to which the follower has done all that was due.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// The rate of the clock.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rate {
    /// Simulated seconds in a second of the machine: 1 for real time, 60 for a minute in a second, 0 while paused.
    pub rate: u32,
}

/// An advance of the clock.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Advance {
    /// Simulated seconds to advance by, 0 or more, to the millisecond.
    #[schemars(with = "f64")]
    pub seconds: Decimal,
}

/// Throttling of calls by the published numbers a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Throttling {
    /// True while calls are throttled.
    pub on: bool,
}

/// The latency of the steps of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StepLatency {
    /// `none`, `published`, or a factor such as `x2` or `x0.5`.
    pub latency: Latency,
}

/// A change of stock: of a zone (`cn-hangzhou-b`), or of a size there (`cn-hangzhou-b/2.0-4.0Gi`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Stock {
    /// Zone or size that goes out of stock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sold_out: Option<String>,
    /// Zone or size that is sold again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restocked: Option<String>,
}

/// The zones and sizes that are out of stock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SoldOut {
    /// Zones, and sizes in zones as `cn-hangzhou-b/2.0-4.0Gi`.
    pub sold_out: Vec<String>,
}

/// The answer to a new fault rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FaultCreated {
    /// Number of the rule, by which it is removed.
    pub number: u64,
}

/// A fault rule that is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// Number of the rule, by which it is removed.
    pub number: u64,
    /// The rule itself.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub rule: Rule,
}

/// A price of the spot market from an instant on; a `*` in type or zone stands for anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Price {
    /// The ECS type, as `ecs.c5.*`; a size, as `2.0-4.0Gi`, where no type has it.
    #[serde(default = "anything")]
    pub what: String,
    /// The zone, as `cn-hangzhou-*`.
    #[serde(default = "anything")]
    pub zone: String,
    /// Start of the price; the present where nothing is given.
    #[schemars(with = "Option<String>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Currency of the price; that of the simulator where nothing is said. It holds for accounts with this currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Price of an hour.
    #[schemars(with = "String")]
    pub hourly: Decimal,
}

/// The standing of an account with the cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AccountStatus {
    /// `good`, `arrears`, `no-payment`, `closed` or `unverified`.
    pub standing: String,
}

/// The reclaim of a spot instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Reclaim {
    /// Minutes until the instance is taken back.
    pub minutes: u8,
}

/// The crash of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Crash {
    /// Name of the container.
    pub container: String,
    /// Exit code; 1 where nothing is said.
    #[serde(default = "one")]
    pub exit_code: i32,
}

/// The part of a world that is reset: all of it, or that of an account, of a region, or of an account in a region.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ResetScope {
    /// Account whose groups and assets are deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Region in which groups and assets are deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

/// A second simulator in the same process, with a world and a clock of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Forked {
    /// Address of its ECI OpenAPI.
    pub eci: String,
    /// Address of its control API.
    pub control: String,
}

/// A bill up to now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Bill {
    /// Currency of the total; that of the simulator where lines have several.
    pub currency: Currency,
    /// Sum of the lines, the first price that is missing for it, or the sums by currency where lines have several.
    pub total: Cost,
    /// Charges by instance, then hour.
    #[serde(default)]
    pub lines: Vec<BillLine>,
    /// Sums of the lines by the dimensions that were asked for, instead of the lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<BillGroup>,
}

/// A number of seconds that is no span of time: negative, or too large.
#[derive(Debug, thiserror::Error)]
#[error("{0} seconds is no span of time; it should be 0 or more")]
pub struct SpanError(Decimal);

fn anything() -> String {
    "*".to_owned()
}

fn one() -> i32 {
    1
}

impl Default for Reclaim {
    fn default() -> Self {
        Self { minutes: 3 }
    }
}

/// The span of so many seconds, to the millisecond.
pub(crate) fn span(seconds: Decimal) -> Result<Duration, SpanError> {
    let millis = seconds.checked_mul(Decimal::ONE_THOUSAND).and_then(|millis| millis.to_u64());
    millis.map(Duration::from_millis).ok_or(SpanError(seconds))
}

impl Time {
    /// The first follower that has not come up to the present.
    pub fn behind(&self) -> Option<&Follower> {
        self.followers.iter().find(|follower| follower.at < self.now)
    }
}

impl Advance {
    /// The advance by a span, to the millisecond.
    pub fn by(span: Duration) -> Self {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self { seconds: Decimal::new(millis, 3).normalize() }
    }
}

impl From<&billing::Bill> for Bill {
    fn from(bill: &billing::Bill) -> Self {
        Self::seen(bill.clone(), &[])
    }
}

impl Bill {
    /// A bill's lines, or their sums by dimensions where there are any.
    pub fn seen(bill: billing::Bill, by: &[Dimension]) -> Self {
        let (lines, groups) = match by {
            [] => (bill.lines, Vec::new()),
            by => (Vec::new(), bill.by(by)),
        };
        Self { currency: bill.currency, total: bill.total, lines, groups }
    }
}
