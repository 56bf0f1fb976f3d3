//! Use of data caches by a group that is being created: those of its bucket in whose paths its volumes lie.

use eci_api::actions::CreateContainerGroup;

use super::Caller;
use crate::refusal::Refusal;
use crate::world::World;
use crate::world::assets::{Asset, Detail, Progress};

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
