//! `ListUsage`: how much of the quotas is used.

use std::collections::BTreeMap;

use eci_api::actions::{ListUsage, ListUsageReply};
use rust_decimal::Decimal;

use super::{Caller, Serve};
use crate::refusal::Refusal;
use crate::world::World;

impl Serve for ListUsage {
    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        caller.region()?;
        let used =
            world.known_place(&caller.account, &caller.region).map_or(0, |place| place.used_milli_vcpu());
        let quota = world.quota;
        let used_vcpu = (Decimal::from(used) / Decimal::ONE_THOUSAND).normalize();
        let attributes = [
            ("MaxCpu", quota.vcpu.to_string()),
            ("UsedCpu", used_vcpu.to_string()),
            ("MaxImageCacheCount", quota.image_caches.to_string()),
            ("UsedImageCacheCount", "0".to_owned()),
            ("MaxAutoImageCacheCount", quota.auto_image_caches.to_string()),
            ("UsedAutoImageCacheCount", "0".to_owned()),
            ("MaxDataCacheCount", quota.data_caches.to_string()),
            ("UsedDataCacheCount", "0".to_owned()),
        ];
        let attributes: BTreeMap<String, String> =
            attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(ListUsageReply { attributes, request_id: caller.request_id.clone() })
    }
}
