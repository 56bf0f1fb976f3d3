//! Container groups over time, called within the process.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use crate::support::{START_TIME, container, create, group, log, look, once, sim, status, wait, wait_until};
use determinism::{Clock, Seed};
use eci_api::Action;
use eci_api::actions::create_container_group::{Container, InitContainer, Tag};
use eci_api::actions::{
    CreateContainerGroup, DeleteContainerGroup, DescribeContainerGroupEvents, DescribeContainerGroupPrice,
    DescribeContainerGroupStatus, DescribeContainerGroups, DescribeContainerLog, DescribeRegions,
};
use eci_sim::{Amount, EciSim, Refusal, Runs, Script};
use proptest::prelude::*;

#[test]
fn a_group_is_running_after_twelve_to_eighteen_seconds() {
    let sim = sim();
    for index in 0..20 {
        let id = create(&sim, &group(&format!("web-{index}"), vec![container("web", "nginx", &[])]));
        assert_eq!(status(&sim, &id), "Scheduling");
    }
    wait(&sim, 11);
    assert!(sim.control().groups().iter().all(|group| group.status != "Running"));
    wait(&sim, 7);
    assert!(sim.control().groups().iter().all(|group| group.status == "Running"));
}

#[test]
fn a_group_is_told_with_all_that_was_asked() {
    let sim = sim();
    let request = CreateContainerGroup {
        tag: vec![Tag { key: Some("team".into()), value: Some("测试 1".into()) }],
        ..group("web", vec![container("web", "nginx:1.25", &["nginx"])])
    };
    let id = create(&sim, &request);
    wait(&sim, 60);
    let group = look(&sim, &id).unwrap();
    assert_eq!((group.cpu.to_string(), group.memory.to_string()), ("2".into(), "4".into()));
    assert_eq!(group.intranet_ip, "10.0.0.10");
    assert_eq!(group.creation_time, START_TIME);
    assert_eq!((group.tags[0].key.as_str(), group.tags[0].value.as_str()), ("team", "测试 1"));
    assert_eq!(group.containers[0].commands, ["nginx"]);
    assert!(group.containers[0].ready);
    let reasons: Vec<_> = group.events.iter().map(|event| event.reason.as_str()).collect();
    assert_eq!(
        reasons,
        ["AutoInstanceTypeMatch", "Pulling", "Pulled", "Created", "Started"].map(|reason| {
            if reason == "AutoInstanceTypeMatch" { "UserInstanceTypeSpec" } else { reason }
        })
    );
}

#[test]
fn a_command_decides_how_a_group_ends() {
    for (command, policy, wanted) in [
        (&["sleep", "30"][..], "Never", "Succeeded"),
        (&["sh", "-c", "echo x; exit 3"], "Never", "Failed"),
        (&["true"], "OnFailure", "Succeeded"),
        (&["true"], "Always", "Running"),
        (&["false"], "OnFailure", "Running"),
        (&["nginx"], "Never", "Running"),
    ] {
        let sim = sim();
        let request = CreateContainerGroup { restart_policy: Some(policy.into()), ..once("job", command) };
        let id = create(&sim, &request);
        wait(&sim, 120);
        assert_eq!(status(&sim, &id), wanted, "{command:?} {policy}");
    }
}

#[test]
fn a_container_that_ends_again_and_again_waits_longer_each_time() {
    let sim = sim();
    let id = create(
        &sim,
        &CreateContainerGroup { restart_policy: Some("Always".into()), ..once("loop", &["false"]) },
    );
    wait(&sim, 600);
    let container = look(&sim, &id).unwrap().containers.remove(0);
    assert_eq!(
        (container.current_state.unwrap().reason.as_str(), container.restart_count),
        ("CrashLoopBackOff", 6)
    );
    assert_eq!(container.previous_state.unwrap().exit_code, Some(1));
    wait(&sim, 3600);
    assert_eq!(look(&sim, &id).unwrap().containers[0].restart_count, 18, "every five minutes from then on");
}

#[test]
fn init_containers_run_one_after_the_other_and_before_the_others() {
    let sim = sim();
    let init = |name: &str| InitContainer {
        name: Some(name.into()),
        image: Some("busybox".into()),
        command: vec!["sleep".into(), "100".into()],
        ..InitContainer::default()
    };
    let request = CreateContainerGroup {
        init_container: vec![init("one"), init("two")],
        ..group("web", vec![container("web", "nginx", &[])])
    };
    let id = create(&sim, &request);
    wait(&sim, 60);
    let seen = look(&sim, &id).unwrap();
    let state = |state: &Option<eci_api::group::ContainerState>| state.clone().unwrap().state;
    assert_eq!(seen.status, "Pending");
    assert_eq!(state(&seen.init_containers[0].current_state), "Running");
    assert_eq!(state(&seen.init_containers[1].current_state), "Waiting");
    assert_eq!(seen.containers[0].current_state.clone().unwrap().reason, "PodInitializing");
    assert!(wait_until(&sim, &id, "Running") > 210);
}

#[test]
fn a_group_whose_init_container_fails_has_failed_when_nothing_restarts_it() {
    let sim = sim();
    let init = InitContainer {
        name: Some("init".into()),
        image: Some("busybox".into()),
        command: vec!["false".into()],
        ..InitContainer::default()
    };
    let id = create(&sim, &CreateContainerGroup { init_container: vec![init], ..once("web", &[]) });
    wait(&sim, 60);
    assert_eq!(status(&sim, &id), "Failed");
}

#[test]
fn an_image_that_cannot_be_pulled_costs_four_hours_and_then_the_group_has_failed() {
    for (image, pull_error) in [("private/secret", Some("pull access denied")), ("Not An Image", None)] {
        let sim = sim();
        if let Some(why) = pull_error {
            sim.control().script(image, Script { cannot_pull: Some(why.into()), ..Script::default() });
        }
        let id = create(&sim, &group("web", vec![container("web", image, &[])]));
        wait(&sim, 3600);
        assert_eq!(status(&sim, &id), "Pending");
        wait(&sim, 4 * 3600);
        assert_eq!(status(&sim, &id), "Failed");
        // The last seconds fall into a fifth clock hour and are too few for a fen, so the parts are summed.
        let lines = sim.control().bill().lines;
        assert_eq!(lines.iter().map(|line| line.seconds).sum::<u64>(), 4 * 3600);
        let exact: Amount = lines.iter().flat_map(|line| line.parts.iter()).map(|part| part.amount).sum();
        assert_eq!(exact.to_string(), "1.764288", "B31");
    }
}

#[test]
fn the_longest_time_in_pending_can_be_set() {
    let sim = sim();
    let request = CreateContainerGroup {
        max_pending_minute: Some(10),
        ..group("web", vec![container("web", "Not An Image", &[])])
    };
    create(&sim, &request);
    wait(&sim, 3600);
    assert_eq!(sim.control().bill().total.to_string(), "0.073512", "B32");
}

#[test]
fn a_group_that_gets_no_machine_costs_nothing_and_is_gone_after_a_day() {
    let sim = sim();
    let script = Script {
        scheduling: Some(Duration::from_secs(300)),
        cannot_schedule: Some("no machine".into()),
        ..Script::default()
    };
    sim.control().script("nginx", script);
    let id = create(&sim, &group("web", vec![container("web", "nginx", &[])]));
    assert_eq!(wait_until(&sim, &id, "ScheduleFailed"), 300);
    wait(&sim, 86_399);
    assert_eq!(status(&sim, &id), "ScheduleFailed");
    wait(&sim, 1);
    assert_eq!(status(&sim, &id), "gone");
    assert_eq!(sim.control().bill().total.to_string(), "0", "B33");
}

#[test]
fn what_has_succeeded_costs_nothing_more() {
    let sim = sim();
    let id = create(&sim, &once("job", &["sleep", "600"]));
    wait_until(&sim, &id, "Succeeded");
    let then = sim.control().bill();
    wait(&sim, 12 * 3600);
    assert_eq!(sim.control().bill(), then, "B34");
    assert!(then.lines.iter().map(|line| line.seconds).sum::<u64>() >= 600);
}

#[test]
fn records_of_what_ended_are_kept_for_an_hour_and_then_the_latest_hundred() {
    let sim = sim();
    let ids: Vec<_> = (0..120).map(|index| create(&sim, &once(&format!("job-{index}"), &["true"]))).collect();
    wait(&sim, 3600);
    assert_eq!(ids.iter().filter(|id| status(&sim, id) == "Succeeded").count(), 120);
    wait(&sim, 3600);
    assert_eq!(ids.iter().filter(|id| status(&sim, id) == "Succeeded").count(), 100);
}

#[test]
fn a_group_with_a_stop_hook_is_terminating_for_a_while() {
    let sim = sim();
    let hook = Container {
        lifecycle_pre_stop_handler_exec: vec!["sleep".into(), "5".into()],
        ..container("web", "nginx", &[])
    };
    for (force, wanted) in [(None, "Terminating"), (Some(true), "gone")] {
        let id = create(&sim, &group("web", vec![hook.clone()]));
        wait(&sim, 60);
        let container_group_id = Some(id.clone());
        sim.act(&DeleteContainerGroup { container_group_id, force, ..DeleteContainerGroup::default() })
            .unwrap();
        assert_eq!(status(&sim, &id), wanted);
        wait(&sim, 30);
        assert_eq!(status(&sim, &id), "gone");
    }
}

#[test]
fn the_log_says_what_the_command_says_when_it_says_it() {
    let sim = sim();
    let id = create(&sim, &once("job", &["sh", "-c", "echo one; sleep 60; echo two; sleep 60"]));
    wait(&sim, 30);
    assert_eq!(log(&sim, &id, "main"), "one\n");
    wait(&sim, 60);
    assert_eq!(log(&sim, &id, "main"), "one\ntwo\n");
    let request = DescribeContainerLog {
        container_group_id: Some(id),
        container_name: Some("main".into()),
        tail: Some(1),
        timestamps: Some(true),
        ..DescribeContainerLog::default()
    };
    let line = sim.act(&request).unwrap().content;
    assert!(line.starts_with("2026-01-01T09:01:") && line.ends_with("Z two\n"), "{line}");
}

#[test]
fn a_script_decides_what_containers_of_an_image_do() {
    let sim = sim();
    let run = Some(Runs::For(Duration::from_secs(7)));
    let script = Script { run, exit_code: Some(9), log: vec!["working".into()], ..Script::default() };
    sim.control().script("batch:*", script);
    let request = CreateContainerGroup {
        restart_policy: Some("Never".into()),
        ..group("job", vec![container("main", "batch:1", &["nginx"])])
    };
    let id = create(&sim, &request);
    wait_until(&sim, &id, "Failed");
    let state = look(&sim, &id).unwrap().containers.remove(0).current_state.unwrap();
    assert_eq!((state.exit_code, state.reason.as_str()), (Some(9), "Error"));
    assert_eq!(log(&sim, &id, "main"), "working\n");
}

#[test]
fn a_page_has_twenty_groups_and_leads_to_the_next() {
    let sim = sim();
    for index in 0..45 {
        create(&sim, &once(&format!("job-{index:02}"), &[]));
    }
    let (mut names, mut pages, mut next_token) = (Vec::new(), Vec::new(), None);
    loop {
        let reply = sim.act(&DescribeContainerGroups { next_token, ..Default::default() }).unwrap();
        assert_eq!(reply.total_count, 45);
        pages.push(reply.container_groups.len());
        names.extend(reply.container_groups.into_iter().map(|group| group.container_group_name));
        next_token = Some(reply.next_token);
        if next_token.as_deref() == Some("") {
            break;
        }
    }
    assert_eq!(pages, [20, 20, 5]);
    assert!(names.is_sorted() && names.len() == 45);
}

#[test]
fn a_request_that_cannot_be_is_refused_with_the_cloud_s_code() {
    let web = || group("web", vec![container("web", "nginx", &[])]);
    let cpu = |vcpu: &str| Some(vcpu.parse().unwrap());
    for (request, code) in [
        (CreateContainerGroup { container_group_name: Some("Web".into()), ..web() }, "InvalidParameter"),
        (CreateContainerGroup { container: vec![], ..web() }, "MissingParameter"),
        (CreateContainerGroup { cpu: cpu("66"), memory: cpu("128"), ..web() }, "InvalidParameter.CPU.Memory"),
        (
            CreateContainerGroup { zone_id: Some("cn-hangzhou-z".into()), ..web() },
            "InvalidParameter.NotFound",
        ),
        (CreateContainerGroup { region_id: Some("cn-nowhere".into()), ..web() }, "InvalidParameter.NotFound"),
        (
            CreateContainerGroup { instance_type: Some("ecs.none".into()), ..web() },
            "InvalidInstanceTypeForEciBuy",
        ),
        (CreateContainerGroup { image_snapshot_id: Some("imc-1".into()), ..web() }, "ImageSnapshot.NotFound"),
        (CreateContainerGroup { data_cache_bucket: Some("b".into()), ..web() }, "InvalidParameter.NotFound"),
        (CreateContainerGroup { dry_run: Some(true), ..web() }, "DryRunOperation"),
        (
            group("web", vec![container("a", "nginx", &[]), container("a", "nginx", &[])]),
            "InvalidParameter.DuplicatedName",
        ),
    ] {
        let sim = sim();
        let refusal = sim.act(&request).unwrap_err();
        assert_eq!(refusal.wire_code(), code, "{refusal}");
        assert_eq!(sim.control().ledger(), [], "nothing happened");
    }
}

#[test]
fn the_same_token_gives_the_same_group_once() {
    let sim = sim();
    let request = CreateContainerGroup { client_token: Some("once".into()), ..once("job", &[]) };
    assert_eq!(create(&sim, &request), create(&sim, &request));
    let other = CreateContainerGroup { container_group_name: Some("other".into()), ..request };
    assert_eq!(sim.act(&other).unwrap_err(), Refusal::TokenMismatch("once".into()));
    assert_eq!(sim.control().groups().len(), 1);
}

#[test]
fn the_next_vswitch_is_taken_when_a_zone_is_sold_out() {
    let sim = sim();
    let web = |vswitches: &str| CreateContainerGroup {
        vswitch_id: Some(vswitches.into()),
        ..group("web", vec![container("web", "nginx", &[])])
    };
    create(&sim, &web("vsw-a"));
    create(&sim, &web("vsw-b"));
    sim.control().sell_out("cn-hangzhou-b");
    assert_eq!(sim.act(&web("vsw-a")).unwrap_err().wire_code(), "OperationDenied.NoStock");
    let id = create(&sim, &web("vsw-a,vsw-b"));
    assert_eq!(look(&sim, &id).unwrap().zone_id, "cn-hangzhou-e");
}

#[test]
fn a_price_is_the_one_of_the_vector() {
    let number = |text: &str| Some(text.parse().unwrap());
    let request = DescribeContainerGroupPrice { cpu: number("2"), memory: number("4"), ..Default::default() };
    let price = sim().act(&request).unwrap().price_info.unwrap().price.unwrap();
    let parts: Vec<_> =
        price.detail_infos.unwrap().detail_info.into_iter().map(|d| d.trade_price.to_string()).collect();
    assert_eq!(price.trade_price.to_string(), "0.00012252", "B3");
    assert_eq!(parts, ["0.000098", "0.00002452"]);
}

#[test]
fn status_and_events_tell_the_same_story() {
    let sim = sim();
    let id = create(&sim, &group("web", vec![container("web", "nginx", &[])]));
    wait(&sim, 60);
    let status = sim.act(&DescribeContainerGroupStatus::default()).unwrap().data.remove(0);
    let pod = status.pod_status.unwrap();
    assert_eq!((status.status.as_str(), pod.phase.as_str()), ("Running", "Running"));
    assert!(pod.conditions.iter().all(|condition| condition.status == "True"));
    let events = sim.act(&DescribeContainerGroupEvents::default()).unwrap().data.remove(0).events;
    let pulled = events.iter().find(|event| event.reason == "Pulled").unwrap();
    assert!(pulled.message.starts_with("Successfully pulled image \"nginx\" in 4."), "{}", pulled.message);
    assert_eq!(pulled.involved_object.clone().unwrap().uid, id);
}

#[test]
fn all_regions_are_listed_or_the_one_that_is_asked_for() {
    let sim = sim();
    let count = |region_id: Option<&str>| {
        let request = DescribeRegions { region_id: region_id.map(str::to_owned) };
        sim.act(&request).map(|reply| reply.regions.len())
    };
    assert_eq!(count(None), Ok(35));
    assert_eq!(count(Some("cn-hangzhou")), Ok(1));
    assert_eq!(count(Some("cn-nowhere")).unwrap_err().wire_code(), "InvalidParameter.NotFound");
}

fn story(seed: Seed) -> String {
    let clock = Clock::still(START_TIME.parse().unwrap());
    let sim = EciSim::builder().clock(clock).seed(seed).build();
    for index in 0..30 {
        let command = [&["sleep", "40"][..], &["false"], &["nginx"]][index % 3];
        create(&sim, &once(&format!("job-{index}"), command));
        wait(&sim, 3);
    }
    wait(&sim, 3600);
    sim.control().ledger().iter().map(|entry| format!("{entry}\n")).collect()
}

#[test]
fn the_same_seed_gives_the_same_ledger_to_the_last_byte() {
    assert_eq!(story(Seed::DEFAULT), story(Seed::DEFAULT));
    assert_ne!(story(Seed::DEFAULT), story("calm-fox-3".parse().unwrap()));
}

#[test]
fn every_operation_of_the_table_exists_in_the_contract() {
    let known: Vec<_> = eci_api::validate::actions().collect();
    assert!(eci_sim::actions::served().all(|name| known.contains(&name)));
    assert!(eci_sim::actions::served().any(|name| name == CreateContainerGroup::NAME));
}

#[derive(Debug, Clone)]
enum Move {
    Create { command: usize, policy: usize },
    Delete { which: usize, force: bool },
    Wait { seconds: u64 },
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let create = (0..5usize, 0..3usize).prop_map(|(command, policy)| Move::Create { command, policy });
    let delete = (0..10usize, any::<bool>()).prop_map(|(which, force)| Move::Delete { which, force });
    let wait = (0u64..20_000).prop_map(|seconds| Move::Wait { seconds });
    prop::collection::vec(prop_oneof![create, delete, wait], 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_done_every_step_is_an_edge_and_the_ledger_is_in_order(moves in moves()) {
        let sim = sim();
        let mut ids = Vec::new();
        for step in moves {
            match step {
                Move::Create { command, policy } => {
                    let commands = [&["sleep", "50"][..], &["false"], &["true"], &["nginx"], &["sh", "-c", "sleep 9; exit 2"]];
                    let restart_policy = Some(["Always", "OnFailure", "Never"][policy].to_owned());
                    ids.push(create(&sim, &CreateContainerGroup { restart_policy, ..once("job", commands[command]) }));
                }
                Move::Delete { which, force } => {
                    let container_group_id = ids.get(which).cloned();
                    let request = DeleteContainerGroup { container_group_id, force: Some(force), ..Default::default() };
                    let _may_be_gone = sim.act(&request);
                }
                Move::Wait { seconds } => wait(&sim, seconds),
            }
        }
        let entries = sim.control().ledger();
        prop_assert!(entries.is_sorted_by_key(|entry| entry.at));
        let mut states = std::collections::BTreeMap::new();
        for entry in &entries {
            if let eci_sim::ledger::LedgerEvent::Moved { from, to } = entry.event {
                let before = states.insert(entry.group.id.clone(), to);
                prop_assert_eq!(before.unwrap_or(eci_sim::lifecycle::State::Scheduling), from);
            }
        }
        for group in sim.control().groups() {
            let known = states.get(group.id.as_str()).map_or("Scheduling", |state| state.name());
            prop_assert_eq!(group.status.as_str(), known);
        }
        prop_assert!(sim.control().bill().total.known().unwrap() >= Amount::ZERO);
    }
}
