//! From billed seconds to lines and a total: one line for each instance and clock hour.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::Offset;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::meter::Usage;
use crate::catalog::{CATALOG, Item as Priced};
use crate::ledger::BillingRecord;
use crate::money::{Currency, PerSecond, Yuan};
use crate::terms::PricingTerms;
use crate::terms::Size;

/// A bill: the usage up to an instant, priced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bill {
    /// Currency in which the bill is to be paid.
    pub currency: Currency,
    /// Lines by instance, then by hour.
    pub lines: Vec<BillLine>,
    /// Sum of the lines' amounts.
    pub total: Yuan,
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
    /// Basis of the price: vCPU and memory, or an ECS type.
    pub item: Item,
    /// Parts of the price by item, each exact and unrounded.
    #[serde(with = "parts_by_item")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub parts: Vec<Part>,
    /// Amount to be paid: the sum of the parts, small amounts rounded.
    #[schemars(with = "String")]
    pub amount: Yuan,
}

/// Item of a bill, by its name in the cloud's bills.
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
}

/// One part of a line's price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Item that the part is for.
    pub item: Item,
    /// Exact amount in the bill's currency, unrounded.
    pub amount: Yuan,
}

impl Bill {
    /// Prices the usages.
    pub fn of(usages: &[Usage], currency: Currency) -> Self {
        let mut sorted: Vec<&Usage> = usages.iter().collect();
        sorted.sort_by_key(|usage| (usage.group.number, usage.from));
        let mut lines: Vec<_> = sorted
            .into_iter()
            .flat_map(hours)
            .map(|(group, from, to)| line(group, from, to, currency))
            .collect();
        lift_to_minimum(&mut lines, currency);
        let total = lines.iter().map(|line| line.amount).sum();
        Self { currency, lines, total }
    }
}

/// Cuts at each clock hour; UTC+08:00, in which the bill is read, has the same full hours as UTC.
fn hours(usage: &Usage) -> impl Iterator<Item = (&Arc<BillingRecord>, i64, i64)> {
    let mut from = usage.from;
    // A snapshot is on the bill of another product, which knows no hours.
    let whole = usage.group.terms.size == Size::default();
    std::iter::from_fn(move || {
        if from >= usage.to {
            return None;
        }
        let start = from;
        from = if whole { usage.to } else { ((start.div_euclid(3600) + 1) * 3600).min(usage.to) };
        Some((&usage.group, start, from))
    })
}

fn line(group: &Arc<BillingRecord>, from: i64, to: i64, currency: Currency) -> BillLine {
    let seconds = u64::try_from(to - from).unwrap_or(0);
    let at = |second| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
    let parts = price(&group.terms, &group.region, currency, at(from), seconds);
    let by_type = parts.iter().any(|part| part.item == Item::InstanceType);
    let owned = |text: &str| text.to_owned();
    BillLine {
        group_id: owned(&group.id),
        group_name: owned(&group.name),
        tags: group.tags.iter().map(|(key, value)| (owned(key), owned(value))).collect(),
        region: owned(&group.region),
        from: at(from),
        to: at(to),
        seconds,
        vcpu: group.terms.size.vcpu.vcpu().0,
        memory: group.terms.size.memory.gib().0,
        item: if by_type { Item::InstanceType } else { Item::Instance },
        amount: to_pay(&parts, currency, minimum(&group.region, currency, at(from)).is_some()),
        parts,
    }
}

/// The sum of the parts; the rule for small amounts is one of ECI, not of the products that sell disks and snapshots.
fn to_pay(parts: &[Part], currency: Currency, has_minimum: bool) -> Yuan {
    let (others, own): (Vec<&Part>, Vec<&Part>) =
        parts.iter().partition(|part| matches!(part.item, Item::Disk | Item::Snapshot));
    let sum = |parts: Vec<&Part>| parts.iter().map(|part| part.amount).sum::<Yuan>();
    let own = sum(own);
    if has_minimum { own + sum(others) } else { own.to_bill(currency) + sum(others) }
}

/// Lowest price of the whole life of a group, where the list at `at` has such a rule in place of today's for small
/// amounts.
fn minimum(region: &str, currency: Currency, at: Timestamp) -> Option<Yuan> {
    CATALOG.price(Priced::Minimum, region, currency, at).map(|rate| rate.charge(Decimal::ONE, 1))
}

/// Raises the last line of each group whose life is billed, but below the lowest price.
fn lift_to_minimum(lines: &mut [BillLine], currency: Currency) {
    for life in lines.chunk_by_mut(|left, right| left.group_id == right.group_id) {
        let least = life.first().and_then(|first| minimum(&first.region, currency, first.from));
        let paid: Yuan = life.iter().map(|line| line.amount).sum();
        if let (Some(least), Some(last)) = (least, life.last_mut())
            && Yuan::ZERO < paid
            && paid < least
        {
            last.amount = Yuan(last.amount.0 + least.0 - paid.0);
        }
    }
}

/// The parts of the price of so many seconds on these terms; an ECS type that no list has a price for costs as its vCPU
/// and memory do.
pub fn price(
    terms: &PricingTerms,
    region: &str,
    currency: Currency,
    at: Timestamp,
    seconds: u64,
) -> Vec<Part> {
    let charge = |item: Priced<'_>, units: Decimal| {
        CATALOG.price(item, region, currency, at).map(|rate| rate.charge(units, seconds))
    };
    let by_market = terms.spot.map(|hourly| PerSecond::new(hourly, 3600).charge(Decimal::ONE, seconds));
    let by_type = terms.instance_type.as_deref().and_then(|name| charge(Priced::Type(name), Decimal::ONE));
    let mut parts = match by_market.or(by_type) {
        Some(amount) => vec![Part { item: Item::InstanceType, amount }],
        None if terms.size == Size::default() => Vec::new(),
        None => {
            let cpu = charge(Priced::Vcpu(terms.category), terms.size.vcpu.vcpu().0);
            let mem = charge(Priced::Memory(terms.category), terms.size.memory.gib().0);
            vec![
                Part { item: Item::Cpu, amount: cpu.unwrap_or_default() },
                Part { item: Item::Mem, amount: mem.unwrap_or_default() },
            ]
        }
    };
    if terms.extra_storage > 0
        && let Some(amount) = charge(Priced::Storage, Decimal::from(terms.extra_storage))
    {
        parts.push(Part { item: Item::SystemDisk, amount });
    }
    if terms.cache_disk > 0
        && let Some(amount) = charge(Priced::CacheDisk, Decimal::from(terms.cache_disk))
    {
        parts.push(Part { item: Item::Disk, amount });
    }
    if terms.snapshot > 0
        && let Some(amount) = charge(Priced::Snapshot, Decimal::from(terms.snapshot))
    {
        parts.push(Part { item: Item::Snapshot, amount });
    }
    parts
}

/// The parts of a line as a map from items to amounts.
mod parts_by_item {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Item, Part};
    use crate::money::Yuan;

    pub fn serialize<S: Serializer>(parts: &[Part], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(parts.iter().map(|part| (part.item, part.amount)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Part>, D::Error> {
        let amounts = BTreeMap::<Item, Yuan>::deserialize(deserializer)?;
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
        })
    }
}

/// A line as in `2026-01-01 17:00:00 - 18:00:00  web  3600 s of 2 vCPU, 4 GiB  0.441072`, in UTC+08:00.
impl fmt::Display for BillLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = |at: Timestamp| Offset::constant(8).to_datetime(at);
        write!(
            f,
            "{} - {}  {}  {} s of {} vCPU, {} GiB  {}",
            local(self.from).strftime("%F %T"),
            local(self.to).strftime("%T"),
            self.group_name,
            self.seconds,
            self.vcpu.normalize(),
            self.memory.normalize(),
            self.amount
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terms::Category;

    const CNY: Currency = Currency::Cny;
    const USD: Currency = Currency::Usd;

    fn terms(vcpu: &str, memory: &str) -> PricingTerms {
        let number = |text: &str| eci_api::Number(text.parse().unwrap());
        let size = Size {
            vcpu: eci_api::size::MilliVcpu::from_vcpu(number(vcpu)).unwrap(),
            memory: eci_api::size::Mebibytes::from_gib(number(memory)).unwrap(),
        };
        PricingTerms { size, ..PricingTerms::default() }
    }

    fn bill(terms: PricingTerms, from: &str, seconds: i64, currency: Currency) -> Bill {
        let from = from.parse::<Timestamp>().unwrap().as_second();
        let group = Arc::new(BillingRecord {
            number: 1,
            id: "eci-1".into(),
            name: "web".into(),
            account: "local".into(),
            region: "cn-hangzhou".into(),
            tags: Vec::new(),
            terms,
        });
        Bill::of(&[Usage { group, from, to: from + seconds }], currency)
    }

    const NINE: &str = "2026-01-01T09:00:00Z";

    #[test]
    fn an_hour_costs_what_the_vectors_say() {
        let economy = |terms| PricingTerms { category: Category::Economy, ..terms };
        let storage = |terms| PricingTerms { extra_storage: 20, ..terms };
        let c5 = PricingTerms { instance_type: Some("ecs.c5.large".into()), ..terms("2", "4") };
        for (id, terms, currency, total) in [
            ("B1", terms("2", "4"), CNY, "0.441072"),
            ("B2", terms("2", "4"), USD, "0.069264"),
            ("B6", c5, CNY, "0.62"),
            ("B9", storage(terms("2", "4")), CNY, "0.483552"),
            ("B24", terms("0.25", "0.5"), CNY, "0.055134"),
            ("B25", terms("64", "512"), CNY, "22.588416"),
            ("B26", economy(terms("2", "4")), CNY, "0.282672"),
            ("B27", economy(terms("2", "4")), USD, "0.044352"),
            ("B28", terms("8", "14"), CNY, "1.720152"),
            ("B29", terms("8", "16"), CNY, "1.764288"),
            ("B30", terms("6", "10"), CNY, "1.27908"),
            ("B30", terms("4", "8"), CNY, "0.882144"),
        ] {
            let found = bill(terms, NINE, 3600, currency).total.decimal();
            assert_eq!(found, total.parse::<Decimal>().unwrap(), "{id}");
        }
    }

    #[test]
    fn the_parts_of_an_hour_are_those_of_b1_b2_and_b8() {
        for (id, currency, wanted) in [
            ("B1", CNY, ["cpu 0.3528", "mem 0.088272", "systemdisk 0.04248"]),
            ("B2", USD, ["cpu 0.05544", "mem 0.013824", "systemdisk 0.006376"]),
        ] {
            let with_storage = PricingTerms { extra_storage: 20, ..terms("2", "4") };
            let bill = bill(with_storage, NINE, 3600, currency);
            let parts: Vec<_> =
                bill.lines[0].parts.iter().map(|p| format!("{} {}", p.item, p.amount)).collect();
            assert_eq!(parts, wanted, "{id}");
        }
    }

    #[test]
    fn caches_and_virtual_nodes_cost_what_the_vectors_say() {
        let day = 86_400;
        let instance = |terms: PricingTerms| PricingTerms { cache_disk: 40, ..terms };
        let data = |terms: PricingTerms| PricingTerms { cache_disk: 20, ..terms };
        let snapshot = |gib| PricingTerms { snapshot: gib, ..PricingTerms::default() };
        let disk = |gib| PricingTerms { cache_disk: gib, ..PricingTerms::default() };
        for (id, terms, seconds, currency, total) in [
            ("B10", instance(terms("2", "4")), 300, CNY, "0.043756"),
            ("B11", snapshot(2), 3 * day, CNY, "0.024"),
            ("B12", disk(40), 3 * 3600, CNY, "0.252"),
            ("B13", instance(terms("2", "4")), 300, USD, "0.0074386666666666666666666667"),
            ("B14", snapshot(2), 3 * day, USD, "0.004"),
            ("B14", disk(40), 3 * 3600, USD, "0.06"),
            ("B15", data(terms("2", "4")), 300, CNY, "0.040256"),
            ("B16", snapshot(15), 3 * day, CNY, "0.18"),
            ("B17", disk(20), 3 * 3600, CNY, "0.126"),
            ("B18", terms("2", "8"), 3600, CNY, "0.529344"),
        ] {
            let found = bill(terms, NINE, seconds, currency).total.decimal();
            assert_eq!(found.normalize(), total.parse::<Decimal>().unwrap(), "{id}");
        }
    }

    #[test]
    fn bills_are_cut_at_the_clock_hour() {
        let bill = bill(terms("2", "4"), "2026-01-01T02:49:30Z", 1835, CNY);
        let lines: Vec<_> = bill.lines.iter().map(|l| (l.seconds, l.amount.to_string())).collect();
        assert_eq!(lines, [(630, "0.077188".to_owned()), (1205, "0.147637".to_owned())]);
        assert_eq!(bill.total.decimal().to_string(), "0.22482420", "B5");
        assert!(
            bill.lines[0].to_string().starts_with("2026-01-01 10:49:30 - 11:00:00  web  630 s"),
            "UTC+08:00"
        );
    }

    #[test]
    fn a_type_is_billed_by_its_hourly_price() {
        let c5 = PricingTerms { instance_type: Some("ecs.c5.large".into()), ..terms("2", "4") };
        let bill = bill(c5, "2026-01-01T02:49:30Z", 1835, CNY);
        let amounts: Vec<_> = bill.lines.iter().map(|line| line.amount.to_string()).collect();
        assert_eq!(amounts, ["0.1085", "0.207528"], "B7");
        assert_eq!(bill.lines[0].item, Item::InstanceType);
    }

    #[test]
    fn small_amounts_are_rounded_for_each_instance_and_hour() {
        for (id, terms, seconds, total) in [
            ("B19", terms("2", "4"), 40, "0"),
            ("B20", terms("2", "4"), 41, "0.01"),
            ("B21", terms("2", "4"), 81, "0.01"),
            ("B22", terms("2", "4"), 82, "0.01004664"),
            ("B23", terms("0.25", "0.5"), 326, "0"),
            ("B23", terms("0.25", "0.5"), 327, "0.01"),
            ("B31", terms("2", "4"), 4 * 3600, "1.764288"),
            ("B32", terms("2", "4"), 600, "0.073512"),
        ] {
            assert_eq!(
                bill(terms, NINE, seconds, CNY).total.decimal(),
                total.parse::<Decimal>().unwrap(),
                "{id}"
            );
        }
    }

    #[test]
    fn in_2019_a_life_cost_a_fen_at_least() {
        for (seconds, day, total) in [
            (10, "2019-05-28T00:00:00Z", "0.01"),
            (60, "2019-05-28T00:00:00Z", "0.0126"),
            (10, "2019-08-13T00:59:55Z", "0.01"),
            (10, "2018-12-01T00:00:00Z", "0"),
            (10, "2026-01-01T00:00:00Z", "0"),
        ] {
            let found = bill(terms("2", "4"), day, seconds, CNY).total.decimal();
            assert_eq!(found, total.parse::<Decimal>().unwrap(), "{seconds} s from {day}");
        }
    }

    #[test]
    fn the_list_of_the_day_counts() {
        for (id, day, total) in [
            ("beta", "2018-12-01T00:00:00Z", "0"),
            ("B35", "2019-05-28T00:00:00Z", "0.756"),
            ("B1", "2019-08-01T00:00:00Z", "0.441072"),
        ] {
            assert_eq!(bill(terms("2", "4"), day, 3600, CNY).total.to_string(), total, "{id}");
        }
    }
}
