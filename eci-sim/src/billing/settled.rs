//! Usage of groups that are gone: each for itself for a while, then as one sum for an account and region.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::bill::{Bill, BillLine, Item};
use super::meter::Usage;
use crate::money::{Currency, Yuan};

/// Number of usages that are kept each for itself.
const USAGES_MAX: usize = 100_000;

/// Usage that is no longer in the ledger.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Settled {
    usages: VecDeque<Usage>,
    #[serde(with = "crate::keyed")]
    carried: BTreeMap<(Arc<str>, Arc<str>), Carried>,
}

/// Sum of usages that are no longer kept each for itself; in both currencies, since the bill says which counts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Carried {
    from: i64,
    to: i64,
    seconds: u64,
    yuan: Yuan,
    dollars: Yuan,
}

impl Settled {
    /// Adds the usages of groups that are gone.
    pub fn take(&mut self, usages: Vec<Usage>) {
        self.usages.extend(usages);
        self.carry(USAGES_MAX);
    }

    /// Usages that are still kept each for itself.
    pub fn usages(&self) -> impl Iterator<Item = &Usage> {
        self.usages.iter()
    }

    /// The bill of usages, and of the sums.
    pub fn bill(&self, usages: &[Usage], currency: Currency) -> Bill {
        let mut bill = Bill::of(usages, currency);
        for line in self.lines(currency) {
            bill.total += line.amount;
            bill.lines.push(line);
        }
        bill
    }

    /// The sums, as lines of a bill that name no group.
    fn lines(&self, currency: Currency) -> impl Iterator<Item = BillLine> {
        self.carried.iter().map(move |((account, region), sum)| sum.line(account, region, currency))
    }

    /// Removes usages and sums where account and region match.
    pub fn clear(&mut self, fits: impl Fn(&str, &str) -> bool) {
        self.usages.retain(|usage| !fits(&usage.group.account, &usage.group.region));
        self.carried.retain(|(account, region), _| !fits(account, region));
    }

    /// Adds all but the latest `keep` usages to the sums.
    fn carry(&mut self, keep: usize) {
        while self.usages.len() > keep
            && let Some(usage) = self.usages.pop_front()
        {
            let key = (Arc::clone(&usage.group.account), Arc::clone(&usage.group.region));
            let sum =
                self.carried.entry(key).or_insert_with(|| Carried { from: i64::MAX, ..Carried::default() });
            sum.from = sum.from.min(usage.from);
            sum.to = sum.to.max(usage.to);
            sum.seconds += u64::try_from(usage.to - usage.from).unwrap_or(0);
            let usage = [usage];
            sum.yuan += Bill::of(&usage, Currency::Cny).total;
            sum.dollars += Bill::of(&usage, Currency::Usd).total;
        }
    }
}

impl Carried {
    fn line(&self, account: &str, region: &str, currency: Currency) -> BillLine {
        let at = |second| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        BillLine {
            group_id: String::new(),
            group_name: format!("earlier groups of {account}"),
            tags: BTreeMap::new(),
            region: region.to_owned(),
            from: at(self.from),
            to: at(self.to),
            seconds: self.seconds,
            vcpu: Decimal::ZERO,
            memory: Decimal::ZERO,
            item: Item::Instance,
            parts: Vec::new(),
            amount: if currency == Currency::Usd { self.dollars } else { self.yuan },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ledger::BillingRecord;
    use crate::terms::PricingTerms;
    use crate::terms::Size;

    fn usage(number: u64, from: i64, seconds: i64) -> Usage {
        let group = Arc::new(BillingRecord {
            number,
            id: format!("eci-{number}").into(),
            name: "web".into(),
            account: if number.is_multiple_of(2) { "even".into() } else { "odd".into() },
            region: "cn-hangzhou".into(),
            tags: Vec::new(),
            terms: PricingTerms { size: Size::DEFAULT, ..PricingTerms::default() },
        });
        Usage { group, from: 1_767_258_000 + from, to: 1_767_258_000 + from + seconds }
    }

    proptest! {
        #[test]
        fn what_is_summed_up_costs_what_it_cost(
            stretches in prop::collection::vec((0i64..100_000, 1i64..20_000), 0..20),
            keep in 0usize..20,
        ) {
            let usages: Vec<_> =
                (1..).zip(stretches).map(|(number, (from, seconds))| usage(number, from, seconds)).collect();
            let mut settled = Settled { usages: usages.clone().into(), ..Settled::default() };
            settled.carry(keep);
            for currency in [Currency::Cny, Currency::Usd] {
                let kept: Vec<_> = settled.usages().cloned().collect();
                prop_assert!(kept.len() <= keep);
                let carried: Yuan = settled.lines(currency).map(|line| line.amount).sum();
                prop_assert_eq!(Bill::of(&kept, currency).total + carried, Bill::of(&usages, currency).total);
            }
        }
    }
}
