//! `DeleteContainerGroup`: deletes a group in any state; only a running group with a stop hook takes its time.

use eci_api::actions::{DeleteContainerGroup, DeleteContainerGroupReply};

use crate::refusal::Refusal;
use crate::serving::{Caller, Serve};
use crate::world::World;

impl Serve for DeleteContainerGroup {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let number = caller.group(world, self.container_group_id.as_deref())?.record.number;
        world.delete(number, self.force == Some(true));
        Ok(DeleteContainerGroupReply { request_id: caller.request_id.clone() })
    }
}
