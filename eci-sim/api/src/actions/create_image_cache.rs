//! `CreateImageCache`: its request and its reply (current).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

pub use super::create_container_group::{AcrRegistryInfo, ImageRegistryCredential};

pub use super::create_data_cache::Tag;

impl Action for CreateImageCache {
    const NAME: &'static str = "CreateImageCache";
    type Reply = CreateImageCacheReply;
}

/// `CreateImageCache` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateImageCache {
    /// `AcrRegistryInfo.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_registry_info: Vec<AcrRegistryInfo>,
    /// `Annotations`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<String>,
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
    /// `Image.N`, required, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub image: Vec<String>,
    /// `ImageCacheName`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_cache_name: Option<String>,
    /// `ImageCacheSize`, at least 1, at most 32768.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_cache_size: Option<i32>,
    /// `ImageRegistryCredential.N`, items at most 11.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub image_registry_credential: Vec<ImageRegistryCredential>,
    /// `InsecureRegistry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insecure_registry: Option<String>,
    /// `PlainHttpRegistry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain_http_registry: Option<String>,
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
    /// `ZoneId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone_id: Option<String>,
    /// `OsType`, one of Linux, Windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_type: Option<String>,
    /// `VkClientVersion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vk_client_version: Option<String>,
}

/// `CreateImageCacheReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateImageCacheReply {
    /// `ContainerGroupId`.
    #[serde(default, deserialize_with = "null_default")]
    pub container_group_id: String,
    /// `ImageCacheId`.
    #[serde(default, deserialize_with = "null_default")]
    pub image_cache_id: String,
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
}
