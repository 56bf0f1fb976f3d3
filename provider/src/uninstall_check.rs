//! The check of the node's container groups before its provider is uninstalled: they are listed, held on to, or
//! deleted.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use eci_api::actions::delete_container_group::DeleteContainerGroup;
use eci_api::group::ContainerGroup;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;

use crate::eci::{Eci, EciError};
use crate::pods::identity::Owner;
use crate::pods::{on_node, poller};

/// The most groups that are listed by name.
const LISTED_MAX: usize = 20;
/// The time that pods have to end by themselves, and the pause between two looks whether they have.
const POD_DELETION_TIMEOUT: Duration = Duration::from_secs(120);
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// Treatments of the container groups that are live when the provider is uninstalled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OnLiveGroups {
    /// The groups go on and are billed; the uninstallation says so.
    #[default]
    Warn,
    /// The uninstallation does not go on while there are any.
    Refuse,
    /// The node is cordoned, its pods are deleted, and the groups that are left then.
    Delete,
}

/// Errors for which the uninstallation does not go on, unless it is to warn alone.
#[derive(Debug, thiserror::Error)]
pub enum LiveGroupsError {
    /// Groups are live, listed in the text.
    #[error("{0}The uninstallation does not go on, since onUninstall is `refuse`.")]
    Live(String),
    /// The cloud or the cluster did not say whether there are groups.
    #[error(
        "whether container groups of node {node} are live is not known: {why}. Mend that, or uninstall with --no-hooks and look \
         for groups tagged NodeName={node} in the ECI console."
    )]
    Unknown {
        /// The node.
        node: String,
        /// The error of the cloud or the cluster.
        why: String,
    },
    /// The groups in the text could not be deleted.
    #[error("{0}They were to be deleted, and the cloud refused; try again.")]
    NotDeleted(String),
}

/// The check of one node's container groups.
pub struct UninstallCheck {
    /// The cluster.
    pub client: Client,
    /// The cloud.
    pub eci: Eci,
    /// The groups' owner.
    pub owner: Owner,
    /// The namespaces of the node's pods; all when empty.
    pub namespaces: Vec<String>,
}

impl UninstallCheck {
    /// Runs the check and returns a text for the operator.
    ///
    /// # Errors
    /// [`LiveGroupsError`]; never with [`OnLiveGroups::Warn`].
    pub fn run(&self, on_live_groups: OnLiveGroups) -> BoxFuture<'_, Result<String, LiveGroupsError>> {
        self.check(on_live_groups).boxed()
    }

    async fn check(&self, on_live_groups: OnLiveGroups) -> Result<String, LiveGroupsError> {
        let node = &self.owner.node;
        let live = match self.live_groups().await {
            Ok(live) => live,
            Err(error) => {
                let unknown = LiveGroupsError::Unknown { node: node.clone(), why: error.to_string() };
                return match on_live_groups {
                    OnLiveGroups::Warn => Ok(format!("WARNING: {unknown}")),
                    OnLiveGroups::Refuse | OnLiveGroups::Delete => Err(unknown),
                };
            }
        };
        if live.is_empty() {
            return Ok(format!("No container groups of node {node} remain; nothing is billed."));
        }
        match on_live_groups {
            OnLiveGroups::Warn => Ok(format!("WARNING: {}", self.listing(&live))),
            OnLiveGroups::Refuse => Err(LiveGroupsError::Live(self.listing(&live))),
            OnLiveGroups::Delete => self.delete(live.len()).await,
        }
    }

    async fn live_groups(&self) -> Result<Vec<ContainerGroup>, EciError> {
        let groups = poller::all(&self.eci, &self.owner).await?;
        let ours = groups.into_iter().filter(|group| self.owner.claim(group).is_some());
        Ok(ours.filter(|group| !group.parsed_status().is_over()).collect())
    }

    /// The list of the live groups (at most `LISTED_MAX` by name), and the ways to end them.
    fn listing(&self, live: &[ContainerGroup]) -> String {
        let node = &self.owner.node;
        let mut text = match live.len() {
            1 => format!("1 container group of node {node} is live and billed without a provider:\n"),
            many => {
                format!("{many} container groups of node {node} are live and billed without a provider:\n")
            }
        };
        for group in live.iter().take(LISTED_MAX) {
            let pod = self.owner.claim(group).map(|claim| format!("{}/{}", claim.namespace, claim.name));
            let (id, status) = (&group.container_group_id, &group.status);
            let _ = writeln!(text, "  {id}  {status}  pod {}", pod.unwrap_or_default());
        }
        if live.len() > LISTED_MAX {
            let _ = writeln!(text, "  and {} more", live.len() - LISTED_MAX);
        }
        let _ = writeln!(
            text,
            "To end them, delete the pods while a provider runs (kubectl get pods --all-namespaces --field-selector \
             spec.nodeName={node}), or install with onUninstall=delete; afterwards, delete the groups in the ECI \
             console, where their tag is NodeName={node}, and the node with kubectl delete node {node}."
        );
        text
    }

    /// Deletes the pods as a drain does, without asking budgets; groups that stay in the cloud then are deleted there.
    async fn delete(&self, before: usize) -> Result<String, LiveGroupsError> {
        let node = &self.owner.node;
        let unknown = |why: String| LiveGroupsError::Unknown { node: node.clone(), why };
        let asked = self.delete_pods().await;
        let mut rounds = 0;
        loop {
            let live = self.live_groups().await.map_err(|error| unknown(error.to_string()))?;
            if live.is_empty() {
                return Ok(format!(
                    "{before} container groups of node {node} were deleted with their pods; nothing is billed."
                ));
            }
            rounds += 1;
            if asked.is_err() || POLL_INTERVAL * rounds > POD_DELETION_TIMEOUT {
                return self.delete_groups(live).await;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    async fn delete_pods(&self) -> Result<(), kube::Error> {
        let nodes: Api<Node> = Api::all(self.client.clone());
        let cordon = Patch::Merge(json!({ "spec": { "unschedulable": true } }));
        nodes.patch(&self.owner.node, &PatchParams::default(), &cordon).await?;
        let pods = on_node::list(&self.client, &self.owner.node, &self.namespaces).await?;
        for pod in pods {
            let (Some(namespace), Some(name)) = (pod.metadata.namespace, pod.metadata.name) else { continue };
            let pods: Api<Pod> = Api::namespaced(self.client.clone(), &namespace);
            match pods.delete(&name, &DeleteParams::default()).await {
                Ok(_) => {}
                Err(kube::Error::Api(answer)) if answer.code == 404 => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn delete_groups(&self, live: Vec<ContainerGroup>) -> Result<String, LiveGroupsError> {
        let mut refused = BTreeMap::new();
        for group in &live {
            let request = DeleteContainerGroup {
                region_id: Some(self.eci.region().to_owned()),
                container_group_id: Some(group.container_group_id.clone()),
                ..DeleteContainerGroup::default()
            };
            match self.eci.call(&request).await {
                Ok(_) => {}
                Err(error) if error.is_not_found() => {}
                Err(error) => {
                    refused.insert(group.container_group_id.clone(), error.to_string());
                }
            }
        }
        if refused.is_empty() {
            let node = &self.owner.node;
            return Ok(match live.len() {
                1 => format!("1 container group of node {node} outlived its pod and was deleted."),
                many => {
                    format!("{many} container groups of node {node} outlived their pods and were deleted.")
                }
            });
        }
        let left: Vec<_> =
            live.into_iter().filter(|group| refused.contains_key(&group.container_group_id)).collect();
        Err(LiveGroupsError::NotDeleted(self.listing(&left)))
    }
}
