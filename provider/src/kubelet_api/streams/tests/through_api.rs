//! The same streams as a client of the cluster opens them: kube-rs, an embedded API server, and the node's port over TLS.

use std::net::{IpAddr, Ipv4Addr};

use connection_limits::ConnectionLimiter;
use k8s_openapi::api::core::v1::Pod;
use kube::api::AttachParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use kube_sim::KubeSim;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{Stage, echo};
use crate::serving::{Identification, NodePort, serve};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Two clients of a cluster in which the stage's pod and node are: one within this process, one over HTTPS.
async fn clients(stage: &Stage) -> [Client; 2] {
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let own = Identification::self_signed(&["virtual-kubelet".to_owned()], &[LOOPBACK]).unwrap();
    let node = NodePort { api: stage.api.clone(), access: None };
    tokio::spawn(serve(listener, own.acceptor(None).unwrap(), node, ConnectionLimiter::default()));

    let sim = KubeSim::builder().clock(determinism::Clock::system()).build();
    let status = json!({"addresses": [{"type": "InternalIP", "address": LOOPBACK}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}}});
    let node = json!({"metadata": {"name": "virtual-kubelet"}, "status": status});
    sim.store().create(("", "nodes"), node).unwrap();
    let spec = json!({"containers": [{"name": "main"}], "nodeName": "virtual-kubelet"});
    let pod = json!({"metadata": {"name": "web", "namespace": "default"}, "spec": spec});
    sim.store().create(("", "pods"), pod).unwrap();

    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let (tls, kubeconfig) = kube_sim::tls::api_server(listener.local_addr().unwrap()).unwrap();
    let kubeconfig = Kubeconfig::from_yaml(&kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    tokio::spawn(kube_sim::server::serve(listener, tls, sim.clone()));
    [Client::new(sim.service(), "default"), Client::try_from(config).unwrap()]
}

#[tokio::test]
async fn a_command_is_typed_to_and_ends_with_its_exit_code() {
    let stage = Stage::begin().await;
    for client in clients(&stage).await {
        let pods: Api<Pod> = Api::default_namespaced(client);
        let streams = AttachParams::default().container("main").stdin(true).stdout(true).stderr(false);
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
}

#[tokio::test]
async fn a_port_is_forwarded() {
    let (stage, port) = (Stage::begin().await, echo().await);
    for client in clients(&stage).await {
        let pods: Api<Pod> = Api::default_namespaced(client);
        let mut forwarder = pods.portforward("web", &[port]).await.unwrap();
        let mut stream = forwarder.take_stream(port).unwrap();
        stream.write_all(b"ping").await.unwrap();
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"ping");
    }
}
