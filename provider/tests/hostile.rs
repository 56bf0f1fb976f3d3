//! Clients without a credential, thousands of them, at both ports: the provider stays small, its node Ready, and those
//! who have one are served.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

#[path = "../../eci-sim/connection-limits/tests/hostile/mod.rs"]
mod clients;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use clients::{Dial, MEMORY_MAX, Stream, Watched, connect, idle, plain, requests};
use determinism::Clock;
use eci_api::Secret;
use eci_sim::{EciSim, listener};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Node, ServiceAccount};
use kube::{Api, Client};
use kube_sim::KubeSim;
use kube_sim::tls::{self, AnyServer};
use rustls::ClientConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A provider as a process, on an embedded API and a local ECI.
struct Process {
    child: Child,
    node: SocketAddr,
    webhook: SocketAddr,
    kube: Client,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _gone_already = self.child.wait();
    }
}

async fn api(folder: &Path) -> Client {
    let sim = KubeSim::builder().clock(Clock::system()).build();
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let (tls, kubeconfig) = tls::api_server(listener.local_addr().unwrap()).unwrap();
    std::fs::write(folder.join("kubeconfig"), kubeconfig).unwrap();
    let (controllers, service) = (sim.clone(), sim.service());
    tokio::spawn(async move { controllers.run_controllers().await });
    tokio::spawn(kube_sim::server::serve(listener, tls, sim));
    Client::new(service, "default")
}

async fn start(folder: &Path) -> Process {
    let kube = api(folder).await;
    let sim = EciSim::builder().credential("local", Secret::new("local-secret")).build();
    let cloud = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let endpoint = format!("http://{}", cloud.local_addr().unwrap());
    tokio::spawn(listener::serve(cloud, move |request| sim.exchange(request), std::future::pending()));
    let free = || std::net::TcpListener::bind((LOOPBACK, 0)).unwrap().local_addr().unwrap();
    for _ in 0..5 {
        let (node, webhook) = (free(), free());
        let child = Command::new(env!("CARGO_BIN_EXE_provider"))
            .env_clear()
            .env("KUBECONFIG", folder.join("kubeconfig"))
            .envs([("ECI_VSWITCH", "vsw-1"), ("ECI_SECURITY_GROUP", "sg-1"), ("ALIYUN_CLUSTERID", "hostile")])
            .envs([("ECI_ACCESS_KEY", "local"), ("ECI_SECRET_KEY", "local-secret"), ("POD_IP", "127.0.0.1")])
            .args(["--listen", &node.to_string(), "--webhook-listen", &webhook.to_string()])
            .args(["--endpoint", &endpoint])
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut process = Process { child, node, webhook, kube: kube.clone() };
        if process.becomes_ready().await {
            return process;
        }
    }
    panic!("the provider ended five times before its node was Ready");
}

impl Process {
    /// Waits for the node; false when the process ended, since somebody may have taken one of its ports in between.
    async fn becomes_ready(&mut self) -> bool {
        for _ in 0..300 {
            if self.is_ready().await {
                return true;
            }
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the node is not Ready");
    }

    async fn is_ready(&self) -> bool {
        let node = Api::<Node>::all(self.kube.clone()).get_opt("virtual-kubelet").await.unwrap();
        let conditions = node.and_then(|node| node.status).and_then(|status| status.conditions);
        conditions.iter().flatten().any(|it| it.type_ == "Ready" && it.status == "True")
    }

    async fn token(&self) -> String {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.kube.clone(), "kube-system");
        let account =
            serde_json::from_value(serde_json::json!({ "metadata": { "name": "monitor" } })).unwrap();
        accounts.create(&Default::default(), &account).await.unwrap();
        let request = TokenRequest {
            spec: TokenRequestSpec { expiration_seconds: Some(3600), ..Default::default() },
            ..Default::default()
        };
        let answer = accounts.create_token_request("monitor", &Default::default(), &request).await.unwrap();
        answer.status.unwrap().token
    }
}

/// A connection over TLS to whatever server answers.
async fn tls(from: [u8; 4], to: SocketAddr) -> io::Result<Box<dyn Stream>> {
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(ring).with_safe_default_protocol_versions();
    let config = builder.map_err(io::Error::other)?;
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(AnyServer::default()));
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config.with_no_client_auth()));
    let stream = connector.connect(LOOPBACK.into(), connect(from, to).await?).await?;
    Ok(Box::new(stream))
}

fn over_tls(to: SocketAddr) -> Dial {
    Arc::new(move || Box::pin(tls([127, 0, 0, 1], to)))
}

/// The status line that a request over a connection of its own gets.
async fn ask(to: SocketAddr, request: &str) -> io::Result<String> {
    let mut stream = tls([127, 0, 0, 2], to).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        line.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&line).trim().to_owned())
}

/// Asks again and again until it is over, and says how often it was served.
async fn served(to: SocketAddr, request: String, over: Arc<AtomicBool>) -> usize {
    let mut served = 0;
    while !over.load(Relaxed) {
        let answer = tokio::time::timeout(Duration::from_secs(10), ask(to, &request)).await;
        assert_eq!(answer.unwrap().unwrap(), "HTTP/1.1 200 OK", "request {served} to {to}");
        served += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    served
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes real time; `cargo test -p provider --test integration hostile:: -- --ignored` plays it"]
async fn thousands_without_a_credential_leave_the_provider_small_and_others_served() {
    let folder = tempfile::tempdir().unwrap();
    let process = start(folder.path()).await;
    let token = process.token().await;
    let over = Arc::new(AtomicBool::new(false));
    let pods = format!("GET /pods HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {token}\r\n\r\n");
    let review = r#"{"request":{"uid":"u"}}"#;
    let review =
        format!("POST /inject HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n{review}", review.len());
    assert_eq!(ask(process.node, &pods).await.unwrap(), "HTTP/1.1 200 OK");
    let watched = Watched::start(process.child.id());
    let at_node = tokio::spawn(served(process.node, pods, Arc::clone(&over)));
    let at_webhook = tokio::spawn(served(process.webhook, review, Arc::clone(&over)));
    for port in [process.node, process.webhook] {
        let dial = over_tls(port);
        let body = "POST /inject HTTP/1.1\r\nhost: h\r\ncontent-length: 4194304\r\n\r\n";
        requests(&dial, 100, body, 4_000_000).await;
        requests(&dial, 1900, body, 100_000).await;
        requests(&plain(port), 8000, body, 1000).await;
        idle(&plain(port), 5000, "", Duration::from_millis(200)).await;
        idle(&dial, 600, "GET /pods HTTP/1.1\r\nx: ", Duration::from_secs(1)).await;
        assert!(process.is_ready().await);
    }
    over.store(true, Relaxed);
    let (at_node, at_webhook) = (at_node.await.unwrap(), at_webhook.await.unwrap());
    println!("{at_node} requests served at the node's port, {at_webhook} at the webhook's");
    assert!(at_node > 20 && at_webhook > 20);
    let grown = watched.end();
    assert!(grown <= MEMORY_MAX, "{grown} KiB more than idle");
}
