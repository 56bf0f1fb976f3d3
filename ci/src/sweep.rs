//! Every case again under perturbations, by the program as it is shipped: `scenarios sweep`.

use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use anyhow::Result;

use crate::command::{bound_to_us, output_of, run as run_command};
use crate::outcome::{CheckOutcome, Extent};
use crate::workspace::release_programs;

/// The runs that decide whether a change lands: two cores play them within six minutes.
const RUNS: &str = "4000";
/// The random mixes that are played with `--all`.
const MIXES: u64 = 2_000;
/// The number of seeds that there are.
const SEEDS: u64 = 100_000;

/// Plays one kill and the lost answer at each place, turned by the tree; with `--all` every perturbation of each situation, and
/// random mixes from the day's seeds.
pub fn run(root: &Path, extent: Extent) -> Result<CheckOutcome> {
    let programs = release_programs(root)?;
    let scenarios = programs.path("bin", "scenarios")?;
    let turn = tree(root);
    let sweep = |arguments: &[&str]| {
        println!("scenarios sweep {}", arguments.join(" "));
        run_command(bound_to_us(scenarios).arg("sweep").args(arguments).current_dir(root))
    };
    match extent {
        Extent::Landing => sweep(&["--turn", &turn, "--runs", RUNS])?,
        Extent::All => {
            sweep(&["--all", "--turn", &turn])?;
            let first = 1 + today() * MIXES % SEEDS;
            sweep(&["--turn", &turn, "--seeds", &format!("{first}..{}", first + MIXES - 1)])?;
        }
    }
    Ok(CheckOutcome::Passed)
}

/// The hash of the tree that was checked out, so that each change turns the sweep further and each try can be repeated.
fn tree(root: &Path) -> String {
    let said = output_of(Command::new("git").args(["rev-parse", "--short", "HEAD^{tree}"]).current_dir(root));
    said.map_or_else(|_| "no-tree".to_owned(), |hash| hash.trim().to_owned())
}

/// The day, counted from 1970, from which the mixes' seeds are drawn.
fn today() -> u64 {
    #[allow(clippy::disallowed_methods, reason = "another day is to draw other seeds")]
    let now = SystemTime::now();
    now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs() / 86_400)
}
