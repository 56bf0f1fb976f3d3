//! `DescribeVirtualNodes`: virtual nodes and their readiness.

use eci_api::actions::describe_virtual_nodes as tell;
use eci_api::actions::{DescribeVirtualNodes, DescribeVirtualNodesReply};
use jiff::Timestamp;

use crate::refusal::Refusal;
use crate::serving::assets::selects;
use crate::serving::selection::{id_list, limit, tags};
use crate::serving::times::written;
use crate::serving::{Caller, Serve, assets};
use crate::world::World;
use crate::world::assets::{Asset, Detail, Progress};

/// Page size, default and maximum; also the number of ids in a call, at most.
const PAGE: usize = 20;

impl Serve for DescribeVirtualNodes {
    const READ_ONLY: bool = true;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let wanted = tags(self.tag.iter().map(|tag| (&tag.key, &tag.value)));
        let ids = id_list("VirtualNodeIds", self.virtual_node_ids.as_deref(), PAGE)?;
        let now = world.now();
        let fits = |asset: &Asset| {
            matches!(asset.detail, Detail::VirtualNode { .. })
                && ids.as_ref().is_none_or(|ids| ids.contains(&asset.id))
                && selects(&self.virtual_node_name, &asset.name)
                && selects(&self.resource_group_id, &asset.resource_group)
                && selects(&self.status, status(asset, now))
                && assets::tagged(asset, &wanted)
        };
        let requested = self.limit.and_then(|limit| i32::try_from(limit).ok());
        let (nodes, total, next) =
            assets::page(world, caller, self.next_token.as_deref(), limit(requested, PAGE, PAGE), fits)?;
        Ok(DescribeVirtualNodesReply {
            virtual_nodes: nodes.into_iter().filter_map(|node| virtual_node(node, now)).collect(),
            next_token: next,
            request_id: caller.request_id.clone(),
            total_count: total,
        })
    }
}

fn status(node: &Asset, now: Timestamp) -> &'static str {
    if node.progress(now) == Progress::Done { "Ready" } else { "Pending" }
}

fn virtual_node(node: &Asset, now: Timestamp) -> Option<tell::VirtualNode> {
    let Detail::VirtualNode { security_group, vswitch, address, internet_address } = &node.detail else {
        return None;
    };
    Some(tell::VirtualNode {
        creation_time: written(node.born),
        internet_ip: internet_address.clone(),
        intranet_ip: address.clone(),
        region_id: node.region.to_string(),
        resource_group_id: node.resource_group.clone(),
        status: status(node, now).to_owned(),
        tags: node
            .tags
            .iter()
            .map(|(key, value)| tell::Tag { key: key.to_string(), value: value.to_string() })
            .collect(),
        virtual_node_id: node.id.clone(),
        virtual_node_name: node.name.clone(),
        virtual_node_security_group_id: security_group.clone(),
        virtual_node_vswitch_id: vswitch.clone(),
        vpc_id: format!("vpc-{}", node.region),
        ..tell::VirtualNode::default()
    })
}
