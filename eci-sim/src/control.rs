//! The simulator's own door: clock, faults, scripts, ledger, bill, reset; never part of the ECI API.

pub mod door;

use std::collections::BTreeMap;

use determinism::Clock;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::EciSim;
use crate::billing::{Bill, meter};
use crate::faults::Rule;
use crate::group::Group;
use crate::ledger::Entry;
use crate::money::Yuan;
use crate::quota::Quota;
use crate::script::Script;
use crate::server::{Logged, State};

/// The door; cheap to clone.
#[derive(Debug, Clone)]
pub struct Control(EciSim);

/// A group as the door shows it, of whichever account and region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct GroupSummary {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub account: String,
    /// Where it is.
    pub region: String,
    /// Its state in ECI's words.
    pub status: String,
    /// How many vCPU it has.
    pub vcpu: Decimal,
    /// How many GiB of memory it has.
    pub memory: Decimal,
    /// When it was asked for.
    pub created: Timestamp,
    /// Since when it is in its state.
    pub since: Timestamp,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Control {
    pub(crate) fn of(sim: EciSim) -> Self {
        Self(sim)
    }

    /// The clock that all of it follows.
    pub fn clock(&self) -> &Clock {
        self.0.clock()
    }

    /// What happened until now, oldest first.
    pub fn ledger(&self) -> Vec<Entry> {
        self.at_present(|state, _| state.world.ledger.entries().to_vec())
    }

    /// The bill up to now.
    pub fn bill(&self) -> Bill {
        let currency = self.0.currency();
        self.at_present(|state, now| Bill::of(&meter::usages(state.world.ledger.entries(), now), currency))
    }

    /// What it all costs up to now.
    pub fn cost(&self) -> Yuan {
        self.bill().total
    }

    /// When something happens next by itself; nothing, where nothing will.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.at_present(|state, _| state.world.next_due())
    }

    /// All groups, in order of creation.
    pub fn groups(&self) -> Vec<GroupSummary> {
        self.at_present(|state, _| state.world.groups().map(GroupSummary::of).collect())
    }

    /// Says what containers do whose image, or whose group's name, fits `pattern`; it counts from their next start.
    pub fn script(&self, pattern: impl Into<String>, script: Script) {
        self.at_present(|state, _| state.world.scripts.add(pattern, script));
    }

    /// Forgets all scripts.
    pub fn clear_scripts(&self) {
        self.at_present(|state, _| state.world.scripts.clear());
    }

    /// Lays a rule for calls; the number lifts it.
    pub fn lay(&self, rule: Rule) -> u64 {
        self.at_present(|state, _| state.faults.lay(rule))
    }

    /// Lifts a rule; false when there is none of this number.
    pub fn lift(&self, number: u64) -> bool {
        self.at_present(|state, _| state.faults.lift(number))
    }

    /// Lifts all rules.
    pub fn clear_faults(&self) {
        self.at_present(|state, _| state.faults.clear());
    }

    /// The rules that are laid, with their numbers.
    pub fn faults(&self) -> Vec<(u64, Rule)> {
        self.at_present(|state, _| state.faults.rules().to_vec())
    }

    /// Takes a zone out of stock (`cn-hangzhou-b`), or one size there (`cn-hangzhou-b/2.0-4.0Gi`).
    pub fn sell_out(&self, what: impl Into<String>) {
        self.at_present(|state, _| state.world.sold_out.insert(what.into()));
    }

    /// Puts it back in stock.
    pub fn restock(&self, what: &str) {
        self.at_present(|state, _| state.world.sold_out.remove(what));
    }

    /// Says how much an account may have.
    pub fn set_quota(&self, quota: Quota) {
        self.at_present(|state, _| state.world.quota = quota);
    }

    /// Whether calls are counted against the published numbers a minute.
    pub fn set_throttling(&self, on: bool) {
        self.at_present(|state, _| state.throttle.on = on);
    }

    /// The latest calls, oldest first.
    pub fn requests(&self) -> Vec<Logged> {
        self.at_present(|state, _| state.log.iter().cloned().collect())
    }

    /// Begins anew: an empty world at the present, from the same seed.
    pub fn reset(&self) {
        let fresh = EciSim::fresh_state(self.0.clock(), self.0.seed());
        *self.0.state() = fresh;
    }

    /// Brings the world up to the present, then looks at it.
    fn at_present<T>(&self, look: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let now = self.0.clock().now();
        let mut state = self.0.state();
        state.world.advance_to(now);
        look(&mut state, now)
    }
}

impl GroupSummary {
    fn of(group: &Group) -> Self {
        Self {
            id: group.card.id.to_string(),
            name: group.card.name.to_string(),
            account: group.card.account.to_string(),
            region: group.card.region.to_string(),
            status: group.state.name().to_owned(),
            vcpu: group.vcpu().vcpu().0,
            memory: group.memory().gib().0,
            created: group.born,
            since: group.since,
            tags: group.card.tags.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
        }
    }
}
