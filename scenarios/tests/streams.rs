//! Streams and proxies of a stepped world: everything within this process, under a clock that nothing waits for.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::time::Duration;

use http::Request;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{AttachParams, PostParams};
use kube::{Api, Client};
use scenarios::World;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A world with a pod `web` that runs, and says a word each minute.
async fn world() -> (World, Api<Pod>) {
    let world = World::start().await.unwrap();
    let pods: Api<Pod> = Api::default_namespaced(world.kube());
    let command = ["sh", "-c", "while true; do echo tick; sleep 60; done"];
    let spec = json!({"nodeName": "virtual-kubelet",
        "containers": [{"name": "main", "image": "busybox", "command": command}]});
    let pod = json!({"metadata": {"name": "web"}, "spec": spec});
    pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    world.advance(Duration::from_secs(120)).await;
    (world, pods)
}

#[tokio::test(start_paused = true)]
async fn a_command_is_typed_to_and_ends_with_its_exit_code() {
    let (_world, pods) = world().await;
    let streams = AttachParams::default().container("main").stdin(true).stderr(false);
    let mut attached = pods.exec("web", ["sh"], &streams).await.unwrap();
    let status = attached.take_status().unwrap();
    let mut stdin = attached.stdin().unwrap();
    stdin.write_all(b"echo typed\nexit 4\n").await.unwrap();
    stdin.flush().await.unwrap();
    let mut stdout = String::new();
    attached.stdout().unwrap().read_to_string(&mut stdout).await.unwrap();
    let causes = status.await.unwrap().details.unwrap().causes.unwrap();
    assert_eq!((stdout.as_str(), causes[0].message.as_deref()), ("typed\n", Some("4")));
}

#[tokio::test(start_paused = true)]
async fn what_a_container_says_is_followed() {
    let (_world, pods) = world().await;
    let streams = AttachParams::default().container("main").stdin(false).stderr(false);
    let mut attached = pods.attach("web", &streams).await.unwrap();
    let mut said = [0; 5];
    attached.stdout().unwrap().read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"tick\n");
}

#[tokio::test(start_paused = true)]
async fn nobody_listens_at_a_port_of_a_played_container() {
    let (_world, pods) = world().await;
    let mut forwarder = pods.portforward("web", &[80]).await.unwrap();
    let error = forwarder.take_error(80).unwrap().await.unwrap();
    assert!(error.starts_with("error forwarding port 80 to pod web_default"), "{error}");
    assert!(error.ends_with("the containers of this world are played, and none of them listens"), "{error}");
}

async fn get(client: &Client, path: &str) -> Result<String, kube::Error> {
    client.request_text(Request::get(path).body(Vec::new()).unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn a_stepped_worlds_proxies_reach_its_node_and_no_network() {
    let (world, pods) = world().await;
    let node = "/api/v1/nodes/virtual-kubelet/proxy";
    assert_eq!(get(&world.kube(), &format!("{node}/healthz")).await.unwrap(), "ok");
    let address = pods.get("web").await.unwrap().status.unwrap().pod_ip.unwrap();
    let refused = get(&world.kube(), "/api/v1/namespaces/default/pods/web:80/proxy/").await.unwrap_err();
    let why = format!("error trying to reach service: dial tcp {address}:80: connect: no route to host");
    assert!(refused.to_string().contains(&why), "{refused}");
}
