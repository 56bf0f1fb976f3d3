//! Jobs: pods that are to succeed, so many in all, so many at a time, and not failing for ever.

mod act;
mod decide;
mod policy;

use crate::KubeSim;
use crate::store::Shelf;

use super::owned::PODS;
use super::replica_set::earliest;
use super::waiting::Changes;

const JOBS: Shelf = ("batch", "jobs");
/// What keeps a Job's pod until it has been counted.
const TRACKING: &str = "batch.kubernetes.io/job-tracking";
/// Which of the completions of an Indexed Job a pod is for.
const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// Keeps Jobs until the future is dropped.
pub async fn run(sim: &KubeSim) {
    let mut changes = Changes::of(sim, &[JOBS, PODS]);
    loop {
        changes.seen();
        act::let_go_of_orphans(sim);
        let mut due = None;
        for job in sim.store().list(JOBS, None).0 {
            let next = act::keep(sim, &job).await;
            due = earliest(due, next);
        }
        changes.next(sim, due).await;
    }
}
