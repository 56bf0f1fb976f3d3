//! From billed seconds to lines and a total: lines are cut at each clock hour, at new terms and at new tags.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::account::{AccountTerms, tariff_of};
use super::cost::Cost;
use super::coverage::{Coverage, Piece};
use super::fee::{self, FeePeriods};
use super::item::PricedPart;
use super::line::BillLine;
use super::meter::Usage;
use super::price::price;
use super::settlement::Settlement;
use crate::ledger::BillingRecord;
use crate::money::Currency;
use crate::prices::Tariff;
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
        let mut sorted: Vec<&Usage> = usages.iter().collect();
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
        let mut lines = Vec::with_capacity(sorted.len());
        let untagged = Arc::default();
        for instance in sorted.chunk_by(|one, next| one.group.number == next.group.number) {
            let mut settlement = Settlement::default();
            let Some(first) = instance.first() else { continue };
            let tariff = &*tariff_of(tariff, accounts, &first.group.account);
            for usage in instance {
                let tags = tags(usage, &untagged);
                let line = |piece| line(&usage.group, &tags, piece, (tariff, &coverage), &mut settlement);
                lines.extend(pieces(usage, tariff).map(line));
            }
        }
        lines.extend(fee::lines(tariff, accounts, periods, &coverage));
        Self::of_lines(lines, tariff.currency)
    }

    /// The bill of these lines; of none in the currency of the simulator.
    pub(super) fn of_lines(lines: Vec<BillLine>, default: Currency) -> Self {
        let total = Cost::of_all(lines.iter().map(|line| (line.currency, &line.amount)));
        let first = lines.first().map(|line| line.currency);
        let one = first.filter(|first| lines.iter().all(|line| line.currency == *first));
        Self { currency: one.unwrap_or(default), lines, total }
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

/// The pieces of a usage with the parts of their prices; none of those whose price is not known.
fn priced_pieces<'a>(usage: &'a Usage, tariff: &Tariff) -> Vec<Piece<'a>> {
    let BillingRecord { number, account, region, zone, terms, .. } = &*usage.group;
    let piece = |(from, to): (i64, i64)| {
        let seconds = u64::try_from(to - from).unwrap_or(0);
        let at = Timestamp::from_second(from).unwrap_or(Timestamp::MAX);
        let parts = price(terms, usage.group.location(), tariff, at, seconds).ok()?;
        Some(Piece { number: *number, from, seconds, account, region, zone, terms, parts })
    };
    pieces(usage, tariff).filter_map(piece).collect()
}

/// The tags of a usage, which all its lines share, as all lines without any share theirs.
fn tags(usage: &Usage, none: &Arc<BTreeMap<String, String>>) -> Arc<BTreeMap<String, String>> {
    if usage.group.tags.is_empty() {
        return Arc::clone(none);
    }
    let owned = |(key, value): &(Box<str>, Box<str>)| ((**key).to_owned(), (**value).to_owned());
    Arc::new(usage.group.tags.iter().map(owned).collect())
}

fn line(
    group: &BillingRecord,
    tags: &Arc<BTreeMap<String, String>>,
    (from, to): (i64, i64),
    (tariff, coverage): (&Tariff, &Coverage),
    settlement: &mut Settlement,
) -> BillLine {
    let seconds = u64::try_from(to - from).unwrap_or(0);
    let at = |second| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
    let mut priced = price(&group.terms, group.location(), tariff, at(from), seconds);
    let reduced = coverage.reduced(group.number, from);
    let charges = reduced.iter().flat_map(|reduced| &reduced.charges);
    for (part, charge) in priced.iter_mut().flatten().zip(charges) {
        part.charge = *charge;
    }
    BillLine {
        from: at(from),
        to: at(to),
        seconds,
        parts: priced.iter().flatten().map(PricedPart::of_line).collect(),
        covered: reduced.map_or_else(Vec::new, |reduced| reduced.covered.clone()),
        amount: priced.map(|parts| settlement.add(&parts, group.location(), tariff, at(from))).into(),
        ..BillLine::of(group, tags, tariff.currency)
    }
}

#[cfg(test)]
mod tests;
