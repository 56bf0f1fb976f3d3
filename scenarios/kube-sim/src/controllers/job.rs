//! Jobs: pods that run to completion, with a number of completions, a parallelism and a back-off limit.

mod act;
mod decide;
mod indexes;
mod policy;

use crate::sim::KubeSim;
use crate::store::GroupResource;

use super::owned::PODS;
use super::waiting::{ChangeWatcher, earliest};

const JOBS: GroupResource = ("batch", "jobs");
/// Finalizer that keeps a Job's pod until it has been counted.
const TRACKING: &str = "batch.kubernetes.io/job-tracking";
/// Label and annotation with the completion index of an Indexed Job's pod.
const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// Reconciles Jobs until the future is dropped.
pub async fn run(sim: &KubeSim) {
    let mut changes = ChangeWatcher::new(sim, &[JOBS, PODS]);
    loop {
        changes.mark_seen();
        act::release_orphans(sim);
        let mut due = None;
        for job in sim.store().list(JOBS, None).0 {
            let next = act::reconcile(sim, &job).await;
            due = earliest(due, next);
        }
        changes.wait(sim, due).await;
    }
}
