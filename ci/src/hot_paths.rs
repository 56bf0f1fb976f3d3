//! Check of the hot paths: their instructions, counted under valgrind, against the committed table.

use std::path::Path;

use anyhow::Result;

use crate::command::{bound_to_us, run as run_command};
use crate::debian;
use crate::outcome::CheckOutcome;
use crate::workspace::release_programs;

/// Program that counts, and Debian's package of it.
const VALGRIND: &str = "valgrind";

/// Counts the instructions of each hot path, and compares them with `benches/instructions.csv`.
pub fn run(root: &Path) -> Result<CheckOutcome> {
    if !debian::is_installed(VALGRIND) {
        if !(debian::is_root() && debian::is_installed("apt-get")) {
            return Ok(CheckOutcome::Skipped("no valgrind is installed, and none can be brought".to_owned()));
        }
        if let Err(why) = debian::install("valgrind", &[VALGRIND]) {
            return Ok(CheckOutcome::Skipped(format!("no valgrind can be brought: {why:#}")));
        }
    }
    let programs = release_programs(root)?;
    run_command(bound_to_us(programs.path("bin", "hot-paths")?).current_dir(root))?;
    Ok(CheckOutcome::Passed)
}
