//! `UpdateContainerGroupByTemplate`: changes a group as a template says; known to older clients only.
//!
//! A template has no id in it, so the newest group of its name that has not ended is meant (`ours`).

use eci_api::actions::{UpdateContainerGroupByTemplate, UpdateContainerGroupByTemplateReply};

use super::update_container_group;
use crate::refusal::Refusal;
use crate::serving::{Caller, Serve, template};
use crate::world::World;

impl Serve for UpdateContainerGroupByTemplate {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let request = template::create_request(template::read(self.template.as_deref())?);
        let name = request.container_group_name.clone().unwrap_or_default();
        let all = world.groups_after(&caller.account, &caller.region, 0);
        let newest = all.filter(|group| *group.record.name == *name && !group.state.is_final()).last();
        let unknown = || Refusal::NotFound { kind: "ContainerGroupName", id: name.clone() };
        let number = newest.ok_or_else(unknown)?.record.number;
        update_container_group::update(world, caller, number, &request, false)?;
        Ok(UpdateContainerGroupByTemplateReply { request_id: caller.request_id.clone() })
    }
}
