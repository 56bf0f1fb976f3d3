//! The formats that a client may ask for, of objects, of watches, and of the description of the API.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use bytes::Bytes;
use determinism::Clock;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use kube_sim::{KubeBody, KubeSim};
use serde_json::Value;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const DESCRIPTION: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

fn cluster() -> KubeSim {
    KubeSim::builder().clock(Clock::following_runtime("2026-01-05T01:00:00Z".parse().unwrap())).build()
}

async fn send(sim: &KubeSim, request: http::request::Builder, body: &str) -> Response<KubeBody> {
    let request: Request<Full<Bytes>> = request.body(Bytes::from(body.to_owned()).into()).unwrap();
    sim.service().answer(request).await
}

async fn get(sim: &KubeSim, path: &str, accept: &str) -> (u16, String, Bytes) {
    let response = send(sim, Request::get(path).header("accept", accept), "").await;
    let kind = response.headers().get("content-type").map_or("", |kind| kind.to_str().unwrap()).to_owned();
    let code = response.status().as_u16();
    (code, kind, response.into_body().collect().await.unwrap().to_bytes())
}

#[tokio::test(start_paused = true)]
async fn who_takes_protobuf_alone_gets_it() {
    let sim = cluster();
    for (path, kind) in [
        (format!("{MAPS}/kube-root-ca.crt"), PROTOBUF.to_owned()),
        (MAPS.to_owned(), PROTOBUF.to_owned()),
        ("/apis/apps/v1/deployments".to_owned(), PROTOBUF.to_owned()),
        (format!("{MAPS}/none"), PROTOBUF.to_owned()),
    ] {
        let (_, seen, body) = get(&sim, &path, PROTOBUF).await;
        assert_eq!((seen, &body[..4]), (kind, &b"k8s\0"[..]), "{path}");
    }
    let watch = format!("{MAPS}?watch=1&timeoutSeconds=1");
    let (_, kind, body) = get(&sim, &watch, &format!("{PROTOBUF};stream=watch")).await;
    assert_eq!(kind, format!("{PROTOBUF};stream=watch"));
    let length = usize::try_from(u32::from_be_bytes(body[..4].try_into().unwrap())).unwrap();
    assert_eq!(body.len(), length + 4);
    assert!(String::from_utf8_lossy(&body).contains("ADDED"));
}

#[tokio::test(start_paused = true)]
async fn who_takes_json_too_gets_json() {
    let sim = cluster();
    let (code, kind, body) = get(&sim, MAPS, &format!("{PROTOBUF},application/json")).await;
    assert_eq!((code, kind.as_str()), (200, "application/json"));
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["kind"], "ConfigMapList");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_answered_is_not_done() {
    let sim = cluster();
    let before = sim.store().revision();
    let one = format!("{MAPS}/kube-root-ca.crt");
    for (method, path, body) in [
        ("POST", MAPS, r#"{"metadata":{"name":"a"}}"#),
        ("PATCH", &one, r#"{"data":{"a":"b"}}"#),
        ("DELETE", &one, ""),
        ("GET", MAPS, ""),
        ("GET", "/apis", ""),
        ("GET", "/api/v1", ""),
    ] {
        let request = Request::builder().method(method).uri(path).header("accept", "text/html");
        let request = request.header("content-type", "application/merge-patch+json");
        assert_eq!(send(&sim, request, body).await.status(), 406, "{method} {path}");
    }
    assert_eq!(get(&sim, MAPS, &format!("{PROTOBUF};as=Table;v=v1;g=meta.k8s.io")).await.0, 406);
    assert_eq!(sim.store().revision(), before);
}

#[tokio::test(start_paused = true)]
async fn the_description_of_the_api_comes_in_its_formats_and_is_not_sent_twice() {
    let sim = cluster();
    let (code, kind, body) = get(&sim, "/openapi/v2", DESCRIPTION).await;
    assert_eq!((code, kind.as_str()), (200, "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"));
    assert_eq!(&body[..5], b"\x0a\x032.0");
    let (code, kind, body) = get(&sim, "/openapi/v2", "application/json").await;
    assert_eq!((code, kind.as_str()), (200, "application/json"));
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["swagger"], "2.0");
    assert_eq!(get(&sim, "/openapi/v2", "text/html").await, (406, String::new(), Bytes::new()));
    for path in ["/openapi/v2", "/openapi/v3"] {
        let first = send(&sim, Request::get(path), "").await;
        let tag = first.headers()["etag"].clone();
        let again = send(&sim, Request::get(path).header("if-none-match", tag), "").await;
        assert_eq!(again.status(), 304, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_document_under_its_hash_may_be_kept_and_another_hash_leads_to_it() {
    let sim = cluster();
    let (_, _, index) = get(&sim, "/openapi/v3", "application/json").await;
    let index: Value = serde_json::from_slice(&index).unwrap();
    let address = index["paths"]["apis/apps/v1"]["serverRelativeURL"].as_str().unwrap();
    let response = send(&sim, Request::get(address), "").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-control"], "public, immutable");
    assert_eq!(response.headers()["expires"], "Tue, 05 Jan 2027 01:00:00 GMT");
    let moved = send(&sim, Request::get("/openapi/v3/apis/apps/v1?hash=OLD"), "").await;
    assert_eq!(moved.status(), 301);
    assert_eq!(moved.headers()["location"], address);
    let plain = send(&sim, Request::get("/openapi/v3/apis/apps/v1"), "").await;
    assert_eq!(plain.headers()["cache-control"], "no-cache, private");
    assert_eq!(send(&sim, Request::get("/openapi/v3/apis/none/v1"), "").await.status(), 404);
}
