//! `ResizeContainerGroupEphemeralStorage`: its request and its reply (legacy).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

impl Action for ResizeContainerGroupEphemeralStorage {
    const NAME: &'static str = "ResizeContainerGroupEphemeralStorage";
    type Reply = ResizeContainerGroupEphemeralStorageReply;
}

/// `ResizeContainerGroupEphemeralStorage` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResizeContainerGroupEphemeralStorage {
    /// `RegionId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `ContainerGroupId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_group_id: Option<String>,
    /// `ClientToken`, at most 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_token: Option<String>,
    /// `NewSize`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_size: Option<String>,
}

/// `ResizeContainerGroupEphemeralStorageReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResizeContainerGroupEphemeralStorageReply {
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
}
