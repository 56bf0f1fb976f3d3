//! What the states of a container group and its containers mean for a pod.

use eci_api::group::{ContainerGroup, ContainerGroupStatus as Status, ContainerStateKind};

/// Returns true while the group can still cost money or do something.
pub fn still_works(group: &ContainerGroup) -> bool {
    let states = || group.containers.iter().filter_map(|container| container.current_state.as_ref());
    let all_ended = states().count() == group.containers.len()
        && !group.containers.is_empty()
        && states().all(|state| state.kind() == ContainerStateKind::Terminated);
    !group.parsed_status().is_over() && !all_ended
}

/// Returns true while the group is on its way somewhere, so that it is worth looking at often.
pub fn is_moving(group: &ContainerGroup) -> bool {
    match group.parsed_status() {
        Status::Succeeded | Status::Failed | Status::Expired => false,
        Status::Running => !group.containers.iter().all(|container| {
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
