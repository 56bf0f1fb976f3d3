//! The cloud's side of the control API: spot prices, account standings, reclaims and crashes.

use std::sync::Arc;

use jiff::Timestamp;

use super::Control;
use crate::billing::AccountTerms;
use crate::billing::account::TermsError;
use crate::market::Quote;
use crate::script::Run;
use crate::world::standing::Standing;

impl Control {
    /// Sets a price of the spot market from an instant on.
    pub fn quote(&self, quote: Quote) {
        self.with_current_state(|state, _| state.world.market.quote(quote));
    }

    /// The prices that were set for the spot market, in the order of the calls.
    pub fn quotes(&self) -> Vec<Quote> {
        self.with_current_state(|state, _| state.world.market.quotes().to_vec())
    }

    /// Removes all prices that were set for the spot market.
    pub fn clear_quotes(&self) {
        self.with_current_state(|state, _| state.world.market.clear());
    }

    /// Throttles calls at a percentage of the published numbers a minute.
    pub fn scale_throttling(&self, percent: u32) {
        self.with_current_state(|state, _| {
            (state.throttle.on, state.throttle.percent) = (true, Some(percent))
        });
    }

    /// Sets the standing of an account with the cloud.
    pub fn set_standing(&self, account: impl Into<String>, standing: Standing) {
        self.with_current_state(|state, _| state.world.standings.set(account, standing));
    }

    /// The standing of an account with the cloud.
    pub fn standing(&self, account: &str) -> Standing {
        self.with_current_state(|state, _| state.world.standings.of(account))
    }

    /// Sets the currency, commitments, discount and balance of an account, from the beginning of the bill on.
    ///
    /// # Errors
    /// [`TermsError`] for terms that cannot be, and for another currency than that of the account's groups.
    pub fn set_terms(&self, account: impl Into<String>, terms: AccountTerms) -> Result<(), TermsError> {
        let account = account.into();
        self.with_current_state(|state, _| state.world.agree(account, terms))
    }

    /// The terms of an account.
    pub fn terms(&self, account: &str) -> AccountTerms {
        self.with_current_state(|state, _| state.world.accounts.get(account).cloned().unwrap_or_default())
    }

    /// Announces that a spot instance is taken back in so many minutes; false when there is no such group.
    pub fn reclaim(&self, id: &str, minutes: u8) -> bool {
        self.with_group(id, |world, number| world.announce_reclaim(number, minutes)).is_some()
    }

    /// Crashes a container; false when the group has none of this name that is running.
    pub fn crash(&self, id: &str, container: &str, exit_code: i32) -> bool {
        self.with_group(id, |world, number| world.crash(number, container, exit_code)).unwrap_or(false)
    }

    /// Executes a command in a container, with an input or with one that is still offered; `None` where none of this
    /// name is running.
    pub fn execute(
        &self,
        id: &str,
        container: &str,
        words: &[Box<str>],
        input: (Option<&[u8]>, bool),
    ) -> Option<Arc<Run>> {
        self.with_group(id, |world, number| world.execute(number, container, words, input)).flatten()
    }

    fn with_group<T>(&self, id: &str, act: impl FnOnce(&mut crate::world::World, u64) -> T) -> Option<T> {
        self.with_current_state(|state, _: Timestamp| {
            let number = state.world.groups().find(|group| group.id() == id)?.record.number;
            Some(act(&mut state.world, number))
        })
    }
}
