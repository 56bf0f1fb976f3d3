//! What whoever plays the cloud decrees: the market, how accounts stand, and what befalls a group.

use jiff::Timestamp;

use super::Control;
use crate::market::Quote;
use crate::world::standing::Standing;

impl Control {
    /// Lays down what spot instances cost from an instant on.
    pub fn quote(&self, quote: Quote) {
        self.at_present(|state, _| state.world.market.quote(quote));
    }

    /// What was laid down for the spot market, in that order.
    pub fn quotes(&self) -> Vec<Quote> {
        self.at_present(|state, _| state.world.market.quotes().to_vec())
    }

    /// Forgets what was laid down for the spot market.
    pub fn clear_quotes(&self) {
        self.at_present(|state, _| state.world.market.clear());
    }

    /// Counts calls against so many of a hundred of the published numbers a minute.
    pub fn scale_throttling(&self, percent: u32) {
        self.at_present(|state, _| (state.throttle.on, state.throttle.percent) = (true, Some(percent)));
    }

    /// An account stands with the cloud like this from now on.
    pub fn set_standing(&self, account: impl Into<String>, standing: Standing) {
        self.at_present(|state, _| state.world.standings.set(account, standing));
    }

    /// How an account stands with the cloud.
    pub fn standing(&self, account: &str) -> Standing {
        self.at_present(|state, _| state.world.standings.of(account))
    }

    /// Takes a spot instance back in so many minutes; false when there is no such group.
    pub fn reclaim(&self, id: &str, minutes: u8) -> bool {
        self.on_group(id, |world, number| world.announce_reclaim(number, minutes)).is_some()
    }

    /// Ends a container badly; false when the group has none of this name that is running.
    pub fn crash(&self, id: &str, container: &str, exit_code: i32) -> bool {
        self.on_group(id, |world, number| world.crash(number, container, exit_code)).unwrap_or(false)
    }

    fn on_group<T>(&self, id: &str, act: impl FnOnce(&mut crate::world::World, u64) -> T) -> Option<T> {
        self.at_present(|state, _: Timestamp| {
            let number = state.world.groups().find(|group| group.id() == id)?.card.number;
            Some(act(&mut state.world, number))
        })
    }
}
