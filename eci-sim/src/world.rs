//! The world: groups, addresses, stock, the agenda; it moves only by `advance_to`.

mod arrears;
pub mod assets;
pub mod charges;
mod faults;
mod groups;
pub mod index;
pub mod network;
pub mod sessions;
pub(crate) mod snapshot;
pub mod standing;
pub mod tokens;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use determinism::{Chance, Seed};
use jiff::Timestamp;

use crate::agenda::{Agenda, Step};
use crate::billing::account::tariff_of;
use crate::billing::cached_rows::CachedRows;
use crate::billing::fee::FeePeriods;
use crate::billing::meter::{self, Usage};
use crate::billing::settled::Settled;
use crate::billing::{AccountTerms, Bill};
use crate::group::Group;
use crate::latency::Latency;
use crate::ledger::Ledger;
use crate::market::Market;
use crate::orders::Runtime;
use crate::prices::Tariff;
use crate::quota::Quota;
use crate::script::{AssumedRuns, Scripts};
use arrears::Debit;
use assets::Assets;
use index::Index;
use network::Network;
use sessions::Sessions;
use standing::Standings;
use tokens::Tokens;

/// The simulated cloud.
#[derive(Debug, Clone)]
pub struct World {
    seed: Seed,
    now: Timestamp,
    /// Time at which the world began, and with it the bill.
    began: Timestamp,
    /// Times at which bills of accounts began anew.
    began_anew: BTreeMap<String, Timestamp>,
    groups: BTreeMap<u64, Box<Group>>,
    numbers: HashMap<Arc<str>, u64>,
    account_regions: BTreeMap<(Arc<str>, Arc<str>), AccountRegion>,
    agenda: Agenda,
    next_number: u64,
    names: BTreeSet<Arc<str>>,
    /// Number of shared texts at which unused ones are dropped.
    names_sweep_at: usize,
    ids: Chance,
    /// Caches, virtual nodes and tasks.
    pub assets: Assets,
    /// Ledger of lifecycle events.
    pub ledger: Ledger,
    /// Usage of groups that are no longer in the ledger.
    pub settled: Settled,
    /// Scripts of containers.
    pub scripts: Scripts,
    /// Containers whose commands were not played.
    pub assumed: AssumedRuns,
    /// Limits of an account in a region.
    pub quota: Quota,
    /// Latency of the steps of groups.
    pub latency: Latency,
    /// Out of stock: zones, or sizes in zones as `cn-hangzhou-b/2.0-4.0Gi`.
    pub sold_out: BTreeSet<String>,
    /// Replies to calls with a client token.
    pub tokens: Tokens,
    /// Spot market.
    pub market: Market,
    /// Standings of accounts.
    pub standings: Standings,
    /// Commitments and discounts of accounts.
    pub accounts: BTreeMap<String, AccountTerms>,
    /// Times since which accounts are in arrears.
    arrears: BTreeMap<String, Timestamp>,
    /// Amounts that accounts with a balance owe.
    debits: BTreeMap<String, Debit>,
    /// Rows of the last query of the billing API.
    pub cached_rows: Option<CachedRows>,
    /// Exec sessions that may be opened.
    pub sessions: Sessions,
    /// Container runtime.
    pub runtime: Runtime,
    /// Prices and currency of the bill.
    pub tariff: Tariff,
}

/// An account's groups and network in a region.
#[derive(Debug, Clone, Default)]
pub struct AccountRegion {
    groups: BTreeSet<u64>,
    /// Index of the groups by name, tag and state.
    pub index: Index,
    finished: BTreeSet<(Timestamp, u64)>,
    /// vSwitches and the addresses in use.
    pub network: Network,
    used_milli_vcpu: u64,
}

impl World {
    /// An empty world.
    pub fn new(seed: Seed, now: Timestamp) -> Self {
        Self {
            seed,
            now,
            began: now,
            began_anew: BTreeMap::new(),
            groups: BTreeMap::new(),
            numbers: HashMap::new(),
            account_regions: BTreeMap::new(),
            agenda: Agenda::default(),
            next_number: 1,
            names: BTreeSet::new(),
            names_sweep_at: 1000,
            ids: seed.chance("ids"),
            assets: Assets::default(),
            ledger: Ledger::default(),
            settled: Settled::default(),
            scripts: Scripts::default(),
            assumed: AssumedRuns::default(),
            quota: Quota::default(),
            latency: Latency::default(),
            sold_out: BTreeSet::new(),
            tokens: Tokens::default(),
            market: Market::default(),
            standings: Standings::default(),
            accounts: BTreeMap::new(),
            arrears: BTreeMap::new(),
            debits: BTreeMap::new(),
            cached_rows: None,
            sessions: Sessions::default(),
            runtime: Runtime::default(),
            tariff: Tariff::default(),
        }
    }

    /// The time up to which the world has advanced.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The time of the next due event.
    pub fn next_due(&self) -> Option<Timestamp> {
        [self.agenda.next(), self.assets.next_expiry(), self.next_debit()].into_iter().flatten().min()
    }

    /// Carries out all events that are due until `now`, each at its own time.
    pub fn advance_to(&mut self, now: Timestamp) {
        while let Some(at) = self.next_debit().filter(|at| *at <= now) {
            self.run_until(at);
            self.debit(at);
        }
        self.run_until(now);
    }

    fn run_until(&mut self, now: Timestamp) {
        while let Some((slot, number, step)) = self.agenda.take(now) {
            self.drop_expired(slot.0);
            self.now = self.now.max(slot.0);
            if let Some(group) = self.groups.get_mut(&number) {
                group.due.retain(|own| *own != slot);
            }
            if step == Step::RecordAged {
                self.age(number, slot.0);
            } else {
                self.with_group(number, slot.0, |context| context.carry_out(step));
            }
        }
        self.drop_expired(now);
        self.now = self.now.max(now);
    }

    /// The usage of all groups up to an instant, but for that which is only known as a sum.
    pub fn usages(&self, now: Timestamp) -> Vec<Usage> {
        let gone = self.settled.usages().cloned();
        gone.chain(meter::usages(self.ledger.entries(), now)).collect()
    }

    /// The bill of everything up to an instant.
    pub fn bill(&self, now: Timestamp) -> Bill {
        self.bill_of_accounts(now, |_| true)
    }

    /// The bill of the accounts that fit, up to an instant: no account shares commitments or small amounts with another.
    pub fn bill_of_accounts(&self, now: Timestamp, fits: impl Fn(&str) -> bool) -> Bill {
        let mut usages = meter::stretches(self.ledger.entries(), now);
        usages.extend(self.settled.usages().map(Usage::stretch));
        usages.retain(|usage| fits(&usage.group.account));
        let periods = self.fee_periods(now, &fits);
        self.settled.bill(usages, &self.tariff, &self.accounts, (&periods, fits))
    }

    /// The time up to an instant for which accounts that fit pay the fees of commitments: since their bill began.
    fn fee_periods(&self, until: Timestamp, fits: impl Fn(&str) -> bool) -> FeePeriods {
        let paying = self.accounts.iter().filter(|(name, terms)| terms.has_commitments() && fits(name));
        let period = |(name, _): (&String, &AccountTerms)| {
            let since = self.began_anew.get(name).unwrap_or(&self.began);
            (name.clone(), since.as_second()..until.as_second())
        };
        paying.map(period).collect()
    }

    /// The prices of an account, in its currency.
    pub fn tariff_of(&self, account: &str) -> Tariff {
        tariff_of(&self.tariff, &self.accounts, account).into_owned()
    }

    /// A text that many groups share, stored once.
    pub fn shared(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.names.get(text) {
            return Arc::clone(known);
        }
        if self.names.len() >= self.names_sweep_at {
            self.names.retain(|name| Arc::strong_count(name) > 1);
            self.names_sweep_at = 1000 + 2 * self.names.len();
        }
        let name: Arc<str> = text.into();
        self.names.insert(Arc::clone(&name));
        name
    }

    /// A new id of the form that the region gives out.
    pub fn new_id(&mut self, kind: &str, region_prefix: &str) -> String {
        let tail = self.ids.text("abcdefghijklmnopqrstuvwxyz0123456789", 20 - region_prefix.len().min(20));
        format!("{kind}-{region_prefix}{tail}")
    }

    /// A random generator of its own for what is named.
    pub fn draw(&self, what: &str) -> Chance {
        self.seed.chance(what)
    }

    /// The number of the next group.
    pub fn next_number(&self) -> u64 {
        self.next_number
    }

    /// An account's groups and network in a region; made where there are none.
    pub fn account_region(&mut self, account: &Arc<str>, region: &Arc<str>) -> &mut AccountRegion {
        self.account_regions.entry((Arc::clone(account), Arc::clone(region))).or_default()
    }

    /// An account's groups and network in a region, where there are any.
    pub fn find_account_region(&self, account: &Arc<str>, region: &Arc<str>) -> Option<&AccountRegion> {
        self.account_regions.get(&(Arc::clone(account), Arc::clone(region)))
    }

    /// Deletes all groups, assets, addresses and ledger entries of the accounts and regions that fit.
    pub fn clear(&mut self, fits: impl Fn(&str, &str) -> bool) {
        let own = |group: &Group| fits(&group.record.account, &group.record.region);
        let numbers: Vec<u64> = self.groups().filter(|group| own(group)).map(|g| g.record.number).collect();
        numbers.into_iter().for_each(|number| self.forget(number));
        self.account_regions.retain(|(account, region), _| !fits(account, region));
        self.assets.clear(&fits);
        self.ledger.clear(&fits);
        self.tokens.clear(|account| fits(account, ""));
        self.settled.clear(&fits);
        self.cached_rows = None;
        let fresh: Vec<String> = self.accounts.keys().filter(|account| fits(account, "")).cloned().collect();
        for account in fresh {
            self.leave_arrears(&account);
            self.began_anew.insert(account, self.now);
        }
    }
}

impl AccountRegion {
    /// The number of groups, those included that ended.
    pub fn count(&self) -> usize {
        self.groups.len()
    }

    /// Thousandths of vCPU in use.
    pub fn used_milli_vcpu(&self) -> u64 {
        self.used_milli_vcpu
    }
}
