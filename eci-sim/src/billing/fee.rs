//! The fees of commitments as lines of a bill: each clock hour of a term is paid, used or not (billing.md, section 7).
//!
//! An hour's fee stands on the bill from the begin of the hour on, since the commitment may pay for all of it then (`ours`).

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::account::{AccountTerms, tariff_of};
use super::cost::Cost;
use super::coverage::Coverage;
use super::item::{Item, Part};
use super::line::BillLine;
use crate::money::{Amount, Currency, Rate};
use crate::prices::Tariff;

/// The seconds from which on, and before which, hours begin whose fees are on a bill, by account.
pub type FeePeriods = BTreeMap<String, Range<i64>>;

/// A commitment that costs something by the hour.
struct Fee<'a> {
    id: &'a str,
    item: Item,
    units: Decimal,
    hourly: Decimal,
    term: Range<i64>,
    place: (&'a str, &'a str),
    instance_type: Option<&'a str>,
}

/// The lines of the fees, by account, commitment and hour.
pub(super) fn lines(
    tariff: &Tariff,
    accounts: &BTreeMap<String, AccountTerms>,
    periods: &FeePeriods,
    coverage: &Coverage,
) -> Vec<BillLine> {
    let mut lines = Vec::new();
    for (account, period) in periods {
        let Some(terms) = accounts.get(account) else { continue };
        let currency = tariff_of(tariff, accounts, account).currency;
        for fee in terms.fees() {
            let template = fee.template(account, currency);
            let hours = fee.hours(period).map(|(from, to)| {
                let used = coverage.used(account, fee.id, from.div_euclid(3600));
                fee.line(&template, (from, to), used)
            });
            lines.extend(hours);
        }
    }
    lines
}

impl AccountTerms {
    /// The commitments that cost something by the hour, reserved instances first.
    fn fees(&self) -> impl Iterator<Item = Fee<'_>> {
        let term = |from: Timestamp, to: Timestamp| from.as_second()..to.as_second();
        let reserved = self.reserved_instances.iter().map(move |own| Fee {
            id: &own.id,
            item: Item::ReservedInstance,
            units: own.count.into(),
            hourly: own.hourly.unwrap_or_default(),
            term: term(own.from, own.to),
            place: (&own.region, own.zone.as_deref().unwrap_or_default()),
            instance_type: Some(&own.instance_type),
        });
        let plans = self.savings_plans.iter().map(move |plan| Fee {
            id: &plan.id,
            item: Item::SavingsPlan,
            units: Decimal::ONE,
            hourly: plan.hourly,
            term: term(plan.from, plan.to),
            place: ("", ""),
            instance_type: None,
        });
        reserved.chain(plans).filter(|fee| !(fee.hourly * fee.units).is_zero())
    }
}

impl Fee<'_> {
    /// The hours of the term that begin in a period, each with its begin and end.
    fn hours(&self, period: &Range<i64>) -> impl Iterator<Item = (i64, i64)> {
        let first = self.term.start.max(period.start);
        let (term, last) = (self.term.end, period.end.min(self.term.end));
        std::iter::successors(Some(first), |from| Some((from.div_euclid(3600) + 1) * 3600))
            .take_while(move |from| *from < last)
            .map(move |from| (from, ((from.div_euclid(3600) + 1) * 3600).min(term)))
    }

    /// A line without a time.
    fn template(&self, account: &str, currency: Currency) -> BillLine {
        BillLine {
            group_id: self.id.into(),
            group_name: self.id.into(),
            tags: Arc::default(),
            account: account.into(),
            region: self.place.0.into(),
            zone: self.place.1.into(),
            from: Timestamp::MIN,
            to: Timestamp::MIN,
            seconds: 0,
            vcpu: Decimal::ZERO,
            memory: Decimal::ZERO,
            requested: None,
            instance_type: self.instance_type.map(Into::into),
            category: None,
            spot: false,
            item: self.item,
            parts: Arc::default(),
            covered: Vec::new(),
            unused: None,
            currency,
            amount: Cost::ZERO,
        }
    }

    fn line(&self, template: &BillLine, (from, to): (i64, i64), used: Amount) -> BillLine {
        let at = |second| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        let seconds = u64::try_from(to - from).unwrap_or(0);
        let rate = Rate::hourly(self.hourly);
        let amount = rate.charge(self.units, seconds).rounded();
        let unused = amount.beyond(used);
        BillLine {
            from: at(from),
            to: at(to),
            seconds,
            parts: [Part { item: self.item, units: self.units, rate, list: Some(rate), amount }].into(),
            unused: (unused != Amount::ZERO).then_some(unused),
            amount: Cost::Known(amount),
            ..template.clone()
        }
    }
}

#[cfg(test)]
mod tests;
