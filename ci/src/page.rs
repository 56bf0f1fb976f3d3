//! The control door's page in a real browser.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::checks::{Ended, command};
use crate::debian;
use crate::sdk::{node_packages, release_binary};

/// Debian's names for a browser and the one family of letters that the picture is drawn in.
const PACKAGES: [&str; 2] = ["chromium", "fonts-dejavu-core"];

/// Clicks through the page in a headless Chromium, and compares a picture of it.
pub fn run(root: &Path) -> Result<Ended> {
    if !debian::is_installed("npm") {
        return Ok(Ended::Skipped("there is no npm on this machine".to_owned()));
    }
    let letters = Path::new("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf");
    if !(debian::is_installed(PACKAGES[0]) && letters.exists()) {
        if !(debian::is_root() && debian::is_installed("apt-get")) {
            return Ok(Ended::Skipped("no Chromium is installed, and none can be brought".to_owned()));
        }
        if let Err(why) = debian::install("a browser", &PACKAGES) {
            return Ok(Ended::Skipped(format!("no Chromium can be brought: {why:#}")));
        }
    }
    let folder = root.join("ci/page");
    let packages = node_packages(&folder, "page-node")?;
    let mut tests = Command::new("node");
    tests.args(["--test", "page.test.js"]).current_dir(&folder).env("NODE_PATH", packages);
    tests
        .env("CHROMIUM", debian::find(PACKAGES[0]).context("Chromium was brought and is not in PATH")?)
        .env("ECI_SIM", release_binary(root, "eci-sim")?);
    command(&mut tests)?;
    Ok(Ended::Passed)
}
