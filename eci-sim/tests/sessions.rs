//! Sessions of `ExecContainerCommand`: what is typed, what is said, and how it ends.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use crate::support::{container, create, group, sim};
use eci_api::actions::ExecContainerCommand;
use eci_api::actions::create_container_group::EnvironmentVar;
use eci_sim::{EciSim, listener};
use futures::{SinkExt, StreamExt};
use http::{HeaderValue, header};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

const CHANNELS: &str = "v4.channel.k8s.io";

/// A group that runs, and where its simulator listens.
struct Stage {
    sim: EciSim,
    id: String,
    address: String,
}

impl Stage {
    async fn begin() -> Self {
        let sim = sim();
        let mut asked = group("web", vec![container("main", "nginx", &[])]);
        let name =
            EnvironmentVar { key: Some("NAME".into()), value: Some("ECI".into()), ..Default::default() };
        asked.container[0].environment_var = vec![name];
        let id = create(&sim, &asked);
        sim.control().advance(Duration::from_secs(60)).unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap().to_string();
        let answering = sim.clone();
        tokio::spawn(listener::serve(
            socket,
            move |request| answering.exchange(request),
            std::future::pending(),
        ));
        Self { sim, id, address }
    }

    /// The address of a session, as seen from here.
    fn session(&self, command: &str, tty: bool) -> String {
        let request = ExecContainerCommand {
            container_group_id: Some(self.id.clone()),
            container_name: Some("main".into()),
            command: Some(command.into()),
            tty: Some(tty),
            ..Default::default()
        };
        let uri = self.sim.act(&request).unwrap().web_socket_uri;
        let (_, rest) = uri.split_once("/exec/").unwrap();
        format!("ws://{}/exec/{rest}", self.address)
    }

    async fn open(
        &self,
        uri: &str,
        protocol: Option<&'static str>,
    ) -> Result<WebSocketStream<TcpStream>, Error> {
        let mut request = uri.into_client_request().unwrap();
        if let Some(protocol) = protocol {
            request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        }
        let stream = TcpStream::connect(&self.address).await.unwrap();
        tokio_tungstenite::client_async(request, stream).await.map(|(socket, _)| socket)
    }
}

/// All that was said until the end, and what the close frame says.
async fn received(mut socket: WebSocketStream<TcpStream>) -> (Vec<String>, String) {
    let mut said = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Close(frame) => return (said, frame.unwrap().reason.to_string()),
            other => said.push(String::from_utf8_lossy(&other.into_data()).into_owned()),
        }
    }
    (said, "nothing".to_owned())
}

#[tokio::test]
async fn kubernetes_channels_carry_output_errors_and_the_exit_code() {
    let stage = Stage::begin().await;
    for (command, output, code) in [
        (r#"["sh", "-c", "echo hello; exit 3"]"#, "\u{1}hello\n", "3"),
        ("top", "\u{2}eci-sim: top is not simulated\n", "127"),
    ] {
        let socket = stage.open(&stage.session(command, false), Some(CHANNELS)).await.unwrap();
        let (said, reason) = received(socket).await;
        assert_eq!(said[0], output);
        let status: serde_json::Value = serde_json::from_str(said[1].strip_prefix('\u{3}').unwrap()).unwrap();
        assert_eq!(status["details"]["causes"][0]["message"], code);
        assert_eq!((said.len(), reason), (2, format!("exit code {code}")));
    }
}

#[tokio::test]
async fn an_archive_goes_out_and_comes_in_as_kubectl_cp_sends_it() {
    let stage = Stage::begin().await;
    let pack = r#"["tar", "cf", "-", "/etc/hostname"]"#;
    let mut socket = stage.open(&stage.session(pack, false), None).await.unwrap();
    let Some(Ok(Message::Binary(archive))) = socket.next().await else { panic!("no archive came") };
    assert_eq!(archive.len() % 512, 0);
    let unpack = r#"["tar", "-xmf", "-", "-C", "/tmp"]"#;
    let mut socket = stage.open(&stage.session(unpack, false), None).await.unwrap();
    let (begin, rest) = archive.split_at(700);
    for part in [begin, rest] {
        socket.send(Message::binary(part.to_vec())).await.unwrap();
    }
    assert_eq!(received(socket).await, (vec![], "exit code 0".to_owned()));
    let look = stage.open(&stage.session("[\"cat\", \"/tmp/etc/hostname\"]", false), None).await.unwrap();
    assert_eq!(received(look).await.0, ["web\n"]);
}

#[tokio::test]
async fn an_input_is_read_to_its_end() {
    let stage = Stage::begin().await;
    let mut socket = stage
        .open(&stage.session("[\"sh\", \"-c\", \"cat > /tmp/x; wc -l /tmp/x\"]", false), None)
        .await
        .unwrap();
    for typed in [&b"one\ntwo\n"[..], b""] {
        socket.send(Message::binary(typed.to_vec())).await.unwrap();
    }
    assert_eq!(received(socket).await, (vec!["2 /tmp/x\n".to_owned()], "exit code 0".to_owned()));
}

#[tokio::test]
async fn a_shell_obeys_line_by_line_until_it_is_left() {
    let stage = Stage::begin().await;
    let mut socket = stage.open(&stage.session("/bin/sh", false), None).await.unwrap();
    socket.send(Message::text("echo I am $NAME\ntop\nexit 5\n")).await.unwrap();
    let (said, reason) = received(socket).await;
    assert_eq!(said, ["I am ECI\n", "eci-sim: top: not simulated\n"]);
    assert_eq!(reason, "exit code 5");
}

#[tokio::test]
async fn a_terminal_echoes_and_has_a_prompt() {
    let stage = Stage::begin().await;
    let mut socket = stage.open(&stage.session("/bin/bash", true), Some(CHANNELS)).await.unwrap();
    for typed in ["\u{4}{\"Width\": 80, \"Height\": 24}", "\u{0}echo hello\r", "\u{0}\u{4}"] {
        socket.send(Message::binary(typed.as_bytes().to_vec())).await.unwrap();
    }
    let (said, _) = received(socket).await;
    assert_eq!(said[..4], ["\u{1}$ ", "\u{1}echo hello\r\n", "\u{1}hello\r\n", "\u{1}$ "]);
    assert!(said.last().unwrap().contains("Success"), "{said:?}");
}

#[tokio::test]
async fn an_address_serves_once_and_only_for_a_websocket() {
    let stage = Stage::begin().await;
    let uri = stage.session("true", false);
    let bare = http::Request::get(uri.replace("ws://", "http://")).body(bytes::Bytes::new()).unwrap();
    let answer = stage.sim.call(bare);
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    assert!(answer.status() == 400 && text.contains("the handshake of a WebSocket"), "{text}");
    received(stage.open(&uri, None).await.unwrap()).await;
    let again = stage.open(&uri, None).await.unwrap_err();
    assert!(matches!(&again, Error::Http(answer) if answer.status() == 404), "{again}");
}

#[tokio::test]
async fn the_page_of_an_address_is_there_until_its_session_was_opened() {
    let stage = Stage::begin().await;
    let uri = stage.session("true", false);
    let page = uri.replace("ws://", "http://").replace("?s=", "?param=");
    let look = |page: &str| {
        let answer = stage.sim.call(http::Request::get(page).body(bytes::Bytes::new()).unwrap());
        (answer.status().as_u16(), String::from_utf8_lossy(answer.body()).into_owned())
    };
    let (status, text) = look(&page);
    assert!(status == 200 && text.contains("/exec/terminal.js"), "{status} {text}");
    assert_eq!(look(&page).0, 200, "to look is not to open");
    for file in ["terminal.js", "terminal.css"] {
        let (place, _) = page.split_once('?').unwrap();
        assert_eq!(look(&format!("{place}{file}")).0, 200, "{file}");
    }
    received(stage.open(&uri, None).await.unwrap()).await;
    let (status, text) = look(&page);
    assert!(status == 404 && text.contains("The specified session"), "{status} {text}");
}
