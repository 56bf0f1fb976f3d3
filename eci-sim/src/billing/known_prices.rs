//! What was priced once for a bill: instances on the same terms, and all full hours of one, cost the same to the last digit.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;

use super::item::{Part, PricedPart};
use super::line::Sold;
use super::meter::Stretch;
use super::price::price;
use super::settlement::Settlement;
use crate::money::{Amount, Currency};
use crate::prices::{Item, Location, NoPrice, Tariff};
use crate::terms::PricingTerms;

/// Prices that a bill has needed so far; all its tariffs have the same lists.
#[derive(Debug, Default)]
pub(super) struct KnownPrices<'a> {
    /// Time around the last line in which no list has a price that changes.
    unchanged: Option<Range<Timestamp>>,
    kinds: HashMap<Kind<'a>, usize>,
    /// The kind of the last line, which is most often that of the next one.
    last: Option<(Kind<'a>, usize)>,
    /// What so many seconds cost, by kind.
    by_seconds: Vec<HashMap<u64, Rc<Priced>>>,
}

/// All on which the price of a second depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Kind<'a> {
    currency: Currency,
    /// The last change of any price.
    since: Timestamp,
    terms: &'a PricingTerms,
    location: Location<'a>,
}

/// What a line says that is of given terms, place, time and length.
#[derive(Debug)]
pub(super) struct Priced {
    /// What was sold.
    pub sold: Sold,
    /// Its price.
    pub charges: Result<Charges, NoPrice>,
}

/// The parts of a price, exact, and as a line has them.
#[derive(Debug)]
pub(super) struct Charges {
    /// Exact parts.
    pub parts: Vec<PricedPart>,
    /// The parts of a line that no commitment covers.
    pub of_line: Arc<[Part]>,
    /// The least that the whole life of the group costs, where the list has one.
    pub least: Option<Amount>,
    /// The settlement of the parts where they are the first of its period, and the amount of their line.
    pub first: (Settlement, Amount),
}

impl<'a> KnownPrices<'a> {
    /// The price of so many seconds of a usage, from a second of it on.
    pub fn of(&mut self, usage: &Stretch<'a>, tariff: &Tariff, from: i64, seconds: u64) -> Rc<Priced> {
        let at = Timestamp::from_second(from).unwrap_or(Timestamp::MAX);
        let since = match &self.unchanged {
            Some(unchanged) if unchanged.contains(&at) => unchanged.start,
            _ => self.unchanged.insert(tariff.unchanged(at)).start,
        };
        let location = usage.group.location();
        let index = self.index(Kind { currency: tariff.currency, since, terms: usage.terms, location });
        let priced = || Rc::new(Priced::of(usage, tariff, at, seconds));
        Rc::clone(self.by_seconds[index].entry(seconds).or_insert_with(priced))
    }

    fn index(&mut self, kind: Kind<'a>) -> usize {
        if let Some((last, index)) = self.last
            && last == kind
        {
            return index;
        }
        let index = *self.kinds.entry(kind).or_insert(self.by_seconds.len());
        if index == self.by_seconds.len() {
            self.by_seconds.push(HashMap::new());
        }
        self.last = Some((kind, index));
        index
    }
}

impl Priced {
    fn of(usage: &Stretch<'_>, tariff: &Tariff, at: Timestamp, seconds: u64) -> Self {
        let location = usage.group.location();
        let charges = price(usage.terms, location, tariff, at, seconds).map(|parts| {
            let least = tariff.find(Item::Minimum, location, at);
            let least = least.map(|least| least.charge(rust_decimal::Decimal::ONE, 1).rounded());
            let of_line = parts.iter().map(PricedPart::of_line).collect();
            let first = Settlement::first(&parts, least, tariff.currency);
            Charges { parts, of_line, least, first }
        });
        Self { sold: Sold::of(usage.terms), charges }
    }
}
