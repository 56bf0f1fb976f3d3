//! The containers of a group: what runs, with what around it, and how it is watched.

use eci_api::actions::create_container_group as wire;
use k8s_openapi::api::core::v1::{
    Container, LifecycleHandler, Pod, PodSecurityContext, PodSpec, Probe, SecurityContext,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use rust_decimal::prelude::ToPrimitive;

use super::environment::{self, EnvContext};
use super::error::{Remark, RequestError};
use super::size::{self, Size};
use super::variables::{EnvValue, Environment};
use crate::pods::quantity;
use crate::pods::sources::Sources;

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
/// cloud starts first and ends when the others have ended.
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
        request.init_container.push(as_init(made, container, remarks));
    }
    let sidecars = inits.iter().filter(|container| size::is_sidecar(container)).count();
    for (at, container) in inits.iter().filter(|container| size::is_sidecar(container)).enumerate() {
        let mut made = context.container(container, remarks)?;
        let priority = (1000 - at.min(sidecars) as i32).to_string();
        for (key, value) in
            [("ECI_CONTAINER_TYPE", "sidecar"), ("ECI_CONTAINER_LAUNCH_PRIORITY", priority.as_str())]
        {
            made.environment_var.push(variable(key, value));
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
        let mut made = wire::Container {
            name: Some(container.name.clone()),
            image: container.image.clone(),
            image_pull_policy: container.image_pull_policy.clone(),
            command: expand(&container.command),
            arg: expand(&container.args),
            working_dir: container.working_dir.clone(),
            environment_var: variables(&environment),
            port: ports(container),
            volume_mount: mounts(container, &environment),
            cpu: size::declared(container, "cpu").map(|cpu| cpu.normalize().into()),
            memory: size::declared(container, "memory").map(|bytes| quantity::gib(bytes).into()),
            gpu: size::declared(container, "nvidia.com/gpu").and_then(|gpus| gpus.to_i32()),
            stdin: container.stdin.filter(|stdin| *stdin),
            stdin_once: container.stdin_once.filter(|once| *once),
            tty: container.tty.filter(|tty| *tty),
            termination_message_path: container.termination_message_path.clone(),
            termination_message_policy: container.termination_message_policy.clone(),
            liveness_probe: container
                .liveness_probe
                .as_ref()
                .and_then(|p| probe(p, container, "liveness", remarks)),
            readiness_probe: container
                .readiness_probe
                .as_ref()
                .and_then(|p| probe(p, container, "readiness", remarks)),
            ..wire::Container::default()
        };
        if container.startup_probe.is_some() {
            left_out(
                remarks,
                container,
                "startupProbe",
                "ECI has none; give the livenessProbe an initial delay",
            );
        }
        hooks(&mut made, container);
        secure(&mut made, container, self.spec.security_context.as_ref(), remarks);
        Ok(made)
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

fn mounts(container: &Container, environment: &Environment) -> Vec<wire::VolumeMount> {
    let sub_path = |mount: &k8s_openapi::api::core::v1::VolumeMount| {
        let expanded = mount.sub_path_expr.as_deref().filter(|expr| !expr.is_empty());
        let expanded = expanded.map(|expr| environment::expand(expr, |name| environment.text(name)));
        expanded.or_else(|| mount.sub_path.clone().filter(|path| !path.is_empty()))
    };
    let one = |mount: &k8s_openapi::api::core::v1::VolumeMount| wire::VolumeMount {
        name: Some(mount.name.clone()),
        mount_path: Some(mount.mount_path.clone()),
        read_only: mount.read_only.filter(|read_only| *read_only),
        sub_path: sub_path(mount),
        mount_propagation: mount.mount_propagation.clone(),
    };
    container.volume_mounts.iter().flatten().map(one).collect()
}

fn left_out(remarks: &mut Vec<Remark>, container: &Container, what: &str, why: &str) {
    let message = format!("{what} of container {} is left out: {why}.", container.name);
    remarks.push(Remark { reason: "UnsupportedFieldIgnored", message });
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

fn probe(probe: &Probe, container: &Container, kind: &str, remarks: &mut Vec<Remark>) -> Option<wire::Probe> {
    let mut made = wire::Probe {
        initial_delay_seconds: probe.initial_delay_seconds,
        period_seconds: probe.period_seconds,
        timeout_seconds: probe.timeout_seconds,
        failure_threshold: probe.failure_threshold,
        // The cloud takes no other number.
        success_threshold: probe.success_threshold.map(|_| 1),
        ..wire::Probe::default()
    };
    let what = format!("{kind}Probe");
    if probe.success_threshold.is_some_and(|threshold| threshold != 1) {
        left_out(remarks, container, &format!("successThreshold of {what}"), "ECI counts one success");
    }
    if let Some(exec) = &probe.exec {
        made.exec = Some(wire::Exec { command: exec.command.clone().unwrap_or_default() });
    } else if let Some(get) = &probe.http_get {
        made.http_get = Some(wire::HttpGet {
            path: get.path.clone().or_else(|| Some("/".to_owned())),
            port: number(&get.port, container),
            scheme: get.scheme.clone(),
        });
        if get.http_headers.as_ref().is_some_and(|headers| !headers.is_empty()) {
            left_out(remarks, container, &format!("httpHeaders of {what}"), "ECI sends none");
        }
    } else if let Some(socket) = &probe.tcp_socket {
        made.tcp_socket = Some(wire::TcpSocket { port: number(&socket.port, container) });
    } else {
        left_out(remarks, container, &what, "ECI knows exec, httpGet and tcpSocket only");
        return None;
    }
    Some(made)
}

fn hooks(made: &mut wire::Container, container: &Container) {
    let Some(lifecycle) = &container.lifecycle else { return };
    if let Some(handler) = &lifecycle.post_start {
        let LifecycleHandler { exec, http_get, tcp_socket, .. } = handler;
        made.lifecycle_post_start_handler_exec =
            exec.as_ref().and_then(|exec| exec.command.clone()).unwrap_or_default();
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
        made.lifecycle_pre_stop_handler_exec =
            exec.as_ref().and_then(|exec| exec.command.clone()).unwrap_or_default();
        if let Some(sleep) = sleep {
            made.lifecycle_pre_stop_handler_exec = vec!["sleep".to_owned(), sleep.seconds.to_string()];
        }
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

/// The container's word counts before the pod's.
fn secure(
    made: &mut wire::Container,
    container: &Container,
    pod: Option<&PodSecurityContext>,
    remarks: &mut Vec<Remark>,
) {
    let none = SecurityContext::default();
    let own = container.security_context.as_ref().unwrap_or(&none);
    let run_as_user = own.run_as_user.or(pod.and_then(|pod| pod.run_as_user));
    let read_only = own.read_only_root_filesystem.filter(|read_only| *read_only);
    let capabilities = own.capabilities.as_ref();
    let added = capabilities.and_then(|capabilities| capabilities.add.clone()).filter(|add| !add.is_empty());
    if capabilities
        .is_some_and(|capabilities| capabilities.drop.as_ref().is_some_and(|drop| !drop.is_empty()))
    {
        left_out(remarks, container, "capabilities.drop", "ECI can only add capabilities");
    }
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

/// Init containers know less: no probes, no hooks, no terminal.
fn as_init(made: wire::Container, container: &Container, remarks: &mut Vec<Remark>) -> wire::InitContainer {
    if made.security_context_privileged.is_some() || made.security_context_run_as_group.is_some() {
        left_out(remarks, container, "privileged or runAsGroup", "ECI does not take it for init containers");
    }
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
