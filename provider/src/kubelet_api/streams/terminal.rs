//! The streams of a command or of a container's output, brought together over whatever carries them.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::channels::{Channels, Version, limits};
use super::cloud::{CommandEnd, Ends, Running};
use super::ends::StreamSender;
use super::upgrade::{ExitFormat, Io};
use super::{bad, spdy};
use crate::kubelet_api::logs::Reader;
use crate::kubelet_api::response::Refusal;

/// The longest time of a client to begin all its streams.
const STREAMS_TIMEOUT: Duration = Duration::from_secs(30);

/// The streams that a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StreamOptions {
    pub input: bool,
    pub output: bool,
    pub error: bool,
    pub tty: bool,
}

impl StreamOptions {
    /// Reads a query; a terminal has no stream of errors.
    pub fn read(pairs: &[(String, String)]) -> Result<Self, Refusal> {
        let is = |name: &str| {
            pairs.iter().any(|(key, value)| key == name && matches!(value.as_str(), "1" | "true"))
        };
        let tty = is("tty");
        let options = Self { input: is("input"), output: is("output"), error: is("error") && !tty, tty };
        if !(options.input || options.output || options.error) {
            return Err(bad("you must specify at least 1 of stdin, stdout, stderr"));
        }
        Ok(options)
    }
}

/// Sources of the streams' bytes.
pub(super) enum Source {
    /// A command in the cloud.
    Command(Box<Running>),
    /// A log, from now on.
    Log(Box<Reader>),
}

/// Streams that are wished for, and what they belong to.
pub(super) struct Terminal {
    pub options: StreamOptions,
    pub source: Source,
}

impl Terminal {
    /// Over streams that the client begins.
    pub async fn over_spdy(self, io: Io, exit_format: ExitFormat) {
        spdy::carry(io, |streams| self.meet(streams, exit_format)).await;
    }

    async fn meet(self, mut streams: mpsc::Receiver<spdy::Stream>, exit_format: ExitFormat) {
        let options = self.options;
        let resize = options.tty && exit_format != ExitFormat::Words;
        let wanted =
            [options.input, options.output, options.error, resize].map(usize::from).iter().sum::<usize>() + 1;
        let mut ends = Ends { stdin: None, stdout: None, stderr: None, resize: None };
        let (mut failure, mut have) = (None, 0);
        let all = async {
            while have < wanted {
                let Some(stream) = streams.recv().await else { return false };
                let fresh = match stream.header("streamtype") {
                    Some("error") => failure.replace(stream.sender).is_none(),
                    Some("stdin") => ends.stdin.replace(stream.receiver).is_none(),
                    Some("stdout") => ends.stdout.replace(stream.sender).is_none(),
                    Some("stderr") => ends.stderr.replace(stream.sender).is_none(),
                    Some("resize") => ends.resize.replace(stream.receiver).is_none(),
                    _ => {
                        stream.sender.reset().await;
                        false
                    }
                };
                have += usize::from(fresh);
            }
            true
        };
        let met = tokio::time::timeout(STREAMS_TIMEOUT, all).await;
        if !matches!(met, Ok(true)) {
            tracing::debug!("a client did not begin {wanted} streams within {} s", STREAMS_TIMEOUT.as_secs());
            return;
        }
        if !options.input {
            ends.stdin = None;
        }
        let Some(failure) = failure else { return };
        let outlets = [ends.stdout.clone(), ends.stderr.clone()];
        let ended = self.source.carry(ends).await;
        finish(exit_format, &ended, outlets, failure).await;
    }

    /// Over the channels of a WebSocket.
    pub async fn over_channels(self, io: Io, version: Version) {
        let options = self.options;
        let mut channels = Channels::new();
        let ends = Ends {
            stdin: options.input.then(|| channels.receiver(0)),
            stdout: options.output.then(|| channels.sender(1)),
            stderr: options.error.then(|| channels.sender(2)),
            resize: options.tty.then(|| channels.receiver(4)),
        };
        let failure = channels.sender(3);
        let outlets = [ends.stdout.clone(), ends.stderr.clone()];
        let greeted = if options.output {
            1
        } else if options.error {
            2
        } else {
            3
        };
        let work = async {
            let ended = self.source.carry(ends).await;
            finish(ExitFormat::Status, &ended, outlets, failure).await;
        };
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(limits())).await;
        channels.carry(socket, version, Some(greeted), work).await;
    }
}

impl Source {
    async fn carry(self, ends: Ends) -> CommandEnd {
        let mut reader = match self {
            Self::Command(running) => return running.carry(ends).await,
            Self::Log(reader) => reader,
        };
        // A log has output and errors as one.
        let Some(sender) = ends.stdout.or(ends.stderr) else { return CommandEnd::Code(0) };
        if let Err(error) = reader.first().await {
            return CommandEnd::Otherwise(format!("the log cannot be read: {error}"));
        }
        while let Some(bytes) = reader.next().await {
            if sender.say(bytes).await.is_err() {
                break;
            }
        }
        CommandEnd::Code(0)
    }
}

/// Tells the end, and closes all streams.
async fn finish(
    exit_format: ExitFormat,
    ended: &CommandEnd,
    outlets: [Option<StreamSender>; 2],
    failure: StreamSender,
) {
    let told = match exit_format {
        ExitFormat::Status => status(ended),
        ExitFormat::WordsAndSizes | ExitFormat::Words => in_words(ended),
    };
    // An error is ignored: a peer that has left need not know.
    let _ = failure.say(Bytes::from(told)).await;
    for sender in outlets.into_iter().flatten().chain([failure]) {
        sender.close().await;
    }
}

/// The end as a `metav1.Status` (kubelet-contract.md, R126).
fn status(ended: &CommandEnd) -> String {
    let status = match ended {
        CommandEnd::Code(0) => json!({ "metadata": {}, "status": "Success" }),
        CommandEnd::Code(code) => json!({
            "metadata": {},
            "status": "Failure",
            "message": in_words(ended),
            "reason": "NonZeroExitCode",
            "details": { "causes": [{ "reason": "ExitCode", "message": code.to_string() }] },
        }),
        CommandEnd::Otherwise(why) => json!({
            "metadata": {}, "status": "Failure", "message": why, "reason": "InternalError", "code": 500,
        }),
    };
    status.to_string()
}

fn in_words(ended: &CommandEnd) -> String {
    match ended {
        CommandEnd::Code(0) => String::new(),
        CommandEnd::Code(code) => format!("command terminated with non-zero exit code: exit status {code}"),
        CommandEnd::Otherwise(why) => why.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_wished_for_and_none_is_no_wish() {
        let read = |query: &str| {
            let pairs: Vec<_> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
            let pairs: Vec<_> =
                pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            StreamOptions::read(&pairs)
        };
        let options = read("input=1&output=1&error=1&tty=1").unwrap();
        assert_eq!(options, StreamOptions { input: true, output: true, error: false, tty: true });
        assert_eq!(read("tty=1&error=1").unwrap_err().status, 400);
    }

    #[test]
    fn an_exit_code_is_told_as_a_cause() {
        let told: serde_json::Value = serde_json::from_str(&status(&CommandEnd::Code(3))).unwrap();
        let cause = &told["details"]["causes"][0];
        assert_eq!(
            (&told["reason"], &cause["reason"], &cause["message"]),
            (&json!("NonZeroExitCode"), &json!("ExitCode"), &json!("3"))
        );
    }
}
