//! Answers that only an Engine can give: what a container said, and what comes of a command in it.
//!
//! An operation that needs one leaves a [`Later`] in the world; it is asked when the world's lock is free again.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use eci_api::actions::{DescribeContainerLog, DescribeContainerLogReply, ExecContainerCommandReply};
use jiff::Timestamp;

use super::engine::{RunId, Trouble};
use super::{Order, Outlet};
use crate::actions::Answer;
use crate::refusal::Refusal;

/// How long a client waits at most; usual clients give up after ten seconds (eci-openapi.md, section 4).
const PATIENCE: Duration = Duration::from_secs(60);

/// What is still to be asked before a call can be answered.
#[derive(Debug, Clone)]
pub struct Later {
    /// The run that is meant.
    pub run: RunId,
    /// The number of the call.
    pub request_id: String,
    /// What is asked.
    pub what: Wanted,
}

/// What is asked of a run.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// What it said.
    Log {
        /// How it is to be told.
        request: Box<DescribeContainerLog>,
        /// From when on lines are wanted.
        since: Option<Timestamp>,
    },
    /// What comes of a command.
    Command(Vec<String>),
}

/// A question on its way to an Engine.
#[derive(Debug)]
pub struct Question {
    /// The run that is meant.
    pub run: RunId,
    /// The command; none, where what the run said is wanted.
    pub command: Option<Vec<String>>,
    /// Where the answer goes.
    pub answer: Sender<Result<Said, Trouble>>,
}

/// What an Engine answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Lines, each with its instant.
    Lines(Vec<(Timestamp, String)>),
    /// What a command said.
    Output(String),
}

impl Later {
    /// Asks, waits, and makes the call's answer of it.
    ///
    /// # Errors
    /// [`Refusal`] when the Engine cannot answer.
    pub fn ask(self, outlet: &Outlet) -> Result<Answer, Refusal> {
        let (answer, answered) = channel();
        let command = match &self.what {
            Wanted::Log { .. } => None,
            Wanted::Command(words) => Some(words.clone()),
        };
        outlet.send(Order::Ask(Question { run: self.run.clone(), command, answer }));
        let said = wait(&answered)?;
        let request_id = self.request_id;
        Ok(match (self.what, said) {
            (Wanted::Log { request, since }, Said::Lines(lines)) => {
                let lines = lines.iter().map(|(at, line)| (*at, line.as_str())).collect();
                let content = crate::actions::tell_log(&request, lines, since);
                let container_name = request.container_name.unwrap_or_default();
                Box::new(DescribeContainerLogReply { container_name, content, request_id })
            }
            (_, Said::Output(sync_response)) => {
                Box::new(ExecContainerCommandReply { sync_response, request_id, ..Default::default() })
            }
            (Wanted::Command(_), Said::Lines(_)) => {
                return Err(unanswered("the Engine answered something else"));
            }
        })
    }
}

fn wait(answered: &Receiver<Result<Said, Trouble>>) -> Result<Said, Refusal> {
    match answered.recv_timeout(PATIENCE) {
        Ok(said) => said.map_err(|why| unanswered(&why.to_string())),
        Err(_) => Err(unanswered("the Engine did not answer within a minute")),
    }
}

fn unanswered(why: &str) -> Refusal {
    Refusal::by_rule("InternalError", Some(500), Some(why.to_owned()))
}
