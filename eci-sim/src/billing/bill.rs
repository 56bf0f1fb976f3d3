//! From billed seconds to lines and a total: lines are cut at each clock hour, at new terms and at new tags.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::cost::Cost;
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
    /// Currency in which the bill is to be paid.
    pub currency: Currency,
    /// Lines by instance, then by time.
    pub lines: Vec<BillLine>,
    /// Sum of the lines' amounts.
    pub total: Cost,
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
                let tags = tags(usage);
                let line = |piece| line(&usage.group, &tags, piece, tariff, &mut settlement);
                lines.extend(pieces(usage, tariff).map(line));
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

/// The tags of a usage, which all its lines share.
fn tags(usage: &Usage) -> Arc<BTreeMap<String, String>> {
    let owned = |(key, value): &(Box<str>, Box<str>)| ((**key).to_owned(), (**value).to_owned());
    Arc::new(usage.group.tags.iter().map(owned).collect())
}

fn line(
    group: &BillingRecord,
    tags: &Arc<BTreeMap<String, String>>,
    (from, to): (i64, i64),
    tariff: &Tariff,
    settlement: &mut Settlement,
) -> BillLine {
    let seconds = u64::try_from(to - from).unwrap_or(0);
    let at = |second| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
    let priced = price(&group.terms, group.location(), tariff, at(from), seconds);
    BillLine {
        from: at(from),
        to: at(to),
        seconds,
        parts: priced.iter().flatten().map(super::item::PricedPart::of_line).collect(),
        amount: priced.map(|parts| settlement.add(&parts, group.location(), tariff, at(from))).into(),
        ..BillLine::of(group, tags, tariff.currency)
    }
}

#[cfg(test)]
mod tests;
