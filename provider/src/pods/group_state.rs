//! The states of a container group, as far as they differ for a pod, and what each allows.

use eci_api::group::{ContainerGroup, ContainerGroupStatus, ContainerStateKind};

/// A container group's state; `Unknown` for a name that no page tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupState {
    /// An instance is sought.
    Scheduling,
    /// No instance was found or could be started; final.
    ScheduleFailed,
    /// The instance exists, its containers are prepared.
    Pending,
    /// Containers run.
    Running,
    /// The group starts again.
    Restarting,
    /// The group is being changed.
    Updating,
    /// All containers ended well; final.
    Succeeded,
    /// A container ended badly for good; final.
    Failed,
    /// A spot instance was taken back, or the group outlived its time; final.
    Expired,
    /// The group is being deleted.
    Terminating,
    /// The group is gone.
    Deleted,
    /// Another name.
    Unknown,
}

impl GroupState {
    /// The state of `group`.
    pub fn of(group: &ContainerGroup) -> Self {
        match group.parsed_status() {
            ContainerGroupStatus::Scheduling => Self::Scheduling,
            ContainerGroupStatus::ScheduleFailed | ContainerGroupStatus::StartingFailed => {
                Self::ScheduleFailed
            }
            ContainerGroupStatus::Pending => Self::Pending,
            ContainerGroupStatus::Running => Self::Running,
            ContainerGroupStatus::Restarting => Self::Restarting,
            ContainerGroupStatus::Updating => Self::Updating,
            ContainerGroupStatus::Succeeded => Self::Succeeded,
            ContainerGroupStatus::Failed => Self::Failed,
            ContainerGroupStatus::Expired => Self::Expired,
            ContainerGroupStatus::Terminating => Self::Terminating,
            ContainerGroupStatus::Deleted => Self::Deleted,
            ContainerGroupStatus::Unknown(_) => Self::Unknown,
        }
    }

    /// Nothing follows this state, and nothing is billed in it.
    pub fn is_final(self) -> bool {
        matches!(self, Self::ScheduleFailed | Self::Succeeded | Self::Failed | Self::Expired | Self::Deleted)
    }

    /// The group costs nothing any more, or is about to.
    pub fn is_over(self) -> bool {
        self.is_final() || self == Self::Terminating
    }
}

/// Returns true while the group can still cost money or do something.
pub fn still_works(group: &ContainerGroup) -> bool {
    let states = || group.containers.iter().filter_map(|container| container.current_state.as_ref());
    let all_ended = states().count() == group.containers.len()
        && !group.containers.is_empty()
        && states().all(|state| state.kind() == ContainerStateKind::Terminated);
    !GroupState::of(group).is_over() && !all_ended
}

/// Returns true while the group is on its way somewhere, so that it is worth looking at often.
pub fn is_moving(group: &ContainerGroup) -> bool {
    match GroupState::of(group) {
        GroupState::Succeeded | GroupState::Failed | GroupState::Expired => false,
        GroupState::Running => !group.containers.iter().all(|container| {
            let state = container.current_state.as_ref();
            let running = state.is_some_and(|state| state.kind() == ContainerStateKind::Running);
            running && (container.ready || container.readiness_probe.is_none())
        }),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_settled_is_looked_at_seldom() {
        use eci_api::group::{Container, ContainerState};
        for (status, moving) in [
            ("Scheduling", true),
            ("Pending", true),
            ("Running", false),
            ("Terminating", true),
            ("Failed", false),
        ] {
            let state = ContainerState { state: "Running".into(), ..Default::default() };
            let group = ContainerGroup {
                status: status.into(),
                containers: vec![Container { current_state: Some(state), ..Default::default() }],
                ..Default::default()
            };
            assert_eq!(is_moving(&group), moving, "{status}");
        }
    }
}
