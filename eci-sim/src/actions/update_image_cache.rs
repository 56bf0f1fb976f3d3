//! `UpdateImageCache`: other images or another size, once the cache is ready.

use eci_api::actions::{UpdateImageCache, UpdateImageCacheReply};

use super::{Caller, Serve, assets, create_image_cache};
use crate::group::order;
use crate::refusal::Refusal;
use crate::world::World;
use crate::world::assets::{Asset, Detail, Progress};

impl Serve for UpdateImageCache {
    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let id = self.image_cache_id.as_deref().unwrap_or_default();
        create_image_cache::images(&self.image)?;
        let is_cache = |asset: &Asset| matches!(asset.detail, Detail::ImageCache { .. });
        let number = assets::find(world, caller, ("ImageCacheId", id), is_cache)?;
        let tags = order::tags(self.tag.iter().map(|tag| (tag.key.as_deref(), tag.value.as_deref())))?;
        let now = world.now();
        let Some(cache) = world.assets.get_mut(number) else { return Err(Refusal::NothingToUpdate) };
        if cache.progress(now) != Progress::Done {
            return Err(Refusal::NotReady { kind: "image cache", id: id.to_owned() });
        }
        let Detail::ImageCache { images, size, elimination, .. } = &mut cache.detail else {
            return Err(Refusal::NothingToUpdate);
        };
        let rebuilt = (!self.image.is_empty() && *images != self.image)
            || self.image_cache_size.is_some_and(|wanted| wanted != *size);
        let other = !tags.is_empty()
            || self.image_cache_name.is_some()
            || self.retention_days.is_some()
            || self.elimination_strategy.is_some();
        if !rebuilt && !other {
            return Err(Refusal::NothingToUpdate);
        }
        if !self.image.is_empty() {
            images.clone_from(&self.image);
        }
        *size = self.image_cache_size.unwrap_or(*size);
        if let Some(strategy) = &self.elimination_strategy {
            elimination.clone_from(strategy);
        }
        if let Some(name) = &self.image_cache_name {
            cache.name.clone_from(name);
        }
        if !tags.is_empty() {
            cache.tags = tags;
        }
        cache.expires = assets::expiry(now, self.retention_days).or(cache.expires);
        if rebuilt {
            (cache.since, cache.takes, cache.updating) = (now, create_image_cache::TAKES, true);
        }
        Ok(UpdateImageCacheReply { request_id: caller.request_id.clone() })
    }
}
