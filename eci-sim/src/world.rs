//! All that exists: groups, addresses, stock, what falls due; it moves only by `advance_to`.

pub mod assets;
pub mod charges;
pub mod index;
pub(crate) mod kept;
pub mod network;
pub mod sessions;
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
use crate::group::lifecycle::{Event, Illegal, State};
use crate::group::steps::Hands;
use crate::ledger::{Card, Ledger};
use crate::market::Market;
use crate::quota::Quota;
use crate::runtime::later::Later;
use crate::runtime::{Runtime, Seen, Work};
use crate::script::Scripts;
use assets::Assets;
use index::{Index, Key};
use network::Network;
use sessions::Sessions;
use standing::Standings;
use tokens::Tokens;

/// How many records of what ended are kept for longer than an hour (eci-openapi.md, section 7.1).
const RECORDS_KEPT: usize = 100;
const RECORD_YOUNG: SignedDuration = SignedDuration::from_hours(1);

/// The whole simulated cloud.
#[derive(Debug, Clone)]
pub struct World {
    seed: Seed,
    now: Timestamp,
    groups: BTreeMap<u64, Box<Group>>,
    numbers: HashMap<Box<str>, u64>,
    places: BTreeMap<(Arc<str>, Arc<str>), Place>,
    agenda: Agenda,
    next_number: u64,
    names: BTreeSet<Arc<str>>,
    /// At how many texts it is looked again which of them are still in use.
    names_looked_at: usize,
    ids: Chance,
    /// What has an id and is no container group.
    pub assets: Assets,
    /// What happened.
    pub ledger: Ledger,
    /// What groups have used that are no longer in the ledger.
    pub settled: Settled,
    /// What containers do.
    pub scripts: Scripts,
    /// How much there may be.
    pub quota: Quota,
    /// What is out of stock: a zone, or a zone and a size as `cn-hangzhou-b/2.0-4.0Gi`.
    pub sold_out: BTreeSet<String>,
    /// The answers to calls with a token, so that the same call gives the same answer.
    pub tokens: Tokens,
    /// What spot instances cost.
    pub market: Market,
    /// How accounts stand.
    pub standings: Standings,
    /// Sessions that may be opened.
    pub sessions: Sessions,
    /// Who does what containers do.
    pub runtime: Runtime,
    /// What is to be asked of an Engine before the present call can be answered.
    pub later: Option<Box<Later>>,
}

/// What one account has in one region.
#[derive(Debug, Clone, Default)]
pub struct Place {
    groups: BTreeSet<u64>,
    /// Its groups by name, tag and state.
    pub index: Index,
    finished: BTreeSet<(Timestamp, u64)>,
    /// Its vSwitches and the addresses in use.
    pub network: Network,
    used_milli_vcpu: u64,
}

impl World {
    /// An empty one.
    pub fn new(seed: Seed, now: Timestamp) -> Self {
        Self {
            seed,
            now,
            groups: BTreeMap::new(),
            numbers: HashMap::new(),
            places: BTreeMap::new(),
            agenda: Agenda::default(),
            next_number: 1,
            names: BTreeSet::new(),
            names_looked_at: 1000,
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
            later: None,
        }
    }

    /// Where the world has got to.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// When something happens next by itself.
    pub fn next_due(&self) -> Option<Timestamp> {
        [self.agenda.next(), self.assets.next_expiry()].into_iter().flatten().min()
    }

    /// Lets everything happen that falls due until `now`, each thing at its own instant.
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
                self.hands(number, slot.0, |hands| hands.carry_out(step));
            }
        }
        self.drop_expired(now);
        self.now = self.now.max(now);
    }

    /// What all groups have used up to an instant, as far as it is not known only as a sum.
    pub fn usages(&self, now: Timestamp) -> Vec<Usage> {
        let gone = self.settled.usages().cloned();
        gone.chain(meter::usages(self.ledger.entries(), now)).collect()
    }

    /// A text that many groups share.
    pub fn shared(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.names.get(text) {
            return Arc::clone(known);
        }
        if self.names.len() >= self.names_looked_at {
            self.names.retain(|name| Arc::strong_count(name) > 1);
            self.names_looked_at = 1000 + 2 * self.names.len();
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

    /// Chance of one's own for what is named.
    pub fn draw(&self, what: &str) -> Chance {
        self.seed.chance(what)
    }

    /// The number that the next group gets.
    pub fn next_number(&self) -> u64 {
        self.next_number
    }

    /// What an account has in a region.
    pub fn place(&mut self, account: &Arc<str>, region: &Arc<str>) -> &mut Place {
        self.places.entry((Arc::clone(account), Arc::clone(region))).or_default()
    }

    /// The same, where there is something.
    pub fn known_place(&self, account: &Arc<str>, region: &Arc<str>) -> Option<&Place> {
        self.places.get(&(Arc::clone(account), Arc::clone(region)))
    }

    /// A group begins to exist.
    pub fn add(&mut self, mut group: Group) {
        let number = group.card.number;
        self.next_number = self.next_number.max(number + 1);
        self.numbers.insert(group.card.id.clone(), number);
        let vcpu = u64::from(group.vcpu().0);
        let (account, region) = (Arc::clone(&group.card.account), Arc::clone(&group.card.region));
        // an Engine gives addresses of its own
        let unused = group.address.take_if(|_| self.runtime.is_real());
        let place = self.place(&account, &region);
        place.network.give_back(&group.spec.vswitch, unused, None);
        place.groups.insert(number);
        place.used_milli_vcpu += vcpu;
        place.index.add(&group);
        self.groups.insert(number, Box::new(group));
        let now = self.now;
        self.hands(number, now, |hands| hands.be_born());
    }

    /// An account's group of this id in a region.
    pub fn find(&self, account: &Arc<str>, region: &Arc<str>, id: &str) -> Option<&Group> {
        let group = self.groups.get(self.numbers.get(id)?)?;
        (group.card.account == *account && group.card.region == *region).then_some(group)
    }

    /// The group of this number.
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
        let numbers = self.known_place(account, region).map(|place| place.groups.range(after + 1..));
        numbers.into_iter().flatten().filter_map(|number| self.groups.get(number)).map(AsRef::as_ref)
    }

    /// An account's groups in a region that have something, after the one of a number, in order of creation.
    pub fn groups_with<'a>(
        &'a self,
        account: &Arc<str>,
        region: &Arc<str>,
        key: Key<'_>,
        after: u64,
    ) -> impl Iterator<Item = &'a Group> {
        let numbers = self.known_place(account, region).map(|place| place.index.after(key, after));
        numbers.into_iter().flatten().filter_map(|number| self.group(number))
    }

    /// All groups, in order of creation.
    pub fn groups(&self) -> impl DoubleEndedIterator<Item = &Group> {
        self.groups.values().map(AsRef::as_ref)
    }

    /// Somebody asked for a group's deletion.
    pub fn delete(&mut self, number: u64, force: bool) {
        let now = self.now;
        self.hands(number, now, |hands| hands.delete(force));
    }

    /// Somebody asked for a group's restart or update.
    ///
    /// # Errors
    /// [`Illegal`] in a state that does not allow it.
    pub fn start_over(&mut self, number: u64, event: Event) -> Result<(), Illegal> {
        let now = self.now;
        self.hands(number, now, |hands| hands.start_over(event)).unwrap_or(Ok(()))
    }

    /// The market takes a spot instance back in so many minutes.
    pub fn announce_reclaim(&mut self, number: u64, minutes: u8) {
        let now = self.now;
        self.hands(number, now, |hands| hands.announce_reclaim(minutes));
    }

    /// A container ends badly, out of the blue; false when the group has none of this name that is running.
    pub fn crash(&mut self, number: u64, container: &str, exit_code: i32) -> bool {
        let now = self.now;
        self.hands(number, now, |hands| hands.crash(container, exit_code)).unwrap_or(false)
    }

    /// An Engine saw something of a group; nothing follows where the group is gone.
    pub fn see(&mut self, number: u64, seen: Seen) {
        let now = self.now;
        self.hands(number, now, |hands| hands.see(seen));
    }

    /// Changes what is known of a group; its new terms stand in the ledger from now on.
    pub fn change(&mut self, number: u64, change: impl FnOnce(&mut Group, &mut Card)) {
        let now = self.now;
        let Some(group) = self.groups.get_mut(&number) else { return };
        let key = (Arc::clone(&group.card.account), Arc::clone(&group.card.region));
        let mut place = self.places.get_mut(&key);
        if let Some(place) = &mut place {
            place.index.remove(group);
        }
        let mut card = (*group.card).clone();
        let before = u64::from(group.vcpu().0);
        change(group, &mut card);
        if card != *group.card {
            group.card = Arc::new(card);
            self.ledger.write(now, &group.card, crate::ledger::What::Changed);
        }
        group.changed = now;
        let after = u64::from(group.vcpu().0);
        if let Some(place) = place {
            place.index.add(group);
            place.used_milli_vcpu = (place.used_milli_vcpu + after).saturating_sub(before);
        }
    }

    /// Lets `act` change a group at an instant, then draws the consequences outside of it.
    fn hands<T>(&mut self, number: u64, at: Timestamp, act: impl FnOnce(&mut Hands<'_>) -> T) -> Option<T> {
        let group = self.groups.get_mut(&number)?;
        let before = group.state;
        let (agenda, ledger, scripts, seed) = (&mut self.agenda, &mut self.ledger, &self.scripts, self.seed);
        let (market, sold_out) = (&self.market, &self.sold_out);
        let runtime = &self.runtime;
        let result = act(&mut Hands { at, group, agenda, ledger, scripts, seed, market, sold_out, runtime });
        let after = group.state;
        if before != after {
            let key = (Arc::clone(&group.card.account), Arc::clone(&group.card.region));
            if let Some(place) = self.places.get_mut(&key) {
                place.index.moved(number, before, after);
            }
        }
        if before.is_final() && after != State::Deleted || !after.is_final() {
            return Some(result);
        }
        self.release(number, before, at);
        Some(result)
    }

    /// A group ended, or is gone: its machine and its address are free.
    fn release(&mut self, number: u64, before: State, at: Timestamp) {
        let Some(group) = self.groups.get(&number) else { return };
        let key = (Arc::clone(&group.card.account), Arc::clone(&group.card.region));
        let Some(place) = self.places.get_mut(&key) else { return };
        if !before.is_final() {
            place.used_milli_vcpu = place.used_milli_vcpu.saturating_sub(u64::from(group.vcpu().0));
            let kept = group.spec.rare.as_ref().and_then(|rare| rare.fixed_ip_hours);
            let kept = kept.map(|hours| at + SignedDuration::from_hours(i64::from(hours)));
            place.network.give_back(
                &group.spec.vswitch,
                group.address,
                kept.map(|until| (&*group.card.name, until)),
            );
            place.finished.insert((at, number));
        }
        if group.state == State::Deleted {
            self.forget(number);
        }
        self.prune(&key, at);
    }

    /// The record of a group that ended grew old.
    fn age(&mut self, number: u64, at: Timestamp) {
        let Some(group) = self.groups.get(&number) else { return };
        let key = (Arc::clone(&group.card.account), Arc::clone(&group.card.region));
        if group.state == State::ScheduleFailed {
            self.hands(number, at, |hands| hands.forget());
        }
        self.prune(&key, at);
    }

    /// Drops the records that are both old and too many.
    fn prune(&mut self, key: &(Arc<str>, Arc<str>), now: Timestamp) {
        while let Some(place) = self.places.get(key)
            && place.finished.len() > RECORDS_KEPT
            && let Some(&(ended, number)) = place.finished.first()
            && ended.duration_until(now) >= RECORD_YOUNG
        {
            self.hands(number, now, |hands| hands.forget());
        }
    }

    /// Forgets all groups, assets, addresses and ledger lines of the accounts and regions that fit.
    pub fn clear(&mut self, fits: impl Fn(&str, &str) -> bool) {
        let own = |group: &Group| fits(&group.card.account, &group.card.region);
        let numbers: Vec<u64> = self.groups().filter(|group| own(group)).map(|g| g.card.number).collect();
        numbers.into_iter().for_each(|number| self.forget(number));
        self.places.retain(|(account, region), _| !fits(account, region));
        self.assets.clear(&fits);
        self.ledger.clear(&fits);
        self.tokens.clear(|account| fits(account, ""));
        self.settled.clear(&fits);
    }

    fn forget(&mut self, number: u64) {
        let Some(mut group) = self.groups.remove(&number) else { return };
        self.runtime.order(&group, Work::Remove);
        self.agenda.call_off(&mut group, |_| true);
        self.numbers.remove(&group.card.id);
        if let Some(entries) = self.ledger.let_go(number) {
            self.settled.take(meter::usages(&entries, self.now));
        }
        let key = (Arc::clone(&group.card.account), Arc::clone(&group.card.region));
        if let Some(place) = self.places.get_mut(&key) {
            place.groups.remove(&number);
            place.index.remove(&group);
            place.finished.retain(|(_, other)| *other != number);
        }
    }
}

impl Place {
    /// How many groups there are, those included that ended.
    pub fn count(&self) -> usize {
        self.groups.len()
    }

    /// Thousandths of vCPU in use.
    pub fn used_milli_vcpu(&self) -> u64 {
        self.used_milli_vcpu
    }
}
