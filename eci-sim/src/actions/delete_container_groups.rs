//! `DeleteContainerGroups`: deletes several groups, all of them or none; known to older clients only.

use eci_api::actions::{DeleteContainerGroups, DeleteContainerGroupsReply};

use crate::refusal::Refusal;
use crate::serving::selection::id_list;
use crate::serving::{Caller, Serve};
use crate::world::World;

impl Serve for DeleteContainerGroups {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let ids = id_list("ContainerGroupIds", self.container_group_ids.as_deref(), 20)?;
        let ids = ids.ok_or_else(|| Refusal::missing("ContainerGroupIds"))?;
        let mut numbers = Vec::new();
        for id in &ids {
            numbers.push(caller.group(world, Some(id))?.record.number);
        }
        for number in numbers {
            world.delete(number, false);
        }
        Ok(DeleteContainerGroupsReply { request_id: caller.request_id.clone() })
    }
}
