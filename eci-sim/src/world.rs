//! The world: groups, addresses, stock, the agenda; it moves only by `advance_to`.

pub mod assets;
pub mod charges;
mod faults;
pub mod index;
pub mod network;
pub mod sessions;
pub(crate) mod snapshot;
pub mod standing;
pub mod tokens;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use determinism::{Chance, Seed};
use jiff::{SignedDuration, Timestamp};

use crate::agenda::{Agenda, Step};
use crate::billing::meter::{self, Usage};
use crate::billing::settled::Settled;
use crate::group::Group;
use crate::group::steps::GroupContext;
use crate::ledger::{BillingRecord, Ledger};
use crate::lifecycle::{Event, Illegal, State};
use crate::market::Market;
use crate::orders::{Observation, Runtime, Work};
use crate::quota::Quota;
use crate::script::Scripts;
use assets::Assets;
use index::{Index, Key};
use network::Network;
use sessions::Sessions;
use standing::Standings;
use tokens::Tokens;

/// Records of groups that ended, by account and region, that are kept for longer than [`RECORD_TTL`] (eci-openapi.md,
/// section 7.1).
const RECORDS_MAX: usize = 100;
const RECORD_TTL: SignedDuration = SignedDuration::from_hours(1);

/// The simulated cloud.
#[derive(Debug, Clone)]
pub struct World {
    seed: Seed,
    now: Timestamp,
    groups: BTreeMap<u64, Box<Group>>,
    numbers: HashMap<Box<str>, u64>,
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
    /// Limits of an account in a region.
    pub quota: Quota,
    /// Out of stock: zones, or sizes in zones as `cn-hangzhou-b/2.0-4.0Gi`.
    pub sold_out: BTreeSet<String>,
    /// Replies to calls with a client token.
    pub tokens: Tokens,
    /// Spot market.
    pub market: Market,
    /// Standings of accounts.
    pub standings: Standings,
    /// Exec sessions that may be opened.
    pub sessions: Sessions,
    /// Container runtime.
    pub runtime: Runtime,
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
            quota: Quota::default(),
            sold_out: BTreeSet::new(),
            tokens: Tokens::default(),
            market: Market::default(),
            standings: Standings::default(),
            sessions: Sessions::default(),
            runtime: Runtime::default(),
        }
    }

    /// The time up to which the world has advanced.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The time of the next due event.
    pub fn next_due(&self) -> Option<Timestamp> {
        [self.agenda.next(), self.assets.next_expiry()].into_iter().flatten().min()
    }

    /// Carries out all events that are due until `now`, each at its own time.
    pub fn advance_to(&mut self, now: Timestamp) {
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

    /// Adds a group, and starts its life.
    pub fn add(&mut self, mut group: Group) {
        let number = group.record.number;
        self.next_number = self.next_number.max(number + 1);
        self.numbers.insert(group.record.id.clone(), number);
        let vcpu = u64::from(group.vcpu().0);
        let (account, region) = (Arc::clone(&group.record.account), Arc::clone(&group.record.region));
        // a container engine assigns addresses of its own
        let unused = group.address.take_if(|_| self.runtime.is_real());
        let account_region = self.account_region(&account, &region);
        account_region.network.release(&group.spec.vswitch, unused, None);
        account_region.groups.insert(number);
        account_region.used_milli_vcpu += vcpu;
        account_region.index.add(&group);
        self.groups.insert(number, Box::new(group));
        let now = self.now;
        self.with_group(number, now, |context| context.on_created());
    }

    /// An account's group of this id in a region.
    pub fn find(&self, account: &Arc<str>, region: &Arc<str>, id: &str) -> Option<&Group> {
        let group = self.groups.get(self.numbers.get(id)?)?;
        (group.record.account == *account && group.record.region == *region).then_some(group)
    }

    /// A group by its number.
    pub fn group(&self, number: u64) -> Option<&Group> {
        self.groups.get(&number).map(AsRef::as_ref)
    }

    /// An account's groups in a region after the one of this number, in order of creation.
    pub fn groups_after<'a>(
        &'a self,
        account: &Arc<str>,
        region: &Arc<str>,
        after: u64,
    ) -> impl Iterator<Item = &'a Group> {
        let numbers = self
            .find_account_region(account, region)
            .map(|account_region| account_region.groups.range(after + 1..));
        numbers.into_iter().flatten().filter_map(|number| self.groups.get(number)).map(AsRef::as_ref)
    }

    /// An account's groups in a region with a key of the index, after the one of a number, in order of creation.
    pub fn groups_with<'a>(
        &'a self,
        account: &Arc<str>,
        region: &Arc<str>,
        key: Key<'_>,
        after: u64,
    ) -> impl Iterator<Item = &'a Group> {
        let numbers = self
            .find_account_region(account, region)
            .map(|account_region| account_region.index.after(key, after));
        numbers.into_iter().flatten().filter_map(|number| self.group(number))
    }

    /// All groups, in order of creation.
    pub fn groups(&self) -> impl DoubleEndedIterator<Item = &Group> {
        self.groups.values().map(AsRef::as_ref)
    }

    /// Deletes a group; `force` skips its time to end.
    pub fn delete(&mut self, number: u64, force: bool) {
        let now = self.now;
        self.with_group(number, now, |context| context.delete(force));
    }

    /// Restarts or updates a group.
    ///
    /// # Errors
    /// [`Illegal`] in a state that does not allow it.
    pub fn start_over(&mut self, number: u64, event: Event) -> Result<(), Illegal> {
        let now = self.now;
        self.with_group(number, now, |context| context.start_over(event)).unwrap_or(Ok(()))
    }

    /// Announces that a spot instance is taken back in so many minutes.
    pub fn announce_reclaim(&mut self, number: u64, minutes: u8) {
        let now = self.now;
        self.with_group(number, now, |context| context.announce_reclaim(minutes));
    }

    /// Crashes a container; false when the group has none of this name that is running.
    pub fn crash(&mut self, number: u64, container: &str, exit_code: i32) -> bool {
        let now = self.now;
        self.with_group(number, now, |context| context.crash(container, exit_code)).unwrap_or(false)
    }

    /// Applies an observation of the container engine to a group; none where the group is gone.
    pub fn observe(&mut self, number: u64, observation: Observation) {
        let now = self.now;
        self.with_group(number, now, |context| context.observe(observation));
    }

    /// Changes a group; new terms or tags become an entry of the ledger.
    pub fn change(&mut self, number: u64, change: impl FnOnce(&mut Group, &mut BillingRecord)) {
        let now = self.now;
        let Some(group) = self.groups.get_mut(&number) else { return };
        let key = (Arc::clone(&group.record.account), Arc::clone(&group.record.region));
        let mut account_region = self.account_regions.get_mut(&key);
        if let Some(account_region) = &mut account_region {
            account_region.index.remove(group);
        }
        let mut record = (*group.record).clone();
        let before = u64::from(group.vcpu().0);
        change(group, &mut record);
        if record != *group.record {
            group.record = Arc::new(record);
            self.ledger.write(now, &group.record, crate::ledger::LedgerEvent::Changed);
        }
        group.changed = now;
        let after = u64::from(group.vcpu().0);
        if let Some(account_region) = account_region {
            account_region.index.add(group);
            account_region.used_milli_vcpu = (account_region.used_milli_vcpu + after).saturating_sub(before);
        }
    }

    /// Lets `act` change a group at an instant, then updates the index and what the group occupies.
    fn with_group<T>(
        &mut self,
        number: u64,
        at: Timestamp,
        act: impl FnOnce(&mut GroupContext<'_>) -> T,
    ) -> Option<T> {
        let group = self.groups.get_mut(&number)?;
        let before = group.state;
        let (agenda, ledger, scripts, seed) = (&mut self.agenda, &mut self.ledger, &self.scripts, self.seed);
        let (market, sold_out) = (&self.market, &self.sold_out);
        let runtime = &self.runtime;
        let result =
            act(&mut GroupContext { at, group, agenda, ledger, scripts, seed, market, sold_out, runtime });
        let after = group.state;
        if before != after {
            let key = (Arc::clone(&group.record.account), Arc::clone(&group.record.region));
            if let Some(account_region) = self.account_regions.get_mut(&key) {
                account_region.index.moved(number, before, after);
            }
        }
        if before.is_final() && after != State::Deleted || !after.is_final() {
            return Some(result);
        }
        self.release(number, before, at);
        Some(result)
    }

    /// Frees the machine and the address of a group that ended, or is gone.
    fn release(&mut self, number: u64, before: State, at: Timestamp) {
        let Some(group) = self.groups.get(&number) else { return };
        let key = (Arc::clone(&group.record.account), Arc::clone(&group.record.region));
        let Some(account_region) = self.account_regions.get_mut(&key) else { return };
        if !before.is_final() {
            account_region.used_milli_vcpu =
                account_region.used_milli_vcpu.saturating_sub(u64::from(group.vcpu().0));
            let reserved = group.spec.optional.as_ref().and_then(|optional| optional.fixed_ip_hours);
            let reserved = reserved.map(|hours| at + SignedDuration::from_hours(i64::from(hours)));
            account_region.network.release(
                &group.spec.vswitch,
                group.address,
                reserved.map(|until| (&*group.record.name, until)),
            );
            account_region.finished.insert((at, number));
        }
        if group.state == State::Deleted {
            self.forget(number);
        }
        self.prune(&key, at);
    }

    /// Drops the record of a group that ended and is old: that of a failed scheduling at once, others where there are
    /// too many.
    fn age(&mut self, number: u64, at: Timestamp) {
        let Some(group) = self.groups.get(&number) else { return };
        let key = (Arc::clone(&group.record.account), Arc::clone(&group.record.region));
        if group.state == State::ScheduleFailed {
            self.with_group(number, at, |context| context.forget());
        }
        self.prune(&key, at);
    }

    /// Drops the records that are both old and too many.
    fn prune(&mut self, key: &(Arc<str>, Arc<str>), now: Timestamp) {
        while let Some(account_region) = self.account_regions.get(key)
            && account_region.finished.len() > RECORDS_MAX
            && let Some(&(ended, number)) = account_region.finished.first()
            && ended.duration_until(now) >= RECORD_TTL
        {
            self.with_group(number, now, |context| context.forget());
        }
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
    }

    fn forget(&mut self, number: u64) {
        let Some(mut group) = self.groups.remove(&number) else { return };
        self.runtime.order(number, &group.record.id, Work::Remove);
        self.agenda.cancel(&mut group.due, |_| true);
        self.numbers.remove(&group.record.id);
        if let Some(entries) = self.ledger.archive_group(number) {
            self.settled.take(meter::usages(&entries, self.now));
        }
        let key = (Arc::clone(&group.record.account), Arc::clone(&group.record.region));
        if let Some(account_region) = self.account_regions.get_mut(&key) {
            account_region.groups.remove(&number);
            account_region.index.remove(&group);
            account_region.finished.retain(|(_, other)| *other != number);
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
