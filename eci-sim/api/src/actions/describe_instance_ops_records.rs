//! `DescribeInstanceOpsRecords`: its request and its reply (current).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

impl Action for DescribeInstanceOpsRecords {
    const NAME: &'static str = "DescribeInstanceOpsRecords";
    type Reply = DescribeInstanceOpsRecordsReply;
}

/// `DescribeInstanceOpsRecords` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeInstanceOpsRecords {
    /// `ContainerGroupId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_group_id: Option<String>,
    /// `OpsType`, required, one of coredump, tcpdump.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ops_type: Option<String>,
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
}

/// `DescribeInstanceOpsRecordsReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeInstanceOpsRecordsReply {
    /// `Records`.
    #[serde(default, deserialize_with = "null_default")]
    pub records: Vec<Record>,
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
}

/// `Record` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Record {
    /// `CreateTime`.
    #[serde(default, deserialize_with = "null_default")]
    pub create_time: String,
    /// `ExpireTime`.
    #[serde(default, deserialize_with = "null_default")]
    pub expire_time: String,
    /// `OpsStatus`.
    #[serde(default, deserialize_with = "null_default")]
    pub ops_status: String,
    /// `OpsType`.
    #[serde(default, deserialize_with = "null_default")]
    pub ops_type: String,
    /// `ResultContent`.
    #[serde(default, deserialize_with = "null_default")]
    pub result_content: String,
    /// `ResultType`.
    #[serde(default, deserialize_with = "null_default")]
    pub result_type: String,
}
