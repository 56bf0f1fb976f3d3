//! Exec, attach and port-forward over real sockets, with the local ECI as the cloud.

mod through_api;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use determinism::{Clock, Seed};
use eci_api::Secret;
use eci_api::actions::create_container_group::Container;
use eci_api::actions::{CreateContainerGroup, DescribeContainerGroups};
use eci_sim::{EciSim, listener};
use futures::{SinkExt, StreamExt};
use http::{HeaderValue, Request, header};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::spdy::frame::{self, Frame, Reader, Writer};
use super::upgrade::Io;
use crate::Eci;
use crate::config::Config;
use crate::eci::{Credentials, HyperTransport};
use crate::health::Health;
use crate::kubelet_api::KubeletApi;
use crate::kubelet_api::metrics::Metrics;
use crate::pods::identity::Claim;
use crate::pods::startup_times::StartupTimes;
use crate::pods::store::PodStore;

const START_TIME: &str = "2026-01-01T09:00:00Z";
const TERMINALS: [&str; 5] =
    ["v5.channel.k8s.io", "v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"];

/// A pod `web` whose container `main` runs, and where its node answers.
struct Stage {
    api: KubeletApi,
    address: SocketAddr,
}

impl Stage {
    async fn begin() -> Self {
        let clock = Clock::still(START_TIME.parse().unwrap());
        let sim =
            EciSim::builder().clock(clock.clone()).credential("local", Secret::new("local-secret")).build();
        let container =
            Container { name: Some("main".into()), image: Some("nginx".into()), ..Container::default() };
        let asked = CreateContainerGroup {
            container_group_name: Some("web".into()),
            security_group_id: Some("sg-1".into()),
            vswitch_id: Some("vsw-1".into()),
            container: vec![container],
            ..CreateContainerGroup::default()
        };
        sim.act(&asked).unwrap();
        sim.control().advance(Duration::from_secs(60)).unwrap();
        let groups = sim.act(&DescribeContainerGroups::default()).unwrap().container_groups;
        let mut group = groups.into_iter().next().unwrap();
        group.intranet_ip = "127.0.0.1".to_owned();

        let cloud = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", cloud.local_addr().unwrap());
        tokio::spawn(listener::serve(cloud, move |request| sim.exchange(request), std::future::pending()));
        let credentials = Credentials { access_key_id: "local".into(), secret: Secret::new("local-secret") };
        let transport = Arc::new(HyperTransport::new().unwrap());
        let eci = Eci::new(transport, credentials, "cn-hangzhou", clock.clone(), Seed::DEFAULT);
        let eci = eci.at(endpoint.parse().unwrap());

        let store = PodStore::new(clock.now(), false);
        let pod = serde_json::json!({
            "metadata": { "name": "web", "namespace": "default", "uid": "uid-1" },
            "spec": { "containers": [{ "name": "main" }] },
        });
        store.listed(serde_json::from_value(pod).unwrap(), clock.now());
        let claim = Claim { uid: "uid-1".into(), namespace: "default".into(), name: "web".into() };
        store.saw_group(&claim, group, clock.now());
        let metrics = Metrics::new(eci.clone(), store.clone(), &StartupTimes::default());
        let config = Config::new("vsw-1", "sg-1");
        let api = KubeletApi::new(&config, store, eci, clock, Health::default(), metrics);
        let node = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = node.local_addr().unwrap();
        let answering = api.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = node.accept().await {
                let api = answering.clone();
                let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
                    let api = api.clone();
                    let request = request.map(|_| Bytes::new());
                    async move { Ok::<_, std::convert::Infallible>(api.call(request).await) }
                });
                let http = hyper::server::conn::http1::Builder::new();
                tokio::spawn(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
            }
        });
        Self { api, address }
    }

    /// Asks for SPDY; what was chosen and the connection, or the status and the words of a refusal.
    async fn spdy(&self, path: &str, offers: &[&str]) -> Result<(String, Spdy), (u16, String)> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection.with_upgrades());
        let mut request = Request::post(path)
            .header("host", "node")
            .header("connection", "Upgrade")
            .header("upgrade", "SPDY/3.1");
        for offer in offers {
            request = request.header("x-stream-protocol-version", *offer);
        }
        let mut response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        if status != 101 {
            let body = response.into_body().collect().await.unwrap().to_bytes();
            return Err((status, String::from_utf8_lossy(&body).into_owned()));
        }
        let chosen = response.headers()["x-stream-protocol-version"].to_str().unwrap().to_owned();
        let io = TokioIo::new(hyper::upgrade::on(&mut response).await.unwrap());
        let spdy =
            Spdy { io, writer: Writer::new(), reader: Reader::new(), buffer: BytesMut::new(), last: 0 };
        Ok((chosen, spdy))
    }

    async fn websocket(&self, path: &str, offers: &str) -> Result<WebSocketStream<TcpStream>, Error> {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().unwrap();
        request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_str(offers).unwrap());
        let stream = TcpStream::connect(self.address).await.unwrap();
        tokio_tungstenite::client_async(request, stream).await.map(|(socket, _)| socket)
    }
}

/// A client that speaks SPDY.
struct Spdy<I = Io> {
    io: I,
    writer: Writer,
    reader: Reader,
    buffer: BytesMut,
    last: u32,
}

impl<I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Spdy<I> {
    async fn begin(&mut self, headers: &[(&str, &str)]) -> u32 {
        let id = if self.last == 0 { 1 } else { self.last + 2 };
        self.last = id;
        let frame = self.writer.begin(id, headers);
        self.io.write_all(&frame).await.unwrap();
        id
    }

    async fn say(&mut self, id: u32, fin: bool, bytes: &[u8]) {
        self.io.write_all(&frame::data(id, fin, bytes)).await.unwrap();
    }

    async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.reader.next(&mut self.buffer).unwrap() {
                return Some(frame);
            }
            if self.io.read_buf(&mut self.buffer).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// All that a stream says, until it is closed; for others there are no ears.
    async fn received(&mut self, wanted: u32) -> String {
        let mut said = Vec::new();
        while let Some(frame) = self.next().await {
            match frame {
                Frame::Data { id, fin, bytes } if id == wanted => {
                    said.extend_from_slice(&bytes);
                    if fin {
                        break;
                    }
                }
                Frame::Reset { id } if id == wanted => return "reset".to_owned(),
                _ => {}
            }
        }
        String::from_utf8(said).unwrap()
    }

    /// The text of each stream until the connection ends.
    async fn all(&mut self) -> std::collections::BTreeMap<u32, String> {
        let mut said = std::collections::BTreeMap::<u32, String>::new();
        while let Some(frame) = self.next().await {
            match frame {
                Frame::Data { id, bytes, .. } => {
                    said.entry(id).or_default().push_str(std::str::from_utf8(&bytes).unwrap());
                }
                Frame::GoAway => break,
                _ => {}
            }
        }
        said
    }
}

#[tokio::test]
async fn a_command_over_spdy_tells_its_output_and_its_exit_code() {
    let stage = Stage::begin().await;
    let path = "/exec/default/web/main?command=sh&command=-c&command=echo+hello%3B+exit+3&output=1&error=1";
    let (chosen, mut spdy) = stage.spdy(path, &TERMINALS).await.unwrap();
    assert_eq!(chosen, "v4.channel.k8s.io");
    let failure = spdy.begin(&[("streamtype", "error")]).await;
    let stdout = spdy.begin(&[("streamType", "stdout")]).await;
    spdy.begin(&[("streamtype", "stderr")]).await;
    let said = spdy.all().await;
    assert_eq!(said[&stdout], "hello\n");
    let status: serde_json::Value = serde_json::from_str(&said[&failure]).unwrap();
    assert_eq!(status["reason"], "NonZeroExitCode");
    assert_eq!(status["details"]["causes"][0]["message"], "3");
}

#[tokio::test]
async fn the_end_of_what_is_typed_reaches_the_command() {
    let stage = Stage::begin().await;
    let path = "/exec/default/web/main?command=sh&input=1&output=1";
    let (_, mut spdy) = stage.spdy(path, &TERMINALS).await.unwrap();
    let failure = spdy.begin(&[("streamtype", "error")]).await;
    let stdin = spdy.begin(&[("streamtype", "stdin")]).await;
    let stdout = spdy.begin(&[("streamtype", "stdout")]).await;
    spdy.say(stdin, true, b"echo typed\n").await;
    let said = spdy.all().await;
    assert_eq!(said[&stdout], "typed\n");
    assert!(said[&failure].contains("Success"), "{said:?}");
}

#[tokio::test]
async fn a_command_over_a_websocket_closes_its_input_in_the_fifth_version() {
    let stage = Stage::begin().await;
    let path = "/exec/default/web/main?command=sh&input=1&output=1&error=1";
    let mut socket = stage.websocket(path, "v5.channel.k8s.io").await.unwrap();
    socket.send(Message::binary(b"\x00echo typed\n".to_vec())).await.unwrap();
    socket.send(Message::binary(vec![255, 0])).await.unwrap();
    let mut said = Vec::new();
    let mut end = None;
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Binary(bytes) => said.push(bytes),
            other => end = Some(other),
        }
    }
    assert_eq!(said[..2], [&b"\x01"[..], &b"\x01typed\n"[..]]);
    assert!(said[2].starts_with(b"\x03{") && said[2].windows(7).any(|seven| seven == b"Success"), "{said:?}");
    // kubectl takes anything else on the way, and another end, for a failure of the connection
    let normal = |end| matches!(end, Message::Close(Some(frame)) if frame.code == CloseCode::Normal);
    assert!(said.len() == 3 && end.clone().is_some_and(normal), "{said:?} {end:?}");
}

#[tokio::test]
async fn a_command_over_a_websocket_is_told_as_base64_where_that_is_wished_for() {
    let stage = Stage::begin().await;
    let path = "/exec/default/web/main?command=echo&command=hello&output=1";
    let mut socket = stage.websocket(path, "v4.base64.channel.k8s.io").await.unwrap();
    let mut said = Vec::new();
    while let Some(Ok(Message::Text(text))) = socket.next().await {
        said.push(text.to_string());
    }
    assert_eq!(said[..2], ["1", "1aGVsbG8K"]);
}

#[tokio::test]
async fn what_cannot_be_run_is_refused_before_anything_is_opened() {
    let stage = Stage::begin().await;
    for (path, offers, status, told) in [
        ("/exec/default/other/main?command=ls&output=1", &TERMINALS[..], 404, "pod \"other\" does not exist"),
        ("/exec/default/web/other?command=ls&output=1", &TERMINALS, 404, "not a container of pod"),
        ("/exec/default/web/main?command=ls", &TERMINALS, 400, "at least 1 of stdin"),
        ("/exec/default/web/main?output=1", &TERMINALS, 400, "at least 1 command"),
        ("/exec/default/web/main?command=ls&output=1", &["v9"], 403, "server accepts"),
        ("/attach/default/web/main?input=1&output=1", &TERMINALS, 501, "cannot attach"),
        ("/portForward/default/other", &["portforward.k8s.io"], 404, "pod \"other\" does not exist"),
        ("/portForward/default/web", &["v4.channel.k8s.io"], 403, "server accepts"),
    ] {
        let Err((got, text)) = stage.spdy(path, offers).await else { panic!("{path} is opened") };
        assert!(got == status && text.contains(told), "{path}: {got} {text}");
    }
    let long = format!("/exec/default/web/main?output=1{}", "&command=x".repeat(30));
    let Err((status, text)) = stage.spdy(&long, &TERMINALS).await else { panic!("30 words are run") };
    assert!(status == 400 && text.contains("20 words"), "the cloud's own words: {status} {text}");
}

/// Something in the pod that listens and gives back what it hears.
async fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                tokio::io::copy(&mut read, &mut write).await
            });
        }
    });
    port
}

async fn connect<I>(spdy: &mut Spdy<I>, port: u16, request: &str) -> (u32, u32)
where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let port = port.to_string();
    let headers = |kind| [("streamtype", kind), ("port", port.as_str()), ("requestid", request)];
    let failure = spdy.begin(&headers("error")).await;
    (failure, spdy.begin(&headers("data")).await)
}

#[tokio::test]
async fn bytes_travel_both_ways_through_a_forwarded_port() {
    let (stage, port) = (Stage::begin().await, echo().await);
    let (_, mut spdy) = stage.spdy("/portForward/default/web", &["portforward.k8s.io"]).await.unwrap();
    for request in ["0", "1"] {
        let (failure, data) = connect(&mut spdy, port, request).await;
        spdy.say(data, true, b"ping").await;
        assert_eq!(spdy.received(data).await, "ping");
        assert_eq!(spdy.received(failure).await, "");
    }
}

#[tokio::test]
async fn megabytes_travel_both_ways_at_once_without_a_standstill() {
    const PIECES: usize = 256;
    let (stage, port) = (Stage::begin().await, echo().await);
    let (_, mut spdy) = stage.spdy("/portForward/default/web", &["portforward.k8s.io"]).await.unwrap();
    let (_, data) = connect(&mut spdy, port, "0").await;
    let (mut read, mut write) = tokio::io::split(spdy.io);
    let writing = tokio::spawn(async move {
        for piece in 0..PIECES {
            let frame = frame::data(data, piece + 1 == PIECES, &[b'x'; 32 << 10]);
            write.write_all(&frame).await.unwrap();
        }
        write
    });
    let (mut heard, mut buffer) = (0, BytesMut::new());
    while heard < PIECES * (32 << 10) && read.read_buf(&mut buffer).await.unwrap() > 0 {
        while let Some(frame) = spdy.reader.next(&mut buffer).unwrap() {
            if let Frame::Data { id, bytes, .. } = frame {
                heard += if id == data { bytes.len() } else { 0 };
            }
        }
    }
    assert_eq!(heard, PIECES * (32 << 10));
    drop(writing.await.unwrap());
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_told_in_a_kubelets_words() {
    let stage = Stage::begin().await;
    let (_, mut spdy) = stage.spdy("/portForward/default/web", &["portforward.k8s.io"]).await.unwrap();
    let (failure, _) = connect(&mut spdy, 1, "0").await;
    let told = spdy.received(failure).await;
    assert!(
        told.starts_with("error forwarding port 1 to pod web_default, uid uid-1: dial tcp 127.0.0.1:1: ")
    );
    assert!(told.contains("refused"), "{told}");
}

#[tokio::test]
async fn a_stream_of_no_port_is_not_taken() {
    let stage = Stage::begin().await;
    let (_, mut spdy) = stage.spdy("/portForward/default/web", &["portforward.k8s.io"]).await.unwrap();
    let id = spdy.begin(&[("streamtype", "data"), ("port", "0"), ("requestid", "0")]).await;
    assert_eq!(spdy.received(id).await, "reset");
}

#[tokio::test]
async fn channels_of_a_websocket_forward_ports() {
    let (stage, port) = (Stage::begin().await, echo().await);
    let path = format!("/portForward/default/web?port={port}%2C1");
    let mut socket = stage.websocket(&path, "v5.channel.k8s.io, v4.channel.k8s.io").await.unwrap();
    socket.send(Message::binary(b"\x00ping".to_vec())).await.unwrap();
    let mut said = [const { Vec::new() }; 4];
    while said[0].len() < 6 || said[3].len() < 3 {
        let Some(Ok(Message::Binary(bytes))) = socket.next().await else { break };
        said[usize::from(bytes[0])].extend_from_slice(&bytes[1..]);
    }
    assert_eq!(said[0], [&port.to_le_bytes()[..], b"ping"].concat());
    assert_eq!(said[1], port.to_le_bytes());
    assert!(said[3].starts_with(b"\x01\x00error forwarding port 1"), "{said:?}");
}

#[tokio::test]
async fn spdy_travels_within_a_websocket() {
    let (stage, port) = (Stage::begin().await, echo().await);
    let mut socket =
        stage.websocket("/portForward/default/web", "SPDY/3.1+portforward.k8s.io").await.unwrap();
    let (near, far) = tokio::io::duplex(1 << 16);
    let pump = async {
        let (mut read, mut write) = tokio::io::split(far);
        let mut buffer = BytesMut::new();
        loop {
            tokio::select! {
                read = read.read_buf(&mut buffer) => {
                    if read.unwrap_or(0) == 0 { return }
                    socket.send(Message::Binary(buffer.split().freeze())).await.unwrap();
                }
                message = socket.next() => match message {
                    Some(Ok(message)) => write.write_all(&message.into_data()).await.unwrap(),
                    _ => return,
                }
            }
        }
    };
    let (writer, reader) = (Writer::new(), Reader::new());
    let mut spdy = Spdy { io: near, writer, reader, buffer: BytesMut::new(), last: 0 };
    let client = async {
        let (_, data) = connect(&mut spdy, port, "0").await;
        spdy.say(data, true, b"ping").await;
        spdy.received(data).await
    };
    let heard = tokio::select! { heard = client => heard, () = pump => "lost".to_owned() };
    assert_eq!(heard, "ping");
}

#[tokio::test]
async fn a_ping_comes_back_and_nonsense_ends_the_connection() {
    let stage = Stage::begin().await;
    let (_, mut spdy) = stage.spdy("/portForward/default/web", &["portforward.k8s.io"]).await.unwrap();
    spdy.io.write_all(&frame::ping(5)).await.unwrap();
    assert_eq!(spdy.next().await, Some(Frame::Ping(5)));
    spdy.io.write_all(b"\x80\x09GET / HTTP/1.1").await.unwrap();
    assert_eq!(spdy.next().await, Some(Frame::GoAway));
}
