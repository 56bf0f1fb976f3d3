//! A world whose containers an Engine runs, here one that is played: what is ordered, and what follows from what is seen.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod endings;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{START_TIME, container, create, group, look, once};
use determinism::Clock;
use eci_api::actions::describe_container_groups::ContainerGroup;
use eci_api::actions::{CreateContainerGroup, DeleteContainerGroup};
use eci_api::signature::Secret;
use eci_sim::EciSim;
use eci_sim::runtime::attach::{Attached, OutputFrame, pair};
use eci_sim::runtime::engine::{Engine, EngineError, ExitStatus, Launch, RunId, Sandbox};
use futures::StreamExt as _;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// An Engine whose containers do what their image is called.
#[derive(Clone, Default)]
struct Played(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    done: Vec<String>,
    launches: BTreeMap<String, Launch>,
    pulled: bool,
}

impl Played {
    fn note(&self, what: String) {
        self.0.lock().unwrap().done.push(what);
    }

    fn done(&self) -> Vec<String> {
        self.0.lock().unwrap().done.clone()
    }
}

fn named(run: &RunId) -> String {
    format!("{}.{}", run.container, run.number)
}

impl Engine for Played {
    async fn has(&self, image: &str) -> Result<bool, EngineError> {
        let mut seen = self.0.lock().unwrap();
        Ok(image != "far" || std::mem::replace(&mut seen.pulled, true))
    }

    async fn pull(&self, image: &str) -> Result<(), EngineError> {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        match image {
            "far" => Ok(()),
            _ => Err(EngineError::Failed("no such host".to_owned())),
        }
    }

    async fn sandbox(&self, sandbox: &Sandbox) -> Result<Ipv4Addr, EngineError> {
        self.note(format!("sandbox {}", sandbox.host_name));
        Ok(Ipv4Addr::new(172, 18, 0, 7))
    }

    async fn start(&self, launch: &Launch) -> Result<(), EngineError> {
        let name = named(&launch.run);
        if launch.image == "broken" {
            return Err(EngineError::Failed(
                "exec: \"serve\": executable file not found in $PATH".to_owned(),
            ));
        }
        self.note(format!("start {name}"));
        self.0.lock().unwrap().launches.insert(name, launch.clone());
        Ok(())
    }

    async fn wait(&self, run: &RunId) -> Result<ExitStatus, EngineError> {
        let launch = self.0.lock().unwrap().launches[&named(run)].clone();
        match launch.image.as_str() {
            "ends-well" => tokio::time::sleep(Duration::from_secs(5)).await,
            "ends-badly" | "hungry" => tokio::time::sleep(Duration::from_millis(100)).await,
            _ => std::future::pending().await,
        }
        let exit_code = match launch.image.as_str() {
            "ends-well" => 0,
            "hungry" => 137,
            _ => 3,
        };
        Ok(ExitStatus { exit_code, out_of_memory: launch.image == "hungry" })
    }

    async fn kill(&self, run: &RunId) -> Result<(), EngineError> {
        self.note(format!("kill {}", named(run)));
        Ok(())
    }

    async fn stop(&self, run: &RunId, seconds: u32) -> Result<(), EngineError> {
        self.note(format!("stop {} {seconds}", named(run)));
        Ok(())
    }

    async fn remove(&self, _: &str) -> Result<(), EngineError> {
        self.note("remove".to_owned());
        Ok(())
    }

    async fn logs(&self, run: &RunId, tail: usize) -> Result<Vec<(Timestamp, String)>, EngineError> {
        let line =
            |second: i64| (Timestamp::from_second(1_767_258_000 + second).unwrap(), format!("line {second}"));
        assert_eq!((named(run), tail), ("main.1".to_owned(), 2000));
        Ok((0..3).map(line).collect())
    }

    async fn exec(&self, run: &RunId, words: &[String]) -> Result<String, EngineError> {
        Ok(format!("{} in {}\n", words.join(" "), named(run)))
    }

    async fn attach(
        &self,
        run: &RunId,
        words: &[String],
        tty: bool,
        _: bool,
    ) -> Result<Attached, EngineError> {
        let (near, far) = pair();
        let said = format!("{} in {}, terminal {tty}", words.join(" "), named(run));
        let code = if words[0] == "healthy" { 0 } else { 4 };
        if words[0] == "cat" {
            tokio::spawn(endings::echo(far));
            return Ok(near);
        }
        if words.len() > 1 {
            self.note(format!("{} in {}", words.join(" "), named(run)));
        }
        tokio::spawn(async move {
            far.say(OutputFrame::Output(said.into())).await && far.say(OutputFrame::Ended(code)).await
        });
        Ok(near)
    }

    async fn sweep(&self) -> Result<(), EngineError> {
        self.note("sweep".to_owned());
        Ok(())
    }
}

/// A simulator on such an Engine; time goes on when all wait.
struct Stage {
    sim: EciSim,
    engine: Played,
    stop: Option<oneshot::Sender<()>>,
    driver: JoinHandle<Result<(), EngineError>>,
}

impl Stage {
    fn begin() -> Self {
        let clock = Clock::following_runtime(START_TIME.parse().unwrap());
        let sim = EciSim::builder().clock(clock).credential("local", Secret::new("local-secret")).build();
        let engine = Played::default();
        let driver = sim.on_engine(engine.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        let driver = tokio::spawn(driver.run(async { drop(stopped.await) }));
        Self { sim, engine, stop: Some(stop), driver }
    }

    /// The group after so many seconds more.
    async fn after(&self, seconds: u64, id: &str) -> ContainerGroup {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        look(&self.sim, id).unwrap()
    }
}

fn never(image: &str) -> CreateContainerGroup {
    CreateContainerGroup {
        restart_policy: Some("Never".to_owned()),
        ..group("job", vec![container("main", image, &[])])
    }
}

fn reasons(group: &ContainerGroup) -> Vec<&str> {
    group.events.iter().map(|event| event.reason.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_group_runs_under_the_engine_s_address_and_ends_with_the_run_s_own_code() {
    for (image, status, code, reason) in [
        ("ends-well", "Succeeded", 0, "Completed"),
        ("ends-badly", "Failed", 3, "Error"),
        ("hungry", "Failed", 137, "OOMKilled"),
    ] {
        let stage = Stage::begin();
        let id = create(&stage.sim, &never(image));
        assert_eq!(look(&stage.sim, &id).unwrap().intranet_ip, "");
        let group = stage.after(60, &id).await;
        assert_eq!((group.status.as_str(), group.intranet_ip.as_str()), (status, "172.18.0.7"), "{image}");
        let state = group.containers[0].current_state.clone().unwrap();
        assert_eq!((state.exit_code, state.reason.as_str()), (Some(code), reason), "{image}");
        assert_eq!(stage.engine.done(), ["sweep", "sandbox job", "start main.1"], "{image}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_container_that_ends_is_started_again_after_the_cloud_s_own_waits() {
    let stage = Stage::begin();
    let id = create(&stage.sim, &group("web", vec![container("main", "ends-badly", &[])]));
    let group = stage.after(60, &id).await;
    assert_eq!(group.containers[0].restart_count, 3, "at once, after 10 s, after 20 s");
    assert!(reasons(&group).contains(&"BackOff"), "{:?}", reasons(&group));
    let starts: Vec<_> = stage.engine.done().into_iter().filter(|done| done.starts_with("start")).collect();
    assert_eq!(starts, ["start main.1", "start main.2", "start main.3", "start main.4"]);
}

#[tokio::test(start_paused = true)]
async fn an_image_is_pulled_when_it_is_not_there_and_a_pull_that_fails_is_told_in_the_cloud_s_words() {
    let stage = Stage::begin();
    let far = create(&stage.sim, &group("far", vec![container("main", "far", &[])]));
    let nowhere = create(&stage.sim, &{
        let mut asked = group("nowhere", vec![container("main", "nowhere", &[])]);
        asked.container[0].image_pull_policy = Some("Always".to_owned());
        asked
    });
    let group = stage.after(20, &far).await;
    assert_eq!(group.status, "Running");
    assert!(reasons(&group).contains(&"Pulling") && reasons(&group).contains(&"Pulled"));
    let group = look(&stage.sim, &nowhere).unwrap();
    let state = group.containers[0].current_state.clone().unwrap();
    assert_eq!((group.status.as_str(), state.reason.as_str()), ("Pending", "ImagePullBackOff"));
    assert!(group.events.iter().any(|event| event.message.contains("no such host")), "{:?}", group.events);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_started_ends_with_a_start_error() {
    let stage = Stage::begin();
    let id = create(&stage.sim, &never("broken"));
    let group = stage.after(20, &id).await;
    let state = group.containers[0].current_state.clone().unwrap();
    assert_eq!((state.exit_code, state.reason.as_str()), (Some(128), "StartError"));
    assert!(group.events.iter().any(|event| event.message.contains("executable file not found")));
    assert!(!reasons(&group).contains(&"Started"));
}

#[tokio::test(start_paused = true)]
async fn init_containers_run_one_after_the_other_and_before_the_rest() {
    let stage = Stage::begin();
    let mut asked = group("web", vec![container("main", "stays", &[])]);
    asked.init_container = ["first", "second"]
        .map(|name| eci_api::actions::create_container_group::InitContainer {
            name: Some(name.into()),
            image: Some("ends-well".into()),
            ..Default::default()
        })
        .into();
    let id = create(&stage.sim, &asked);
    assert_eq!(stage.after(60, &id).await.status, "Running");
    assert_eq!(
        stage.engine.done(),
        ["sweep", "sandbox web", "start first.1", "start second.1", "start main.1"]
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_a_group_that_is_deleted_and_of_none_at_the_end() {
    let mut stage = Stage::begin();
    let id = create(&stage.sim, &group("web", vec![container("main", "stays", &[])]));
    stage.after(20, &id).await;
    let request = DeleteContainerGroup { container_group_id: Some(id.clone()), ..Default::default() };
    stage.sim.act(&request).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(look(&stage.sim, &id).is_none());
    stage.stop.take();
    (&mut stage.driver).await.unwrap().unwrap();
    assert_eq!(
        stage.engine.done(),
        ["sweep", "sandbox web", "start main.1", "stop main.1 30", "remove", "sweep"]
    );
}

/// A group that serves, on an Engine and at the machine's own time.
async fn serving() -> (EciSim, String, JoinHandle<Result<(), EngineError>>) {
    let clock = Clock::system();
    let sim = EciSim::builder().clock(clock).credential("local", Secret::new("local-secret")).build();
    sim.control().script("*", eci_sim::Script { scheduling: Some(Duration::ZERO), ..Default::default() });
    let driver = tokio::spawn(sim.on_engine(Played::default()).run(std::future::pending()));
    let id = create(&sim, &once("job", &["serve"]));
    while look(&sim, &id).unwrap().status != "Running" {
        tokio::task::yield_now().await;
    }
    (sim, id, driver)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_run_said_and_what_a_command_in_it_says_are_the_engine_s_own() {
    let (sim, id, driver) = serving().await;
    let log = |tail| {
        let request = eci_api::actions::DescribeContainerLog {
            container_group_id: Some(id.clone()),
            container_name: Some("main".to_owned()),
            tail,
            ..Default::default()
        };
        tokio::task::block_in_place(|| sim.act(&request)).unwrap().content
    };
    assert_eq!(log(None), "line 0\nline 1\nline 2\n");
    assert_eq!(log(Some(1)), "line 2\n");
    let request = eci_api::actions::ExecContainerCommand {
        container_group_id: Some(id.clone()),
        container_name: Some("main".to_owned()),
        command: Some(r#"["cat", "/etc/hosts"]"#.to_owned()),
        sync: Some(true),
        tty: Some(false),
        ..Default::default()
    };
    let said = tokio::task::block_in_place(|| sim.act(&request)).unwrap();
    assert_eq!(said.sync_response, "cat /etc/hosts in main.1\n");
    driver.abort();
}

#[tokio::test(start_paused = true)]
async fn probes_are_asked_of_the_run_itself() {
    use eci_api::actions::create_container_group::{Exec, Probe};
    let probe = |word: &str| Probe {
        exec: Some(Exec { command: vec![word.into()] }),
        initial_delay_seconds: Some(5),
        period_seconds: Some(5),
        failure_threshold: Some(2),
        ..Default::default()
    };
    for (liveness, readiness, ready, kills) in
        [("healthy", "healthy", true, 0), ("healthy", "sick", false, 0), ("sick", "healthy", true, 1)]
    {
        let stage = Stage::begin();
        let mut asked = group("web", vec![container("main", "stays", &[])]);
        asked.container[0].liveness_probe = Some(probe(liveness));
        asked.container[0].readiness_probe = Some(probe(readiness));
        let id = create(&stage.sim, &asked);
        // before the second sick answer, 10 s after the start, none that runs is ended
        while look(&stage.sim, &id).unwrap().status != "Running" {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let group = stage.after(8, &id).await;
        assert_eq!((group.containers[0].ready, group.containers[0].restart_count), (ready, 0), "{readiness}");
        let group = stage.after(6, &id).await;
        let killed = stage.engine.done().iter().filter(|done| done.starts_with("kill")).count();
        assert_eq!(killed, kills, "liveness {liveness}");
        let unhealthy = group.events.iter().any(|event| event.reason == "Unhealthy");
        assert_eq!(unhealthy, liveness == "sick" || readiness == "sick");
    }
}

/// A session of a command in the one container of a group.
async fn session(sim: EciSim, id: String, command: &str, tty: bool) -> WebSocketStream<TcpStream> {
    let request = eci_api::actions::ExecContainerCommand {
        container_group_id: Some(id),
        container_name: Some("main".to_owned()),
        command: Some(command.to_owned()),
        tty: Some(tty),
        ..Default::default()
    };
    let uri = sim.act(&request).unwrap().web_socket_uri;
    let (_, path) = uri.split_once("/exec/").unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(socket.local_addr().unwrap()).await.unwrap();
    let answer = move |request| sim.exchange(request);
    tokio::spawn(eci_sim::listener::serve(socket, answer, std::future::pending()));
    let uri = format!("ws://127.0.0.1/exec/{path}");
    tokio_tungstenite::client_async(uri, stream).await.unwrap().0
}

#[tokio::test]
async fn a_session_is_the_engine_s_too() {
    let (sim, id, driver) = serving().await;
    let mut session = session(sim, id, "/bin/bash", true).await;
    assert_eq!(session.next().await.unwrap().unwrap().into_data(), "/bin/bash in main.1, terminal true");
    let close = session.next().await.unwrap().unwrap();
    assert!(matches!(&close, Message::Close(Some(frame)) if &*frame.reason == "exit code 4"), "{close:?}");
    driver.abort();
}

#[tokio::test(start_paused = true)]
async fn the_control_api_does_not_move_the_time_of_what_is_real() {
    let stage = Stage::begin();
    for (path, body) in [
        ("/clock", "{\"rate\": 60}"),
        ("/clock/advance", "{\"seconds\": 60}"),
        ("/snapshots/now/load", ""),
        ("/snapshots/now/fork", ""),
    ] {
        let request = http::Request::post(path).header("host", "127.0.0.1").body(body.into()).unwrap();
        let answer = stage.sim.control().call(request);
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        assert!(
            answer.status() == 409 && text.contains("run for real"),
            "{path}: {} {text}",
            answer.status()
        );
    }
}
