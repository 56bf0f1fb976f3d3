//! The module that other projects copy: both images started from Rust tests, the node in this very cluster.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::cluster::{Cluster, inside};
use crate::cache;
use crate::command::{output_of, run};
use crate::workspace::{MODULE as PACKAGE, foreign_tests};

/// Runs the module's tests, with the Engine and the cluster that exist.
pub fn test(cluster: &Cluster, root: &Path, archives: &[PathBuf]) -> Result<()> {
    for archive in archives {
        output_of(cluster.command("docker").args(["load", "--quiet", "--input"]).arg(archive))?;
    }
    let kubeconfig = cache::folder()?.join("kind/internal.kubeconfig");
    let internal = inside(cluster, "kind")?
        .args(["get", "kubeconfig", "--internal", "--name", cluster.name])
        .output()?;
    fs::write(&kubeconfig, internal.stdout)?;
    // built outside the cluster's network, with access to a registry
    let programs = foreign_tests(root)?;
    for program in programs.tests_of(PACKAGE)? {
        let mut tests = inside(cluster, program)?;
        tests.args(["--include-ignored", "--test-threads=1"]).current_dir(root.join(PACKAGE));
        tests.env("CLUSTER_NETWORK", "kind").env("CLUSTER_KUBECONFIG", &kubeconfig);
        run(&mut tests)?;
    }
    println!("✓ both images start from Rust tests, and a pod runs on such a node");
    Ok(())
}
