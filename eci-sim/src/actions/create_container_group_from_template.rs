//! `CreateContainerGroupFromTemplate`: creates a group from a template; known to older clients only.

use eci_api::actions::{CreateContainerGroupFromTemplate, CreateContainerGroupFromTemplateReply};

use crate::refusal::Refusal;
use crate::serving::{Caller, Serve, template};
use crate::world::World;

impl Serve for CreateContainerGroupFromTemplate {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let request = template::create_request(template::read(self.template.as_deref())?);
        let made = request.serve(world, caller)?;
        Ok(CreateContainerGroupFromTemplateReply {
            request_id: made.request_id,
            container_group_id: made.container_group_id,
        })
    }
}
