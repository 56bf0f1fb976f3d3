//! The catalog: sizes, regions and prices from `data/{sizes,prices,regions}.csv`, and the smallest size that fits.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use eci_api::size::{Mebibytes, MilliVcpu};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::money::{Currency, PerSecond};
use crate::terms::{Category, PricingTerms, Size};

/// The tables, read once.
pub static CATALOG: LazyLock<Catalog> = LazyLock::new(|| match Catalog::read() {
    Ok(catalog) => catalog,
    // The tables are compiled in and a test reads them whole, so this cannot happen in a program that was tested.
    Err(error) => panic!("the compiled-in catalog cannot be read: {error}"),
});

/// All sizes, types, regions and prices.
#[derive(Debug)]
pub struct Catalog {
    /// vCPU and memory pairs, by vCPU, then memory.
    pairs: Vec<Pair>,
    types: BTreeMap<String, InstanceType>,
    regions: BTreeMap<String, Region>,
    prices: Vec<Price>,
}

/// One vCPU and memory pair of the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The pair.
    pub size: Size,
    fine: bool,
    economy: bool,
    general: bool,
    spot: bool,
}

/// An ECS instance type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceType {
    /// Name, as `ecs.c6.large`.
    pub name: String,
    /// vCPU and memory.
    pub size: Size,
    /// Number of GPUs.
    pub gpus: i32,
    /// `AMD64` or `ARM64`.
    pub architecture: String,
}

/// A region that sells ECI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Region id, as `cn-hangzhou`.
    pub id: String,
    /// Host of its endpoint.
    pub endpoint: String,
    /// Zone ids.
    pub zones: Vec<String>,
    /// Prefix of ids made there, after `eci-`.
    pub id_prefix: String,
    /// Sells the sizes of the fine table.
    pub fine_sizes: bool,
}

#[derive(Debug)]
struct Price {
    item: String,
    category: String,
    region: String,
    currency: Currency,
    rate: PerSecond,
    from: Timestamp,
    to: Option<Timestamp>,
}

/// An item of the price lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'a> {
    /// A vCPU.
    Vcpu(Category),
    /// A GiB of memory.
    Memory(Category),
    /// An instance of an ECS type.
    Type(&'a str),
    /// A GiB of ephemeral storage above the free 30.
    Storage,
    /// A virtual node of a self-managed cluster.
    VirtualNode,
    /// A GiB of an image or data cache's disk.
    CacheDisk,
    /// A GiB of a snapshot.
    Snapshot,
    /// The least that the whole life of a group costs, where the list has one.
    Minimum,
}

/// A size that no product fits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoMatchingSize {
    /// Larger than anything that is sold.
    #[error(
        "{vcpu}, {memory} asked; the largest size sold{of} is {largest}; ask for less or split the group"
    )]
    TooLarge {
        /// vCPU that were asked for.
        vcpu: MilliVcpu,
        /// Memory that was asked for.
        memory: Mebibytes,
        /// Suffix of the message, ` in the category …` or nothing.
        of: &'static str,
        /// Largest size there is.
        largest: Size,
    },
}

/// A query for sizes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SizeQuery {
    /// Least size; zero for none asked.
    pub size: Size,
    /// Pool of machines.
    pub category: Category,
    /// Only sizes of spot instances.
    pub spot: bool,
}

#[derive(Deserialize)]
struct SizeRow {
    name: String,
    kind: String,
    vcpu: Decimal,
    memory_gib: Decimal,
    sold_in: String,
    economy: String,
    general: String,
    spot: String,
    gpu: i32,
    architecture: String,
}

#[derive(Deserialize)]
struct PriceRow {
    item: String,
    category: String,
    region: String,
    currency: String,
    amount: Decimal,
    per_seconds: u32,
    from: Timestamp,
    to: Option<Timestamp>,
}

#[derive(Deserialize)]
struct RegionRow {
    region: String,
    endpoint: String,
    zones: String,
    id_prefix: String,
    fine_sizes: String,
}

/// A table that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A row does not parse.
    #[error("{0}")]
    Row(#[from] csv::Error),
    /// A size is out of range.
    #[error("{0}")]
    Size(#[from] eci_api::size::NotASize),
}

/// The size of a row.
fn size(vcpu: Decimal, memory: Decimal) -> Result<Size, TableError> {
    Ok(Size { vcpu: MilliVcpu::from_vcpu(vcpu.into())?, memory: Mebibytes::from_gib(memory.into())? })
}

impl Catalog {
    fn read() -> Result<Self, TableError> {
        let (mut pairs, mut types) = (Vec::new(), BTreeMap::new());
        for row in rows::<SizeRow>(include_str!("../data/sizes.csv"))? {
            let size = size(row.vcpu, row.memory_gib)?;
            if row.kind == "type" {
                let kind =
                    InstanceType { name: row.name, size, gpus: row.gpu, architecture: row.architecture };
                types.insert(kind.name.clone(), kind);
            } else {
                let yes = |text: &str| text == "yes";
                let (economy, general, spot) = (yes(&row.economy), yes(&row.general), yes(&row.spot));
                pairs.push(Pair { size, fine: row.sold_in == "fine", economy, general, spot });
            }
        }
        pairs.sort_by_key(|pair| pair.size);
        let regions = rows::<RegionRow>(include_str!("../data/regions.csv"))?.into_iter().map(Region::from);
        let prices = rows::<PriceRow>(include_str!("../data/prices.csv"))?.into_iter().map(Price::from);
        let regions = regions.map(|region| (region.id.clone(), region)).collect();
        Ok(Self { pairs, types, regions, prices: prices.collect() })
    }

    /// A region by its id.
    pub fn region(&self, id: &str) -> Option<&Region> {
        self.regions.get(id)
    }

    /// All regions, by id.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        self.regions.values()
    }

    /// An ECS type by its name.
    pub fn instance_type(&self, name: &str) -> Option<&InstanceType> {
        self.types.get(name)
    }

    /// All ECS types, by name.
    pub fn instance_types(&self) -> impl Iterator<Item = &InstanceType> {
        self.types.values()
    }

    /// The pairs that a region sells, by vCPU, then memory.
    pub fn pairs(&self, region: &Region, wanted: SizeQuery) -> impl Iterator<Item = &Pair> {
        let fine = region.fine_sizes;
        self.pairs.iter().filter(move |pair| (fine || !pair.fine) && pair.sold_as(wanted))
    }

    /// The smallest size that fits: the fewest vCPU that come with enough memory, then the least memory.
    ///
    /// # Errors
    /// [`NoMatchingSize`] when everything that is sold is smaller.
    pub fn fit(&self, region: &Region, wanted: SizeQuery) -> Result<Size, NoMatchingSize> {
        let asked = if wanted.size == Size::default() { Size::DEFAULT } else { wanted.size };
        let floor = if wanted.category == Category::General { MilliVcpu(1000) } else { MilliVcpu(0) };
        let vcpu = asked.vcpu.max(floor);
        let fits = |size: &Size| size.vcpu >= vcpu && size.memory >= asked.memory;
        let mut last = None;
        for pair in self.pairs(region, wanted) {
            if fits(&pair.size) {
                return Ok(pair.size);
            }
            last = last.max(Some(pair.size));
        }
        let of = match (wanted.category, wanted.spot) {
            (Category::Economy, _) => " in the category economy",
            (Category::General, _) => " in the category general",
            (Category::Default, true) => " as a spot instance",
            (Category::Default, false) => "",
        };
        Err(NoMatchingSize::TooLarge { vcpu, memory: asked.memory, of, largest: last.unwrap_or_default() })
    }

    /// The ECS type that a spot instance of this size is matched to; one with a price goes before others.
    pub fn type_of(&self, size: Size) -> Option<&InstanceType> {
        let fits = |kind: &&InstanceType| kind.size == size && kind.gpus == 0 && kind.architecture == "AMD64";
        let priced = |kind: &&InstanceType| !self.prices.iter().any(|price| price.item == kind.name);
        self.types.values().filter(fits).min_by_key(priced)
    }

    /// The list price of an hour of an instance: that of its type, else of its vCPU and memory.
    pub fn list_price(
        &self,
        terms: &PricingTerms,
        region: &str,
        currency: Currency,
        at: Timestamp,
    ) -> Decimal {
        let by_type = terms
            .instance_type
            .as_deref()
            .and_then(|name| self.price(Item::Type(name), region, currency, at).map(PerSecond::per_hour));
        let charge = |item: Item<'_>, units: Decimal| {
            self.price(item, region, currency, at).map_or(Decimal::ZERO, |rate| rate.per_hour() * units)
        };
        by_type.unwrap_or_else(|| {
            let vcpu = charge(Item::Vcpu(terms.category), terms.size.vcpu.vcpu().0);
            vcpu + charge(Item::Memory(terms.category), terms.size.memory.gib().0)
        })
    }

    /// The price of an item in a region at an instant; `None` where no list has it.
    pub fn price(
        &self,
        item: Item<'_>,
        region: &str,
        currency: Currency,
        at: Timestamp,
    ) -> Option<PerSecond> {
        let (name, category) = match item {
            Item::Vcpu(category) => ("vcpu", category.name()),
            Item::Memory(category) => ("memory", category.name()),
            Item::Type(name) => (name, ""),
            Item::Storage => ("storage", ""),
            Item::VirtualNode => ("vnode", ""),
            Item::CacheDisk => ("cache_disk", ""),
            Item::Snapshot => ("snapshot", ""),
            Item::Minimum => ("minimum", ""),
        };
        let listed = |row: &&Price| {
            row.item == name
                && row.category == category
                && row.currency == currency
                && (row.region == "*" || row.region == region)
                && row.from <= at
                && row.to.is_none_or(|to| at < to)
        };
        // A row of the region itself goes before the row for all.
        self.prices.iter().filter(listed).max_by_key(|row| row.region != "*").map(|row| row.rate)
    }
}

impl Pair {
    fn sold_as(&self, wanted: SizeQuery) -> bool {
        let pool = match wanted.category {
            Category::Default => true,
            Category::Economy => self.economy,
            Category::General => self.general,
        };
        pool && (!wanted.spot || self.spot)
    }
}

impl From<RegionRow> for Region {
    fn from(row: RegionRow) -> Self {
        Self {
            id: row.region,
            endpoint: row.endpoint,
            zones: row.zones.split('|').map(str::to_owned).collect(),
            id_prefix: row.id_prefix,
            fine_sizes: row.fine_sizes == "yes",
        }
    }
}

impl From<PriceRow> for Price {
    fn from(row: PriceRow) -> Self {
        Self {
            item: row.item,
            category: row.category,
            region: row.region,
            currency: if row.currency == "USD" { Currency::Usd } else { Currency::Cny },
            rate: PerSecond::new(row.amount, row.per_seconds),
            from: row.from,
            to: row.to,
        }
    }
}

fn rows<T: serde::de::DeserializeOwned>(text: &str) -> Result<Vec<T>, TableError> {
    Ok(csv::Reader::from_reader(text.as_bytes()).into_deserialize().collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size(vcpu: &str, memory: &str) -> Size {
        super::size(vcpu.parse().unwrap(), memory.parse().unwrap()).unwrap()
    }

    #[test]
    fn the_tables_read_whole() {
        assert_eq!(CATALOG.pairs.len(), 106);
        assert_eq!(CATALOG.types.len(), 40);
        assert_eq!(CATALOG.regions.len(), 35);
    }

    #[test]
    fn every_category_has_a_price_in_both_currencies() {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        for category in [Category::Default, Category::Economy, Category::General] {
            for item in [Item::Vcpu(category), Item::Memory(category)] {
                for currency in [Currency::Cny, Currency::Usd] {
                    assert!(
                        CATALOG.price(item, "cn-hangzhou", currency, now).is_some(),
                        "{item:?} {currency}"
                    );
                }
            }
        }
    }

    #[test]
    fn no_two_regions_share_the_beginning_of_their_ids() {
        let prefixes: std::collections::BTreeSet<_> = CATALOG.regions().map(|r| &r.id_prefix).collect();
        assert_eq!(prefixes.len(), CATALOG.regions().count());
    }

    #[test]
    fn the_smallest_size_that_fits_is_found() {
        use Category::{Default, Economy, General};
        // Vector R3 prints 8-16Gi for `general`, against the table of the page it stands on; the table is followed.
        for (id, region, category, vcpu, memory, wanted) in [
            ("R1", "cn-hangzhou", Default, "7", "13", Some("8.0-14.0Gi")),
            ("R2", "eu-central-1", Default, "7", "13", Some("8.0-16.0Gi")),
            ("R3", "cn-hangzhou", General, "7", "13", Some("8.0-14.0Gi")),
            ("R4", "cn-hangzhou", Default, "2", "3", Some("2.0-4.0Gi")),
            ("R4", "eu-central-1", Default, "2", "3", Some("2.0-4.0Gi")),
            ("R5", "cn-hangzhou", Default, "4.25", "8.5", Some("6.0-10.0Gi")),
            ("R6", "cn-hangzhou", Default, "4", "8", Some("4.0-8.0Gi")),
            ("R7", "cn-hangzhou", Default, "3", "6", Some("4.0-6.0Gi")),
            ("R8", "cn-hangzhou", Default, "2", "4", Some("2.0-4.0Gi")),
            ("R9", "eu-central-1", Default, "0", "0", Some("2.0-4.0Gi")),
            ("R10", "cn-hangzhou", Economy, "0.5", "1.9", Some("0.5-2.0Gi")),
            ("R11", "cn-hangzhou", General, "0.5", "1.9", Some("1.0-2.0Gi")),
            ("R12", "cn-hangzhou", Economy, "9", "16", None),
            ("R13", "cn-hangzhou", Default, "65", "128", None),
            ("R14", "cn-hangzhou", Default, "64", "513", None),
        ] {
            let region = CATALOG.region(region).unwrap();
            let found = CATALOG.fit(region, SizeQuery { size: size(vcpu, memory), category, spot: false });
            assert_eq!(found.ok().map(|s| s.to_string()), wanted.map(str::to_owned), "{id}");
        }
    }

    #[test]
    fn what_is_too_large_is_told_the_largest() {
        let region = CATALOG.region("cn-hangzhou").unwrap();
        let wanted = SizeQuery { size: size("66", "128"), ..SizeQuery::default() };
        let error = CATALOG.fit(region, wanted).unwrap_err().to_string();
        assert!(error.contains("66 vCPU, 128 GiB") && error.contains("64.0-512.0Gi"), "{error}");
    }

    #[test]
    fn a_spot_instance_starts_at_two_vcpu() {
        let region = CATALOG.region("cn-hangzhou").unwrap();
        let wanted = SizeQuery { size: size("1", "2"), spot: true, ..SizeQuery::default() };
        assert_eq!(CATALOG.fit(region, wanted), Ok(size("2", "2")));
    }

    proptest! {
        #[test]
        fn what_fits_is_never_smaller_and_what_is_sold_fits_itself(vcpu in 1u32..64_000, memory in 1u32..524_288) {
            let region = CATALOG.region("cn-hangzhou").unwrap();
            let asked = Size { vcpu: MilliVcpu(vcpu), memory: Mebibytes(memory) };
            let found = CATALOG.fit(region, SizeQuery { size: asked, ..SizeQuery::default() }).unwrap();
            prop_assert!(found.vcpu >= asked.vcpu && found.memory >= asked.memory);
            prop_assert_eq!(CATALOG.fit(region, SizeQuery { size: found, ..SizeQuery::default() }), Ok(found));
        }
    }
}
