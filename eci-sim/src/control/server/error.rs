//! Errors of the control API, each with the status of its answer.

use http::StatusCode;

use crate::billing::account::TermsError;
use crate::control::version::VersionError;
use crate::control::wire::{ScriptError, SpanError};
use crate::followers::FollowerError;
use crate::persistence::named::SnapshotError;
use crate::persistence::store::StoreError;
use crate::sim::command::CommandError;

/// A fork whose listeners cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ForkError {
    /// As many forks as there may be.
    #[error("{0} forks were opened already, and each lives until this eci-sim ends")]
    TooMany(usize),
    /// A listener that cannot be opened.
    #[error("cannot listen for a fork: {0}")]
    Listen(#[from] std::io::Error),
}

/// A request that the control API refuses.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("{0} {1} does not exist; GET /openapi.json describes what does")]
    UnknownRoute(String, String),
    #[error("{1} takes {2}, not {0}")]
    Method(String, String, String),
    #[error(transparent)]
    Version(#[from] VersionError),
    #[error("the body cannot be read: {0}")]
    Body(#[from] serde_json::Error),
    #[error("the query cannot be read: {0}")]
    Query(String),
    #[error("{0}")]
    Invalid(String),
    #[error("only programs on this machine may use this API; the request came for `{0}`")]
    ForeignHost(String),
    #[error("this API serves no page but its own; the request came from a page of `{0}`")]
    ForeignOrigin(String),
    #[error("this API requires its token, as `Authorization: Bearer …`; it was set with --control-token")]
    Token,
    #[error("no follower of the clock is called {0}; GET /clock lists the followers")]
    NotFollowing(String),
    #[error(transparent)]
    Follower(#[from] FollowerError),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Fork(#[from] ForkError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "with --runtime docker containers run for real, so that the clock cannot be moved, nor a snapshot loaded or forked"
    )]
    RealContainers,
    #[error("not ready: {0}")]
    NotReady(String),
    #[error("this server cannot open listeners, so it cannot fork; the program eci-sim can")]
    CannotFork,
}

impl ApiError {
    /// The status of the answer that tells of it.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Command(error) => command_status(error),
            Self::RealContainers | Self::Follower(FollowerError::TooMany) => StatusCode::CONFLICT,
            Self::UnknownRoute(..) | Self::NotFollowing(_) => StatusCode::NOT_FOUND,
            Self::Method(..) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Version(_)
            | Self::Body(_)
            | Self::Query(_)
            | Self::Invalid(_)
            | Self::Fork(_)
            | Self::Follower(FollowerError::Name) => StatusCode::BAD_REQUEST,
            Self::ForeignHost(_) | Self::ForeignOrigin(_) => StatusCode::FORBIDDEN,
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::Store(_) | Self::NotReady(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::CannotFork => StatusCode::NOT_IMPLEMENTED,
        }
    }
}

fn command_status(error: &CommandError) -> StatusCode {
    match error {
        CommandError::UnknownFault(_)
        | CommandError::UnknownGroup(_)
        | CommandError::Snapshot(SnapshotError::Unknown(_)) => StatusCode::NOT_FOUND,
        CommandError::NotRunning(..)
        | CommandError::Terms(TermsError::Currency { .. })
        | CommandError::Snapshot(SnapshotError::TooMany) => StatusCode::CONFLICT,
        CommandError::Clock(_) | CommandError::Terms(_) | CommandError::Snapshot(SnapshotError::Name(_)) => {
            StatusCode::BAD_REQUEST
        }
        CommandError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        CommandError::Outcome => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<SpanError> for ApiError {
    fn from(why: SpanError) -> Self {
        Self::Invalid(why.to_string())
    }
}

impl From<ScriptError> for ApiError {
    fn from(why: ScriptError) -> Self {
        Self::Invalid(why.to_string())
    }
}
