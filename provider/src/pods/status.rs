//! From a container group to the status of its pod; pure.

mod states;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeMap;

use eci_api::group::{ContainerGroup, ContainerGroupStatus as Status};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodCondition, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::call_failure::{PROVIDER_FAILED, SCHEDULE_FAILED};
use super::conditions::{self, Facts};
use super::phase::Phase;
use super::request::is_sidecar;
use states::{end_unseen, ended_well};
use view::{Seen, View};

/// The status of `pod`, whose group looks like this; never one from before what the pod says already.
pub fn of(pod: &Pod, group: &ContainerGroup, now: Timestamp) -> PodStatus {
    if let Some(ended) = ended(pod) {
        return ended;
    }
    let states: BTreeMap<&str, Seen<'_>> = group
        .init_containers
        .iter()
        .map(|c| (c.name.as_str(), Seen::new(&c.current_state, &c.previous_state, c.ready, c.restart_count)))
        .chain(group.containers.iter().map(|c| {
            (c.name.as_str(), Seen::new(&c.current_state, &c.previous_state, c.ready, c.restart_count))
        }))
        .collect();
    let view = View { pod, group: Some(group), states };
    let mut status = view.status(now);
    if let Some(end) = forced_end(group) {
        force(&mut status, pod, end, now);
    }
    status
}

/// The status of a pod that has ended: it stays, whatever is seen afterwards.
fn ended(pod: &Pod) -> Option<PodStatus> {
    let status = pod.status.as_ref()?;
    matches!(status.phase.as_deref(), Some("Succeeded" | "Failed")).then(|| status.clone())
}

/// The status of a pod for which no instance exists yet; `trouble` is why not, as reason and message.
pub fn without_group(pod: &Pod, trouble: Option<(&str, &str)>, now: Timestamp) -> PodStatus {
    if let Some(ended) = ended(pod) {
        return ended;
    }
    let mut status = View { pod, group: None, states: BTreeMap::new() }.status(now);
    if let Some((reason, message)) = trouble {
        status.reason = Some(reason.to_owned());
        status.message = Some(message.to_owned());
    }
    status
}

/// The status of a pod whose containers cannot be made because of something they refer to.
pub fn unconfigured(pod: &Pod, message: &str, now: Timestamp) -> PodStatus {
    let mut status = without_group(pod, None, now);
    for container in status.container_statuses.iter_mut().flatten() {
        if let Some(waiting) = container.state.as_mut().and_then(|state| state.waiting.as_mut()) {
            waiting.reason = Some("CreateContainerConfigError".to_owned());
            waiting.message = Some(message.to_owned());
        }
    }
    status
}

/// The status of a pod that ends here, whatever its containers did: what ran is ended, what did not never will.
pub fn failed(pod: &Pod, reason: &str, message: &str, now: Timestamp) -> PodStatus {
    if let Some(ended) = ended(pod) {
        return ended;
    }
    let mut status = pod.status.clone().unwrap_or_default();
    if status.container_statuses.is_some() {
        for container in status.container_statuses.iter_mut().flatten() {
            end_unseen(container, now);
        }
        for container in status.init_container_statuses.iter_mut().flatten() {
            end_unseen(container, now);
            container.ready = ended_well(container) && !is_sidecar_of(pod, &container.name);
        }
    }
    let mains = status.container_statuses.clone().unwrap_or_default();
    let inits = status.init_container_statuses.clone().unwrap_or_default();
    status.conditions = Some(conditions::of(Facts {
        pod,
        phase: Phase::Failed,
        inits: &inits,
        mains: &mains,
        has_address: false,
        now,
    }));
    status.phase = Some(Phase::Failed.as_str().to_owned());
    status.reason = Some(reason.to_owned());
    status.message = Some(message.to_owned());
    status.start_time.get_or_insert(Time(now));
    status.observed_generation = pod.metadata.generation;
    status
}

fn is_sidecar_of(pod: &Pod, name: &str) -> bool {
    let inits = pod.spec.iter().flat_map(|spec| spec.init_containers.iter().flatten());
    inits.into_iter().any(|container| container.name == name && is_sidecar(container))
}

/// The end of a group as a whole, when its containers do not tell.
struct End {
    reason: &'static str,
    message: String,
    disrupted: Option<&'static str>,
}

fn forced_end(group: &ContainerGroup) -> Option<End> {
    let last_warning = || {
        let warnings = group.events.iter().rev().filter(|event| event.is_warning());
        warnings.map(|event| format!("{}: {}", event.reason, event.message)).next()
    };
    let (reason, usual, disrupted) = match group.parsed_status() {
        Status::Expired => {
            ("SpotToBeReleased", "the spot instance was taken back", Some("TerminationByKubelet"))
        }
        Status::ScheduleFailed => (SCHEDULE_FAILED, "the instance could not be placed", None),
        Status::Failed | Status::StartingFailed => (PROVIDER_FAILED, "the instance failed", None),
        _ => return None,
    };
    Some(End { reason, message: last_warning().unwrap_or_else(|| usual.to_owned()), disrupted })
}

fn force(status: &mut PodStatus, pod: &Pod, end: End, now: Timestamp) {
    if status.phase.as_deref() == Some(Phase::Failed.as_str()) {
        return;
    }
    let current = Pod { status: Some(status.clone()), ..pod.clone() };
    *status = failed(&current, end.reason, &end.message, now);
    if let Some(reason) = end.disrupted {
        let condition = PodCondition {
            type_: "DisruptionTarget".to_owned(),
            status: "True".to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(end.message),
            last_transition_time: Some(Time(now)),
            ..PodCondition::default()
        };
        let conditions = status.conditions.get_or_insert_with(Vec::new);
        conditions.retain(|known| known.type_ != condition.type_);
        conditions.insert(0, condition);
    }
}
