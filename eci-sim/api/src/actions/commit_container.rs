//! `CommitContainer`: its request and its reply (current).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

impl Action for CommitContainer {
    const NAME: &'static str = "CommitContainer";
    type Reply = CommitContainerReply;
}

/// `CommitContainer` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CommitContainer {
    /// `AcrRegistryInfo`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr_registry_info: Option<AcrRegistryInfo>,
    /// `Arn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<Arn>,
    /// `ContainerGroupId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_group_id: Option<String>,
    /// `ContainerName`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_name: Option<String>,
    /// `Image`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
}

/// `Image` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Image {
    /// `Image.Author`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// `Image.Message`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `Image.Repository`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// `Image.Tag`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// `Arn` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Arn {
    /// `Arn.RoleArn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// `Arn.RoleType`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_type: Option<String>,
}

/// `AcrRegistryInfo` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AcrRegistryInfo {
    /// `AcrRegistryInfo.ArnService`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn_service: Option<String>,
    /// `AcrRegistryInfo.ArnUser`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn_user: Option<String>,
    /// `AcrRegistryInfo.InstanceId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// `AcrRegistryInfo.RegionId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
}

/// `CommitContainerReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CommitContainerReply {
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
    /// `TaskId`.
    #[serde(default, deserialize_with = "null_default")]
    pub task_id: String,
}
