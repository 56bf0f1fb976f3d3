//! What the local ECI does not play: it is said, and is neither silence nor a silent success.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::support::{container, create, group, log, look, once, sim, wait, wait_until};
use eci_api::actions::CreateContainerGroup;
use eci_api::actions::create_container_group::InitContainer;
use eci_sim::{EciSim, Runs, Script};

/// Messages of the events that tell of commands which are not played.
fn reported(sim: &EciSim, id: &str) -> Vec<String> {
    let events = look(sim, id).unwrap().events;
    events.into_iter().filter(|event| event.reason == "CommandNotPlayed").map(|event| event.message).collect()
}

#[test]
fn an_init_container_that_is_not_played_ends_and_an_event_says_so() {
    let sim = sim();
    let init = InitContainer {
        name: Some("prepare".into()),
        image: Some("tools:1".into()),
        command: vec!["migrate".into(), "up".into()],
        ..InitContainer::default()
    };
    let request = CreateContainerGroup {
        init_container: vec![init],
        ..group("web", vec![container("web", "nginx", &[])])
    };
    let id = create(&sim, &request);
    wait_until(&sim, &id, "Running");
    let reported = reported(&sim, &id);
    assert_eq!(reported.len(), 1, "{reported:?}");
    for word in ["prepare", "migrate up", "ends after 1 s with exit code 0", "a script for the image tools:1"]
    {
        assert!(reported[0].contains(word), "{reported:?} does not say {word}");
    }
    let assumed = sim.control().assumed();
    assert_eq!((assumed.len(), assumed[0].container.as_str()), (1, "prepare"));
}

#[test]
fn a_job_that_is_not_played_succeeds_only_with_a_line_in_its_log() {
    let sim = sim();
    let id = create(&sim, &once("job", &["migrate"]));
    wait_until(&sim, &id, "Succeeded");
    assert!(log(&sim, &id, "main").contains("does not play migrate"));
    assert_eq!((reported(&sim, &id).len(), sim.control().assumed().len()), (1, 1));
}

#[test]
fn a_server_that_is_not_played_runs_on_and_is_told_of_once_however_often_it_is_started() {
    let sim = sim();
    let id = create(&sim, &group("web", vec![container("web", "own-server:2", &[])]));
    wait_until(&sim, &id, "Running");
    wait(&sim, 86_400);
    assert!(sim.control().crash(&id, "web", 1));
    wait(&sim, 600);
    let seen = look(&sim, &id).unwrap();
    assert_eq!((seen.status.as_str(), seen.containers[0].restart_count), ("Running", 1));
    assert_eq!((reported(&sim, &id).len(), sim.control().assumed().len()), (1, 1));
}

#[test]
fn what_a_script_says_and_what_is_known_is_not_assumed() {
    let sim = sim();
    sim.control()
        .script("tools", Script { run: Some(Runs::For(std::time::Duration::ZERO)), ..Script::default() });
    sim.control().script("speaker", Script { log: vec!["up".into()], ..Script::default() });
    for (name, image, command) in [
        ("scripted", "tools", &["migrate"][..]),
        ("speaking", "speaker", &[]),
        ("known", "nginx:1.29", &[]),
        ("by-program", "own", &["redis-server", "--port", "7000"]),
        ("played", "busybox", &["sleep", "infinity"]),
    ] {
        create(&sim, &group(name, vec![container("main", image, command)]));
    }
    wait(&sim, 60);
    assert_eq!(sim.control().assumed(), []);
}
