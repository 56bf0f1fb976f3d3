//! States of containers: as the cloud tells them, and those of runs whose end nobody saw.

use eci_api::group::{self, ContainerStateKind};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting, ContainerStatus,
    EphemeralContainer,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::pods::fields;

/// The exit code of a container whose end nobody saw.
const UNSEEN: i32 = 137;
/// The exit code of a container that could not be started.
const NOT_MADE: i32 = 128;

/// Ends a container with its pod; one that ran ends unseen.
pub(super) fn end_unseen(container: &mut ContainerStatus, now: Timestamp) {
    let running = container.state.as_ref().and_then(|state| state.running.clone());
    if let Some(running) = running {
        container.state = Some(terminated(UNSEEN, "ContainerStatusUnknown", running.started_at, now));
    }
    container.ready = false;
    container.started = Some(false);
}

/// True once a container has ended well, by which, as the kubelet has it, an init container is ready.
pub(super) fn ended_well(status: &ContainerStatus) -> bool {
    let ended = status.state.as_ref().and_then(|state| state.terminated.as_ref());
    ended.is_some_and(|ended| ended.exit_code == 0)
}

fn terminated(code: i32, reason: &str, started_at: Option<Time>, now: Timestamp) -> ContainerState {
    let ended = ContainerStateTerminated {
        exit_code: code,
        reason: Some(reason.to_owned()),
        message: Some("The container could not be located when the pod was terminated".to_owned()),
        started_at,
        finished_at: Some(Time(now)),
        ..ContainerStateTerminated::default()
    };
    ContainerState { terminated: Some(ended), ..ContainerState::default() }
}

/// The end of a container's last run, for one that waits again; unseen where it still ran.
pub(super) fn last_run(published: &ContainerStatus) -> Option<ContainerState> {
    let state = published.state.as_ref()?;
    match &state.running {
        Some(running) => Some(lost(running.started_at.clone())),
        None => state.terminated.is_some().then(|| state.clone()),
    }
}

fn lost(started_at: Option<Time>) -> ContainerState {
    let ended = ContainerStateTerminated {
        exit_code: UNSEEN,
        reason: Some("ContainerStatusUnknown".to_owned()),
        message: Some("The container's end was not seen".to_owned()),
        started_at,
        ..ContainerStateTerminated::default()
    };
    ContainerState { terminated: Some(ended), ..ContainerState::default() }
}

pub(super) fn waiting(reason: &str, message: Option<String>) -> ContainerState {
    let waiting = ContainerStateWaiting { reason: Some(reason.to_owned()), message };
    ContainerState { waiting: Some(waiting), ..ContainerState::default() }
}

/// The status of an ephemeral container, which is never made.
pub(super) fn refused(container: &EphemeralContainer, now: Timestamp) -> ContainerStatus {
    let ended = ContainerStateTerminated {
        exit_code: NOT_MADE,
        reason: Some("EphemeralContainerRefused".to_owned()),
        message: Some(fields::NO_EPHEMERAL.to_owned()),
        finished_at: Some(Time(now)),
        ..ContainerStateTerminated::default()
    };
    ContainerStatus {
        name: container.name.clone(),
        image: container.image.clone().unwrap_or_default(),
        started: Some(false),
        state: Some(ContainerState { terminated: Some(ended), ..ContainerState::default() }),
        ..ContainerStatus::default()
    }
}

/// The state of a container as the cloud tells it; `None` for a word that no page has.
pub(super) fn read(state: &group::ContainerState, waits_for: &str) -> Option<ContainerState> {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let started_at = time(&state.start_time);
    Some(match state.kind() {
        ContainerStateKind::Running => {
            ContainerState { running: Some(ContainerStateRunning { started_at }), ..Default::default() }
        }
        kind if kind.has_ended() => {
            let clean = kind == ContainerStateKind::Succeeded || state.reason == "Completed";
            let exit_code = state.exit_code.unwrap_or(if clean { 0 } else { 1 });
            let usual = if exit_code == 0 { "Completed" } else { "Error" };
            let ended = ContainerStateTerminated {
                exit_code,
                signal: state.signal.filter(|signal| *signal != 0),
                reason: Some(text(&state.reason).unwrap_or_else(|| usual.to_owned())),
                message: text(&state.message),
                started_at,
                finished_at: time(&state.finish_time),
                container_id: None,
            };
            ContainerState { terminated: Some(ended), ..Default::default() }
        }
        ContainerStateKind::Waiting => {
            // what a container waits for that never ran follows from the pod, whatever the cloud calls it
            let usual = ["ContainerCreating", "PodInitializing"];
            let reason = text(&state.reason).or_else(|| text(&state.detail_status));
            let reason = reason.filter(|reason| !usual.contains(&reason.as_str()));
            waiting(reason.as_deref().unwrap_or(waits_for), text(&state.message))
        }
        _ => return None,
    })
}

fn time(text: &str) -> Option<Time> {
    text.parse().ok().map(Time)
}
