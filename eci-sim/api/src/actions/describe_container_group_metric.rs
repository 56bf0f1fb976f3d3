//! `DescribeContainerGroupMetric`: its request and its reply (current).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

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

/// `Network` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Network {
    /// `Interfaces`.
    #[serde(default, deserialize_with = "null_default")]
    pub interfaces: Vec<Interface>,
}

/// `Interface` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Interface {
    /// `Name`.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
    /// `RxBytes`.
    #[serde(default, deserialize_with = "null_default")]
    pub rx_bytes: i64,
    /// `RxDrops`.
    #[serde(default, deserialize_with = "null_default")]
    pub rx_drops: i64,
    /// `RxErrors`.
    #[serde(default, deserialize_with = "null_default")]
    pub rx_errors: i64,
    /// `RxPackets`.
    #[serde(default, deserialize_with = "null_default")]
    pub rx_packets: i64,
    /// `TxBytes`.
    #[serde(default, deserialize_with = "null_default")]
    pub tx_bytes: i64,
    /// `TxDrops`.
    #[serde(default, deserialize_with = "null_default")]
    pub tx_drops: i64,
    /// `TxErrors`.
    #[serde(default, deserialize_with = "null_default")]
    pub tx_errors: i64,
    /// `TxPackets`.
    #[serde(default, deserialize_with = "null_default")]
    pub tx_packets: i64,
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

/// `Container` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Container {
    /// `CPU`.
    #[serde(rename = "CPU", default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<CPU>,
    /// `Memory`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// `Name`.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
}

/// `Memory` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Memory {
    /// `AvailableBytes`.
    #[serde(default, deserialize_with = "null_default")]
    pub available_bytes: i64,
    /// `Cache`.
    #[serde(default, deserialize_with = "null_default")]
    pub cache: i64,
    /// `Rss`.
    #[serde(default, deserialize_with = "null_default")]
    pub rss: i64,
    /// `UsageBytes`.
    #[serde(default, deserialize_with = "null_default")]
    pub usage_bytes: i64,
    /// `WorkingSet`.
    #[serde(default, deserialize_with = "null_default")]
    pub working_set: i64,
}

/// `CPU` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CPU {
    /// `Limit`.
    #[serde(default, deserialize_with = "null_default")]
    pub limit: i64,
    /// `Load`.
    #[serde(default, deserialize_with = "null_default")]
    pub load: i64,
    /// `UsageCoreNanoSeconds`.
    #[serde(default, deserialize_with = "null_default")]
    pub usage_core_nano_seconds: i64,
    /// `UsageNanoCores`.
    #[serde(default, deserialize_with = "null_default")]
    pub usage_nano_cores: i64,
}
