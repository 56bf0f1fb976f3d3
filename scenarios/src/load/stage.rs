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
    GroupAsked,
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
    Stage::GroupAsked,
    Stage::GroupRunning,
    Stage::Running,
    Stage::Deleted,
    Stage::GroupGone,
    Stage::Gone,
];

/// A text that is no stage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no stage; it should be one of accepted, scheduled, group-asked, group-running, running, deleted, group-gone, gone"
)]
pub struct StageError(String);

impl Stage {
    fn moments(self) -> (Moment, Moment) {
        match self {
            Self::Accepted => (Moment::Asked, Moment::Accepted),
            Self::Scheduled => (Moment::Asked, Moment::Scheduled),
            Self::GroupAsked => (Moment::Asked, Moment::GroupAsked),
            Self::GroupRunning => (Moment::Asked, Moment::GroupRunning),
            Self::Running => (Moment::Asked, Moment::Running),
            Self::Deleted => (Moment::DeleteAsked, Moment::Deleted),
            Self::GroupGone => (Moment::DeleteAsked, Moment::GroupGone),
            Self::Gone => (Moment::DeleteAsked, Moment::Gone),
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
            Self::GroupAsked => "group-asked",
            Self::GroupRunning => "group-running",
            Self::Running => "running",
            Self::Deleted => "deleted",
            Self::GroupGone => "group-gone",
            Self::Gone => "gone",
        }
    }

    /// True when only the cloud can tell it.
    pub fn is_of_cloud(self) -> bool {
        matches!(self, Self::GroupAsked | Self::GroupRunning | Self::GroupGone)
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
