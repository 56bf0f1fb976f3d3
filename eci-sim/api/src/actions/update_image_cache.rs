//! `UpdateImageCache`: its request and its reply (current).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

pub use super::create_container_group::ImageRegistryCredential;

pub use super::create_data_cache::Tag;

impl Action for UpdateImageCache {
    const NAME: &'static str = "UpdateImageCache";
    type Reply = UpdateImageCacheReply;
}

/// `UpdateImageCache` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateImageCache {
    /// `AcrRegistryInfo.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_registry_info: Vec<AcrRegistryInfo>,
    /// `AutoMatchImageCache`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_match_image_cache: Option<bool>,
    /// `ClientToken`, at most 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_token: Option<String>,
    /// `EipInstanceId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eip_instance_id: Option<String>,
    /// `EliminationStrategy`, one of LRU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elimination_strategy: Option<String>,
    /// `Flash`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flash: Option<bool>,
    /// `FlashCopyCount`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flash_copy_count: Option<i32>,
    /// `Image.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub image: Vec<String>,
    /// `ImageCacheId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_cache_id: Option<String>,
    /// `ImageCacheName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_cache_name: Option<String>,
    /// `ImageCacheSize`, at least 1, at most 32768.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_cache_size: Option<i32>,
    /// `ImageRegistryCredential.N`, items at most 11.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub image_registry_credential: Vec<ImageRegistryCredential>,
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `ResourceGroupId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_group_id: Option<String>,
    /// `RetentionDays`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<i32>,
    /// `SecurityGroupId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_group_id: Option<String>,
    /// `StandardCopyCount`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_copy_count: Option<i32>,
    /// `Tag.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag: Vec<Tag>,
    /// `VSwitchId`.
    #[serde(rename = "VSwitchId", default, skip_serializing_if = "Option::is_none")]
    pub vswitch_id: Option<String>,
}

/// `AcrRegistryInfo` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AcrRegistryInfo {
    /// `AcrRegistryInfo.N.Domain.N`, items at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domain: Vec<String>,
    /// `AcrRegistryInfo.N.InstanceId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// `AcrRegistryInfo.N.InstanceName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_name: Option<String>,
    /// `AcrRegistryInfo.N.RegionId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
}

/// `UpdateImageCacheReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateImageCacheReply {
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
}
