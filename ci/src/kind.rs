//! A real kind cluster on this machine, also where nothing can be pulled.

mod engine;
mod guide;
mod node_image;
pub mod trim;

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Subcommand;

use self::engine::{Engine, pause};
use crate::checks::command;
use crate::images;
use crate::sdk::cache;
use crate::tools::tool;

/// The cluster's name, for kind.
const CLUSTER: &str = "virtual-node";
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
    Install,
    /// Play the guide's three ways by real kubectl on what is installed, and uninstall it.
    Guide,
    /// All of it: up, install, guide, down.
    Check,
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
        Wish::Up => up(root)?,
        Wish::Install => install(root)?,
        Wish::Guide => guide::play(&cluster()?)?,
        Wish::Check => check(root)?,
        Wish::Run { command } => run_inside(command)?,
        Wish::Down => down()?,
    }
    Ok(())
}

fn kubeconfig() -> Result<PathBuf> {
    Ok(cache()?.join("kind/kubeconfig"))
}

/// A command that reaches the cluster.
fn inside(engine: &Engine, program: impl AsRef<std::ffi::OsStr>) -> Result<Command> {
    let mut folders = vec![];
    for name in ["helm", "kind"] {
        folders.extend(tool(name)?.parent().map(Path::to_owned));
    }
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let mut command = engine.command(program);
    command.env("KUBECONFIG", kubeconfig()?).env("PATH", std::env::join_paths(folders)?);
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

fn exists(engine: &Engine) -> Result<bool> {
    let clusters = says(inside(engine, "kind")?.args(["get", "clusters", "--quiet"]))?;
    Ok(clusters.lines().any(|name| name == CLUSTER))
}

fn up(root: &Path) -> Result<()> {
    let engine = Engine::ensure()?;
    if !exists(&engine)? {
        let tag = node_image::tag();
        let known = engine.command("docker").args(["image", "inspect", &tag]).output()?;
        if !known.status.success() {
            let archive = node_image::archive(root)?;
            command(engine.command("docker").args(["load", "--quiet", "--input"]).arg(archive))?;
        }
        let mut create = inside(&engine, "kind")?;
        create.args(["create", "cluster", "--name", CLUSTER, "--image", &tag, "--wait", PATIENCE]);
        command(create.arg("--kubeconfig").arg(kubeconfig()?))?;
    }
    // kind waits for the control plane alone
    let timeout = format!("--timeout={PATIENCE}");
    let kubectl = |arguments: &[&str]| command(inside(&engine, "kubectl")?.args(arguments).arg(&timeout));
    kubectl(&["wait", "--for=condition=Ready", "nodes", "--selector=!type"])?;
    kubectl(&["--namespace=kube-system", "wait", "--for=condition=Available", "deployment/coredns"])?;
    println!("export KUBECONFIG={}", kubeconfig()?.display());
    if matches!(engine, Engine::Own) {
        println!("# the cluster is in a network of its own: cargo ci kind run -- kubectl get nodes");
    }
    Ok(())
}

fn cluster() -> Result<Engine> {
    let engine = Engine::running().context("no Docker Engine answers: `cargo ci kind up` first")?;
    ensure!(exists(&engine)?, "there is no kind cluster called {CLUSTER}: `cargo ci kind up` first");
    Ok(engine)
}

fn install(root: &Path) -> Result<()> {
    let engine = cluster()?;
    for archive in images::build(root)? {
        let mut load = inside(&engine, "kind")?;
        command(load.args(["load", "image-archive", "--name", CLUSTER]).arg(archive))?;
    }
    let simulator = root.join("ci/kind/eci-sim.yaml");
    let text = fs::read_to_string(&simulator)?.replace("@IMAGE@", &images::tag("eci-sim"));
    let filled = cache()?.join("kind/eci-sim.yaml");
    fs::write(&filled, text)?;
    command(inside(&engine, "kubectl")?.args(["apply", "--filename"]).arg(&filled))?;
    let timeout = format!("--timeout={PATIENCE}");
    let wait = ["--namespace=eci-sim", "rollout", "status", "deployment/eci-sim", &timeout];
    command(inside(&engine, "kubectl")?.args(wait))?;
    // kube-proxy tolerates every taint; on the virtual node it would be one more instance, to no use
    let off = r#"{"spec":{"template":{"spec":{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":
        {"nodeSelectorTerms":[{"matchExpressions":[{"key":"type","operator":"NotIn","values":["virtual-kubelet"]}]}]}}}}}}}"#;
    let patch = ["--namespace=kube-system", "patch", "daemonset", "kube-proxy", "--patch", off];
    command(inside(&engine, "kubectl")?.args(patch))?;
    let mut helm = inside(&engine, "helm")?;
    helm.args(["upgrade", "--install", "ack-virtual-node"]).arg(root.join("provider/chart"));
    helm.args(["--namespace=kube-system", "--wait", "--timeout", PATIENCE]);
    for (name, value) in [
        ("ECI_VSWITCH", "vsw-local"),
        ("ECI_SECURITY_GROUP", "sg-local"),
        ("ECI_ACCESS_KEY", "local"),
        ("ECI_SECRET_KEY", "local-secret"),
        ("ECI_ENDPOINT", "http://eci-sim.eci-sim.svc:8088"),
    ] {
        helm.args(["--set-string", &format!("{name}={value}")]);
    }
    command(&mut helm)
}

/// The guide on a cluster of its own; the cluster goes, whatever comes of it.
fn check(root: &Path) -> Result<()> {
    up(root)?;
    let played = install(root).and_then(|()| guide::play(&cluster()?));
    let ended = down();
    played.and(ended)
}

fn run_inside(words: &[OsString]) -> Result<()> {
    let engine = cluster()?;
    let (program, arguments) = words.split_first().context("a command is wanted")?;
    // becomes it, so that its end is this program's end
    Err(inside(&engine, program)?.args(arguments).exec()).with_context(|| format!("cannot start {program:?}"))
}

fn down() -> Result<()> {
    let Some(engine) = Engine::running() else {
        println!("no Docker Engine answers: there is nothing to remove");
        return Ok(());
    };
    if exists(&engine)? {
        let delete = || {
            let mut delete = inside(&engine, "kind")?;
            delete.args(["delete", "cluster", "--name", CLUSTER]);
            command(delete.arg("--kubeconfig").arg(kubeconfig()?))
        };
        if delete().is_err() {
            thaw(&engine)?;
            delete()?;
        }
    }
    engine.stop()
}

/// Thaws what runc froze in a node's containers on cgroup v1: what is frozen cannot be killed.
fn thaw(engine: &Engine) -> Result<()> {
    let label = format!("label=io.x-k8s.kind.cluster={CLUSTER}");
    let nodes =
        says(engine.command("docker").args(["ps", "--all", "--quiet", "--no-trunc", "--filter", &label]))?;
    for node in nodes.lines() {
        let folder = format!("/sys/fs/cgroup/freezer/docker/{node}");
        let states = says(Command::new("find").args([&folder, "-name", "freezer.state"])).unwrap_or_default();
        for state in states.lines() {
            fs::write(state, "THAWED").with_context(|| format!("cannot write {state}"))?;
        }
    }
    Ok(())
}
