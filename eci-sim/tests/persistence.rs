//! A persistent world: what was acknowledged is there after `kill -9`, and a damaged store is refused.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{START_TIME, create, once};
use determinism::{Clock, Seed};
use eci_api::query::{Pairs, render};
use eci_api::signature::{Secret, rpc};
use eci_sim::{ControlServer, EciSim, Incoming, StoreError};
use serde_json::{Value, json};

/// A simulator as a process, with the addresses that it printed.
struct Process {
    child: Child,
    eci: String,
    control: String,
}

impl Process {
    fn start(data: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_eci-sim"))
            .args(["--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--data", data.to_str().unwrap()])
            .args(["--access-key-id", "local", "--access-key-secret", "local-secret"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        let mut address = || {
            let line = lines.next().unwrap().unwrap();
            line.split("http://").nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
        };
        let (eci, control) = (address(), address());
        Self { child, eci, control }
    }

    /// Kills it as `kill -9` does.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn control(&self, method: &str, path: &str, body: &Value) -> String {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        http(&self.control, method, path, &body).unwrap().1
    }

    /// What can be seen of the world.
    fn world(&self) -> Vec<String> {
        let looks = [
            "/groups",
            "/ledger",
            "/bill",
            "/faults",
            "/stock",
            "/quota",
            "/throttling",
            "/clock",
            "/snapshots",
        ];
        looks.iter().map(|path| self.control("GET", path, &Value::Null)).collect()
    }
}

fn http(address: &str, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// A signed call, as a client with the machine's own time sends it.
fn call(address: &str, action: &str, parameters: &[(&str, &str)], nonce: &str) -> Option<(u16, Value)> {
    let mut pairs: Pairs = parameters.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let key = ("local", &Secret::new("local-secret"));
    rpc::complete(&mut pairs, action, key, "POST", Clock::system().now(), nonce);
    let (status, body) = http(address, "POST", &format!("/?{}", render(&pairs)), "")?;
    Some((status, serde_json::from_str(&body).ok()?))
}

fn create_over(address: &str, name: &str) -> Option<String> {
    let parameters = [
        ("RegionId", "cn-hangzhou"),
        ("ContainerGroupName", name),
        ("Container.1.Name", "web"),
        ("Container.1.Image", "nginx"),
    ];
    let (_, answer) = call(address, "CreateContainerGroup", &parameters, name)?;
    Some(answer["ContainerGroupId"].as_str()?.to_owned())
}

/// Sums up as often as it may.
const OFTEN: [&str; 2] = ["--journal-compact-kib", "0"];

#[test]
fn a_killed_process_goes_on_where_it_was() {
    goes_on_where_it_was(&[]);
}

#[test]
fn a_killed_process_that_was_summed_up_goes_on_where_it_was() {
    goes_on_where_it_was(&OFTEN);
}

fn goes_on_where_it_was(arguments: &[&str]) {
    let data = tempfile::tempdir().unwrap();
    let process = Process::start(data.path(), &[&["--time", "paused"], arguments].concat());
    let kept = create_over(&process.eci, "kept").unwrap();
    let gone = create_over(&process.eci, "gone").unwrap();
    process.control("POST", "/scripts", &json!({ "pattern": "nginx", "run-seconds": 600, "exit-code": 1 }));
    process.control("POST", "/clock/advance", &json!({ "seconds": 5400 }));
    process.control("POST", "/snapshots/half-past", &Value::Null);
    process.control("POST", "/stock", &json!({ "sold-out": "cn-hangzhou-b" }));
    process.control(
        "POST",
        "/faults",
        &json!({ "action": "Describe*", "times": 2, "verdict": { "refuse": { "code": "Throttling" } } }),
    );
    call(&process.eci, "DescribeRegions", &[], "looks once").unwrap();
    let delete = [("RegionId", "cn-hangzhou"), ("ContainerGroupId", gone.as_str())];
    assert_eq!(call(&process.eci, "DeleteContainerGroup", &delete, "delete").unwrap().0, 200);
    let before = process.world();
    process.kill();

    let process = Process::start(data.path(), arguments);
    assert_eq!(process.world(), before);
    assert!(before[0].contains(&kept) && before[3].contains("\"times\": 1"), "{before:#?}");
    let again = call(&process.eci, "DeleteContainerGroup", &delete, "delete").unwrap().1;
    assert_eq!(again["Code"], "SignatureNonceUsed");
    process.control("POST", "/snapshots/half-past/load", &Value::Null);
    assert!(process.control("GET", "/groups", &Value::Null).contains(&gone));
    let put_back = process.world();
    process.kill();
    let process = Process::start(data.path(), &[]);
    assert_eq!(process.world(), put_back);
    process.kill();
}

#[test]
fn whatever_was_acknowledged_when_it_was_killed_is_there() {
    let data = tempfile::tempdir().unwrap();
    for round in 0..4 {
        let sums_up: &[&str] = if round % 2 == 1 { &OFTEN } else { &[] };
        let process = Process::start(data.path(), &[&["--time", "paused"], sums_up].concat());
        let address = process.eci.clone();
        let clients: Vec<_> = (0..4)
            .map(|client| {
                let address = address.clone();
                std::thread::spawn(move || {
                    let names = (0..).map(|n| format!("r{round}-c{client}-{n}"));
                    names.map_while(|name| create_over(&address, &name)).collect::<Vec<_>>()
                })
            })
            .collect();
        while serde_json::from_str::<Vec<Value>>(&process.control("GET", "/groups", &Value::Null))
            .unwrap()
            .len()
            < 40 * (round + 1)
        {}
        process.kill();
        let acknowledged: Vec<String> =
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
        assert!(acknowledged.len() >= 20, "{}", acknowledged.len());
        let process = Process::start(data.path(), &[]);
        let groups = process.control("GET", "/groups", &Value::Null);
        for id in acknowledged {
            assert!(groups.contains(&id), "{id} of round {round} is lost");
        }
        process.kill();
    }
}

fn keep(data: &Path) -> Result<EciSim, StoreError> {
    EciSim::builder().clock(Clock::still(START_TIME.parse().unwrap())).persist(data, None)
}

#[test]
fn two_cannot_keep_the_same_world() {
    let data = tempfile::tempdir().unwrap();
    let _first = keep(data.path()).unwrap();
    let why = keep(data.path()).unwrap_err().to_string();
    assert!(why.contains("is open in another eci-sim"), "{why}");
}

#[test]
fn a_world_of_another_seed_is_refused() {
    let data = tempfile::tempdir().unwrap();
    drop(keep(data.path()).unwrap());
    let seed: Seed = "calm-fox-1".parse().unwrap();
    let why = EciSim::builder().seed(seed).persist(data.path(), None).unwrap_err().to_string();
    assert!(why.contains("was begun with the seed quiet-otter-17, not calm-fox-1"), "{why}");
}

#[test]
fn time_goes_on_while_nobody_is_there() {
    let data = tempfile::tempdir().unwrap();
    let outside = Clock::still(START_TIME.parse().unwrap());
    let start = || {
        let clock = Clock::still(START_TIME.parse().unwrap());
        EciSim::builder().clock(clock).clients_clock(outside.clone()).persist(data.path(), None).unwrap()
    };
    let sim = start();
    let rate = Incoming {
        method: "POST".into(),
        path: "/clock".into(),
        body: "{\"rate\": 60}".into(),
        ..Incoming::default()
    };
    assert_eq!(ControlServer::new(sim.control()).answer(&rate).status(), 200);
    drop(sim);
    outside.advance(std::time::Duration::from_secs(60)).unwrap();
    let now = start().control().clock().now();
    assert_eq!(now.to_string().get(..16), Some("2026-01-01T10:00"), "{now}");
}

#[test]
fn a_damaged_world_is_refused_and_left_as_it_is() {
    let data = tempfile::tempdir().unwrap();
    let sim = keep(data.path()).unwrap();
    for n in 0..200 {
        create(&sim, &once(&format!("group-{n}"), &["sleep", "60"]));
    }
    drop(sim);
    let file = data.path().join("eci-sim.redb");
    let good = std::fs::read(&file).unwrap();
    let used = good.iter().rposition(|byte| *byte != 0).unwrap();
    let mut refused = 0;
    for at in (0..32).map(|part| part * used / 32) {
        let mut bad = good.clone();
        for byte in &mut bad[at..(at + 64).min(good.len())] {
            *byte ^= 0x5a;
        }
        std::fs::write(&file, &bad).unwrap();
        match keep(data.path()) {
            // The damage is where nothing is kept.
            Ok(sim) => assert_eq!(sim.control().groups().len(), 200, "byte {at}"),
            Err(why) => {
                refused += 1;
                let why = why.to_string();
                assert!(why.contains("is damaged: ") && why.contains(".damaged)"), "byte {at}: {why}");
            }
        }
    }
    assert!(refused >= 10, "{refused}");
    std::fs::write(&file, &good[..good.len() / 2]).unwrap();
    assert!(matches!(keep(data.path()), Err(StoreError::Damaged { .. })), "cut short");
    std::fs::write(&file, "not a world").unwrap();
    assert!(matches!(keep(data.path()), Err(StoreError::Damaged { .. })), "something else");
}

#[test]
fn what_is_kept_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let outer = tempfile::tempdir().unwrap();
    let data = outer.path().join("made");
    drop(keep(&data).unwrap());
    let file = data.join("eci-sim.redb");
    assert_eq!((mode(&data), mode(&file)), (0o700, 0o600));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    drop(keep(&data).unwrap());
    assert_eq!(mode(&file), 0o600, "one that an earlier version made");
}

#[test]
fn an_empty_file_is_refused_in_a_sentence_and_left_as_it_is() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("eci-sim.redb");
    std::fs::write(&file, "").unwrap();
    let why = keep(data.path()).unwrap_err();
    assert!(matches!(why, StoreError::Empty { .. }) && why.to_string().contains("0 bytes"), "{why}");
    assert_eq!(std::fs::metadata(&file).unwrap().len(), 0);
}
