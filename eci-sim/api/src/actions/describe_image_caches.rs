//! `DescribeImageCaches`: its request and its reply (current).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

pub use super::describe_container_groups::{Event, Tag};

impl Action for DescribeImageCaches {
    const NAME: &'static str = "DescribeImageCaches";
    type Reply = DescribeImageCachesReply;
}

/// `DescribeImageCaches` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeImageCaches {
    /// `Image`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// `ImageCacheId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_cache_id: Option<String>,
    /// `ImageCacheName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_cache_name: Option<String>,
    /// `ImageFullMatch`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_full_match: Option<bool>,
    /// `ImageMatchCountRequest`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_match_count_request: Option<i32>,
    /// `Limit`, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i32>,
    /// `MatchImage.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_image: Vec<String>,
    /// `NextToken`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `ResourceGroupId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_group_id: Option<String>,
    /// `SnapshotId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<String>,
    /// `Tag.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag: Vec<DescribeImageCachesTag>,
}

/// `Tag` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeImageCachesTag {
    /// `Tag.N.Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `Tag.N.Value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// `DescribeImageCachesReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeImageCachesReply {
    /// `ImageCaches`.
    #[serde(default, deserialize_with = "null_default")]
    pub image_caches: Vec<ImageCache>,
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

/// `ImageCache` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImageCache {
    /// `ContainerGroupId`.
    #[serde(default, deserialize_with = "null_default")]
    pub container_group_id: String,
    /// `CreationTime`.
    #[serde(default, deserialize_with = "null_default")]
    pub creation_time: String,
    /// `EliminationStrategy`.
    #[serde(default, deserialize_with = "null_default")]
    pub elimination_strategy: String,
    /// `Events`.
    #[serde(default, deserialize_with = "null_default")]
    pub events: Vec<Event>,
    /// `ExpireDateTime`.
    #[serde(default, deserialize_with = "null_default")]
    pub expire_date_time: String,
    /// `FlashSnapshotId`.
    #[serde(default, deserialize_with = "null_default")]
    pub flash_snapshot_id: String,
    /// `ImageCacheId`.
    #[serde(default, deserialize_with = "null_default")]
    pub image_cache_id: String,
    /// `ImageCacheName`.
    #[serde(default, deserialize_with = "null_default")]
    pub image_cache_name: String,
    /// `ImageCacheSize`.
    #[serde(default, deserialize_with = "null_default")]
    pub image_cache_size: i32,
    /// `Images`.
    #[serde(default, deserialize_with = "null_default")]
    pub images: Vec<String>,
    /// `LastMatchedTime`.
    #[serde(default, deserialize_with = "null_default")]
    pub last_matched_time: String,
    /// `Progress`.
    #[serde(default, deserialize_with = "null_default")]
    pub progress: String,
    /// `RegionId`.
    #[serde(default, deserialize_with = "null_default")]
    pub region_id: String,
    /// `ResourceGroupId`.
    #[serde(default, deserialize_with = "null_default")]
    pub resource_group_id: String,
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
