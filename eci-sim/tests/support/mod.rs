//! What the tests of the simulator stand on: a world, groups to put into it, and time.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

pub mod integral;

use std::time::Duration;

use determinism::Clock;
use eci_api::actions::create_container_group::Container;
use eci_api::actions::describe_container_groups::ContainerGroup;
use eci_api::actions::{CreateContainerGroup, DescribeContainerGroups, DescribeContainerLog};
use eci_api::signature::Secret;
use eci_sim::EciSim;

/// When every test begins.
pub const START_TIME: &str = "2026-01-01T09:00:00Z";

/// A simulator whose clock stands still.
pub fn sim() -> EciSim {
    let clock = Clock::still(START_TIME.parse().unwrap());
    EciSim::builder().clock(clock).credential("local", Secret::new("local-secret")).build()
}

/// A container of a group.
pub fn container(name: &str, image: &str, command: &[&str]) -> Container {
    let command = command.iter().map(|word| (*word).to_owned()).collect();
    Container { name: Some(name.into()), image: Some(image.into()), command, ..Container::default() }
}

/// A group as most ask for one.
pub fn group(name: &str, containers: Vec<Container>) -> CreateContainerGroup {
    CreateContainerGroup {
        container_group_name: Some(name.into()),
        security_group_id: Some("sg-1".into()),
        vswitch_id: Some("vsw-1".into()),
        container: containers,
        ..CreateContainerGroup::default()
    }
}

/// A group of one container that is not restarted.
pub fn once(name: &str, command: &[&str]) -> CreateContainerGroup {
    let restart_policy = Some("Never".to_owned());
    CreateContainerGroup { restart_policy, ..group(name, vec![container("main", "busybox", command)]) }
}

/// Creates a group and gives its id.
pub fn create(sim: &EciSim, request: &CreateContainerGroup) -> String {
    sim.act(request).unwrap().container_group_id
}

/// The group as it is now, with its events.
pub fn look(sim: &EciSim, id: &str) -> Option<ContainerGroup> {
    let container_group_ids = Some(format!("[\"{id}\"]"));
    let request = DescribeContainerGroups {
        container_group_ids,
        with_event: Some(true),
        ..DescribeContainerGroups::default()
    };
    sim.act(&request).unwrap().container_groups.pop()
}

/// The state of a group, or `gone`.
pub fn status(sim: &EciSim, id: &str) -> String {
    look(sim, id).map_or_else(|| "gone".to_owned(), |group| group.status)
}

/// Lets so many seconds pass.
pub fn wait(sim: &EciSim, seconds: u64) {
    sim.control().clock().advance(Duration::from_secs(seconds)).unwrap();
}

/// Goes from one thing that happens to the next until the group is in a state, and says after how many seconds.
pub fn wait_until(sim: &EciSim, id: &str, state: &str) -> i64 {
    for _ in 0..1000 {
        if status(sim, id) == state {
            return sim.control().clock().now().as_second()
                - START_TIME.parse::<jiff::Timestamp>().unwrap().as_second();
        }
        let due = sim.control().next_due().expect("something is still to happen");
        let span = sim.control().clock().now().duration_until(due);
        sim.control().clock().advance(span.unsigned_abs()).unwrap();
    }
    panic!("{id} is {} and not {state}", status(sim, id));
}

/// What a container has said.
pub fn log(sim: &EciSim, id: &str, container: &str) -> String {
    let request = DescribeContainerLog {
        container_group_id: Some(id.into()),
        container_name: Some(container.into()),
        ..DescribeContainerLog::default()
    };
    sim.act(&request).unwrap().content
}
