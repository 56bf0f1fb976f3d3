//! `TagResources`: its request and its reply (current).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

pub use super::create_data_cache::Tag;

impl Action for TagResources {
    const NAME: &'static str = "TagResources";
    type Reply = TagResourcesReply;
}

/// `TagResources` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagResources {
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `ResourceId.N`, required, items at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource_id: Vec<String>,
    /// `ResourceType`, required, one of ContainerGroup, ImageCache, DataCache, VirtualNode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// `Tag.N`, required, items at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag: Vec<Tag>,
}

/// `TagResourcesReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagResourcesReply {
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
}
