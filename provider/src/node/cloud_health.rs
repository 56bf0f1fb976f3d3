//! The cloud's presence, from what was heard lately, else from a call of its own.

use std::time::Duration;

use eci_api::actions::describe_container_groups::DescribeContainerGroups;

use crate::eci::{Eci, Meaning};

/// The time for which an answer is a sign of life: a little longer than from one full listing to the next, so that
/// listings are the heartbeat, and short enough that the node is given up within two minutes of the cloud.
const ANSWER_TTL: Duration = Duration::from_secs(35);
/// The longest that the cloud may take to answer whether it is there.
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// The cloud's presence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CloudHealth {
    /// The cloud answers.
    Answers,
    /// The cloud answers, and does not let us in.
    Refused(String),
    /// The cloud does not answer: the node's state is unknown, and nothing is said about it.
    Away,
}

impl CloudHealth {
    /// Asks, unless the cloud was heard lately.
    pub(super) async fn check(eci: &Eci) -> Self {
        if eci.answered_within(ANSWER_TTL) {
            return Self::Answers;
        }
        let ping = DescribeContainerGroups {
            region_id: Some(eci.region().to_owned()),
            limit: Some(1),
            ..DescribeContainerGroups::default()
        };
        match tokio::time::timeout(PING_TIMEOUT, eci.call_once(&ping)).await {
            Ok(Ok(_)) => Self::Answers,
            // Without the request's id, which would make each look a change of the node.
            Ok(Err(error)) if error.meaning().is_some_and(Meaning::bars_all_calls) => {
                Self::Refused(error.plain().to_string())
            }
            Ok(Err(error)) if error.shows_presence() => Self::Answers,
            Ok(Err(error)) => {
                tracing::warn!(%error, "no heartbeat: the cloud does not answer");
                Self::Away
            }
            Err(_) => {
                tracing::warn!("no heartbeat: the cloud does not answer in time");
                Self::Away
            }
        }
    }
}
