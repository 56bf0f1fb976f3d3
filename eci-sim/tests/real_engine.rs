//! A world whose containers a real Docker Engine runs. Needs one (`DOCKER_HOST`), and in it an image `busybox`:
//! `cargo test -p eci-sim --features docker --test real_engine -- --ignored`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "this program uses a part")]
mod support;

use std::time::Duration;

use determinism::Clock;
use eci_api::actions::create_container_group::{
    Container, EmptyDirVolume, EnvironmentVar, InitContainer, Volume, VolumeMount,
};
use eci_api::actions::{DeleteContainerGroup, ExecContainerCommand};
use eci_api::signature::Secret;
use eci_sim::EciSim;
use eci_sim::runtime::attach::{OutputFrame, StdinFrame};
use eci_sim::runtime::docker::{DockerEngine, Settings};
use eci_sim::runtime::engine::{Engine as _, RunId};
use support::{create, group, log, look};

fn settings() -> Settings {
    Settings {
        name: "eci-sim-tested".to_owned(),
        network: "bridge".to_owned(),
        sandbox: "busybox".to_owned(),
        routes: Vec::new(),
    }
}

fn shell(name: &str, priority: &str, script: &str) -> Container {
    let mut made = support::container(name, "busybox", &["sh", "-c", script]);
    made.volume_mount = vec![mount()];
    made.environment_var = vec![EnvironmentVar {
        key: Some("ECI_CONTAINER_EXIT_PRIORITY".to_owned()),
        value: Some(priority.to_owned()),
        ..Default::default()
    }];
    made
}

fn mount() -> VolumeMount {
    VolumeMount {
        name: Some("shared".to_owned()),
        mount_path: Some("/shared".to_owned()),
        ..Default::default()
    }
}

async fn until(what: &str, mut seen: impl FnMut() -> bool) {
    for _ in 0..600 {
        if tokio::task::block_in_place(&mut seen) {
            return;
        }
        pause().await;
    }
    panic!("{what} was not seen within a minute");
}

/// A moment before one looks again at an Engine, which lives in its own time.
async fn pause() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Docker Engine"]
async fn containers_run_for_real() {
    let sim =
        EciSim::builder().clock(Clock::system()).credential("local", Secret::new("local-secret")).build();
    sim.control().script("*", eci_sim::Script { scheduling: Some(Duration::ZERO), ..Default::default() });
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let engine = DockerEngine::connect(settings()).await.unwrap();
    let driver = tokio::spawn(sim.on_engine(engine).run(async { drop(stopped.await) }));

    let end =
        |name: &str| format!("trap 'echo {name} >> /shared/ends; exit 0' TERM; while :; do sleep 0.1; done");
    let mut first = shell("first", "5", &format!("cat /shared/init; {}", end("first")));
    first.lifecycle_post_start_handler_exec = ["sh", "-c", "echo up > /shared/up"].map(str::to_owned).into();
    first.lifecycle_pre_stop_handler_exec =
        ["sh", "-c", "echo hook >> /shared/ends"].map(str::to_owned).into();
    let last = shell("last", "0", &format!("echo $HOSTNAME; {}", end("last")));
    let mut watcher = shell("watcher", "-5", &end("watcher"));
    watcher.lifecycle_pre_stop_handler_exec =
        ["sh", "-c", "test \"$(cat /shared/ends | tr '\\n' ' ')\" = 'hook first last '"]
            .map(str::to_owned)
            .into();
    let mut asked = group("real", vec![first, last, watcher]);
    asked.termination_grace_period_seconds = Some(10);
    asked.volume = vec![Volume {
        name: Some("shared".to_owned()),
        type_: Some("EmptyDirVolume".to_owned()),
        empty_dir_volume: Some(EmptyDirVolume { medium: Some("Memory".to_owned()), ..Default::default() }),
        ..Default::default()
    }];
    asked.init_container = vec![InitContainer {
        name: Some("init".to_owned()),
        image: Some("busybox".to_owned()),
        command: ["sh", "-c", "echo from init > /shared/init"].map(str::to_owned).into(),
        volume_mount: vec![mount()],
        ..Default::default()
    }];
    let id = create(&sim, &asked);
    until("a running group", || look(&sim, &id).unwrap().status == "Running").await;

    // memory that an init container filled, and what a container says
    until("a log", || log(&sim, &id, "first") == "from init\n").await;
    let run = |command: &str| {
        let request = ExecContainerCommand {
            container_group_id: Some(id.clone()),
            container_name: Some("last".to_owned()),
            command: Some(serde_json::to_string(&["sh", "-c", command]).unwrap()),
            sync: Some(true),
            tty: Some(false),
            ..Default::default()
        };
        tokio::task::block_in_place(|| sim.act(&request)).unwrap().sync_response
    };
    // the start hook of another container
    until("what the start hook wrote", || run("cat /shared/up") == "up\n").await;
    // one network namespace, and the address that the cloud tells
    let address = look(&sim, &id).unwrap().intranet_ip;
    assert!(run("ip addr show dev eth0").contains(&format!("inet {address}/")), "{address}");

    // much both ways, until nothing more is typed
    let beside = DockerEngine::connect(settings()).await.unwrap();
    let words = ["cat".to_owned()];
    let mut cat = beside.attach(&RunId::of(&id, "last", 1), &words, false, true).await.unwrap();
    let typed = cat.input.clone();
    let typing = tokio::spawn(async move {
        for _ in 0..512 {
            typed.send(StdinFrame::Bytes(vec![7; 8192].into())).await.unwrap();
        }
        typed.send(StdinFrame::Bytes(Vec::new().into())).await.unwrap();
    });
    let (mut heard, mut code) = (0, None);
    while let Some(out) = tokio::time::timeout(Duration::from_secs(60), cat.output.recv()).await.unwrap() {
        match out {
            OutputFrame::Output(bytes) => heard += bytes.len(),
            OutputFrame::Errors(bytes) => panic!("{bytes:?}"),
            OutputFrame::Ended(with) => code = Some(with),
        }
    }
    typing.await.unwrap();
    assert_eq!((heard, code), (512 * 8192, Some(0)));

    // the ends: the hook first, then one exit priority after the other, as the last one's hook sees
    let request = DeleteContainerGroup { container_group_id: Some(id.clone()), ..Default::default() };
    sim.act(&request).unwrap();
    let mut told = Vec::new();
    until("the group's end", || match look(&sim, &id) {
        Some(group) => {
            told = group.events.into_iter().map(|event| event.reason).collect();
            false
        }
        None => true,
    })
    .await;
    assert!(!told.iter().any(|reason| reason == "FailedPreStopHook"), "{told:?}");
    drop(stop);
    driver.await.unwrap().unwrap();
}
