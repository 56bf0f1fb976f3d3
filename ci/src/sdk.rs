//! The official clients, as their vendor publishes them, against the local ECI.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::cache;
use crate::command::{build, output_of, retry_once, run};
use crate::kubernetes::module::fingerprint;
use crate::outcome::CheckOutcome;
use crate::workspace::release_programs;

/// The Python clients: the Tea generation (ACS3) and the core generation (RPC 1.0) of ECI, that of the billing API, and the
/// validator of the FOCUS file that all cases make.
pub fn python(root: &Path) -> Result<CheckOutcome> {
    let folder = root.join("ci/sdk/python");
    let requirements = folder.join("requirements.txt");
    let wanted = fs::read_to_string(&requirements).context("cannot read requirements.txt")?;
    let version = output_of(Command::new("python3").arg("--version"))?;
    let key = fingerprint(&[&wanted, &version]);
    let environment = cache::entry(&format!("sdk-python/{key:016x}"), |environment| {
        build(Command::new("python3").args(["-m", "venv"]).arg(environment))?;
        retry_once("installing the Python clients", || {
            let mut pip = Command::new(environment.join("bin/python"));
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "wheel"]);
            build(pip.arg("--requirement").arg(&requirements))
        })
    })?;
    let python = environment.join("bin/python");
    let mut tests = Command::new(&python);
    tests
        .args(["-m", "unittest", "--verbose"])
        .current_dir(&folder)
        .env("ECI_SIM", release_programs(root)?.path("bin", "eci-sim")?)
        .env("SCENARIOS", release_programs(root)?.path("bin", "scenarios")?);
    run(&mut tests)?;
    Ok(CheckOutcome::Passed)
}

/// The Node client of the Tea generation (ACS3).
pub fn node(root: &Path) -> Result<CheckOutcome> {
    let folder = root.join("ci/sdk/node");
    let packages = node_packages(&folder, "sdk-node")?;
    let mut tests = Command::new("node");
    tests.args(["--test", "official-client.test.js", "every-action.test.js"]).current_dir(&folder);
    tests.env("NODE_PATH", packages).env("ECI_SIM", release_programs(root)?.path("bin", "eci-sim")?);
    run(&mut tests)?;
    Ok(CheckOutcome::Passed)
}

/// Folder of the Node packages of a folder's `package.json`, installed first where they are missing.
pub fn node_packages(folder: &Path, name: &str) -> Result<PathBuf> {
    let list = folder.join("package.json");
    let wanted = fs::read_to_string(&list).context("cannot read package.json")?;
    let key = fingerprint(&[&wanted]);
    let packages = cache::entry(&format!("{name}/{key:016x}"), |packages| {
        fs::copy(&list, packages.join("package.json"))?;
        retry_once("installing Node packages", || {
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]);
            build(npm.current_dir(packages))
        })
    })?;
    Ok(packages.join("node_modules"))
}
