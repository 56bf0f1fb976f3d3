//! The two ends of a run: its hooks, in which order runs are stopped, and streams that go both ways.

use eci_api::actions::create_container_group::EnvironmentVar;
use eci_sim::runtime::attach::{ProcessSide, StdinFrame};
use futures::SinkExt as _;

use super::*;

/// Says what it hears until that is over.
pub async fn echo(mut far: ProcessSide) -> bool {
    while let Some(heard) = far.input.recv().await {
        let StdinFrame::Bytes(bytes) = heard else { continue };
        if bytes.is_empty() {
            return far.say(OutputFrame::Ended(0)).await;
        }
        if !far.say(OutputFrame::Output(bytes)).await {
            return false;
        }
    }
    false
}

/// A container that ends at a certain time, before which a hook runs in it.
fn ending(name: &str, priority: &str, hook: &[&str]) -> eci_api::actions::create_container_group::Container {
    let mut asked = container(name, "stays", &[]);
    asked.environment_var = vec![EnvironmentVar {
        key: Some("ECI_CONTAINER_EXIT_PRIORITY".to_owned()),
        value: Some(priority.to_owned()),
        ..Default::default()
    }];
    asked.lifecycle_pre_stop_handler_exec = hook.iter().map(|word| (*word).to_owned()).collect();
    asked
}

async fn deleted(asked: &CreateContainerGroup) -> Vec<String> {
    let stage = Stage::begin();
    let id = create(&stage.sim, asked);
    stage.after(30, &id).await;
    let request = DeleteContainerGroup { container_group_id: Some(id), ..Default::default() };
    stage.sim.act(&request).unwrap();
    tokio::time::sleep(Duration::from_secs(300)).await;
    let done = stage.engine.done();
    let starts = done.iter().rposition(|done| done.starts_with("start ")).unwrap();
    done[starts + 1..].to_vec()
}

#[tokio::test(start_paused = true)]
async fn runs_end_once_and_in_the_order_of_their_exit_priorities() {
    let asked =
        group("web", vec![ending("last", "-5", &[]), ending("first", "7", &[]), ending("then", "0", &[])]);
    assert_eq!(deleted(&asked).await, ["stop first.1 30", "stop then.1 30", "stop last.1 30", "remove"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_hook_runs_before_its_run_is_told_to_end() {
    let asked = group("web", vec![ending("main", "0", &["healthy", "now"])]);
    assert_eq!(deleted(&asked).await, ["healthy now in main.1", "stop main.1 30", "remove"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_hook_that_fails_is_told_and_the_run_is_stopped_all_the_same() {
    let stage = Stage::begin();
    let mut asked = never("stays");
    asked.container[0].lifecycle_pre_stop_handler_exec = vec!["sick".to_owned(), "now".to_owned()];
    asked.active_deadline_seconds = Some(60);
    let id = create(&stage.sim, &asked);
    let group = stage.after(120, &id).await;
    assert_eq!(group.status, "Failed");
    let told = group.events.iter().find(|event| event.reason == "FailedPreStopHook").unwrap();
    assert_eq!((told.message.as_str(), told.type_.as_str()), ("PreStopHook failed", "Warning"));
    let done = stage.engine.done();
    assert_eq!(done[done.len() - 2..], ["sick now in main.1", "stop main.1 30"]);
}

#[tokio::test(start_paused = true)]
async fn a_start_hook_runs_in_the_run_and_ends_it_when_it_fails() {
    for (word, status, kills) in [("healthy", "Running", 0), ("sick", "Failed", 1)] {
        let stage = Stage::begin();
        let mut asked = never("stays");
        asked.container[0].lifecycle_post_start_handler_exec = vec![word.to_owned(), "up".to_owned()];
        let id = create(&stage.sim, &asked);
        let group = stage.after(60, &id).await;
        assert_eq!(group.status, status, "{word}");
        let done = stage.engine.done();
        assert!(done.contains(&format!("{word} up in main.1")), "{done:?}");
        assert_eq!(done.iter().filter(|done| done.starts_with("kill")).count(), kills, "{word}");
        let told = reasons(&group).contains(&"FailedPostStartHook");
        assert_eq!(told, kills == 1, "{:?}", reasons(&group));
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_hook_that_calls_where_nobody_is_fails() {
    let stage = Stage::begin();
    let mut asked = never("stays");
    asked.container[0].lifecycle_post_start_handler_tcp_socket_host = Some("127.0.0.1".to_owned());
    asked.container[0].lifecycle_post_start_handler_tcp_socket_port = Some(1);
    let id = create(&stage.sim, &asked);
    let group = stage.after(60, &id).await;
    assert!(reasons(&group).contains(&"FailedPostStartHook"), "{:?}", reasons(&group));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_carries_much_both_ways_and_ends_when_nothing_more_is_typed() {
    const PIECES: usize = 512;
    let (sim, id, driver) = serving().await;
    let session = session(sim, id, "[\"cat\"]", false).await;
    let (mut typed, mut said) = session.split();
    let typing = tokio::spawn(async move {
        for _ in 0..PIECES {
            typed.send(Message::Binary(vec![7; 8192].into())).await.unwrap();
        }
        typed.send(Message::Binary(Vec::new().into())).await.unwrap();
        // kept until the other half has heard all
        typed
    });
    let both = async {
        let mut heard = 0;
        loop {
            match said.next().await.unwrap().unwrap() {
                Message::Binary(bytes) => heard += bytes.len(),
                Message::Close(frame) => return (heard, frame.unwrap().reason.to_string()),
                _ => {}
            }
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(60), both).await.unwrap();
    assert_eq!(seen, (PIECES * 8192, "exit code 0".to_owned()));
    drop(typing.await.unwrap());
    driver.abort();
}

#[tokio::test(start_paused = true)]
async fn what_real_containers_use_is_not_invented() {
    let stage = Stage::begin();
    let id = create(&stage.sim, &group("web", vec![container("main", "stays", &[])]));
    assert_eq!(stage.after(120, &id).await.status, "Running");
    let one = eci_api::actions::DescribeContainerGroupMetric {
        container_group_id: Some(id.clone()),
        ..Default::default()
    };
    assert!(stage.sim.act(&one).unwrap().records.is_empty());
    let several = eci_api::actions::DescribeMultiContainerGroupMetric {
        container_group_ids: Some(format!("[\"{id}\"]")),
        ..Default::default()
    };
    assert!(stage.sim.act(&several).unwrap().monitor_datas[0].records.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_crash_from_the_control_api_kills_the_run() {
    let stage = Stage::begin();
    let id = create(&stage.sim, &never("stays"));
    stage.after(20, &id).await;
    assert!(stage.sim.control().crash(&id, "main", 5));
    let group = stage.after(1, &id).await;
    assert_eq!(
        (group.status.as_str(), group.containers[0].current_state.clone().unwrap().exit_code),
        ("Failed", Some(5))
    );
    assert!(stage.engine.done().contains(&"kill main.1".to_owned()));
}
