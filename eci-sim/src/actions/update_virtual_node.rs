//! `UpdateVirtualNode`: changes the name or the tags of a virtual node that is ready.

use eci_api::actions::{UpdateVirtualNode, UpdateVirtualNodeReply};

use super::create_virtual_node::check_name;
use crate::group::order;
use crate::refusal::Refusal;
use crate::serving::{Caller, Serve, assets};
use crate::world::World;
use crate::world::assets::{Asset, Detail, Progress};

impl Serve for UpdateVirtualNode {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let id = self.virtual_node_id.as_deref().unwrap_or_default();
        let is_node = |asset: &Asset| matches!(asset.detail, Detail::VirtualNode { .. });
        let number = assets::find(world, caller, ("VirtualNodeId", id), is_node)?;
        let tags = order::tags(self.tag.iter().map(|tag| (tag.key.as_deref(), tag.value.as_deref())))?;
        let now = world.now();
        let Some(node) = world.assets.get_mut(number) else { return Err(Refusal::NothingToUpdate) };
        if node.progress(now) != Progress::Done {
            return Err(Refusal::NotReady { kind: "virtual node", id: id.to_owned() });
        }
        if let Some(name) = self.virtual_node_name.as_deref().filter(|name| !name.is_empty()) {
            check_name(name)?;
            name.clone_into(&mut node.name);
        }
        if !tags.is_empty() {
            node.tags = tags;
        }
        Ok(UpdateVirtualNodeReply { request_id: caller.request_id.clone() })
    }
}
