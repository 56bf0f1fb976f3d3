//! Attached commands: typed bytes go in, output comes out, and the exit code at the end.

use bytes::Bytes;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Frames that wait in one direction before the other side has to wait.
const PIECES: usize = 16;

/// A frame of the command's input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StdinFrame {
    /// Bytes for the standard input; none of them close it.
    Bytes(Bytes),
    /// Size of the terminal in columns and rows.
    Size(u16, u16),
}

/// A frame of the command's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputFrame {
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
    pub input: Sender<StdinFrame>,
    /// Frames from the command.
    pub output: Receiver<OutputFrame>,
}

/// Process's end of a command.
#[derive(Debug)]
pub struct ProcessSide {
    /// Frames from the client.
    pub input: Receiver<StdinFrame>,
    /// Frames to the client.
    pub output: Sender<OutputFrame>,
}

/// Returns both ends of a new command, joined by bounded channels.
pub fn pair() -> (Attached, ProcessSide) {
    let (into, input) = channel(PIECES);
    let (out, output) = channel(PIECES);
    (Attached { input: into, output }, ProcessSide { input, output: out })
}

impl ProcessSide {
    /// Sends a frame to the client; false when the client is gone.
    pub async fn say(&self, out: OutputFrame) -> bool {
        self.output.send(out).await.is_ok()
    }
}
