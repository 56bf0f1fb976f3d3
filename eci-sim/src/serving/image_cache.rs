//! Image caches: the check of their images, and their use by a group that is being created: the one that is named, or
//! the one that fits best.

use std::time::Duration;

use super::{Caller, assets};
use crate::group::container::Container;
use crate::group::{CacheUse, Spec};
use crate::refusal::Refusal;
use crate::script;
use crate::world::World;
use crate::world::assets::{Asset, Detail, Progress};
use crate::world::charges::AUTO_NAMED;

/// Number of images of a cache, at most (eci-openapi.md, section 6).
const IMAGES_MAX: usize = 20;
/// Time to make an image cache; `ours`: a pull of a large image and a snapshot.
pub const TAKES: Duration = Duration::from_secs(120);
/// Size of a cache that the cloud makes by itself, in GiB (eci-openapi.md, section 8).
const AUTO_SIZE: i32 = 30;
/// Days for which such a cache is kept unused, and after its last use (eci-openapi.md, section 8).
const AUTO_UNUSED_DAYS: i32 = 7;
const AUTO_USED_DAYS: i32 = 30;

/// Checks the images of a cache: 20 at most, with names that are well formed.
pub fn check_images(images: &[String]) -> Result<(), Refusal> {
    if images.len() > IMAGES_MAX {
        return Err(Refusal::invalid("Image", format!("{IMAGES_MAX} images at most")));
    }
    match images.iter().enumerate().find_map(|(index, image)| Some((index, script::malformed(image)?))) {
        Some((index, why)) => Err(Refusal::invalid(format!("Image.{}", index + 1), why)),
        None => Ok(()),
    }
}

/// Number of image caches of an account in a region, made by hand or, with `auto`, by the cloud itself.
pub fn count(world: &World, caller: &Caller, auto: bool) -> usize {
    let fits = |asset: &Asset| {
        matches!(asset.detail, Detail::ImageCache { .. }) && asset.name.starts_with(AUTO_NAMED) == auto
    };
    world.assets.list(&caller.account, &caller.region, world.now(), fits).count()
}

/// Lets the group be started from the cache, and returns the GiB of disk that it brings with it, none where the cloud
/// made it by itself (billing.md, section 1).
pub fn put_to_use(world: &mut World, spec: &mut Spec, cache: CacheUse) -> u32 {
    let now = world.now();
    let mut disk = 0;
    let mut auto = None;
    if let CacheUse::Hit { id, .. } = &cache
        && let Some((number, asset)) = world.assets.by_id_mut(id)
    {
        asset.matched = Some(now);
        auto = asset.name.starts_with(AUTO_NAMED).then_some(number);
        if let Detail::ImageCache { size, .. } = &asset.detail
            && !asset.name.starts_with(AUTO_NAMED)
        {
            disk = u32::try_from(*size).unwrap_or(0);
        }
    }
    if let Some(number) = auto {
        world.assets.expire(number, assets::expiry(now, Some(AUTO_USED_DAYS)));
    }
    spec.optional.get_or_insert_default().cache = cache;
    disk
}

/// The image cache of this id; a refusal until it is ready.
pub fn named(world: &World, caller: &Caller, id: &str) -> Result<CacheUse, Refusal> {
    let now = world.now();
    let found = world.assets.list(&caller.account, &caller.region, now, |asset| asset.id == id).next();
    match found.map(|(_, asset)| (asset, &asset.detail)) {
        Some((asset, Detail::ImageCache { images, .. })) => match asset.progress(now) {
            Progress::Done => Ok(CacheUse::Hit { id: id.into(), images: images.clone() }),
            Progress::Underway(_) => Err(Refusal::NotReady { kind: "image cache", id: id.to_owned() }),
        },
        _ => Err(Refusal::ImageCacheNotFound(id.to_owned())),
    }
}

/// The ready image cache with the most of the group's images, the youngest of those; else a new one that is begun.
pub fn matching(
    world: &mut World,
    caller: &Caller,
    containers: &[Container],
    group: &str,
) -> Result<CacheUse, Refusal> {
    let now = world.now();
    let has = |images: &[String]| {
        let cached = |container: &&Container| images.iter().any(|image| **image == *container.spec.image);
        containers.iter().filter(cached).count()
    };
    let ready =
        world.assets.list(&caller.account, &caller.region, now, |a| a.progress(now) == Progress::Done);
    let fitting = ready.filter_map(|(number, asset)| match &asset.detail {
        Detail::ImageCache { images, .. } if has(images) > 0 => Some((has(images), number, asset, images)),
        _ => None,
    });
    if let Some((_, _, asset, images)) = fitting.max_by_key(|(matches, number, ..)| (*matches, *number)) {
        return Ok(CacheUse::Hit { id: asset.id.as_str().into(), images: images.clone() });
    }
    if count(world, caller, true) >= world.quota.auto_image_caches as usize {
        return Ok(CacheUse::None);
    }
    let mut images: Vec<String> =
        containers.iter().map(|container| container.spec.image.to_string()).collect();
    images.sort();
    images.dedup();
    let prefix = caller.region()?.id_prefix.clone();
    let detail = Detail::ImageCache {
        images,
        size: AUTO_SIZE,
        elimination: String::new(),
        flash: false,
        helper: group.to_owned(),
        snapshot: world.new_id("s", &prefix),
    };
    let name = format!("{AUTO_NAMED}{group}");
    let made = (TAKES, detail);
    let (id, number) = assets::make(world, caller, "imc", Some(&name), std::iter::empty(), None, made)?;
    world.assets.expire(number, assets::expiry(now, Some(AUTO_UNUSED_DAYS)));
    Ok(CacheUse::Missed { made: id.into() })
}
