//! The simulator's own door: clock, faults, scripts, ledger, bill, reset; never part of the ECI API.

pub mod client;
mod decree;
pub mod door;
pub(crate) mod followers;
pub mod snapshots;
pub mod wire;

use std::collections::BTreeMap;
use std::time::Duration;

use determinism::Clock;
use determinism::clock::OutOfRange;
use jiff::Timestamp;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::EciSim;
use crate::billing::Bill;
use crate::faults::Rule;
use crate::group::Group;
use crate::ledger::Entry;
use crate::money::Yuan;
use crate::quota::Quota;
use crate::script::Script;
use crate::server::{Logged, State};
use wire::{Search, Which};

/// The door; cheap to clone.
#[derive(Debug, Clone)]
pub struct Control(EciSim);

/// A group as the door shows it, of whichever account and region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    #[schemars(with = "String")]
    pub vcpu: Decimal,
    /// How many GiB of memory it has.
    #[schemars(with = "String")]
    pub memory: Decimal,
    /// When it was asked for.
    #[schemars(with = "String")]
    pub created: Timestamp,
    /// Since when it is in its state.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Control {
    pub(crate) fn of(sim: EciSim) -> Self {
        Self(sim)
    }

    /// The present; the world has come up to it when this returns.
    pub fn now(&self) -> Timestamp {
        self.at_present(|_, now| now)
    }

    /// Pushes time forward; what falls due on the way has happened when this returns.
    ///
    /// # Errors
    /// [`OutOfRange`] when the calendar ends first.
    pub fn advance(&self, by: Duration) -> Result<Timestamp, OutOfRange> {
        self.clock().advance(by)?;
        Ok(self.now())
    }

    /// Lets time run so many times as fast; 0 stops it.
    pub fn set_rate(&self, rate: u32) {
        self.clock().set_rate(rate);
    }

    /// The clock that all of it follows.
    pub fn clock(&self) -> &Clock {
        self.0.clock()
    }

    /// What happened until now, oldest first.
    pub fn ledger(&self) -> Vec<Entry> {
        self.at_present(|state, _| state.world.ledger.entries().to_vec())
    }

    /// How many entries there are of what happened.
    pub fn ledger_len(&self) -> usize {
        self.at_present(|state, _| state.world.ledger.entries().len())
    }

    /// The bill up to now.
    pub fn bill(&self) -> Bill {
        let currency = self.0.currency();
        self.at_present(|state, now| {
            let mut bill = Bill::of(&state.world.usages(now), currency);
            for line in state.world.settled.lines(currency) {
                bill.total += line.amount;
                bill.lines.push(line);
            }
            bill
        })
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

    /// The groups that are meant, in order of creation.
    pub fn find(&self, which: &Which) -> Vec<GroupSummary> {
        let is = |wanted: &Option<String>, own: &str| wanted.as_deref().is_none_or(|wanted| wanted == own);
        let fits = |group: &&Group| {
            is(&which.account, &group.card.account)
                && is(&which.region, &group.card.region)
                && is(&which.status, group.state.name())
                && which.name.as_deref().is_none_or(|part| group.card.name.contains(part))
        };
        let limit = which.limit.unwrap_or(usize::MAX);
        let mut found: Vec<_> = self.at_present(|state, _| {
            let latest = state.world.groups().rev().filter(fits).take(limit);
            latest.map(GroupSummary::of).collect()
        });
        found.reverse();
        found
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

    /// Lays those rules that are not laid yet, however many calls they are still for: a world that is kept keeps its own.
    pub fn lay_those_missing(&self, rules: Vec<Rule>) {
        let laid = self.faults();
        let same = |one: &Rule, other: &Rule| {
            Rule { times: None, ..one.clone() } == Rule { times: None, ..other.clone() }
        };
        for rule in rules.into_iter().filter(|rule| !laid.iter().any(|(_, own)| same(own, rule))) {
            self.lay(rule);
        }
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

    /// The numbers of the laid rules that have struck no call yet.
    pub fn idle_faults(&self) -> Vec<u64> {
        self.at_present(|state, _| state.faults.idle())
    }

    /// The patterns of scripts that no container or group has fitted yet.
    pub fn idle_scripts(&self) -> Vec<String> {
        self.at_present(|state, _| state.world.scripts.idle())
    }

    /// What is out of stock.
    pub fn sold_out(&self) -> Vec<String> {
        self.at_present(|state, _| state.world.sold_out.iter().cloned().collect())
    }

    /// Takes a zone out of stock (`cn-hangzhou-b`), or one size there (`cn-hangzhou-b/2.0-4.0Gi`).
    pub fn sell_out(&self, what: impl Into<String>) {
        self.at_present(|state, _| state.world.sold_out.insert(what.into()));
    }

    /// Puts it back in stock.
    pub fn restock(&self, what: &str) {
        self.at_present(|state, _| state.world.sold_out.remove(what));
    }

    /// How much an account may have.
    pub fn quota(&self) -> Quota {
        self.at_present(|state, _| state.world.quota)
    }

    /// Says how much an account may have.
    pub fn set_quota(&self, quota: Quota) {
        self.at_present(|state, _| state.world.quota = quota);
    }

    /// Whether calls are counted.
    pub fn throttling(&self) -> bool {
        self.0.state().throttle.on
    }

    /// Whether calls are counted against the published numbers a minute.
    pub fn set_throttling(&self, on: bool) {
        self.at_present(|state, _| state.throttle.on = on);
    }

    /// The latest calls, oldest first.
    pub fn requests(&self) -> Vec<Logged> {
        self.at_present(|state, _| state.log.iter().cloned().collect())
    }

    /// The calls that are meant, oldest first.
    pub fn search(&self, search: &Search) -> Vec<Logged> {
        let limit = search.limit.unwrap_or(usize::MAX);
        let state = self.0.state();
        let mut found: Vec<_> =
            state.log.iter().rev().filter(|call| call.fits(search)).take(limit).cloned().collect();
        found.reverse();
        found
    }

    /// Forgets what an account has, or what is in a region, or what an account has in a region; all, where neither is
    /// named.
    pub fn reset_only(&self, account: Option<&str>, region: Option<&str>) {
        if account.is_none() && region.is_none() {
            return self.reset();
        }
        let is = |wanted: Option<&str>, own: &str| wanted.is_none_or(|wanted| wanted == own);
        self.at_present(|state, _| state.world.clear(|a, r| is(account, a) && is(region, r)));
    }

    /// Begins anew: an empty world at the present, from the same seed.
    pub fn reset(&self) {
        let fresh = EciSim::fresh_state(self.0.clock(), self.0.seed());
        self.0.state().put_back(fresh);
    }

    /// Brings the world up to the present, then looks at it.
    fn at_present<T>(&self, look: impl FnOnce(&mut State, Timestamp) -> T) -> T {
        let now = self.0.clock().now();
        let mut state = self.0.state();
        state.world.advance_to(now);
        look(&mut state, now)
    }
}

impl Logged {
    fn fits(&self, search: &Search) -> bool {
        let is = |wanted: &Option<String>, own: &str| wanted.as_deref().is_none_or(|wanted| wanted == own);
        let like = |wanted: &Option<String>, own: &str| {
            wanted.as_deref().is_none_or(|pattern| crate::script::matches(pattern, own))
        };
        let texts = [&self.request_id, &self.action, &self.account, &self.region, &self.group, &self.code];
        like(&search.action, &self.action)
            && is(&search.group, &self.group)
            && is(&search.account, &self.account)
            && is(&search.region, &self.region)
            && like(&search.code, &self.code)
            && search.status.is_none_or(|status| status == self.status)
            && search.since.is_none_or(|since| since <= self.at)
            && search.text.as_deref().is_none_or(|part| texts.iter().any(|text| text.contains(part)))
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
