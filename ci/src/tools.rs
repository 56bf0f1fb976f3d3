//! Programs of others, helm and kind first, built from source at a pinned version, once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::cache;
use crate::command::build;
use crate::go::go;

/// Versions that `ci/control-plane.toml` pins.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Pinned {
    /// Go programs by name.
    tools: BTreeMap<String, Tool>,
    /// Versions of programs that cargo installs, by the names of their crates.
    cargo_tools: BTreeMap<String, String>,
    /// Images that kubeadm asks for.
    pub node_image: NodeImage,
}

/// A Go program: package path and version.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tool {
    package: String,
    version: String,
    /// Linker flags beside those that leave out symbols.
    #[serde(default)]
    link: Vec<String>,
}

/// The tags of the images that kubeadm asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeImage {
    /// Version in `ci/coredns/go.mod`, from which it is built, and the tag.
    pub coredns: String,
    /// Tag only: the version that is built stands in `go.mod`.
    pub etcd: String,
    /// Tag only: the image is ours.
    pub pause: String,
}

/// Reads the pinned versions.
pub fn pinned() -> Result<Pinned> {
    toml::from_str(include_str!("../control-plane.toml")).context("ci/control-plane.toml cannot be read")
}

/// Builds helm and kind, where one is missing, and prints their paths.
pub fn run() -> Result<()> {
    for name in ["helm", "kind"] {
        println!("{}", tool(name)?.display());
    }
    Ok(())
}

/// Path of a pinned tool, built first where it is missing.
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

/// Module and version of a pinned Go program whose package is `MODULE/cmd/NAME`.
pub fn module_of(name: &str) -> Result<String> {
    let pinned = pinned()?;
    let tool = pinned
        .tools
        .get(name)
        .with_context(|| format!("ci/control-plane.toml pins no tool called {name}"))?;
    let module = tool.package.split("/cmd/").next().unwrap_or(&tool.package);
    Ok(format!("{module}@{}", tool.version))
}

/// Path of a pinned program that cargo installs, built first where it is missing.
pub fn cargo_tool(name: &str) -> Result<PathBuf> {
    let pinned = pinned()?;
    let version = pinned
        .cargo_tools
        .get(name)
        .with_context(|| format!("ci/control-plane.toml pins no crate called {name}"))?;
    let folder = cache::entry(&format!("tools/{name}-{version}"), |folder| {
        eprintln!("building {name} from source: some minutes the first time");
        let target = tempfile::tempdir_in(folder).context("cannot make a folder to build in")?;
        let mut install = Command::new("cargo");
        install
            .args(["install", "--locked", "--quiet", "--version", version, "--root"])
            .arg(folder)
            .arg(name);
        build(install.env("CARGO_TARGET_DIR", target.path()))
    })?;
    Ok(folder.join("bin").join(name))
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
        let Pinned { tools, cargo_tools, .. } = pinned().expect("the file is read");
        assert!(tools.contains_key("helm") && tools.contains_key("kind"), "{tools:?}");
        assert!(cargo_tools["cargo-deny"].split('.').count() == 3, "{cargo_tools:?}");
        for (name, tool) in tools {
            assert!(tool.version.starts_with('v'), "{name} = {tool:?}");
        }
    }
}
