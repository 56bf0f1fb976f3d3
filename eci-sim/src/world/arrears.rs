//! Accounts whose balance is used up: at each full hour, when bills are made, an account that owes more than it has is in
//! arrears, and creates nothing more; its instances go on through the hours of grace, are billed meanwhile, and are then
//! released (billing.md, section 7). That the balance is looked at by the hour is `ours`, since bills are cut there.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::World;
use super::standing::Standing;
use crate::billing::AccountTerms;

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
        let has_balance = |name: &str| self.accounts.get(name).is_some_and(|terms| terms.balance.is_some());
        let bill = self.bill_of_accounts(at, has_balance);
        let owes = |name: &str| -> Decimal {
            let own = bill.lines.iter().filter(|line| *line.account == *name);
            own.filter_map(|line| line.amount.known().ok()).map(crate::money::Amount::decimal).sum()
        };
        let used_up = self.accounts.iter().filter_map(|(name, terms)| {
            terms.balance.filter(|balance| owes(name) > *balance).map(|_| (name.clone(), terms.grace_hours))
        });
        for (name, grace_hours) in used_up.collect::<Vec<_>>() {
            let since = *self.arrears.entry(name.clone()).or_insert(at);
            if self.standings.of(&name) == Standing::Good {
                self.standings.set(name.clone(), Standing::Arrears);
            }
            if at.duration_since(since) >= SignedDuration::from_hours(i64::from(grace_hours)) {
                self.release_all(&name);
            }
        }
    }

    /// Deletes all groups of an account that are not ended.
    fn release_all(&mut self, account: &str) {
        let own = self.groups().filter(|group| *group.record.account == *account && !group.state.is_final());
        let numbers: Vec<u64> = own.map(|group| group.record.number).collect();
        numbers.into_iter().for_each(|number| self.delete(number, true));
    }

    /// Sets the terms of an account, which end its arrears.
    pub(crate) fn agree(&mut self, account: String, terms: AccountTerms) {
        self.leave_arrears(&account);
        self.accounts.insert(account, terms);
        self.settled.sort_out(&self.tariff, &self.accounts);
    }

    /// Lets an account that was in arrears begin anew, as it does with another balance.
    pub(super) fn leave_arrears(&mut self, account: &str) {
        if self.arrears.remove(account).is_some() && self.standings.of(account) == Standing::Arrears {
            self.standings.set(account, Standing::Good);
        }
    }
}
