//! `DescribeDataCaches`: its request and its reply (current).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::{HIDDEN, null_default};

pub use super::describe_container_groups::{Event, Tag};

impl Action for DescribeDataCaches {
    const NAME: &'static str = "DescribeDataCaches";
    type Reply = DescribeDataCachesReply;
}

/// `DescribeDataCaches` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeDataCaches {
    /// `Bucket`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// `DataCacheId.N`, items at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_cache_id: Vec<String>,
    /// `Limit`, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i32>,
    /// `NextToken`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    /// `Path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `ResourceGroupId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_group_id: Option<String>,
    /// `Tag.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag: Vec<DescribeDataCachesTag>,
}

/// `Tag` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeDataCachesTag {
    /// `Tag.N.Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `Tag.N.Value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// `DescribeDataCachesReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeDataCachesReply {
    /// `DataCaches`.
    #[serde(default, deserialize_with = "null_default")]
    pub data_caches: Vec<DataCache>,
    /// `NextToken`.
    #[serde(default, deserialize_with = "null_default")]
    pub next_token: String,
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
    /// `TotalCount`.
    #[serde(default, deserialize_with = "null_default")]
    pub total_count: i32,
}

/// `DataCache` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DataCache {
    /// `Bucket`.
    #[serde(default, deserialize_with = "null_default")]
    pub bucket: String,
    /// `ContainerGroupId`.
    #[serde(default, deserialize_with = "null_default")]
    pub container_group_id: String,
    /// `CreationTime`.
    #[serde(default, deserialize_with = "null_default")]
    pub creation_time: String,
    /// `DataCacheId`.
    #[serde(default, deserialize_with = "null_default")]
    pub data_cache_id: String,
    /// `DataSource`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_source: Option<DataSource>,
    /// `Events`.
    #[serde(default, deserialize_with = "null_default")]
    pub events: Vec<Event>,
    /// `ExpireDateTime`.
    #[serde(default, deserialize_with = "null_default")]
    pub expire_date_time: String,
    /// `FlashSnapshotId`.
    #[serde(default, deserialize_with = "null_default")]
    pub flash_snapshot_id: String,
    /// `LastMatchedTime`.
    #[serde(default, deserialize_with = "null_default")]
    pub last_matched_time: String,
    /// `Name`.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
    /// `Path`.
    #[serde(default, deserialize_with = "null_default")]
    pub path: String,
    /// `Progress`.
    #[serde(default, deserialize_with = "null_default")]
    pub progress: String,
    /// `RegionId`.
    #[serde(default, deserialize_with = "null_default")]
    pub region_id: String,
    /// `ResourceGroupId`.
    #[serde(default, deserialize_with = "null_default")]
    pub resource_group_id: String,
    /// `Size`.
    #[serde(default, deserialize_with = "null_default")]
    pub size: i32,
    /// `SnapshotId`.
    #[serde(default, deserialize_with = "null_default")]
    pub snapshot_id: String,
    /// `Status`.
    #[serde(default, deserialize_with = "null_default")]
    pub status: String,
    /// `Tags`.
    #[serde(default, deserialize_with = "null_default")]
    pub tags: Vec<Tag>,
}

/// `DataSource` in a reply.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DataSource {
    /// `Options`.
    #[serde(default, deserialize_with = "null_default")]
    pub options: String,
    /// `Type`.
    #[serde(default, deserialize_with = "null_default")]
    pub type_: String,
}

impl fmt::Debug for DataSource {
    /// Debug output without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataSource").field("options", &HIDDEN).field("type_", &self.type_).finish()
    }
}
