//! `DescribeContainerGroupMetric`: its request and its reply (current).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

pub use super::describe_multi_container_group_metric::{CPU, Container, Interface, Memory, Network};

impl Action for DescribeContainerGroupMetric {
    const NAME: &'static str = "DescribeContainerGroupMetric";
    type Reply = DescribeContainerGroupMetricReply;
}

/// `DescribeContainerGroupMetric` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeContainerGroupMetric {
    /// `ContainerGroupId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_group_id: Option<String>,
    /// `EndTime`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<String>,
    /// `Period`, one of 15, 30, 60, 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `StartTime`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    /// `VkClientVersion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vk_client_version: Option<String>,
}

/// `DescribeContainerGroupMetricReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeContainerGroupMetricReply {
    /// `ContainerGroupId`.
    #[serde(default, deserialize_with = "null_default")]
    pub container_group_id: String,
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
    /// `CPU`.
    #[serde(rename = "CPU", default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<CPU>,
    /// `Containers`.
    #[serde(default, deserialize_with = "null_default")]
    pub containers: Vec<Container>,
    /// `Disk`.
    #[serde(default, deserialize_with = "null_default")]
    pub disk: Vec<Disk>,
    /// `Filesystem`.
    #[serde(default, deserialize_with = "null_default")]
    pub filesystem: Vec<Filesystem>,
    /// `Memory`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// `Network`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// `Timestamp`.
    #[serde(default, deserialize_with = "null_default")]
    pub timestamp: String,
}

/// `Filesystem` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Filesystem {
    /// `Available`.
    #[serde(default, deserialize_with = "null_default")]
    pub available: i64,
    /// `Capacity`.
    #[serde(default, deserialize_with = "null_default")]
    pub capacity: i64,
    /// `Category`.
    #[serde(default, deserialize_with = "null_default")]
    pub category: String,
    /// `FsName`.
    #[serde(default, deserialize_with = "null_default")]
    pub fs_name: String,
    /// `Usage`.
    #[serde(default, deserialize_with = "null_default")]
    pub usage: i64,
}

/// `Disk` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Disk {
    /// `Device`.
    #[serde(default, deserialize_with = "null_default")]
    pub device: String,
    /// `ReadBytes`.
    #[serde(default, deserialize_with = "null_default")]
    pub read_bytes: i64,
    /// `ReadIO`.
    #[serde(rename = "ReadIO", default, deserialize_with = "null_default")]
    pub read_io: i64,
    /// `WriteBytes`.
    #[serde(default, deserialize_with = "null_default")]
    pub write_bytes: i64,
    /// `WriteIO`.
    #[serde(rename = "WriteIO", default, deserialize_with = "null_default")]
    pub write_io: i64,
}
