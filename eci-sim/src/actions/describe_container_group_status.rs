//! `DescribeContainerGroupStatus`: the status of groups as a kubelet would report it, for polling.

use eci_api::actions::describe_container_group_status as tell;
use eci_api::actions::{DescribeContainerGroupStatus, DescribeContainerGroupStatusReply};
use jiff::Timestamp;

use crate::group::Group;
use crate::group::container::{Container, Phase, TerminatedRun};
use crate::lifecycle::State;
use crate::refusal::Refusal;
use crate::serving::addresses::{address, dotted};
use crate::serving::object_names::{NAMESPACE, uuid};
use crate::serving::selection::{Filter, limit, tags};
use crate::serving::times::written;
use crate::serving::{Caller, Serve};
use crate::world::World;

/// Page size, default and maximum.
const PAGE: usize = 200;

impl Serve for DescribeContainerGroupStatus {
    const READ_ONLY: bool = true;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        caller.region()?;
        let filter = Filter {
            ids: self.container_group_ids.as_deref(),
            tags: tags(self.tag.iter().map(|tag| (&tag.key, &tag.value))),
            vswitch: self.vswitch_id.as_deref(),
            zone: self.zone_id.as_deref(),
            resource_group: self.resource_group_id.as_deref(),
            since_seconds: self.since_second,
            ..Filter::default()
        };
        let page = filter.page(world, caller, self.next_token.as_deref(), limit(self.limit, PAGE, PAGE))?;
        Ok(DescribeContainerGroupStatusReply {
            data: page.groups.into_iter().map(data).collect(),
            next_token: page.next,
            request_id: caller.request_id.clone(),
            total_count: page.total,
        })
    }
}

fn data(group: &Group) -> tell::Data {
    tell::Data {
        annotations: format!("{{\"k8s.aliyun.com/eci-instance-spec\":\"{}\"}}", group.instance_spec()),
        container_group_id: str::to_owned(&group.record.id),
        name: str::to_owned(&group.record.name),
        namespace: NAMESPACE.to_owned(),
        pod_status: Some(pod_status(group)),
        status: group.state.name().to_owned(),
        uuid: uuid(&group.record),
    }
}

fn pod_status(group: &Group) -> tell::PodStatus {
    let address = address(group).map(dotted).unwrap_or_default();
    let apps = group.containers.iter().filter(|container| !container.init);
    tell::PodStatus {
        conditions: conditions(group),
        container_statuses: apps.map(|container| container_status(container, group)).collect(),
        host_ip: address.clone(),
        phase: group.state.phase().to_owned(),
        pod_ips: if address.is_empty() { Vec::new() } else { vec![tell::PodIp { ip: address.clone() }] },
        pod_ip: address,
        qos_class: "Burstable".to_owned(),
        start_time: written(group.born),
    }
}

fn conditions(group: &Group) -> Vec<tell::Condition> {
    let placed = !matches!(group.state, State::Scheduling | State::ScheduleFailed);
    let initialized = placed && group.containers.iter().filter(|c| c.init).all(|c| c.exit_code() == Some(0));
    let counts = |c: &&Container| !c.init && !c.ignores_readiness();
    let ready = group.state == State::Running && group.containers.iter().filter(counts).all(|c| c.ready);
    let one = |type_: &str, is: bool, reason: &str| tell::Condition {
        type_: type_.to_owned(),
        status: if is { "True" } else { "False" }.to_owned(),
        reason: reason.to_owned(),
        message: String::new(),
        last_transition_time: written(group.since),
    };
    vec![
        one("PodScheduled", placed, ""),
        one("ContainerInstanceCreated", placed, if placed { "" } else { "Creating" }),
        one("Initialized", initialized, if initialized { "" } else { "ContainersNotInitialized" }),
        one("ContainersReady", ready, if ready { "" } else { "ContainersNotReady" }),
        one("Ready", ready, if ready { "" } else { "ContainersNotReady" }),
        one("ContainerHasSufficientDisk", true, ""),
    ]
}

fn container_status(container: &Container, group: &Group) -> tell::ContainerStatus {
    let spec = &container.spec;
    let mut state = tell::State::default();
    match &container.phase {
        Phase::Waiting(wait) => {
            let message = wait.message(&spec.name, &spec.image, &group.record.name, group.id());
            state.waiting = Some(tell::Waiting { message, reason: wait.reason().to_owned() });
        }
        Phase::Running { since } => state.running = Some(running(*since)),
        Phase::Terminated(ended) => state.terminated = Some(terminated(ended, container)),
    }
    let last = container.previous.as_deref().map(|ended| terminated(ended, container));
    tell::ContainerStatus {
        image: str::to_owned(&spec.image),
        image_id: String::new(),
        last_state: Some(tell::LastState { terminated: last, ..tell::LastState::default() }),
        name: str::to_owned(&spec.name),
        ready: container.ready,
        restart_count: i32::try_from(container.restarts).unwrap_or(i32::MAX),
        started: container.is_running(),
        state: Some(state),
    }
}

fn running(since: Timestamp) -> tell::Running {
    tell::Running { started_atstarted_at: written(since) }
}

fn terminated(ended: &TerminatedRun, container: &Container) -> tell::Terminated {
    tell::Terminated {
        container_id: format!("containerd://{}-{}", container.spec.name, ended.started.as_second()),
        exit_code: Some(ended.exit_code),
        finished_at: written(ended.finished),
        message: container.last_words(ended),
        reason: ended.reason().to_owned(),
        signal: (ended.signal != 0).then_some(ended.signal),
        started_at: written(ended.started),
    }
}
