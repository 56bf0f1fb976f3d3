//! What goes over the control door's wire, read and written by the door and by its client alike.

mod scripted;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::billing;
use crate::faults::Rule;
use crate::quota::Quota;
pub use scripted::{NoScript, Scripted, Uses};

/// Nothing to say but that it is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Done {}

/// What can be asked of the door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Routes {
    /// Where all of it is described.
    pub document: String,
    /// Each in a line.
    pub routes: Vec<String>,
}

/// Which entries of the ledger are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Entries {
    /// Those of the group of this id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// Why the door did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// What was wrong, and what would be right.
    pub error: String,
}

/// What time it is for the simulator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Time {
    /// The present.
    #[schemars(with = "String")]
    pub now: Timestamp,
    /// How many of its seconds pass in one of the machine's; 0 while it stands.
    pub rate: u32,
    /// When something happens next by itself.
    #[schemars(with = "Option<String>")]
    pub next_due: Option<Timestamp>,
    /// Whose clocks follow this one.
    #[serde(default)]
    pub followers: Vec<Follower>,
}

/// Somebody whose clock follows the simulator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Follower {
    /// Its name.
    pub name: String,
    /// Up to which instant it has come, and has done what was to be done until then.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// How far a follower has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CaughtUp {
    /// Up to this instant.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// Lets the clock run so many times as fast.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rate {
    /// 1 as the machine's, 60 a minute in a second, 0 not at all.
    pub rate: u32,
}

/// Pushes the clock forward.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Advance {
    /// By so many seconds.
    #[schemars(with = "f64")]
    pub seconds: Decimal,
}

/// Whether calls are counted against the published numbers a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Throttling {
    /// Whether they are.
    pub on: bool,
}

/// Takes something out of stock or puts it back: a zone (`cn-hangzhou-b`), or a size there (`cn-hangzhou-b/2.0-4.0Gi`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Stock {
    /// What is no longer sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sold_out: Option<String>,
    /// What is sold again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restocked: Option<String>,
}

/// What is out of stock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SoldOut {
    /// Zones, and sizes in zones.
    pub sold_out: Vec<String>,
}

/// How much an account may have in a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Allowed {
    /// vCPU.
    pub vcpu: u64,
    /// Image caches.
    pub image_caches: u32,
    /// Image caches that the cloud makes by itself.
    pub auto_image_caches: u32,
    /// Data caches.
    pub data_caches: u32,
}

/// The number of a rule that was laid; with it, the rule is lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Laid {
    /// The number.
    pub number: u64,
}

/// A rule that is laid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// Its number.
    pub number: u64,
    /// What it says.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub rule: Rule,
}

/// What an hour costs on the spot market from an instant on; a `*` in type or zone stands for anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Price {
    /// The ECS type, as `ecs.c5.*`; a size, as `2.0-4.0Gi`, where no type has it.
    #[serde(default = "anything")]
    pub what: String,
    /// The zone, as `cn-hangzhou-*`.
    #[serde(default = "anything")]
    pub zone: String,
    /// From when on; from now on, where nothing is said.
    #[schemars(with = "Option<String>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// What an hour costs.
    #[schemars(with = "String")]
    pub hourly: Decimal,
}

/// How an account stands with the cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Stands {
    /// `good`, `arrears`, `no-payment`, `closed` or `unverified`.
    pub standing: String,
}

/// Takes a spot instance back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Reclaim {
    /// In so many minutes.
    pub minutes: u8,
}

/// Ends a container badly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Crash {
    /// Which.
    pub container: String,
    /// With what.
    #[serde(default = "one")]
    pub exit_code: i32,
}

/// Which calls of the request log are meant; what is left out does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Search {
    /// The operation; a `*` stands for anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The group that it names or made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Whose call it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Where it was meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The code of its refusal; a `*` stands for anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The HTTP status of its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// A part of any of its texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Only from this instant on.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Only the latest so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// Which groups are meant; what is left out does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Which {
    /// Whose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// In this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Whose name has this part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only the latest so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// What is to be forgotten: all, or what an account has, or what is in a region, or what an account has in a region.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Scope {
    /// Whose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

/// A world that was kept under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Kept {
    /// The name.
    pub name: String,
    /// The instant in it.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// How many groups it has.
    pub groups: usize,
}

/// A second simulator in the same process, with a world and a clock of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Forked {
    /// Where its OpenAPI answers.
    pub eci: String,
    /// Where its control door answers.
    pub control: String,
}

/// A bill up to now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Bill {
    /// In what it is to be paid.
    pub currency: String,
    /// The sum of the lines.
    #[schemars(with = "String")]
    pub total: Decimal,
    /// By instance, then hour.
    #[serde(default)]
    pub lines: Vec<BillLine>,
}

/// What one instance costs for its part of one clock hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct BillLine {
    /// Which group.
    pub group_id: String,
    /// Its name.
    pub group_name: String,
    /// Where it is.
    pub region: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// From this second on.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// Up to this second, which is not included.
    #[schemars(with = "String")]
    pub to: Timestamp,
    /// The seconds between the two.
    pub seconds: u64,
    /// How many vCPU.
    #[schemars(with = "String")]
    pub vcpu: Decimal,
    /// How many GiB of memory.
    #[schemars(with = "String")]
    pub memory: Decimal,
    /// `instance`, or `instance_type` where an ECS type is billed.
    pub item: String,
    /// What it consists of.
    #[schemars(with = "BTreeMap<String, String>")]
    pub parts: BTreeMap<String, Decimal>,
    /// What is to be paid.
    #[schemars(with = "String")]
    pub amount: Decimal,
}

/// Why a number of seconds is none.
#[derive(Debug, thiserror::Error)]
#[error("{0} seconds cannot be; it should be 0 or more")]
pub struct NoSpan(Decimal);

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

/// So many seconds as a span, to the millisecond.
pub(crate) fn span(seconds: Decimal) -> Result<Duration, NoSpan> {
    let millis = seconds.checked_mul(Decimal::ONE_THOUSAND).and_then(|millis| millis.to_u64());
    millis.map(Duration::from_millis).ok_or(NoSpan(seconds))
}

impl Time {
    /// The first of those who follow and have not come up to the present.
    pub fn behind(&self) -> Option<&Follower> {
        self.followers.iter().find(|follower| follower.at < self.now)
    }
}

impl Advance {
    /// By this span, to the millisecond.
    pub fn by(span: Duration) -> Self {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self { seconds: Decimal::new(millis, 3).normalize() }
    }
}

impl From<Allowed> for Quota {
    fn from(allowed: Allowed) -> Self {
        let Allowed { vcpu, image_caches, auto_image_caches, data_caches } = allowed;
        Self { vcpu, image_caches, auto_image_caches, data_caches }
    }
}

impl From<Quota> for Allowed {
    fn from(quota: Quota) -> Self {
        let Quota { vcpu, image_caches, auto_image_caches, data_caches } = quota;
        Self { vcpu, image_caches, auto_image_caches, data_caches }
    }
}

impl From<&billing::Bill> for Bill {
    fn from(bill: &billing::Bill) -> Self {
        Self {
            currency: bill.currency.to_string(),
            total: bill.total.decimal().normalize(),
            lines: bill.lines.iter().map(BillLine::from).collect(),
        }
    }
}

impl From<&billing::BillLine> for BillLine {
    fn from(line: &billing::BillLine) -> Self {
        let parts = line.parts.iter().map(|part| (part.item.to_string(), part.amount.decimal().normalize()));
        Self {
            group_id: line.group_id.clone(),
            group_name: line.group_name.clone(),
            region: line.region.clone(),
            tags: line.tags.iter().cloned().collect(),
            from: line.from,
            to: line.to,
            seconds: line.seconds,
            vcpu: line.vcpu,
            memory: line.memory,
            item: line.item.to_string(),
            parts: parts.collect(),
            amount: line.amount.decimal().normalize(),
        }
    }
}
