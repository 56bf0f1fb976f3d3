//! What the states of a container group and its containers mean for a pod.

use eci_api::group::{ContainerGroup, ContainerGroupStatus as Status, ContainerStateKind, Event};

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

/// Returns true when `seen` differs from `known` only in how often something was tried in vain: events that were told
/// before, and the words of containers that wait. Whoever waits for its end need not look more often for that.
pub fn tries_again(seen: &ContainerGroup, known: &ContainerGroup) -> bool {
    let was_told = |event: &Event| known.events.iter().any(|old| old.reason == event.reason);
    seen.events.iter().all(was_told) && without_tries(seen) == without_tries(known)
}

fn without_tries(group: &ContainerGroup) -> ContainerGroup {
    let mut group = ContainerGroup { events: Vec::new(), ..group.clone() };
    let containers = group.containers.iter_mut().map(|container| &mut container.current_state);
    let init_containers = group.init_containers.iter_mut().map(|container| &mut container.current_state);
    for state in containers.chain(init_containers).flatten() {
        if state.kind() == ContainerStateKind::Waiting {
            (state.reason, state.message, state.detail_status) = Default::default();
        }
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_told_before_is_a_mere_try() {
        use eci_api::group::{Container, ContainerState};
        let group = |status: &str, reason: &str, count: i32, event: &str| {
            let state =
                ContainerState { state: "Waiting".into(), reason: reason.into(), ..Default::default() };
            ContainerGroup {
                status: status.into(),
                containers: vec![Container { current_state: Some(state), ..Default::default() }],
                events: vec![Event { count, reason: event.into(), ..Default::default() }],
                ..Default::default()
            }
        };
        let known = group("Pending", "ErrImagePull", 1, "Failed");
        for (seen, is_a_try) in [
            (group("Pending", "ImagePullBackOff", 1, "Failed"), true),
            (group("Pending", "ErrImagePull", 2, "Failed"), true),
            (group("Pending", "ErrImagePull", 1, "Pulled"), false),
            (group("Running", "ErrImagePull", 2, "Failed"), false),
        ] {
            assert_eq!(tries_again(&seen, &known), is_a_try, "{seen:?}");
        }
    }

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
