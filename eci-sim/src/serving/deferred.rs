//! Replies that only a container engine can complete: the log of a run, and the output of a command in it.
//!
//! The operation is carried out as any other, and its reply is completed when the world's lock is free again.

use eci_api::actions::{DescribeContainerLog, DescribeContainerLogReply, ExecContainerCommandReply};
use jiff::Timestamp;

use super::{BoxedReply, container_log};
use crate::orders::RunId;
use crate::refusal::Refusal;
use crate::runtime::queries::{EngineHandle, EngineReply};

/// Query to an Engine that a call needs for its reply.
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

impl DeferredReply {
    /// Asks the Engine, waits at most a minute for the answer, and makes the call's reply of it.
    ///
    /// # Errors
    /// [`Refusal`] when the Engine cannot answer.
    pub fn complete(self, engine: &EngineHandle) -> Result<BoxedReply, Refusal> {
        let command = match &self.query {
            QueryKind::Log { .. } => None,
            QueryKind::Command(words) => Some(words.clone()),
        };
        let reply = engine.read(self.run, command).map_err(|why| unanswered(&why.to_string()))?;
        let request_id = self.request_id;
        Ok(match (self.query, reply) {
            (QueryKind::Log { request, since }, EngineReply::Lines(lines)) => {
                let lines = lines.iter().map(|(at, line)| (*at, line.as_str())).collect();
                let content = container_log::content(&request, lines, since);
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

fn unanswered(why: &str) -> Refusal {
    Refusal::by_rule("InternalError", Some(500), Some(why.to_owned()))
}
