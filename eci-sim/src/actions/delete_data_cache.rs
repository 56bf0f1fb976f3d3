//! `DeleteDataCache`: deletes a data cache, by its id, or by bucket and path.

use eci_api::actions::{DeleteDataCache, DeleteDataCacheReply};

use crate::refusal::Refusal;
use crate::serving::{Caller, Serve, data_cache};
use crate::world::World;

impl Serve for DeleteDataCache {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let number = data_cache::find(
            world,
            caller,
            self.data_cache_id.as_deref(),
            self.bucket.as_deref(),
            self.path.as_deref(),
        )?;
        world.remove_asset(number);
        Ok(DeleteDataCacheReply { request_id: caller.request_id.clone() })
    }
}
