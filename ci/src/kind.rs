//! A real kind cluster on this machine, also where nothing can be pulled.

mod containers;
mod door;
pub mod engine;
mod guide;
mod mixed;
mod node_image;
mod release;
pub mod trim;

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use anyhow::{Context, Result, bail, ensure};
use clap::Subcommand;

use self::engine::{Engine, pause};
use crate::checks::{Ended, command, lacking, with_second_try};
use crate::images;
use crate::plane::bound;
use crate::sdk::cache;
use crate::tools::tool;

/// The name of a person's cluster, for kind, where `KIND_CLUSTER_NAME` does not give it another.
const CLUSTER: &str = "virtual-node";
/// The name of the check's own, so that it takes nobody's away.
const CHECKED: &str = "virtual-node-check";
/// How long a part of a cluster may take to be ready on a machine that does something else as well.
const PATIENCE: &str = "180s";

/// What can be done with it.
#[derive(Debug, Subcommand)]
pub enum Wish {
    /// Make the node's image from Debian packages and Go modules, once, and print its archive.
    NodeImage,
    /// Start an Engine where none answers.
    Engine,
    /// Start an Engine where none answers, and a cluster in it.
    Up,
    /// Load our images into the cluster, and install the simulator and the chart.
    Install {
        /// The provider lives by the simulator's clock, which begins in the past: so cases can be played on it.
        #[arg(long)]
        following: bool,
    },
    /// Play the guide's three ways by real kubectl on what is installed, and look at the bill.
    Guide,
    /// All of it: up, install, every case, install anew, guide, mixed, upgrade, rollback, uninstall, down.
    Check,
    /// Play the guide's mixed cluster on what is installed: pods on both kinds of node run, and reach each other.
    Mixed,
    /// Run a command where the cluster is reached: in its network, with KUBECONFIG, and with kind and helm in PATH.
    Run {
        /// The command and its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<OsString>,
    },
    /// Remove the cluster, and the Engine if it is ours.
    Down,
}

/// Does it.
pub fn run(root: &Path, wish: &Wish) -> Result<()> {
    match wish {
        Wish::NodeImage => println!("{}", node_image::archive(root)?.display()),
        Wish::Engine => println!("{}", Engine::ensure()?.told()),
        Wish::Up => up(&Cluster { engine: prepare(root)?, name: name() })?,
        Wish::Install { following } => {
            install(&cluster()?, root, if *following { Time::Simulated } else { Time::Real })?;
        }
        Wish::Guide => guide::play(&cluster()?)?,
        Wish::Check => match check(root)? {
            Ended::Passed => {}
            Ended::Skipped(why) => bail!("there can be no kind cluster here: {why}"),
        },
        Wish::Mixed => mixed::play(&cluster()?, root)?,
        Wish::Run { command } => run_inside(command)?,
        Wish::Down => down(name())?,
    }
    Ok(())
}

/// A cluster by its name, and the Engine that it runs in.
struct Cluster {
    engine: Engine,
    name: &'static str,
}

impl Cluster {
    /// A command that reaches the Engine and, by its network, the nodes in it.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        self.engine.command(program)
    }

    fn kubeconfig(&self) -> Result<PathBuf> {
        let kept = cache()?.join("kind");
        Ok(if self.name == CLUSTER {
            kept.join("kubeconfig")
        } else {
            kept.join(self.name).with_extension("kubeconfig")
        })
    }

    fn exists(&self) -> Result<bool> {
        Ok(self.all()?.lines().any(|name| name == self.name))
    }

    /// The names of all kind clusters of the Engine.
    fn all(&self) -> Result<String> {
        says(inside(self, "kind")?.args(["get", "clusters", "--quiet"]))
    }
}

/// By which time an installation lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Time {
    /// The machine's, as everywhere else.
    Real,
    /// The simulator's, which somebody moves. It begins in the past, so that no date of it lies in the cluster's future:
    /// controllers wait for what does.
    Simulated,
}

/// When simulated time begins: not at a full hour, since bills are cut there.
const BEGINNING: &str = "2025-01-06T01:30:00Z";

/// A command that reaches the cluster, and ends with this program, whatever ends it.
fn inside(cluster: &Cluster, program: impl AsRef<std::ffi::OsStr>) -> Result<Command> {
    Ok(bound(&reaching(cluster, program)?))
}

/// A command that reaches the cluster.
fn reaching(cluster: &Cluster, program: impl AsRef<std::ffi::OsStr>) -> Result<Command> {
    let mut folders = vec![];
    for name in ["helm", "kind"] {
        folders.extend(tool(name)?.parent().map(Path::to_owned));
    }
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let mut command = cluster.command(program);
    command.env("KUBECONFIG", cluster.kubeconfig()?).env("PATH", std::env::join_paths(folders)?);
    for proxy in ["http_proxy", "https_proxy", "all_proxy"] {
        command.env_remove(proxy).env_remove(proxy.to_uppercase());
    }
    Ok(command)
}

fn says(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{command:?} ended with {}:\n{error}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// An Engine that has the node's image and can run it, and the tools: all that depends on this machine.
fn prepare(root: &Path) -> Result<Engine> {
    let engine = Engine::ensure()?;
    let tag = node_image::tag();
    let known = engine.command("docker").args(["image", "inspect", &tag]).output()?;
    if !known.status.success() {
        let archive = node_image::archive(root)?;
        command(engine.command("docker").args(["load", "--quiet", "--input"]).arg(archive))?;
    }
    for name in ["helm", "kind"] {
        tool(name)?; // builds what is not there yet
    }
    let mut trial = engine.command("docker");
    trial.args(["run", "--rm", "--privileged", "--entrypoint=/bin/true", &tag]);
    says(&mut trial).context("the Docker Engine cannot run a node")?;
    Ok(engine)
}

fn up(cluster: &Cluster) -> Result<()> {
    if !cluster.exists()? {
        let tag = node_image::tag();
        let mut create = inside(cluster, "kind")?;
        create.args(["create", "cluster", "--name", cluster.name, "--image", &tag, "--wait", PATIENCE]);
        command(create.arg("--kubeconfig").arg(cluster.kubeconfig()?))?;
    }
    // kind waits for the control plane alone
    let timeout = format!("--timeout={PATIENCE}");
    let kubectl = |arguments: &[&str]| command(inside(cluster, "kubectl")?.args(arguments).arg(&timeout));
    kubectl(&["wait", "--for=condition=Ready", "nodes", "--selector=!type"])?;
    kubectl(&["--namespace=kube-system", "wait", "--for=condition=Available", "deployment/coredns"])?;
    println!("export KUBECONFIG={}", cluster.kubeconfig()?.display());
    if matches!(cluster.engine, Engine::Own) {
        println!("# the cluster is in a network of its own: cargo ci kind run -- kubectl get nodes");
    }
    Ok(())
}

/// The name of a person's cluster, as kind itself finds it.
fn name() -> &'static str {
    static GIVEN: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("KIND_CLUSTER_NAME").ok());
    GIVEN.as_deref().filter(|name| !name.is_empty()).unwrap_or(CLUSTER)
}

/// A person's cluster, which is there.
fn cluster() -> Result<Cluster> {
    let engine = Engine::running().context("no Docker Engine answers: `cargo ci kind up` first")?;
    let cluster = Cluster { engine, name: name() };
    ensure!(cluster.exists()?, "there is no kind cluster called {}: `cargo ci kind up` first", cluster.name);
    Ok(cluster)
}

fn install(cluster: &Cluster, root: &Path, time: Time) -> Result<()> {
    for archive in images::build(root)? {
        let mut load = inside(cluster, "kind")?;
        command(load.args(["load", "image-archive", "--name", cluster.name]).arg(archive))?;
    }
    let simulator = fs::read_to_string(root.join("ci/kind/eci-sim.yaml"))?;
    let text = simulator.replace("@IMAGE@", &images::tag("eci-sim"));
    let text = match time {
        Time::Simulated => text.replace("@BEGIN@", BEGINNING),
        Time::Real => {
            text.lines().filter(|line| !line.contains("@BEGIN@")).map(|line| format!("{line}\n")).collect()
        }
    };
    let filled = cache()?.join("kind/eci-sim.yaml");
    fs::write(&filled, text)?;
    command(inside(cluster, "kubectl")?.args(["apply", "--filename"]).arg(&filled))?;
    let timeout = format!("--timeout={PATIENCE}");
    let wait = ["--namespace=eci-sim", "rollout", "status", "deployment/eci-sim", &timeout];
    command(inside(cluster, "kubectl")?.args(wait))?;
    // kube-proxy tolerates every taint; on the virtual node it would be one more instance, to no use
    let off = r#"{"spec":{"template":{"spec":{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":
        {"nodeSelectorTerms":[{"matchExpressions":[{"key":"type","operator":"NotIn","values":["virtual-kubelet"]}]}]}}}}}}}"#;
    let patch = ["--namespace=kube-system", "patch", "daemonset", "kube-proxy", "--patch", off];
    command(inside(cluster, "kubectl")?.args(patch))?;
    match time {
        Time::Real => helm_install(cluster, root, &[]),
        Time::Simulated => helm_install(cluster, root, &["followClock=http://eci-sim.eci-sim.svc:8090"]),
    }
}

/// The chart with the guide's four parameters and these more.
fn helm_install(cluster: &Cluster, root: &Path, more: &[&str]) -> Result<()> {
    let mut helm = inside(cluster, "helm")?;
    helm.args(["upgrade", "--install", "ack-virtual-node"]).arg(root.join("provider/chart"));
    helm.args(["--namespace=kube-system", "--wait", "--timeout", PATIENCE]);
    for (name, value) in [
        ("ECI_VSWITCH", "vsw-local"),
        ("ECI_SECURITY_GROUP", "sg-local"),
        ("ECI_ACCESS_KEY", "local"),
        ("ECI_SECRET_KEY", "local-secret"),
        ("ECI_ENDPOINT", "http://eci-sim.eci-sim.svc:8088"),
    ] {
        helm.args(["--set", &format!("{name}={value}")]);
    }
    helm.args(more.iter().flat_map(|value| ["--set", *value]));
    says(&mut helm).map(drop)
}

/// Everything on a cluster of its own; the cluster goes, whatever comes of it. What this machine does not give is said,
/// tried once more, and then a reason to go on without.
pub fn check(root: &Path) -> Result<Ended> {
    if let Some(skipped) = lacking(&["kubectl"]) {
        return Ok(skipped);
    }
    let was_there = Engine::running().is_some();
    if let Err(why) = with_second_try("preparing a kind cluster", || prepare(root).map(drop)) {
        if let Some(engine) = Engine::running().filter(|_| !was_there) {
            engine.stop()?;
        }
        return Ok(Ended::Skipped(format!("{why:#}")));
    }
    let cluster = Cluster { engine: Engine::ensure()?, name: CHECKED };
    let played = play(&cluster, root);
    if played.is_err() {
        explain(&cluster);
    }
    let ended = down(CHECKED);
    played.and(ended)?;
    ensure!(was_there || !engine::is_left(), "something of our Engine is left");
    println!("✓ the cluster is gone{}", if was_there { "" } else { ", and so is the Engine" });
    Ok(Ended::Passed)
}

fn play(cluster: &Cluster, root: &Path) -> Result<()> {
    with_second_try("making a kind cluster", || {
        // what a killed run left, or the first try
        delete(cluster)?;
        up(cluster)
    })?;
    install(cluster, root, Time::Simulated)?;
    cases(cluster, root)?;
    release::uninstall(cluster)?;
    install(cluster, root, Time::Real)?;
    guide::play(cluster)?;
    mixed::play(cluster, root)?;
    release::live(cluster, root)?;
    containers::test(cluster, root, &images::build(root)?)
}

/// Every case, against the provider and the simulator that run as pods.
fn cases(cluster: &Cluster, root: &Path) -> Result<()> {
    // built out here, where there is a way to a registry, and as the main job builds it
    let build = ["build", "--release", "--quiet", "--bin", "scenarios"];
    command(Command::new("cargo").args(build).current_dir(root))?;
    let mut run = inside(cluster, images::target_folder(root).join("release/scenarios"))?;
    command(run.args(["run", "--cluster", "kind"]).current_dir(root))
}

/// What somebody would look at first.
fn explain(cluster: &Cluster) {
    for words in [
        "get pods --all-namespaces --output wide",
        "--namespace=kube-system logs deployment/ack-virtual-node --tail=20",
        "--namespace=eci-sim logs deployment/eci-sim --tail=20",
    ] {
        let asked = guide::kubectl(cluster, words, "");
        eprintln!("kubectl {words}\n{}", asked.unwrap_or_else(|error| error.to_string()));
    }
}

fn run_inside(words: &[OsString]) -> Result<()> {
    let cluster = cluster()?;
    let (program, arguments) = words.split_first().context("a command is wanted")?;
    // becomes it, so that its end is this program's end
    Err(reaching(&cluster, program)?.args(arguments).exec())
        .with_context(|| format!("cannot start {program:?}"))
}

/// Removes a cluster, and the Engine if it is ours and nobody else's cluster is in it.
fn down(name: &'static str) -> Result<()> {
    let Some(engine) = Engine::running() else {
        println!("no Docker Engine answers: there is nothing to remove");
        return Ok(());
    };
    let cluster = Cluster { engine, name };
    delete(&cluster)?;
    if cluster.all()?.trim().is_empty() { cluster.engine.stop() } else { Ok(()) }
}

fn delete(cluster: &Cluster) -> Result<()> {
    if !cluster.exists()? {
        return Ok(());
    }
    let delete = || {
        let mut delete = inside(cluster, "kind")?;
        delete.args(["delete", "cluster", "--name", cluster.name]);
        command(delete.arg("--kubeconfig").arg(cluster.kubeconfig()?))
    };
    delete().or_else(|_| {
        thaw(cluster)?;
        delete()
    })
}

/// Thaws what runc froze in a node's containers on cgroup v1: what is frozen cannot be killed.
fn thaw(cluster: &Cluster) -> Result<()> {
    let label = format!("label=io.x-k8s.kind.cluster={}", cluster.name);
    let nodes =
        says(cluster.command("docker").args(["ps", "--all", "--quiet", "--no-trunc", "--filter", &label]))?;
    for node in nodes.lines() {
        let folder = format!("/sys/fs/cgroup/freezer/docker/{node}");
        let states = says(Command::new("find").args([&folder, "-name", "freezer.state"])).unwrap_or_default();
        for state in states.lines() {
            fs::write(state, "THAWED").with_context(|| format!("cannot write {state}"))?;
        }
    }
    Ok(())
}
