//! The Engine's edges, played by a server of ours.

use serde_json::json;
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;

async fn engine(server: &MockServer) -> DockerEngine {
    let docker = Docker::connect_with_http(&server.uri(), 5, bollard::API_DEFAULT_VERSION).unwrap();
    let (name, network, sandbox) = ("local".to_owned(), "bridge".to_owned(), "busybox".to_owned());
    DockerEngine { docker, settings: Settings { name, network, sandbox, routes: Vec::new() } }
}

#[tokio::test]
async fn a_container_that_is_being_removed_already_is_waited_for() {
    let server = MockServer::start().await;
    let containers = json!([{ "Id": "c1" }]);
    let volumes = json!({ "Volumes": [], "Warnings": [] });
    let busy = json!({ "message": "removal of container c1 is already in progress" });
    for (verb, wanted, status, body) in [
        ("GET", "/containers/json", 200, containers),
        ("GET", "/volumes", 200, volumes),
        ("DELETE", "/containers/c1", 409, busy),
    ] {
        let reply = ResponseTemplate::new(status).set_body_json(body);
        Mock::given(method(verb)).and(path(wanted)).respond_with(reply).mount(&server).await;
    }
    let waited = Mock::given(method("POST")).and(path("/containers/c1/wait"));
    let waited = waited.and(query_param("condition", "removed"));
    let ended = ResponseTemplate::new(200).set_body_json(json!({ "StatusCode": 0 }));
    waited.respond_with(ended).expect(1).mount(&server).await;
    engine(&server).await.sweep().await.unwrap();
}
