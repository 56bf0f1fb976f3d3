//! Brings Go programs of others, helm and kind first, built from source at a pinned version, once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::cache;
use crate::command::build;
use crate::go::go;

/// What `ci/control-plane.toml` pins.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Pinned {
    /// By the tool's name.
    tools: BTreeMap<String, Tool>,
    /// What kubeadm asks for.
    pub node_image: NodeImage,
}

/// A Go program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tool {
    package: String,
    version: String,
    /// What the linker is told beside leaving out symbols.
    #[serde(default)]
    link: Vec<String>,
}

/// The tags of the images that kubeadm asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeImage {
    /// Also the version that stands in `ci/coredns/go.mod`, and is built.
    pub coredns: String,
    /// A tag only: what is built stands in `go.mod`.
    pub etcd: String,
    /// A tag only: the image is ours.
    pub pause: String,
}

/// Reads the pinned versions.
pub fn pinned() -> Result<Pinned> {
    toml::from_str(include_str!("../control-plane.toml")).context("ci/control-plane.toml cannot be read")
}

/// Brings what a person drives a cluster with, where it is not there yet, and prints where each is.
pub fn run() -> Result<()> {
    for name in ["helm", "kind"] {
        println!("{}", tool(name)?.display());
    }
    Ok(())
}

/// The path of a pinned tool, brought first where that has not been done.
pub fn tool(name: &str) -> Result<PathBuf> {
    let pinned = pinned()?;
    let tool = pinned
        .tools
        .get(name)
        .with_context(|| format!("ci/control-plane.toml pins no tool called {name}"))?;
    let folder =
        cache::entry(&format!("tools/{name}-{}", tool.version), |folder| install(folder, name, tool))?;
    Ok(folder.join(name))
}

fn install(folder: &Path, name: &str, tool: &Tool) -> Result<()> {
    eprintln!("building {name} from source: a minute or two the first time");
    let link = format!("-s -w {}", tool.link.join(" "));
    let package = format!("{}@{}", tool.package, tool.version);
    let mut install = go(folder)?;
    install.args(["install", "-ldflags", &link, &package]).env("GOBIN", folder);
    build(&mut install)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_pinned_to_a_version() {
        let tools = pinned().expect("the file is read").tools;
        assert!(tools.contains_key("helm") && tools.contains_key("kind"), "{tools:?}");
        for (name, tool) in tools {
            assert!(tool.version.starts_with('v'), "{name} = {tool:?}");
        }
    }
}
