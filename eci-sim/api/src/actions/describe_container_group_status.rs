//! `DescribeContainerGroupStatus`: its request and its reply (current).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

impl Action for DescribeContainerGroupStatus {
    const NAME: &'static str = "DescribeContainerGroupStatus";
    type Reply = DescribeContainerGroupStatusReply;
}

/// `DescribeContainerGroupStatus` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeContainerGroupStatus {
    /// `ContainerGroupIds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_group_ids: Option<String>,
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
}

/// `Tag` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    /// `Tag.N.Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `Tag.N.Value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// `DescribeContainerGroupStatusReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeContainerGroupStatusReply {
    /// `Data`.
    #[serde(default, deserialize_with = "null_default")]
    pub data: Vec<Data>,
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
    /// `Name`.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
    /// `Namespace`.
    #[serde(default, deserialize_with = "null_default")]
    pub namespace: String,
    /// `PodStatus`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_status: Option<PodStatus>,
    /// `Status`.
    #[serde(default, deserialize_with = "null_default")]
    pub status: String,
    /// `uuid`.
    #[serde(rename = "uuid", default, deserialize_with = "null_default")]
    pub uuid: String,
}

/// `PodStatus` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PodStatus {
    /// `Conditions`.
    #[serde(default, deserialize_with = "null_default")]
    pub conditions: Vec<Condition>,
    /// `ContainerStatuses`.
    #[serde(default, deserialize_with = "null_default")]
    pub container_statuses: Vec<ContainerStatus>,
    /// `HostIp`.
    #[serde(default, deserialize_with = "null_default")]
    pub host_ip: String,
    /// `Phase`.
    #[serde(default, deserialize_with = "null_default")]
    pub phase: String,
    /// `PodIp`.
    #[serde(default, deserialize_with = "null_default")]
    pub pod_ip: String,
    /// `PodIps`.
    #[serde(default, deserialize_with = "null_default")]
    pub pod_ips: Vec<PodIp>,
    /// `QosClass`.
    #[serde(default, deserialize_with = "null_default")]
    pub qos_class: String,
    /// `StartTime`.
    #[serde(default, deserialize_with = "null_default")]
    pub start_time: String,
}

/// `PodIp` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PodIp {
    /// `Ip`.
    #[serde(default, deserialize_with = "null_default")]
    pub ip: String,
}

/// `ContainerStatus` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerStatus {
    /// `Image`.
    #[serde(default, deserialize_with = "null_default")]
    pub image: String,
    /// `ImageID`.
    #[serde(rename = "ImageID", default, deserialize_with = "null_default")]
    pub image_id: String,
    /// `LastState`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_state: Option<LastState>,
    /// `Name`.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
    /// `Ready`.
    #[serde(default, deserialize_with = "null_default")]
    pub ready: bool,
    /// `RestartCount`.
    #[serde(default, deserialize_with = "null_default")]
    pub restart_count: i32,
    /// `Started`.
    #[serde(default, deserialize_with = "null_default")]
    pub started: bool,
    /// `State`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
}

/// `State` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct State {
    /// `Running`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<Running>,
    /// `Terminated`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminated: Option<Terminated>,
    /// `Waiting`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
}

/// `LastState` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LastState {
    /// `Running`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<Running>,
    /// `Terminated`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminated: Option<Terminated>,
    /// `Waiting`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
}

/// `Waiting` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Waiting {
    /// `Message`.
    #[serde(default, deserialize_with = "null_default")]
    pub message: String,
    /// `Reason`.
    #[serde(default, deserialize_with = "null_default")]
    pub reason: String,
}

/// `Terminated` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Terminated {
    /// `ContainerID`.
    #[serde(rename = "ContainerID", default, deserialize_with = "null_default")]
    pub container_id: String,
    /// `ExitCode`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// `FinishedAt`.
    #[serde(default, deserialize_with = "null_default")]
    pub finished_at: String,
    /// `Message`.
    #[serde(default, deserialize_with = "null_default")]
    pub message: String,
    /// `Reason`.
    #[serde(default, deserialize_with = "null_default")]
    pub reason: String,
    /// `Signal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// `StartedAt`.
    #[serde(default, deserialize_with = "null_default")]
    pub started_at: String,
}

/// `Running` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Running {
    /// `StartedAtstartedAt`.
    #[serde(default, deserialize_with = "null_default")]
    pub started_atstarted_at: String,
}

/// `Condition` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Condition {
    /// `Message`.
    #[serde(default, deserialize_with = "null_default")]
    pub message: String,
    /// `Reason`.
    #[serde(default, deserialize_with = "null_default")]
    pub reason: String,
    /// `lastTransitionTime`.
    #[serde(rename = "lastTransitionTime", default, deserialize_with = "null_default")]
    pub last_transition_time: String,
    /// `status`.
    #[serde(rename = "status", default, deserialize_with = "null_default")]
    pub status: String,
    /// `type`.
    #[serde(rename = "type", default, deserialize_with = "null_default")]
    pub type_: String,
}
