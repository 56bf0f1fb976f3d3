//! `DescribeContainerGroupEvents`: its request and its reply (current).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

pub use super::describe_container_group_status::Tag;

impl Action for DescribeContainerGroupEvents {
    const NAME: &'static str = "DescribeContainerGroupEvents";
    type Reply = DescribeContainerGroupEventsReply;
}

/// `DescribeContainerGroupEvents` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeContainerGroupEvents {
    /// `ContainerGroupIds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_group_ids: Option<String>,
    /// `EventSource`, one of EciService, K8sAgent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_source: Option<String>,
    /// `Limit`, at least 1, at most 200, default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i32>,
    /// `NextToken`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `ResourceGroupId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_group_id: Option<String>,
    /// `SinceSecond`, at least 60, at most 3600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_second: Option<i32>,
    /// `Tag.N`, items at most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag: Vec<Tag>,
    /// `VSwitchId`.
    #[serde(rename = "VSwitchId", default, skip_serializing_if = "Option::is_none")]
    pub vswitch_id: Option<String>,
    /// `ZoneId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone_id: Option<String>,
    /// `Condition`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub condition: Vec<Condition>,
}

/// `Condition` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Condition {
    /// `Condition.N.Type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_: Option<String>,
    /// `Condition.N.Status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

/// `DescribeContainerGroupEventsReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeContainerGroupEventsReply {
    /// `Data`.
    #[serde(default, deserialize_with = "null_default")]
    pub data: Vec<Data>,
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
    /// `TotalCount`.
    #[serde(default, deserialize_with = "null_default")]
    pub total_count: i32,
}

/// `Data` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Data {
    /// `Annotations`.
    #[serde(default, deserialize_with = "null_default")]
    pub annotations: String,
    /// `ContainerGroupId`.
    #[serde(default, deserialize_with = "null_default")]
    pub container_group_id: String,
    /// `Events`.
    #[serde(default, deserialize_with = "null_default")]
    pub events: Vec<Event>,
    /// `Name`.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
    /// `Namespace`.
    #[serde(default, deserialize_with = "null_default")]
    pub namespace: String,
    /// `uuid`.
    #[serde(rename = "uuid", default, deserialize_with = "null_default")]
    pub uuid: String,
}

/// `Event` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Event {
    /// `Count`.
    #[serde(default, deserialize_with = "null_default")]
    pub count: i32,
    /// `FirstTimestamp`.
    #[serde(default, deserialize_with = "null_default")]
    pub first_timestamp: String,
    /// `LastTimestamp`.
    #[serde(default, deserialize_with = "null_default")]
    pub last_timestamp: String,
    /// `Message`.
    #[serde(default, deserialize_with = "null_default")]
    pub message: String,
    /// `Metadata`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// `Reason`.
    #[serde(default, deserialize_with = "null_default")]
    pub reason: String,
    /// `ReportingComponent`.
    #[serde(default, deserialize_with = "null_default")]
    pub reporting_component: String,
    /// `ReportingInstance`.
    #[serde(default, deserialize_with = "null_default")]
    pub reporting_instance: String,
    /// `Source`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// `Type`.
    #[serde(default, deserialize_with = "null_default")]
    pub type_: String,
    /// `involvedObject`.
    #[serde(rename = "involvedObject", default, skip_serializing_if = "Option::is_none")]
    pub involved_object: Option<InvolvedObject>,
}

/// `InvolvedObject` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct InvolvedObject {
    /// `ApiVersion`.
    #[serde(default, deserialize_with = "null_default")]
    pub api_version: String,
    /// `Kind`.
    #[serde(default, deserialize_with = "null_default")]
    pub kind: String,
    /// `Name`.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
    /// `Namespace`.
    #[serde(default, deserialize_with = "null_default")]
    pub namespace: String,
    /// `Uid`.
    #[serde(default, deserialize_with = "null_default")]
    pub uid: String,
}

/// `Source` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Source {
    /// `Component`.
    #[serde(default, deserialize_with = "null_default")]
    pub component: String,
    /// `Host`.
    #[serde(default, deserialize_with = "null_default")]
    pub host: String,
}

/// `Metadata` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Metadata {
    /// `Name`.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
    /// `Namespace`.
    #[serde(default, deserialize_with = "null_default")]
    pub namespace: String,
}
