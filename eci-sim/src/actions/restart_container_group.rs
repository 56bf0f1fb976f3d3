//! `RestartContainerGroup`: restarts a group that is Pending or Running; the address stays.

use eci_api::actions::{RestartContainerGroup, RestartContainerGroupReply};

use crate::lifecycle::Event;
use crate::refusal::Refusal;
use crate::serving::states::start_over;
use crate::serving::{Caller, Serve};
use crate::world::World;

impl Serve for RestartContainerGroup {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let number = caller.group(world, self.container_group_id.as_deref())?.record.number;
        start_over(world, number, Event::RestartRequested)?;
        Ok(RestartContainerGroupReply { request_id: caller.request_id.clone() })
    }
}
