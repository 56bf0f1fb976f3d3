//! The Jobs of a CronJob that run, have ended, or are too many to keep.

use std::sync::Arc;

use serde_json::Value;

use super::{emit, remove};
use crate::object::conditions::holds;
use crate::object::field::{list, list_mut, name, number, text, uid};
use crate::object::timestamp;
use crate::sim::KubeSim;

/// Deletes the Jobs that ended longest ago, beyond the limits of the history.
pub fn remove_old(sim: &KubeSim, cron: &mut Value, jobs: &[Arc<Value>]) {
    for (condition, limit) in
        [("Complete", "/spec/successfulJobsHistoryLimit"), ("Failed", "/spec/failedJobsHistoryLimit")]
    {
        let Some(limit) = number(cron, limit).and_then(|limit| usize::try_from(limit).ok()) else { continue };
        let mut ended: Vec<_> = jobs.iter().filter(|job| holds(job, condition)).collect();
        ended.sort_by_key(|job| (text(job, "/status/startTime").to_owned(), name(job).to_owned()));
        for job in &ended[..ended.len().saturating_sub(limit)] {
            remove(sim, cron, name(job));
        }
    }
}

/// Takes Jobs that have ended or are gone off the active ones, and notes the last that succeeded.
pub fn follow(sim: &KubeSim, cron: &mut Value, jobs: &[Arc<Value>]) {
    for job in jobs {
        let is_active = |active: &Value| text(active, "/uid") == uid(job);
        let listed = list(cron, "/status/active").iter().any(is_active);
        let outcome = ["Complete", "Failed"].into_iter().find(|condition| holds(job, condition));
        match (listed, outcome) {
            (false, None) => {
                let message =
                    format!("Saw a job that the controller did not create or forgot: {}", name(job));
                emit(sim, cron, "Warning", "UnexpectedJob", &message);
            }
            (true, Some(condition)) => {
                list_mut(&mut cron["status"], "active").retain(|active| !is_active(active));
                let message = format!("Saw completed job: {}, condition: {condition}", name(job));
                emit(sim, cron, "Normal", "SawCompletedJob", &message);
            }
            _ => {}
        }
        let ended = timestamp::read(job, "/status/completionTime").filter(|_| outcome == Some("Complete"));
        if ended > timestamp::read(cron, "/status/lastSuccessfulTime") {
            cron["status"]["lastSuccessfulTime"] = job["status"]["completionTime"].clone();
        }
    }
    let missing = |active: &&Value| !jobs.iter().any(|job| text(active, "/uid") == uid(job));
    let missing: Vec<Value> = list(cron, "/status/active").iter().filter(missing).cloned().collect();
    for job in missing {
        list_mut(&mut cron["status"], "active").retain(|active| active["uid"] != job["uid"]);
        let message = format!("Active job went missing: {}", text(&job, "/name"));
        emit(sim, cron, "Normal", "MissingJob", &message);
    }
}
