//! A disk that is full for a while: what was answered with a failure did not happen, and the rest goes on.

use bytes::Bytes;
use determinism::Clock;
use eci_api::actions::create_container_group::Container;
use eci_api::actions::{CreateContainerGroup, DescribeContainerGroups};

use crate::persistence::store::memory_disk::MemoryDisk;
use crate::{ControlServer, EciSim, Incoming, Refusal};

fn sim_on(disk: &MemoryDisk) -> EciSim {
    let clock = Clock::still("2026-01-01T09:00:00Z".parse().unwrap());
    let sim = EciSim::builder().clock(clock).build();
    sim.persist_in(disk.open(), None, 0).unwrap();
    sim
}

fn create(sim: &EciSim, name: &str) -> Result<String, Refusal> {
    let container =
        Container { name: Some("web".into()), image: Some("nginx".into()), ..Container::default() };
    let request = CreateContainerGroup {
        container_group_name: Some(name.into()),
        container: vec![container],
        ..CreateContainerGroup::default()
    };
    sim.act(&request).map(|reply| reply.container_group_id)
}

/// The names of all groups; none where the simulator cannot say.
fn names(sim: &EciSim) -> Option<Vec<String>> {
    let reply = sim.act(&DescribeContainerGroups::default()).ok()?;
    let mut names: Vec<_> =
        reply.container_groups.into_iter().map(|group| group.container_group_name).collect();
    names.sort();
    Some(names)
}

fn control_call(sim: &EciSim, method: &str, path: &str, body: &'static str) -> u16 {
    let body = Bytes::from_static(body.as_bytes());
    let request = Incoming { method: method.into(), path: path.into(), body, ..Incoming::default() };
    ControlServer::new(sim.control()).answer(&request).status().as_u16()
}

#[test]
fn what_was_answered_with_a_failure_is_not_shown_and_the_store_goes_on_when_there_is_room() {
    let disk = MemoryDisk::default();
    let sim = sim_on(&disk);
    create(&sim, "first").unwrap();
    for round in 0..3 {
        disk.set_full(true);
        assert!(create(&sim, "lost").is_err());
        assert!(create(&sim, "lost-too").is_err());
        assert!(names(&sim).is_none_or(|names| !names.contains(&"lost".to_owned())), "round {round}");
        assert_eq!(control_call(&sim, "POST", "/clock/advance", r#"{"seconds":3600}"#), 503);
        assert!([200, 503].contains(&control_call(&sim, "GET", "/ledger", "")));
        disk.set_full(false);
        assert_eq!(names(&sim).unwrap().len(), 1 + round, "round {round}");
        create(&sim, &format!("after-{round}")).unwrap();
    }
    assert_eq!(names(&sim).unwrap(), ["after-0", "after-1", "after-2", "first"]);
    assert_eq!(sim.control().now().to_string(), "2026-01-01T09:00:00Z", "no hour passed");
    drop(sim);
    assert_eq!(names(&sim_on(&disk)).unwrap(), ["after-0", "after-1", "after-2", "first"], "after a restart");
}
