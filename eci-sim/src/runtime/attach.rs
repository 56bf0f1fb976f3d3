//! A command that somebody is attached to: what is typed goes in, what it says comes out, and at the end its code.

use bytes::Bytes;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How many pieces wait in one direction before the other side has to wait.
const PIECES: usize = 16;

/// What goes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum In {
    /// What was typed.
    Bytes(Bytes),
    /// The terminal has so many columns and rows.
    Size(u16, u16),
}

/// What comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Out {
    /// What the command said.
    Output(Bytes),
    /// What it complained about.
    Errors(Bytes),
    /// It ended with this code; nothing follows.
    Ended(i32),
}

/// The near end of a command; dropping it ends what nobody sees.
#[derive(Debug)]
pub struct Attached {
    /// What goes in.
    pub input: Sender<In>,
    /// What comes out.
    pub output: Receiver<Out>,
}

/// The far end.
#[derive(Debug)]
pub struct Far {
    /// What goes in.
    pub input: Receiver<In>,
    /// What comes out.
    pub output: Sender<Out>,
}

/// Both ends.
pub fn pair() -> (Attached, Far) {
    let (into, input) = channel(PIECES);
    let (out, output) = channel(PIECES);
    (Attached { input: into, output }, Far { input, output: out })
}

impl Far {
    /// Says something; false when nobody is there to hear it.
    pub async fn say(&self, out: Out) -> bool {
        self.output.send(out).await.is_ok()
    }
}
