//! `ListTagResources`: its request and its reply (current).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

pub use super::describe_container_group_status::Tag;

impl Action for ListTagResources {
    const NAME: &'static str = "ListTagResources";
    type Reply = ListTagResourcesReply;
}

/// `ListTagResources` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListTagResources {
    /// `Limit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// `NextToken`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `ResourceId.N`, items at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource_id: Vec<String>,
    /// `ResourceType`, required, one of ContainerGroup, ImageCache, DataCache, VirtualNode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// `Tag.N`, items at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag: Vec<Tag>,
}

/// `ListTagResourcesReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListTagResourcesReply {
    /// `NextToken`.
    #[serde(default, deserialize_with = "null_default")]
    pub next_token: String,
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
    /// `TagResources`.
    #[serde(default, deserialize_with = "null_default")]
    pub tag_resources: Vec<TagResource>,
}

/// `TagResource` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagResource {
    /// `ResourceId`.
    #[serde(default, deserialize_with = "null_default")]
    pub resource_id: String,
    /// `ResourceType`.
    #[serde(default, deserialize_with = "null_default")]
    pub resource_type: String,
    /// `TagKey`.
    #[serde(default, deserialize_with = "null_default")]
    pub tag_key: String,
    /// `TagValue`.
    #[serde(default, deserialize_with = "null_default")]
    pub tag_value: String,
}
