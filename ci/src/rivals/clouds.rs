//! Calls a second of simulators of clouds, by the same client: ours beside two of another cloud.
//!
//! Each runs in a network namespace of its own, since not all of them can be told to listen on loopback alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::programs::{self, Running};
use super::results::{Measured, Question, Table, machine};
use crate::cache;
use crate::command::{bound_to_us, build, output_of, rest, retry_once};
use crate::kubernetes::module::fingerprint;

/// Turns of each program.
const TURNS: usize = 5;
/// Instances that each program has.
const INSTANCES: &str = "1000";
/// The access key that our simulator is told, and the client signs with.
const KEY: [&str; 4] = ["--access-key-id", "rivals", "--access-key-secret", "rivals-secret"];

/// The looks, 10 ms apart, within which a server has a network of its own.
const LEAVING_POLLS: u32 = 1_000;

/// A simulator, and how it is asked.
struct Simulator {
    /// Name and version.
    name: String,
    /// The program with its arguments.
    program: Vec<String>,
    environment: Vec<(&'static str, String)>,
    port: u16,
    dialect: &'static str,
    /// Calls in a turn: enough for seconds.
    calls: &'static str,
}

/// The server's network namespace, once it has left ours.
fn network(server: &Running) -> Result<PathBuf> {
    let (ours, own) =
        (fs::read_link("/proc/self/ns/net")?, PathBuf::from(format!("/proc/{}/ns/net", server.id())));
    for _ in 0..LEAVING_POLLS {
        if fs::read_link(&own)? != ours {
            return Ok(own);
        }
        rest(Duration::from_millis(10));
    }
    bail!("the server stays in the network of this machine")
}

/// Asks each simulator in turn.
pub fn measure(root: &Path) -> Result<Question> {
    let client = programs::of_benches(root, "calls-a-second")?;
    let simulators = simulators(root)?;
    let mut figures = vec![Vec::new(); simulators.len()];
    for turn in 1..=TURNS {
        for (simulator, told) in simulators.iter().zip(&mut figures) {
            let figure = simulator.ask(&client)?;
            println!("turn {turn} of {TURNS}: {}: {figure} calls a second", simulator.name);
            told.push(figure);
        }
    }
    let measured = simulators.into_iter().zip(figures);
    let measured = measured.map(|(one, figures)| Measured { program: one.name, figures });
    Ok(Question {
        title: format!("Calls a second for one instance of {INSTANCES}, by its id"),
        command: "cargo ci rivals    # asks each by: calls-a-second --to ADDRESS --dialect eci|ec2".to_owned(),
        machine: machine()?,
        tables: vec![Table { unit: "calls/s".to_owned(), measured: measured.collect() }],
        ledger: Vec::new(),
        differences: vec![
            "ours verifies the signature of each call and takes no nonce twice; the others read the heading of a signature and \
             verify nothing"
                .to_owned(),
            "ours answers DescribeContainerGroups of ECI in JSON, the others DescribeInstances of EC2 in XML: another cloud, \
             the same kind of question"
                .to_owned(),
            "moto's server closes the connection after each answer, and the client connects again".to_owned(),
            "server and client share the machine's cores; each server is started anew for each turn".to_owned(),
        ],
    })
}

impl Simulator {
    /// Calls a second of one turn, with the server started anew.
    fn ask(&self, client: &Path) -> Result<u64> {
        // the kernel kills it with us
        let mut server = bound_to_us(Path::new("unshare"));
        server
            .args(["--net", "--", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh"])
            .args(&self.program);
        server.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let server = Running::start(&self.name, &mut server)?;
        let mut ask = Command::new("nsenter");
        ask.arg(format!("--net={}", network(&server)?.display())).arg("--").arg(client);
        ask.args(["--to", &format!("127.0.0.1:{}", self.port), "--dialect", self.dialect]);
        ask.args(["--instances", INSTANCES, "--calls", self.calls, "--turns", "1"]);
        let said = output_of(&mut ask).with_context(|| self.name.clone())?;
        let figure = said.split_whitespace().next().and_then(|word| word.parse().ok());
        figure.with_context(|| format!("{}: no figure in {said:?}", self.name))
    }
}

fn simulators(root: &Path) -> Result<Vec<Simulator>> {
    let python = python(root)?;
    let (ours, version) = programs::ours(root, "eci-sim")?;
    let ours = ours.display().to_string();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    // the environment's own scripts name the folder that it was made in
    let interpreter = python.join("bin/python").display().to_string();
    let module = |name: &str| words(&[&interpreter, "-m", name]);
    Ok(vec![
        Simulator {
            name: version,
            program: [words(&[&ours, "--listen", "127.0.0.1:5001"]), words(&KEY)].concat(),
            environment: Vec::new(),
            port: 5001,
            dialect: "eci",
            calls: "40000",
        },
        Simulator {
            name: format!("ministack {}", installed(&python, "ministack")?),
            program: module("ministack"),
            environment: vec![("GATEWAY_PORT", "5001".to_owned())],
            port: 5001,
            dialect: "ec2",
            calls: "4000",
        },
        Simulator {
            name: format!("moto {}", installed(&python, "moto")?),
            program: [module("moto.server"), words(&["-p", "5001"])].concat(),
            environment: Vec::new(),
            port: 5001,
            dialect: "ec2",
            calls: "400",
        },
    ])
}

/// The Python environment with the others.
fn python(root: &Path) -> Result<PathBuf> {
    let requirements = root.join("ci/rivals/requirements.txt");
    let wanted = fs::read_to_string(&requirements).context("cannot read ci/rivals/requirements.txt")?;
    let version = output_of(Command::new("python3").arg("--version"))?;
    let key = fingerprint(&[&wanted, &version]);
    cache::entry(&format!("rivals-python/{key:016x}"), |environment| {
        build(Command::new("python3").args(["-m", "venv"]).arg(environment))?;
        retry_once("installing the other simulators", || {
            let mut pip = Command::new(environment.join("bin/python"));
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
            build(pip.arg("--requirement").arg(&requirements))
        })
    })
}

/// The version of a Python package.
fn installed(environment: &Path, package: &str) -> Result<String> {
    let mut python = Command::new(environment.join("bin/python"));
    let ask = format!("import importlib.metadata; print(importlib.metadata.version('{package}'))");
    let said = output_of(python.args(["-c", &ask]))?;
    let version = said.trim().to_owned();
    ensure!(!version.is_empty(), "{package} tells no version");
    Ok(version)
}
