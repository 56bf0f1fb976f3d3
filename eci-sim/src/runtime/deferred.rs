//! Replies that only an Engine can give: the log of a run, and the output of a command in it.
//!
//! An operation that needs one leaves a [`DeferredReply`] in the world; it is asked when the world's lock is free again.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use eci_api::actions::{DescribeContainerLog, DescribeContainerLogReply, ExecContainerCommandReply};
use jiff::Timestamp;

use super::engine::{EngineError, RunId};
use super::{DriverHandle, Order};
use crate::actions::Answer;
use crate::refusal::Refusal;

/// Time that a client waits at most; usual clients give up after ten seconds (eci-openapi.md, section 4).
const ENGINE_REPLY_TIMEOUT: Duration = Duration::from_secs(60);

/// Query to an Engine that a call still needs for its reply.
#[derive(Debug, Clone)]
pub struct DeferredReply {
    /// Identity of the run.
    pub run: RunId,
    /// Request id of the call.
    pub request_id: String,
    /// Kind of the query.
    pub query: QueryKind,
}

/// Kind of a query about a run.
#[derive(Debug, Clone)]
pub enum QueryKind {
    /// The log of the run.
    Log {
        /// Call with its options: lines, bytes, timestamps.
        request: Box<DescribeContainerLog>,
        /// Time of the earliest line; `None` for no bound.
        since: Option<Timestamp>,
    },
    /// The output of a command in the run.
    Command(Vec<String>),
}

/// Query on its way to an Engine's driver.
#[derive(Debug)]
pub struct Question {
    /// Identity of the run.
    pub run: RunId,
    /// Command and arguments; `None` for the log of the run.
    pub command: Option<Vec<String>>,
    /// Channel for the answer.
    pub answer: Sender<Result<EngineReply, EngineError>>,
}

/// Answer of an Engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineReply {
    /// Lines of the log, each with its timestamp.
    Lines(Vec<(Timestamp, String)>),
    /// Output of a command.
    Output(String),
}

impl DeferredReply {
    /// Sends the query, waits at most a minute for the answer, and makes the call's reply of it.
    ///
    /// # Errors
    /// [`Refusal`] when the Engine cannot answer.
    pub fn ask(self, driver: &DriverHandle) -> Result<Answer, Refusal> {
        let (answer, answered) = channel();
        let command = match &self.query {
            QueryKind::Log { .. } => None,
            QueryKind::Command(words) => Some(words.clone()),
        };
        driver.send(Order::Ask(Question { run: self.run.clone(), command, answer }));
        let said = wait(&answered)?;
        let request_id = self.request_id;
        Ok(match (self.query, said) {
            (QueryKind::Log { request, since }, EngineReply::Lines(lines)) => {
                let lines = lines.iter().map(|(at, line)| (*at, line.as_str())).collect();
                let content = crate::actions::tell_log(&request, lines, since);
                let container_name = request.container_name.unwrap_or_default();
                Box::new(DescribeContainerLogReply { container_name, content, request_id })
            }
            (_, EngineReply::Output(sync_response)) => {
                Box::new(ExecContainerCommandReply { sync_response, request_id, ..Default::default() })
            }
            (QueryKind::Command(_), EngineReply::Lines(_)) => {
                return Err(unanswered("the Engine answered something else"));
            }
        })
    }
}

fn wait(answered: &Receiver<Result<EngineReply, EngineError>>) -> Result<EngineReply, Refusal> {
    match answered.recv_timeout(ENGINE_REPLY_TIMEOUT) {
        Ok(said) => said.map_err(|why| unanswered(&why.to_string())),
        Err(_) => Err(unanswered("the Engine did not answer within a minute")),
    }
}

fn unanswered(why: &str) -> Refusal {
    Refusal::by_rule("InternalError", Some(500), Some(why.to_owned()))
}
