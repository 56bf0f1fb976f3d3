//! Races between the provider and all others who write: each is lost by the provider, and nothing is lost with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::test_bed::TestBed;
use eci_sim::{Rule, Script};
use http::{Method, Request};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{DeleteParams, Patch, PostParams};
use kube::client::Body;
use kube::{Api, Client};
use serde_json::{Value, json};

/// A client of an API server that is down while this is true.
fn interrupted(client: Client, down: Arc<AtomicBool>) -> Client {
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, is_down) = (client.clone(), down.load(Ordering::Relaxed));
        async move {
            if is_down {
                return Err(std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into());
            }
            client.send(request).await.map_err(tower::BoxError::from)
        }
    });
    Client::new(service, "default")
}

/// The steps of virtual-kubelet #762, where the pod was made again in silence.
#[tokio::test(start_paused = true)]
async fn a_pod_that_dies_unseen_while_the_api_is_down_and_the_provider_is_exchanged_is_not_run_again() {
    let down = Arc::new(AtomicBool::new(false));
    let mut bed = TestBed::without_provider().await;
    let (direct, behind) = (bed.kube.clone(), interrupted(bed.kube.clone(), down.clone()));
    bed.kube = behind;
    bed.start_provider().await;
    bed.running("web").await;
    bed.pass(120).await;
    down.store(true, Ordering::Relaxed);
    bed.take_away_group(&bed.groups()[0].container_group_id);
    bed.pass(60).await;
    bed.stop_provider().await;
    let unseen: Pod = Api::namespaced(direct, "default").get("web").await.unwrap();
    assert_eq!(unseen.status.and_then(|status| status.phase).as_deref(), Some("Running"));
    down.store(false, Ordering::Relaxed);
    bed.start_provider().await;
    let status = bed.until_phase("web", "Failed").await.status.unwrap();
    assert_eq!(status.reason.as_deref(), Some("NotFound"));
    bed.pass(300).await;
    assert_eq!((bed.groups().len(), bed.count_calls(0, "CreateContainerGroup")), (0, 1));
}

/// A client over which, once, the removal of the pod `web` comes too late: its name is another pod's by then.
fn overtaken(client: Client, armed: Arc<AtomicBool>) -> Client {
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, armed) = (client.clone(), armed.clone());
        async move {
            let removes = request.method() == Method::DELETE && request.uri().path().ends_with("/pods/web");
            if removes && armed.swap(false, Ordering::Relaxed) {
                let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
                let at_once = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
                pods.delete("web", &at_once).await?;
                pods.create(&PostParams::default(), &pod("web")).await?;
            }
            client.send(request).await
        }
    });
    Client::new(service, "default")
}

fn pod(name: &str) -> Pod {
    let containers = json!([{ "name": "main", "image": "nginx" }]);
    let spec = json!({ "nodeName": "virtual-kubelet", "containers": containers });
    serde_json::from_value(json!({ "metadata": { "name": name }, "spec": spec })).expect("it is a pod")
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_has_taken_the_name_meanwhile_is_not_removed() {
    let armed = Arc::new(AtomicBool::new(false));
    let mut bed = TestBed::without_provider().await;
    bed.kube = overtaken(bed.kube.clone(), armed.clone());
    bed.start_provider().await;
    let first = bed.running("web").await.metadata.uid;
    bed.delete("web", Some(1)).await;
    armed.store(true, Ordering::Relaxed);
    bed.until("the removal came too late", async |_| !armed.load(Ordering::Relaxed)).await;
    let second = bed.until_phase("web", "Running").await.metadata.uid;
    assert_ne!(first, second);
    assert_eq!(bed.group_states(), ["Running"]);
}

#[tokio::test(start_paused = true)]
async fn a_young_group_that_the_cloud_does_not_find_yet_is_not_taken_for_deleted() {
    let bed = TestBed::start().await;
    bed.control().script("nginx", Script { scheduling: Some(Duration::from_secs(600)), ..Script::default() });
    bed.create("web", json!({})).await;
    bed.until("the group is made", async |bed| !bed.groups().is_empty()).await;
    bed.control().add_fault(Rule::refuse("InvalidParameter.NotFound").on("DeleteContainerGroup"));
    bed.delete("web", Some(1)).await;
    bed.pass(20).await;
    assert!(bed.pod("web").await.is_some(), "its group is there, and it goes after it");
    bed.control().clear_faults();
    bed.until_gone("web").await;
    assert!(bed.groups().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_pod_deleted_while_the_answer_to_its_creation_is_lost_stays_until_its_group_is_gone() {
    let bed = TestBed::start().await;
    bed.lose_answers(usize::MAX);
    bed.create("web", json!({})).await;
    bed.until("the group is made", async |bed| !bed.groups().is_empty()).await;
    bed.pass(3).await;
    bed.delete("web", Some(1)).await;
    while bed.pod("web").await.is_some() {
        bed.pass(1).await;
    }
    assert!(bed.groups().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_creation_whose_answer_is_lost_is_repeated_as_it_was_though_its_sources_changed() {
    let bed = TestBed::start().await;
    let settings: Api<ConfigMap> = Api::namespaced(bed.kube.clone(), "default");
    let blue = json!({ "metadata": { "name": "settings" }, "data": { "colour": "blue" } });
    settings.create(&PostParams::default(), &serde_json::from_value(blue).expect("it is one")).await.unwrap();
    let from = json!({ "configMapKeyRef": { "name": "settings", "key": "colour" } });
    let container =
        json!({ "name": "main", "image": "nginx", "env": [{ "name": "COLOUR", "valueFrom": from }] });
    bed.lose_answers(3);
    // no list shows the group before its creation is repeated
    bed.control().add_fault(Rule::refuse("ServiceUnavailable").on("DescribeContainerGroups"));
    bed.create("web", json!({ "containers": [container] })).await;
    bed.until("the group is made", async |bed| bed.count_calls(0, "CreateContainerGroup") == 3).await;
    let red = Patch::Merge(json!({ "data": { "colour": "red" } }));
    settings.patch("settings", &Default::default(), &red).await.unwrap();
    bed.until("it is told of", async |bed| {
        bed.events("web").await.iter().any(|(reason, _)| reason == "ProviderCreateSuccess")
    })
    .await;
    bed.control().clear_faults();
    bed.until_phase("web", "Running").await;
    assert_eq!(bed.groups().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_restart_finds_the_groups_of_every_page_and_makes_none_twice() {
    let mut bed = TestBed::start().await;
    bed.control()
        .script("nginx", Script { scheduling: Some(Duration::from_secs(3600)), ..Script::default() });
    for n in 0..25 {
        bed.create(&format!("p-{n}"), json!({})).await;
    }
    bed.pass(60).await;
    bed.stop_provider().await;
    let from = bed.calls_since(0).len();
    bed.start_provider().await;
    bed.pass(300).await;
    assert_eq!((bed.groups().len(), bed.count_calls(from, "CreateContainerGroup")), (25, 0));
}

const ID: &str = "k8s.aliyun.com/eci-instance-id";

/// Writes another id into the pod's annotation, which the provider corrects as soon as it tells anything of the pod.
async fn bend_annotation(bed: &TestBed, pod: &str) -> Value {
    let right = bed.pod(pod).await.and_then(|pod| pod.metadata.annotations?.remove(ID));
    let bent = Patch::Merge(json!({ "metadata": { "annotations": { ID: "eci-bent" } } }));
    bed.pods().patch(pod, &Default::default(), &bent).await.expect("the API answers");
    json!(right)
}

async fn annotation(bed: &TestBed, pod: &str) -> Value {
    json!(bed.pod(pod).await.and_then(|pod| pod.metadata.annotations?.remove(ID)))
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_is_refused_keeps_no_other_pod_from_being_told_of() {
    let bed = TestBed::start().await;
    bed.running("web").await;
    bed.pass(600).await;
    for code in ["NoPermission", "InternalError", "ServiceUnavailable", "Account.Arrearage"] {
        bed.control().add_fault(Rule::refuse(code).on("CreateContainerGroup"));
        let before = bed.count_calls(0, "CreateContainerGroup");
        bed.create(&format!("bad-{}", code.to_lowercase()), json!({})).await;
        bed.until("it is asked for", async |bed| bed.count_calls(0, "CreateContainerGroup") > before).await;
        bed.pass(2).await;
        let right = bend_annotation(&bed, "web").await;
        bed.pass(2).await;
        assert_eq!(annotation(&bed, "web").await, right, "{code}");
        bed.control().clear_faults();
        bed.pass(120).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_control_plane_says_of_a_pod_stands_while_the_cloud_is_away() {
    let bed = TestBed::start().await;
    bed.running("web").await;
    bed.cut(true);
    let ready = async |bed: &TestBed| {
        let conditions = bed.pod("web").await.and_then(|pod| pod.status?.conditions).unwrap_or_default();
        conditions.into_iter().find(|condition| condition.type_ == "Ready").map(|ready| ready.status)
    };
    bed.until("the pod is not ready", async |bed| ready(bed).await.as_deref() == Some("False")).await;
    let version = bed.pod("web").await.and_then(|pod| pod.metadata.resource_version);
    bed.pass(120).await;
    assert_eq!(ready(&bed).await.as_deref(), Some("False"));
    assert_eq!(bed.pod("web").await.and_then(|pod| pod.metadata.resource_version), version);
}
