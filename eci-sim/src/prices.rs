//! Price lists: what an item costs in a region or zone, in a currency, from when to when; a price that no list has is an
//! error, never nothing and never another's.

mod list;

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::CATALOG;
use crate::catalog::table::TableError;
use crate::money::{Currency, Rate};
use crate::terms::{Category, Size};
use list::PriceList;

/// The list that is compiled in, read once.
static COMPILED_IN: LazyLock<Arc<PriceList>> = LazyLock::new(|| match compiled_in() {
    Ok(list) => Arc::new(list),
    // The programs read the tables when they start, and a test reads them whole.
    Err(error) => panic!("the compiled-in prices cannot be read: {error}"),
});

/// The prices by which a world is billed, and their currency; cheap to clone.
#[derive(Debug, Clone)]
pub struct Tariff {
    /// Currency of the bill.
    pub currency: Currency,
    /// Currency of the simulator, in which prices are that name none.
    default_currency: Currency,
    given: Arc<PriceList>,
    compiled_in: Arc<PriceList>,
    /// Digest of the lists that were given; empty for none.
    digest: Arc<str>,
}

/// An item of the price lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item<'a> {
    /// A vCPU.
    Vcpu(Category),
    /// A GiB of memory.
    Memory(Category),
    /// An instance of an ECS type.
    Type(&'a str),
    /// A GiB of ephemeral storage above the free 30.
    Storage,
    /// A GiB of an image or data cache's disk.
    CacheDisk,
    /// A GiB of a snapshot.
    Snapshot,
    /// The least that the whole life of a group costs, where the list has one.
    Minimum,
}

/// A region and a zone in it; the zone is empty where none is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Location<'a> {
    /// Region id, as `cn-hangzhou`.
    pub region: &'a str,
    /// Zone id, as `cn-hangzhou-b`.
    pub zone: &'a str,
}

/// A price that no list has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
#[error("no price is known for {item} in {location} in {currency} at {at}; give one with --price-file")]
pub struct NoPrice {
    /// Item without a price.
    pub item: String,
    /// Region, and zone where it matters.
    pub location: String,
    /// Currency of the bill.
    pub currency: Currency,
    /// Time for which it was looked for.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// A price file, by the name that errors give it.
#[derive(Debug, Clone, Copy)]
pub struct PriceFile<'a> {
    /// Name of the file.
    pub name: &'a str,
    /// Its rows as CSV, in the columns of `data/prices.csv`.
    pub text: &'a str,
}

/// The compiled-in list.
///
/// # Errors
/// [`TableError`] with the first row that is broken.
fn compiled_in() -> Result<PriceList, TableError> {
    PriceList::read(&[PriceFile { name: "prices.csv", text: include_str!("../data/prices.csv") }])
}

/// Reads the compiled-in tables, so that a program does not start with a broken one.
///
/// # Errors
/// [`TableError`] with the row and the reason.
pub fn check_tables() -> Result<(), TableError> {
    crate::catalog::Catalog::compiled_in()?;
    compiled_in().map(|_| ())
}

impl Default for Tariff {
    fn default() -> Self {
        Self::of(Currency::default())
    }
}

impl Tariff {
    /// The compiled-in prices of a currency.
    pub fn of(currency: Currency) -> Self {
        let compiled_in = Arc::clone(&COMPILED_IN);
        Self { currency, default_currency: currency, given: Arc::default(), compiled_in, digest: "".into() }
    }

    /// The same lists in another currency, as an account may have it.
    #[must_use]
    pub fn in_currency(&self, currency: Currency) -> Self {
        Self { currency, ..self.clone() }
    }

    /// The currency of the simulator, in which prices are that name none.
    pub fn default_currency(&self) -> Currency {
        self.default_currency
    }

    /// The prices of a currency with those of files before them.
    ///
    /// # Errors
    /// [`TableError`] with file, row and reason for a row that cannot be, a gap and an overlap.
    pub fn with_files(currency: Currency, files: &[PriceFile<'_>]) -> Result<Self, TableError> {
        let text: String = files.iter().map(|file| file.text).collect();
        let digest = if files.is_empty() { String::new() } else { digest(&text) };
        Ok(Self { given: Arc::new(PriceList::read(files)?), digest: digest.into(), ..Self::of(currency) })
    }

    /// A digest of the lists that were given; empty for none.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The price of an item in a location at an instant: that of the zone before that of the region, and that before the one
    /// for all; a list that was given goes before the compiled-in one.
    ///
    /// # Errors
    /// [`NoPrice`] where no list has it.
    pub fn price(&self, item: Item<'_>, location: Location<'_>, at: Timestamp) -> Result<Rate, NoPrice> {
        self.find(item, location, at).ok_or_else(|| self.no_price(&item.to_string(), location, at))
    }

    /// The price of an item, where there is one.
    pub fn find(&self, item: Item<'_>, location: Location<'_>, at: Timestamp) -> Option<Rate> {
        let listed = |list: &PriceList| list.price(item, location, self.currency, at);
        listed(&self.given).or_else(|| listed(&self.compiled_in))
    }

    /// The error of a price that is not known.
    pub fn no_price(&self, item: &str, location: Location<'_>, at: Timestamp) -> NoPrice {
        NoPrice { item: item.to_owned(), location: location.to_string(), currency: self.currency, at }
    }

    /// The next instant after `second` at which a price of the item changes within a clock hour, or at all for an item that
    /// is not billed by the hour.
    pub fn next_change(&self, snapshot: bool, second: i64) -> Option<i64> {
        let lists = [&self.given, &self.compiled_in];
        lists.into_iter().filter_map(|list| list.next_change(snapshot, second)).min()
    }

    /// The time around an instant in which no price changes, whatever its item, place and currency.
    pub fn unchanged(&self, at: Timestamp) -> Range<Timestamp> {
        let (given, compiled_in) = (self.given.unchanged(at), self.compiled_in.unchanged(at));
        given.start.max(compiled_in.start)..given.end.min(compiled_in.end)
    }

    /// The list price of an hour of an ECS type.
    ///
    /// # Errors
    /// [`NoPrice`] where no list has it.
    pub fn type_price(&self, name: &str, location: Location<'_>, at: Timestamp) -> Result<Decimal, NoPrice> {
        self.price(Item::Type(name), location, at).map(Rate::per_hour)
    }

    /// The ECS type that a spot instance of this size is matched to: one with a price goes before others.
    pub fn spot_type(&self, size: Size, location: Location<'_>, at: Timestamp) -> Option<&'static str> {
        let unpriced = |name: &&str| self.find(Item::Type(name), location, at).is_none();
        CATALOG.types_of(size).map(|kind| kind.name.as_str()).min_by_key(unpriced)
    }
}

fn digest(text: &str) -> String {
    eci_api::signature::acs3::sha256_hex(text.as_bytes())
}

impl fmt::Display for Location<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.zone.is_empty() { self.region } else { self.zone })
    }
}

impl fmt::Display for Item<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vcpu(Category::Default) => f.write_str("vcpu"),
            Self::Memory(Category::Default) => f.write_str("memory"),
            Self::Vcpu(category) => write!(f, "vcpu of the category {}", category.name()),
            Self::Memory(category) => write!(f, "memory of the category {}", category.name()),
            Self::Type(name) => f.write_str(name),
            Self::Storage => f.write_str("storage"),
            Self::CacheDisk => f.write_str("cache_disk"),
            Self::Snapshot => f.write_str("snapshot"),
            Self::Minimum => f.write_str("minimum"),
        }
    }
}

#[cfg(test)]
mod tests;
