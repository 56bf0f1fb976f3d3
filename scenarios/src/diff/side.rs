//! One side of a comparison: the cases played on one kind of cluster, each with its record.

use determinism::Seed;

use super::compare::Record;
use super::recorder::Recorder;
use crate::cluster::{SharedCluster, SharedClusterError};
use crate::outcome::{CaseVerdict, Outcome};
use crate::runner::{Case, no_files, no_world, play_steps};
use crate::stage::World;

/// A case's outcome, and the record of it.
#[derive(Debug, Clone)]
pub struct Played {
    /// The case's verdict, figures and failure.
    pub outcome: Outcome,
    /// The record; `None` when the cluster could not be asked.
    pub record: Option<Record>,
}

/// Plays `case` on the embedded API.
pub fn play_embedded(case: &Case, seed: Seed) -> std::io::Result<Played> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let folder = case.file.beside()?;
    Ok(runtime.block_on(async {
        match World::builder().seed(seed).folder(folder.path()).start().await {
            Ok(world) => play(case, world).await,
            Err(error) => Played { outcome: no_world(case, &error), record: None },
        }
    }))
}

/// Plays `case` on a real cluster, and sweeps up after it.
///
/// # Errors
/// When the cluster cannot be used any more.
pub async fn play_on_shared(
    cluster: &mut SharedCluster,
    case: &Case,
    seed: Seed,
) -> Result<Played, SharedClusterError> {
    let case = &Case { scenario: case.scenario.clone().at_home_in(cluster.home()), ..case.clone() };
    let played = match case.file.beside() {
        Ok(folder) => match cluster.world(seed, folder.path()).await {
            Ok(world) => play(case, world).await,
            Err(error) => Played { outcome: no_world(case, &error), record: None },
        },
        Err(error) => Played { outcome: no_files(case, &error), record: None },
    };
    cluster.clean_up(&case.scenario.namespaces()).await?;
    Ok(played)
}

async fn play(case: &Case, mut world: World) -> Played {
    let recorder = Recorder::begin(world.kube()).await;
    let outcome = play_steps(case, &mut world).await;
    let record = match recorder {
        Ok(recorder) => recorder.record(world.outputs(), verdict(&outcome.verdict)).await.ok(),
        Err(_) => None,
    };
    world.end().await;
    Played { outcome, record }
}

fn verdict(verdict: &CaseVerdict) -> &'static str {
    match verdict {
        CaseVerdict::Passed => "passed",
        CaseVerdict::Failed(_) => "failed",
        CaseVerdict::Lacking(_) => "passed over",
    }
}
