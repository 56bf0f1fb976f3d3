//! Both images, started from a test; the second needs a cluster that containers reach, and kubectl.

#![allow(clippy::unwrap_used, reason = "a test says by a panic what went wrong")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use testcontainers::ImageExt as _;
use testcontainers::runners::AsyncRunner as _;
use virtual_node_testcontainers::{LocalEci, VirtualNode};

#[tokio::test]
async fn a_local_eci_answers_at_its_endpoint() {
    let eci = LocalEci::default().start().await.unwrap();
    let endpoint = LocalEci::endpoint(&eci).await.unwrap();
    let mut stream = TcpStream::connect(endpoint.trim_start_matches("http://")).unwrap();
    let request = "GET /?Action=DescribeRegions&Version=2018-08-08&Format=JSON HTTP/1.1\r\n";
    write!(stream, "{request}Host: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    // nobody has signed
    assert!(answer.starts_with("HTTP/1.1 4") && answer.contains("\"RequestId\""), "{answer}");
}

/// `CLUSTER_NETWORK`: the Docker network of the cluster; `CLUSTER_KUBECONFIG`: how containers in it reach the cluster;
/// `KUBECONFIG`: how this machine does.
#[tokio::test]
#[ignore = "needs a cluster"]
async fn a_virtual_node_appears_and_runs_a_pod() {
    let network = std::env::var("CLUSTER_NETWORK").unwrap();
    let kubeconfig = std::fs::read_to_string(std::env::var("CLUSTER_KUBECONFIG").unwrap()).unwrap();
    let image = LocalEci::default();
    let eci = image.clone().with_network(&network).start().await.unwrap();
    let endpoint = LocalEci::endpoint_within(&eci).await.unwrap();
    let node = VirtualNode::new("from-a-test", &kubeconfig, &endpoint, &image);
    let node = node.with_network(&network).start().await.unwrap();

    kubectl("wait --for=create node/from-a-test --timeout=60s");
    kubectl("wait --for=condition=Ready node/from-a-test --timeout=60s");
    let overrides = r#"--overrides={"spec":{"nodeName":"from-a-test"}}"#;
    kubectl(&format!("run from-a-test --image=nginx {overrides}"));
    kubectl("wait --for=condition=Ready pod/from-a-test --timeout=120s");
    kubectl("delete pod from-a-test --timeout=60s");
    node.rm().await.unwrap();
    kubectl("delete node from-a-test");
}

fn kubectl(words: &str) {
    let status = Command::new("kubectl").args(words.split(' ')).status().unwrap();
    assert!(status.success(), "kubectl {words}");
}
