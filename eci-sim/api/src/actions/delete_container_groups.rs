//! `DeleteContainerGroups`: its request and its reply (legacy).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

impl Action for DeleteContainerGroups {
    const NAME: &'static str = "DeleteContainerGroups";
    type Reply = DeleteContainerGroupsReply;
}

/// `DeleteContainerGroups` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteContainerGroups {
    /// `ContainerGroupIds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_group_ids: Option<String>,
}

/// `DeleteContainerGroupsReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteContainerGroupsReply {
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
}
