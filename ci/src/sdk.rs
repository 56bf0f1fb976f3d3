//! The official clients, as their vendor publishes them, against the local ECI.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::checks::{Ended, command, with_second_try};

/// Both Python clients: the Tea generation (ACS3) and the core generation (RPC 1.0).
pub fn python(root: &Path) -> Result<Ended> {
    if Command::new("python3").args(["-m", "venv", "--help"]).output().is_err() {
        return Ok(Ended::Skipped("there is no python3 on this machine".to_owned()));
    }
    let folder = root.join("ci/sdk/python");
    let environment = cache()?.join("sdk-python");
    let python = environment.join("bin/python");
    if !python.exists() {
        command(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    }
    with_second_try("installing the Python clients", || {
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "wheel"]);
        command(pip.arg("--requirement").arg(folder.join("requirements.txt")))
    })?;
    let mut tests = Command::new(&python);
    tests
        .args(["-m", "unittest", "--verbose"])
        .current_dir(&folder)
        .env("ECI_SIM", release_binary(root, "eci-sim")?);
    command(&mut tests)?;
    Ok(Ended::Passed)
}

/// The Node client of the Tea generation (ACS3).
pub fn node(root: &Path) -> Result<Ended> {
    if Command::new("npm").arg("--version").output().is_err() {
        return Ok(Ended::Skipped("there is no npm on this machine".to_owned()));
    }
    let folder = root.join("ci/sdk/node");
    let packages = node_packages(&folder, "sdk-node")?;
    let mut tests = Command::new("node");
    tests.args(["--test", "official-client.test.js", "every-action.test.js"]).current_dir(&folder);
    tests.env("NODE_PATH", packages).env("ECI_SIM", release_binary(root, "eci-sim")?);
    command(&mut tests)?;
    Ok(Ended::Passed)
}

/// Brings what a folder's `package.json` asks for, and says where it is kept.
pub fn node_packages(folder: &Path, kept: &str) -> Result<PathBuf> {
    let packages = cache()?.join(kept);
    std::fs::create_dir_all(&packages)?;
    std::fs::copy(folder.join("package.json"), packages.join("package.json"))?;
    with_second_try("installing Node packages", || {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"])
            .current_dir(&packages);
        command(&mut npm)
    })?;
    Ok(packages.join("node_modules"))
}

/// Builds a binary of ours as it is shipped, and says where it is.
pub fn release_binary(root: &Path, package: &str) -> Result<PathBuf> {
    command(
        Command::new("cargo").args(["build", "--release", "--quiet", "--package", package]).current_dir(root),
    )?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let path = target.join("release").join(package);
    path.canonicalize().with_context(|| format!("{} was built but is not there", path.display()))
}

/// Where a fresh clone finds again what an earlier one has brought.
pub fn cache() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME") {
        Some(base) => PathBuf::from(base),
        None => PathBuf::from(std::env::var_os("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?)
            .join(".cache"),
    };
    let folder = base.join("virtual-node");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}
