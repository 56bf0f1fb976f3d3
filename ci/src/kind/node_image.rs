//! Makes a kind node's image from Debian packages and Go modules: no registry, no Docker Engine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::cache;
use crate::command::{build, retry_once, run};
use crate::go::go;
use crate::images::{Owners, pack};
use crate::kubernetes::{module, node_programs};
use crate::supervision::niceness;
use crate::tools::pinned;

/// Debian's packages of a node beside Kubernetes.
const PACKAGES: &str = "busybox-static,ca-certificates,conntrack,containerd,containernetworking-plugins,dbus,ethtool,\
                        hostname,iproute2,iptables,kmod,mount,nftables,procps,runc,socat,systemd,systemd-sysv,util-linux";
/// Debian release whose containerd and runc are known to serve.
const SUITE: &str = "bookworm";
/// Go module from which the name server is built; `go.sum` only repeats it.
const COREDNS: &str = include_str!("../../coredns/go.mod");
/// Files of ours that go into the image.
const SOURCES: [&str; 12] = [
    include_str!("../../kind/node-root"),
    include_str!("../../kind/program-root"),
    include_str!("../../kind/pod-network"),
    include_str!("../../kind/node/etc/containerd/config.toml"),
    include_str!("../../kind/node/etc/systemd/system/kubelet.service"),
    include_str!("../../kind/node/kind/manifests/default-cni.yaml"),
    include_str!("../../kind/node/usr/local/bin/node-entry"),
    include_str!("../../kind/node/usr/local/lib/virtual-node/kubelet-cgroups"),
    include_str!("../../coredns/main.go"),
    COREDNS,
    include_str!("../../control-plane/pause/main.go"),
    include_str!("../../control-plane.toml"),
];

/// Name of each node's image, before its tag.
pub const REPOSITORY: &str = "virtual-node.test/node";

/// Name of this node's image; its tag is a fingerprint of its sources.
pub fn tag() -> String {
    format!("{REPOSITORY}:{}-{:016x}", module::key(), module::fingerprint(&SOURCES))
}

/// Archive with the node's image, made first where it is missing.
pub fn archive(root: &Path) -> Result<PathBuf> {
    let tag = tag();
    let name = tag.rsplit(':').next().unwrap_or_default();
    let folder = cache::entry(&format!("kind/node-{name}"), |folder| make(root, &tag, folder))?;
    Ok(folder.join("node.tar"))
}

fn make(root: &Path, tag: &str, folder: &Path) -> Result<()> {
    let version = module::kubernetes_version();
    let pinned = pinned()?.node_image;
    let debian = debian()?;
    let programs = node_programs(root)?;
    eprintln!("putting the node's image together");
    let scripts = root.join("ci/kind");
    let work = folder.join("work");
    fs::create_dir_all(&work)?;

    let kubernetes = work.join("kubernetes");
    run(Command::new(scripts.join("program-root")).args([&debian, &programs, &kubernetes]))?;
    let mut tags = vec![format!("virtual-node.test/kubernetes:{version}")];
    for program in ["kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler"] {
        tags.push(format!("registry.k8s.io/{program}:{version}"));
    }
    tags.push(format!("registry.k8s.io/etcd:{}", pinned.etcd));
    let path = "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let kubernetes = pack(&kubernetes, Owners::Root, &tags, &json!({ "Env": [path] }), &kubernetes)?;

    let coredns = work.join("coredns-program");
    let mut build_coredns = go(&root.join("ci/coredns"))?;
    build(build_coredns.args(["build", "-ldflags", "-s -w", "-o"]).arg(&coredns).arg("."))?;
    let coredns = single_program(&work, &coredns, "coredns/coredns", &pinned.coredns)?;
    let pause = work.join("pause-program");
    let mut build_pause = go(&root.join("ci/control-plane"))?;
    build(build_pause.args(["build", "-ldflags", "-s -w", "-o"]).arg(&pause).arg("./pause"))?;
    let pause = single_program(&work, &pause, "pause", &pinned.pause)?;

    let node = work.join("node");
    let mut lay_out = Command::new(scripts.join("node-root"));
    lay_out.args([&debian, &programs]).args([version, &pinned.pause]).arg(&node);
    run(lay_out.args([kubernetes, coredns, pause]))?;
    let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let entry = json!({ "Env": ["container=docker", path], "Entrypoint": ["/usr/local/bin/node-entry"] });
    pack(&node, Owners::AsTheyAre, &[tag.to_owned()], &entry, &folder.join("node"))?;
    fs::remove_dir_all(&work).with_context(|| format!("cannot clear {}", work.display()))
}

/// An image of one static program.
fn single_program(work: &Path, program: &Path, repository: &str, version: &str) -> Result<PathBuf> {
    let name = repository.rsplit('/').next().unwrap_or_default();
    let root = work.join(name);
    fs::create_dir_all(&root)?;
    fs::copy(program, root.join(name)).with_context(|| format!("cannot copy {}", program.display()))?;
    let tag = format!("registry.k8s.io/{repository}:{version}");
    pack(&root, Owners::Root, &[tag], &json!({ "Entrypoint": [format!("/{name}")] }), &root)
}

/// A Debian root with a node's packages, from wherever this machine's apt gets its own.
fn debian() -> Result<PathBuf> {
    let folder =
        cache::entry(&format!("kind/debian-{SUITE}-{:08x}", module::fingerprint(&[PACKAGES])), |folder| {
            let asked = Command::new("mmdebstrap").arg("--version").output();
            ensure!(asked.is_ok(), "mmdebstrap is not installed: `apt-get install mmdebstrap`");
            retry_once("bringing Debian's packages", || {
                let mut bring = Command::new("nice");
                bring.args(["-n", niceness(), "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase"]);
                bring.arg(format!("--include={PACKAGES}")).arg(SUITE).arg(folder.join("root"));
                build(&mut bring)
            })
        })?;
    Ok(folder.join("root"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_server_that_is_built_is_the_one_that_kubeadm_asks_for() {
        let asked = pinned().unwrap().node_image.coredns;
        assert!(
            COREDNS.contains(&format!("github.com/coredns/coredns {asked}\n")),
            "{asked} is not in go.mod"
        );
    }
}
