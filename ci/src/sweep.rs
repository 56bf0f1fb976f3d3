//! Every case again under perturbations, by the program as it is shipped: `scenarios sweep`.

use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use anyhow::Result;

use crate::command::{bound_to_us, output_of, run as run_command};
use crate::outcome::{CheckOutcome, Extent};
use crate::workspace::release_programs;

/// The runs that decide whether a change lands: two cores play them within six minutes.
const RUNS: &str = "3500";
/// The random mixes that are played with `--all`.
const MIXES: u64 = 2_000;
/// The number of seeds that there are.
const SEEDS: u64 = 100_000;

/// Plays one kill and the lost answer at each place, turned by the tree; with `--all` every perturbation of each situation, and
/// random mixes from the day's seeds.
pub fn run(root: &Path, extent: Extent) -> Result<CheckOutcome> {
    let programs = release_programs(root)?;
    let scenarios = programs.path("bin", "scenarios")?;
    let turn = turn(root);
    let sweep = |arguments: &[&str]| {
        println!("scenarios sweep {}", arguments.join(" "));
        // what others leave of the machine is enough: nobody waits for it
        let mut niced = bound_to_us(Path::new("nice"));
        run_command(niced.args(["-n", "10"]).arg(scenarios).arg("sweep").args(arguments).current_dir(root))
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

/// The hashes of the folders that the sweep plays, so that each change of them turns it further and each try can be repeated.
pub fn turn(root: &Path) -> String {
    let folders = ["HEAD:provider", "HEAD:eci-sim", "HEAD:scenarios"];
    let hashes = output_of(Command::new("git").arg("rev-parse").args(folders).current_dir(root));
    let short = |hash: &str| hash.chars().take(7).collect::<String>();
    hashes.map_or_else(
        |_| "no-tree".to_owned(),
        |hashes| hashes.split_whitespace().map(short).collect::<Vec<_>>().join("-"),
    )
}

/// The day, counted from 1970, from which the mixes' seeds are drawn.
fn today() -> u64 {
    #[allow(clippy::disallowed_methods, reason = "another day is to draw other seeds")]
    let now = SystemTime::now();
    now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs() / 86_400)
}
