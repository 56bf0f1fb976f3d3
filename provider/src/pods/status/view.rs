//! The status of a pod by what the cloud tells of its group's containers, and by what was published before.

use std::collections::BTreeMap;

use eci_api::group::{self, ContainerGroup};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    Container, ContainerStatus, EphemeralContainer, HostIP, Pod, PodIP, PodStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::states::{ended_well, last_run, read, refused, waiting};
use crate::pods::conditions::{self, Facts};
use crate::pods::monotone;
use crate::pods::phase::{self, ContainerStatuses, RestartPolicy};
use crate::pods::request::is_sidecar;

/// The cloud's view of one container.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    current: Option<&'a group::ContainerState>,
    previous: Option<&'a group::ContainerState>,
    ready: bool,
    restarts: i32,
}

impl<'a> Seen<'a> {
    pub(super) fn new(
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

/// A pod, and what the cloud tells of its group.
pub(super) struct View<'a> {
    pub(super) pod: &'a Pod,
    pub(super) group: Option<&'a ContainerGroup>,
    pub(super) states: BTreeMap<&'a str, Seen<'a>>,
}

impl View<'_> {
    /// The status of the pod by this view.
    pub(super) fn status(&self, now: Timestamp) -> PodStatus {
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
            ephemeral_container_statuses: self.ephemeral(now).filter(|list| !list.is_empty()),
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
        if !is_sidecar(container) {
            status.ready = ended_well(&status);
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
            image: self.image(container),
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

    /// The image that a container was made with, which stays where the pod asks for another later.
    fn image(&self, container: &Container) -> String {
        let made = self.group.and_then(|group| {
            let inits = group.init_containers.iter().map(|made| (&made.name, &made.image));
            let mut all = inits.chain(group.containers.iter().map(|made| (&made.name, &made.image)));
            all.find(|(name, image)| **name == container.name && !image.is_empty())
        });
        made.map(|(_, image)| image).or(container.image.as_ref()).cloned().unwrap_or_default()
    }

    /// Ephemeral containers, which an instance does not take: each has ended, with the words why, so that nobody waits.
    fn ephemeral(&self, now: Timestamp) -> Option<Vec<ContainerStatus>> {
        let asked = self.pod.spec.as_ref()?.ephemeral_containers.as_ref()?;
        let old = self.pod.status.as_ref().and_then(|status| status.ephemeral_container_statuses.as_ref());
        let status = |container: &EphemeralContainer| {
            let known = old.into_iter().flatten().find(|status| status.name == container.name);
            known.cloned().unwrap_or_else(|| refused(container, now))
        };
        Some(asked.iter().map(status).collect())
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
