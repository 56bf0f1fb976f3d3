//! `CopyDataCache`: its request and its reply (current).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

pub use super::create_data_cache::Tag;

impl Action for CopyDataCache {
    const NAME: &'static str = "CopyDataCache";
    type Reply = CopyDataCacheReply;
}

/// `CopyDataCache` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CopyDataCache {
    /// `Bucket`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// `ClientToken`, at most 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_token: Option<String>,
    /// `DataCacheId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_cache_id: Option<String>,
    /// `DestinationRegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_region_id: Option<String>,
    /// `Name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `Path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `ResourceGroupId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_group_id: Option<String>,
    /// `RetentionDays`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<i32>,
    /// `Tag.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag: Vec<Tag>,
}

/// `CopyDataCacheReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CopyDataCacheReply {
    /// `DataCacheId`.
    #[serde(default, deserialize_with = "null_default")]
    pub data_cache_id: String,
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
}
