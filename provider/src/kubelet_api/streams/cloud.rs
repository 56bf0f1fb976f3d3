//! A command in a container of the cloud: asked for with `ExecContainerCommand`, spoken to over a WebSocket.
//!
//! Kubernetes' channels are offered. Where the cloud does not take them up, what is typed and said travels as plain bytes,
//! in which errors are not told from output, a terminal's size has no place, and the close frame tells the end.

use bytes::Bytes;
use eci_api::actions::ExecContainerCommand;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::channels::{self, Version};
use super::ends::{StreamReceiver, StreamSender};
use crate::eci::{CloudSession, Eci, EciError, UpgradedStream};

/// Ends of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CommandEnd {
    /// With this code.
    Code(i32),
    /// Otherwise, which is told in words.
    Otherwise(String),
}

/// The ends of a command's streams on the side of who asked for it.
pub(super) struct Ends {
    pub stdin: Option<StreamReceiver>,
    pub stdout: Option<StreamSender>,
    pub stderr: Option<StreamSender>,
    pub resize: Option<StreamReceiver>,
}

/// A command that runs.
pub(super) struct Running {
    socket: WebSocketStream<UpgradedStream>,
    framing: Option<Version>,
}

/// A command to be run, and the container to run it in.
pub(super) struct Command<'a> {
    pub group: &'a str,
    pub container: &'a str,
    pub words: &'a [String],
    pub tty: bool,
    pub stdin: bool,
}

impl Running {
    /// Has the cloud run it.
    pub async fn start(eci: &Eci, command: &Command<'_>) -> Result<Self, EciError> {
        let asked = ExecContainerCommand {
            region_id: Some(eci.region().to_owned()),
            container_group_id: Some(command.group.to_owned()),
            container_name: Some(command.container.to_owned()),
            command: serde_json::to_string(command.words).ok(),
            tty: Some(command.tty),
            stdin: Some(command.stdin),
            sync: Some(false),
        };
        let session = eci.call(&asked).await?.web_socket_uri;
        let offers = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
        let CloudSession { socket, protocol } = eci.session(&session, &offers, channels::limits()).await?;
        let framing = match protocol.as_deref() {
            Some("v5.channel.k8s.io") => Some(Version::V5),
            Some("v4.channel.k8s.io") => Some(Version::V4),
            _ => None,
        };
        Ok(Self { socket, framing })
    }

    /// Carries bytes both ways until it ends.
    pub async fn carry(self, ends: Ends) -> CommandEnd {
        let framing = self.framing;
        let (sink, stream) = self.socket.split();
        tokio::select! {
            ended = hear(stream, framing, ends.stdout, ends.stderr) => ended,
            () = tell(sink, framing, ends.stdin, ends.resize) => std::future::pending().await,
        }
    }
}

/// Sends what is typed to the cloud; a cloud that does not hear any more says so on the other way.
async fn tell(
    mut sink: SplitSink<WebSocketStream<UpgradedStream>, Message>,
    framing: Option<Version>,
    mut stdin: Option<StreamReceiver>,
    mut resize: Option<StreamReceiver>,
) {
    let mut sizes = Vec::new();
    loop {
        let message = tokio::select! {
            typed = next(&mut stdin) => match (typed, framing) {
                (Some(bytes), Some(version)) => channels::write(version, 0, &bytes),
                (Some(bytes), None) => Message::Binary(bytes),
                (None, Some(Version::V5)) => channels::write(Version::V5, 255, &[0]),
                // an empty message, as the local ECI takes it; no version but the fifth has a word for it
                (None, Some(version)) => channels::write(version, 0, &[]),
                (None, None) => Message::Binary(Bytes::new()),
            },
            size = next(&mut resize) => match (size, framing) {
                (Some(bytes), Some(version)) => {
                    let Some(size) = last_size(&mut sizes, &bytes) else { continue };
                    channels::write(version, 4, size.to_string().as_bytes())
                }
                _ => continue,
            },
        };
        if sink.send(message).await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// The next bytes of an end; its close once, and nothing ever after.
async fn next(receiver: &mut Option<StreamReceiver>) -> Option<Bytes> {
    let Some(open) = receiver else { return std::future::pending().await };
    let bytes = open.recv().await;
    if bytes.is_none() {
        *receiver = None;
    }
    bytes
}

/// The last size of a terminal that stands whole in what has come; what has not come whole is kept.
fn last_size(kept: &mut Vec<u8>, bytes: &[u8]) -> Option<Value> {
    const MAX_REMEMBERED: usize = 4096;
    if kept.len() + bytes.len() > MAX_REMEMBERED {
        kept.clear();
    }
    kept.extend_from_slice(bytes.get(..MAX_REMEMBERED).unwrap_or(bytes));
    let mut found = None;
    let mut values = serde_json::Deserializer::from_slice(kept).into_iter::<Value>();
    let mut read = 0;
    while let Some(Ok(value)) = values.next() {
        read = values.byte_offset();
        found = Some(value).filter(|size| size["Width"].is_u64() && size["Height"].is_u64()).or(found);
    }
    kept.drain(..read);
    found
}

async fn hear(
    mut stream: SplitStream<WebSocketStream<UpgradedStream>>,
    framing: Option<Version>,
    stdout: Option<StreamSender>,
    stderr: Option<StreamSender>,
) -> CommandEnd {
    loop {
        let message = match stream.next().await {
            Some(Ok(Message::Close(frame))) => {
                let reason = frame.map(|frame| frame.reason.to_string()).unwrap_or_default();
                let code = reason.strip_prefix("exit code ").and_then(|code| code.trim().parse().ok());
                return code.map_or_else(|| ended_without_code(&reason), CommandEnd::Code);
            }
            Some(Ok(message)) => message,
            Some(Err(why)) => return CommandEnd::Otherwise(format!("the cloud's session broke: {why}")),
            None => return ended_without_code(""),
        };
        let (channel, bytes) = match framing {
            Some(version) => match channels::read(version, message) {
                Some(read) => read,
                None => continue,
            },
            None => match message {
                Message::Binary(bytes) => (1, bytes),
                Message::Text(text) => (1, text.into()),
                _ => continue,
            },
        };
        let sender = match channel {
            1 => &stdout,
            2 => &stderr,
            3 => return read_status(&bytes),
            _ => continue,
        };
        if let Some(sender) = sender
            && sender.say(bytes).await.is_err()
        {
            return CommandEnd::Otherwise("nobody listens".to_owned());
        }
    }
}

fn ended_without_code(reason: &str) -> CommandEnd {
    let said = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    CommandEnd::Otherwise(format!("the cloud ended the session and did not say how the command ended{said}"))
}

/// Reads the end of a command as the cloud tells it on the channel of errors.
fn read_status(bytes: &[u8]) -> CommandEnd {
    let status: Value = serde_json::from_slice(bytes).unwrap_or_default();
    if status["status"] == "Success" {
        return CommandEnd::Code(0);
    }
    let causes = status["details"]["causes"].as_array();
    let cause = causes.into_iter().flatten().find(|cause| cause["reason"] == "ExitCode");
    let code = cause.and_then(|cause| cause["message"].as_str()?.parse().ok());
    match (code, status["message"].as_str()) {
        (Some(code), _) => CommandEnd::Code(code),
        (None, Some(message)) => CommandEnd::Otherwise(message.to_owned()),
        (None, None) => CommandEnd::Otherwise(String::from_utf8_lossy(bytes).chars().take(1000).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_also_when_they_come_in_pieces() {
        let mut kept = Vec::new();
        assert_eq!(last_size(&mut kept, b"{\"Width\":80,\"Hei"), None);
        assert_eq!(last_size(&mut kept, b"ght\":24}\n{\"Width\":1,\"Height\":2}").unwrap()["Width"], 1);
        assert_eq!(last_size(&mut kept, b"\n{\"Width\":9,\"Height\":9}\n").unwrap()["Width"], 9);
    }

    #[test]
    fn the_end_is_read_in_all_its_forms() {
        for (told, ended) in [
            (r#"{"status":"Success"}"#, CommandEnd::Code(0)),
            (
                r#"{"status":"Failure","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}"#,
                CommandEnd::Code(3),
            ),
            (r#"{"status":"Failure","message":"lost"}"#, CommandEnd::Otherwise("lost".to_owned())),
            ("boom", CommandEnd::Otherwise("boom".to_owned())),
        ] {
            assert_eq!(read_status(told.as_bytes()), ended, "{told}");
        }
    }
}
