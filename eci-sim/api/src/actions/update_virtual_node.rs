//! `UpdateVirtualNode`: its request and its reply (current).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

pub use super::create_data_cache::Tag;

impl Action for UpdateVirtualNode {
    const NAME: &'static str = "UpdateVirtualNode";
    type Reply = UpdateVirtualNodeReply;
}

/// `UpdateVirtualNode` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateVirtualNode {
    /// `ClientToken`, at most 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_token: Option<String>,
    /// `ClusterDNS`.
    #[serde(rename = "ClusterDNS", default, skip_serializing_if = "Option::is_none")]
    pub cluster_dns: Option<String>,
    /// `ClusterDomain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_domain: Option<String>,
    /// `CustomResources`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_resources: Option<String>,
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `Tag.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag: Vec<Tag>,
    /// `VirtualNodeId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_node_id: Option<String>,
    /// `VirtualNodeName`, at least 2, at most 128.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_node_name: Option<String>,
}

/// `UpdateVirtualNodeReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateVirtualNodeReply {
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
}
