//! Usage of groups that are gone: each for itself for a while, then as one sum for an account and region.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::account::{AccountTerms, tariff_of};
use super::bill::Bill;
use super::cost::Cost;
use super::fee::FeePeriods;
use super::item::Item;
use super::line::BillLine;
use super::meter::{Stretch, Usage};
use crate::money::Currency;
use crate::prices::Tariff;

/// Number of usages that are kept each for itself.
const USAGES_MAX: usize = 100_000;

/// Usage that is no longer in the ledger.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Settled {
    /// All usages of a group stand together, since they are settled together.
    usages: VecDeque<Usage>,
    /// Usages of accounts with commitments, which all their groups of an hour share, so that none can be summed up alone.
    #[serde(default)]
    shared: Vec<Usage>,
    #[serde(with = "crate::keyed")]
    carried: BTreeMap<(Arc<str>, Arc<str>), Carried>,
}

/// Sum of usages that are no longer kept each for itself, in the currency of their account.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Carried {
    from: i64,
    to: i64,
    seconds: u64,
    cost: Cost,
}

impl Settled {
    /// Adds all usages of groups that are gone. Those of accounts with commitments stay each for itself.
    pub fn take(
        &mut self,
        mut usages: Vec<Usage>,
        tariff: &Tariff,
        accounts: &BTreeMap<String, AccountTerms>,
    ) {
        usages.sort_by_key(|usage| usage.group.number);
        let (shared, own): (Vec<_>, Vec<_>) = usages.into_iter().partition(|usage| shares(usage, accounts));
        self.shared.extend(shared);
        self.usages.extend(own);
        self.carry(USAGES_MAX, tariff, accounts);
    }

    /// Keeps the usages of the accounts that have commitments by now each for itself, and no others.
    pub fn sort_out(&mut self, tariff: &Tariff, accounts: &BTreeMap<String, AccountTerms>) {
        let all = std::mem::take(&mut self.usages).into_iter().chain(std::mem::take(&mut self.shared));
        self.take(all.collect(), tariff, accounts);
    }

    /// Usages that are still kept each for itself.
    pub fn usages(&self) -> impl Iterator<Item = &Usage> {
        self.usages.iter().chain(&self.shared)
    }

    /// The bill of usages, of the sums of the accounts that fit, and of fees.
    pub fn bill(
        &self,
        usages: Vec<Stretch<'_>>,
        tariff: &Tariff,
        accounts: &BTreeMap<String, AccountTerms>,
        (periods, fits): (&FeePeriods, impl Fn(&str) -> bool),
    ) -> Bill {
        let mut bill = Bill::of_stretches(usages, tariff, accounts, periods);
        if self.carried.is_empty() {
            return bill;
        }
        bill.lines.extend(self.lines(tariff, accounts).filter(|line| fits(&line.account)));
        Bill::of_lines(bill.lines, tariff.currency)
    }

    /// True where something of an account is, or was, kept here.
    pub fn knows(&self, account: &str) -> bool {
        self.usages().any(|usage| *usage.group.account == *account)
            || self.carried.keys().any(|(own, _)| **own == *account)
    }

    /// The sums, as lines of a bill that name no group.
    fn lines(
        &self,
        tariff: &Tariff,
        accounts: &BTreeMap<String, AccountTerms>,
    ) -> impl Iterator<Item = BillLine> {
        self.carried.iter().map(move |((account, region), sum)| {
            sum.line(account, region, tariff_of(tariff, accounts, account).currency)
        })
    }

    /// Removes usages and sums where account and region match.
    pub fn clear(&mut self, fits: impl Fn(&str, &str) -> bool) {
        self.usages.retain(|usage| !fits(&usage.group.account, &usage.group.region));
        self.shared.retain(|usage| !fits(&usage.group.account, &usage.group.region));
        self.carried.retain(|(account, region), _| !fits(account, region));
    }

    /// Adds groups, oldest first, to the sums until at most `keep` usages are left.
    fn carry(&mut self, keep: usize, tariff: &Tariff, accounts: &BTreeMap<String, AccountTerms>) {
        while self.usages.len() > keep
            && let Some(first) = self.usages.front().map(|usage| usage.group.number)
        {
            let length = self.usages.iter().take_while(|usage| usage.group.number == first).count();
            let usages: Vec<Usage> = self.usages.drain(..length).collect();
            let cost = Bill::with(&usages, tariff, accounts).total;
            let Some(group) = usages.first().map(|usage| &usage.group) else { return };
            let key = (Arc::clone(&group.account), Arc::clone(&group.region));
            let nothing = Carried { from: i64::MAX, to: i64::MIN, seconds: 0, cost: Cost::ZERO };
            let sum = self.carried.entry(key).or_insert(nothing);
            for usage in &usages {
                sum.from = sum.from.min(usage.from);
                sum.to = sum.to.max(usage.to);
                sum.seconds += u64::try_from(usage.to - usage.from).unwrap_or(0);
            }
            sum.cost = sum.cost.clone() + cost;
        }
    }
}

/// True for a usage whose account has commitments.
fn shares(usage: &Usage, accounts: &BTreeMap<String, AccountTerms>) -> bool {
    accounts.get(&*usage.group.account).is_some_and(AccountTerms::has_commitments)
}

impl Carried {
    fn line(&self, account: &str, region: &str, currency: Currency) -> BillLine {
        let at = |second| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        BillLine {
            group_id: "".into(),
            group_name: format!("earlier groups of {account}").into(),
            tags: Arc::default(),
            account: account.into(),
            region: region.into(),
            zone: "".into(),
            from: at(self.from),
            to: at(self.to),
            seconds: self.seconds,
            vcpu: Decimal::ZERO,
            memory: Decimal::ZERO,
            requested: None,
            instance_type: None,
            category: None,
            spot: false,
            item: Item::Earlier,
            parts: Arc::default(),
            covered: Vec::new(),
            unused: None,
            currency,
            amount: self.cost.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ledger::BillingRecord;
    use crate::terms::{Basis, Category, InstanceTerms, Size};

    /// Usages of a group, one behind the other, as an instance has them whose terms or tags change.
    fn usages(number: u64, from: i64, stretches: &[i64]) -> Vec<Usage> {
        let terms = InstanceTerms::of(Size::DEFAULT, Basis::Size(Category::Default)).into();
        let group = Arc::new(BillingRecord {
            number,
            id: format!("eci-{number}").into(),
            name: "web".into(),
            account: if number.is_multiple_of(2) { "even".into() } else { "odd".into() },
            region: "cn-hangzhou".into(),
            zone: "cn-hangzhou-b".into(),
            tags: Vec::new(),
            requested: None,
            terms,
        });
        let mut from = 1_767_258_000 + from;
        let one = |seconds: &i64| {
            let usage = Usage { group: Arc::clone(&group), from, to: from + seconds };
            from += seconds;
            usage
        };
        stretches.iter().map(one).collect()
    }

    /// Terms of the account of odd groups, with one reserved instance or none.
    fn odd(discount: &str, reserved: bool) -> BTreeMap<String, AccountTerms> {
        let mut terms = AccountTerms { discount: discount.parse().unwrap(), ..AccountTerms::default() };
        if reserved {
            terms.reserved_instances.push(crate::billing::commitment::tests::reserved(1));
        }
        BTreeMap::from([("odd".to_owned(), terms)])
    }

    #[test]
    fn commitments_of_one_account_leave_the_usages_of_others_bounded() {
        let tariff = Tariff::of(Currency::Cny);
        let all: Vec<_> = (1..=10).flat_map(|number| usages(number, 0, &[3600])).collect();
        let accounts = odd("0", true);
        let mut settled = Settled::default();
        settled.take(all.clone(), &tariff, &accounts);
        settled.carry(2, &tariff, &accounts);
        let kept: Vec<_> = settled.usages().map(|usage| usage.group.number).collect();
        assert_eq!(kept, [8, 10, 1, 3, 5, 7, 9], "the two youngest of one account, and all of the other");
        settled.sort_out(&tariff, &BTreeMap::new());
        settled.carry(2, &tariff, &BTreeMap::new());
        assert_eq!(settled.usages().count(), 2, "whoever has none any more is bounded, too");
    }

    #[test]
    fn a_discount_counts_in_what_is_summed_up() {
        let (tariff, accounts) = (Tariff::of(Currency::Cny), odd("0.5", false));
        let all: Vec<_> = (1..=10).flat_map(|number| usages(number, 0, &[3600])).collect();
        let mut settled = Settled::default();
        settled.take(all.clone(), &tariff, &accounts);
        settled.carry(0, &tariff, &accounts);
        assert_eq!(settled.usages().count(), 0);
        let bill = settled.bill(Vec::new(), &tariff, &accounts, (&FeePeriods::new(), |_| true));
        assert_eq!(bill.total, Bill::with(&all, &tariff, &accounts).total);
    }

    proptest! {
        #[test]
        fn what_is_summed_up_costs_what_it_cost(
            lives in prop::collection::vec((0i64..100_000, prop::collection::vec(1i64..90, 1..20)), 0..20),
            keep in 0usize..60,
        ) {
            for tariff in [Currency::Cny, Currency::Usd].map(Tariff::of) {
                let all: Vec<_> =
                    (1..).zip(&lives).flat_map(|(number, (from, life))| usages(number, *from, life)).collect();
                let mut settled = Settled::default();
                settled.take(all.clone(), &tariff, &BTreeMap::new());
                settled.carry(keep, &tariff, &BTreeMap::new());
                let kept: Vec<_> = settled.usages().cloned().collect();
                prop_assert!(kept.len() <= keep);
                let carried: Cost = settled.lines(&tariff, &BTreeMap::new()).map(|line| line.amount).sum();
                prop_assert_eq!(Bill::of(&kept, &tariff).total + carried, Bill::of(&all, &tariff).total);
            }
        }
    }
}
