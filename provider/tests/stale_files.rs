//! What running pods are told when the files, images and resources that they ask for are others than their instance has.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::sync::{Arc, Mutex};

use crate::test_bed::TestBed;
use eci_api::actions::untag_resources::UntagResources;
use http::{Method, Request, header};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams, PostParams};
use kube::client::Body;
use kube::{Api, Client};
use serde_json::{Value, json};

const FILES_NOT_UPDATED: &str = "FilesNotUpdated";
const UPDATE_FAILED: &str = "ProviderUpdateFailed";
/// The seconds after which each source was looked at again.
const TWO_ROUNDS: u64 = 250;

async fn settings(bed: &TestBed, level: &str) {
    let api: Api<ConfigMap> = Api::namespaced(bed.kube.clone(), "default");
    let map = json!({ "metadata": { "name": "settings" }, "data": { "level": level } });
    match api.get_opt("settings").await.unwrap() {
        None => {
            drop(api.create(&PostParams::default(), &serde_json::from_value(map).unwrap()).await.unwrap())
        }
        Some(_) => drop(api.patch("settings", &PatchParams::default(), &Patch::Merge(map)).await.unwrap()),
    }
}

/// A pod that has the settings as files.
fn with_settings() -> Value {
    let mounts = json!([{ "name": "s", "mountPath": "/etc/settings" }]);
    json!({
        "volumes": [{ "name": "s", "configMap": { "name": "settings" } }],
        "containers": [{ "name": "main", "image": "nginx:1.25", "volumeMounts": mounts }]
    })
}

/// The number of events about the pod `web` that have this reason.
async fn count_events(bed: &TestBed, reason: &str) -> usize {
    bed.events("web").await.iter().filter(|(own, _)| own == reason).count()
}

async fn until_event(bed: &TestBed, reason: &str) {
    bed.until(reason, async |bed| count_events(bed, reason).await > 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_while_no_provider_runs_is_told_by_the_next_one_and_once() {
    let mut bed = TestBed::start().await;
    settings(&bed, "low").await;
    bed.create("web", with_settings()).await;
    bed.until_phase("web", "Running").await;
    bed.stop_provider().await;
    settings(&bed, "high").await;
    bed.start_provider().await;
    until_event(&bed, FILES_NOT_UPDATED).await;
    bed.stop_provider().await;
    bed.start_provider().await;
    bed.pass(TWO_ROUNDS).await;
    assert_eq!(count_events(&bed, FILES_NOT_UPDATED).await, 1, "by two processes");
}

#[tokio::test(start_paused = true)]
async fn an_image_changed_while_no_provider_runs_is_told_by_the_next_one_and_once() {
    let mut bed = TestBed::start().await;
    settings(&bed, "low").await;
    bed.create("web", with_settings()).await;
    bed.until_phase("web", "Running").await;
    bed.stop_provider().await;
    let change = json!({ "spec": { "containers": [{ "name": "main", "image": "nginx:1.27" }] } });
    bed.pods().patch("web", &PatchParams::default(), &Patch::Strategic(change)).await.unwrap();
    bed.start_provider().await;
    until_event(&bed, UPDATE_FAILED).await;
    bed.stop_provider().await;
    bed.start_provider().await;
    bed.pass(TWO_ROUNDS).await;
    assert_eq!(count_events(&bed, UPDATE_FAILED).await, 1, "by two processes");
}

#[tokio::test(start_paused = true)]
async fn of_a_group_that_an_older_provider_made_only_later_changes_are_told() {
    let mut bed = TestBed::start().await;
    settings(&bed, "low").await;
    bed.create("web", with_settings()).await;
    bed.until_phase("web", "Running").await;
    bed.stop_provider().await;
    let untag = UntagResources {
        region_id: Some("cn-hangzhou".to_owned()),
        resource_type: Some("ContainerGroup".to_owned()),
        resource_id: vec![bed.groups()[0].container_group_id.clone()],
        tag_key: vec!["MadeFrom".to_owned()],
        ..UntagResources::default()
    };
    bed.sim.act(&untag).unwrap();
    settings(&bed, "high").await;
    bed.start_provider().await;
    bed.pass(TWO_ROUNDS).await;
    assert_eq!(count_events(&bed, FILES_NOT_UPDATED).await, 0, "nobody knows what it was made from");
    settings(&bed, "low").await;
    until_event(&bed, FILES_NOT_UPDATED).await;
}

/// A client that notes of each read of a ConfigMap if it was of its metadata alone.
fn counting(client: Client, reads: Arc<Mutex<Vec<bool>>>) -> Client {
    let service = tower::service_fn(move |request: Request<Body>| {
        let is_read =
            request.method() == Method::GET && request.uri().path().ends_with("/configmaps/settings");
        if is_read {
            let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
            let of_metadata = accept.is_some_and(|accept| accept.contains("PartialObjectMetadata"));
            reads.lock().unwrap().push(of_metadata);
        }
        let client = client.clone();
        async move { client.send(request).await }
    });
    Client::new(service, "default")
}

#[tokio::test(start_paused = true)]
async fn a_source_of_many_pods_is_asked_for_its_version_once_a_round_and_read_when_that_changed() {
    let mut bed = TestBed::without_provider().await;
    let (plain, reads) = (bed.kube.clone(), Arc::new(Mutex::new(Vec::new())));
    bed.kube = counting(plain.clone(), reads.clone());
    bed.start_provider().await;
    bed.kube = plain;
    settings(&bed, "low").await;
    for name in ["web", "web-2", "web-3"] {
        bed.create(name, with_settings()).await;
        bed.until_phase(name, "Running").await;
    }
    bed.pass(TWO_ROUNDS).await;
    let count = |of_metadata| reads.lock().unwrap().iter().filter(|is| **is == of_metadata).count();
    let (whole, metadata) = (count(false), count(true));
    bed.pass(1000).await;
    let asked = count(true) - metadata;
    assert!(count(false) == whole && (9..=11).contains(&asked), "{asked} times in ten rounds");
    settings(&bed, "high").await;
    bed.pass(TWO_ROUNDS).await;
    assert_eq!((count(false), count_events(&bed, FILES_NOT_UPDATED).await), (whole + 1, 1));
}
