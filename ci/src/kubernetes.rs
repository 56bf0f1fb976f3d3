//! Builds etcd and the programs of Kubernetes from their published Go modules, once.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::cache;
use crate::command::build as run_build;
use crate::go::go;
use crate::supervision;

/// Name of the one file with all programs in it.
const PROGRAMS: &str = "programs";
/// Programs of a node, or of a person who looks at one, beside the control plane.
pub const ON_NODES: [&str; 5] = ["crictl", "kube-proxy", "kubeadm", "kubectl", "kubelet"];

#[path = "../control-plane/src/module.rs"]
#[allow(dead_code, reason = "half of it is for the launcher")]
pub mod module;

/// Builds the control plane where that has not been done, and prints the folder it is in.
pub fn run(root: &Path) -> Result<()> {
    println!("{}", control_plane(root)?.display());
    Ok(())
}

/// A folder with etcd, kube-apiserver, kube-controller-manager and kube-scheduler.
pub fn control_plane(root: &Path) -> Result<PathBuf> {
    cache::entry(&format!("control-plane/{}", module::key()), |folder| {
        // in a run of all checks a node's programs are wanted as well, which include these: one build serves both
        if !supervision::is_part_of_a_run() {
            return build(root, folder, ".", &module::CONTROL_PLANE);
        }
        let node = node_programs(root)?.join(PROGRAMS);
        fs::hard_link(&node, folder.join(PROGRAMS))
            .with_context(|| format!("cannot link {}", node.display()))?;
        link(folder, &module::CONTROL_PLANE)
    })
}

/// A folder with all that a kind node runs, the control plane included; the one file is called `programs`.
pub fn node_programs(root: &Path) -> Result<PathBuf> {
    let all: Vec<_> = module::CONTROL_PLANE.into_iter().chain(ON_NODES).collect();
    cache::entry(&format!("node-programs/{}", module::key()), |folder| build(root, folder, "./node", &all))
}

/// One file for all programs of a Go package, and a link to it for each.
fn build(root: &Path, folder: &Path, package: &str, programs: &[&str]) -> Result<()> {
    let version = module::kubernetes_version();
    let file = folder.join(PROGRAMS);
    let mut build = go(&root.join("ci/control-plane"))?;
    eprintln!("building Kubernetes {version} from source: about ten minutes the first time");
    build.args(["build", "-ldflags", &link_flags(version)?, "-o"]).arg(&file).arg(package);
    run_build(&mut build)?;
    link(folder, programs)?;
    let said = Command::new(folder.join("kube-apiserver")).arg("--version").output()?;
    let said = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    ensure!(said == format!("Kubernetes {version}"), "what was built says it is {said:?}, not {version}");
    Ok(())
}

/// Makes a link to the one file for each program.
fn link(folder: &Path, programs: &[&str]) -> Result<()> {
    for program in programs {
        symlink(PROGRAMS, folder.join(program)).with_context(|| format!("cannot make {program}"))?;
    }
    Ok(())
}

/// Linker flags with the version: without them a build calls itself `v0.0.0-master+$Format:%H$`, and kubeadm compares
/// versions.
fn link_flags(version: &str) -> Result<String> {
    let mut parts = version.trim_start_matches('v').split('.');
    let major = parts.next().context("a version has a major")?;
    let minor = parts.next().context("a version has a minor")?;
    let package = "k8s.io/component-base/version";
    Ok(format!(
        "-s -w -X {package}.gitVersion={version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor} \
         -X {package}.gitTreeState=clean"
    ))
}
