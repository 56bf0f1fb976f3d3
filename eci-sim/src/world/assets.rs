//! Assets: image caches, data caches, virtual nodes, commit tasks and ops tasks.
//!
//! Each is made or changed within a time that is drawn when it begins, so its status is a function of the clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ledger::Tags;

/// An image cache, data cache, virtual node or task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Asset {
    /// Id, with the prefix of its kind.
    pub id: String,
    /// Account that owns it.
    pub account: Arc<str>,
    /// Region id.
    pub region: Arc<str>,
    /// Name in the request.
    pub name: String,
    /// Tags in the order of the call.
    pub tags: Tags,
    /// Resource group id.
    pub resource_group: String,
    /// Time of the create call.
    pub born: Timestamp,
    /// Start of the change under way, or of the last one.
    pub since: Timestamp,
    /// Duration of that change.
    pub takes: Duration,
    /// True when that change is not the first.
    pub updating: bool,
    /// Time at which it was last matched to a group.
    pub matched: Option<Timestamp>,
    /// Time at which it is dropped.
    pub expires: Option<Timestamp>,
    /// Kind and its own fields.
    pub detail: Detail,
}

/// The kinds of assets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Detail {
    /// An image cache.
    ImageCache {
        /// Image references.
        images: Vec<String>,
        /// Size in GiB.
        size: i32,
        /// `LRU`, or nothing.
        elimination: String,
        /// A second snapshot was asked for, from which groups start faster.
        flash: bool,
        /// The id of the instance that made it.
        helper: String,
        /// The id of its snapshot.
        snapshot: String,
    },
    /// A data cache.
    DataCache {
        /// Bucket name.
        bucket: String,
        /// Path in the bucket.
        path: String,
        /// Size in GiB.
        size: i32,
        /// `URL`, `NAS`, `OSS` or `SNAPSHOT`.
        source: String,
        /// Options of the source.
        options: BTreeMap<String, String>,
        /// The id of the instance that made it.
        helper: String,
        /// The id of its snapshot.
        snapshot: String,
    },
    /// A virtual node.
    VirtualNode {
        /// Security group id.
        security_group: String,
        /// vSwitch id.
        vswitch: String,
        /// Address in the vSwitch.
        address: String,
        /// Public address; empty for none.
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

/// The progress of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Percentage that is done.
    Underway(u8),
    /// Finished.
    Done,
}

/// All assets, by number.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Assets {
    by_number: BTreeMap<u64, Asset>,
    expiring: BTreeSet<(Timestamp, u64)>,
    next: u64,
}

impl Asset {
    /// The progress at an instant.
    pub fn progress(&self, now: Timestamp) -> Progress {
        let passed = self.since.duration_until(now).unsigned_abs();
        if passed >= self.takes {
            return Progress::Done;
        }
        let percent = passed.as_millis() * 100 / self.takes.as_millis().max(1);
        Progress::Underway(u8::try_from(percent).unwrap_or(99))
    }

    /// The end of the change under way, or of the last one.
    pub fn done_at(&self) -> Timestamp {
        let takes = SignedDuration::try_from(self.takes).unwrap_or(SignedDuration::MAX);
        self.since.saturating_add(takes).unwrap_or(Timestamp::MAX)
    }
}

impl Assets {
    /// Adds an asset; returns its number.
    pub fn add(&mut self, asset: Asset) -> u64 {
        self.next += 1;
        self.by_number.insert(self.next, asset);
        self.next
    }

    /// Sets when an asset is dropped; `None` changes nothing.
    pub fn expire(&mut self, number: u64, at: Option<Timestamp>) {
        let (Some(asset), Some(at)) = (self.by_number.get_mut(&number), at) else { return };
        if let Some(before) = asset.expires.replace(at) {
            self.expiring.remove(&(before, number));
        }
        self.expiring.insert((at, number));
    }

    /// The time at which the next asset is dropped.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.expiring.first().map(|(at, _)| *at)
    }

    /// The earliest asset that is to be dropped until an instant, with its time.
    pub fn expired(&mut self, until: Timestamp) -> Option<(Timestamp, u64)> {
        let first = *self.expiring.first().filter(|(at, _)| *at <= until)?;
        self.expiring.remove(&first);
        Some(first)
    }

    /// The assets of an account in a region that fit, in order of creation, with their numbers.
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

    /// An asset by its number.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut Asset> {
        self.by_number.get_mut(&number)
    }

    /// An asset by its id, with its number.
    pub fn by_id_mut(&mut self, id: &str) -> Option<(u64, &mut Asset)> {
        self.by_number.iter_mut().find(|(_, asset)| asset.id == id).map(|(number, asset)| (*number, asset))
    }

    /// Removes the assets whose account and region fit.
    pub fn clear(&mut self, fits: impl Fn(&str, &str) -> bool) {
        let Self { by_number, expiring, .. } = self;
        by_number.retain(|_, asset| !fits(&asset.account, &asset.region));
        expiring.retain(|(_, number)| by_number.contains_key(number));
    }

    /// Removes an asset.
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
