//! The serialized form of a world: parts that are written one after the other, and loaded in that order.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use determinism::{Chance, Seed};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::assets::Assets;
use super::network::Network;
use super::sessions::Sessions;
use super::standing::Standings;
use super::tokens::Tokens;
use super::{AccountRegion, World};
use crate::agenda::{Slot, Step};
use crate::billing::AccountTerms;
use crate::billing::settled::Settled;
use crate::group::Group;
use crate::latency::Latency;
use crate::ledger::{BillingRecord, Entry, Ledger, LedgerEvent};
use crate::market::Market;
use crate::quota::Quota;
use crate::script::{AssumedRuns, Scripts};

/// Groups or ledger entries in one part.
const RECORDS_PER_PART: usize = 64;

/// A part of a world; the header comes first, then the ledger, then the groups.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum WorldPart<'a> {
    /// All but ledger and groups.
    Header(Box<WorldHeader<'a>>),
    /// Entries of the ledger.
    Ledger(Vec<LedgerRecord<'a>>),
    /// Groups, in order of creation.
    Groups(Vec<GroupRecord<'a>>),
}

/// The singular fields of a world.
#[derive(Serialize, Deserialize)]
pub(crate) struct WorldHeader<'a> {
    now: Timestamp,
    next_number: u64,
    order: u64,
    ids: Chance,
    account_regions: Vec<RegionState<'a>>,
    gone: Cow<'a, BTreeSet<u64>>,
    assets: Cow<'a, Assets>,
    settled: Cow<'a, Settled>,
    scripts: Cow<'a, Scripts>,
    #[serde(default)]
    assumed: Cow<'a, AssumedRuns>,
    quota: Quota,
    #[serde(default)]
    latency: Latency,
    sold_out: Cow<'a, BTreeSet<String>>,
    tokens: Cow<'a, Tokens>,
    market: Cow<'a, Market>,
    standings: Cow<'a, Standings>,
    #[serde(default)]
    accounts: Cow<'a, BTreeMap<String, AccountTerms>>,
    #[serde(default)]
    arrears: Cow<'a, BTreeMap<String, Timestamp>>,
    #[serde(default)]
    began: Option<Timestamp>,
    #[serde(default)]
    began_anew: Cow<'a, BTreeMap<String, Timestamp>>,
    sessions: Cow<'a, Sessions>,
}

/// The state of an account in a region, without its groups.
#[derive(Serialize, Deserialize)]
pub(crate) struct RegionState<'a> {
    account: Arc<str>,
    region: Arc<str>,
    finished: Cow<'a, BTreeSet<(Timestamp, u64)>>,
    network: Cow<'a, Network>,
    used_milli_vcpu: u64,
}

/// An entry of the ledger; its record is left out where it is that of the group's entry before.
#[derive(Serialize, Deserialize)]
pub(crate) struct LedgerRecord<'a> {
    at: Timestamp,
    number: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<Cow<'a, BillingRecord>>,
    event: Cow<'a, LedgerEvent>,
}

/// A group and its events in the agenda.
#[derive(Serialize, Deserialize)]
pub(crate) struct GroupRecord<'a> {
    group: Cow<'a, Group>,
    due: Vec<(Slot, Step)>,
}

/// An entry of the ledger without the record of its group.
#[derive(Debug, thiserror::Error)]
#[error("a line of the ledger is of the unknown group number {0}")]
pub(crate) struct UnknownGroup(u64);

/// Builds a world from its parts.
pub(crate) struct WorldLoader {
    world: World,
    entries: Vec<Entry>,
    gone: BTreeSet<u64>,
    records: HashMap<u64, Arc<BillingRecord>>,
}

impl World {
    /// Serializes the world part by part, in order.
    ///
    /// # Errors
    /// The first error of `put`.
    pub(crate) fn serialize<E>(&self, put: &mut impl FnMut(WorldPart<'_>) -> Result<(), E>) -> Result<(), E> {
        put(WorldPart::Header(Box::new(self.header())))?;
        let mut records: HashMap<u64, &Arc<BillingRecord>> = HashMap::new();
        for entries in self.ledger.entries().chunks(RECORDS_PER_PART) {
            let ledger_record = |entry| ledger_record(entry, &mut records);
            put(WorldPart::Ledger(entries.iter().map(ledger_record).collect()))?;
        }
        let groups: Vec<&Group> = self.groups().collect();
        for groups in groups.chunks(RECORDS_PER_PART) {
            let group_record =
                |&group| GroupRecord { group: Cow::Borrowed(group), due: self.agenda.steps(&group.due) };
            put(WorldPart::Groups(groups.iter().map(group_record).collect()))?;
        }
        Ok(())
    }

    fn header(&self) -> WorldHeader<'_> {
        let region_state =
            |((account, region), account_region): (&(Arc<str>, Arc<str>), &'_ AccountRegion)| RegionState {
                account: Arc::clone(account),
                region: Arc::clone(region),
                finished: Cow::Owned(account_region.finished.clone()),
                network: Cow::Owned(account_region.network.clone()),
                used_milli_vcpu: account_region.used_milli_vcpu,
            };
        WorldHeader {
            now: self.now,
            next_number: self.next_number,
            order: self.agenda.order(),
            ids: self.ids.clone(),
            account_regions: self.account_regions.iter().map(region_state).collect(),
            gone: Cow::Borrowed(self.ledger.gone()),
            assets: Cow::Borrowed(&self.assets),
            settled: Cow::Borrowed(&self.settled),
            scripts: Cow::Borrowed(&self.scripts),
            assumed: Cow::Borrowed(&self.assumed),
            quota: self.quota,
            latency: self.latency,
            sold_out: Cow::Borrowed(&self.sold_out),
            tokens: Cow::Borrowed(&self.tokens),
            market: Cow::Borrowed(&self.market),
            standings: Cow::Borrowed(&self.standings),
            accounts: Cow::Borrowed(&self.accounts),
            arrears: Cow::Borrowed(&self.arrears),
            began: Some(self.began),
            began_anew: Cow::Borrowed(&self.began_anew),
            sessions: Cow::Borrowed(&self.sessions),
        }
    }
}

fn ledger_record<'a>(
    entry: &'a Entry,
    records: &mut HashMap<u64, &'a Arc<BillingRecord>>,
) -> LedgerRecord<'a> {
    let number = entry.group.number;
    let known = records.insert(number, &entry.group).is_some_and(|before| Arc::ptr_eq(before, &entry.group));
    let record = (!known).then(|| Cow::Borrowed(&*entry.group));
    LedgerRecord { at: entry.at, number, record, event: Cow::Borrowed(&entry.event) }
}

impl WorldLoader {
    /// Begins a world with its header.
    pub fn begin(seed: Seed, header: WorldHeader<'_>) -> Self {
        let mut world = World::new(seed, header.now);
        world.next_number = header.next_number;
        world.agenda.set_next_order(header.order);
        world.ids = header.ids;
        world.assets = header.assets.into_owned();
        world.settled = header.settled.into_owned();
        world.scripts = header.scripts.into_owned();
        world.assumed = header.assumed.into_owned();
        world.quota = header.quota;
        world.latency = header.latency;
        world.sold_out = header.sold_out.into_owned();
        world.tokens = header.tokens.into_owned();
        world.market = header.market.into_owned();
        world.standings = header.standings.into_owned();
        world.accounts = header.accounts.into_owned();
        world.arrears = header.arrears.into_owned();
        world.began = header.began.unwrap_or(header.now);
        world.began_anew = header.began_anew.into_owned();
        world.sessions = header.sessions.into_owned();
        for region_state in header.account_regions {
            let account_region = world.account_region(&region_state.account, &region_state.region);
            account_region.finished = region_state.finished.into_owned();
            account_region.network = region_state.network.into_owned();
            account_region.used_milli_vcpu = region_state.used_milli_vcpu;
        }
        Self { world, entries: Vec::new(), gone: header.gone.into_owned(), records: HashMap::new() }
    }

    /// Adds the ledger entries that follow.
    ///
    /// # Errors
    /// [`UnknownGroup`] for an entry of a group that no entry before it has named.
    pub fn add_ledger(&mut self, ledger: Vec<LedgerRecord<'_>>) -> Result<(), UnknownGroup> {
        for LedgerRecord { at, number, record, event } in ledger {
            if let Some(record) = record {
                let record = self.share(record.into_owned());
                self.records.insert(number, Arc::new(record));
            }
            let Some(group) = self.records.get(&number) else {
                return Err(UnknownGroup(number));
            };
            self.entries.push(Entry { at, group: Arc::clone(group), event: event.into_owned() });
        }
        Ok(())
    }

    /// Adds the groups that follow.
    pub fn add_groups(&mut self, groups: Vec<GroupRecord<'_>>) {
        for GroupRecord { group, due } in groups {
            let mut group = group.into_owned();
            let number = group.record.number;
            group.record = match self.records.get(&number) {
                Some(known) if **known == *group.record => Arc::clone(known),
                _ => Arc::new(self.share(Arc::unwrap_or_clone(group.record))),
            };
            let world = &mut self.world;
            for text in [&mut group.spec.zone, &mut group.spec.vswitch, &mut group.spec.security_group] {
                *text = world.shared(text);
            }
            for container in &mut group.containers {
                container.spec.name = world.shared(&container.spec.name);
            }
            group.due = world.agenda.restore(number, due);
            world.numbers.insert(group.record.id.clone(), number);
            let (account, region) = (Arc::clone(&group.record.account), Arc::clone(&group.record.region));
            let account_region = world.account_region(&account, &region);
            account_region.groups.insert(number);
            account_region.index.add(&group);
            world.groups.insert(number, Box::new(group));
        }
    }

    /// The complete world.
    pub fn end(self) -> World {
        let Self { mut world, entries, gone, .. } = self;
        world.ledger = Ledger::of(entries, gone);
        world
    }

    /// Shares the texts that many records have.
    fn share(&mut self, record: BillingRecord) -> BillingRecord {
        let (account, region) = (self.world.shared(&record.account), self.world.shared(&record.region));
        BillingRecord { account, region, ..record }
    }
}
