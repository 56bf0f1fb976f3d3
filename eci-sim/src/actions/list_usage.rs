//! `ListUsage`: how much of the quotas is used.

use std::collections::BTreeMap;

use eci_api::actions::{ListUsage, ListUsageReply};
use rust_decimal::Decimal;

use super::{Caller, Serve};
use crate::refusal::Refusal;
use crate::world::World;
use crate::world::assets::{Asset, Detail};

impl Serve for ListUsage {
    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        caller.region()?;
        let used =
            world.known_place(&caller.account, &caller.region).map_or(0, |place| place.used_milli_vcpu());
        let quota = world.quota;
        let used_vcpu = (Decimal::from(used) / Decimal::ONE_THOUSAND).normalize();
        let is_data_cache = |asset: &Asset| matches!(asset.detail, Detail::DataCache { .. });
        let data_caches =
            world.assets.list(&caller.account, &caller.region, world.now(), is_data_cache).count();
        let attributes = [
            ("MaxCpu", quota.vcpu.to_string()),
            ("UsedCpu", used_vcpu.to_string()),
            ("MaxImageCacheCount", quota.image_caches.to_string()),
            ("UsedImageCacheCount", super::describe_image_caches::count(world, caller).to_string()),
            ("MaxAutoImageCacheCount", quota.auto_image_caches.to_string()),
            ("UsedAutoImageCacheCount", "0".to_owned()),
            ("MaxDataCacheCount", quota.data_caches.to_string()),
            ("UsedDataCacheCount", data_caches.to_string()),
        ];
        let attributes: BTreeMap<String, String> =
            attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(ListUsageReply { attributes, request_id: caller.request_id.clone() })
    }
}
