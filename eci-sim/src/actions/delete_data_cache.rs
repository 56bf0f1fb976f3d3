//! `DeleteDataCache`: deletes a data cache, by its id, or by bucket and path.

use eci_api::actions::{DeleteDataCache, DeleteDataCacheReply};

use super::create_data_cache::BUCKET;
use super::{Caller, Serve};
use crate::refusal::Refusal;
use crate::world::World;
use crate::world::assets::{Asset, Detail};

impl Serve for DeleteDataCache {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let number =
            find(world, caller, self.data_cache_id.as_deref(), self.bucket.as_deref(), self.path.as_deref())?;
        world.remove_asset(number);
        Ok(DeleteDataCacheReply { request_id: caller.request_id.clone() })
    }
}

/// The number of a data cache, named by its id, or by bucket and path.
pub(super) fn find(
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
