//! `CopyDataCache`: copies a data cache into another region.

use eci_api::actions::{CopyDataCache, CopyDataCacheReply};

use crate::refusal::Refusal;
use crate::serving::{Caller, Serve, assets, data_cache};
use crate::world::World;
use crate::world::assets::{Detail, Progress};

impl Serve for CopyDataCache {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let number = data_cache::find(world, caller, self.data_cache_id.as_deref(), None, None)?;
        let now = world.now();
        let Some(original) = world.assets.get_mut(number).cloned() else {
            return Err(Refusal::NothingToUpdate);
        };
        if original.progress(now) != Progress::Done {
            return Err(Refusal::NotReady { kind: "data cache", id: original.id });
        }
        let region = self.destination_region_id.clone().unwrap_or_default();
        let there = Caller { region: world.shared(&region), ..caller.clone() };
        there.region()?;
        let mut detail = original.detail;
        if let Detail::DataCache { bucket, path, .. } = &mut detail {
            *bucket = self.bucket.clone().unwrap_or_else(|| bucket.clone());
            *path = self.path.clone().unwrap_or_else(|| path.clone());
        }
        let tags = self.tag.iter().map(|tag| (&tag.key, &tag.value));
        let name = self.name.clone().unwrap_or(original.name);
        let made = (data_cache::TAKES, detail);
        let (id, number) =
            assets::make(world, &there, "edc", Some(&name), tags, self.resource_group_id.as_ref(), made)?;
        world.assets.expire(number, assets::expiry(now, self.retention_days));
        Ok(CopyDataCacheReply { data_cache_id: id, request_id: caller.request_id.clone() })
    }
}
