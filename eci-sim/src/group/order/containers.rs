//! Containers of a request: parsed and checked.

use std::collections::BTreeSet;
use std::sync::Arc;

use eci_api::actions::create_container_group as ask;
use eci_api::actions::describe_container_groups as tell;

use super::{PARTS_MAX, memory, text, vcpu};
use crate::group::container::Container;
use crate::group::container::hook::Hook;
use crate::group::container::spec::{OptionalSpec, Port, PullPolicy, Spec, Variable};
use crate::refusal::Refusal;

/// Ports that the platform uses itself (eci-openapi.md, section 6).
const PLATFORM_PORTS: [i32; 4] = [111, 998, 10250, 10255];

/// The containers of the request, init containers first.
///
/// # Errors
/// [`Refusal`] for the first that cannot be.
pub fn all(request: &ask::CreateContainerGroup) -> Result<Vec<Container>, Refusal> {
    if request.container.len() > PARTS_MAX || request.init_container.len() > PARTS_MAX {
        return Err(Refusal::invalid("Container", format!("{PARTS_MAX} containers at most")));
    }
    let mut names = BTreeSet::new();
    let mut all = Vec::new();
    for (index, asked) in request.init_container.iter().enumerate() {
        let spec = one(&as_container(asked), &format!("InitContainer.{}", index + 1))?;
        all.push(Container::new(spec, true, false));
    }
    let after_others = !all.is_empty();
    for (index, asked) in request.container.iter().enumerate() {
        let spec = one(asked, &format!("Container.{}", index + 1))?;
        all.push(Container::new(spec, false, after_others));
    }
    for container in &all {
        if !names.insert(&container.spec.name) {
            return Err(Refusal::DuplicateContainer(container.spec.name.to_string()));
        }
    }
    Ok(all)
}

/// The specification of one container; `place` is its parameter's name in the request, for errors.
///
/// # Errors
/// [`Refusal`] with the parameter that cannot be.
pub fn one(asked: &ask::Container, place: &str) -> Result<Spec, Refusal> {
    let optional = OptionalSpec {
        liveness: probe(asked.liveness_probe.as_ref(), &format!("{place}.LivenessProbe"))?,
        readiness: probe(asked.readiness_probe.as_ref(), &format!("{place}.ReadinessProbe"))?,
        security: asked.security_context.as_ref().filter(|s| says_something(s)).map(|s| {
            tell::SecurityContext {
                capability: s.capability.as_ref().map(|c| tell::Capability { adds: c.add.clone() }),
                read_only_root_filesystem: s.read_only_root_filesystem.unwrap_or_default(),
                run_as_user: s.run_as_user.unwrap_or_default(),
            }
        }),
        hides_environment: asked.environment_var_hide.unwrap_or_default(),
        working_dir: text(asked.working_dir.as_ref()).into(),
        stdin: asked.stdin.unwrap_or_default(),
        stdin_once: asked.stdin_once.unwrap_or_default(),
        tty: asked.tty.unwrap_or_default(),
        tells_last_words: asked.termination_message_policy.as_deref() == Some("FallbackToLogsOnError"),
        start_hook: Hook::after_start(asked),
        stop_hook: Hook::before_stop(asked),
    };
    let has_optional = optional != OptionalSpec::default();
    Ok(Spec {
        name: container_name(asked.name.as_deref(), place)?,
        image: image(asked.image.as_deref(), place)?,
        command: words(&asked.command),
        arguments: words(&asked.arg),
        vcpu: vcpu(asked.cpu, &format!("{place}.Cpu"))?,
        memory: memory(asked.memory, &format!("{place}.Memory"))?,
        gpus: asked.gpu.unwrap_or_default(),
        environment: environment(&asked.environment_var, place)?,
        ports: ports(&asked.port, place)?,
        mounts: asked.volume_mount.iter().map(mount).collect(),
        pull_policy: pull_policy(asked.image_pull_policy.as_deref(), place)?,
        optional: has_optional.then(|| Box::new(optional)),
    })
}

fn says_something(security: &ask::ContainerSecurityContext) -> bool {
    security.capability.is_some()
        || security.read_only_root_filesystem.is_some()
        || security.run_as_user.is_some()
}

/// An init container in the form of the others; what it does not have stays unset.
pub fn as_container(asked: &ask::InitContainer) -> ask::Container {
    let security = asked.security_context.as_ref().map(|security| ask::ContainerSecurityContext {
        capability: security.capability.clone(),
        read_only_root_filesystem: security.read_only_root_filesystem,
        run_as_user: security.run_as_user,
        ..ask::ContainerSecurityContext::default()
    });
    ask::Container {
        name: asked.name.clone(),
        image: asked.image.clone(),
        command: asked.command.clone(),
        arg: asked.arg.clone(),
        cpu: asked.cpu,
        memory: asked.memory,
        gpu: asked.gpu,
        environment_var: asked.environment_var.clone(),
        port: asked.port.clone(),
        volume_mount: asked.volume_mount.clone(),
        image_pull_policy: asked.image_pull_policy.clone(),
        working_dir: asked.working_dir.clone(),
        termination_message_policy: asked.termination_message_policy.clone(),
        security_context: security,
        ..ask::Container::default()
    }
}

fn container_name(name: Option<&str>, place: &str) -> Result<Arc<str>, Refusal> {
    match name.unwrap_or_default() {
        "" => Err(Refusal::missing(format!("{place}.Name"))),
        name => Ok(name.into()),
    }
}

fn image(image: Option<&str>, place: &str) -> Result<Box<str>, Refusal> {
    match image.unwrap_or_default() {
        "" => Err(Refusal::missing(format!("{place}.Image"))),
        image => Ok(image.into()),
    }
}

fn environment(asked: &[ask::EnvironmentVar], place: &str) -> Result<Box<[Variable]>, Refusal> {
    let one = |(index, var): (usize, &ask::EnvironmentVar)| {
        let key = text(var.key.as_ref());
        if key.is_empty() {
            return Err(Refusal::missing(format!("{place}.EnvironmentVar.{}.Key", index + 1)));
        }
        let value = text(var.value.as_ref());
        let field = var.field_ref.as_ref().and_then(|field| field.field_path.as_deref());
        let variable = Variable { key: key.into(), value: value.into(), field: field.map(Into::into) };
        match variable.wrong_priority() {
            Some(why) => {
                Err(Refusal::invalid(format!("{place}.EnvironmentVar.{}.Value", index + 1), why.to_string()))
            }
            None => Ok(variable),
        }
    };
    let said = |(_, var): &(usize, &ask::EnvironmentVar)| {
        !unsaid(&var.key) || !unsaid(&var.value) || var.field_ref.is_some()
    };
    asked.iter().enumerate().filter(said).map(one).collect()
}

/// True if a text is missing or empty, which means the same.
fn unsaid(text: &Option<String>) -> bool {
    text.as_deref().is_none_or(str::is_empty)
}

fn ports(asked: &[ask::Port], place: &str) -> Result<Box<[Port]>, Refusal> {
    let one = |(index, port): (usize, &ask::Port)| {
        let name = || format!("{place}.Port.{}.Port", index + 1);
        let number = port.port.ok_or_else(|| Refusal::missing(name()))?;
        let refuse = |why| Err(Refusal::invalid(name(), why));
        if !(1..=65535).contains(&number) {
            return refuse(format!("{number} should be 1 to 65535"));
        }
        if PLATFORM_PORTS.contains(&number) {
            return refuse(format!("{number} is used by the platform"));
        }
        let protocol = port.protocol.as_deref().filter(|p| !p.is_empty()).unwrap_or("TCP");
        Ok((number, protocol.into()))
    };
    asked.iter().enumerate().map(one).collect()
}

fn mount(asked: &ask::VolumeMount) -> tell::VolumeMount {
    tell::VolumeMount {
        mount_path: text(asked.mount_path.as_ref()),
        mount_propagation: text(asked.mount_propagation.as_ref()),
        name: text(asked.name.as_ref()),
        read_only: asked.read_only.unwrap_or_default(),
        sub_path: text(asked.sub_path.as_ref()),
    }
}

fn pull_policy(name: Option<&str>, place: &str) -> Result<PullPolicy, Refusal> {
    let name = name.unwrap_or_default();
    PullPolicy::named(name).ok_or_else(|| {
        Refusal::invalid(
            format!("{place}.ImagePullPolicy"),
            format!("`{name}` should be Always, IfNotPresent or Never"),
        )
    })
}

/// A probe; one without a handler is `None`, since an old client sends such.
fn probe(asked: Option<&ask::Probe>, place: &str) -> Result<Option<tell::Probe>, Refusal> {
    let Some(asked) = asked else { return Ok(None) };
    let execs = asked.exec.as_ref().map(|exec| exec.command.clone()).unwrap_or_default();
    let http = asked.http_get.as_ref().filter(|get| get.port.is_some());
    let tcp = asked.tcp_socket.as_ref().filter(|socket| socket.port.is_some());
    match usize::from(!execs.is_empty()) + usize::from(http.is_some()) + usize::from(tcp.is_some()) {
        0 => return Ok(None),
        1 => {}
        _ => return Err(Refusal::invalid(place, "it should have one of Exec, HttpGet and TcpSocket")),
    }
    let success_threshold = asked.success_threshold.unwrap_or(1);
    if success_threshold != 1 {
        return Err(Refusal::invalid(format!("{place}.SuccessThreshold"), "it should be 1"));
    }
    Ok(Some(tell::Probe {
        execs,
        failure_threshold: asked.failure_threshold.unwrap_or(3),
        http_get: http.map(|get| tell::HttpGet {
            path: text(get.path.as_ref()),
            port: get.port.unwrap_or_default(),
            scheme: get.scheme.clone().unwrap_or_else(|| "HTTP".to_owned()),
        }),
        initial_delay_seconds: asked.initial_delay_seconds.unwrap_or(0),
        period_seconds: asked.period_seconds.unwrap_or(10),
        success_threshold,
        tcp_socket: tcp
            .map(|socket| tell::TcpSocket { host: String::new(), port: socket.port.unwrap_or_default() }),
        timeout_seconds: asked.timeout_seconds.unwrap_or(1),
    }))
}

fn words(asked: &[String]) -> Box<[Box<str>]> {
    asked.iter().map(|word| word.as_str().into()).collect()
}
