//! The stages of a pod's life whose time is reported, each from the call that asked for it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::history::{Life, Moment};
use super::percentiles::Percentiles;

/// A stage. The first six count from the call that makes the pod, the others from the one that deletes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Until the API has the pod.
    Accepted,
    /// Until it is bound to a node.
    Scheduled,
    /// Until the cloud has its container group.
    GroupRequested,
    /// Until the group is Running in the cloud.
    GroupRunning,
    /// Until its phase is seen as Running.
    Running,
    /// Until it has a date of deletion.
    Deleted,
    /// Until the cloud has deleted its group.
    GroupGone,
    /// Until the object is gone.
    Gone,
}

/// All stages, in the order of a life.
pub const STAGES: [Stage; 8] = [
    Stage::Accepted,
    Stage::Scheduled,
    Stage::GroupRequested,
    Stage::GroupRunning,
    Stage::Running,
    Stage::Deleted,
    Stage::GroupGone,
    Stage::Gone,
];

/// A text that is no stage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no stage; it should be one of accepted, scheduled, group-requested, group-running, running, deleted, group-gone, gone"
)]
pub struct StageError(String);

impl Stage {
    fn moments(self) -> (Moment, Moment) {
        match self {
            Self::Accepted => (Moment::Requested, Moment::Accepted),
            Self::Scheduled => (Moment::Requested, Moment::Scheduled),
            Self::GroupRequested => (Moment::Requested, Moment::GroupRequested),
            Self::GroupRunning => (Moment::Requested, Moment::GroupRunning),
            Self::Running => (Moment::Requested, Moment::Running),
            Self::Deleted => (Moment::DeleteRequested, Moment::Deleted),
            Self::GroupGone => (Moment::DeleteRequested, Moment::GroupGone),
            Self::Gone => (Moment::DeleteRequested, Moment::Gone),
        }
    }

    /// The moment at which the stage is over.
    pub fn end(self) -> Moment {
        self.moments().1
    }

    /// The microseconds that a life took for the stage.
    pub fn of(self, life: &Life) -> Option<u64> {
        let (from, to) = self.moments();
        life.between(from, to)
    }

    /// The name in reports and thresholds.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Scheduled => "scheduled",
            Self::GroupRequested => "group-requested",
            Self::GroupRunning => "group-running",
            Self::Running => "running",
            Self::Deleted => "deleted",
            Self::GroupGone => "group-gone",
            Self::Gone => "gone",
        }
    }

    /// True when only the cloud can tell it.
    pub fn is_of_cloud(self) -> bool {
        matches!(self, Self::GroupRequested | Self::GroupRunning | Self::GroupGone)
    }
}

/// The percentiles of each stage that any pod came through.
pub fn percentiles(lives: &[Life]) -> BTreeMap<Stage, Percentiles> {
    let of = |stage: Stage| lives.iter().filter_map(|life| stage.of(life)).collect::<Vec<_>>();
    STAGES.into_iter().filter_map(|stage| Some((stage, Percentiles::of(of(stage))?))).collect()
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Stage {
    type Err = StageError;

    fn from_str(text: &str) -> Result<Self, StageError> {
        STAGES.into_iter().find(|stage| stage.name() == text).ok_or_else(|| StageError(text.to_owned()))
    }
}
