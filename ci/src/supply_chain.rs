//! Licences, versions and origins of all dependencies, and what is known against them: cargo-deny, by `deny.toml`.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::command::{build, run};
use crate::outcome::CheckOutcome;
use crate::tools::cargo_tool;

/// Checks every dependency of the workspace; known vulnerabilities only where their database can be fetched, else a line
/// says that they were not looked at.
pub fn run_deny(root: &Path) -> Result<CheckOutcome> {
    let program = cargo_tool("cargo-deny")?;
    let deny = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.arg("--locked").args(arguments).current_dir(root);
        command
    };
    run(&mut deny(&["check", "licenses", "bans", "sources"]))?;
    match build(&mut deny(&["fetch", "db"])) {
        Ok(()) => run(&mut deny(&["check", "advisories"]))?,
        Err(error) => println!("advisories: not looked at, since their database cannot be fetched: {error}"),
    }
    Ok(CheckOutcome::Passed)
}
