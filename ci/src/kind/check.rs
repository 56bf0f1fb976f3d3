//! Check on kind: everything on a cluster of its own, from its making to its end.

use std::path::Path;

use anyhow::{Result, ensure};

use super::cluster::{CHECKED, Cluster, delete, down, inside, prepare, up};
use super::install::{Time, install, load};
use super::{containers, guide, mixed, node_image, release};
use crate::cases;
use crate::command::{retry_once, run as run_command};
use crate::engine::{self, Engine};
use crate::images;
use crate::outcome::{CheckOutcome, Extent};
use crate::tools::tool;
use crate::workspace::release_programs;

/// Needs of cases that kind's cluster lacks.
const LACKING: [&str; 2] = ["lone-node", "stepped-time"];

/// Makes all parts of a cluster, the node's image first.
pub fn node_image(root: &Path) -> Result<CheckOutcome> {
    let brought = retry_once("bringing what a kind cluster is made of", || {
        Engine::install()?;
        println!("{}", node_image::archive(root)?.display());
        println!("{}", tool("kind")?.display());
        Ok(())
    });
    Ok(brought.map_or_else(|why| CheckOutcome::Skipped(format!("{why:#}")), |()| CheckOutcome::Passed))
}

/// Removes leftovers of a check that was killed: its cluster, and our Engine.
pub fn clean_up() -> Result<()> {
    down(CHECKED)
}

/// Runs everything on a cluster of its own, which is removed in any case. A failure of this machine's own is printed,
/// tried once more, and then a reason to skip the check.
pub fn run(root: &Path, extent: Extent) -> Result<CheckOutcome> {
    let was_there = Engine::running().is_some();
    if let Err(why) = retry_once("preparing a kind cluster", || prepare(root).map(drop)) {
        if let Some(engine) = Engine::running().filter(|_| !was_there) {
            engine.stop()?;
        }
        return Ok(CheckOutcome::Skipped(format!("{why:#}")));
    }
    let cluster = Cluster { engine: Engine::ensure()?, name: CHECKED };
    let played = play(&cluster, root, extent);
    if played.is_err() {
        explain(&cluster);
    }
    let ended = down(CHECKED);
    played.and(ended)?;
    ensure!(was_there || !engine::is_left(), "something of our Engine is left");
    println!("✓ the cluster is gone{}", if was_there { "" } else { ", and so is the Engine" });
    Ok(CheckOutcome::Passed)
}

fn play(cluster: &Cluster, root: &Path, extent: Extent) -> Result<()> {
    retry_once("making a kind cluster", || {
        // leftovers of a killed run, or of the first try
        delete(cluster)?;
        up(cluster)
    })?;
    let archives = images::build(root)?;
    load(cluster, &archives)?;
    install(cluster, root, Time::Simulated)?;
    cases(cluster, root, extent)?;
    release::uninstall(cluster)?;
    install(cluster, root, Time::Real)?;
    guide::play(cluster)?;
    mixed::play(cluster, root)?;
    release::live(cluster, root)?;
    containers::test(cluster, root, &archives)
}

/// Runs one case of each folder or every case, against the provider and the simulator that run as pods.
fn cases(cluster: &Cluster, root: &Path, extent: Extent) -> Result<()> {
    let chosen = match extent {
        Extent::Landing => cases::one_of_each_folder(&root.join(cases::FOLDER), fits)?,
        Extent::All => Vec::new(),
    };
    // built outside the cluster's network, with access to a registry, and as the main job builds it
    let mut play = inside(cluster, release_programs(root)?.path("bin", "scenarios")?)?;
    run_command(
        play.args(["run", "--strict", "--cluster", "kind", "--retries", "2"]).args(chosen).current_dir(root),
    )
}

/// True of the text of a case that needs nothing which kind's cluster lacks.
fn fits(case: &str) -> bool {
    !LACKING.iter().any(|need| case.contains(need))
}

/// Prints the state of the pods and the last lines of both programs.
fn explain(cluster: &Cluster) {
    for words in [
        "get pods --all-namespaces --output wide",
        "--namespace=kube-system logs deployment/ack-virtual-node --tail=20",
        "--namespace=eci-sim logs deployment/eci-sim --tail=20",
    ] {
        let asked = guide::kubectl(cluster, words, "");
        eprintln!("kubectl {words}\n{}", asked.unwrap_or_else(|error| error.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_of_the_house_has_a_case_for_kind() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(cases::FOLDER);
        let subjects = cases::one_of_each_folder(&folder, |_| true).unwrap().len();
        assert_eq!(cases::one_of_each_folder(&folder, fits).unwrap().len(), subjects);
    }
}
