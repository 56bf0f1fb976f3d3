//! The node's port and the webhook's over real sockets: who is let in, and whose certificate is believed.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use connection_limits::ConnectionLimiter;
use determinism::{Clock, Seed};
use eci_api::Secret;
use eci_sim::EciSim;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Api, Client};
use kube_sim::KubeSim;
use kube_sim::tls::Authority;
use provider::eci::{Credentials, HyperTransport};
use provider::kubelet_api::access::Access;
use provider::serving::{Identification, NodePort, serve};
use provider::{Config, Eci, Provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

struct Port {
    address: SocketAddr,
    authority: String,
    kube: Client,
}

/// The node's port, or the webhook's.
async fn node_port(client_authority: Option<&str>) -> Port {
    open_port(client_authority, false).await
}

async fn open_port(client_authority: Option<&str>, webhook: bool) -> Port {
    let clock = Clock::system();
    let kube = Client::new(KubeSim::builder().clock(clock.clone()).build().service(), "default");
    let credentials = Credentials { access_key_id: "local".into(), secret: Secret::new("local-secret") };
    let transport = Arc::new(HyperTransport::new().unwrap());
    let eci = Eci::new(transport, credentials, "cn-hangzhou", clock.clone(), Seed::DEFAULT);
    let provider = Provider::new(Config::new("vsw-1", "sg-1"), kube.clone(), eci, clock, Seed::DEFAULT);
    let shown = Identification::self_signed(&["virtual-kubelet".to_owned()], &[LOOPBACK]).unwrap();
    let authority = shown.pem.clone();
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let access = Some(Access::new(kube.clone(), "virtual-kubelet"));
    let port = NodePort { api: provider.kubelet_api(), access };
    let limiter = ConnectionLimiter::default();
    let acceptor = shown.acceptor(client_authority).unwrap();
    match webhook {
        false => tokio::spawn(serve(listener, acceptor, port, limiter)),
        true => tokio::spawn(serve(listener, acceptor, provider.webhook(), limiter)),
    };
    Port { address, authority, kube }
}

impl Port {
    /// The bytes that come back for these bytes, until the other side closes.
    async fn sent(&self, bytes: &[u8]) -> String {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.as_bytes()).unwrap()).unwrap();
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(ring).with_safe_default_protocol_versions().unwrap();
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = TcpStream::connect(self.address).await.unwrap();
        let mut stream = connector.connect(LOOPBACK.into(), stream).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let _cut_off = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn ask(
        &self,
        path: &str,
        token: Option<&str>,
        shown: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    ) -> (u16, String) {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.as_bytes()).unwrap()).unwrap();
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(ring)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match shown {
            Some((certificate, key)) => builder.with_client_auth_cert(vec![certificate], key).unwrap(),
            None => builder.with_no_client_auth(),
        };
        let stream = TcpStream::connect(self.address).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = connector.connect(LOOPBACK.into(), stream).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::get(path).header("host", self.address.to_string());
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let response = sender.send_request(request.body(Full::new(Bytes::new())).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    async fn token(&self) -> String {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.kube.clone(), "kube-system");
        let account = serde_json::json!({ "metadata": { "name": "monitor" } });
        let account = serde_json::from_value(account).unwrap();
        accounts.create(&Default::default(), &account).await.unwrap();
        let request = TokenRequest {
            spec: TokenRequestSpec { expiration_seconds: Some(3600), ..Default::default() },
            ..Default::default()
        };
        let answer = accounts.create_token_request("monitor", &Default::default(), &request).await.unwrap();
        answer.status.unwrap().token
    }
}

#[tokio::test]
async fn nobody_is_let_in_unknown_except_to_ask_for_health() {
    let port = node_port(None).await;
    assert_eq!(port.ask("/healthz/ping", None, None).await, (200, "ok".to_owned()));
    assert_eq!(port.ask("/pods", None, None).await, (401, "Unauthorized".to_owned()));
    assert_eq!(port.ask("/pods", Some("made up"), None).await.0, 401);
}

#[tokio::test]
async fn a_token_of_the_cluster_lets_in() {
    let port = node_port(None).await;
    let token = port.token().await;
    let (status, body) = port.ask("/pods", Some(&token), None).await;
    assert_eq!(status, 200, "{body}");
    let list: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((list["kind"].as_str(), list["items"].as_array().map(Vec::len)), (Some("PodList"), Some(0)));
}

#[tokio::test]
async fn a_certificate_of_the_cluster_lets_in_and_what_is_not_built_says_so() {
    let authority = Authority::generate().unwrap();
    let shown = authority.client("kube-apiserver-kubelet-client", Some("system:masters")).unwrap().into_der();
    let port = node_port(Some(authority.certificate())).await;
    let (status, body) = port.ask("/run/default/web/main?cmd=ls", None, Some(shown)).await;
    assert_eq!(status, 501);
    assert!(body.contains("not built yet"), "{body}");
    assert_eq!(port.ask("/pods", None, None).await.0, 401, "a certificate is not demanded of everybody");
}

#[tokio::test]
async fn the_configuration_is_shown_without_a_secret() {
    let port = node_port(None).await;
    let token = port.token().await;
    let (status, body) = port.ask("/configz", Some(&token), None).await;
    assert_eq!(status, 200, "{body}");
    let shown: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(shown["kubeletconfig"]["kind"], "KubeletConfiguration");
    assert_eq!(shown["kubeletconfig"]["nodeLeaseDurationSeconds"], 40);
    assert_eq!(shown["virtualnode"]["region"], "cn-hangzhou");
    assert_eq!(shown["virtualnode"]["orphanGraceSeconds"], 600);
    assert!(!body.contains("secret") && !body.contains("Secret"), "{body}");
}

#[tokio::test]
async fn at_the_nodes_port_who_asks_is_settled_before_a_byte_of_a_body_is_read() {
    let port = node_port(None).await;
    let head = "POST /exec/default/web/main HTTP/1.1\r\nhost: h\r\ncontent-length: 1000000000\r\n\r\n";
    let answer = port.sent(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

#[tokio::test]
async fn at_the_webhook_four_mebibytes_are_read_and_no_more() {
    let port = open_port(None, true).await;
    let review = |size: usize| {
        let filled = "x".repeat(size - r#"{"request":{"uid":"u"},"x":""}"#.len());
        let body = format!(r#"{{"request":{{"uid":"u"}},"x":"{filled}"}}"#);
        let head = format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len());
        format!("POST /inject HTTP/1.1\r\nhost: h\r\n{head}{body}")
    };
    let answer = port.sent(review(4 << 20).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let told = "POST /inject HTTP/1.1\r\nhost: h\r\ncontent-length: 4194305\r\n\r\n";
    let answer = port.sent([told, &"x".repeat(65_536)].concat().as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("4 MiB"), "{answer}");
}

#[tokio::test]
async fn the_cloud_is_reached_over_a_socket() {
    use eci_api::actions::describe_regions::DescribeRegions;
    let sim = EciSim::builder().credential("local", Secret::new("local-secret")).build();
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let sim = sim.clone();
            let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
                let sim = sim.clone();
                async move {
                    let (parts, body) = request.into_parts();
                    let body = body.collect().await?.to_bytes();
                    Ok::<_, hyper::Error>(sim.call(Request::from_parts(parts, body)).map(Full::new))
                }
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    let eci = |secret: &str| {
        let credentials = Credentials { access_key_id: "local".into(), secret: Secret::new(secret) };
        let transport = Arc::new(HyperTransport::new().unwrap());
        let eci = Eci::new(transport, credentials, "cn-hangzhou", Clock::system(), Seed::DEFAULT);
        eci.at(format!("http://{address}").parse().unwrap())
    };
    assert!(!eci("local-secret").call(&DescribeRegions::default()).await.unwrap().regions.is_empty());
    let error = eci("wrong").call(&DescribeRegions::default()).await.unwrap_err();
    assert_eq!(error.code(), Some("SignatureDoesNotMatch"));
}

#[tokio::test]
async fn an_endpoint_where_nobody_answers_is_named() {
    use eci_api::actions::describe_regions::DescribeRegions;
    let credentials = Credentials { access_key_id: "local".into(), secret: Secret::new("local-secret") };
    let transport = Arc::new(HyperTransport::new().unwrap());
    let eci = Eci::new(transport, credentials, "cn-hangzhou", Clock::system(), Seed::DEFAULT);
    let eci = eci.at("http://127.0.0.1:3".parse().unwrap());
    let error = eci.call_once(&DescribeRegions::default()).await.unwrap_err().to_string();
    assert!(error.starts_with("ECI cannot be reached at http://127.0.0.1:3: "), "{error}");
    assert!(error.contains("refused"), "{error}");
}
