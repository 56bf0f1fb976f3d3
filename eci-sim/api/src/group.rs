//! A container group as it looks on the wire, and the words for its states.

use std::fmt;

pub use crate::actions::describe_container_groups::{
    Container, ContainerGroup, ContainerState, EnvironmentVar, Event, InitContainer, Port, Tag, Volume,
    VolumeMount,
};

/// The status of a container group (eci-openapi.md, section 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerGroupStatus<'a> {
    /// An instance is sought.
    Scheduling,
    /// No instance was found; final.
    ScheduleFailed,
    /// The instance could not be started; final.
    StartingFailed,
    /// The instance exists, and its containers are prepared.
    Pending,
    /// Containers run.
    Running,
    /// Containers are started anew on somebody's order.
    Restarting,
    /// The group is being changed on somebody's order.
    Updating,
    /// All containers ended well; final.
    Succeeded,
    /// All containers ended, and at least one of them badly; final.
    Failed,
    /// A spot instance was taken back, or the group outlived its time; final.
    Expired,
    /// The group is being deleted.
    Terminating,
    /// The group is gone.
    Deleted,
    /// A word that no page tells, as it was sent; it may be empty.
    Unknown(&'a str),
}

/// The state of a container, the word of [`ContainerState::state`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerStateKind<'a> {
    /// The container does not run yet, or not just now.
    Waiting,
    /// The container runs.
    Running,
    /// The container ended.
    Terminated,
    /// The container ended well.
    Succeeded,
    /// The container ended badly.
    Failed,
    /// A word that no page tells, as it was sent; it may be empty.
    Unknown(&'a str),
}

impl<'a> From<&'a str> for ContainerGroupStatus<'a> {
    fn from(text: &'a str) -> Self {
        match text {
            "Scheduling" => Self::Scheduling,
            "ScheduleFailed" => Self::ScheduleFailed,
            "StartingFailed" => Self::StartingFailed,
            "Pending" => Self::Pending,
            "Running" => Self::Running,
            "Restarting" => Self::Restarting,
            "Updating" => Self::Updating,
            "Succeeded" => Self::Succeeded,
            "Failed" => Self::Failed,
            "Expired" => Self::Expired,
            "Terminating" => Self::Terminating,
            "Deleted" => Self::Deleted,
            other => Self::Unknown(other),
        }
    }
}

impl<'a> ContainerGroupStatus<'a> {
    /// The word on the wire.
    pub fn as_str(self) -> &'a str {
        match self {
            Self::Scheduling => "Scheduling",
            Self::ScheduleFailed => "ScheduleFailed",
            Self::StartingFailed => "StartingFailed",
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Restarting => "Restarting",
            Self::Updating => "Updating",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Expired => "Expired",
            Self::Terminating => "Terminating",
            Self::Deleted => "Deleted",
            Self::Unknown(other) => other,
        }
    }

    /// Returns true for a status that no other follows, and in which nothing is billed.
    pub fn is_final(self) -> bool {
        self.never_started() || matches!(self, Self::Succeeded | Self::Failed | Self::Expired | Self::Deleted)
    }

    /// Returns true for a group that costs nothing any more, or is about to.
    pub fn is_over(self) -> bool {
        self.is_final() || self == Self::Terminating
    }

    /// Returns true for a group for which no instance was found, or whose instance could not be started.
    pub fn never_started(self) -> bool {
        matches!(self, Self::ScheduleFailed | Self::StartingFailed)
    }
}

impl fmt::Display for ContainerGroupStatus<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'a> From<&'a str> for ContainerStateKind<'a> {
    fn from(text: &'a str) -> Self {
        match text {
            "Waiting" => Self::Waiting,
            "Running" => Self::Running,
            "Terminated" => Self::Terminated,
            "Succeeded" => Self::Succeeded,
            "Failed" => Self::Failed,
            other => Self::Unknown(other),
        }
    }
}

impl ContainerStateKind<'_> {
    /// Returns true for a container that ended, in whichever word.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Terminated | Self::Succeeded | Self::Failed)
    }
}

impl ContainerGroup {
    /// The group's status as an enumeration.
    pub fn parsed_status(&self) -> ContainerGroupStatus<'_> {
        self.status.as_str().into()
    }
}

impl ContainerState {
    /// The container's state as an enumeration.
    pub fn kind(&self) -> ContainerStateKind<'_> {
        self.state.as_str().into()
    }
}

impl Event {
    /// Returns true for an event of the type `Warning`; all others are `Normal`.
    pub fn is_warning(&self) -> bool {
        self.type_ == "Warning"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_the_word_that_it_was_read_from() {
        for word in [
            "Scheduling",
            "ScheduleFailed",
            "StartingFailed",
            "Pending",
            "Running",
            "Restarting",
            "Updating",
            "Succeeded",
            "Failed",
            "Expired",
            "Terminating",
            "Deleted",
        ] {
            let status = ContainerGroupStatus::from(word);
            assert_eq!(status.as_str(), word);
            assert_ne!(status, ContainerGroupStatus::Unknown(word));
        }
    }

    #[test]
    fn a_word_that_is_not_known_is_kept() {
        assert_eq!(ContainerGroupStatus::from("Dreaming").to_string(), "Dreaming");
        assert_eq!(ContainerStateKind::from("Dreaming"), ContainerStateKind::Unknown("Dreaming"));
    }
}
