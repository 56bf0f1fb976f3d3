//! Installation in a kind cluster: the simulator, and the chart with the guide's four parameters.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::cluster::{Cluster, WAIT_TIMEOUT, inside};
use crate::command::{output_of, run};
use crate::{cache, images};

/// Clock of an installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// Machine's clock, as everywhere else.
    Real,
    /// Simulator's clock, which somebody moves. It begins in the past, so that no date of it lies in the cluster's
    /// future: controllers wait for such a date.
    Simulated,
}

/// Beginning of simulated time: not at a full hour, since bills are cut there.
pub const BEGINNING: &str = "2025-01-06T01:30:00Z";

/// Gives the cluster's nodes the images of provider and simulator.
pub fn load(cluster: &Cluster, archives: &[PathBuf]) -> Result<()> {
    for archive in archives {
        let mut load = inside(cluster, "kind")?;
        run(load.args(["load", "image-archive", "--name", cluster.name]).arg(archive))?;
    }
    Ok(())
}

/// Installs the simulator and the chart, from images that are loaded.
pub fn install(cluster: &Cluster, root: &Path, time: Time) -> Result<()> {
    let simulator = fs::read_to_string(root.join("ci/kind/eci-sim.yaml"))?;
    let text = simulator.replace("@IMAGE@", &images::tag("eci-sim"));
    let text = match time {
        Time::Simulated => text.replace("@START_TIME@", BEGINNING),
        Time::Real => text
            .lines()
            .filter(|line| !line.contains("@START_TIME@"))
            .map(|line| format!("{line}\n"))
            .collect(),
    };
    let filled = cache::folder()?.join("kind/eci-sim.yaml");
    fs::write(&filled, text)?;
    run(inside(cluster, "kubectl")?.args(["apply", "--filename"]).arg(&filled))?;
    let timeout = format!("--timeout={WAIT_TIMEOUT}");
    let wait = ["--namespace=eci-sim", "rollout", "status", "deployment/eci-sim", &timeout];
    run(inside(cluster, "kubectl")?.args(wait))?;
    // kube-proxy tolerates every taint; on the virtual node it would be one more instance, to no use
    let off = r#"{"spec":{"template":{"spec":{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":
        {"nodeSelectorTerms":[{"matchExpressions":[{"key":"type","operator":"NotIn","values":["virtual-kubelet"]}]}]}}}}}}}"#;
    let patch = ["--namespace=kube-system", "patch", "daemonset", "kube-proxy", "--patch", off];
    run(inside(cluster, "kubectl")?.args(patch))?;
    match time {
        Time::Real => helm_install(cluster, root, &[]),
        Time::Simulated => helm_install(cluster, root, &["clockUrl=http://eci-sim.eci-sim.svc:8090"]),
    }
}

/// Installs the chart with the guide's four parameters and these more.
pub fn helm_install(cluster: &Cluster, root: &Path, more: &[&str]) -> Result<()> {
    let mut helm = inside(cluster, "helm")?;
    helm.args(["upgrade", "--install", "ack-virtual-node"]).arg(root.join("provider/chart"));
    helm.args(["--namespace=kube-system", "--wait", "--timeout", WAIT_TIMEOUT]);
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
    output_of(&mut helm).map(drop)
}
