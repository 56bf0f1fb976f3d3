//! `DeleteVirtualNode`: its request and its reply (current).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

impl Action for DeleteVirtualNode {
    const NAME: &'static str = "DeleteVirtualNode";
    type Reply = DeleteVirtualNodeReply;
}

/// `DeleteVirtualNode` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteVirtualNode {
    /// `ClientToken`, at most 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_token: Option<String>,
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `VirtualNodeId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_node_id: Option<String>,
}

/// `DeleteVirtualNodeReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteVirtualNodeReply {
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
}
