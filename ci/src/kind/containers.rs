//! The module that other projects copy: both images started from Rust tests, the node in this very cluster.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Cluster, inside, says};
use crate::checks::command;
use crate::images::target_folder;
use crate::sdk::cache;

/// Runs its tests, with the Engine and the cluster that are there.
pub fn test(cluster: &Cluster, root: &Path, archives: &[PathBuf]) -> Result<()> {
    for archive in archives {
        says(cluster.command("docker").args(["load", "--quiet", "--input"]).arg(archive))?;
    }
    let kubeconfig = cache()?.join("kind/internal.kubeconfig");
    let internal = inside(cluster, "kind")?
        .args(["get", "kubeconfig", "--internal", "--name", cluster.name])
        .output()?;
    fs::write(&kubeconfig, internal.stdout)?;
    let cargo = |mut cargo: std::process::Command| {
        cargo.args(["test", "--quiet", "--manifest-path"]).arg(root.join("ci/testcontainers/Cargo.toml"));
        cargo.env("CARGO_TARGET_DIR", target_folder(root));
        cargo
    };
    // built out here, where there is a way to a registry
    command(cargo(std::process::Command::new("cargo")).arg("--no-run"))?;
    let mut tests = cargo(inside(cluster, "cargo")?);
    tests.args(["--tests", "--offline", "--", "--include-ignored", "--test-threads=1"]);
    tests.env("CLUSTER_NETWORK", "kind").env("CLUSTER_KUBECONFIG", &kubeconfig);
    command(&mut tests)?;
    println!("✓ both images start from Rust tests, and a pod runs on such a node");
    Ok(())
}
