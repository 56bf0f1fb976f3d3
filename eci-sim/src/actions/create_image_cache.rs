//! `CreateImageCache`: pulls images into a snapshot, so that groups start without pulling.

use eci_api::actions::{CreateImageCache, CreateImageCacheReply};

use crate::refusal::Refusal;
use crate::serving::{Caller, Serve, assets, image_cache};
use crate::world::World;
use crate::world::assets::Detail;

/// Default size in GiB (eci-openapi.md, section 8).
const SIZE: i32 = 20;

impl Serve for CreateImageCache {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        caller.region()?;
        let named: Vec<String> = self.image.iter().filter(|image| !image.is_empty()).cloned().collect();
        if named.is_empty() {
            return Err(Refusal::missing("Image.N"));
        }
        image_cache::check_images(&named)?;
        let used = image_cache::count(world, caller, false);
        if used >= world.quota.image_caches as usize {
            return Err(Refusal::QuotaExceeded("ImageCache".to_owned()));
        }
        world.standings.may_make(&caller.account)?;
        let prefix = caller.region()?.id_prefix.clone();
        let helper = world.new_id("eci", &prefix);
        let detail = Detail::ImageCache {
            images: named,
            size: self.image_cache_size.unwrap_or(SIZE),
            flash: self.flash.unwrap_or_default(),
            elimination: self.elimination_strategy.clone().unwrap_or_default(),
            helper: helper.clone(),
            snapshot: world.new_id("s", &prefix),
        };
        let tags = self.tag.iter().map(|tag| (&tag.key, &tag.value));
        let (name, group) = (self.image_cache_name.as_ref(), self.resource_group_id.as_ref());
        let (id, number) =
            assets::make(world, caller, "imc", name, tags, group, (image_cache::TAKES, detail))?;
        let now = world.now();
        world.assets.expire(number, assets::expiry(now, self.retention_days));
        Ok(CreateImageCacheReply {
            container_group_id: helper,
            image_cache_id: id,
            request_id: caller.request_id.clone(),
        })
    }
}
