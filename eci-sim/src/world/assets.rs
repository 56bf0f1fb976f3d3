//! What is no container group but has an id: image caches, data caches, virtual nodes, commit tasks, ops tasks.
//!
//! Each is made or changed within a time that is drawn when it begins, so its status is a function of the clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ledger::Tags;

/// Something with an id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Asset {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub account: Arc<str>,
    /// Where it is.
    pub region: Arc<str>,
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: Tags,
    /// The resource group that it belongs to.
    pub resource_group: String,
    /// When it was asked for.
    pub born: Timestamp,
    /// When the change that is going on began, or the last one.
    pub since: Timestamp,
    /// How long that change takes.
    pub takes: Duration,
    /// Whether that change is not the first.
    pub updating: bool,
    /// When it was put to use last.
    pub matched: Option<Timestamp>,
    /// When it is dropped.
    pub expires: Option<Timestamp>,
    /// What it is.
    pub detail: Detail,
}

/// What something is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Detail {
    /// An image cache.
    ImageCache {
        /// Its images.
        images: Vec<String>,
        /// Its size in GiB.
        size: i32,
        /// `LRU`, or nothing.
        elimination: String,
        /// Whether a second snapshot was asked for, from which groups start faster.
        flash: bool,
        /// The id of the instance that made it.
        helper: String,
        /// The id of its snapshot.
        snapshot: String,
    },
    /// A data cache.
    DataCache {
        /// Its bucket.
        bucket: String,
        /// Its path in the bucket.
        path: String,
        /// Its size in GiB.
        size: i32,
        /// `URL`, `NAS`, `OSS` or `SNAPSHOT`.
        source: String,
        /// What the source needs to know.
        options: BTreeMap<String, String>,
        /// The id of the instance that made it.
        helper: String,
        /// The id of its snapshot.
        snapshot: String,
    },
    /// A virtual node.
    VirtualNode {
        /// Its security group.
        security_group: String,
        /// Its vSwitch.
        vswitch: String,
        /// Its address in the vSwitch.
        address: String,
        /// Its public address; empty for none.
        internet_address: String,
    },
    /// The task of making an image out of a container.
    Commit {
        /// The group.
        group: String,
        /// The container.
        container: String,
        /// The image.
        image: String,
    },
    /// A task of an operator's.
    Ops {
        /// The group.
        group: String,
        /// `coredump` or `tcpdump`.
        kind: String,
    },
}

/// How far something has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// So many of a hundred.
    Underway(u8),
    /// It is there.
    Done,
}

/// All that has an id and is no container group.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Assets {
    by_number: BTreeMap<u64, Asset>,
    expiring: BTreeSet<(Timestamp, u64)>,
    next: u64,
}

impl Asset {
    /// How far it has got at an instant.
    pub fn progress(&self, now: Timestamp) -> Progress {
        let passed = self.since.duration_until(now).unsigned_abs();
        if passed >= self.takes {
            return Progress::Done;
        }
        let percent = passed.as_millis() * 100 / self.takes.as_millis().max(1);
        Progress::Underway(u8::try_from(percent).unwrap_or(99))
    }

    /// When the change that is going on ends, or the last one ended.
    pub fn done_at(&self) -> Timestamp {
        let takes = SignedDuration::try_from(self.takes).unwrap_or(SignedDuration::MAX);
        self.since.saturating_add(takes).unwrap_or(Timestamp::MAX)
    }
}

impl Assets {
    /// Something begins to exist; gives its number.
    pub fn add(&mut self, asset: Asset) -> u64 {
        self.next += 1;
        self.by_number.insert(self.next, asset);
        self.next
    }

    /// Says when something is dropped; where nothing is said, it stays as it was.
    pub fn expire(&mut self, number: u64, at: Option<Timestamp>) {
        let (Some(asset), Some(at)) = (self.by_number.get_mut(&number), at) else { return };
        if let Some(before) = asset.expires.replace(at) {
            self.expiring.remove(&(before, number));
        }
        self.expiring.insert((at, number));
    }

    /// When the next is dropped.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.expiring.first().map(|(at, _)| *at)
    }

    /// One that is to be dropped until an instant, the earliest.
    pub fn expired(&mut self, until: Timestamp) -> Option<(Timestamp, u64)> {
        let first = *self.expiring.first().filter(|(at, _)| *at <= until)?;
        self.expiring.remove(&first);
        Some(first)
    }

    /// What is an account's in a region and fits, in order of creation, with its number.
    pub fn list<'a>(
        &'a self,
        account: &'a str,
        region: &'a str,
        now: Timestamp,
        fits: impl Fn(&Asset) -> bool + 'a,
    ) -> impl Iterator<Item = (u64, &'a Asset)> {
        let own = move |asset: &Asset| *asset.account == *account && *asset.region == *region;
        let fresh = move |asset: &Asset| asset.expires.is_none_or(|expires| now < expires);
        let all = self.by_number.iter().map(|(number, asset)| (*number, asset));
        all.filter(move |(_, asset)| own(asset) && fresh(asset) && fits(asset))
    }

    /// The one of this number.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut Asset> {
        self.by_number.get_mut(&number)
    }

    /// The one of this id, and its number.
    pub fn by_id_mut(&mut self, id: &str) -> Option<(u64, &mut Asset)> {
        self.by_number.iter_mut().find(|(_, asset)| asset.id == id).map(|(number, asset)| (*number, asset))
    }

    /// All are gone whose account and region fit.
    pub fn clear(&mut self, fits: impl Fn(&str, &str) -> bool) {
        let Self { by_number, expiring, .. } = self;
        by_number.retain(|_, asset| !fits(&asset.account, &asset.region));
        expiring.retain(|(_, number)| by_number.contains_key(number));
    }

    /// It is gone.
    pub fn remove(&mut self, number: u64) -> Option<Asset> {
        let asset = self.by_number.remove(&number)?;
        if let Some(at) = asset.expires {
            self.expiring.remove(&(at, number));
        }
        Some(asset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_is_done_after_its_time() {
        let born: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let asset = Asset {
            id: "imc-1".into(),
            account: "a".into(),
            region: "cn-hangzhou".into(),
            name: String::new(),
            tags: Tags::new(),
            resource_group: String::new(),
            born,
            since: born,
            takes: Duration::from_secs(60),
            updating: false,
            matched: None,
            expires: None,
            detail: Detail::Ops { group: String::new(), kind: String::new() },
        };
        for (seconds, progress) in
            [(0, Progress::Underway(0)), (30, Progress::Underway(50)), (60, Progress::Done)]
        {
            assert_eq!(asset.progress(born + SignedDuration::from_secs(seconds)), progress);
        }
    }
}
