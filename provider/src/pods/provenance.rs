//! The origin of what is known about a pod's container group: the cloud's tags, or what authors of pods cannot write.
//!
//! The annotation `k8s.aliyun.com/eci-instance-id` is written for people and read by nothing.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;

/// The knowledge of the container groups that were made for one pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupHistory {
    /// No container of the pod ever ran, as far as its status tells, and no group was seen.
    NeverHad,
    /// Containers ran, as `status.containerStatuses[].containerID` says; that suffices for no deletion and no read.
    HadBefore {
        /// The id within the container ids: worth a look by id, whose answer counts only with this owner's tags.
        hint: Option<String>,
    },
    /// The group is the pod's: it was seen with this owner's tags and the pod's UID, or made by this process.
    Owned {
        /// The group's id.
        id: String,
        /// The time of its creation.
        created_at: Timestamp,
        /// True for a group that this process made.
        by_this_process: bool,
    },
    /// The group could not be placed, or vanished before anything ran; another may follow.
    Spent {
        /// The group's id.
        id: String,
    },
}

impl GroupHistory {
    /// The history that a pod's status proves.
    pub fn of_status(pod: &Pod) -> Self {
        if ran_before(pod) { Self::HadBefore { hint: id_in_status(pod) } } else { Self::NeverHad }
    }
}

/// The seed of a client token: which of a pod's creations a call repeats.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TokenBasis {
    /// The pod's first group.
    #[default]
    First,
    /// The group after this one, which is spent.
    After(String),
    /// A group after a proof that none exists, drawn at this time.
    Drawn(Timestamp),
}

fn container_ids(pod: &Pod) -> impl Iterator<Item = &String> {
    let statuses = pod.status.iter().flat_map(|status| {
        status.container_statuses.iter().chain(status.init_container_statuses.iter()).flatten()
    });
    statuses.filter_map(|status| status.container_id.as_ref()).filter(|id| !id.is_empty())
}

/// Returns true when containers of the pod ran in a group before.
pub fn ran_before(pod: &Pod) -> bool {
    container_ids(pod).next().is_some()
        || planted!(StartTimeProvesARun) && !is_pristine(pod)
        || planted!(AnnotationProvesARun) && super::annotations::of(pod, "eci-instance-id").is_some()
}

/// The id of the group in `eci://ID/CONTAINER`.
fn id_in_status(pod: &Pod) -> Option<String> {
    container_ids(pod).find_map(|id| Some(id.strip_prefix("eci://")?.split('/').next()?.to_owned()))
}

/// Returns true when no provider has written anything about the pod yet, so that its first creation may be its very
/// first.
pub fn is_pristine(pod: &Pod) -> bool {
    pod.status
        .as_ref()
        .is_none_or(|status| status.start_time.is_none() && status.container_statuses.is_none())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(status: serde_json::Value) -> Pod {
        let annotations = json!({ "k8s.aliyun.com/eci-instance-id": "eci-victim" });
        serde_json::from_value(
            json!({ "metadata": { "uid": "u", "annotations": annotations }, "status": status }),
        )
        .unwrap()
    }

    #[test]
    fn an_annotation_tells_nothing_and_a_container_id_tells_that_containers_ran() {
        assert_eq!(GroupHistory::of_status(&pod(json!({ "phase": "Pending" }))), GroupHistory::NeverHad);
        let status = json!({ "name": "c", "image": "i", "imageID": "", "ready": true, "restartCount": 0,
            "containerID": "eci://eci-1/c/2" });
        let ran = pod(json!({ "containerStatuses": [status] }));
        assert_eq!(GroupHistory::of_status(&ran), GroupHistory::HadBefore { hint: Some("eci-1".into()) });
    }

    #[test]
    fn a_pod_is_pristine_until_a_provider_wrote_its_status() {
        let scheduled =
            json!({ "phase": "Pending", "conditions": [{ "type": "PodScheduled", "status": "True" }] });
        assert!(is_pristine(&pod(scheduled)));
        assert!(!is_pristine(&pod(json!({ "startTime": "2026-01-05T01:00:00Z" }))));
    }
}
