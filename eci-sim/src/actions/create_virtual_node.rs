//! `CreateVirtualNode`: a node for a cluster that is not the cloud's own; it is ready after a while.

use std::time::Duration;

use eci_api::actions::{CreateVirtualNode, CreateVirtualNodeReply};

use super::{Caller, Serve, assets};
use crate::refusal::Refusal;
use crate::world::World;
use crate::world::assets::Detail;

/// How long it takes; `ours`.
const TAKES: Duration = Duration::from_secs(30);

impl Serve for CreateVirtualNode {
    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        if let Some(name) = self.virtual_node_name.as_deref().filter(|name| !name.is_empty()) {
            check_name(name)?;
        }
        let detail = Detail::VirtualNode {
            security_group: self.security_group_id.clone().unwrap_or_default(),
            vswitch: self.vswitch_id.clone().unwrap_or_default(),
        };
        let tags = self.tag.iter().map(|tag| (&tag.key, &tag.value));
        let (name, group) = (self.virtual_node_name.as_ref(), self.resource_group_id.as_ref());
        let id = assets::make(world, caller, "vnd", name, tags, group, (TAKES, detail))?;
        Ok(CreateVirtualNodeReply { virtual_node_id: id, request_id: caller.request_id.clone() })
    }
}

/// 2 to 128 small letters, digits, dots and hyphens.
pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    let ordinary = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    if (2..=128).contains(&name.len()) && name.chars().all(ordinary) {
        return Ok(());
    }
    let why = format!("`{name}` should be 2 to 128 small letters, digits, dots and hyphens");
    Err(Refusal::invalid("VirtualNodeName", why))
}
