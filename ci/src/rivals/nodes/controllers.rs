//! The two programs that keep a node: how each is started on a control plane, and when its node is ready.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::super::programs::{self, Running};
use crate::command::{bound_to_us, output_of, rest};
use crate::control_plane_session::{ControlPlaneSession, apply};
use crate::go::go;
use crate::tools::{module_of, tool};

/// Our node, and kwok's.
const OURS: &str = "virtual-kubelet";
const KWOK: &str = "kwok";
/// Looks, 100 ms apart, within which a node is ready.
const READY_POLLS: u32 = 600;
/// The access key that both ours are told.
const KEY: &str = "rivals";

/// Starts a controller beside a control plane.
type Start = dyn Fn(&ControlPlaneSession) -> Result<Started>;

/// A program, or two, that keep a node.
pub struct Controller {
    /// Names and versions.
    pub name: String,
    /// Name of the node.
    pub node: &'static str,
    /// Starts it on a control plane, and waits until the node is ready.
    pub start: Box<Start>,
}

/// The programs that were started, in the order in which they end.
pub struct Started(Vec<(&'static str, Running)>);

impl Started {
    /// Their names and ids.
    pub fn processes(&self) -> impl Iterator<Item = (&str, u32)> {
        self.0.iter().map(|(name, running)| (*name, running.id()))
    }
}

/// The provider and the local ECI, as they are shipped.
pub fn ours(root: &Path) -> Result<Controller> {
    let (eci_sim, simulator) = programs::ours(root, "eci-sim")?;
    let (provider, version) = programs::ours(root, "provider")?;
    let start = move |plane: &ControlPlaneSession| {
        let address = format!("127.0.0.1:{}", free_port()?);
        let mut cloud = bound_to_us(&eci_sim);
        cloud.args(["--listen", &address, "--latency", "none"]);
        cloud.args(["--access-key-id", KEY, "--access-key-secret", KEY]);
        let cloud = Running::start("eci-sim", &mut cloud)?;
        let mut node = bound_to_us(&provider);
        node.args(["--node-ip", "127.0.0.1", "--listen", "127.0.0.1:0", "--cloud-rates", "unlimited"]);
        node.args(["--endpoint", &format!("http://{address}"), "--access-key", KEY]);
        node.args(["--vswitch", "vsw-bp1local0000000000000", "--security-group", "sg-bp1local0000000000000"]);
        node.env("ECI_SECRET_KEY", KEY).env("KUBECONFIG", &plane.kubeconfig).env("NO_PROXY", "127.0.0.1");
        let started = Started(vec![("provider", Running::start("provider", &mut node)?), ("eci-sim", cloud)]);
        wait_until_ready(plane, OURS)?;
        Ok(started)
    };
    Ok(Controller { name: format!("{version}, {simulator}"), node: OURS, start: Box::new(start) })
}

/// kwok with the stages without delays that its own module ships.
pub fn kwok() -> Result<Controller> {
    let program = tool("kwok")?;
    let version = output_of(Command::new(&program).arg("--version"))?;
    let stages = stages()?;
    let start = move |plane: &ControlPlaneSession| {
        apply(plane, &node().to_string())?;
        let mut kwok = bound_to_us(&program);
        kwok.args(["--manage-all-nodes=true", "--node-lease-duration-seconds=40", "--kubeconfig"]);
        kwok.arg(&plane.kubeconfig);
        kwok.args(stages.iter().flat_map(|stage| [OsStr::new("--config"), stage.as_os_str()]));
        let started = Started(vec![("kwok", Running::start("kwok", &mut kwok)?)]);
        wait_until_ready(plane, KWOK)?;
        Ok(started)
    };
    Ok(Controller { name: version.trim().to_owned(), node: KWOK, start: Box::new(start) })
}

/// The files of kwok's stages for nodes and pods.
fn stages() -> Result<Vec<PathBuf>> {
    let module = module_of("kwok")?;
    let here = std::env::temp_dir();
    let told = output_of(go(&here)?.args(["mod", "download", "-json", &module]))?;
    let told: Value = serde_json::from_str(&told).context("what go tells of a module cannot be read")?;
    let folder = PathBuf::from(told["Dir"].as_str().context("go tells no folder of kwok's module")?);
    let mut files = Vec::new();
    for kind in ["kustomize/stage/node/fast", "kustomize/stage/pod/fast"] {
        let folder = folder.join(kind);
        let entries =
            std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
        files.extend(paths.filter(|path| path.file_name().is_some_and(|name| name != "kustomization.yaml")));
    }
    ensure!(files.len() >= 3, "kwok's module has no stages where they were: {files:?}");
    files.sort();
    Ok(files)
}

/// The node that kwok is to keep.
fn node() -> Value {
    let room = json!({ "cpu": "10000", "memory": "10Ti", "pods": "10000" });
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": { "name": KWOK, "labels": { "kubernetes.io/hostname": KWOK } },
        "status": { "capacity": room, "allocatable": room },
    })
}

fn wait_until_ready(plane: &ControlPlaneSession, node: &str) -> Result<()> {
    let ready = r#"{.status.conditions[?(@.type=="Ready")].status}"#;
    for _ in 0..READY_POLLS {
        let told = plane.kubectl(&format!("get node {node} --output jsonpath={ready}"));
        if told.is_ok_and(|told| told == "True") {
            return Ok(());
        }
        rest(Duration::from_millis(100));
    }
    anyhow::bail!("node {node} was not ready after a minute")
}

/// A port of loopback that nobody listens on right now.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
