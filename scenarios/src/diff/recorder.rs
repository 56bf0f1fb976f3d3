//! Watches a cluster while a case is played, and lists what is there when it has ended.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Namespace, Node, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{ApiResource, DynamicObject, ListParams, WatchEvent, WatchParams};
use kube::{Api, Client};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::compare::Record;
use super::record::{Change, counts, record_of, text};
use crate::objects::objects;
use crate::outcome::ProgramOutput;

/// The resources that are listed when a case has ended.
fn listed() -> Vec<ApiResource> {
    vec![
        ApiResource::erase::<Pod>(&()),
        ApiResource::erase::<Node>(&()),
        ApiResource::erase::<Namespace>(&()),
        ApiResource::erase::<Service>(&()),
        ApiResource::erase::<ConfigMap>(&()),
        ApiResource::erase::<Secret>(&()),
        ApiResource::erase::<ServiceAccount>(&()),
        ApiResource::erase::<Event>(&()),
        ApiResource::erase::<Lease>(&()),
        ApiResource::erase::<Deployment>(&()),
        ApiResource::erase::<ReplicaSet>(&()),
        ApiResource::erase::<Job>(&()),
        ApiResource::erase::<PodDisruptionBudget>(&()),
        ApiResource::erase::<HorizontalPodAutoscaler>(&()),
        ApiResource::erase::<CertificateSigningRequest>(&()),
    ]
}

/// The resources that are watched while it is played.
fn watched() -> Vec<ApiResource> {
    vec![
        ApiResource::erase::<Pod>(&()),
        ApiResource::erase::<Namespace>(&()),
        ApiResource::erase::<Deployment>(&()),
        ApiResource::erase::<Job>(&()),
    ]
}

type Changes = Arc<Mutex<Vec<Change>>>;

/// The watches that run beside a case, and the objects that they saw.
pub struct Recorder {
    client: Client,
    old_events: BTreeSet<String>,
    changes: Changes,
    tasks: Vec<JoinHandle<()>>,
}

impl Recorder {
    /// Begins to watch.
    ///
    /// # Errors
    /// When the cluster cannot be asked.
    pub async fn begin(client: Client) -> kube::Result<Self> {
        // Events of the case before are not this case's.
        let events = objects::<Event>(client.clone(), None);
        let events = events.list(&ListParams::default()).await?.items;
        let old_events = events.into_iter().filter_map(|event| event.metadata.uid).collect();
        let changes = Changes::default();
        let watch = |kind: ApiResource| tokio::spawn(follow(client.clone(), kind, changes.clone()));
        let tasks = watched().into_iter().map(watch).collect();
        Ok(Self { client, old_events, changes, tasks })
    }

    /// Ends the watches, lists what there is, and makes the record of it all.
    ///
    /// # Errors
    /// When the cluster cannot be asked.
    pub async fn record(mut self, outputs: &[ProgramOutput], verdict: &str) -> kube::Result<Record> {
        // The last changes are still on their way to the watches.
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        self.tasks.drain(..).for_each(|task| task.abort());
        let mut objects = Vec::new();
        for kind in listed() {
            let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &kind);
            for object in api.list(&ListParams::default()).await?.items {
                let object = serde_json::to_value(object).map_err(kube::Error::SerdeError)?;
                if counts(&kind.kind, &object) && !self.old_events.contains(text(&object, "/metadata/uid")) {
                    objects.push((kind.kind.clone(), object));
                }
            }
        }
        let there: BTreeSet<String> = objects
            .iter()
            .filter(|(kind, _)| kind == "Namespace")
            .map(|(_, object)| text(object, "/metadata/name").to_owned())
            .collect();
        // Objects that controllers put into a deleted namespace of the case before are nobody's.
        let homeless = |object: &Value| match text(object, "/metadata/namespace") {
            "" => false,
            namespace => !namespace.starts_with("kube-") && !there.contains(namespace),
        };
        objects.retain(|(_, object)| !homeless(object));
        let changes = std::mem::take(&mut *self.changes.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(record_of(objects, changes, outputs, verdict))
    }
}

/// Follows one kind, from version to version, until it is told to end.
async fn follow(client: Client, kind: ApiResource, changes: Changes) {
    let api: Api<DynamicObject> = Api::all_with(client, &kind);
    let parameters = WatchParams::default().timeout(290);
    let mut version = "0".to_owned();
    loop {
        let Ok(stream) = api.watch(&parameters, &version).await else {
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            continue;
        };
        let mut stream = stream.boxed();
        while let Some(Ok(event)) = stream.next().await {
            let (how, object) = match event {
                WatchEvent::Added(object) => ("ADDED", object),
                WatchEvent::Modified(object) => ("MODIFIED", object),
                WatchEvent::Deleted(object) => ("DELETED", object),
                WatchEvent::Bookmark(bookmark) => {
                    version = bookmark.metadata.resource_version;
                    continue;
                }
                WatchEvent::Error(_) => {
                    version = "0".to_owned(); // too old: what comes next repeats what is known
                    break;
                }
            };
            version = object.metadata.resource_version.clone().unwrap_or(version);
            if let Ok(object) = serde_json::to_value(object)
                && counts(&kind.kind, &object)
            {
                let mut changes = changes.lock().unwrap_or_else(PoisonError::into_inner);
                changes.push((kind.kind.clone(), how, object));
            }
        }
    }
}
