//! From billed seconds to lines and a total: lines are cut at each clock hour, at new terms and at new tags.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::account::{AccountTerms, tariff_of};
use super::commitment::Covered;
use super::cost::Cost;
use super::coverage::{Coverage, Piece, Reduced};
use super::fee::{self, FeePeriods};
use super::item::{Part, PricedPart};
use super::known_prices::{Charges, KnownPrices};
use super::line::BillLine;
use super::meter::{Stretch, Usage};
use super::price::price;
use super::settlement::Settlement;
use crate::ledger::BillingRecord;
use crate::money::{Charge, Currency};
use crate::prices::{NoPrice, Tariff};
use crate::terms::PricingTerms;

/// A bill: the usage up to an instant, priced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bill {
    /// Currency in which the bill is to be paid; that of the simulator where lines have several.
    pub currency: Currency,
    /// Lines by instance, then by time.
    pub lines: Vec<BillLine>,
    /// Sum of the lines' amounts.
    pub total: Cost,
}

impl Bill {
    /// Prices the usages.
    pub fn of(usages: &[Usage], tariff: &Tariff) -> Self {
        Self::with(usages, tariff, &BTreeMap::new())
    }

    /// Prices the usages on the terms of their accounts.
    pub fn with(usages: &[Usage], tariff: &Tariff, accounts: &BTreeMap<String, AccountTerms>) -> Self {
        Self::with_fees(usages, tariff, accounts, &FeePeriods::new())
    }

    /// Prices the usages on the terms of their accounts, and adds the fees of commitments for these periods.
    pub fn with_fees(
        usages: &[Usage],
        tariff: &Tariff,
        accounts: &BTreeMap<String, AccountTerms>,
        periods: &FeePeriods,
    ) -> Self {
        Self::of_stretches(usages.iter().map(Usage::stretch).collect(), tariff, accounts, periods)
    }

    /// Prices usages as they are read off the ledger.
    pub(crate) fn of_stretches(
        mut sorted: Vec<Stretch<'_>>,
        tariff: &Tariff,
        accounts: &BTreeMap<String, AccountTerms>,
        periods: &FeePeriods,
    ) -> Self {
        sorted.sort_by_key(|usage| (usage.group.number, usage.from));
        let coverage = match accounts.values().all(AccountTerms::is_empty) {
            true => Coverage::default(),
            false => Coverage::of(
                sorted
                    .iter()
                    .filter(|usage| accounts.get(&*usage.group.account).is_some_and(|own| !own.is_empty()))
                    .flat_map(|usage| {
                        priced_pieces(usage, &tariff_of(tariff, accounts, &usage.group.account))
                    })
                    .collect(),
                accounts,
                periods,
            ),
        };
        let mut lines = Vec::with_capacity(sorted.iter().map(hours).sum());
        let (mut known, untagged) = (KnownPrices::default(), Arc::default());
        for instance in sorted.chunk_by(|one, next| one.group.number == next.group.number) {
            let mut settlement = Settlement::default();
            let Some(first) = instance.first() else { continue };
            let tariff = &*tariff_of(tariff, accounts, &first.group.account);
            for usage in instance {
                let tags = tags(usage, &untagged);
                for (from, to) in pieces(usage, tariff) {
                    let seconds = u64::try_from(to - from).unwrap_or(0);
                    let priced = known.of(usage, tariff, from, seconds);
                    let reduced = coverage.reduced(usage.group.number, from);
                    let charged = charged(&priced.charges, reduced, (tariff.currency, from), &mut settlement);
                    let Charged { parts, covered, amount } = charged;
                    lines.push(BillLine {
                        from: instant(from),
                        to: instant(to),
                        seconds,
                        parts,
                        covered,
                        amount,
                        ..BillLine::of(usage.group, &priced.sold, &tags, tariff.currency)
                    });
                }
            }
        }
        lines.extend(fee::lines(tariff, accounts, periods, &coverage));
        Self::of_lines(lines, tariff.currency)
    }

    /// The bill of these lines; of none in the currency of the simulator.
    pub(super) fn of_lines(lines: Vec<BillLine>, default: Currency) -> Self {
        let sums = Cost::sums(lines.iter().map(|line| (line.currency, &line.amount)));
        let one = sums.keys().next().filter(|_| sums.len() == 1);
        Self { currency: one.copied().unwrap_or(default), lines, total: Cost::of_sums(sums) }
    }
}

/// Cuts at each clock hour, and where a price changes within one; UTC+08:00, in which the bill is read, has the same full
/// hours as UTC.
fn pieces(usage: &Stretch<'_>, tariff: &Tariff) -> impl Iterator<Item = (i64, i64)> {
    let mut from = usage.from;
    // A snapshot is on the bill of another product, which knows no hours.
    let (snapshot, to) = (is_snapshot(usage), usage.to);
    std::iter::from_fn(move || {
        if from >= to {
            return None;
        }
        let start = from;
        let hour = if snapshot { i64::MAX } else { (start.div_euclid(3600) + 1) * 3600 };
        let change = tariff.next_change(snapshot, start).unwrap_or(i64::MAX);
        from = hour.min(change).min(to);
        Some((start, from))
    })
}

fn is_snapshot(usage: &Stretch<'_>) -> bool {
    matches!(usage.terms, PricingTerms::Snapshot { .. })
}

/// Number of clock hours, or of lines where no price changes.
fn hours(usage: &Stretch<'_>) -> usize {
    let hours = (usage.to - 1).div_euclid(3600) - usage.from.div_euclid(3600) + 1;
    if is_snapshot(usage) { 1 } else { usize::try_from(hours).unwrap_or(0) }
}

fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

/// The pieces of a usage with the parts of their prices; none of those whose price is not known.
fn priced_pieces<'a>(usage: &Stretch<'a>, tariff: &Tariff) -> Vec<Piece<'a>> {
    let BillingRecord { number, account, region, zone, .. } = usage.group;
    let terms = usage.terms;
    let piece = |(from, to): (i64, i64)| {
        let seconds = u64::try_from(to - from).unwrap_or(0);
        let parts = price(terms, usage.group.location(), tariff, instant(from), seconds).ok()?;
        Some(Piece { number: *number, from, seconds, account, region, zone, terms, parts })
    };
    pieces(usage, tariff).filter_map(piece).collect()
}

/// The tags of a usage, which all its lines share, as all lines without any share theirs.
fn tags(usage: &Stretch<'_>, none: &Arc<BTreeMap<String, String>>) -> Arc<BTreeMap<String, String>> {
    if usage.group.tags.is_empty() {
        return Arc::clone(none);
    }
    let owned = |(key, value): &(Box<str>, Box<str>)| ((**key).to_owned(), (**value).to_owned());
    Arc::new(usage.group.tags.iter().map(owned).collect())
}

/// What a line costs.
struct Charged {
    parts: Arc<[Part]>,
    covered: Vec<Covered>,
    amount: Cost,
}

/// What a line that begins at a second costs, of which commitments may leave a part.
fn charged(
    charges: &Result<Charges, NoPrice>,
    reduced: Option<&Reduced>,
    (currency, second): (Currency, i64),
    settlement: &mut Settlement,
) -> Charged {
    match (charges, reduced) {
        (Err(no_price), _) => {
            let amount = Cost::Unknown(Box::new(NoPrice { at: instant(second), ..no_price.clone() }));
            Charged { parts: Arc::default(), covered: Vec::new(), amount }
        }
        (Ok(charges), None) => {
            let amount = Cost::Known(settlement.add(charges, currency, second));
            Charged { parts: Arc::clone(&charges.of_line), covered: Vec::new(), amount }
        }
        (Ok(Charges { parts, least, .. }), Some(Reduced { charges, covered })) => {
            let of_part = |(part, charge): (&PricedPart, &Charge)| PricedPart { charge: *charge, ..*part };
            let left: Vec<_> = parts.iter().zip(charges).map(of_part).collect();
            let amount = Cost::Known(settlement.add_reduced(&left, *least, currency, second));
            let parts = left.iter().map(PricedPart::of_line).collect();
            Charged { parts, covered: covered.clone(), amount }
        }
    }
}

#[cfg(test)]
mod tests;
