//! Exec, attach and port-forward of pods: handed through to the pod's own node, bounded, and refused in the real words.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use crate::played::{Api, Played, SWITCHING, WEBSOCKET, answer, header, nobody};
use kube_sim::KubeSim;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PODS: &str = "/api/v1/namespaces/default/pods";

/// The API, and a node with the pod `web`, whose container is `main`.
async fn cluster(reply: impl Fn(&str) -> String + Send + Sync + 'static) -> (Api, Played) {
    let api = Api::start().await;
    let node = Played::node(reply).await;
    api.node("n", node.address);
    api.pod("web", &["main"], "n");
    (api, node)
}

#[tokio::test]
async fn a_stream_is_opened_at_the_pods_node_with_its_method_words_and_protocols() {
    let (api, mut node) = cluster(|_| SWITCHING.to_owned()).await;
    for (method, asked, path) in [
        (
            "GET",
            "exec?command=sh&command=a%26b&stdin=true&stdout=true",
            "exec/default/web/main?command=sh&command=a%26b&input=1&output=1",
        ),
        ("POST", "attach?container=main&stderr=1&tty=false", "attach/default/web/main?error=1"),
        ("GET", "portforward?ports=80,81", "portForward/default/web?port=80%2C81"),
    ] {
        let (head, _stream) = api.open(&format!("{method} {PODS}/web/{asked}"), WEBSOCKET, "").await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert_eq!(header(&head, "sec-websocket-protocol"), Some("v4.channel.k8s.io"));
        assert_eq!(header(&head, "upgrade"), Some("websocket"));
        let request = node.request().await;
        assert!(request.starts_with(&format!("{method} /{path} HTTP/1.1\r\n")), "{request}");
        for (name, value) in [
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="),
            ("sec-websocket-protocol", "v5.channel.k8s.io, v4.channel.k8s.io"),
        ] {
            assert_eq!(header(&request, name), Some(value), "{request}");
        }
    }
}

#[tokio::test]
async fn every_protocol_that_spdy_offers_reaches_the_node() {
    let (api, mut node) = cluster(|_| SWITCHING.to_owned()).await;
    let offers = "connection: Upgrade\r\nupgrade: SPDY/3.1\r\nx-stream-protocol-version: v4.channel.k8s.io\r\n\
                  x-stream-protocol-version: channel.k8s.io\r\n";
    let (_, _stream) = api.open(&format!("POST {PODS}/web/exec?command=ls&stdout=1"), offers, "").await;
    let request = node.request().await;
    let offered: Vec<_> =
        request.lines().filter(|line| line.starts_with("x-stream-protocol-version: ")).collect();
    assert_eq!(offered.len(), 2, "{request}");
    assert_eq!(header(&request, "upgrade"), Some("SPDY/3.1"));
}

#[tokio::test]
async fn the_node_is_asked_by_the_api_server_and_not_with_the_callers_token() {
    let (api, mut node) = cluster(|_| SWITCHING.to_owned()).await;
    let claims = format!("{WEBSOCKET}impersonate-user: somebody\r\n");
    let (_, _stream) = api.open(&format!("GET {PODS}/web/exec?command=ls&stdout=1"), &claims, "").await;
    let request = node.request().await;
    let token = header(&request, "authorization").unwrap().strip_prefix("Bearer ").unwrap();
    let user = api.sim.tokens().check(token, api.sim.clock().now()).unwrap().user;
    assert_eq!(user.name, "kube-apiserver-kubelet-client");
    assert_eq!(header(&request, "impersonate-user"), None);
}

#[tokio::test]
async fn bytes_pass_both_ways_until_the_node_ends() {
    let (api, mut node) = cluster(|_| format!("{SWITCHING}first words")).await;
    let (_, mut client) = api.open(&format!("GET {PODS}/web/exec?command=cat&stdin=1"), WEBSOCKET, "").await;
    let mut inside = node.stream().await;
    let sent: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let typed = sent.clone();
    let typing = tokio::spawn(async move {
        client.write_all(&typed).await.unwrap();
        client.flush().await.unwrap();
        let mut said = Vec::new();
        client.read_to_end(&mut said).await.unwrap();
        said
    });
    let mut heard = vec![0; sent.len()];
    inside.read_exact(&mut heard).await.unwrap();
    inside.write_all(&heard).await.unwrap();
    inside.shutdown().await.unwrap();
    let said = typing.await.unwrap();
    assert!(heard == sent && said == [b"first words".as_slice(), &sent].concat());
}

#[tokio::test]
async fn a_client_that_leaves_frees_the_node() {
    let (api, mut node) = cluster(|_| SWITCHING.to_owned()).await;
    let (_, client) = api.open(&format!("GET {PODS}/web/attach?stdout=1"), WEBSOCKET, "").await;
    let mut inside = node.stream().await;
    drop(client);
    let mut rest = Vec::new();
    inside.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn a_stream_too_many_is_refused_until_another_ends() {
    let api = Api::started(KubeSim::builder().tunnels_max(1)).await;
    let mut node = Played::node(|_| SWITCHING.to_owned()).await;
    api.node("n", node.address);
    api.pod("web", &["main"], "n");
    let line = format!("GET {PODS}/web/exec?command=ls&stdout=1");
    let (_, mut client) = api.open(&line, WEBSOCKET, "").await;
    let (code, words) = api.refused(&line, WEBSOCKET).await;
    let most =
        "1 upgraded connections (exec, attach, port-forward, proxies) are open, which is the most; close one";
    assert_eq!((code, words.as_str()), (503, most));
    drop(node.stream().await);
    client.read_to_end(&mut Vec::new()).await.unwrap();
    drop(client);
    while api.open(&line, WEBSOCKET, "").await.0.starts_with("HTTP/1.1 503 ") {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_cannot_be_opened_is_refused_in_the_real_servers_words() {
    let (api, _node) = cluster(|_| SWITCHING.to_owned()).await;
    let gone = nobody().await;
    api.node("gone", gone);
    api.pod("two", &["a", "b"], "n");
    api.pod("waiting", &["main"], "");
    api.pod("lost", &["main"], "unknown");
    api.pod("unreached", &["main"], "gone");
    let dialled = format!("error dialing backend: dial tcp {gone}: connect: connection refused");
    for (path, headers, code, words) in [
        ("nobody/exec", WEBSOCKET, 404, "pods \"nobody\" not found"),
        ("web/exec?container=x", WEBSOCKET, 400, "container x is not valid for pod web"),
        (
            "two/attach",
            WEBSOCKET,
            400,
            "a container name must be specified for pod two, choose one of: [a b]",
        ),
        ("waiting/exec", WEBSOCKET, 400, "pod waiting does not have a host assigned"),
        ("waiting/portforward", WEBSOCKET, 400, "pod waiting does not have a host assigned"),
        ("lost/exec", WEBSOCKET, 404, "nodes \"unknown\" not found"),
        ("unreached/exec", WEBSOCKET, 500, &dialled),
        ("web/exec?command=ls", "", 400, "Upgrade request required"),
        ("web/exec?dryRun=All", WEBSOCKET, 400, "dryRun is not supported"),
        (
            "web/portforward?ports=http",
            WEBSOCKET,
            400,
            "cannot convert to []int32: strconv.ParseUint: parsing \"http\": invalid syntax",
        ),
        ("web/shell", WEBSOCKET, 404, "the server could not find the requested resource"),
    ] {
        let refused = api.refused(&format!("GET {PODS}/{path}"), headers).await;
        assert_eq!(refused, (code, words.to_owned()), "{path}");
    }
    let (code, words) = api.refused(&format!("DELETE {PODS}/web/exec"), WEBSOCKET).await;
    assert_eq!(
        (code, words.as_str()),
        (405, "the server does not allow this method on the requested resource")
    );
}

#[tokio::test]
async fn a_debug_container_is_refused_by_name() {
    let (api, _node) = cluster(|_| String::new()).await;
    let (code, words) = api.refused(&format!("PATCH {PODS}/web/ephemeralcontainers"), "").await;
    assert!(code == 403 && words.contains("ephemeral containers are not supported"), "{words}");
}

#[tokio::test]
async fn a_stranger_opens_nothing() {
    let (mut api, _node) = cluster(|_| SWITCHING.to_owned()).await;
    api.token = String::new();
    for (method, verb) in [("GET", "get"), ("POST", "create")] {
        let (code, words) = api.refused(&format!("{method} {PODS}/web/exec?command=ls"), WEBSOCKET).await;
        let may_not = format!(
            "pods \"web\" is forbidden: User \"system:anonymous\" cannot {verb} resource \"pods/exec\" in API group \"\" in \
             the namespace \"default\""
        );
        assert_eq!((code, words), (403, may_not));
    }
}

#[tokio::test]
async fn what_the_node_refuses_is_passed_on_and_a_redirect_is_not() {
    let (api, _node) = cluster(|request| match request.starts_with("GET /exec/") {
        true => {
            answer("403 Forbidden", "content-type: text/plain\r\n", "unable to upgrade: nothing is spoken\n")
        }
        false => answer("302 Found", "location: https://elsewhere/\r\n", ""),
    })
    .await;
    let (code, head, said) = api.ask(&format!("GET {PODS}/web/exec?command=ls"), WEBSOCKET, "").await;
    assert_eq!((code, said.as_str()), (403, "unable to upgrade: nothing is spoken\n"));
    assert_eq!(header(&head, "content-type"), Some("text/plain"));
    let refused = api.refused(&format!("GET {PODS}/web/attach"), WEBSOCKET).await;
    assert_eq!(refused, (500, "invalid upgrade response: status code 302".to_owned()));
}
