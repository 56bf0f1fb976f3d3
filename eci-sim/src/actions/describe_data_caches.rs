//! `DescribeDataCaches`: data caches and their progress.

use eci_api::actions::describe_data_caches as tell;
use eci_api::actions::{DescribeDataCaches, DescribeDataCachesReply};
use jiff::Timestamp;

use crate::refusal::Refusal;
use crate::serving::assets::selects;
use crate::serving::selection::{limit, tags};
use crate::serving::{Caller, Serve, assets};
use crate::world::World;
use crate::world::assets::{Asset, Detail, Progress};

/// Page size, default and maximum.
const PAGE: usize = 20;

impl Serve for DescribeDataCaches {
    const READ_ONLY: bool = true;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let wanted = tags(self.tag.iter().map(|tag| (&tag.key, &tag.value)));
        let fits = |asset: &Asset| {
            let Detail::DataCache { bucket, path, .. } = &asset.detail else { return false };
            selects(&self.bucket, bucket)
                && selects(&self.path, path)
                && (self.data_cache_id.is_empty() || self.data_cache_id.contains(&asset.id))
                && selects(&self.resource_group_id, &asset.resource_group)
                && assets::tagged(asset, &wanted)
        };
        let (caches, total, next) =
            assets::page(world, caller, self.next_token.as_deref(), limit(self.limit, PAGE, PAGE), fits)?;
        Ok(DescribeDataCachesReply {
            data_caches: caches.into_iter().filter_map(|cache| data_cache(cache, world.now())).collect(),
            next_token: next,
            request_id: caller.request_id.clone(),
            total_count: total,
        })
    }
}

/// Time to the minute, as in the sample: `2023-06-16T02:43Z`.
fn to_the_minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%MZ").to_string()
}

fn data_cache(cache: &Asset, now: Timestamp) -> Option<tell::DataCache> {
    let Detail::DataCache { bucket, path, size, source, options, helper, snapshot } = &cache.detail else {
        return None;
    };
    let progress = cache.progress(now);
    let (status, percent) = match progress {
        Progress::Done => ("Available", 100),
        Progress::Underway(percent) if cache.updating => ("Updating", percent),
        Progress::Underway(percent) if percent < 80 => ("Loading", percent),
        Progress::Underway(percent) => ("Creating", percent),
    };
    Some(tell::DataCache {
        bucket: bucket.clone(),
        container_group_id: helper.clone(),
        creation_time: to_the_minute(cache.born),
        data_cache_id: cache.id.clone(),
        data_source: Some(tell::DataSource {
            options: serde_json::to_string(options).unwrap_or_default(),
            type_: source.clone(),
        }),
        expire_date_time: cache.expires.map(to_the_minute).unwrap_or_default(),
        last_matched_time: cache.matched.map(to_the_minute).unwrap_or_default(),
        name: cache.name.clone(),
        path: path.clone(),
        progress: format!("{percent}%"),
        region_id: cache.region.to_string(),
        resource_group_id: cache.resource_group.clone(),
        size: *size,
        snapshot_id: if progress == Progress::Done { snapshot.clone() } else { String::new() },
        status: status.to_owned(),
        tags: cache
            .tags
            .iter()
            .map(|(key, value)| tell::Tag { key: key.to_string(), value: value.to_string() })
            .collect(),
        ..tell::DataCache::default()
    })
}
