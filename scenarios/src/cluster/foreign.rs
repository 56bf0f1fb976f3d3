//! A node that somebody else's program keeps, on a cluster that a kubeconfig names: nothing is started there but pods.

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, Node, ServiceAccount};
use kube::Client;
use kube::api::{DeleteParams, ListParams, PostParams};
use serde_json::json;
use tokio::time::Instant;

use super::error::{ClusterError, KubeconfigError, SharedClusterError, refused};
use super::existing::ExistingCluster;
use crate::objects::{new_object, objects};

/// The longest wait for a namespace to come or to go, and the pause between two looks.
const NAMESPACE_TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// A node of a cluster, with a namespace of our own for its pods.
pub struct ForeignNode {
    cluster: ExistingCluster,
    name: String,
    node: String,
}

impl ForeignNode {
    /// Looks for the node, and makes the namespace.
    ///
    /// # Errors
    /// [`SharedClusterError::Kubeconfig`] when the cluster does not answer, has no such node, or has the namespace already;
    /// [`SharedClusterError::Refused`] when the namespace cannot be made.
    pub async fn open(cluster: ExistingCluster, node: String) -> Result<Self, SharedClusterError> {
        let version = cluster.version().await?;
        let nodes = objects::<Node>(cluster.client.clone(), None).list_metadata(&ListParams::default()).await;
        let nodes = nodes.map_err(refused("listing the nodes"))?.items;
        let known: BTreeSet<String> = nodes.into_iter().filter_map(|node| node.metadata.name).collect();
        if !known.contains(&node) {
            return Err(KubeconfigError::NoNode { node, known: known.into_iter().collect() }.into());
        }
        cluster.require_absent(&BTreeSet::new()).await?;
        let name = format!("node {node} of context {} · Kubernetes {version}", cluster.context);
        let foreign = Self { cluster, name, node };
        match foreign.make_namespace().await {
            Ok(()) => Ok(foreign),
            Err(error) => {
                let _ = foreign.end().await; // the first error is the one to be reported
                Err(error)
            }
        }
    }

    /// Makes the namespace, and waits until pods may be made in it.
    async fn make_namespace(&self) -> Result<(), SharedClusterError> {
        let namespaces = objects::<Namespace>(self.client(), None);
        let namespace = new_object::<Namespace>(self.home(), json!({}));
        let made = namespaces.create(&PostParams::default(), &namespace).await;
        made.map_err(refused("making a namespace of our own"))?;
        let accounts = objects::<ServiceAccount>(self.client(), Some(self.home()));
        let began = Instant::now();
        while accounts.get_opt("default").await.map_err(refused("looking at the namespace"))?.is_none() {
            if began.elapsed() >= NAMESPACE_TIMEOUT {
                let lacking = format!("the service account of namespace {} was not there", self.home());
                let why =
                    ClusterError::TimedOut { lacking, timeout: NAMESPACE_TIMEOUT, details: Box::default() };
                return Err(refused("making a namespace of our own")(why));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// The cluster's name, in a report's first line.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The node's name.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// The namespace of the pods.
    pub fn home(&self) -> &str {
        &self.cluster.home
    }

    /// A client with the rights of the kubeconfig.
    pub fn client(&self) -> Client {
        self.cluster.client.clone()
    }

    /// Takes the namespace away with all that is in it, and waits until it is gone.
    ///
    /// # Errors
    /// [`SharedClusterError::Refused`] when it is still there after a minute.
    pub async fn end(self) -> Result<(), SharedClusterError> {
        let refused = |error: ClusterError| refused("taking away what was ours")(error);
        let namespaces = objects::<Namespace>(self.client(), None);
        let began = Instant::now();
        loop {
            match namespaces.delete(self.home(), &DeleteParams::default()).await {
                Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
                // It goes already.
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                other => drop(other.map_err(|error| refused(error.into()))?),
            }
            if began.elapsed() >= NAMESPACE_TIMEOUT {
                let left = format!("namespace {}", self.home());
                return Err(refused(ClusterError::Leftover { left, timeout: NAMESPACE_TIMEOUT }));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}
