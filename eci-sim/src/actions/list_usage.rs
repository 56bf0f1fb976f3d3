//! `ListUsage`: the quotas and their use.

use eci_api::Number;
use eci_api::actions::{ListUsage, ListUsageReply};
use rust_decimal::Decimal;

use crate::refusal::Refusal;
use crate::serving::{Caller, Serve, image_cache};
use crate::world::World;
use crate::world::assets::{Asset, Detail};

impl Serve for ListUsage {
    const READ_ONLY: bool = true;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        caller.region()?;
        let used = world
            .find_account_region(&caller.account, &caller.region)
            .map_or(0, |account_region| account_region.used_milli_vcpu());
        let quota = world.quota;
        let used_vcpu = (Decimal::from(used) / Decimal::ONE_THOUSAND).normalize();
        let is_data_cache = |asset: &Asset| matches!(asset.detail, Detail::DataCache { .. });
        let data_caches =
            world.assets.list(&caller.account, &caller.region, world.now(), is_data_cache).count();
        let count = |count: usize| Decimal::from(u64::try_from(count).unwrap_or(u64::MAX));
        let attributes = [
            ("MaxCpu", quota.vcpu.into()),
            ("UsedCpu", used_vcpu),
            ("MaxImageCacheCount", quota.image_caches.into()),
            ("UsedImageCacheCount", count(image_cache::count(world, caller, false))),
            ("MaxAutoImageCacheCount", quota.auto_image_caches.into()),
            ("UsedAutoImageCacheCount", count(image_cache::count(world, caller, true))),
            ("MaxDataCacheCount", quota.data_caches.into()),
            ("UsedDataCacheCount", count(data_caches)),
        ];
        let attributes =
            attributes.into_iter().map(|(name, value)| (name.to_owned(), Number(value))).collect();
        Ok(ListUsageReply { attributes, request_id: caller.request_id.clone() })
    }
}
