//! A price list: read from CSV with every row checked, and asked for one price.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, Range};

use jiff::Timestamp;

use super::{Item, Location, PriceFile};
use crate::catalog::CATALOG;
use crate::catalog::table::{Row, RowError, TableError, rows};
use crate::money::{Currency, Rate};
use crate::terms::Category;

/// Columns that a list has to have; `category`, `region`, `zone`, `to`, `unit` and `source` may be left out.
const COLUMNS: [&str; 5] = ["item", "currency", "amount", "per_seconds", "from"];
/// Items besides ECS types, as the table names them.
const ITEMS: &str =
    "vcpu, memory, storage, cache_disk, snapshot, minimum or an ECS type such as ecs.c6.large";

/// Prices by item.
#[derive(Debug, Default)]
pub(super) struct PriceList {
    by_item: BTreeMap<Item<'static>, Vec<Price>>,
    /// Instants at which any price changes.
    changes: BTreeSet<Timestamp>,
    /// Seconds within a clock hour at which a price changes.
    within_hours: BTreeSet<i64>,
    /// Seconds at which the price of snapshots changes, which are not billed by the hour.
    of_snapshots: BTreeSet<i64>,
}

#[derive(Debug)]
struct Price {
    currency: Currency,
    scope: Scope,
    from: Timestamp,
    to: Option<Timestamp>,
    rate: Rate,
}

/// Where a price holds; a narrower scope goes before a wider one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    Everywhere,
    Region(&'static str),
    Zone(&'static str),
}

impl PriceList {
    /// Reads files as one list.
    pub fn read(files: &[PriceFile<'_>]) -> Result<Self, TableError> {
        let mut all: Vec<(Item<'static>, Price, Row)> = Vec::new();
        for file in files {
            for row in rows(file.name, file.text, &COLUMNS)? {
                all.push((item(&row)?, price(&row)?, row));
            }
        }
        all.sort_by_key(|(item, price, _)| (*item, price.currency, price.scope, price.from));
        for pair in all.windows(2) {
            if let [before, after] = pair {
                follows(before, after)?;
            }
        }
        let mut list = Self::default();
        for (item, price, _) in all {
            for at in [Some(price.from), price.to].into_iter().flatten() {
                list.changes.insert(at);
                let at = at.as_second();
                if item == Item::Snapshot {
                    list.of_snapshots.insert(at);
                }
                if at.rem_euclid(3600) != 0 {
                    list.within_hours.insert(at);
                }
            }
            list.by_item.entry(item).or_default().push(price);
        }
        Ok(list)
    }

    /// The price of an item, the narrowest scope first.
    pub fn price(
        &self,
        item: Item<'_>,
        location: Location<'_>,
        currency: Currency,
        at: Timestamp,
    ) -> Option<Rate> {
        let holds = |price: &&Price| {
            price.currency == currency
                && price.scope.covers(location)
                && price.from <= at
                && price.to.is_none_or(|to| at < to)
        };
        let prices: &BTreeMap<Item<'_>, Vec<Price>> = &self.by_item;
        prices.get(&item)?.iter().filter(holds).max_by_key(|price| price.scope).map(|price| price.rate)
    }

    /// The time around an instant in which no price changes.
    pub fn unchanged(&self, at: Timestamp) -> Range<Timestamp> {
        let since = self.changes.range(..=at).next_back().copied();
        let until = self.changes.range((Bound::Excluded(at), Bound::Unbounded)).next().copied();
        since.unwrap_or(Timestamp::MIN)..until.unwrap_or(Timestamp::MAX)
    }

    /// The next second after this one at which a price changes within a clock hour; at which that of snapshots does.
    pub fn next_change(&self, snapshot: bool, second: i64) -> Option<i64> {
        let changes = if snapshot { &self.of_snapshots } else { &self.within_hours };
        changes.range(second + 1..).next().copied()
    }
}

impl Scope {
    fn covers(self, location: Location<'_>) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Region(region) => region == location.region,
            Self::Zone(zone) => zone == location.zone,
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Everywhere => f.write_str("in all regions"),
            Self::Region(location) | Self::Zone(location) => write!(f, "in {location}"),
        }
    }
}

fn item(row: &Row) -> Result<Item<'static>, TableError> {
    let (name, category) = (row.needed("item")?, row.text("category"));
    let categorised = match name {
        "vcpu" => Some(Item::Vcpu as fn(Category) -> Item<'static>),
        "memory" => Some(Item::Memory as fn(Category) -> Item<'static>),
        _ => None,
    };
    if let Some(item) = categorised {
        let categories = [Category::Default, Category::Economy, Category::General];
        let names = categories.map(Category::name);
        return Ok(item(categories[row.one_of("category", &names)?]));
    }
    let item = match name {
        "storage" => Item::Storage,
        "cache_disk" => Item::CacheDisk,
        "snapshot" => Item::Snapshot,
        "minimum" => Item::Minimum,
        other => Item::Type(
            CATALOG
                .instance_type(other)
                .map(|kind| kind.name.as_str())
                .ok_or_else(|| row.unknown("item", ITEMS))?,
        ),
    };
    match category {
        "" => Ok(item),
        category => {
            let (item, category) = (name.to_owned(), category.to_owned());
            Err(row.error(RowError::NoCategory { item, category }))
        }
    }
}

fn price(row: &Row) -> Result<Price, TableError> {
    const TIME: &str = "a time with its offset, as 2026-01-01T00:00:00+08:00";
    let rate = Rate::new(row.number("amount")?, row.parsed("per_seconds", "a number of seconds")?);
    let from = row.parsed("from", TIME)?;
    let to = if row.text("to").is_empty() { None } else { Some(row.parsed("to", TIME)?) };
    if let Some(to) = to.filter(|to| *to <= from) {
        return Err(row.error(RowError::EndsBefore { from, to }));
    }
    Ok(Price {
        currency: row
            .needed("currency")?
            .parse()
            .map_err(|why: crate::money::UnknownCurrency| row.error(why))?,
        scope: scope(row)?,
        from,
        to,
        rate: rate.map_err(|why| row.error(why))?,
    })
}

/// The zone of a row, else its region; `*` or nothing stands for all regions.
fn scope(row: &Row) -> Result<Scope, TableError> {
    let region = match row.text("region") {
        "" | "*" => None,
        id => {
            let known = "the id of a region that sells ECI, as cn-hangzhou, or * for all";
            Some(CATALOG.region(id).ok_or_else(|| row.unknown("region", known))?)
        }
    };
    match (row.text("zone"), region) {
        ("" | "*", None) => Ok(Scope::Everywhere),
        ("" | "*", Some(region)) => Ok(Scope::Region(&region.id)),
        (id, region) => {
            let zones = CATALOG.regions().filter(|own| region.is_none_or(|region| region.id == own.id));
            let zone = zones.flat_map(|region| &region.zones).find(|zone| *zone == id);
            zone.map(|zone| Scope::Zone(zone)).ok_or_else(|| row.unknown("zone", "a zone of the region"))
        }
    }
}

/// Fails where the prices of one thing overlap, or leave a gap.
fn follows(
    (item, before, first): &(Item<'static>, Price, Row),
    (other, after, second): &(Item<'static>, Price, Row),
) -> Result<(), TableError> {
    if (item, before.currency, before.scope) != (other, after.currency, after.scope) {
        return Ok(());
    }
    let (location, item, currency) = (after.scope.to_string(), item.to_string(), after.currency);
    let (from, row) = (after.from, first.beside(second));
    match before.to {
        Some(to) if to == from => Ok(()),
        Some(until) if until < from => {
            Err(second.error(RowError::Gap { other: row, item, location, currency, until, from }))
        }
        _ => Err(second.error(RowError::Overlap { other: row, item, location, currency, from })),
    }
}
