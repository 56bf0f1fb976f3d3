//! Jobs: pods that run to completion, with a number of completions, a parallelism and a back-off limit.

mod act;
mod decide;
mod indexes;
mod orphans;
mod policy;

use crate::sim::KubeSim;
use crate::store::GroupResource;

use super::following::key_of;
use super::owned::PODS;
use super::waiting::ChangeWatcher;
use super::worklist::Worklist;
use orphans::Orphans;

const JOBS: GroupResource = ("batch", "jobs");
/// Finalizer that keeps a Job's pod until it has been counted.
const TRACKING: &str = "batch.kubernetes.io/job-tracking";
/// Label and annotation with the completion index of an Indexed Job's pod.
const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// Reconciles Jobs until the future is dropped.
pub async fn run(sim: &KubeSim) {
    let mut changes = ChangeWatcher::new(sim, &[JOBS, PODS]);
    let mut work = Worklist::new("Job", JOBS, &[PODS]);
    let mut orphans = Orphans::new();
    loop {
        changes.mark_seen();
        orphans.release(sim);
        for job in work.take(sim) {
            let next = act::reconcile(sim, &job).await;
            work.set_due(&key_of(&job), next);
        }
        changes.wait(sim, work.due()).await;
    }
}
