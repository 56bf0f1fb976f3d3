//! `CreateVirtualNode`: creates a node for a cluster that is not the cloud's own; it is ready after a while.

use std::sync::Arc;
use std::time::Duration;

use eci_api::actions::{CreateVirtualNode, CreateVirtualNodeReply};

use crate::refusal::Refusal;
use crate::serving::addresses::{of_eip, public};
use crate::serving::{Caller, Serve, assets};
use crate::world::World;
use crate::world::assets::Detail;

/// Time until a virtual node is ready; `ours`.
const TAKES: Duration = Duration::from_secs(30);

impl Serve for CreateVirtualNode {
    const READ_ONLY: bool = false;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        if let Some(name) = self.virtual_node_name.as_deref().filter(|name| !name.is_empty()) {
            check_name(name)?;
        }
        let region = caller.region()?;
        world.standings.may_make(&caller.account)?;
        let vswitch = world.shared(self.vswitch_id.as_deref().unwrap_or_default());
        let zones: Vec<Arc<str>> = region.zones.iter().map(|zone| world.shared(zone)).collect();
        let network = &mut world.account_region(&caller.account, &caller.region).network;
        let address = network.vswitch(&vswitch, None, &zones).allocate(None);
        let address = address.map_err(|_| Refusal::NoAddressLeft(vswitch.to_string()))?;
        let eip = self.eip_instance_id.as_deref().filter(|id| !id.is_empty());
        let internet_address = match eip {
            Some(id) => of_eip(id),
            None if self.enable_public_network == Some(true) => public(address),
            None => String::new(),
        };
        let detail = Detail::VirtualNode {
            security_group: self.security_group_id.clone().unwrap_or_default(),
            vswitch: vswitch.to_string(),
            address: address.to_string(),
            internet_address,
        };
        let tags = self.tag.iter().map(|tag| (&tag.key, &tag.value));
        let (name, group) = (self.virtual_node_name.as_ref(), self.resource_group_id.as_ref());
        let (id, _) = assets::make(world, caller, "vnd", name, tags, group, (TAKES, detail))?;
        Ok(CreateVirtualNodeReply { virtual_node_id: id, request_id: caller.request_id.clone() })
    }
}

/// Checks a node's name: 2 to 128 small letters, digits, dots and hyphens.
pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    let ordinary = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    if (2..=128).contains(&name.len()) && name.chars().all(ordinary) {
        return Ok(());
    }
    let why = format!("`{name}` should be 2 to 128 small letters, digits, dots and hyphens");
    Err(Refusal::invalid("VirtualNodeName", why))
}
