//! Comparison of the node's pods in the cluster with its container groups in the cloud, each read once and to its end.

mod report;

use std::collections::BTreeMap;

use eci_api::actions::delete_container_group::DeleteContainerGroup;
use eci_api::group::ContainerGroup;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;

pub use report::{Difference, GroupRow, Report, Row};

use crate::eci::{Eci, EciError};
use crate::pods::group_state::still_works;
use crate::pods::identity::{Claim, Owner};
use crate::pods::{on_node, poller, status};

/// Errors of an inspection.
#[derive(Debug, thiserror::Error)]
pub enum InspectionError {
    /// The cloud's list.
    #[error("the container groups of the node cannot be listed: {0}")]
    Cloud(Box<EciError>),
    /// The cluster's list.
    #[error("the pods of the node cannot be listed: {0}")]
    Cluster(kube::Error),
    /// Neither list was complete in time.
    #[error("cluster and cloud did not answer within {0} s")]
    Timeout(u64),
    /// Pods and groups differ.
    #[error("cluster and cloud differ in {0} of the rows above")]
    Differ(usize),
    /// Orphans that are still there.
    #[error("{0} of the container groups above could not be deleted; try again")]
    NotDeleted(usize),
}

/// A reader of both sides for one node.
pub struct Inspection {
    /// The cluster.
    pub client: Client,
    /// The cloud.
    pub eci: Eci,
    /// The groups' owner.
    pub owner: Owner,
    /// The namespaces of the node's pods; all when empty.
    pub namespaces: Vec<String>,
}

impl Inspection {
    /// Reads both sides and compares them at `now`.
    ///
    /// The cloud is read before the cluster: a pod that is made between the two reads is one without a group yet, and no group
    /// seems to have lost its pod for having been read late.
    ///
    /// # Errors
    /// [`InspectionError::Cloud`] and [`InspectionError::Cluster`].
    pub async fn read(&self, now: Timestamp) -> Result<Report, InspectionError> {
        let groups = poller::all(&self.eci, &self.owner)
            .await
            .map_err(|error| InspectionError::Cloud(Box::new(error)))?;
        let pods = on_node::list(&self.client, &self.owner.node, &self.namespaces).await;
        Ok(compare(&self.owner, &pods.map_err(InspectionError::Cluster)?, groups, now))
    }

    /// Deletes the groups of the rows without a pod, after the cluster was asked once more for each; returns what became of
    /// each, as lines for the operator, and the number of those that are still there.
    pub async fn end_orphans(&self, report: &Report) -> (Vec<String>, usize) {
        let (mut said, mut left) = (Vec::new(), 0);
        for row in report.orphans() {
            for group in &row.groups {
                let id = &group.id;
                match self.end_orphan(row, id).await {
                    Ok(true) => said.push(format!("{id} deleted")),
                    Ok(false) => said.push(format!("{id} kept: its pod {} is there", row.pod_name())),
                    Err(why) => {
                        left += 1;
                        said.push(format!("{id} kept: {why}"));
                    }
                }
            }
        }
        (said, left)
    }

    /// True when the group was deleted or is gone; false when its pod is there after all.
    async fn end_orphan(&self, row: &Row, id: &str) -> Result<bool, InspectionError> {
        // by its UID: the name in a tag may be cut
        let namespace = std::slice::from_ref(&row.namespace);
        let pods = on_node::list(&self.client, &self.owner.node, namespace).await;
        let mut pods = pods.map_err(InspectionError::Cluster)?.into_iter();
        if pods.any(|pod| pod.metadata.uid.as_deref() == Some(&row.uid)) {
            return Ok(false);
        }
        let request = DeleteContainerGroup {
            region_id: Some(self.eci.region().to_owned()),
            container_group_id: Some(id.to_owned()),
            ..DeleteContainerGroup::default()
        };
        match self.eci.call(&request).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(true),
            Err(error) => Err(InspectionError::Cloud(Box::new(error))),
        }
    }
}

/// The rows of all pods and groups of `owner`, by namespace and name; groups of others are left out.
pub fn compare(owner: &Owner, pods: &[Pod], groups: Vec<ContainerGroup>, now: Timestamp) -> Report {
    let mut of_pods: BTreeMap<String, (Claim, Vec<ContainerGroup>)> = BTreeMap::new();
    for group in groups {
        if let Some(claim) = owner.claim(&group) {
            of_pods.entry(claim.uid.clone()).or_insert_with(|| (claim, Vec::new())).1.push(group);
        }
    }
    let mut rows = Vec::new();
    for pod in pods {
        let metadata = &pod.metadata;
        let uid = metadata.uid.clone().unwrap_or_default();
        let groups = of_pods.remove(&uid).map(|(_, groups)| groups).unwrap_or_default();
        let phase = pod.status.as_ref().and_then(|status| status.phase.clone());
        rows.push(Row {
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
            uid,
            difference: difference(pod, &groups, now),
            phase: Some(phase.unwrap_or_else(|| "Pending".to_owned())),
            groups: groups.iter().map(|group| GroupRow::new(group, now)).collect(),
        });
    }
    for (claim, groups) in of_pods.into_values() {
        let Claim { uid, namespace, name } = claim;
        let works = groups.iter().any(still_works);
        rows.push(Row {
            uid,
            namespace,
            name,
            phase: None,
            groups: groups.iter().map(|group| GroupRow::new(group, now)).collect(),
            difference: works.then_some(Difference::NoPod),
        });
    }
    rows.sort_by(|a, b| (&a.namespace, &a.name, &a.uid).cmp(&(&b.namespace, &b.name, &b.uid)));
    Report { node: owner.node.clone(), rows }
}

/// What of a pod and its groups does not agree; `None` where all does.
fn difference(pod: &Pod, groups: &[ContainerGroup], now: Timestamp) -> Option<Difference> {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Pending");
    let has_ended = matches!(phase, "Succeeded" | "Failed");
    let working = || groups.iter().filter(|group| still_works(group));
    if working().count() > 1 {
        return Some(Difference::SeveralGroups);
    }
    match working().next().or(groups.last()) {
        None if has_ended => None,
        None => Some(Difference::NoGroup),
        Some(group) => {
            let expected = status::of(pod, group, now).phase.unwrap_or_default();
            (expected != phase).then_some(Difference::Phase { expected })
        }
    }
}
