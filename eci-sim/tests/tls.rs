//! TLS: the authority that clients trust, the names that they use, and all forms in which they send parameters.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use crate::support::{START_TIME, sim};
use eci_api::query::{Pairs, render};
use eci_api::signature::{Secret, acs3, rpc};
use eci_sim::{EciSim, listener, tls};
use jiff::Timestamp;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

fn trusting(authority: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth()).into()
}

async fn served(sim: &EciSim, config: Arc<ServerConfig>) -> std::net::SocketAddr {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let sim = sim.clone();
    tokio::spawn(listener::serve_tls(
        socket,
        config,
        move |request| sim.exchange(request),
        std::future::pending(),
    ));
    address
}

async fn ask(
    address: std::net::SocketAddr,
    tls: &TlsConnector,
    name: &str,
    request: &str,
) -> std::io::Result<String> {
    let stream = tokio::net::TcpStream::connect(address).await?;
    let mut stream = tls.connect(ServerName::try_from(name.to_owned()).unwrap(), stream).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // The simulator closes the connection without the last word of TLS.
    let _without_farewell = stream.read_to_end(&mut answer).await;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn body(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

const CREATE: &[(&str, &str)] =
    &[("ContainerGroupName", "web"), ("Container.1.Name", "web"), ("Container.1.Image", "nginx")];

fn at() -> Timestamp {
    START_TIME.parse().unwrap()
}

/// The four forms in which clients send a call (eci-openapi.md, section 1.1).
fn forms(host: &str) -> Vec<(&'static str, String)> {
    let own: Pairs = CREATE.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let (id, secret) = ("local", Secret::new("local-secret"));
    let signed = |method: &str, nonce: &str| {
        let mut pairs = own.clone();
        rpc::complete(&mut pairs, "CreateContainerGroup", (id, &secret), method, at(), nonce);
        pairs
    };
    let close = "connection: close";
    let form = "content-type: application/x-www-form-urlencoded";
    let headers = acs3::headers("CreateContainerGroup", host, &own, (id, &secret), at(), "1");
    let headers: String = headers
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("host"))
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let (protocol, business): (Pairs, Pairs) =
        signed("POST", "4").into_iter().partition(|(name, _)| !CREATE.iter().any(|(own, _)| own == name));
    let business = render(&business);
    vec![
        (
            "ACS3, query",
            format!("POST /?{} HTTP/1.1\r\nhost: {host}\r\n{close}\r\n{headers}\r\n", render(&own)),
        ),
        (
            "RPC, query, POST",
            format!(
                "POST /?{} HTTP/1.1\r\nhost: {host}\r\n{form}\r\n{close}\r\n\r\n",
                render(&signed("POST", "2"))
            ),
        ),
        (
            "RPC, query, GET",
            format!("GET /?{} HTTP/1.1\r\nhost: {host}\r\n{close}\r\n\r\n", render(&signed("GET", "3"))),
        ),
        (
            "RPC, query and form",
            format!(
                "POST /?{} HTTP/1.1\r\nhost: {host}\r\n{form}\r\n{close}\r\ncontent-length: {}\r\n\r\n{business}",
                render(&protocol),
                business.len()
            ),
        ),
    ]
}

#[tokio::test]
async fn every_form_of_call_is_taken_at_every_region_s_name() {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    let sim = sim();
    let address = served(&sim, tls::generated(&authority, &[]).unwrap()).await;
    let trusting = trusting(&authority);
    for (form, request) in forms("eci.cn-beijing.aliyuncs.com") {
        let answer = ask(address, &trusting, "eci.cn-beijing.aliyuncs.com", &request).await.unwrap();
        assert!(body(&answer)["ContainerGroupId"].is_string(), "{form}: {answer}");
    }
    let regions: Vec<_> = sim.control().groups().into_iter().map(|group| group.region).collect();
    assert_eq!(regions, ["cn-beijing"; 4], "the name in the Host header says where");
}

#[tokio::test]
async fn an_authority_is_made_once_and_others_are_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, other) = (folder.path().join("ca.pem"), folder.path().join("other.pem"));
    tls::generated(&authority, &[]).unwrap();
    tls::generated(&other, &[]).unwrap();
    let kept = std::fs::read(&authority).unwrap();
    let address = served(&sim(), tls::generated(&authority, &["eci.test".into()]).unwrap()).await;
    assert_eq!(std::fs::read(&authority).unwrap(), kept);
    let nothing = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    for name in ["localhost", "127.0.0.1", "eci.test", "eci.aliyuncs.com", "eci-vpc.cn-hangzhou.aliyuncs.com"]
    {
        let answer = ask(address, &trusting(&authority), name, nothing).await.unwrap();
        assert!(answer.contains("MissingAccessKeyId"), "{name}: {answer}");
    }
    assert!(ask(address, &trusting(&authority), "evil.example", nothing).await.is_err());
    assert!(ask(address, &trusting(&other), "localhost", nothing).await.is_err());
}

#[cfg(unix)]
#[test]
fn the_authority_s_key_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    tls::generated(&folder.path().join("ca.pem"), &[]).unwrap();
    let mode = std::fs::metadata(folder.path().join("ca.key.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_cannot_be_shown_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    tls::generated(&path("ca.pem"), &[]).unwrap();
    tls::generated(&path("other.pem"), &[]).unwrap();
    std::fs::write(path("empty.pem"), "").unwrap();
    for (certificate, key, says) in [
        ("none.pem", "ca.key.pem", "the certificate in "),
        ("ca.pem", "empty.pem", "the key in "),
        ("ca.pem", "other.key.pem", "certificate and key cannot be shown"),
        ("empty.pem", "ca.key.pem", "certificate and key cannot be shown"),
    ] {
        let why = tls::given(&path(certificate), &path(key)).unwrap_err().to_string();
        assert!(why.starts_with(says), "{certificate}, {key}: {why}");
    }
    tls::given(&path("ca.pem"), &path("ca.key.pem")).unwrap();
    std::fs::remove_file(path("ca.key.pem")).unwrap();
    let why = tls::generated(&path("ca.pem"), &[]).unwrap_err().to_string();
    assert!(why.contains("delete both to have new ones"), "{why}");
}

#[test]
fn a_key_that_is_there_already_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("ca.key.pem");
    std::fs::write(&key, "mine").unwrap();
    let why = tls::generated(&folder.path().join("ca.pem"), &[]).unwrap_err().to_string();
    assert!(why.contains("move that away"), "{why}");
    assert_eq!(std::fs::read_to_string(&key).unwrap(), "mine");
    assert!(!folder.path().join("ca.pem").exists());
}
