//! The items of a bill, and the parts of a price by item: how many units at which price.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::money::{Amount, Charge, Rate};
use crate::terms::{Basis, CacheKind, PricingTerms};

/// Item of a bill, by its name in the cloud's bills where that has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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
    /// Fee of a reserved instance.
    ReservedInstance,
    /// Fee of a savings plan.
    SavingsPlan,
    /// Groups that are no longer known each for itself.
    Earlier,
}

/// One part of a line's price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Item that the part is for.
    pub item: Item,
    /// Number of units: vCPU, GiB or instances.
    pub units: Decimal,
    /// Price of one unit, of the market for a spot instance.
    pub rate: Rate,
    /// Price of one unit on demand; `None` where no list has one.
    pub list: Option<Rate>,
    /// Amount in the bill's currency, less what commitments pay, before small amounts are settled.
    pub amount: Amount,
}

/// The parts of a line as JSON has them.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct PartsByItem {
    /// Parts of the price by item, less what commitments pay, each unrounded but for the tenth decimal; none where a price
    /// is missing.
    #[serde(default)]
    parts: BTreeMap<Item, Amount>,
    /// Units and prices of the parts by item.
    #[serde(default)]
    prices: BTreeMap<Item, UnitPrice>,
}

/// The price of one unit for one hour, and how many units there are.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
struct UnitPrice {
    /// Number of units: vCPU, GiB or instances.
    #[schemars(with = "String")]
    units: Decimal,
    /// Price of one unit for one hour, of the market for a spot instance.
    #[schemars(with = "String")]
    unit_price: Decimal,
    /// Price of one unit for one hour on demand; missing where no list has one.
    #[schemars(with = "Option<String>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    list_price: Option<Decimal>,
}

impl PartsByItem {
    /// Writes the parts of a line beside its other fields.
    pub fn serialize<S: Serializer>(parts: &[Part], serializer: S) -> Result<S::Ok, S::Error> {
        let price = |part: &Part| UnitPrice {
            units: part.units,
            unit_price: part.rate.per_hour(),
            list_price: part.list.map(Rate::per_hour),
        };
        let by_item = Self {
            parts: parts.iter().map(|part| (part.item, part.amount)).collect(),
            prices: parts.iter().map(|part| (part.item, price(part))).collect(),
        };
        Serialize::serialize(&by_item, serializer)
    }

    /// Reads the parts of a line; a part without a price is one of an hour's amount.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<[Part]>, D::Error> {
        let Self { parts, prices } = Deserialize::deserialize(deserializer)?;
        let part = |(item, amount): (Item, Amount)| match prices.get(&item) {
            Some(UnitPrice { units, unit_price, list_price }) => {
                let (rate, list) = (Rate::hourly(*unit_price), list_price.map(Rate::hourly));
                Part { item, units: *units, rate, list, amount }
            }
            None => {
                Part { item, units: Decimal::ONE, rate: Rate::hourly(amount.decimal()), list: None, amount }
            }
        };
        Ok(parts.into_iter().map(part).collect())
    }
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
            Self::ReservedInstance => "reserved_instance",
            Self::SavingsPlan => "savings_plan",
            Self::Earlier => "earlier",
        })
    }
}
