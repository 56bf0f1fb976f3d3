//! `UpdateDataCache`: changes the source, the size or other fields of a data cache that is available.

use eci_api::actions::{UpdateDataCache, UpdateDataCacheReply};

use crate::group::order;
use crate::refusal::Refusal;
use crate::serving::{Caller, Serve, assets, data_cache};
use crate::world::World;
use crate::world::assets::{Detail, Progress};

impl Serve for UpdateDataCache {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let (id, bucket, path) =
            (self.data_cache_id.as_deref(), self.bucket.as_deref(), self.path.as_deref());
        let number = data_cache::find(world, caller, id, bucket, path)?;
        let tags = order::tags(self.tag.iter().map(|tag| (tag.key.as_deref(), tag.value.as_deref())))?;
        let now = world.now();
        let Some(cache) = world.assets.get_mut(number) else { return Err(Refusal::NothingToUpdate) };
        if cache.progress(now) != Progress::Done {
            return Err(Refusal::NotReady { kind: "data cache", id: cache.id.clone() });
        }
        let Detail::DataCache { size, source, options, .. } = &mut cache.detail else {
            return Err(Refusal::NothingToUpdate);
        };
        *size = self.size.unwrap_or(*size);
        if let Some(new) = &self.data_source {
            *source = new.type_.clone().unwrap_or_else(|| source.clone());
            options.clone_from(&new.options);
        }
        if let Some(id) = &self.resource_group_id {
            cache.resource_group.clone_from(id);
        }
        if let Some(name) = &self.name {
            cache.name.clone_from(name);
        }
        if !tags.is_empty() {
            cache.tags = tags;
        }
        let rebuilt = self.data_source.is_some() || self.size.is_some();
        if rebuilt {
            (cache.since, cache.takes, cache.updating) = (now, data_cache::TAKES, true);
            world.charge(number);
        }
        world.assets.expire(number, assets::expiry(now, self.retention_days));
        Ok(UpdateDataCacheReply { request_id: caller.request_id.clone() })
    }
}
