//! `DescribeContainerLog`: its request and its reply (current).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

impl Action for DescribeContainerLog {
    const NAME: &'static str = "DescribeContainerLog";
    type Reply = DescribeContainerLogReply;
}

/// `DescribeContainerLog` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeContainerLog {
    /// `ContainerGroupId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_group_id: Option<String>,
    /// `ContainerName`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_name: Option<String>,
    /// `LastTime`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_time: Option<bool>,
    /// `LimitBytes`, at least 1, at most 1048576.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_bytes: Option<i64>,
    /// `RegionId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `SinceSeconds`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_seconds: Option<i32>,
    /// `StartTime`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    /// `Tail`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<i32>,
    /// `Timestamps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamps: Option<bool>,
}

/// `DescribeContainerLogReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeContainerLogReply {
    /// `ContainerName`.
    #[serde(default, deserialize_with = "null_default")]
    pub container_name: String,
    /// `Content`.
    #[serde(default, deserialize_with = "null_default")]
    pub content: String,
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
}
