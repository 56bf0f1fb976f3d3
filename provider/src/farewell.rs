//! The check of the node's container groups before its provider is uninstalled: they are listed, held on to, or
//! deleted.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use eci_api::actions::delete_container_group::DeleteContainerGroup;
use eci_api::group::ContainerGroup;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;

use crate::eci::{Eci, EciError};
use crate::pods::group_state::GroupState;
use crate::pods::identity::Owner;
use crate::pods::poller;

/// The most groups that are listed by name.
const LISTED: usize = 20;
/// The time that pods have to end by themselves, and the pause between two looks whether they have.
const PATIENCE: Duration = Duration::from_secs(120);
const GLANCE: Duration = Duration::from_secs(2);

/// Treatments of the groups that live when the provider is uninstalled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Manner {
    /// Groups live on and cost on; the uninstallation says so.
    #[default]
    Warn,
    /// The uninstallation does not go on while there are any.
    Refuse,
    /// The node is cordoned, its pods are deleted, and what is left of groups then.
    Delete,
}

/// Reasons for which the uninstallation had better not go on.
#[derive(Debug, thiserror::Error)]
pub enum Held {
    /// There are groups.
    #[error("{0}The uninstallation does not go on, since onUninstall is `refuse`.")]
    Alive(String),
    /// Nobody knows whether there are groups.
    #[error(
        "whether container groups of {node} live is not known: {why}. Mend that, or uninstall with --no-hooks and look \
         for groups tagged NodeName={node} in the ECI console."
    )]
    Unknown {
        /// The node.
        node: String,
        /// The error of the cloud or the cluster.
        why: String,
    },
    /// Not all could be ended.
    #[error("{0}They were to be deleted and are not gone yet; try again.")]
    Stubborn(String),
}

/// A provider that is about to go.
pub struct Farewell {
    /// The cluster.
    pub client: Client,
    /// The cloud.
    pub eci: Eci,
    /// The groups' owner.
    pub owner: Owner,
    /// The namespaces of the node's pods; all when empty.
    pub namespaces: Vec<String>,
}

impl Farewell {
    /// Does it, and gives what a person should know.
    ///
    /// # Errors
    /// [`Held`]; never in the manner of [`Manner::Warn`].
    pub fn say(&self, manner: Manner) -> BoxFuture<'_, Result<String, Held>> {
        self.take_leave(manner).boxed()
    }

    async fn take_leave(&self, manner: Manner) -> Result<String, Held> {
        let node = &self.owner.node;
        let alive = match self.alive().await {
            Ok(alive) => alive,
            Err(error) => {
                let held = Held::Unknown { node: node.clone(), why: error.to_string() };
                return if manner == Manner::Warn { Ok(format!("WARNING: {held}")) } else { Err(held) };
            }
        };
        if alive.is_empty() {
            return Ok(format!("No container group of {node} lives; nothing costs on."));
        }
        match manner {
            Manner::Warn => Ok(format!("WARNING: {}", self.told(&alive))),
            Manner::Refuse => Err(Held::Alive(self.told(&alive))),
            Manner::Delete => self.end(alive.len()).await,
        }
    }

    async fn alive(&self) -> Result<Vec<ContainerGroup>, EciError> {
        let groups = poller::all(&self.eci, &self.owner).await?;
        let ours = groups.into_iter().filter(|group| self.owner.claim(group).is_some());
        Ok(ours.filter(|group| !GroupState::of(group).is_over()).collect())
    }

    /// The list of groups that live (at most `LISTED` by name), and the ways to end them.
    fn told(&self, alive: &[ContainerGroup]) -> String {
        let node = &self.owner.node;
        let mut text = match alive.len() {
            1 => format!("1 container group of {node} lives and costs on without a provider:\n"),
            many => format!("{many} container groups of {node} live and cost on without a provider:\n"),
        };
        for group in alive.iter().take(LISTED) {
            let pod = self.owner.claim(group).map(|claim| format!("{}/{}", claim.namespace, claim.name));
            let (id, status) = (&group.container_group_id, &group.status);
            let _ = writeln!(text, "  {id}  {status}  pod {}", pod.unwrap_or_default());
        }
        if alive.len() > LISTED {
            let _ = writeln!(text, "  and {} more", alive.len() - LISTED);
        }
        let _ = writeln!(
            text,
            "To end them, delete the pods while a provider runs (kubectl get pods --all-namespaces --field-selector \
             spec.nodeName={node}), or install with onUninstall=delete; afterwards, delete the groups in the ECI \
             console, where their tag is NodeName={node}, and the node with kubectl delete node {node}."
        );
        text
    }

    /// Lets the pods go as a drain does, without asking budgets; what stays in the cloud then is deleted there.
    async fn end(&self, before: usize) -> Result<String, Held> {
        let node = &self.owner.node;
        let unknown = |why: String| Held::Unknown { node: node.clone(), why };
        let asked = self.delete_pods().await;
        let mut rounds = 0;
        loop {
            let alive = self.alive().await.map_err(|error| unknown(error.to_string()))?;
            if alive.is_empty() {
                return Ok(format!(
                    "{before} container groups of {node} were ended with their pods; nothing costs on."
                ));
            }
            rounds += 1;
            if asked.is_err() || GLANCE * rounds > PATIENCE {
                return self.delete_groups(alive).await;
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    async fn delete_pods(&self) -> Result<(), kube::Error> {
        let nodes: Api<Node> = Api::all(self.client.clone());
        let cordon = Patch::Merge(json!({ "spec": { "unschedulable": true } }));
        nodes.patch(&self.owner.node, &PatchParams::default(), &cordon).await?;
        let here = ListParams::default().fields(&format!("spec.nodeName={}", self.owner.node));
        let mut pods = Vec::new();
        if self.namespaces.is_empty() {
            pods.extend(Api::<Pod>::all(self.client.clone()).list(&here).await?);
        }
        for namespace in &self.namespaces {
            pods.extend(Api::<Pod>::namespaced(self.client.clone(), namespace).list(&here).await?);
        }
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

    async fn delete_groups(&self, alive: Vec<ContainerGroup>) -> Result<String, Held> {
        let mut refused = BTreeMap::new();
        for group in &alive {
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
            return Ok(match alive.len() {
                1 => format!("1 container group of {node} outlived its pod and was deleted."),
                many => format!("{many} container groups of {node} outlived their pods and were deleted."),
            });
        }
        let left: Vec<_> =
            alive.into_iter().filter(|group| refused.contains_key(&group.container_group_id)).collect();
        Err(Held::Stubborn(self.told(&left)))
    }
}
