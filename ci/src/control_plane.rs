//! Builds etcd and the programs of Kubernetes from their published Go modules, once.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::checks::{Ended, command, lacking};
use crate::kept::{go, kept};

/// What only a node needs beside the control plane, or the person who looks at one.
pub const ON_NODES: [&str; 5] = ["crictl", "kube-proxy", "kubeadm", "kubectl", "kubelet"];

#[path = "../control-plane/src/module.rs"]
#[allow(dead_code, reason = "half of it is for the launcher")]
pub mod module;

/// Builds the control plane where that has not been done, and prints the folder it is in.
pub fn run(root: &Path) -> Result<()> {
    println!("{}", control_plane(root)?.display());
    Ok(())
}

/// Starts and ends the real programs, twenty times in a row among others.
pub fn check(root: &Path) -> Result<Ended> {
    if let Some(skipped) = lacking(&["go"]) {
        return Ok(skipped);
    }
    let folder = control_plane(root)?;
    let mut tests = Command::new("cargo");
    tests.args(["test", "--quiet", "--package", "control-plane", "--", "--ignored", "--test-threads=1"]);
    command(tests.current_dir(root).env("KUBEBUILDER_ASSETS", folder))?;
    Ok(Ended::Passed)
}

/// Plays every case on the real programs.
pub fn cases(root: &Path) -> Result<Ended> {
    scenarios(root, &["run", "--cluster", "control-plane"])
}

/// Plays every case on the embedded API and on the real programs, and compares what both left behind, field by field.
pub fn one_truth(root: &Path) -> Result<Ended> {
    scenarios(root, &["diff", "--left", "embedded", "--right", "control-plane"])
}

fn scenarios(root: &Path, arguments: &[&str]) -> Result<Ended> {
    if let Some(skipped) = lacking(&["go"]) {
        return Ok(skipped);
    }
    let folder = control_plane(root)?;
    let mut run = Command::new("cargo");
    run.args(["run", "--release", "--"]).args(arguments);
    command(run.current_dir(root).env("KUBEBUILDER_ASSETS", folder))?;
    Ok(Ended::Passed)
}

/// A folder with etcd, kube-apiserver, kube-controller-manager and kube-scheduler.
pub fn control_plane(root: &Path) -> Result<PathBuf> {
    kept(&format!("control-plane/{}", module::key()), |folder| {
        build(root, folder, ".", &module::CONTROL_PLANE)
    })
}

/// A folder with all that a kind node runs, the control plane included; the one file is called `programs`.
pub fn node_programs(root: &Path) -> Result<PathBuf> {
    let all: Vec<_> = module::CONTROL_PLANE.into_iter().chain(ON_NODES).collect();
    kept(&format!("node-programs/{}", module::key()), |folder| build(root, folder, "./node", &all))
}

/// One file for all programs of a Go package, and a link to it for each.
fn build(root: &Path, folder: &Path, package: &str, programs: &[&str]) -> Result<()> {
    let version = module::kubernetes_version();
    let file = folder.join("programs");
    let mut build = go(&root.join("ci/control-plane"))?;
    eprintln!("building Kubernetes {version} from source: about ten minutes the first time");
    build.args(["build", "-ldflags", &link_flags(version)?, "-o"]).arg(&file).arg(package);
    command(&mut build)?;
    for program in programs {
        symlink("programs", folder.join(program))?;
    }
    let said = Command::new(folder.join("kube-apiserver")).arg("--version").output()?;
    let said = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    ensure!(said == format!("Kubernetes {version}"), "what was built says it is {said:?}, not {version}");
    Ok(())
}

/// Without these a build calls itself `v0.0.0-master+$Format:%H$`, and kubeadm compares versions.
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
