//! The charges of caches and virtual nodes in the ledger: while they are built, while they exist, until they are gone.
//!
//! An instance of 2 vCPU and 4 GiB with a disk of the cache's size builds a cache, which is then kept as a snapshot;
//! caches that the cloud makes by itself cost nothing (billing.md, section 1). How large a snapshot gets is `ours`: one
//! GiB an image, and three quarters of a data cache, as in the examples there. A virtual node is one instance of 2 vCPU
//! and 8 GiB from when it is ready.

use std::sync::Arc;

use jiff::Timestamp;

use super::World;
use super::assets::{Asset, Detail};
use crate::billing::meter;
use crate::ledger::{BillingRecord, LedgerEvent};
use crate::terms::{CacheKind, PricingTerms};

/// Prefix of the names of caches that the cloud makes by itself.
pub const AUTO_NAMED: &str = "auto-create-for-";
/// First number of assets, so that the ledger tells them from groups.
const FIRST_NUMBER: u64 = 1 << 63;

impl World {
    /// Charges an asset that begins to be made, or to be made anew.
    pub fn charge(&mut self, number: u64) {
        let now = self.now;
        let Some(asset) = self.assets.get_mut(number) else { return };
        let Some((building, kept)) = terms(asset) else { return };
        let (record, ready) = (record(number, asset, kept), asset.done_at());
        self.ledger.write(now, &record, LedgerEvent::Made { ready, building: building.map(Box::new) });
    }

    /// Removes an asset and ends its charges.
    pub fn remove_asset(&mut self, number: u64) {
        self.drop_asset(number, self.now);
    }

    /// Drops the assets that expire until an instant.
    pub(super) fn drop_expired(&mut self, until: Timestamp) {
        while let Some((at, number)) = self.assets.expired(until) {
            self.now = self.now.max(at);
            self.drop_asset(number, at);
        }
    }

    fn drop_asset(&mut self, number: u64, at: Timestamp) {
        let Some(asset) = self.assets.remove(number) else { return };
        if let Some((_, kept)) = terms(&asset) {
            self.ledger.write(at, &record(number, &asset, kept), LedgerEvent::Gone);
            if let Some(entries) = self.ledger.archive_group(FIRST_NUMBER + number) {
                self.settled.take(meter::usages(&entries, at), &self.tariff, &self.accounts);
            }
        }
    }
}

fn record(number: u64, asset: &Asset, terms: PricingTerms) -> Arc<BillingRecord> {
    Arc::new(BillingRecord {
        number: FIRST_NUMBER + number,
        id: asset.id.as_str().into(),
        name: asset.name.as_str().into(),
        account: Arc::clone(&asset.account),
        region: Arc::clone(&asset.region),
        zone: "".into(),
        tags: asset.tags.clone(),
        requested: None,
        terms,
    })
}

/// The pricing terms while an asset is made, and from then on; `None` where it costs nothing.
fn terms(asset: &Asset) -> Option<(Option<PricingTerms>, PricingTerms)> {
    let cache = |cache: CacheKind, disk: i32, snapshot: u32| {
        let disk = u32::try_from(disk).unwrap_or(0);
        let earlier = if asset.updating { snapshot } else { 0 };
        let building = PricingTerms::CacheBuild { cache, disk, snapshot: earlier };
        (Some(building), PricingTerms::Snapshot { gib: snapshot })
    };
    match &asset.detail {
        Detail::ImageCache { .. } if asset.name.starts_with(AUTO_NAMED) => None,
        Detail::ImageCache { images, size, .. } => {
            Some(cache(CacheKind::Image, *size, u32::try_from(images.len()).unwrap_or(u32::MAX)))
        }
        Detail::DataCache { size, .. } => {
            let gib = u32::try_from(*size).unwrap_or(0);
            Some(cache(CacheKind::Data, *size, (gib.saturating_mul(3)).div_ceil(4)))
        }
        Detail::VirtualNode { .. } => Some((None, PricingTerms::VirtualNode)),
        Detail::Commit { .. } | Detail::Ops { .. } => None,
    }
}
