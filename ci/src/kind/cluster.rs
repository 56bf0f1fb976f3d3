//! A kind cluster, its Engine, and the commands that reach, make and remove both.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use anyhow::{Context, Result, ensure};

use super::node_image;
use crate::cache;
use crate::command::{bound, output_of, run};
use crate::engine::Engine;
use crate::tools::tool;

/// Default name of a person's cluster; `KIND_CLUSTER_NAME` gives it another.
pub const CLUSTER: &str = "virtual-node";
/// Name of the check's own cluster, so that it takes nobody's away.
pub const CHECKED: &str = "virtual-node-check";
/// Time that a part of a cluster may take to be ready on a machine that does something else as well.
pub const WAIT_TIMEOUT: &str = "180s";

/// A cluster by its name, and the Engine that it runs in.
pub struct Cluster {
    pub engine: Engine,
    pub name: &'static str,
}

impl Cluster {
    /// A command that reaches the Engine and, by its network, the nodes in it.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        self.engine.command(program)
    }

    pub fn kubeconfig(&self) -> Result<PathBuf> {
        let kept = cache::folder()?.join("kind");
        Ok(if self.name == CLUSTER {
            kept.join("kubeconfig")
        } else {
            kept.join(self.name).with_extension("kubeconfig")
        })
    }

    pub fn exists(&self) -> Result<bool> {
        Ok(self.all()?.lines().any(|name| name == self.name))
    }

    /// Names of all kind clusters of the Engine.
    pub fn all(&self) -> Result<String> {
        output_of(inside(self, "kind")?.args(["get", "clusters", "--quiet"]))
    }
}

/// A command that reaches the cluster, and ends with this program, whatever ends it.
pub fn inside(cluster: &Cluster, program: impl AsRef<std::ffi::OsStr>) -> Result<Command> {
    Ok(bound(&reaching(cluster, program)?))
}

/// A command that reaches the cluster.
pub fn reaching(cluster: &Cluster, program: impl AsRef<std::ffi::OsStr>) -> Result<Command> {
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

/// Prepares an Engine with the node's image, and the tools: all that depends on this machine.
pub fn prepare(root: &Path) -> Result<Engine> {
    let engine = Engine::ensure()?;
    let tag = node_image::tag();
    let known = engine.command("docker").args(["image", "inspect", &tag]).output()?;
    if !known.status.success() {
        let archive = node_image::archive(root)?;
        run(engine.command("docker").args(["load", "--quiet", "--input"]).arg(archive))?;
    }
    if matches!(engine, Engine::Own) {
        forget_other_nodes(&engine, &tag)?;
    }
    for name in ["helm", "kind"] {
        tool(name)?; // builds what is not there yet
    }
    let mut trial = engine.command("docker");
    trial.args(["run", "--rm", "--privileged", "--entrypoint=/bin/true", &tag]);
    output_of(&mut trial).context("the Docker Engine cannot run a node")?;
    Ok(engine)
}

/// Removes the node images of other sources from our Engine: each takes half a GiB.
fn forget_other_nodes(engine: &Engine, tag: &str) -> Result<()> {
    let format = "--format={{.Repository}}:{{.Tag}}";
    let all = output_of(engine.command("docker").args(["images", format, node_image::REPOSITORY]))?;
    for other in all.lines().filter(|other| *other != tag) {
        // an image that a cluster of somebody's runs on is refused, and stays
        let _ = engine.command("docker").args(["image", "rm", other]).output();
    }
    Ok(())
}

pub fn up(cluster: &Cluster) -> Result<()> {
    if !cluster.exists()? {
        let tag = node_image::tag();
        let mut create = inside(cluster, "kind")?;
        create.args(["create", "cluster", "--name", cluster.name, "--image", &tag, "--wait", WAIT_TIMEOUT]);
        run(create.arg("--kubeconfig").arg(cluster.kubeconfig()?))?;
    }
    // kind waits for the control plane alone
    let timeout = format!("--timeout={WAIT_TIMEOUT}");
    let kubectl = |arguments: &[&str]| run(inside(cluster, "kubectl")?.args(arguments).arg(&timeout));
    kubectl(&["wait", "--for=condition=Ready", "nodes", "--selector=!type"])?;
    kubectl(&["--namespace=kube-system", "wait", "--for=condition=Available", "deployment/coredns"])?;
    println!("export KUBECONFIG={}", cluster.kubeconfig()?.display());
    if matches!(cluster.engine, Engine::Own) {
        println!("# the cluster is in a network of its own: cargo ci kind run -- kubectl get nodes");
    }
    Ok(())
}

/// Name of a person's cluster, as kind itself finds it.
pub fn name() -> &'static str {
    static GIVEN: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("KIND_CLUSTER_NAME").ok());
    GIVEN.as_deref().filter(|name| !name.is_empty()).unwrap_or(CLUSTER)
}

/// Person's cluster; fails where there is none.
pub fn cluster() -> Result<Cluster> {
    let engine = Engine::running().context("no Docker Engine answers: `cargo ci kind up` first")?;
    let cluster = Cluster { engine, name: name() };
    ensure!(cluster.exists()?, "there is no kind cluster called {}: `cargo ci kind up` first", cluster.name);
    Ok(cluster)
}

/// Removes a cluster, and the Engine if it is ours and nobody else's cluster is in it.
pub fn down(name: &'static str) -> Result<()> {
    let Some(engine) = Engine::running() else {
        println!("no Docker Engine answers: there is nothing to remove");
        return Ok(());
    };
    let cluster = Cluster { engine, name };
    delete(&cluster)?;
    if cluster.all()?.trim().is_empty() { cluster.engine.stop() } else { Ok(()) }
}

pub fn delete(cluster: &Cluster) -> Result<()> {
    if !cluster.exists()? {
        return Ok(());
    }
    let delete = || {
        let mut delete = inside(cluster, "kind")?;
        delete.args(["delete", "cluster", "--name", cluster.name]);
        run(delete.arg("--kubeconfig").arg(cluster.kubeconfig()?))
    };
    delete().or_else(|_| {
        thaw(cluster)?;
        delete()
    })
}

/// Thaws cgroups that runc froze in a node's containers on cgroup v1: a frozen process cannot be killed.
pub fn thaw(cluster: &Cluster) -> Result<()> {
    let label = format!("label=io.x-k8s.kind.cluster={}", cluster.name);
    let nodes = output_of(cluster.command("docker").args([
        "ps",
        "--all",
        "--quiet",
        "--no-trunc",
        "--filter",
        &label,
    ]))?;
    for node in nodes.lines() {
        let folder = format!("/sys/fs/cgroup/freezer/docker/{node}");
        let states =
            output_of(Command::new("find").args([&folder, "-name", "freezer.state"])).unwrap_or_default();
        for state in states.lines() {
            fs::write(state, "THAWED").with_context(|| format!("cannot write {state}"))?;
        }
    }
    Ok(())
}
