//! An index of groups by name, tag, state and place, so that a filtered describe need not look at all of them.
//!
//! A key costs a group some twenty bytes. There is none for when groups changed last: nearly every step would move
//! each of its groups, and whoever asks for what changed wants it of all of them.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash, Hasher};

use crate::group::Group;
use crate::ledger::BillingRecord;
use crate::lifecycle::State;

/// A key of the index; a tag without a value stands for any value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key<'a> {
    /// The name.
    Name(&'a str),
    /// A tag's key and value.
    Tag(&'a str, &'a str),
    /// A tag's key.
    TagKey(&'a str),
    /// The state.
    State(State),
    /// The vSwitch.
    VSwitch(&'a str),
    /// The zone.
    Zone(&'a str),
    /// The security group.
    SecurityGroup(&'a str),
}

/// The numbers of groups by key. Keys are stored as hashes, so that a match has to be checked.
#[derive(Debug, Clone, Default)]
pub struct Index {
    entries: BTreeSet<(u64, u64)>,
    counts: HashMap<u64, u32>,
}

impl<'a> Key<'a> {
    /// A tag's key with a value, or with any where that is empty.
    pub fn of_tag(key: &'a str, value: &'a str) -> Self {
        if value.is_empty() { Self::TagKey(key) } else { Self::Tag(key, value) }
    }

    fn hashed(self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

impl Index {
    /// The number of groups with a key.
    pub fn count(&self, key: Key<'_>) -> usize {
        self.counts.get(&key.hashed()).map_or(0, |count| usize::try_from(*count).unwrap_or(usize::MAX))
    }

    /// The numbers of the groups with a key, after a number, in order.
    pub fn after(&self, key: Key<'_>, number: u64) -> impl Iterator<Item = u64> {
        let key = key.hashed();
        let range = self.entries.range((key, number.saturating_add(1))..=(key, u64::MAX));
        range.map(|(_, number)| *number)
    }

    /// Adds a group.
    pub fn add(&mut self, group: &Group) {
        let number = group.record.number;
        keys(&group.record).chain(fixed(group)).for_each(|key| self.insert(key, number));
        self.insert(Key::State(group.state), number);
    }

    /// Removes a group.
    pub fn remove(&mut self, group: &Group) {
        let number = group.record.number;
        keys(&group.record).chain(fixed(group)).for_each(|key| self.take(key, number));
        self.take(Key::State(group.state), number);
    }

    /// Moves a group from one state to another.
    pub fn moved(&mut self, number: u64, from: State, to: State) {
        self.take(Key::State(from), number);
        self.insert(Key::State(to), number);
    }

    fn insert(&mut self, key: Key<'_>, number: u64) {
        let key = key.hashed();
        if self.entries.insert((key, number)) {
            *self.counts.entry(key).or_default() += 1;
        }
    }

    fn take(&mut self, key: Key<'_>, number: u64) {
        let key = key.hashed();
        if self.entries.remove(&(key, number))
            && let Some(count) = self.counts.get_mut(&key)
        {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&key);
            }
        }
    }
}

fn keys(record: &BillingRecord) -> impl Iterator<Item = Key<'_>> {
    let tags = record.tags.iter().flat_map(|(key, value)| [Key::Tag(key, value), Key::TagKey(key)]);
    tags.chain([Key::Name(&record.name)])
}

/// The keys of a group that never change.
fn fixed(group: &Group) -> [Key<'_>; 3] {
    let spec = &group.spec;
    [Key::VSwitch(&spec.vswitch), Key::Zone(&spec.zone), Key::SecurityGroup(&spec.security_group)]
}
