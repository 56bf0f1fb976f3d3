//! The pods and groups of the node together, for who counts them.

use std::sync::Arc;

use eci_api::group::ContainerGroup;
use k8s_openapi::api::core::v1::Pod;

use super::PodStore;

/// A pod and its group as last seen.
pub struct Member {
    /// The pod; a stand-in when only its group is known.
    pub pod: Arc<Pod>,
    /// The pod is in the API.
    pub in_api: bool,
    /// Its group.
    pub group: Option<Arc<ContainerGroup>>,
    /// Its group is kept though its pod is gone.
    pub is_orphan: bool,
}

impl PodStore {
    /// All pods and groups.
    pub fn fleet(&self) -> Vec<Member> {
        let state = self.state();
        let member = |record: &super::Record| Member {
            pod: record.pod.clone(),
            in_api: record.in_api,
            group: record.group.clone(),
            is_orphan: record.orphan_since.is_some(),
        };
        state.records.values().map(member).collect()
    }
}
