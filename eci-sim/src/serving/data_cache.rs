//! Data caches: their search, and their use by a group that is being created: those of its bucket in whose paths its
//! volumes lie.

use std::time::Duration;

use eci_api::actions::CreateContainerGroup;

use super::Caller;
use crate::refusal::Refusal;
use crate::world::World;
use crate::world::assets::{Asset, Detail, Progress};

/// Default bucket (eci-openapi.md, section 8).
pub const BUCKET: &str = "default";
/// Time to load the data; `ours`, after the example that is built in 300 s.
pub const TAKES: Duration = Duration::from_secs(300);

/// The number of a data cache, named by its id, or by bucket and path.
pub fn find(
    world: &World,
    caller: &Caller,
    id: Option<&str>,
    bucket: Option<&str>,
    path: Option<&str>,
) -> Result<u64, Refusal> {
    let set = |text: Option<&str>| text.map(str::to_owned).filter(|text| !text.is_empty());
    let (id, bucket, path) = (set(id), set(bucket).unwrap_or_else(|| BUCKET.to_owned()), set(path));
    if id.is_none() && path.is_none() {
        return Err(Refusal::missing("DataCacheId"));
    }
    let fits = |asset: &Asset| {
        let Detail::DataCache { bucket: b, path: p, .. } = &asset.detail else { return false };
        match (&id, &path) {
            (Some(id), _) => asset.id == *id,
            (None, Some(path)) => *b == bucket && p == path,
            (None, None) => false,
        }
    };
    let found = world.assets.list(&caller.account, &caller.region, world.now(), fits).next();
    let named = id.clone().or(path.clone()).unwrap_or_default();
    found.map(|(number, _)| number).ok_or(Refusal::NotFound { kind: "DataCacheId", id: named })
}

/// The numbers of the data caches that a group uses; a bucket that the request names has to have one that is ready.
pub fn used(request: &CreateContainerGroup, world: &World, caller: &Caller) -> Result<Vec<u64>, Refusal> {
    let Some(wanted) = request.data_cache_bucket.as_deref().filter(|bucket| !bucket.is_empty()) else {
        return Ok(Vec::new());
    };
    let now = world.now();
    let ready = |asset: &Asset| {
        matches!(&asset.detail, Detail::DataCache { bucket, .. } if bucket == wanted)
            && asset.progress(now) == Progress::Done
    };
    let ready: Vec<_> = world.assets.list(&caller.account, &caller.region, now, ready).collect();
    if ready.is_empty() {
        return Err(Refusal::NotFound {
            kind: "DataCacheBucket with a cache that is Available,",
            id: wanted.to_owned(),
        });
    }
    let hosts = request.volume.iter().filter_map(|volume| volume.host_path_volume.as_ref()?.path.as_deref());
    let paths: Vec<&str> = hosts.collect();
    let lies_in = |asset: &Asset| match &asset.detail {
        Detail::DataCache { path, .. } => paths.iter().any(|own| is_below(own, path)),
        _ => false,
    };
    Ok(ready.into_iter().filter(|(_, asset)| lies_in(asset)).map(|(number, _)| number).collect())
}

/// Marks data caches as used now, and returns the GiB of disk that they bring with them.
pub fn put_to_use(world: &mut World, numbers: &[u64]) -> u32 {
    let now = world.now();
    let mut disk = 0;
    for number in numbers {
        let Some(asset) = world.assets.get_mut(*number) else { continue };
        asset.matched = Some(now);
        if let Detail::DataCache { size, .. } = &asset.detail {
            disk += u32::try_from(*size).unwrap_or(0);
        }
    }
    disk
}

/// True if `path` equals `base` or lies below it.
fn is_below(path: &str, base: &str) -> bool {
    let rest = path.strip_prefix(base.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
