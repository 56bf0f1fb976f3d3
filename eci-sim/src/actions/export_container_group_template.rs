//! `ExportContainerGroupTemplate`: writes a group as a template; known to older clients only.

use eci_api::actions::{ExportContainerGroupTemplate, ExportContainerGroupTemplateReply};

use crate::refusal::Refusal;
use crate::serving::{Caller, Serve, template};
use crate::world::World;

impl Serve for ExportContainerGroupTemplate {
    const READ_ONLY: bool = true;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let group = caller.group(world, self.container_group_id.as_deref())?;
        let template = Some(template::of(group));
        Ok(ExportContainerGroupTemplateReply { request_id: caller.request_id.clone(), template })
    }
}
