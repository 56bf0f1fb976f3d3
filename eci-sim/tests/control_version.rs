//! The control API has a version: answers name it, and who speaks another one is told so in a sentence.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use eci_sim::{ClientError, ControlClient, EciSim};
use http::Request;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const HEADER: &str = "eci-sim-control-version";

/// Status, named version and error of the answer to a request that names this version.
fn answer(version: Option<&str>) -> (u16, String, String) {
    let mut request = Request::get("/clock");
    if let Some(version) = version {
        request = request.header(HEADER, version);
    }
    let response = EciSim::builder().build().control().call(request.body(Bytes::new()).unwrap());
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    let named = response.headers()[HEADER].to_str().unwrap().to_owned();
    (response.status().as_u16(), named, body["error"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_request_for_another_version_is_refused_in_a_sentence() {
    for (version, status, error) in [
        (None, 200, ""),
        (Some("1"), 200, ""),
        (Some("0"), 400, "written for version 0 of the control API, which is no longer served"),
        (Some("2"), 400, "this eci-sim serves version 1; ask a newer one"),
        (
            Some("v1"),
            400,
            "`eci-sim-control-version: v1` names no version; it should be a whole number, such as 1",
        ),
    ] {
        let (answered, named, told) = answer(version);
        assert_eq!((answered, named.as_str()), (status, "1"), "{version:?}");
        assert!(told.contains(error), "{version:?}: {told}");
    }
}

#[tokio::test]
async fn a_client_tells_of_a_server_of_another_version() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        let read = stream.read(&mut head).await.unwrap();
        let answer =
            format!("HTTP/1.1 200 OK\r\n{HEADER}: 2\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}");
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&head[..read]).to_ascii_lowercase()
    });
    let error = ControlClient::new(&format!("http://{address}")).unwrap().time().await.unwrap_err();
    assert!(matches!(error, ClientError::Version { .. }), "{error:?}");
    let told = error.to_string();
    assert!(
        told.ends_with("serves version 2, and this client speaks version 1; use one of the same version"),
        "{told}"
    );
    let head = server.await.unwrap();
    assert!(head.contains("eci-sim-control-version: 1\r\n"), "{head}");
}
