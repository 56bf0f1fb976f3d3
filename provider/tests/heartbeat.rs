//! The node's heartbeat: beside whatever hangs, in a quiet world, and as probes see it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use determinism::Seed;
use http::{Method, Request};
use http_body_util::BodyExt;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Event, Node};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client};
use provider::{Config, Provider};
use serde_json::json;

use crate::test_bed::TestBed;

/// A client whose calls are shown to `watch` first; those it says yes to are never answered.
fn watched(client: &Client, hangs: impl Fn(&Method, &str) -> bool + Send + Clone + 'static) -> Client {
    let client = client.clone();
    let service = tower::service_fn(move |request: Request<kube::client::Body>| {
        let (client, hangs) = (client.clone(), hangs.clone());
        async move {
            if hangs(request.method(), request.uri().path()) {
                std::future::pending::<()>().await;
            }
            client.send(request).await
        }
    });
    Client::new(service, "default")
}

fn provider(bed: &TestBed, client: Client) -> Provider {
    let eci = bed.eci("local-secret");
    Provider::new(Config::new("vsw-1", "sg-1"), client, eci, bed.clock.clone(), Seed::DEFAULT)
}

async fn ready(bed: &TestBed) {
    bed.until("the node is ready", async |bed| bed.node_condition("Ready").await == "True").await;
}

/// The age of the lease in seconds, by the clock of the bed.
async fn lease_age(bed: &TestBed) -> i64 {
    let api: Api<Lease> = Api::namespaced(bed.kube.clone(), "kube-node-lease");
    let renewed = api.get("virtual-kubelet").await.unwrap().spec.unwrap().renew_time.unwrap();
    bed.clock.now().duration_since(renewed.0).as_secs()
}

async fn ask(bed: &TestBed, path: &str) -> (u16, String) {
    let request = Request::get(path).body(Bytes::new()).unwrap();
    let response = bed.provider.as_ref().unwrap().kubelet_api().call(request).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_quiet_world_writes_leases_and_the_node_s_status_each_five_minutes_and_nothing_else() {
    let mut bed = TestBed::without_provider().await;
    let calls: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = calls.clone();
    let client = watched(&bed.kube, move |method, path| {
        log.lock().unwrap().push(format!("{method} {path}"));
        false
    });
    bed.run(Arc::new(provider(&bed, client)));
    ready(&bed).await;
    for name in ["one", "two", "three"] {
        bed.running(name).await;
    }
    bed.pass(600).await;
    calls.lock().unwrap().clear();
    bed.pass(3600).await;
    let calls = calls.lock().unwrap().clone();
    let count = |call: &str| calls.iter().filter(|made| *made == call).count();
    let leases = count("PUT /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/virtual-kubelet");
    let statuses = count("PATCH /api/v1/nodes/virtual-kubelet/status");
    assert!((350..=361).contains(&leases), "{leases} leases in an hour");
    assert!((11..=12).contains(&statuses), "{statuses} statuses of the node in an hour");
    let reads = count("GET /api/v1/nodes/virtual-kubelet");
    assert!((115..=121).contains(&reads), "{reads} reads of the node in an hour");
    let writes: Vec<_> = calls.iter().filter(|call| !call.starts_with("GET ")).collect();
    assert_eq!(writes.len(), leases + statuses, "{writes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_removed_is_there_again_before_its_pods_are_collected() {
    let bed = TestBed::start().await;
    ready(&bed).await;
    let nodes: Api<Node> = Api::all(bed.kube.clone());
    for second in [1, 11, 13, 17, 29] {
        bed.pass(60 + second).await;
        let before = nodes.get("virtual-kubelet").await.unwrap().metadata.uid;
        nodes.delete("virtual-kubelet", &DeleteParams::default()).await.unwrap();
        bed.pass(35).await;
        let after = nodes.get_opt("virtual-kubelet").await.unwrap();
        assert!(after.is_some_and(|node| node.metadata.uid != before), "deleted {second} s after a minute");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_about_pods_that_hang_hold_no_heartbeat_up() {
    let mut bed = TestBed::without_provider().await;
    let hanging = Arc::new(AtomicBool::new(false));
    let hangs = hanging.clone();
    let pods = watched(&bed.kube, move |_, _| hangs.load(Ordering::Relaxed));
    let provider = provider(&bed, pods).with_heartbeat_client(bed.kube.clone());
    bed.run(Arc::new(provider));
    ready(&bed).await;
    hanging.store(true, Ordering::Relaxed);
    bed.create("late", json!({})).await;
    for _ in 0..36 {
        bed.pass(10).await;
        let age = lease_age(&bed).await;
        assert!(age <= 15, "the lease is {age} s old");
    }
    assert_eq!(bed.node_condition("Ready").await, "True");
    hanging.store(false, Ordering::Relaxed);
    bed.until_phase("late", "Running").await;
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_whose_every_other_call_hangs_still_renews_the_lease_in_time() {
    let mut bed = TestBed::without_provider().await;
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let heartbeat = watched(&bed.kube, move |method, path| {
        let renews = *method == Method::PUT && path.contains("/leases/");
        renews && counted.fetch_add(1, Ordering::Relaxed).is_multiple_of(2)
    });
    let provider = provider(&bed, bed.kube.clone()).with_heartbeat_client(heartbeat);
    bed.run(Arc::new(provider));
    ready(&bed).await;
    for _ in 0..60 {
        bed.pass(5).await;
        let age = lease_age(&bed).await;
        assert!(age < 30, "the lease is {age} s old");
    }
    assert!(count.load(Ordering::Relaxed) > 20, "it did hang");
}

#[tokio::test(start_paused = true)]
async fn healthz_tells_a_cloud_that_is_away_from_a_loop_that_stands_still() {
    let mut bed = TestBed::start().await;
    bed.pass(10).await;
    assert_eq!(ask(&bed, "/healthz").await, (200, "ok".to_owned()));
    bed.cut(true);
    bed.pass(180).await;
    let (status, said) = ask(&bed, "/healthz").await;
    assert_eq!(status, 500);
    assert!(said.contains("[-]cloud failed: ECI answered and let us in"), "{said}");
    assert!(
        said.contains("[-]heartbeat failed"),
        "no lease is renewed on behalf of a cloud that is away: {said}"
    );
    assert_eq!(ask(&bed, "/healthz/syncloop").await.0, 200);
    assert_eq!(ask(&bed, "/healthz/nonsense").await.0, 404);
    bed.cut(false);
    bed.pass(60).await;
    assert_eq!(ask(&bed, "/healthz").await.0, 200);
    bed.stop_provider().await;
}

#[tokio::test(start_paused = true)]
async fn a_node_kept_under_another_identity_keeps_its_word_until_ours_is_confirmed() {
    let mut bed = TestBed::without_provider().await;
    let key = "virtual-kubelet.io/eci-cluster-id";
    let node = json!({ "metadata": { "name": "virtual-kubelet", "annotations": { key: "another" } } });
    let api: Api<Node> = Api::all(bed.kube.clone());
    api.create(&PostParams::default(), &serde_json::from_value(node).unwrap()).await.unwrap();
    bed.start_provider().await;
    let node = bed.node().await;
    let annotations = node.metadata.annotations.unwrap();
    assert_eq!(annotations[key], "another");
    assert_eq!(
        annotations["virtual-kubelet.io/eci-region"], "cn-hangzhou",
        "what nobody wrote is ours to write"
    );
    let events: Api<Event> = Api::namespaced(bed.kube.clone(), "default");
    let events = events.list(&ListParams::default()).await.unwrap().items;
    let told = events.iter().find(|event| event.reason.as_deref() == Some("IdentityChanged")).unwrap();
    let told = told.message.clone().unwrap();
    assert!(told.contains("the cluster id was another and is "), "{told}");
}
