//! `UpdateContainerGroupByTemplate`: its request and its reply (legacy).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

impl Action for UpdateContainerGroupByTemplate {
    const NAME: &'static str = "UpdateContainerGroupByTemplate";
    type Reply = UpdateContainerGroupByTemplateReply;
}

/// `UpdateContainerGroupByTemplate` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateContainerGroupByTemplate {
    /// `RegionId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `Template`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// `ClientToken`, at most 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_token: Option<String>,
    /// `VkClientVersion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vk_client_version: Option<String>,
}

/// `UpdateContainerGroupByTemplateReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateContainerGroupByTemplateReply {
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
}
