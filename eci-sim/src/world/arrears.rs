//! Accounts whose balance is used up: at each full hour, when bills are made, an account that owes more than it has is in
//! arrears, and creates nothing more; its instances go on through the hours of grace, are billed meanwhile, and are then
//! released (billing.md, section 7). That the balance is looked at by the hour is `ours`, since bills are cut there.

use std::ops::Range;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::World;
use super::standing::Standing;
use crate::billing::account::TermsError;
use crate::billing::fee::FeePeriods;
use crate::billing::meter::Usage;
use crate::billing::{AccountTerms, Bill};
use crate::money::Amount;
use crate::prices::{Item, Location};

/// Amount that an account owes up to a full hour: only what is billed since is added to it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Debit {
    /// The hour's first second.
    until: i64,
    owed: Decimal,
}

impl World {
    /// The next full hour, where an account has a balance.
    pub(super) fn next_debit(&self) -> Option<Timestamp> {
        if self.accounts.values().all(|terms| terms.balance.is_none()) {
            return None;
        }
        // none behind the last hour of time
        Timestamp::from_second((self.now.as_second().div_euclid(3600) + 1) * 3600).ok()
    }

    /// Takes the bill up to a full hour from the balances.
    pub(super) fn debit(&mut self, at: Timestamp) {
        let usages = self.usages(at);
        let with_balance = self.accounts.iter().filter_map(|(name, terms)| {
            let balance = terms.balance?;
            Some((name.clone(), balance, terms.grace_hours))
        });
        for (name, balance, grace_hours) in with_balance.collect::<Vec<_>>() {
            if self.owes(&name, &usages, at) <= balance {
                continue;
            }
            let since = *self.arrears.entry(name.clone()).or_insert(at);
            if self.standings.of(&name) == Standing::Good {
                self.standings.set(name.clone(), Standing::Arrears);
            }
            if at.duration_since(since) >= SignedDuration::from_hours(i64::from(grace_hours)) {
                self.release_all(&name);
            }
        }
    }

    /// What an account owes at a full hour: what it owed at an earlier one, and what it was billed since. A life that is
    /// settled as one, as in 2019, is summed up from its beginning.
    fn owes(&mut self, account: &str, usages: &[Usage], at: Timestamp) -> Decimal {
        let anywhere = Location { region: "", zone: "" };
        let by_life = self.tariff_of(account).find(Item::Minimum, anywhere, at).is_some();
        let known = self.debits.get(account).copied().filter(|_| !by_life);
        let bill = match known {
            Some(debit) => self.bill_within(account, usages, debit.until..at.as_second()),
            None => self.bill_of_accounts(at, |name| name == account),
        };
        let new: Decimal =
            bill.lines.iter().filter_map(|line| line.amount.known().ok()).map(Amount::decimal).sum();
        let debit = Debit { until: at.as_second(), owed: known.unwrap_or_default().owed + new };
        self.debits.insert(account.to_owned(), debit);
        debit.owed
    }

    /// The bill of an account for full clock hours, of which each is settled for itself.
    fn bill_within(&self, account: &str, usages: &[Usage], hours: Range<i64>) -> Bill {
        let own = usages.iter().filter(|usage| *usage.group.account == *account);
        let within = own.map(|usage| usage.stretch().within(&hours));
        let within = within.filter(|usage| usage.from < usage.to).collect();
        let periods = FeePeriods::from([(account.to_owned(), hours)]);
        Bill::of_stretches(within, &self.tariff, &self.accounts, &periods)
    }

    /// Deletes all groups of an account that are not ended.
    fn release_all(&mut self, account: &str) {
        let own = self.groups().filter(|group| *group.record.account == *account && !group.state.is_final());
        let numbers: Vec<u64> = own.map(|group| group.record.number).collect();
        numbers.into_iter().for_each(|number| self.delete(number, true));
    }

    /// Sets the terms of an account, which end its arrears.
    ///
    /// # Errors
    /// [`TermsError`] for terms that cannot be, and for another currency than that of its groups.
    pub(crate) fn agree(&mut self, account: String, terms: AccountTerms) -> Result<(), TermsError> {
        terms.check()?;
        let (billed, requested) =
            (self.tariff_of(&account).currency, terms.currency.unwrap_or(self.tariff.currency));
        if billed != requested && self.has_groups(&account) {
            return Err(TermsError::Currency { account, billed, requested });
        }
        self.leave_arrears(&account);
        self.accounts.insert(account, terms);
        self.cached_rows = None;
        self.settled.sort_out(&self.tariff, &self.accounts);
        Ok(())
    }

    /// True for an account that has, or had, anything that is billed.
    fn has_groups(&self, account: &str) -> bool {
        self.ledger.entries().iter().any(|entry| *entry.group.account == *account)
            || self.settled.knows(account)
    }

    /// Lets an account that was in arrears begin anew, as it does with another balance.
    pub(super) fn leave_arrears(&mut self, account: &str) {
        self.debits.remove(account);
        if self.arrears.remove(account).is_some() && self.standings.of(account) == Standing::Arrears {
            self.standings.set(account, Standing::Good);
        }
    }
}
