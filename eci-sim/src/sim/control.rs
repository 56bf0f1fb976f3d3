//! The control of one simulator within the process: clock, faults, scripts, ledger, bill, reset; never part of the ECI
//! OpenAPI.

mod cloud;
mod listing;
mod snapshots;

use std::collections::BTreeMap;
use std::time::Duration;

use determinism::Clock;
use determinism::clock::OutOfRange;
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::billing::{Bill, BillQuery, Cost};
use crate::faults::Rule;
use crate::group::Group;
use crate::latency::Latency;
use crate::ledger::Entry;
use crate::quota::Quota;
use crate::script::{AssumedRun, Script};
use crate::sim::EciSim;
use crate::state::{RequestLogEntry, State};
pub use listing::{GroupFilter, GroupSummary, RequestFilter};

/// The control API of one simulator; cheap to clone. [`crate::ControlServer`] serves the same over HTTP.
#[derive(Debug, Clone)]
pub struct Control(EciSim);

impl EciSim {
    /// The control API of this simulator.
    pub fn control(&self) -> Control {
        Control(self.clone())
    }
}

impl Control {
    /// The simulator.
    pub(crate) fn sim(&self) -> &EciSim {
        &self.0
    }

    /// The present; the world has advanced up to it when this returns.
    pub fn now(&self) -> Timestamp {
        self.with_current_state(|_, now| now)
    }

    /// Advances the clock; all that is due until then has happened when this returns.
    ///
    /// # Errors
    /// [`OutOfRange`] when the calendar ends first.
    pub fn advance(&self, by: Duration) -> Result<Timestamp, OutOfRange> {
        self.clock().advance(by)?;
        Ok(self.now())
    }

    /// Sets the rate of the clock, in simulated seconds a second of the machine; 0 pauses it.
    pub fn set_rate(&self, rate: u32) {
        self.clock().set_rate(rate);
    }

    /// The clock of the simulator.
    pub fn clock(&self) -> &Clock {
        self.0.clock()
    }

    /// The ledger's entries until now, oldest first.
    pub fn ledger(&self) -> Vec<Entry> {
        self.with_current_state(|state, _| state.world.ledger.entries().to_vec())
    }

    /// The ledger's entries from now on, as they are written; one at a time may follow, and none beyond a reset.
    pub fn follow_ledger(&self) -> UnboundedReceiver<Entry> {
        self.with_current_state(|state, _| state.world.ledger.follow())
    }

    /// The number of entries in the ledger.
    pub fn ledger_len(&self) -> usize {
        self.with_current_state(|state, _| state.world.ledger.entries().len())
    }

    /// The bill up to now.
    pub fn bill(&self) -> Bill {
        self.with_current_state(|state, now| state.world.bill(now))
    }

    /// The lines of the bill up to now that a filter selects.
    pub fn bill_of(&self, query: &BillQuery) -> Bill {
        self.bill().selected(query)
    }

    /// The total of the bill up to now; not known where a price is missing.
    pub fn cost(&self) -> Cost {
        self.bill().total
    }

    /// The time of the next due event; `None` where nothing is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.with_current_state(|state, _| state.world.next_due())
    }

    /// All groups, in order of creation.
    pub fn groups(&self) -> Vec<GroupSummary> {
        self.with_current_state(|state, _| state.world.groups().map(GroupSummary::of).collect())
    }

    /// The groups that the filter selects, in order of creation.
    pub fn find(&self, which: &GroupFilter) -> Vec<GroupSummary> {
        let is = |wanted: &Option<String>, own: &str| wanted.as_deref().is_none_or(|wanted| wanted == own);
        let fits = |group: &&Group| {
            is(&which.account, &group.record.account)
                && is(&which.region, &group.record.region)
                && is(&which.status, group.state.name())
                && which.name.as_deref().is_none_or(|part| group.record.name.contains(part))
        };
        let limit = which.limit.unwrap_or(usize::MAX);
        let mut found: Vec<_> = self.with_current_state(|state, _| {
            let latest = state.world.groups().rev().filter(fits).take(limit);
            latest.map(GroupSummary::of).collect()
        });
        found.reverse();
        found
    }

    /// Adds a script for the containers whose image, or whose group's name, matches `pattern`; it applies from their
    /// next start.
    pub fn script(&self, pattern: impl Into<String>, script: Script) {
        self.with_current_state(|state, _| state.world.scripts.add(pattern, script));
    }

    /// Removes all scripts.
    pub fn clear_scripts(&self) {
        self.with_current_state(|state, _| state.world.scripts.clear());
    }

    /// Adds a fault rule behind the others; returns the number by which it is removed.
    pub fn add_fault(&self, rule: Rule) -> u64 {
        self.with_current_state(|state, _| state.faults.add(rule))
    }

    /// Adds those rules that are not there yet, however many calls they have left: a persistent world brings its own
    /// along.
    pub fn add_missing_faults(&self, rules: Vec<Rule>) {
        let known = self.faults();
        let same = |one: &Rule, other: &Rule| {
            Rule { times: None, ..one.clone() } == Rule { times: None, ..other.clone() }
        };
        for rule in rules.into_iter().filter(|rule| !known.iter().any(|(_, own)| same(own, rule))) {
            self.add_fault(rule);
        }
    }

    /// Removes a fault rule; false when there is none of this number.
    pub fn remove_fault(&self, number: u64) -> bool {
        self.with_current_state(|state, _| state.faults.remove(number))
    }

    /// Removes all fault rules.
    pub fn clear_faults(&self) {
        self.with_current_state(|state, _| state.faults.clear());
    }

    /// The fault rules in their order, with their numbers.
    pub fn faults(&self) -> Vec<(u64, Rule)> {
        self.with_current_state(|state, _| state.faults.rules().to_vec())
    }

    /// The numbers of the fault rules that have not applied to any call yet.
    pub fn idle_faults(&self) -> Vec<u64> {
        self.with_current_state(|state, _| state.faults.idle())
    }

    /// The patterns of scripts that have not matched any container or group yet.
    pub fn idle_scripts(&self) -> Vec<String> {
        self.with_current_state(|state, _| state.world.scripts.idle())
    }

    /// The containers whose commands were not played, oldest first; 10,000 at most.
    pub fn assumed(&self) -> Vec<AssumedRun> {
        self.with_current_state(|state, _| state.world.assumed.all().to_vec())
    }

    /// The zones, and the sizes in zones, that are out of stock.
    pub fn sold_out(&self) -> Vec<String> {
        self.with_current_state(|state, _| state.world.sold_out.iter().cloned().collect())
    }

    /// Takes a zone out of stock (`cn-hangzhou-b`), or one size there (`cn-hangzhou-b/2.0-4.0Gi`).
    pub fn sell_out(&self, what: impl Into<String>) {
        self.with_current_state(|state, _| state.world.sold_out.insert(what.into()));
    }

    /// Puts a zone or size back in stock.
    pub fn restock(&self, what: &str) {
        self.with_current_state(|state, _| state.world.sold_out.remove(what));
    }

    /// The limits of every account in a region.
    pub fn quota(&self) -> Quota {
        self.with_current_state(|state, _| state.world.quota)
    }

    /// Sets the limits of every account in a region.
    pub fn set_quota(&self, quota: Quota) {
        self.with_current_state(|state, _| state.world.quota = quota);
    }

    /// The latency of the steps of groups.
    pub fn latency(&self) -> Latency {
        self.with_current_state(|state, _| state.world.latency)
    }

    /// Sets the latency of the steps of groups that begin from now on; a reset leaves it.
    pub fn set_latency(&self, latency: Latency) {
        self.with_current_state(|state, _| state.world.latency = latency);
    }

    /// True while calls are throttled.
    pub fn throttling(&self) -> bool {
        self.0.state().throttle.on
    }

    /// Turns the throttling of calls by the published numbers a minute on or off.
    pub fn set_throttling(&self, on: bool) {
        self.with_current_state(|state, _| state.throttle.on = on);
    }

    /// The number of calls since this process began, by operation and error code; the code is empty for those that
    /// succeeded.
    pub fn call_counts(&self) -> BTreeMap<(String, String), u64> {
        self.0.state().call_counts.clone()
    }

    /// The latest calls, oldest first.
    pub fn requests(&self) -> Vec<RequestLogEntry> {
        self.with_current_state(|state, _| state.log.iter().cloned().collect())
    }

    /// The calls in the request log that the filter selects, oldest first.
    pub fn search(&self, search: &RequestFilter) -> Vec<RequestLogEntry> {
        let limit = search.limit.unwrap_or(usize::MAX);
        let state = self.0.state();
        let mut found: Vec<_> =
            state.log.iter().rev().filter(|call| call.fits(search)).take(limit).cloned().collect();
        found.reverse();
        found
    }

    /// Deletes what an account has, what is in a region, or what an account has in a region; everything, where neither
    /// is given.
    pub fn reset_only(&self, account: Option<&str>, region: Option<&str>) {
        if account.is_none() && region.is_none() {
            return self.reset();
        }
        let is = |wanted: Option<&str>, own: &str| wanted.is_none_or(|wanted| wanted == own);
        self.with_current_state(|state, _| state.world.clear(|a, r| is(account, a) && is(region, r)));
    }

    /// Replaces the world by an empty one at the present, with the same seed and latency.
    pub fn reset(&self) {
        let mut fresh = State::fresh(self.0.seed(), self.0.clock().now());
        let mut state = self.0.state();
        fresh.world.latency = state.world.latency;
        state.restore(fresh);
    }

    /// Calls `look` with the state, advanced to the present.
    fn with_current_state<T>(&self, look: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let (mut state, now) = self.0.state_now();
        look(&mut state, now)
    }
}
