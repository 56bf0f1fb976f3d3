//! `DeleteVirtualNode`: deletes a virtual node at once. No group runs on one here, so nothing stands in the way.

use eci_api::actions::{DeleteVirtualNode, DeleteVirtualNodeReply};

use crate::refusal::Refusal;
use crate::serving::{Caller, Serve, assets};
use crate::world::World;
use crate::world::assets::{Asset, Detail};

impl Serve for DeleteVirtualNode {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let id = self.virtual_node_id.as_deref().unwrap_or_default();
        let is_node = |asset: &Asset| matches!(asset.detail, Detail::VirtualNode { .. });
        let number = assets::find(world, caller, ("VirtualNodeId", id), is_node)?;
        if let Some(Detail::VirtualNode { vswitch, address, .. }) =
            world.assets.get_mut(number).map(|asset| asset.detail.clone())
        {
            let network = &mut world.account_region(&caller.account, &caller.region).network;
            network.release(&vswitch, address.parse().ok(), None);
        }
        world.remove_asset(number);
        Ok(DeleteVirtualNodeReply { request_id: caller.request_id.clone() })
    }
}
