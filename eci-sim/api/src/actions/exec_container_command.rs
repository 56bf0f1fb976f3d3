//! `ExecContainerCommand`: its request and its reply (current).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

impl Action for ExecContainerCommand {
    const NAME: &'static str = "ExecContainerCommand";
    type Reply = ExecContainerCommandReply;
}

/// `ExecContainerCommand` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ExecContainerCommand {
    /// `Command`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// `ContainerGroupId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_group_id: Option<String>,
    /// `ContainerName`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_name: Option<String>,
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `Stdin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<bool>,
    /// `Sync`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync: Option<bool>,
    /// `TTY`.
    #[serde(rename = "TTY", default, skip_serializing_if = "Option::is_none")]
    pub tty: Option<bool>,
}

/// `ExecContainerCommandReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ExecContainerCommandReply {
    /// `HttpUrl`.
    #[serde(default, deserialize_with = "null_default")]
    pub http_url: String,
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
    /// `SyncResponse`.
    #[serde(default, deserialize_with = "null_default")]
    pub sync_response: String,
    /// `WebSocketUri`.
    #[serde(default, deserialize_with = "null_default")]
    pub web_socket_uri: String,
}
