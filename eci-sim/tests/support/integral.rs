//! An oracle of bills: the integral over the ledger in whole numbers, settled for each instance and hour. It shares neither the
//! simulator's decimals nor its price lists.

use std::collections::BTreeMap;

use eci_sim::ledger::{Entry, LedgerEvent};
use eci_sim::terms::{Basis, Category, PricingTerms};
use eci_sim::{BillLine, Currency};

/// Parts of a currency unit that the oracle counts in: a trillionth, for each thousandth of a vCPU and MiB, and for each
/// second of 30 days.
const PARTS: i128 = 1_000_000_000_000 * 1000 * 1024 * MONTH;
const MONTH: i128 = 2_592_000;

/// The oracle's price table: the amounts in trillionths for so many seconds, by item, category and currency.
struct Prices(Vec<(String, String, String, i128, i128)>);

impl Prices {
    /// Today's rows of the table, read without the simulator.
    fn today() -> Self {
        let rows = include_str!("../../data/prices.csv").lines().skip(1).map(|row| row.split(',').collect());
        let today = rows.filter(|row: &Vec<&str>| row[9].is_empty() && row[3].is_empty());
        let owned = |row: Vec<&str>| {
            let [item, category, currency] = [row[0], row[1], row[4]].map(str::to_owned);
            (item, category, currency, trillionths(row[5]), row[6].parse().unwrap())
        };
        Self(today.map(owned).collect())
    }

    /// The price of one unit for a second, in parts of [`PARTS`] over the units' own denominator.
    fn of(&self, item: &str, category: &str, currency: Currency) -> i128 {
        let currency = currency.to_string();
        let fits = |row: &&(String, String, String, i128, i128)| {
            row.0 == item && row.1 == category && row.2 == currency
        };
        let (.., amount, seconds) = self.0.iter().find(fits).unwrap();
        amount * (MONTH / seconds)
    }
}

/// A decimal text in trillionths.
fn trillionths(text: &str) -> i128 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{part:0<12}").parse().unwrap()
}

/// What one second on these terms costs, in [`PARTS`]; nothing where the market has no price, which the bill says instead.
fn second(terms: &PricingTerms, prices: &Prices, currency: Currency) -> i128 {
    let PricingTerms::Instance(terms) = terms else { panic!("{terms} is no group's") };
    let (vcpu, mib) = (i128::from(terms.size.vcpu.0), i128::from(terms.size.memory.0));
    let whole = 1000 * 1024;
    let basis = match &terms.basis {
        Basis::Size(category) => {
            let category = match category {
                Category::Default => "default",
                Category::Economy => "economy",
                Category::General => "general",
            };
            let cpu = prices.of("vcpu", category, currency) * vcpu * 1024;
            cpu + prices.of("memory", category, currency) * mib * 1000
        }
        Basis::Type(name) => prices.of(name, "", currency) * whole,
        Basis::Spot(spot) => match spot.hourly {
            Some(hourly) => trillionths(&hourly.amount.to_string()) * (MONTH / 3600) * whole,
            None => return 0,
        },
    };
    let storage = i128::from(terms.extra_storage);
    basis + if storage > 0 { prices.of("storage", "", currency) * storage * whole } else { 0 }
}

/// What each instance costs in each hour up to a second, in ten-billionths: the integral of the ledger, settled.
pub fn integral(entries: &[Entry], now: i64, currency: Currency) -> BTreeMap<(String, i64), i128> {
    let prices = Prices::today();
    let billed = ["Pending", "Running", "Restarting", "Updating", "Terminating"];
    let mut since: BTreeMap<String, (bool, i64, i128)> = BTreeMap::new();
    let mut hours: BTreeMap<(String, i64), i128> = BTreeMap::new();
    let mut count = |id: &str, (on, from, rate): (bool, i64, i128), to: i64| {
        let mut at = from;
        while on && at < to {
            let end = ((at.div_euclid(3600) + 1) * 3600).min(to);
            *hours.entry((id.to_owned(), at.div_euclid(3600))).or_default() += rate * i128::from(end - at);
            at = end;
        }
    };
    for entry in entries {
        let (id, at) = (entry.group.id.to_string(), entry.at.as_second());
        let before = since.get(&id).copied().unwrap_or((false, at, 0));
        count(&id, before, at);
        let on = match &entry.event {
            LedgerEvent::Moved { to, .. } => billed.contains(&to.name()),
            _ => before.0,
        };
        since.insert(id, (on, at, second(&entry.group.terms, &prices, currency)));
    }
    for (id, last) in since {
        count(&id, last, now);
    }
    hours
        .into_iter()
        .map(|(hour, parts)| (hour, settled(parts, currency)))
        .filter(|(_, sum)| *sum > 0)
        .collect()
}

/// Ten-billionths, rounded half up; in CNY less than a fen is a fen from a half on, and nothing below.
fn settled(parts: i128, currency: Currency) -> i128 {
    let exact = (parts * 20_000_000_000 + PARTS) / (2 * PARTS);
    let fen = 100_000_000;
    match currency {
        Currency::Cny if exact < fen / 2 => 0,
        Currency::Cny if exact < fen => fen,
        _ => exact,
    }
}

/// What the bill says for each instance and hour, in ten-billionths.
pub fn billed(lines: &[BillLine]) -> BTreeMap<(String, i64), i128> {
    let mut hours = BTreeMap::new();
    for line in lines {
        let Ok(amount) = line.amount.known().map(eci_sim::Amount::decimal) else { continue };
        let hour = (line.group_id.to_string(), line.from.as_second().div_euclid(3600));
        *hours.entry(hour).or_default() += trillionths(&amount.to_string()) / 100;
    }
    hours.retain(|_, sum: &mut i128| *sum > 0);
    hours
}
