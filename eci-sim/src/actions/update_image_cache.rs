//! `UpdateImageCache`: changes the images, the size or other fields of an image cache that is ready.

use eci_api::actions::{UpdateImageCache, UpdateImageCacheReply};

use crate::group::order;
use crate::refusal::Refusal;
use crate::serving::{Caller, Serve, assets, image_cache};
use crate::world::World;
use crate::world::assets::{Asset, Detail, Progress};

impl Serve for UpdateImageCache {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let id = self.image_cache_id.as_deref().unwrap_or_default();
        let named: Vec<String> = self.image.iter().filter(|image| !image.is_empty()).cloned().collect();
        image_cache::check_images(&named)?;
        let is_cache = |asset: &Asset| matches!(asset.detail, Detail::ImageCache { .. });
        let number = assets::find(world, caller, ("ImageCacheId", id), is_cache)?;
        let tags = order::tags(self.tag.iter().map(|tag| (tag.key.as_deref(), tag.value.as_deref())))?;
        let now = world.now();
        let Some(cache) = world.assets.get_mut(number) else { return Err(Refusal::NothingToUpdate) };
        if cache.progress(now) != Progress::Done {
            return Err(Refusal::NotReady { kind: "image cache", id: id.to_owned() });
        }
        let Detail::ImageCache { images, size, elimination, flash, .. } = &mut cache.detail else {
            return Err(Refusal::NothingToUpdate);
        };
        let rebuilt = (!named.is_empty() && *images != named)
            || self.image_cache_size.is_some_and(|wanted| wanted != *size);
        let other = !tags.is_empty()
            || self.image_cache_name.is_some()
            || self.retention_days.is_some()
            || self.resource_group_id.is_some()
            || self.flash.is_some_and(|wanted| wanted != *flash)
            || self.elimination_strategy.is_some();
        if !rebuilt && !other {
            return Err(Refusal::NothingToUpdate);
        }
        if !named.is_empty() {
            images.clone_from(&named);
        }
        *size = self.image_cache_size.unwrap_or(*size);
        *flash = self.flash.unwrap_or(*flash);
        if let Some(strategy) = &self.elimination_strategy {
            elimination.clone_from(strategy);
        }
        if let Some(id) = &self.resource_group_id {
            cache.resource_group.clone_from(id);
        }
        if let Some(name) = &self.image_cache_name {
            cache.name.clone_from(name);
        }
        if !tags.is_empty() {
            cache.tags = tags;
        }
        if rebuilt {
            (cache.since, cache.takes, cache.updating) = (now, image_cache::TAKES, true);
            world.charge(number);
        }
        world.assets.expire(number, assets::expiry(now, self.retention_days));
        Ok(UpdateImageCacheReply { request_id: caller.request_id.clone() })
    }
}
