//! Whatever bytes come in, the listeners and the control API answer or hang up, within their limits.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::support::sim;
use bytes::Bytes;
use eci_sim::Incoming;
use eci_sim::{ControlServer, listener};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Bytes of which many look like HTTP.
fn raw() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just(b"GET ".to_vec()),
        Just(b"POST /?Action=DescribeRegions HTTP/1.1\r\n".to_vec()),
        Just(b"POST /clock/advance HTTP/1.1\r\n".to_vec()),
        Just(b"host: localhost\r\n".to_vec()),
        Just(b"content-length: 5\r\n".to_vec()),
        Just(b"content-length: 18446744073709551615\r\n".to_vec()),
        Just(b"transfer-encoding: chunked\r\n".to_vec()),
        Just(b"\r\n\r\n".to_vec()),
        Just(b"ffffffffffffffff\r\n".to_vec()),
        Just(b"0\r\n\r\n".to_vec()),
        Just(b"expect: 100-continue\r\n".to_vec()),
        Just(b"%".to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    prop::collection::vec(word, 0..12).prop_map(|words| words.concat())
}

/// Sends the bytes, closes, and gives what came back.
async fn send(address: std::net::SocketAddr, sent: &[u8]) -> Vec<u8> {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let mut answer = Vec::new();
    let write = async {
        let _closed_early = writer.write_all(sent).await;
        let _closed_already = writer.shutdown().await;
    };
    let read = async {
        let _reset = reader.read_to_end(&mut answer).await;
    };
    tokio::join!(write, read);
    answer
}

#[test]
fn any_bytes_are_answered_or_hung_up_on() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (eci, server) = runtime.block_on(async {
        let (sim, bind) = (sim(), || tokio::net::TcpListener::bind("127.0.0.1:0"));
        let (eci, server) = (bind().await.unwrap(), bind().await.unwrap());
        let addresses = (eci.local_addr().unwrap(), server.local_addr().unwrap());
        let own = ControlServer::new(sim.control());
        tokio::spawn(listener::serve(eci, move |request| sim.exchange(request), std::future::pending()));
        tokio::spawn(listener::serve(server, move |request| own.exchange(&request), std::future::pending()));
        addresses
    });
    proptest!(ProptestConfig::with_cases(256), |(sent in raw())| {
        for address in [eci, server] {
            let answer = runtime.block_on(send(address, &sent));
            prop_assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 "), "{:?}", String::from_utf8_lossy(&answer));
        }
        let alive = runtime.block_on(send(server, b"GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n"));
        prop_assert!(alive.starts_with(b"HTTP/1.1 200"), "the control API is gone");
    });
}

proptest! {
    #[test]
    fn any_request_is_answered_by_the_control_api(
        method in "GET|POST|DELETE|PUT|[A-Z]{0,5}",
        path in "(/(clock|groups|faults|snapshots|requests|bill|scripts|accounts|prices|reset|advance|load|[a-z{}%.]{0,6})){0,4}",
        query in "[ -~]{0,30}",
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            "\\{\"(seconds|rate|pattern|verdict|hourly|standing|account|limit)\": ?(-?[0-9]{1,30}(\\.[0-9]{1,30})?|\"[a-z-]{0,9}\"|null)\\}".prop_map(String::into_bytes),
        ],
        header in "[ -~]{0,30}",
    ) {
        let headers = ["host", "origin", "authorization"].map(|name| (name.to_owned(), header.clone())).to_vec();
        let bare = Incoming { method, path, query, body: Bytes::from(body), ..Incoming::default() };
        for request in [Incoming { headers, ..bare.clone() }, bare] {
            let response = ControlServer::new(sim().control()).answer(&request);
            prop_assert!(response.status() != 500, "{request:?}");
        }
    }
}
