//! `DescribeContainerGroups`: groups as they are now, a page of twenty.

use std::net::Ipv4Addr;

use eci_api::actions::describe_container_groups as tell;
use eci_api::actions::{DescribeContainerGroups, DescribeContainerGroupsReply};

use crate::group::container::spec::Variable;
use crate::group::container::{Container, Phase, TerminatedRun, Wait};
use crate::group::events::GroupEvent;
use crate::group::{Group, OptionalSpec};
use crate::lifecycle::State;
use crate::refusal::Refusal;
use crate::serving::addresses::{address, dotted, of_eip, public};
use crate::serving::object_names::event_name;
use crate::serving::selection::{Filter, limit, tags};
use crate::serving::times::{written, written_or_empty};
use crate::serving::{Caller, Serve};
use crate::world::World;

/// Page size, default and maximum.
const PAGE: usize = 20;

impl Serve for DescribeContainerGroups {
    const READ_ONLY: bool = true;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        caller.region()?;
        let filter = Filter {
            ids: self.container_group_ids.as_deref(),
            id: self.container_group_id.as_deref(),
            name: self.container_group_name.as_deref(),
            status: self.status.as_deref(),
            tags: tags(self.tag.iter().map(|tag| (&tag.key, &tag.value))),
            vswitch: self.vswitch_id.as_deref(),
            zone: self.zone_id.as_deref(),
            security_group: self.security_group_id.as_deref(),
            resource_group: self.resource_group_id.as_deref(),
            category: self.compute_category.as_deref(),
            since_seconds: None,
        };
        let page = filter.page(world, caller, self.next_token.as_deref(), limit(self.limit, PAGE, PAGE))?;
        let with_events = self.with_event == Some(true);
        Ok(DescribeContainerGroupsReply {
            container_groups: page.groups.into_iter().map(|g| group(g, with_events)).collect(),
            next_token: page.next,
            request_id: caller.request_id.clone(),
            total_count: page.total,
        })
    }
}

/// A group as describe gives it.
fn group(group: &Group, with_events: bool) -> tell::ContainerGroup {
    let optional = group.optional_spec();
    let terms = &group.record.terms;
    let internet = internet_ip(group, &optional);
    let entered = |state| written_or_empty((group.state == state).then_some(group.since));
    let placed = !matches!(group.state, State::Scheduling | State::ScheduleFailed);
    let containers = |init| group.containers.iter().filter(move |container| container.init == init);
    tell::ContainerGroup {
        compute_category: terms.category().wire_name().to_owned(),
        container_group_id: str::to_owned(&group.record.id),
        container_group_name: str::to_owned(&group.record.name),
        containers: containers(false).map(|c| container(c, group)).collect(),
        cpu: group.vcpu().vcpu(),
        creation_time: written(group.born),
        discount: 10,
        dns_config: optional.dns,
        dns_policy: optional.dns_policy,
        eci_security_context: (!optional.sysctls.is_empty())
            .then_some(tell::EciSecurityContext { sysctls: optional.sysctls }),
        eni_instance_id: if placed { ["eni-", &group.record.id[4..]].concat() } else { String::new() },
        ephemeral_storage: i32::try_from(terms.extra_storage()).unwrap_or(i32::MAX),
        events: if with_events { events(group) } else { Vec::new() },
        expired_time: entered(State::Expired),
        failed_time: entered(State::Failed),
        host_aliases: optional.host_aliases,
        init_containers: containers(true).map(|c| init_container(c, group)).collect(),
        instance_type: terms.instance_type().unwrap_or_default().to_owned(),
        internet_ip: internet.filter(|_| placed).unwrap_or_default(),
        intranet_ip: address(group).map(dotted).unwrap_or_default(),
        ipv6_address: group.address.filter(|_| optional.ipv6 && placed).map(wide).unwrap_or_default(),
        memory: group.memory().gib(),
        ram_role_name: optional.ram_role,
        region_id: str::to_owned(&group.record.region),
        resource_group_id: optional.resource_group,
        restart_policy: group.spec.restart_policy.name().to_owned(),
        security_group_id: str::to_owned(&group.spec.security_group),
        spot_price_limit: optional.spot_limit,
        spot_strategy: if optional.spot_strategy.is_empty() {
            "NoSpot".to_owned()
        } else {
            optional.spot_strategy
        },
        status: group.state.name().to_owned(),
        succeeded_time: entered(State::Succeeded),
        tags: group.record.tags.iter().map(tag).collect(),
        vswitch_id: str::to_owned(&group.spec.vswitch),
        volumes: group.spec.volumes.to_vec(),
        vpc_id: ["vpc-", &group.record.region].concat(),
        zone_id: str::to_owned(&group.spec.zone),
        ..tell::ContainerGroup::default()
    }
}

fn tag((key, value): &(Box<str>, Box<str>)) -> tell::Tag {
    tell::Tag { key: str::to_owned(key), value: str::to_owned(value) }
}

/// Public address: one of its own, or the one that was brought along.
fn internet_ip(group: &Group, optional: &OptionalSpec) -> Option<String> {
    if optional.eip {
        return group.address.map(public);
    }
    (!optional.eip_id.is_empty()).then(|| of_eip(&optional.eip_id))
}

fn wide(private: Ipv4Addr) -> String {
    let [_, net, high, low] = private.octets();
    format!("2001:db8:{net:x}::{high:x}{low:02x}")
}

fn container(container: &Container, group: &Group) -> tell::Container {
    let spec = &container.spec;
    let optional = spec.optional.as_deref().cloned().unwrap_or_default();
    tell::Container {
        args: texts(&spec.arguments),
        commands: texts(&spec.command),
        cpu: spec.vcpu.vcpu(),
        current_state: Some(current(container, group)),
        environment_vars: if optional.hides_environment {
            Vec::new()
        } else {
            environment(&spec.environment)
        },
        gpu: spec.gpus,
        image: str::to_owned(&spec.image),
        image_pull_policy: spec.pull_policy.name().to_owned(),
        liveness_probe: optional.liveness,
        memory: spec.memory.gib(),
        name: str::to_owned(&spec.name),
        ports: ports(container),
        previous_state: Some(previous(container)),
        readiness_probe: optional.readiness,
        ready: container.ready,
        restart_count: i32::try_from(container.restarts).unwrap_or(i32::MAX),
        security_context: optional.security,
        stdin: optional.stdin,
        stdin_once: optional.stdin_once,
        tty: optional.tty,
        volume_mounts: spec.mounts.to_vec(),
        working_dir: optional.working_dir.into(),
    }
}

fn init_container(container: &Container, group: &Group) -> tell::InitContainer {
    let spec = &container.spec;
    let optional = spec.optional.as_deref().cloned().unwrap_or_default();
    let mount = |mount: &tell::VolumeMount| tell::InitContainerVolumeMount {
        mount_path: mount.mount_path.clone(),
        mount_propagation: mount.mount_propagation.clone(),
        name: mount.name.clone(),
        read_only: mount.read_only,
    };
    tell::InitContainer {
        args: texts(&spec.arguments),
        command: texts(&spec.command),
        cpu: spec.vcpu.vcpu(),
        current_state: Some(current(container, group)),
        environment_vars: environment(&spec.environment),
        gpu: spec.gpus,
        image: str::to_owned(&spec.image),
        image_pull_policy: spec.pull_policy.name().to_owned(),
        memory: spec.memory.gib(),
        name: str::to_owned(&spec.name),
        ports: ports(container),
        previous_state: Some(previous(container)),
        ready: container.ready,
        restart_count: i32::try_from(container.restarts).unwrap_or(i32::MAX),
        security_context: optional.security,
        volume_mounts: spec.mounts.iter().map(mount).collect(),
        working_dir: optional.working_dir.into(),
    }
}

fn texts(words: &[Box<str>]) -> Vec<String> {
    words.iter().map(|word| str::to_owned(word)).collect()
}

fn ports(container: &Container) -> Vec<tell::Port> {
    let one =
        |(port, protocol): &(i32, Box<str>)| tell::Port { port: *port, protocol: str::to_owned(protocol) };
    container.spec.ports.iter().map(one).collect()
}

fn environment(variables: &[Variable]) -> Vec<tell::EnvironmentVar> {
    let one = |variable: &Variable| tell::EnvironmentVar {
        key: str::to_owned(&variable.key),
        value: str::to_owned(&variable.value),
        value_from: variable.field.as_deref().map(|field| tell::ValueFrom {
            field_ref: Some(tell::FieldRef { field_path: field.to_owned() }),
        }),
    };
    variables.iter().map(one).collect()
}

fn current(container: &Container, group: &Group) -> tell::ContainerState {
    match &container.phase {
        Phase::Waiting(wait) => waiting(wait, container, group),
        Phase::Running { since } => tell::ContainerState {
            state: "Running".to_owned(),
            reason: "Started".to_owned(),
            start_time: written(*since),
            ..tell::ContainerState::default()
        },
        Phase::Terminated(ended) => terminated(ended, container),
    }
}

fn waiting(wait: &Wait, container: &Container, group: &Group) -> tell::ContainerState {
    let spec = &container.spec;
    tell::ContainerState {
        state: "Waiting".to_owned(),
        reason: wait.reason().to_owned(),
        message: wait.message(&spec.name, &spec.image, &group.record.name, group.id()),
        ..tell::ContainerState::default()
    }
}

fn previous(container: &Container) -> tell::ContainerState {
    container.previous.as_deref().map(|ended| terminated(ended, container)).unwrap_or_default()
}

fn terminated(ended: &TerminatedRun, container: &Container) -> tell::ContainerState {
    tell::ContainerState {
        state: "Terminated".to_owned(),
        message: container.last_words(ended),
        reason: ended.reason().to_owned(),
        exit_code: Some(ended.exit_code),
        signal: (ended.signal != 0).then_some(ended.signal),
        start_time: written(ended.started),
        finish_time: written(ended.finished),
        ..tell::ContainerState::default()
    }
}

fn events(group: &Group) -> Vec<tell::Event> {
    let one = |group_event: &GroupEvent| tell::Event {
        count: i32::try_from(group_event.count).unwrap_or(i32::MAX),
        first_timestamp: written(group_event.first),
        last_timestamp: written(group_event.last),
        message: group_event.kind.message(group),
        name: event_name(group, group_event),
        reason: group_event.kind.reason().to_owned(),
        type_: group_event.kind.kind().to_owned(),
    };
    group.events.iter().map(one).collect()
}
