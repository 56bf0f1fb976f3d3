//! Calls of the API server on this host: a node's HTTPS port and an admission webhook.
//! `cargo ci control-plane && cargo test -p control-plane -- --ignored`

#![allow(clippy::unwrap_used, reason = "a test says by a panic what went wrong")]

use std::sync::Arc;

use control_plane::credentials::{Authority, Identity};
use control_plane::{Binaries, ControlPlane};
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{Api, LogParams, Patch, PatchParams, PostParams};
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// One request as it came in: the certificate that the caller showed, and the text.
struct Call {
    certificate: Option<Vec<u8>>,
    request: String,
}

/// Listens on a free port of 127.0.0.1 with a certificate of this authority, and lets clients of it in.
async fn listen(authority: &Authority, server: &Identity) -> (TcpListener, TlsAcceptor) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.certificate().as_bytes()).unwrap()).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .allow_unauthenticated()
        .build()
        .unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(server.certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(server.key.as_bytes()).unwrap(),
        )
        .unwrap();
    (TcpListener::bind("127.0.0.1:0").await.unwrap(), TlsAcceptor::from(Arc::new(config)))
}

/// Takes one call and answers it with a body.
async fn answer_one(
    (listener, tls): &(TcpListener, TlsAcceptor),
    answer: impl FnOnce(&str) -> (&'static str, String),
) -> Call {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = tls.accept(stream).await.unwrap();
    let certificate = stream.get_ref().1.peer_certificates().map(|shown| shown[0].to_vec());
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                let (kind, body) = answer(body);
                let head =
                    format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n", body.len());
                stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
                return Call { certificate, request: text };
            }
        }
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "cut off: {text}");
    }
}

async fn start() -> (ControlPlane, kube::Client) {
    let binaries = Binaries::find().unwrap_or_else(|error| panic!("{error}"));
    let plane = ControlPlane::start(&binaries).await.unwrap_or_else(|error| panic!("{error}"));
    let client = plane.client().await.unwrap();
    (plane, client)
}

fn of<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

#[tokio::test]
#[ignore = "needs a built control plane"]
async fn logs_come_from_the_nodes_https_port_and_the_caller_shows_its_certificate() {
    let (plane, client) = start().await;
    let server = plane.authority().server("virtual-kubelet", &["127.0.0.1"]).unwrap();
    let port = listen(plane.authority(), &server).await;
    let nodes: Api<Node> = Api::all(client.clone());
    let new = PostParams::default();
    nodes.create(&new, &of(json!({"metadata": {"name": "virtual-kubelet"}}))).await.unwrap();
    let status = json!({"status": {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port.0.local_addr().unwrap().port()}},
    }});
    nodes.patch_status("virtual-kubelet", &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
    let pods: Api<Pod> = Api::default_namespaced(client);
    let pod = of(json!({
        "metadata": {"name": "nginx"},
        "spec": {"nodeName": "virtual-kubelet", "containers": [{"name": "nginx", "image": "nginx"}]},
    }));
    pods.create(&new, &pod).await.unwrap();

    let wanted = LogParams { tail_lines: Some(1), ..LogParams::default() };
    let said = |_: &str| ("text/plain", "said in the cloud\n".to_owned());
    let (logs, call) = tokio::join!(pods.logs("nginx", &wanted), answer_one(&port, said));
    assert_eq!(logs.unwrap(), "said in the cloud\n");
    assert!(
        call.request.starts_with("GET /containerLogs/default/nginx/nginx?tailLines=1 "),
        "{}",
        call.request
    );
    let shown = String::from_utf8_lossy(&call.certificate.unwrap()).into_owned();
    assert!(shown.contains("kube-apiserver-kubelet-client"), "{shown}");
}

#[tokio::test]
#[ignore = "needs a built control plane"]
async fn a_webhook_by_address_is_asked_before_a_pod_is_stored() {
    let (_plane, client) = start().await;
    // a webhook of its own: its authority is not the cluster's
    let its_own = Authority::generate().unwrap();
    let port = listen(&its_own, &its_own.server("webhook", &["127.0.0.1"]).unwrap()).await;
    let address = format!("https://127.0.0.1:{}/inject", port.0.local_addr().unwrap().port());
    let bundle = k8s_openapi::ByteString(its_own.certificate().as_bytes().to_vec());
    let configuration: MutatingWebhookConfiguration = of(json!({
        "metadata": {"name": "affinity"},
        "webhooks": [{
            "name": "affinity.virtual-node.eci", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "failurePolicy": "Fail", "clientConfig": {"url": address, "caBundle": bundle},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        }],
    }));
    let webhooks: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    webhooks.create(&PostParams::default(), &configuration).await.unwrap();

    let pods: Api<Pod> = Api::default_namespaced(client);
    let asked = answer_one(&port, |body| {
        let review: Value = serde_json::from_str(body).unwrap();
        let patch =
            "W3sib3AiOiJhZGQiLCJwYXRoIjoiL21ldGFkYXRhL2xhYmVscyIsInZhbHVlIjp7ImFza2VkIjoieWVzIn19XQ==";
        let response = json!({"uid": review["request"]["uid"], "allowed": true, "patchType": "JSONPatch", "patch": patch});
        let review =
            json!({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response});
        ("application/json", review.to_string())
    });
    tokio::pin!(asked);
    // the API server takes the new configuration up within a moment
    for round in 0.. {
        let name = format!("nginx-{round}");
        let pod = of(
            json!({"metadata": {"name": name}, "spec": {"containers": [{"name": "nginx", "image": "nginx"}]}}),
        );
        let parameters = PostParams::default();
        let created = pods.create(&parameters, &pod);
        tokio::pin!(created);
        let stored = tokio::select! {
            stored = &mut created => stored.unwrap(),
            call = &mut asked => {
                let stored = created.await.unwrap();
                assert!(call.request.starts_with("POST /inject?timeout=10s "), "{}", call.request);
                assert_eq!(stored.metadata.labels.unwrap()["asked"], "yes");
                return;
            }
        };
        assert_eq!(stored.metadata.labels, None);
        assert!(round < 100, "the webhook was never asked");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
