//! `CreateImageCache`: pulls images into a snapshot, so that groups start without pulling.

use std::time::Duration;

use eci_api::actions::{CreateImageCache, CreateImageCacheReply};

use super::{Caller, Serve, assets};
use crate::refusal::Refusal;
use crate::script;
use crate::world::World;
use crate::world::assets::Detail;

/// Default size in GiB, and number of images at most (eci-openapi.md, sections 6 and 8).
const SIZE: i32 = 20;
const IMAGES_MAX: usize = 20;
/// Time to make an image cache; `ours`: a pull of a large image and a snapshot.
pub const TAKES: Duration = Duration::from_secs(120);

impl Serve for CreateImageCache {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        caller.region()?;
        let named: Vec<String> = self.image.iter().filter(|image| !image.is_empty()).cloned().collect();
        if named.is_empty() {
            return Err(Refusal::missing("Image.N"));
        }
        images(&named)?;
        let used = super::image_cache::count(world, caller, false);
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
        let (id, number) = assets::make(world, caller, "imc", name, tags, group, (TAKES, detail))?;
        let now = world.now();
        world.assets.expire(number, assets::expiry(now, self.retention_days));
        Ok(CreateImageCacheReply {
            container_group_id: helper,
            image_cache_id: id,
            request_id: caller.request_id.clone(),
        })
    }
}

/// Checks the images of a cache: 20 at most, with names that are well formed.
pub(super) fn images(images: &[String]) -> Result<(), Refusal> {
    if images.len() > IMAGES_MAX {
        return Err(Refusal::invalid("Image", format!("{IMAGES_MAX} images at most")));
    }
    match images.iter().enumerate().find_map(|(index, image)| Some((index, script::malformed(image)?))) {
        Some((index, why)) => Err(Refusal::invalid(format!("Image.{}", index + 1), why)),
        None => Ok(()),
    }
}
