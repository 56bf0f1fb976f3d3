//! Plays cases one after the other on a real cluster, and sweeps up after each.

use std::collections::BTreeSet;

use determinism::{Seed, Stopwatch};

use super::{Case, no_files, no_world, play_steps};
use crate::cluster::{SharedCluster, SharedClusterError};
use crate::outcome::{CaseVerdict, Outcome};

/// The reason for which cases were not played to their end.
#[derive(Debug, thiserror::Error)]
pub enum NotPlayed<E: std::error::Error + 'static> {
    /// Somebody asked for the end.
    #[error("told to end after {played} of {all} cases; what they had made on the cluster is taken away")]
    Interrupted {
        /// So many were played.
        played: usize,
        /// Of so many.
        all: usize,
    },
    /// The cluster cannot be used any more.
    #[error(transparent)]
    Cluster(#[from] SharedClusterError),
    /// The report could not be written.
    #[error("the report cannot be written")]
    Report(#[source] E),
}

/// Plays `cases` in order until `end`, and takes away what each has left on the cluster, also when it was broken off.
///
/// A case that fails is played again, at most `retries` times: its time is the machine's, which may be busy. What it failed by
/// stays in its outcome.
///
/// # Errors
/// [`NotPlayed`].
pub async fn play_on<E: std::error::Error + 'static>(
    cluster: &mut SharedCluster,
    cases: &[Case],
    seed: Seed,
    retries: u32,
    end: impl Future<Output = ()>,
    mut begun: impl FnMut(&Case) -> Result<(), E>,
    mut ended: impl FnMut(Outcome) -> Result<(), E>,
) -> Result<(), NotPlayed<E>> {
    let mut end = std::pin::pin!(end);
    for (played, case) in cases.iter().enumerate() {
        begun(case).map_err(NotPlayed::Report)?;
        let case = &Case { scenario: case.scenario.clone().at_home_in(cluster.home()), ..case.clone() };
        let made: BTreeSet<String> = case.scenario.namespaces();
        let (mut left, mut earlier) = (retries, None);
        let outcome = loop {
            let outcome = tokio::select! {
                outcome = play(cluster, case, seed) => Some(outcome),
                () = &mut end => None,
            };
            cluster.clean_up(&made).await?;
            let Some(outcome) = outcome else {
                return Err(NotPlayed::Interrupted { played, all: cases.len() });
            };
            match outcome.verdict {
                CaseVerdict::Failed(failure) if left > 0 => {
                    left -= 1;
                    earlier = Some(failure);
                }
                verdict => break Outcome { verdict, earlier, ..outcome },
            }
        };
        ended(outcome).map_err(NotPlayed::Report)?;
    }
    Ok(())
}

async fn play(cluster: &mut SharedCluster, case: &Case, seed: Seed) -> Outcome {
    let stopwatch = Stopwatch::start();
    let folder = match case.file.beside() {
        Ok(folder) => folder,
        Err(error) => return no_files(case, &error),
    };
    let mut outcome = match cluster.world(seed, folder.path()).await {
        Ok(mut world) => {
            let outcome = play_steps(case, &mut world).await;
            world.end().await;
            outcome
        }
        Err(error) => no_world(case, &error),
    };
    outcome.took = stopwatch.elapsed();
    outcome
}
