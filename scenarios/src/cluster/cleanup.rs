//! The cleanup between two cases, so that none sees what another has left behind.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{
    ConfigMap, Event, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, ReplicationController,
    Secret, Service,
};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, PropagationPolicy};
use provider::webhook::registration;
use serde_json::Value;
use tokio::time::Instant;

use super::error::ClusterError;
use super::interface::NODE;
use crate::objects::objects;

/// The longest time of one cleanup, and the pause between two rounds.
const CLEANUP_TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The cleanup of one cluster.
#[derive(Debug, Clone)]
pub(super) struct Cleanup {
    /// The namespace of what names none; it stays, and is emptied.
    pub home: String,
    /// True when namespaces are finalized here: a cluster's own controller lets five seconds go by first.
    pub finalizes_namespaces: bool,
    /// True when the webhook belongs to the chart, and stays.
    pub keeps_webhook: bool,
}

/// Opens one kind of objects of one namespace.
type Objects = fn(Client, Option<&str>) -> Api<DynamicObject>;

/// The kinds of objects that cases leave behind, and the fields of those that are theirs. Makers go before what they
/// make.
const KINDS: [(Objects, &str); 15] = [
    (objects::<HorizontalPodAutoscaler>, ""),
    (objects::<CronJob>, ""),
    (objects::<Job>, ""),
    (objects::<Deployment>, ""),
    (objects::<StatefulSet>, ""),
    (objects::<DaemonSet>, ""),
    (objects::<ReplicaSet>, ""),
    (objects::<ReplicationController>, ""),
    (objects::<PodDisruptionBudget>, ""),
    (objects::<Pod>, ""),
    (objects::<Service>, "metadata.name!=kubernetes"),
    (objects::<PersistentVolumeClaim>, ""),
    (objects::<ConfigMap>, "metadata.name!=kube-root-ca.crt"),
    (objects::<Secret>, ""),
    (objects::<Event>, ""),
];

impl Cleanup {
    /// Takes away the virtual node and its lease, everything in the home namespace, and all of `namespaces`.
    ///
    /// # Errors
    /// [`ClusterError::Leftover`] after [`CLEANUP_TIMEOUT`], [`ClusterError::Kubernetes`] when the API turns it down.
    pub(super) async fn run(
        &self,
        client: &Client,
        namespaces: &BTreeSet<String>,
    ) -> Result<(), ClusterError> {
        let began = Instant::now();
        let existing = self.existing(client, namespaces).await?;
        loop {
            let left = self.run_once(client, &existing).await?;
            if left.is_empty() {
                return Ok(());
            }
            if began.elapsed() >= CLEANUP_TIMEOUT {
                return Err(ClusterError::Leftover { left: left.join(", "), timeout: CLEANUP_TIMEOUT });
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// The names among `namespaces` that the cluster has.
    async fn existing(&self, client: &Client, namespaces: &BTreeSet<String>) -> kube::Result<Vec<String>> {
        let api = objects::<Namespace>(client.clone(), None);
        let looks = namespaces.iter().map(|name| api.get_opt(name));
        let found: kube::Result<Vec<_>> = join_all(looks).await.into_iter().collect();
        Ok(found?.into_iter().flatten().filter_map(|namespace| namespace.metadata.name).collect())
    }

    /// Deletes everything once; returns the things that were still there.
    async fn run_once(&self, client: &Client, namespaces: &[String]) -> kube::Result<Vec<String>> {
        let all = namespaces.iter().chain([&self.home]);
        let deletions = all.flat_map(|name| {
            KINDS.map(|(objects, fields)| clear(objects(client.clone(), Some(name)), fields))
        });
        let counts: kube::Result<Vec<usize>> = join_all(deletions).await.into_iter().collect();
        let count = counts?.into_iter().sum::<usize>() + self.clear_volumes(client, namespaces).await?;
        let mut left = Vec::new();
        if count > 0 {
            left.push(format!("{count} objects"));
        }
        for name in namespaces {
            if self.end_namespace(client, name, count == 0).await? {
                left.push(format!("namespace {name}"));
            }
        }
        let now = at_once();
        gone(objects::<Node>(client.clone(), None).delete(NODE, &now).await)?;
        gone(objects::<Lease>(client.clone(), Some("kube-node-lease")).delete(NODE, &now).await)?;
        if self.keeps_webhook {
            return Ok(left);
        }
        let webhooks = objects::<MutatingWebhookConfiguration>(client.clone(), None);
        gone(webhooks.delete(registration::NAME, &now).await)?;
        Ok(left)
    }

    /// Deletes the volumes that were bound to claims of these namespaces; returns the number of those still there.
    async fn clear_volumes(&self, client: &Client, namespaces: &[String]) -> kube::Result<usize> {
        let api = objects::<PersistentVolume>(client.clone(), None);
        let mut count = 0;
        for volume in api.list(&ListParams::default()).await?.items {
            let of_claim = volume.data.pointer("/spec/claimRef/namespace").and_then(Value::as_str);
            let is_ours = |claim: &str| claim == self.home || namespaces.iter().any(|name| name == claim);
            if let (true, Some(name)) = (of_claim.is_some_and(is_ours), &volume.metadata.name) {
                gone(api.delete(name, &at_once()).await)?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Ends a namespace; true while it is still there.
    async fn end_namespace(&self, client: &Client, name: &str, is_empty: bool) -> kube::Result<bool> {
        let api = objects::<Namespace>(client.clone(), None);
        let Some(mut namespace) = api.get_opt(name).await? else { return Ok(false) };
        if namespace.metadata.deletion_timestamp.is_none() {
            gone(api.delete(name, &DeleteParams::default()).await)?;
        } else if self.finalizes_namespaces && is_empty {
            if let Some(spec) = namespace.data.get_mut("spec").and_then(Value::as_object_mut) {
                spec.remove("finalizers");
            }
            let body = serde_json::to_vec(&namespace).map_err(kube::Error::SerdeError)?;
            let request = http::Request::put(format!("/api/v1/namespaces/{name}/finalize"))
                .header("content-type", "application/json")
                .body(body)
                .map_err(kube::Error::HttpError)?;
            gone(client.request::<DynamicObject>(request).await)?;
        }
        Ok(true)
    }
}

fn at_once() -> DeleteParams {
    DeleteParams {
        grace_period_seconds: Some(0),
        propagation_policy: Some(PropagationPolicy::Background),
        ..DeleteParams::default()
    }
}

/// Deletes the objects that `fields` select; returns the number of those that were still there.
async fn clear(api: Api<DynamicObject>, fields: &str) -> kube::Result<usize> {
    let all = ListParams::default().fields(fields);
    let there = api.list_metadata(&all).await?.items.len();
    if there > 0 {
        gone(api.delete_collection(&at_once(), &all).await)?;
    }
    Ok(there)
}

/// Takes "not found" and "conflict" for success: the object is gone, or goes already.
fn gone<T>(deleted: kube::Result<T>) -> kube::Result<()> {
    match deleted {
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        other => other.map(drop),
    }
}
