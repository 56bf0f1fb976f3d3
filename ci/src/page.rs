//! Check of the control API's page in a real browser.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command::run as run_tests;
use crate::debian;
use crate::outcome::CheckOutcome;
use crate::sdk::node_packages;
use crate::workspace::release_programs;

/// Debian's packages of a browser, and of the one font in which the picture is drawn.
const PACKAGES: [&str; 2] = ["chromium", "fonts-dejavu-core"];

/// Clicks through the page in a headless Chromium, and compares a picture of it.
pub fn run(root: &Path) -> Result<CheckOutcome> {
    let letters = Path::new("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf");
    if !(debian::is_installed(PACKAGES[0]) && letters.exists()) {
        if !(debian::is_root() && debian::is_installed("apt-get")) {
            return Ok(CheckOutcome::Skipped("no Chromium is installed, and none can be brought".to_owned()));
        }
        if let Err(why) = debian::install("a browser", &PACKAGES) {
            return Ok(CheckOutcome::Skipped(format!("no Chromium can be brought: {why:#}")));
        }
    }
    let folder = root.join("ci/page");
    let packages = node_packages(&folder, "page-node")?;
    let mut tests = Command::new("node");
    tests.args(["--test", "page.test.js"]).current_dir(&folder).env("NODE_PATH", packages);
    tests
        .env("CHROMIUM", debian::find(PACKAGES[0]).context("Chromium was brought and is not in PATH")?)
        .env("ECI_SIM", release_programs(root)?.path("bin", "eci-sim")?);
    run_tests(&mut tests)?;
    Ok(CheckOutcome::Passed)
}
