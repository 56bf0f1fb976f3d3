//! Commitments of an account: reserved instances and savings plans, and what they pay of a line.

use jiff::Timestamp;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::account::TermsError;
use super::item::Item;
use crate::catalog::CATALOG;
use crate::money::{Amount, Charge, Rate};
use crate::text::did_you_mean;

/// Id under which an account's own discount is told of.
pub(super) const DISCOUNT: &str = "discount";

/// Instances of a type that are paid for whether they are used or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReservedInstance {
    /// Id, unlike that of any other commitment.
    pub id: String,
    /// ECS type that it covers.
    pub instance_type: String,
    /// Region in which it covers instances.
    pub region: String,
    /// Zone in which it covers instances; all zones of the region where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Number of instances at a time.
    #[serde(default = "one")]
    pub count: u32,
    /// Price of one of them for an hour, in the account's currency; none where all was paid upfront.
    #[schemars(with = "Option<String>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hourly: Option<Decimal>,
    /// Begin of its term.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// End of its term, not included.
    #[schemars(with = "String")]
    pub to: Timestamp,
}

/// An amount that is paid every hour, used or not, for instances at a discount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SavingsPlan {
    /// Id, unlike that of any other commitment.
    pub id: String,
    /// What it covers.
    #[serde(default)]
    pub kind: PlanKind,
    /// Amount that is paid every hour, in the account's currency.
    #[schemars(with = "String")]
    pub hourly: Decimal,
    /// Discount on the list price under the plan, as a share.
    #[schemars(with = "String")]
    pub discount: Decimal,
    /// Begin of its term.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// End of its term, not included.
    #[schemars(with = "String")]
    pub to: Timestamp,
}

/// The kinds of savings plans.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PlanKind {
    /// Covers any instance.
    #[default]
    General,
    /// Covers instances by ECS type alone.
    EcsCompute,
}

/// What a commitment pays of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Covered {
    /// Id of the commitment; `discount` for the account's own.
    pub by: String,
    /// Kind of the commitment.
    pub kind: CoverKind,
    /// Item of the part that it pays for.
    pub item: Item,
    /// Part of the price that is not paid because of it.
    pub amount: Amount,
    /// Part of the commitment's own fee that is used for it; nothing for a discount.
    pub fee: Amount,
}

/// What may pay a part of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CoverKind {
    /// The account's own discount.
    Discount,
    /// A reserved instance.
    ReservedInstance,
    /// A savings plan.
    SavingsPlan,
}

fn one() -> u32 {
    1
}

/// The seconds of a clock hour, numbered from 1970, that are in a term and from the bill's first second on.
fn seconds_in((hour, since): (i64, i64), from: Timestamp, to: Timestamp) -> u64 {
    let start = from.as_second().max(hour * 3600).max(since);
    let end = to.as_second().min((hour + 1) * 3600);
    u64::try_from(end - start).unwrap_or(0)
}

impl ReservedInstance {
    pub(super) fn check(&self) -> Result<(), TermsError> {
        if CATALOG.instance_type(&self.instance_type).is_none() {
            let near =
                did_you_mean(&self.instance_type, CATALOG.instance_types().map(|kind| kind.name.as_str()));
            return Err(TermsError::Type { id: self.id.clone(), name: self.instance_type.clone(), near });
        }
        let wrong =
            |place: &str, near| TermsError::Place { id: self.id.clone(), place: place.to_owned(), near };
        let Some(region) = CATALOG.region(&self.region) else {
            let near = did_you_mean(&self.region, CATALOG.regions().map(|region| region.id.as_str()));
            return Err(wrong(&self.region, near));
        };
        match self.zone.as_ref().filter(|zone| !region.zones.contains(zone)) {
            Some(zone) => Err(wrong(zone, did_you_mean(zone, region.zones.iter().map(String::as_str)))),
            None => Ok(()),
        }
    }

    /// Seconds of instances that it covers in a clock hour, numbered from 1970, from the bill's first second on.
    pub(super) fn seconds_of(&self, hour: i64, since: i64) -> u64 {
        u64::from(self.count) * seconds_in((hour, since), self.from, self.to)
    }

    /// Fee of so many seconds of one instance.
    pub(super) fn fee(&self, seconds: u64) -> Charge {
        Rate::hourly(self.hourly.unwrap_or_default()).charge(Decimal::ONE, seconds)
    }
}

impl SavingsPlan {
    /// Amount that it pays in a clock hour, numbered from 1970, from the bill's first second on.
    pub(super) fn amount_of(&self, hour: i64, since: i64) -> Charge {
        Rate::hourly(self.hourly).charge(Decimal::ONE, seconds_in((hour, since), self.from, self.to))
    }
}

#[cfg(test)]
pub(super) mod tests;
