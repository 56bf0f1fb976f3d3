//! `DescribeVirtualNodes`: its request and its reply (current).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

pub use super::describe_container_groups::{Event, Tag};

impl Action for DescribeVirtualNodes {
    const NAME: &'static str = "DescribeVirtualNodes";
    type Reply = DescribeVirtualNodesReply;
}

/// `DescribeVirtualNodes` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeVirtualNodes {
    /// `ClientToken`, at most 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_token: Option<String>,
    /// `Limit`, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
    /// `NextToken`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `ResourceGroupId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_group_id: Option<String>,
    /// `Status`, one of Pending, Ready, Failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// `Tag.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag: Vec<DescribeVirtualNodesTag>,
    /// `VirtualNodeIds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_node_ids: Option<String>,
    /// `VirtualNodeName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_node_name: Option<String>,
}

/// `Tag` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeVirtualNodesTag {
    /// `Tag.N.Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `Tag.N.Value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// `DescribeVirtualNodesReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeVirtualNodesReply {
    /// `NextToken`.
    #[serde(default, deserialize_with = "null_default")]
    pub next_token: String,
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
    /// `TotalCount`.
    #[serde(default, deserialize_with = "null_default")]
    pub total_count: i32,
    /// `VirtualNodes`.
    #[serde(default, deserialize_with = "null_default")]
    pub virtual_nodes: Vec<VirtualNode>,
}

/// `VirtualNode` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VirtualNode {
    /// `CreationTime`.
    #[serde(default, deserialize_with = "null_default")]
    pub creation_time: String,
    /// `Events`.
    #[serde(default, deserialize_with = "null_default")]
    pub events: Vec<Event>,
    /// `InternetIp`.
    #[serde(default, deserialize_with = "null_default")]
    pub internet_ip: String,
    /// `IntranetIp`.
    #[serde(default, deserialize_with = "null_default")]
    pub intranet_ip: String,
    /// `RegionId`.
    #[serde(default, deserialize_with = "null_default")]
    pub region_id: String,
    /// `ResourceGroupId`.
    #[serde(default, deserialize_with = "null_default")]
    pub resource_group_id: String,
    /// `Status`.
    #[serde(default, deserialize_with = "null_default")]
    pub status: String,
    /// `Tags`.
    #[serde(default, deserialize_with = "null_default")]
    pub tags: Vec<Tag>,
    /// `VirtualNodeId`.
    #[serde(default, deserialize_with = "null_default")]
    pub virtual_node_id: String,
    /// `VirtualNodeName`.
    #[serde(default, deserialize_with = "null_default")]
    pub virtual_node_name: String,
    /// `VirtualNodeSecurityGroupId`.
    #[serde(default, deserialize_with = "null_default")]
    pub virtual_node_security_group_id: String,
    /// `VirtualNodeVSwitchId`.
    #[serde(rename = "VirtualNodeVSwitchId", default, deserialize_with = "null_default")]
    pub virtual_node_vswitch_id: String,
    /// `VpcId`.
    #[serde(default, deserialize_with = "null_default")]
    pub vpc_id: String,
}
