//! The items of a bill, and the parts of a price by item: how many units at which price.

use std::fmt;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::money::{Amount, Charge, Rate};
use crate::terms::{Basis, CacheKind, PricingTerms};

/// Item of a bill, by its name in the cloud's bills where that has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// An instance by vCPU and memory.
    Instance,
    /// An instance by ECS type.
    InstanceType,
    /// vCPU of an instance.
    Cpu,
    /// Memory of an instance.
    Mem,
    /// Ephemeral storage above the free 30 GiB.
    #[serde(rename = "systemdisk")]
    SystemDisk,
    /// Disk of an image or data cache, on another product's bill.
    Disk,
    /// Snapshot of a cache, on another product's bill.
    Snapshot,
    /// The making of an image cache.
    ImageCache,
    /// The making of a data cache.
    DataCache,
    /// A virtual node of a self-managed cluster.
    VirtualNode,
    /// Groups that are no longer known each for itself.
    Earlier,
}

/// One part of a line's price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Part {
    /// Item that the part is for.
    pub item: Item,
    /// Number of units: vCPU, GiB or instances.
    #[schemars(with = "String")]
    pub units: Decimal,
    /// Price of one unit for one hour, of the market for a spot instance.
    #[serde(rename = "unit-price", with = "hourly")]
    #[schemars(with = "String")]
    pub rate: Rate,
    /// Price of one unit for one hour on demand; `None` where no list has one.
    #[serde(
        default,
        rename = "list-price",
        with = "hourly_or_none",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>")]
    pub list: Option<Rate>,
    /// Amount in the bill's currency, before small amounts are settled.
    pub amount: Amount,
}

/// One part of a price, exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PricedPart {
    /// Item that the part is for.
    pub item: Item,
    /// Number of units.
    pub units: Decimal,
    /// Price of one unit.
    pub rate: Rate,
    /// Price of one unit on demand; `None` where no list has one.
    pub list: Option<Rate>,
    /// Exact charge.
    pub charge: Charge,
}

impl PricedPart {
    /// So many units of an item for so many seconds at the price of a list.
    pub(super) fn listed(item: Item, units: Decimal, rate: Rate, seconds: u64) -> Self {
        Self { item, units, rate, list: Some(rate), charge: rate.charge(units, seconds) }
    }

    /// The part of a line.
    pub(super) fn of_line(&self) -> Part {
        let Self { item, units, rate, list, charge } = *self;
        Part { item, units, rate, list, amount: charge.rounded() }
    }
}

impl Item {
    /// The item of a line on these terms.
    pub(super) fn of(terms: &PricingTerms) -> Self {
        match terms {
            PricingTerms::Instance(terms) if matches!(terms.basis, Basis::Size(_)) => Self::Instance,
            PricingTerms::Instance(_) => Self::InstanceType,
            PricingTerms::CacheBuild { cache: CacheKind::Image, .. } => Self::ImageCache,
            PricingTerms::CacheBuild { cache: CacheKind::Data, .. } => Self::DataCache,
            PricingTerms::Snapshot { .. } => Self::Snapshot,
            PricingTerms::VirtualNode => Self::VirtualNode,
        }
    }
}

/// A rate as the price of an hour.
mod hourly {
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::money::Rate;

    pub fn serialize<S: Serializer>(rate: &Rate, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&rate.per_hour())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Rate, D::Error> {
        <Decimal as Deserialize>::deserialize(deserializer).map(Rate::hourly)
    }
}

/// A rate as the price of an hour, where there is one.
mod hourly_or_none {
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::money::Rate;

    pub fn serialize<S: Serializer>(rate: &Option<Rate>, serializer: S) -> Result<S::Ok, S::Error> {
        match rate {
            Some(rate) => super::hourly::serialize(rate, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Rate>, D::Error> {
        Ok(Option::<Decimal>::deserialize(deserializer)?.map(Rate::hourly))
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Instance => "instance",
            Self::InstanceType => "instance_type",
            Self::Cpu => "cpu",
            Self::Mem => "mem",
            Self::SystemDisk => "systemdisk",
            Self::Disk => "disk",
            Self::Snapshot => "snapshot",
            Self::ImageCache => "image_cache",
            Self::DataCache => "data_cache",
            Self::VirtualNode => "virtual_node",
            Self::Earlier => "earlier",
        })
    }
}
