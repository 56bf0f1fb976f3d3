//! `CommitContainer`: makes an image of a running container; the task says how far it has got.

use std::time::Duration;

use eci_api::actions::{CommitContainer, CommitContainerReply};

use crate::refusal::Refusal;
use crate::serving::states::wrong_state;
use crate::serving::{Caller, Serve, assets};
use crate::world::World;
use crate::world::assets::Detail;

/// Time to make the image; `ours`.
const TAKES: Duration = Duration::from_secs(60);

impl Serve for CommitContainer {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let (id, name) = (self.container_group_id.as_deref(), self.container_name.as_deref());
        let (group, container) = caller.container(world, id, name)?;
        if !container.is_running() {
            return Err(wrong_state(group, "an image is made only of a container that is running"));
        }
        let image = self.image.clone().unwrap_or_default();
        let (repository, tag) = (image.repository.unwrap_or_default(), image.tag.unwrap_or_default());
        let detail = Detail::Commit {
            group: group.record.id.to_string(),
            container: container.spec.name.to_string(),
            image: format!("{repository}:{tag}"),
        };
        let (id, _) = assets::make(world, caller, "t", None, std::iter::empty(), None, (TAKES, detail))?;
        Ok(CommitContainerReply { task_id: id, request_id: caller.request_id.clone() })
    }
}
