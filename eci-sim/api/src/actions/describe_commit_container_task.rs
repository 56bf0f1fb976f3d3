//! `DescribeCommitContainerTask`: its request and its reply (current).

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::wire::null_default;

impl Action for DescribeCommitContainerTask {
    const NAME: &'static str = "DescribeCommitContainerTask";
    type Reply = DescribeCommitContainerTaskReply;
}

/// `DescribeCommitContainerTask` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeCommitContainerTask {
    /// `ContainerGroupId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_group_id: Option<String>,
    /// `MaxResults`, at least 1, at most 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_results: Option<i32>,
    /// `NextToken`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `TaskId.N`, items at most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub task_id: Vec<String>,
    /// `TaskStatus`, one of Running, Succeeded, Failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_status: Option<String>,
}

/// `DescribeCommitContainerTaskReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeCommitContainerTaskReply {
    /// `CommitTasks`.
    #[serde(default, deserialize_with = "null_default")]
    pub commit_tasks: Vec<CommitTask>,
    /// `MaxResults`.
    #[serde(default, deserialize_with = "null_default")]
    pub max_results: String,
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

/// `CommitTask` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CommitTask {
    /// `CommitPhaseInfos`.
    #[serde(default, deserialize_with = "null_default")]
    pub commit_phase_infos: Vec<CommitPhaseInfo>,
    /// `ContainerName`.
    #[serde(default, deserialize_with = "null_default")]
    pub container_name: String,
    /// `StatusMessage`.
    #[serde(default, deserialize_with = "null_default")]
    pub status_message: String,
    /// `TaskCreationTime`.
    #[serde(default, deserialize_with = "null_default")]
    pub task_creation_time: String,
    /// `TaskFinishedTime`.
    #[serde(default, deserialize_with = "null_default")]
    pub task_finished_time: String,
    /// `TaskId`.
    #[serde(default, deserialize_with = "null_default")]
    pub task_id: String,
    /// `TaskProgress`.
    #[serde(default, deserialize_with = "null_default")]
    pub task_progress: String,
    /// `TaskStatus`.
    #[serde(default, deserialize_with = "null_default")]
    pub task_status: String,
}

/// `CommitPhaseInfo` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CommitPhaseInfo {
    /// `Message`.
    #[serde(default, deserialize_with = "null_default")]
    pub message: String,
    /// `Phase`.
    #[serde(default, deserialize_with = "null_default")]
    pub phase: String,
    /// `RecordTime`.
    #[serde(default, deserialize_with = "null_default")]
    pub record_time: String,
    /// `Status`.
    #[serde(default, deserialize_with = "null_default")]
    pub status: String,
}
