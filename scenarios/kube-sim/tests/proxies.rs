//! The proxies of nodes, pods and services: what is asked of them arrives as it was sent.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use crate::played::{Api, Played, SWITCHING, WEBSOCKET, answer, header, nobody};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const DEFAULT: &str = "/api/v1/namespaces/default";

fn pod(name: &str, server: &Played) -> Value {
    let port = json!([{"name": "http", "containerPort": server.address.port()}]);
    let status = json!({"podIPs": [{"ip": server.address.ip()}]});
    json!({"metadata": {"name": name, "namespace": "default"},
        "spec": {"containers": [{"name": "c", "ports": port}]}, "status": status})
}

#[tokio::test]
async fn a_nodes_own_api_is_asked_with_path_query_method_and_body_as_they_are() {
    let api = Api::start().await;
    let mut node =
        Played::node(|_| answer("418 I'm a teapot", "x-own: 1\r\nkeep-alive: 5\r\n", "said")).await;
    api.node("n", node.address);
    let sent = format!("POST /api/v1/nodes/n:{}/proxy//a%2Fb/../c/?x=%2B+&y", node.address.port());
    let (code, head, said) = api.ask(&sent, "x-mine: 2\r\nte: trailers\r\n", "{\"body\": 1}").await;
    assert_eq!((code, said.as_str()), (418, "said"));
    assert_eq!((header(&head, "x-own"), header(&head, "keep-alive")), (Some("1"), None));
    let request = node.request().await;
    assert!(request.starts_with("POST //a%2Fb/../c/?x=%2B+&y HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\n{\"body\": 1}"), "{request}");
    assert_eq!((header(&request, "x-mine"), header(&request, "te")), (Some("2"), None));
    let token = header(&request, "authorization").unwrap().strip_prefix("Bearer ").unwrap();
    let user = api.sim.tokens().check(token, api.sim.clock().now()).unwrap().user;
    assert_eq!(user.name, "kube-apiserver-kubelet-client");
}

#[tokio::test]
async fn a_pod_is_asked_without_any_credential() {
    let api = Api::start().await;
    let mut server = Played::pod(|_| answer("200 OK", "content-type: text/html\r\n", "<p>")).await;
    api.have("pods", pod("web", &server));
    let (code, head, said) = api.ask(&format!("GET {DEFAULT}/pods/web/proxy/index.html"), "", "").await;
    assert_eq!((code, header(&head, "content-type"), said.as_str()), (200, Some("text/html"), "<p>"));
    let request = server.request().await;
    assert!(request.starts_with("GET /index.html HTTP/1.1\r\n"), "{request}");
    assert_eq!(header(&request, "authorization"), None);
}

#[tokio::test]
async fn a_service_is_asked_at_one_of_its_pods_that_are_ready() {
    let api = Api::start().await;
    let server = Played::pod(|_| answer("200 OK", "", "served")).await;
    api.have("pods", pod("web", &server));
    let metadata = |name: &str| json!({"name": name, "namespace": "default"});
    let ports = json!([{"name": "http", "port": 80}]);
    let service = |name: &str| json!({"metadata": metadata(name), "spec": {"ports": ports}});
    ["web", "idle"].iter().for_each(|name| api.have("services", service(name)));
    let address = |pod: &str| json!({"ip": server.address.ip(), "targetRef": {"kind": "Pod", "name": pod, "namespace": "default"}});
    let subset = |pod: &str| json!([{"addresses": [address(pod)], "ports": [{"name": "http", "port": server.address.port()}]}]);
    api.have("endpoints", json!({"metadata": metadata("web"), "subsets": subset("web")}));
    api.have("endpoints", json!({"metadata": metadata("gone"), "subsets": subset("gone")}));
    api.have("endpoints", json!({"metadata": metadata("idle")}));
    for id in ["web:http", "web:80", "http:web:http"] {
        let (code, _, said) = api.ask(&format!("GET {DEFAULT}/services/{id}/proxy/"), "", "").await;
        assert_eq!((code, said.as_str()), (200, "served"), "{id}");
    }
    for (id, code, words) in [
        ("web:81", 503, "no service port 81 found for service \"web\""),
        ("web", 503, "no endpoints available for service \"web\""),
        ("idle:http", 503, "no endpoints available for service \"idle\""),
        ("gone:http", 503, "no endpoints available for service \"gone:http\""),
        ("nobody:80", 404, "services \"nobody\" not found"),
        ("nobody:http", 404, "endpoints \"nobody\" not found"),
        ("ftp:web:21", 400, "invalid service request \"ftp:web:21\""),
    ] {
        let refused = api.refused(&format!("GET {DEFAULT}/services/{id}/proxy/"), "").await;
        assert_eq!(refused, (code, words.to_owned()), "{id}");
    }
}

#[tokio::test]
async fn a_proxy_without_a_path_moves_to_its_root_and_redirects_stay_within_it() {
    let api = Api::start().await;
    let node = Played::node(|_| answer("301 Moved Permanently", "location: /runningpods/\r\n", "")).await;
    api.node("n", node.address);
    for (asked, location) in [
        ("/api/v1/nodes/n/proxy?a=1", "/api/v1/nodes/n/proxy/?a=1"),
        ("/api/v1/nodes/n/proxy/runningpods", "/api/v1/nodes/n/proxy/runningpods/"),
    ] {
        let (code, head, _) = api.ask(&format!("GET {asked}"), "", "").await;
        assert_eq!((code, header(&head, "location")), (301, Some(location)));
    }
}

#[tokio::test]
async fn a_websocket_of_a_pod_goes_through_its_proxy() {
    let api = Api::start().await;
    let mut server = Played::pod(|_| SWITCHING.to_owned()).await;
    api.have("pods", pod("web", &server));
    let (head, mut client) = api.open(&format!("GET {DEFAULT}/pods/web/proxy/live?a=1"), WEBSOCKET, "").await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(server.request().await.starts_with("GET /live?a=1 HTTP/1.1\r\n"));
    let mut inside = server.stream().await;
    inside.write_all(b"hello").await.unwrap();
    let mut said = [0; 5];
    client.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"hello");
}

#[tokio::test]
async fn what_is_not_reached_is_unavailable() {
    let api = Api::start().await;
    let gone = nobody().await;
    api.node("gone", gone);
    api.have("pods", json!({"metadata": {"name": "new", "namespace": "default"}}));
    let unreached = format!("error trying to reach service: dial tcp {gone}: connect: connection refused");
    for (path, code, words) in [
        ("/api/v1/nodes/gone/proxy/healthz", 503, unreached.as_str()),
        ("/api/v1/nodes/nobody/proxy/healthz", 404, "nodes \"nobody\" not found"),
        ("/api/v1/nodes/gone/proxy/?dryRun=All", 400, "dryRun is not supported"),
        ("/api/v1/namespaces/default/pods/new/proxy/", 400, "address not allowed"),
        ("/api/v1/namespaces/default/pods/nobody/proxy/", 404, "pods \"nobody\" not found"),
    ] {
        assert_eq!(api.refused(&format!("GET {path}"), "").await, (code, words.to_owned()), "{path}");
    }
}
