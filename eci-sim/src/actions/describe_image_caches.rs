//! `DescribeImageCaches`: image caches and their progress.

use eci_api::actions::describe_image_caches as tell;
use eci_api::actions::{DescribeImageCaches, DescribeImageCachesReply};
use jiff::Timestamp;

use crate::refusal::Refusal;
use crate::serving::assets::selects;
use crate::serving::selection::{limit, tags};
use crate::serving::times::{written, written_or_empty};
use crate::serving::{Caller, Serve, assets};
use crate::world::World;
use crate::world::assets::{Asset, Detail, Progress};

/// Page size, default and maximum; `ours`, since no number is published.
const PAGE: usize = 50;
/// Seconds for which an image cache is in Preparing; `ours`.
const PREPARING_SECONDS: i64 = 5;

impl Serve for DescribeImageCaches {
    const READ_ONLY: bool = true;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let wanted = tags(self.tag.iter().map(|tag| (&tag.key, &tag.value)));
        let image = self.image.as_ref().filter(|image| !image.is_empty());
        let fits = |asset: &Asset| {
            let Detail::ImageCache { images, snapshot, .. } = &asset.detail else { return false };
            selects(&self.image_cache_id, &asset.id)
                && selects(&self.image_cache_name, &asset.name)
                && selects(&self.snapshot_id, snapshot)
                && image.is_none_or(|image| images.contains(image))
                && selects(&self.resource_group_id, &asset.resource_group)
                && self.matches(images)
                && assets::tagged(asset, &wanted)
        };
        let (caches, total, next) =
            assets::page(world, caller, self.next_token.as_deref(), limit(self.limit, PAGE, PAGE), fits)?;
        Ok(DescribeImageCachesReply {
            image_caches: caches.into_iter().filter_map(|cache| image_cache(cache, world.now())).collect(),
            next_token: next,
            request_id: caller.request_id.clone(),
            total_count: total,
        })
    }
}

trait Matching {
    fn matches(&self, images: &[String]) -> bool;
}

impl Matching for DescribeImageCaches {
    /// True if a cache has enough of the images to be matched: all with ImageFullMatch, else as many as are requested,
    /// one where the request gives no number (`ours`, since no page says it).
    fn matches(&self, images: &[String]) -> bool {
        let wanted = self.match_image.len();
        let has = self.match_image.iter().filter(|image| images.contains(image)).count();
        let request = self.image_match_count_request.and_then(|count| usize::try_from(count).ok());
        let least =
            if self.image_full_match == Some(true) { wanted } else { request.unwrap_or(1).min(wanted) };
        has >= least
    }
}

fn image_cache(cache: &Asset, now: Timestamp) -> Option<tell::ImageCache> {
    let Detail::ImageCache { images, size, elimination, flash, helper, snapshot } = &cache.detail else {
        return None;
    };
    let progress = cache.progress(now);
    let preparing = cache.since.duration_until(now).as_secs() < PREPARING_SECONDS;
    let (status, percent) = match progress {
        Progress::Done => ("Ready", 100),
        Progress::Underway(percent) if cache.updating => ("Updating", percent),
        Progress::Underway(percent) if preparing => ("Preparing", percent),
        Progress::Underway(percent) => ("Creating", percent),
    };
    Some(tell::ImageCache {
        container_group_id: helper.clone(),
        creation_time: written(cache.born),
        elimination_strategy: elimination.clone(),
        expire_date_time: assets::written_expiry(cache),
        flash_snapshot_id: if *flash && progress == Progress::Done {
            format!("{snapshot}-flash")
        } else {
            String::new()
        },
        image_cache_id: cache.id.clone(),
        image_cache_name: cache.name.clone(),
        image_cache_size: *size,
        images: images.clone(),
        last_matched_time: written_or_empty(cache.matched),
        progress: format!("{percent}%"),
        region_id: cache.region.to_string(),
        resource_group_id: cache.resource_group.clone(),
        snapshot_id: if progress == Progress::Done { snapshot.clone() } else { String::new() },
        status: status.to_owned(),
        tags: cache
            .tags
            .iter()
            .map(|(key, value)| tell::Tag { key: key.to_string(), value: value.to_string() })
            .collect(),
        ..tell::ImageCache::default()
    })
}
