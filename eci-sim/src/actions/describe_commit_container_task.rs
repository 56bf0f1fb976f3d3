//! `DescribeCommitContainerTask`: progress of the tasks that make images, phase by phase.

use eci_api::actions::describe_commit_container_task as tell;
use eci_api::actions::{DescribeCommitContainerTask, DescribeCommitContainerTaskReply};
use jiff::Timestamp;

use crate::refusal::Refusal;
use crate::serving::assets::selects;
use crate::serving::selection::limit;
use crate::serving::times::written;
use crate::serving::{Caller, Serve, assets};
use crate::world::World;
use crate::world::assets::{Asset, Detail, Progress};

/// Page size, default and maximum.
const PAGE: usize = 10;
const PAGE_MAX: usize = 50;
/// Phases of a task in their order, each with the percentage of the time after which it is over.
const PHASES: [(&str, u32); 3] =
    [("PullBaseImage", 30), ("CommitContainer", 60), ("PushCommittedImage", 100)];

impl Serve for DescribeCommitContainerTask {
    const READ_ONLY: bool = true;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let now = world.now();
        let fits = |asset: &Asset| {
            let Detail::Commit { group, .. } = &asset.detail else { return false };
            (self.task_id.is_empty() || self.task_id.contains(&asset.id))
                && selects(&self.container_group_id, group)
                && selects(&self.task_status, status(asset, now))
        };
        let size = limit(self.max_results, PAGE, PAGE_MAX);
        let (tasks, total, next) = assets::page(world, caller, self.next_token.as_deref(), size, fits)?;
        Ok(DescribeCommitContainerTaskReply {
            commit_tasks: tasks.into_iter().filter_map(|task| commit_task(task, now)).collect(),
            max_results: size.to_string(),
            next_token: next,
            request_id: caller.request_id.clone(),
            total_count: total,
        })
    }
}

fn status(task: &Asset, now: Timestamp) -> &'static str {
    if task.progress(now) == Progress::Done { "Succeeded" } else { "Running" }
}

fn commit_task(task: &Asset, now: Timestamp) -> Option<tell::CommitTask> {
    let Detail::Commit { container, image, .. } = &task.detail else { return None };
    let done = task.progress(now) == Progress::Done;
    let percent = match task.progress(now) {
        Progress::Done => 100,
        Progress::Underway(percent) => percent,
    };
    let at = |share: u32| {
        let passed = task.takes * share / 100;
        task.since.saturating_add(jiff::SignedDuration::try_from(passed).unwrap_or_default()).unwrap_or(now)
    };
    let mut phases = Vec::new();
    let mut begins = 0;
    for (phase, ends) in PHASES {
        for (share, status) in [(begins, "Running"), (ends, "Success")] {
            if at(share) <= now {
                phases.push(tell::CommitPhaseInfo {
                    message: if phase == "PushCommittedImage" { image.clone() } else { String::new() },
                    phase: phase.to_owned(),
                    record_time: format!("{:.9}", at(share)),
                    status: status.to_owned(),
                });
            }
        }
        begins = ends;
    }
    Some(tell::CommitTask {
        commit_phase_infos: phases,
        container_name: container.clone(),
        status_message: String::new(),
        task_creation_time: written(task.born),
        task_finished_time: if done { written(task.done_at()) } else { String::new() },
        task_id: task.id.clone(),
        task_progress: format!("{percent}%"),
        task_status: status(task, now).to_owned(),
    })
}
