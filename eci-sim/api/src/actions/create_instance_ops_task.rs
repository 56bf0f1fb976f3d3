//! `CreateInstanceOpsTask`: its request and its reply (current).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

impl Action for CreateInstanceOpsTask {
    const NAME: &'static str = "CreateInstanceOpsTask";
    type Reply = CreateInstanceOpsTaskReply;
}

/// `CreateInstanceOpsTask` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateInstanceOpsTask {
    /// `ContainerGroupId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_group_id: Option<String>,
    /// `OpsType`, required, one of coredump, tcpdump.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ops_type: Option<String>,
    /// `OpsValue`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ops_value: Option<String>,
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
}

/// `CreateInstanceOpsTaskReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateInstanceOpsTaskReply {
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
    /// `Result`.
    #[serde(default, deserialize_with = "null_default")]
    pub result: String,
}
