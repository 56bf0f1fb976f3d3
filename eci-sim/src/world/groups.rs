//! The groups of the world: their way in, what changes them, and their way out.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::World;
use super::index::Key;
use crate::billing::account::tariff_of;
use crate::billing::meter;
use crate::group::Group;
use crate::group::steps::GroupContext;
use crate::ledger::{BillingRecord, LedgerEvent};
use crate::lifecycle::{Event, Illegal, State};
use crate::orders::{Observation, Work};
use crate::script::Run;

/// Records of groups that ended, by account and region, that are kept for longer than [`RECORD_TTL`] (eci-openapi.md,
/// section 7.1).
const RECORDS_MAX: usize = 100;
const RECORD_TTL: SignedDuration = SignedDuration::from_hours(1);

impl World {
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

    /// Executes a command in a running container; `None` where there is none of this name. A command that reads an
    /// input, where one is `offered` and not given yet, does nothing.
    pub fn execute(
        &mut self,
        number: u64,
        container: &str,
        words: &[Box<str>],
        (input, offered): (Option<&[u8]>, bool),
    ) -> Option<Arc<Run>> {
        let now = self.now;
        let all = &self.groups.get(&number)?.containers;
        let index = all.iter().position(|own| &*own.spec.name == container && own.is_running())?;
        let index = u8::try_from(index).ok()?;
        self.with_group(number, now, |context| context.execute(index, words, input, offered))
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
            self.ledger.write(now, &group.record, LedgerEvent::Changed);
        }
        group.changed = now;
        let after = u64::from(group.vcpu().0);
        if let Some(account_region) = account_region {
            account_region.index.add(group);
            account_region.used_milli_vcpu = (account_region.used_milli_vcpu + after).saturating_sub(before);
        }
    }

    /// Lets `act` change a group at an instant, then updates the index and what the group occupies.
    pub(super) fn with_group<T>(
        &mut self,
        number: u64,
        at: Timestamp,
        act: impl FnOnce(&mut GroupContext<'_>) -> T,
    ) -> Option<T> {
        let group = self.groups.get_mut(&number)?;
        let before = group.state;
        let (agenda, ledger, scripts, seed) = (&mut self.agenda, &mut self.ledger, &self.scripts, self.seed);
        let (market, sold_out, latency) = (&self.market, &self.sold_out, self.latency);
        let (runtime, assumed) = (&self.runtime, &mut self.assumed);
        let tariff = &*tariff_of(&self.tariff, &self.accounts, &group.record.account);
        let result = act(&mut GroupContext {
            at,
            group,
            agenda,
            ledger,
            scripts,
            assumed,
            seed,
            latency,
            market,
            tariff,
            sold_out,
            runtime,
        });
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
    pub(super) fn age(&mut self, number: u64, at: Timestamp) {
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

    /// Drops a group and its record; its usage stays as a sum.
    pub(super) fn forget(&mut self, number: u64) {
        let Some(mut group) = self.groups.remove(&number) else { return };
        self.runtime.order(number, &group.record.id, Work::Remove);
        self.agenda.cancel(&mut group.due, |_| true);
        self.numbers.remove(&group.record.id);
        if let Some(entries) = self.ledger.archive_group(number) {
            self.settled.take(meter::usages(&entries, self.now), &self.tariff, &self.accounts);
        }
        let key = (Arc::clone(&group.record.account), Arc::clone(&group.record.region));
        if let Some(account_region) = self.account_regions.get_mut(&key) {
            account_region.groups.remove(&number);
            account_region.index.remove(&group);
            account_region.finished.retain(|(_, other)| *other != number);
        }
    }
}
