//! Queries to an Engine that a client waits for: the log of a run, the output of a command, a command that is attached.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::attach::Attached;
use crate::orders::RunId;

/// Time that a client waits at most; usual clients give up after ten seconds (eci-openapi.md, section 4).
const ENGINE_REPLY_TIMEOUT: Duration = Duration::from_secs(60);

/// Error of an Engine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The container, image or volume does not exist.
    #[error("{0}")]
    Gone(String),
    /// Any other failure, with its message.
    #[error("{0}")]
    Failed(String),
}

/// Handle to the driver of an Engine; cheap to clone.
#[derive(Debug, Clone)]
pub struct EngineHandle(UnboundedSender<Query>);

/// Query of a client.
#[derive(Debug)]
pub enum Query {
    /// Log of a run, or the output of a command in it.
    Read {
        /// Identity of the run.
        run: RunId,
        /// Command and arguments; `None` for the log of the run.
        command: Option<Vec<String>>,
        /// Channel for the answer.
        answer: Sender<Result<EngineReply, EngineError>>,
    },
    /// Command that a client is attached to.
    Attach {
        /// Run in whose container the command runs.
        run: RunId,
        /// Command and its arguments.
        words: Vec<String>,
        /// True if the command has a terminal.
        tty: bool,
        /// True if the command gets an input.
        stdin: bool,
        /// Channel for the client's end.
        answer: oneshot::Sender<Result<Attached, EngineError>>,
    },
}

/// Answer of an Engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineReply {
    /// Lines of the log, each with its timestamp.
    Lines(Vec<(Timestamp, String)>),
    /// Output of a command.
    Output(String),
}

impl EngineHandle {
    /// A handle to the driver that receives the other end of the channel.
    pub(super) fn new(driver: UnboundedSender<Query>) -> Self {
        Self(driver)
    }

    /// Asks for the output of a command in a run, or for the log of the run where there is no command; waits at most a
    /// minute.
    ///
    /// # Errors
    /// [`EngineError`] when the Engine cannot answer.
    pub fn read(&self, run: RunId, command: Option<Vec<String>>) -> Result<EngineReply, EngineError> {
        let (answer, answered) = channel();
        self.send(Query::Read { run, command, answer });
        let late = || EngineError::Failed("the Engine did not answer within a minute".to_owned());
        answered.recv_timeout(ENGINE_REPLY_TIMEOUT).map_err(|_| late())?
    }

    /// Starts a command in a run, and returns the client's end of it.
    ///
    /// # Errors
    /// [`EngineError`] when the Engine cannot start it.
    pub async fn attach(
        &self,
        run: RunId,
        words: Vec<String>,
        tty: bool,
        stdin: bool,
    ) -> Result<Attached, EngineError> {
        let (answer, answered) = oneshot::channel();
        self.send(Query::Attach { run, words, tty, stdin, answer });
        let ended = || EngineError::Failed("the Engine's driver has ended".to_owned());
        answered.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Sends a query; a driver that has ended does nothing any more.
    fn send(&self, query: Query) {
        if self.0.send(query).is_err() {
            tracing::debug!("the Engine's driver has ended");
        }
    }
}
