//! `DeleteImageCache`: deletes an image cache at once; groups that were started from it keep running.

use eci_api::actions::{DeleteImageCache, DeleteImageCacheReply};

use crate::refusal::Refusal;
use crate::serving::{Caller, Serve, assets};
use crate::world::World;
use crate::world::assets::Detail;

impl Serve for DeleteImageCache {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let id = self.image_cache_id.as_deref().unwrap_or_default();
        let is_cache =
            |asset: &crate::world::assets::Asset| matches!(asset.detail, Detail::ImageCache { .. });
        let number = assets::find(world, caller, ("ImageCacheId", id), is_cache)?;
        world.remove_asset(number);
        Ok(DeleteImageCacheReply { request_id: caller.request_id.clone() })
    }
}
