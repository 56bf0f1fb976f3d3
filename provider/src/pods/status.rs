//! From a container group to the status of its pod; pure.

use std::collections::BTreeMap;

use eci_api::group::{self, ContainerGroup, ContainerGroupStatus as Status, ContainerStateKind};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    Container, ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting,
    ContainerStatus, HostIP, Pod, PodCondition, PodIP, PodStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::conditions::{self, Facts};
use super::monotone;
use super::phase::{self, ContainerStatuses, Phase, RestartPolicy};
use super::request::is_sidecar;

/// The exit code of a container whose end nobody saw.
const UNSEEN: i32 = 137;

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
        for container in status
            .container_statuses
            .iter_mut()
            .flatten()
            .chain(status.init_container_statuses.iter_mut().flatten())
        {
            end_unseen(container, now);
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

fn end_unseen(container: &mut ContainerStatus, now: Timestamp) {
    let running = container.state.as_ref().and_then(|state| state.running.clone());
    if let Some(running) = running {
        container.state = Some(terminated(UNSEEN, "ContainerStatusUnknown", running.started_at, now));
    }
    container.ready = false;
    container.started = Some(false);
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
        Status::Failed | Status::ScheduleFailed | Status::StartingFailed => {
            ("ProviderFailed", "the instance failed", None)
        }
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

/// The cloud's view of one container.
#[derive(Clone, Copy)]
struct Seen<'a> {
    current: Option<&'a group::ContainerState>,
    previous: Option<&'a group::ContainerState>,
    ready: bool,
    restarts: i32,
}

impl<'a> Seen<'a> {
    fn new(
        current: &'a Option<group::ContainerState>,
        previous: &'a Option<group::ContainerState>,
        ready: bool,
        restarts: i32,
    ) -> Self {
        let said =
            |state: &'a Option<group::ContainerState>| state.as_ref().filter(|state| !state.state.is_empty());
        Self { current: said(current), previous: said(previous), ready, restarts }
    }
}

struct View<'a> {
    pod: &'a Pod,
    group: Option<&'a ContainerGroup>,
    states: BTreeMap<&'a str, Seen<'a>>,
}

impl View<'_> {
    fn status(&self, now: Timestamp) -> PodStatus {
        let spec = self.pod.spec.clone().unwrap_or_default();
        let old = self.pod.status.clone().unwrap_or_default();
        let policy = RestartPolicy::read(spec.restart_policy.as_deref());
        let inits = spec.init_containers.unwrap_or_default();
        let waits_for = if inits.is_empty() { "ContainerCreating" } else { "PodInitializing" };
        let init_statuses: Vec<_> = inits
            .iter()
            .map(|c| self.init_container(c, old.init_container_statuses.as_deref(), policy))
            .collect();
        let mut statuses: Vec<_> = spec
            .containers
            .iter()
            .map(|c| self.container(c, old.container_statuses.as_deref(), waits_for, policy))
            .collect();
        statuses.sort_by(|left, right| left.name.cmp(&right.name));
        let pick = |sidecar: bool| {
            let pairs = inits.iter().zip(&init_statuses).filter(move |(c, _)| is_sidecar(c) == sidecar);
            pairs.map(|(_, status)| Some(status)).collect::<Vec<_>>()
        };
        let mains: Vec<_> = statuses.iter().map(Some).collect();
        let leaving = self.pod.metadata.deletion_timestamp.is_some();
        let by_kind = ContainerStatuses { inits: &pick(false), sidecars: &pick(true), mains: &mains };
        let phase = monotone::forward(self.pod.status.as_ref(), phase::of(by_kind, policy, leaving));
        let address = self.address().or_else(|| old.pod_ip.clone());
        let live = self.group.is_some_and(|group| !group.intranet_ip.is_empty()) && !phase.is_final();
        let facts =
            Facts { pod: self.pod, phase, inits: &init_statuses, mains: &statuses, has_address: live, now };
        PodStatus {
            phase: Some(phase.as_str().to_owned()),
            conditions: Some(conditions::of(facts)),
            container_statuses: Some(statuses).filter(|list| !list.is_empty()),
            init_container_statuses: Some(init_statuses).filter(|list| !list.is_empty()),
            start_time: Some(old.start_time.unwrap_or(Time(now))),
            // An instance is a host of its own.
            host_ip: address.clone(),
            host_ips: address.clone().map(|ip| vec![HostIP { ip }]),
            pod_ips: address.clone().map(|ip| self.addresses(ip)),
            pod_ip: address,
            qos_class: old.qos_class,
            observed_generation: self.pod.metadata.generation,
            ..PodStatus::default()
        }
    }

    fn address(&self) -> Option<String> {
        let ip = &self.group?.intranet_ip;
        ip.parse::<std::net::IpAddr>().is_ok().then(|| ip.clone())
    }

    fn addresses(&self, first: String) -> Vec<PodIP> {
        let second = self.group.map(|group| group.ipv6_address.clone());
        let second = second.filter(|ip| ip.parse::<std::net::Ipv6Addr>().is_ok() && *ip != first);
        std::iter::once(first).chain(second).map(|ip| PodIP { ip }).collect()
    }

    fn init_container(
        &self,
        container: &Container,
        old: Option<&[ContainerStatus]>,
        policy: RestartPolicy,
    ) -> ContainerStatus {
        let mut status = self.container(container, old, "PodInitializing", policy);
        let ended = status.state.as_ref().and_then(|state| state.terminated.as_ref());
        if !is_sidecar(container) {
            // As the kubelet has it: an init container is ready once it ended well.
            status.ready = ended.is_some_and(|ended| ended.exit_code == 0);
        }
        status
    }

    fn container(
        &self,
        container: &Container,
        old: Option<&[ContainerStatus]>,
        waits_for: &str,
        policy: RestartPolicy,
    ) -> ContainerStatus {
        let before = old.unwrap_or_default().iter().find(|status| status.name == container.name);
        let seen = self.states.get(container.name.as_str());
        let current = seen.and_then(|seen| seen.current).and_then(|state| read(state, waits_for));
        if let Some(kept) = before.filter(|before| ended_for_good(before, policy, container)) {
            let ended_again = current.as_ref().is_some_and(|state| state.terminated.is_some());
            if !ended_again {
                return kept.clone();
            }
        }
        let mut status = ContainerStatus {
            name: container.name.clone(),
            image: container.image.clone().unwrap_or_default(),
            image_id: before.map(|before| before.image_id.clone()).unwrap_or_default(),
            restart_count: seen
                .map(|seen| seen.restarts)
                .unwrap_or_default()
                .max(before.map(|before| before.restart_count).unwrap_or_default()),
            last_state: seen
                .and_then(|seen| seen.previous)
                .and_then(|state| read(state, waits_for))
                .or_else(|| before.and_then(|before| before.last_state.clone()))
                // an API server writes an empty one for a container that never ended
                .filter(|state| state.terminated.is_some()),
            ..ContainerStatus::default()
        };
        let state = current.unwrap_or_else(|| waiting(waits_for, None));
        let runs = state.running.is_some();
        status.state = Some(state);
        if let Some(published) = before.filter(|before| !self.is_of_another_group(before)) {
            if self.starts_anew() && status.last_state.is_none() && !runs {
                status.last_state = last_run(published);
            }
            if monotone::is_container_older(&status, published) {
                return published.clone();
            }
        }
        let asks_probe = self.asks_readiness_probe(container);
        status.ready = runs && (!asks_probe || seen.is_some_and(|seen| seen.ready));
        status.started = Some(runs);
        let ended = status.state.as_ref().is_some_and(|state| state.terminated.is_some());
        if runs || ended || status.last_state.is_some() {
            status.container_id = self.container_id(&container.name, status.restart_count);
        }
        status
    }

    /// Returns true when somebody had the containers restarted, so that one that waits is no older than one that ran.
    fn starts_anew(&self) -> bool {
        self.group.is_some_and(|group| monotone::is_restarting(group.parsed_status()))
    }

    /// Returns true when `published` speaks of another group than this one, so that their times are in no order.
    fn is_of_another_group(&self, published: &ContainerStatus) -> bool {
        let Some(group) = self.group else { return false };
        let id = published.container_id.as_deref().and_then(|id| id.strip_prefix("eci://"));
        id.is_some_and(|id| id.split('/').next() != Some(group.container_group_id.as_str()))
    }

    /// Returns true when the cloud was given a readiness probe for this container.
    fn asks_readiness_probe(&self, container: &Container) -> bool {
        let probe = container.readiness_probe.as_ref();
        probe.is_some_and(|probe| {
            probe.exec.is_some() || probe.http_get.is_some() || probe.tcp_socket.is_some()
        })
    }

    fn container_id(&self, name: &str, restarts: i32) -> Option<String> {
        let group = &self.group?.container_group_id;
        Some(if restarts == 0 {
            format!("eci://{group}/{name}")
        } else {
            format!("eci://{group}/{name}/{restarts}")
        })
    }
}

/// A container that ended and, by its policy, is not started again.
fn ended_for_good(status: &ContainerStatus, policy: RestartPolicy, container: &Container) -> bool {
    let ended = status.state.as_ref().and_then(|state| state.terminated.as_ref());
    let policy = if is_sidecar(container) { RestartPolicy::Always } else { policy };
    ended.is_some_and(|ended| match policy {
        RestartPolicy::Always => false,
        RestartPolicy::OnFailure => ended.exit_code == 0,
        RestartPolicy::Never => true,
    })
}

/// The end of a container's last run, for one that waits again; unseen where it still ran.
fn last_run(published: &ContainerStatus) -> Option<ContainerState> {
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

fn waiting(reason: &str, message: Option<String>) -> ContainerState {
    let waiting = ContainerStateWaiting { reason: Some(reason.to_owned()), message };
    ContainerState { waiting: Some(waiting), ..ContainerState::default() }
}

fn read(state: &group::ContainerState, waits_for: &str) -> Option<ContainerState> {
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
            let reason = text(&state.reason).or_else(|| text(&state.detail_status));
            waiting(reason.as_deref().unwrap_or(waits_for), text(&state.message))
        }
        _ => return None,
    })
}

fn time(text: &str) -> Option<Time> {
    text.parse().ok().map(Time)
}

#[cfg(test)]
mod tests;
