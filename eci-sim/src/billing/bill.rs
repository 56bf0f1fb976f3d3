//! From billed seconds to lines and a total: lines are cut at each clock hour, at new terms and at new tags.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use jiff::tz::Offset;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cost::Cost;
use super::meter::Usage;
use super::settlement::Settlement;
use crate::ledger::BillingRecord;
use crate::money::{Amount, Charge, Currency, Rate};
use crate::prices::{self, Location, NoPrice, Tariff};
use crate::terms::{Basis, CacheKind, Category, InstanceTerms, PricingTerms, Size};

/// A bill: the usage up to an instant, priced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bill {
    /// Currency in which the bill is to be paid.
    pub currency: Currency,
    /// Lines by instance, then by time.
    pub lines: Vec<BillLine>,
    /// Sum of the lines' amounts.
    pub total: Cost,
}

/// Price of one instance for its part of one clock hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct BillLine {
    /// Id of the group.
    pub group_id: String,
    /// Name of the group.
    pub group_name: String,
    /// Tags of the group, values by key.
    pub tags: BTreeMap<String, String>,
    /// Region of the group.
    pub region: String,
    /// First second of the line.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// End of the line, not included.
    #[schemars(with = "String")]
    pub to: Timestamp,
    /// Number of seconds from `from` to `to`.
    pub seconds: u64,
    /// Number of vCPU, exact to a thousandth.
    #[schemars(with = "String")]
    pub vcpu: Decimal,
    /// Memory in GiB.
    #[schemars(with = "String")]
    pub memory: Decimal,
    /// What is billed.
    pub item: Item,
    /// Parts of the price by item, each unrounded but for the tenth decimal; none where a price is missing.
    #[serde(with = "parts_by_item")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub parts: Vec<Part>,
    /// Amount to be paid: the sum of the parts, settled with the other lines of the instance's hour.
    pub amount: Cost,
}

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Item that the part is for.
    pub item: Item,
    /// Amount in the bill's currency, before small amounts are settled.
    pub amount: Amount,
}

/// One part of a price, exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PricedPart {
    /// Item that the part is for.
    pub item: Item,
    /// Exact charge.
    pub charge: Charge,
}

impl Bill {
    /// Prices the usages.
    pub fn of(usages: &[Usage], tariff: &Tariff) -> Self {
        let mut sorted: Vec<&Usage> = usages.iter().collect();
        sorted.sort_by_key(|usage| (usage.group.number, usage.from));
        let mut lines = Vec::with_capacity(sorted.len());
        for instance in sorted.chunk_by(|one, next| one.group.number == next.group.number) {
            let mut settlement = Settlement::default();
            for usage in instance {
                let pieces = pieces(usage, tariff);
                lines
                    .extend(pieces.map(|(from, to)| line(&usage.group, (from, to), tariff, &mut settlement)));
            }
        }
        let total = lines.iter().map(|line| line.amount.clone()).sum();
        Self { currency: tariff.currency, lines, total }
    }
}

/// Cuts at each clock hour, and where a price changes within one; UTC+08:00, in which the bill is read, has the same full
/// hours as UTC.
fn pieces(usage: &Usage, tariff: &Tariff) -> impl Iterator<Item = (i64, i64)> {
    let mut from = usage.from;
    // A snapshot is on the bill of another product, which knows no hours.
    let snapshot = matches!(usage.group.terms, PricingTerms::Snapshot { .. });
    std::iter::from_fn(move || {
        if from >= usage.to {
            return None;
        }
        let start = from;
        let hour = if snapshot { i64::MAX } else { (start.div_euclid(3600) + 1) * 3600 };
        let change = tariff.next_change(snapshot, start).unwrap_or(i64::MAX);
        from = hour.min(change).min(usage.to);
        Some((start, from))
    })
}

fn line(
    group: &BillingRecord,
    (from, to): (i64, i64),
    tariff: &Tariff,
    settlement: &mut Settlement,
) -> BillLine {
    let seconds = u64::try_from(to - from).unwrap_or(0);
    let at = |second| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
    let priced = price(&group.terms, group.location(), tariff, at(from), seconds);
    let size = group.terms.size();
    let owned = |text: &str| text.to_owned();
    let part = |part: &PricedPart| Part { item: part.item, amount: part.charge.rounded() };
    BillLine {
        group_id: owned(&group.id),
        group_name: owned(&group.name),
        tags: group.tags.iter().map(|(key, value)| (owned(key), owned(value))).collect(),
        region: owned(&group.region),
        from: at(from),
        to: at(to),
        seconds,
        vcpu: size.vcpu.vcpu().0,
        memory: size.memory.gib().0,
        item: Item::of(&group.terms),
        parts: priced.iter().flatten().map(part).collect(),
        amount: priced.map(|parts| settlement.add(&parts, group.location(), tariff, at(from))).into(),
    }
}

/// The parts of the price of so many seconds on these terms.
///
/// # Errors
/// [`NoPrice`] for the first part whose price no list has.
pub fn price(
    terms: &PricingTerms,
    location: Location<'_>,
    tariff: &Tariff,
    at: Timestamp,
    seconds: u64,
) -> Result<Vec<PricedPart>, NoPrice> {
    let charge = |item: Item, listed: prices::Item<'_>, units: Decimal| {
        let rate = tariff.price(listed, location, at)?;
        Ok::<_, NoPrice>(PricedPart { item, charge: rate.charge(units, seconds) })
    };
    let sized = |size: Size, category: Category| {
        let cpu = charge(Item::Cpu, prices::Item::Vcpu(category), size.vcpu.vcpu().0)?;
        let mem = charge(Item::Mem, prices::Item::Memory(category), size.memory.gib().0)?;
        Ok::<_, NoPrice>(vec![cpu, mem])
    };
    let gib = |item, listed, gib: u32| match gib {
        0 => Ok(None),
        gib => charge(item, listed, Decimal::from(gib)).map(Some),
    };
    let disk = |size| gib(Item::Disk, prices::Item::CacheDisk, size);
    let snapshot = |size| gib(Item::Snapshot, prices::Item::Snapshot, size);
    Ok(match terms {
        PricingTerms::Instance(terms) => {
            let mut parts = match &terms.basis {
                Basis::Size(category) => sized(terms.size, *category)?,
                Basis::Type(name) => {
                    vec![charge(Item::InstanceType, prices::Item::Type(name), Decimal::ONE)?]
                }
                Basis::Spot(_) => vec![spot(terms, location, tariff, at, seconds)?],
            };
            parts.extend(gib(Item::SystemDisk, prices::Item::Storage, terms.extra_storage)?);
            parts.extend(disk(terms.cache_disk)?);
            parts
        }
        PricingTerms::CacheBuild { disk: size, snapshot: earlier, .. } => {
            let mut parts = sized(Size::DEFAULT, Category::Default)?;
            parts.extend(disk(*size)?);
            parts.extend(snapshot(*earlier)?);
            parts
        }
        PricingTerms::Snapshot { gib } => snapshot(*gib)?.into_iter().collect(),
        PricingTerms::VirtualNode => sized(Size::VIRTUAL_NODE, Category::Default)?,
    })
}

/// The market price of a spot instance; one in another currency than the bill's is not known there.
fn spot(
    terms: &InstanceTerms,
    location: Location<'_>,
    tariff: &Tariff,
    at: Timestamp,
    seconds: u64,
) -> Result<PricedPart, NoPrice> {
    let hourly = terms.spot().and_then(|spot| spot.hourly);
    match hourly.filter(|hourly| hourly.currency == tariff.currency) {
        Some(hourly) => {
            let charge = Rate::hourly(hourly.amount).charge(Decimal::ONE, seconds);
            Ok(PricedPart { item: Item::InstanceType, charge })
        }
        None => Err(tariff.no_price(&terms.spot_item(), location, at)),
    }
}

impl Item {
    /// The item of a line on these terms.
    fn of(terms: &PricingTerms) -> Self {
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

/// The parts of a line as a map from items to amounts.
mod parts_by_item {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Item, Part};
    use crate::money::Amount;

    pub fn serialize<S: Serializer>(parts: &[Part], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(parts.iter().map(|part| (part.item, part.amount)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Part>, D::Error> {
        let amounts = BTreeMap::<Item, Amount>::deserialize(deserializer)?;
        Ok(amounts.into_iter().map(|(item, amount)| Part { item, amount }).collect())
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

/// A line as in `2026-01-01 17:00:00 - 18:00:00  web  3600 s of 2 vCPU, 4 GiB  0.441072`, in UTC+08:00.
impl fmt::Display for BillLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = |at: Timestamp| Offset::constant(8).to_datetime(at);
        let (from, to) = (local(self.from), local(self.to));
        let same_day = from.date() == to.date() || self.to.duration_since(self.from).as_secs() <= 3600;
        let end = if same_day { "%T" } else { "%F %T" };
        write!(f, "{} - {}  {}  ", from.strftime("%F %T"), to.strftime(end), self.group_name)?;
        let size = format!("{} vCPU, {} GiB", self.vcpu.normalize(), self.memory.normalize());
        match self.item {
            Item::Snapshot => write!(f, "{} s of a snapshot", self.seconds)?,
            Item::VirtualNode => write!(f, "{} s of a virtual node", self.seconds)?,
            Item::ImageCache => write!(f, "{} s of making an image cache", self.seconds)?,
            Item::DataCache => write!(f, "{} s of making a data cache", self.seconds)?,
            Item::Earlier => write!(f, "{} s", self.seconds)?,
            _ => write!(f, "{} s of {size}", self.seconds)?,
        }
        write!(f, "  {}", self.amount)
    }
}

#[cfg(test)]
mod tests;
