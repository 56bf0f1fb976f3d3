//! The containers of a group: what runs, with what around it, and how it is watched.

use eci_api::actions::create_container_group as wire;
use k8s_openapi::api::core::v1::{
    Container, ExecAction, LifecycleHandler, Pod, PodSecurityContext, PodSpec, Probe, SecurityContext,
    SleepAction, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::claims;
use super::environment::{self, EnvContext};
use super::error::{Remark, RequestError};
use super::purchase;
use super::size::{self, Size};
use super::variables::{EnvValue, Environment};
use crate::pods::sources::{Sources, claim_name};

/// The highest priority of a container's start and end (eci-openapi.md 7.2).
const PRIORITY_MAX: i32 = 1000;

/// The input from which containers are made.
pub struct PodContext<'a> {
    /// The pod.
    pub pod: &'a Pod,
    /// The pod's spec.
    pub spec: &'a PodSpec,
    /// The ConfigMaps, Secrets and tokens that the pod refers to.
    pub sources: &'a Sources,
    /// The pod's size as a whole.
    pub size: &'a Size,
}

/// Gives `request` its containers. An init container that is to run beside the others becomes one of them, which the
/// cloud starts first and ends when the others have ended: sidecars one after the other, in the reverse order.
///
/// # Errors
/// [`RequestError`].
pub fn fill(
    request: &mut wire::CreateContainerGroup,
    context: &PodContext<'_>,
    remarks: &mut Vec<Remark>,
) -> Result<(), RequestError> {
    let inits = context.spec.init_containers.as_deref().unwrap_or_default();
    for container in inits.iter().filter(|container| !size::is_sidecar(container)) {
        let made = context.container(container, remarks)?;
        request.init_container.push(as_init(made));
    }
    for (at, container) in inits.iter().filter(|container| size::is_sidecar(container)).enumerate() {
        let mut made = context.container(container, remarks)?;
        // the first starts first, and ends last; all of them end behind the others, whose priority is 0
        let place = i32::try_from(at).unwrap_or(PRIORITY_MAX).min(PRIORITY_MAX - 1);
        let (launch, exit) = ((PRIORITY_MAX - place).to_string(), (place - PRIORITY_MAX).to_string());
        let own: [_; environment::SIDECAR_VARIABLES] = [
            ("ECI_CONTAINER_TYPE", "sidecar"),
            ("ECI_CONTAINER_LAUNCH_PRIORITY", launch.as_str()),
            ("ECI_CONTAINER_EXIT_PRIORITY", exit.as_str()),
        ];
        for (key, value) in own {
            // the container's own word counts
            if made.environment_var.iter().all(|own| own.key.as_deref() != Some(key)) {
                made.environment_var.push(variable(key, value));
            }
        }
        request.container.push(made);
    }
    for container in &context.spec.containers {
        request.container.push(context.container(container, remarks)?);
    }
    Ok(())
}

impl PodContext<'_> {
    fn container(
        &self,
        container: &Container,
        remarks: &mut Vec<Remark>,
    ) -> Result<wire::Container, RequestError> {
        let context = EnvContext { pod: self.pod, sources: self.sources, size: self.size };
        let environment = environment::of_container(container, &context, remarks)?;
        let expand = |texts: &Option<Vec<String>>| -> Vec<String> {
            let texts = texts.iter().flatten();
            texts.map(|text| environment::expand(text, |name| environment.text(name))).collect()
        };
        let asked = purchase::resources(container);
        let mut made = wire::Container {
            name: Some(container.name.clone()),
            image: container.image.clone(),
            image_pull_policy: container.image_pull_policy.clone(),
            command: expand(&container.command),
            arg: expand(&container.args),
            working_dir: container.working_dir.clone(),
            environment_var: variables(&environment),
            port: ports(container),
            volume_mount: self.mounts(container, &environment),
            cpu: asked.cpu,
            memory: asked.memory,
            gpu: asked.gpu,
            stdin: container.stdin.filter(|stdin| *stdin),
            stdin_once: container.stdin_once.filter(|once| *once),
            tty: container.tty.filter(|tty| *tty),
            termination_message_path: container.termination_message_path.clone(),
            termination_message_policy: container.termination_message_policy.clone(),
            environment_var_hide: has_secrets(container).then_some(true),
            liveness_probe: container.liveness_probe.as_ref().and_then(|it| liveness(it, container)),
            readiness_probe: container.readiness_probe.as_ref().and_then(|it| probe(it, container)),
            ..wire::Container::default()
        };
        hooks(&mut made, container);
        secure(&mut made, container, self.spec.security_context.as_ref());
        Ok(made)
    }

    fn mounts(&self, container: &Container, environment: &Environment) -> Vec<wire::VolumeMount> {
        let sub_path = |mount: &VolumeMount| {
            let expanded = mount.sub_path_expr.as_deref().filter(|expr| !expr.is_empty());
            let expanded = expanded.map(|expr| environment::expand(expr, |name| environment.text(name)));
            expanded.or_else(|| mount.sub_path.clone().filter(|path| !path.is_empty()))
        };
        let is_read_only = |name: &str| self.is_volume_read_only(name).then_some(true);
        let one = |mount: &VolumeMount| wire::VolumeMount {
            name: Some(mount.name.clone()),
            mount_path: Some(mount.mount_path.clone()),
            read_only: mount.read_only.filter(|read_only| *read_only).or_else(|| is_read_only(&mount.name)),
            sub_path: sub_path(mount),
            mount_propagation: mount.mount_propagation.clone(),
        };
        container.volume_mounts.iter().flatten().map(one).collect()
    }
}

impl PodContext<'_> {
    /// True for a volume that is mounted read-only everywhere: ECI mounts FlexVolumes in one way, but each of their mounts
    /// can be so.
    fn is_volume_read_only(&self, name: &str) -> bool {
        let mut volumes = self.spec.volumes.iter().flatten();
        let Some(volume) = volumes.find(|volume| volume.name == name) else { return false };
        let claim = claim_name(self.pod, volume).and_then(|claim| self.sources.claims.get(&claim));
        let own = [
            volume.flex_volume.as_ref().and_then(|flex| flex.read_only),
            volume.csi.as_ref().and_then(|csi| csi.read_only),
            volume.persistent_volume_claim.as_ref().and_then(|claim| claim.read_only),
        ];
        own.contains(&Some(true)) || claims::is_read_only(claim)
    }
}

fn variable(key: &str, value: &str) -> wire::EnvironmentVar {
    wire::EnvironmentVar { key: Some(key.to_owned()), value: Some(value.to_owned()), field_ref: None }
}

fn variables(environment: &Environment) -> Vec<wire::EnvironmentVar> {
    let one = |(name, held): &(String, EnvValue)| match held {
        EnvValue::Text(text) => variable(name, text),
        EnvValue::PodIp => wire::EnvironmentVar {
            key: Some(name.clone()),
            value: None,
            field_ref: Some(wire::FieldRef { field_path: Some("status.podIP".to_owned()) }),
        },
    };
    environment.iter().map(one).collect()
}

fn ports(container: &Container) -> Vec<wire::Port> {
    let ports = container.ports.iter().flatten();
    ports
        .map(|port| wire::Port { port: Some(port.container_port), protocol: port.protocol.clone() })
        .collect()
}

fn number(port: &IntOrString, container: &Container) -> Option<i32> {
    match port {
        IntOrString::Int(number) => Some(*number),
        IntOrString::String(name) => {
            let named = container.ports.iter().flatten().find(|port| port.name.as_ref() == Some(name));
            named.map(|port| port.container_port).or_else(|| name.parse().ok())
        }
    }
}

/// A probe, without what ECI has not (`fields::probe`); `None` of a kind that it has not at all.
fn probe(probe: &Probe, container: &Container) -> Option<wire::Probe> {
    let mut made = wire::Probe {
        initial_delay_seconds: probe.initial_delay_seconds,
        period_seconds: probe.period_seconds,
        timeout_seconds: probe.timeout_seconds,
        failure_threshold: probe.failure_threshold,
        // The cloud takes no other number.
        success_threshold: probe.success_threshold.map(|_| 1),
        ..wire::Probe::default()
    };
    if let Some(exec) = &probe.exec {
        made.exec = Some(wire::Exec { command: exec.command.clone().unwrap_or_default() });
    } else if let Some(get) = &probe.http_get {
        made.http_get = Some(wire::HttpGet {
            path: get.path.clone().or_else(|| Some("/".to_owned())),
            port: number(&get.port, container),
            scheme: get.scheme.clone(),
        });
    } else if let Some(socket) = &probe.tcp_socket {
        made.tcp_socket = Some(wire::TcpSocket { port: number(&socket.port, container) });
    } else {
        return None;
    }
    Some(made)
}

/// A liveness probe, which begins after the longest time that a startup probe gives: ECI has no such probe.
fn liveness(liveness: &Probe, container: &Container) -> Option<wire::Probe> {
    let mut made = probe(liveness, container)?;
    if let Some(startup) = &container.startup_probe {
        let period = startup.period_seconds.unwrap_or(10).max(1);
        let tries = startup.failure_threshold.unwrap_or(3).max(1);
        let longest = period.saturating_mul(tries);
        let longest = longest.saturating_add(startup.initial_delay_seconds.unwrap_or_default());
        made.initial_delay_seconds = made.initial_delay_seconds.max(Some(longest));
    }
    Some(made)
}

/// True for a container with values of Secrets among its variables, which describe would show.
fn has_secrets(container: &Container) -> bool {
    let from = container.env_from.iter().flatten().any(|from| from.secret_ref.is_some());
    let sources = container.env.iter().flatten().filter_map(|variable| variable.value_from.as_ref());
    from || sources.into_iter().any(|source| source.secret_key_ref.is_some())
}

/// The command of a hook; ECI has no hook that sleeps, but the image may have a command for it.
fn command(exec: Option<&ExecAction>, sleep: Option<&SleepAction>) -> Vec<String> {
    match sleep {
        Some(sleep) => vec!["sleep".to_owned(), sleep.seconds.to_string()],
        None => exec.and_then(|exec| exec.command.clone()).unwrap_or_default(),
    }
}

fn hooks(made: &mut wire::Container, container: &Container) {
    let Some(lifecycle) = &container.lifecycle else { return };
    if let Some(handler) = &lifecycle.post_start {
        let LifecycleHandler { exec, http_get, tcp_socket, sleep } = handler;
        made.lifecycle_post_start_handler_exec = command(exec.as_ref(), sleep.as_ref());
        if let Some(get) = http_get {
            made.lifecycle_post_start_handler_http_get_host = get.host.clone();
            made.lifecycle_post_start_handler_http_get_path = get.path.clone();
            made.lifecycle_post_start_handler_http_get_port = number(&get.port, container);
            made.lifecycle_post_start_handler_http_get_scheme = get.scheme.clone();
            let header = |header: &k8s_openapi::api::core::v1::HTTPHeader| {
                wire::LifecyclePostStartHandlerHttpGetHttpHeader {
                    name: Some(header.name.clone()),
                    value: Some(header.value.clone()),
                }
            };
            made.lifecycle_post_start_handler_http_get_http_header =
                get.http_headers.iter().flatten().map(header).collect();
        }
        if let Some(socket) = tcp_socket {
            made.lifecycle_post_start_handler_tcp_socket_host = socket.host.clone();
            made.lifecycle_post_start_handler_tcp_socket_port = number(&socket.port, container);
        }
    }
    if let Some(handler) = &lifecycle.pre_stop {
        let LifecycleHandler { exec, http_get, tcp_socket, sleep } = handler;
        made.lifecycle_pre_stop_handler_exec = command(exec.as_ref(), sleep.as_ref());
        if let Some(get) = http_get {
            made.lifecycle_pre_stop_handler_http_get_host = get.host.clone();
            made.lifecycle_pre_stop_handler_http_get_path = get.path.clone();
            made.lifecycle_pre_stop_handler_http_get_port = number(&get.port, container);
            made.lifecycle_pre_stop_handler_http_get_scheme = get.scheme.clone();
            let header = |header: &k8s_openapi::api::core::v1::HTTPHeader| {
                wire::LifecyclePreStopHandlerHttpGetHttpHeader {
                    name: Some(header.name.clone()),
                    value: Some(header.value.clone()),
                }
            };
            made.lifecycle_pre_stop_handler_http_get_http_header =
                get.http_headers.iter().flatten().map(header).collect();
        }
        if let Some(socket) = tcp_socket {
            made.lifecycle_pre_stop_handler_tcp_socket_host = socket.host.clone();
            made.lifecycle_pre_stop_handler_tcp_socket_port = number(&socket.port, container);
        }
    }
}

/// The container's word counts before the pod's; what ECI has not is in `fields::container`.
fn secure(made: &mut wire::Container, container: &Container, pod: Option<&PodSecurityContext>) {
    let none = SecurityContext::default();
    let own = container.security_context.as_ref().unwrap_or(&none);
    let run_as_user = own.run_as_user.or(pod.and_then(|pod| pod.run_as_user));
    let read_only = own.read_only_root_filesystem.filter(|read_only| *read_only);
    let capabilities = own.capabilities.as_ref();
    let added = capabilities.and_then(|capabilities| capabilities.add.clone()).filter(|add| !add.is_empty());
    if run_as_user.is_some() || read_only.is_some() || added.is_some() {
        made.security_context = Some(wire::ContainerSecurityContext {
            capability: added.map(|add| wire::Capability { add }),
            read_only_root_filesystem: read_only,
            run_as_user,
            sysctl: Vec::new(),
        });
    }
    made.security_context_privileged = own.privileged.filter(|privileged| *privileged);
    made.security_context_run_as_group = own.run_as_group.or(pod.and_then(|pod| pod.run_as_group));
    made.security_context_run_as_non_root =
        own.run_as_non_root.or(pod.and_then(|pod| pod.run_as_non_root)).filter(|non_root| *non_root);
}

/// Init containers know less: no probes, no hooks, no terminal, and of rights what `fields::container` does not name.
fn as_init(made: wire::Container) -> wire::InitContainer {
    let context = made.security_context.map(|context| wire::InitContainerSecurityContext {
        capability: context.capability,
        read_only_root_filesystem: context.read_only_root_filesystem,
        run_as_user: context.run_as_user,
        sysctl: context.sysctl,
    });
    wire::InitContainer {
        security_context: context,
        arg: made.arg,
        command: made.command,
        cpu: made.cpu,
        environment_var: made.environment_var,
        gpu: made.gpu,
        image: made.image,
        image_pull_policy: made.image_pull_policy,
        memory: made.memory,
        name: made.name,
        port: made.port,
        termination_message_path: made.termination_message_path,
        termination_message_policy: made.termination_message_policy,
        volume_mount: made.volume_mount,
        working_dir: made.working_dir,
    }
}
