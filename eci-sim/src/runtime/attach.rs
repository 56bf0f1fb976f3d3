//! Attached commands: typed bytes go in, output comes out, and the exit code at the end.

use bytes::Bytes;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Frames that wait in one direction before the other side has to wait.
const PIECES: usize = 16;

/// A frame of the command's input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum In {
    /// Bytes for the standard input; none of them close it.
    Bytes(Bytes),
    /// Size of the terminal in columns and rows.
    Size(u16, u16),
}

/// A frame of the command's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Out {
    /// Bytes of the standard output.
    Output(Bytes),
    /// Bytes of the standard error.
    Errors(Bytes),
    /// Exit code of the command; nothing follows.
    Ended(i32),
}

/// Client's end of a command; dropping it ends a command that nobody sees.
#[derive(Debug)]
pub struct Attached {
    /// Frames to the command.
    pub input: Sender<In>,
    /// Frames from the command.
    pub output: Receiver<Out>,
}

/// Process's end of a command.
#[derive(Debug)]
pub struct Far {
    /// Frames from the client.
    pub input: Receiver<In>,
    /// Frames to the client.
    pub output: Sender<Out>,
}

/// Returns both ends of a new command, joined by bounded channels.
pub fn pair() -> (Attached, Far) {
    let (into, input) = channel(PIECES);
    let (out, output) = channel(PIECES);
    (Attached { input: into, output }, Far { input, output: out })
}

impl Far {
    /// Sends a frame to the client; false when the client is gone.
    pub async fn say(&self, out: Out) -> bool {
        self.output.send(out).await.is_ok()
    }
}
