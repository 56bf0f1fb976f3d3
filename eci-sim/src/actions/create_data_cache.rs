//! `CreateDataCache`: loads data into a snapshot, under a path of a bucket.

use eci_api::actions::{CreateDataCache, CreateDataCacheReply};

use crate::refusal::Refusal;
use crate::serving::data_cache::{BUCKET, TAKES};
use crate::serving::{Caller, Serve, assets};
use crate::world::World;
use crate::world::assets::{Asset, Detail};

/// Default size in GiB (eci-openapi.md, section 8).
const SIZE: i32 = 20;
const RESERVED_BUCKET: &str = "eci-system";

impl Serve for CreateDataCache {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        world.standings.may_make(&caller.account)?;
        let prefix = caller.region()?.id_prefix.clone();
        let source = self.data_source.clone().unwrap_or_default();
        let kind = source.type_.unwrap_or_default();
        if kind.is_empty() {
            return Err(Refusal::missing("DataSource.Type"));
        }
        let bucket = self.bucket.clone().filter(|b| !b.is_empty()).unwrap_or_else(|| BUCKET.to_owned());
        if bucket == RESERVED_BUCKET {
            return Err(Refusal::invalid("Bucket", format!("`{RESERVED_BUCKET}` is reserved")));
        }
        let path = self.path.clone().unwrap_or_default();
        if path.is_empty() {
            return Err(Refusal::missing("Path"));
        }
        if !path.starts_with('/') {
            return Err(Refusal::invalid("Path", format!("`{path}` should be a path such as /data")));
        }
        let taken = |asset: &Asset| matches!(&asset.detail, Detail::DataCache { bucket: b, path: p, .. } if *b == bucket && *p == path);
        if world.assets.list(&caller.account, &caller.region, world.now(), taken).next().is_some() {
            return Err(Refusal::invalid("Path", format!("{bucket}:{path} is a data cache already")));
        }
        let is_cache = |asset: &Asset| matches!(asset.detail, Detail::DataCache { .. });
        let all = world.assets.list(&caller.account, &caller.region, world.now(), is_cache).count();
        if all >= world.quota.data_caches as usize {
            return Err(Refusal::QuotaExceeded("DataCache".to_owned()));
        }
        let detail = Detail::DataCache {
            bucket: bucket.clone(),
            path: path.clone(),
            size: self.size.unwrap_or(SIZE),
            source: kind,
            options: source.options,
            helper: world.new_id("eci", &prefix),
            snapshot: world.new_id("s", &prefix),
        };
        let tags = self.tag.iter().map(|tag| (&tag.key, &tag.value));
        let (name, group) = (self.name.as_ref(), self.resource_group_id.as_ref());
        let (id, number) = assets::make(world, caller, "edc", name, tags, group, (TAKES, detail))?;
        let now = world.now();
        world.assets.expire(number, assets::expiry(now, self.retention_days));
        Ok(CreateDataCacheReply { data_cache_id: id, request_id: caller.request_id.clone() })
    }
}
