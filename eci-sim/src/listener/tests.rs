//! Whatever bytes come, requests are read from them or refused; `PROPTEST_CASES` says how often that is tried.

use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;
use tokio::io::AsyncWriteExt as _;

use super::*;

/// Pieces of which requests are made that come near to what is meant.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words = vec![
        "GET ",
        "POST ",
        "/",
        "/?a=b",
        "http://h/x?y",
        " HTTP/1.1\r\n",
        " HTTP/1.0\r\n",
        "\r\n",
        "\r\n\r\n",
        "\n",
        "host: h\r\n",
        "Content-Length: 3\r\n",
        "content-length: +3\r\n",
        "content-length: 4194304\r\n",
        "content-length: 18446744073709551616\r\n",
        "content-length:\r\n",
        "transfer-encoding: chunked\r\n",
        "transfer-encoding: gzip, chunked\r\n",
        "expect: 100-continue\r\n",
        "connection: close\r\n",
        "3\r\nabc\r\n",
        "3;x=y\r\n",
        "0\r\n\r\n",
        "0\r\nx: y\r\n\r\n",
        "ffffffffffffffff\r\n",
        "-1\r\n",
        "+5\r\n",
        "3fffff\r\n",
    ];
    prop_oneof![
        8 => prop::sample::select(words).prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..30),
    ]
}

/// The requests that are read from these bytes, or the status of the refusal at which they end.
fn requests(sent: &[u8]) -> (Vec<Incoming>, Option<u16>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let connection = ConnectionLimiter::default().admit(IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap();
        let (mut client, mut server) = tokio::io::duplex(sent.len().max(1 << 16));
        client.write_all(sent).await.unwrap();
        client.shutdown().await.unwrap();
        let (mut read_so_far, mut inbox) = (Vec::new(), Inbox::new());
        loop {
            match read(&mut server, &mut inbox, &connection).await {
                Ok(Ok(Some((request, _)))) => read_so_far.push(request),
                Ok(Ok(None)) | Err(_) => return (read_so_far, None),
                Ok(Err(Bad(status, _))) => return (read_so_far, Some(status)),
            }
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fuzz_requests_of_any_bytes_are_read_or_refused(pieces in prop::collection::vec(piece(), 0..16)) {
        let sent = pieces.concat();
        let (read, refused) = requests(&sent);
        let size: usize = read.iter().map(|request| request.body.len() + request.query.len()).sum();
        prop_assert!(size <= sent.len(), "what was read is no more than what was sent");
        prop_assert!(refused.is_none_or(|status| [400, 413, 414, 431, 501].contains(&status)), "{refused:?}");
    }
}

#[test]
fn what_two_readers_might_take_for_two_bodies_is_refused() {
    for (headers, status) in [
        ("content-length: 3\r\ncontent-length: 3\r\n", Some(400)),
        ("content-length: 3\r\nContent-Length: 4\r\n", Some(400)),
        ("content-length: 3\r\ntransfer-encoding: chunked\r\n", Some(400)),
        ("transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n", Some(400)),
        ("transfer-encoding: gzip, chunked\r\n", Some(501)),
        ("content-length: +3\r\n", Some(400)),
        ("content-length: 3, 3\r\n", Some(400)),
        ("content-length: 3\r\n", None),
    ] {
        let sent = format!("POST / HTTP/1.1\r\n{headers}\r\nabc");
        let (read, refused) = requests(sent.as_bytes());
        assert_eq!((read.len(), refused), (usize::from(status.is_none()), status), "{headers}");
    }
    let (read, refused) = requests(b"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n");
    assert_eq!((read.len(), refused), (0, Some(400)), "an older client knows no chunks");
    for chunks in ["3\r\nabcd\r\n0\r\n\r\n", "+3\r\nabc\r\n0\r\n\r\n", "0\r\nx: y\r\n\r\n"] {
        let sent = format!("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n{chunks}");
        assert_eq!(requests(sent.as_bytes()).1, Some(400), "{chunks}");
    }
}
