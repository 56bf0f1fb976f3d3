//! The guide's mixed cluster: a pod on a real node and one on the virtual node reach each other, by address and by name.
//!
//! The simulator runs beside the cluster and has its containers run by the Engine, in the network of the cluster's nodes. What
//! they send to pods and Services goes by way of the node, whose kube-proxy does for them what it does for pods.

mod network;
mod nginx;
mod simulator;

use std::path::Path;

use anyhow::{Result, ensure};

use super::cluster::{Cluster, inside};
use super::guide::{appears, kubectl};
use super::install::helm_install;
use crate::command::{output_of, run};
use network::Network;
use simulator::Simulator;

/// Pairs of the nodes of a caller and of its server.
const CALLS: [(&str, &str); 2] = [("virtual", "real"), ("real", "virtual")];

/// Plays the mixed cluster on a cluster on which the chart is installed: for as long as it lasts, with this other
/// simulator.
pub fn play(cluster: &Cluster, root: &Path) -> Result<()> {
    let ours = "get pods --all-namespaces --field-selector spec.nodeName=virtual-kubelet --output name";
    let there = kubectl(cluster, ours, "")?;
    ensure!(
        there.trim().is_empty(),
        "pods of another simulator are on the node; delete them first:\n{there}"
    );
    let archive = nginx::archive()?;
    output_of(cluster.command("docker").args(["load", "--quiet", "--input"]).arg(&archive))?;
    run(inside(cluster, "kind")?.args(["load", "image-archive", "--name", cluster.name]).arg(&archive))?;
    let simulator = Simulator::start(cluster, root, &Network::of(cluster)?)?;
    let played = meet(cluster, root, &simulator);
    if played.is_err() {
        for words in ["get pods --output wide", "describe pods", "logs caller-virtual", "logs caller-real"] {
            eprintln!(
                "kubectl {words}\n{}",
                kubectl(cluster, words, "").unwrap_or_else(|why| why.to_string())
            );
        }
    }
    simulator.stop()?;
    played?;
    let ours = ["ps", "--all", "--quiet", "--filter", &simulator::label(cluster)];
    let left = output_of(cluster.command("docker").args(ours))?;
    ensure!(left.trim().is_empty(), "containers of the simulator are left:\n{left}");
    println!("✓ nothing is left of what the Engine ran");
    helm_install(cluster, root, &[])
}

fn meet(cluster: &Cluster, root: &Path, simulator: &Simulator) -> Result<()> {
    helm_install(cluster, root, &[&format!("ECI_ENDPOINT={}", simulator.endpoint)])?;
    appears(cluster)?;
    kubectl(cluster, "apply --filename -", &servers())?;
    kubectl(cluster, "wait --for=condition=Ready pod/real pod/virtual --timeout=120s", "")?;
    for (from, to) in CALLS {
        let ask = |what: &str| kubectl(cluster, &format!("get {what}"), "");
        let address = ask(&format!("pod {to} --output jsonpath='{{.status.podIP}}'"))?;
        let service = ask(&format!("service {to} --output jsonpath='{{.spec.clusterIP}}'"))?;
        println!("✓ nginx runs on the {to} node, at {address}");
        kubectl(cluster, "apply --filename -", &caller(from, to, [&address, &service]))?;
    }
    for (from, to) in CALLS {
        let ends = format!("wait --for=jsonpath={{.status.phase}}=Succeeded pod/caller-{from} --timeout=60s");
        kubectl(cluster, &ends, "")?;
        let said = kubectl(cluster, &format!("logs caller-{from}"), "")?;
        for way in ["address", "service", "name"] {
            let wanted = format!("{way}: nginx of {to}\n");
            ensure!(said.contains(&wanted), "caller-{from} should say `{}`; it says:\n{said}", wanted.trim());
        }
        println!("✓ from the {from} node the pod on the {to} node is reached by address, Service and name");
    }
    let others =
        "delete --wait pod/real pod/virtual pod/caller-real pod/caller-virtual service/real service/virtual";
    kubectl(cluster, others, "").map(drop)
}

/// Line of a pod's specification that chooses its node. All else is left to the cluster and the provider, also the
/// resolver.
fn place(node: &str) -> &'static str {
    match node {
        "virtual" => "nodeName: virtual-kubelet",
        // the virtual node's taint keeps it off that one
        _ => "automountServiceAccountToken: false",
    }
}

/// A server on each node, and a Service before it.
fn servers() -> String {
    let one = |node: &str| {
        format!(
            "apiVersion: v1
kind: Pod
metadata: {{ name: {node}, labels: {{ app: {node} }} }}
spec:
  {}
  containers: [{{ name: nginx, image: \"{}\", ports: [{{ containerPort: 80 }}] }}]
---
apiVersion: v1
kind: Service
metadata: {{ name: {node} }}
spec: {{ selector: {{ app: {node} }}, ports: [{{ port: 80 }}] }}
---
",
            place(node),
            nginx::TAG
        )
    };
    ["real", "virtual"].map(one).concat()
}

/// A pod on one node that calls the server on the other by each way, and ends well when all of them led there.
fn caller(from: &str, to: &str, [address, service]: [&str; 2]) -> String {
    format!(
        "apiVersion: v1
kind: Pod
metadata: {{ name: caller-{from} }}
spec:
  restartPolicy: Never
  {}
  containers:
  - name: caller
    image: \"{}\"
    command: [sh, -ec]
    args:
    - |
      call() {{ said=$(timeout 5 wget -q -O - http://$2/); echo \"$1: $said\"; }}
      call address {address}
      call service {service}
      call name {to}.default
",
        place(from),
        nginx::TAG
    )
}
