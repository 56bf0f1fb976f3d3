//! From the request to what a group is asked to be; pure, and the only place where the request's shape is known.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eci_api::Number;
use eci_api::actions::create_container_group as ask;
use eci_api::actions::describe_container_groups as tell;
use eci_api::size::{Mebibytes, MilliVcpu};

use super::Rare;
use super::container::{self, Container, Port, PullPolicy, RestartPolicy, Variable};
use crate::catalog::Size;
use crate::ledger::Tags;
use crate::refusal::Refusal;

/// Ports that the platform uses itself (eci-openapi.md, section 6).
const PLATFORM_PORTS: [i32; 4] = [111, 998, 10250, 10255];
/// How many containers, and how many volumes, a group has at most (eci-openapi.md, section 6).
const PARTS_MAX: usize = 20;
/// For how many hours a spot instance is not taken back, and a fixed address is kept, where nothing is said
/// (eci-openapi.md, section 8).
const SPOT_HOURS: u64 = 1;
const FIXED_IP_HOURS: u32 = 48;
/// How large all files of a group may be together, in bytes (eci-openapi.md, section 9).
const FILES_MAX: usize = 60 * 1024;

/// Checks a group's name: 2 to 128 small letters, digits and hyphens, none of these at an end.
///
/// # Errors
/// [`Refusal`] with the reason.
pub fn name(name: Option<&str>) -> Result<&str, Refusal> {
    let name = name.unwrap_or_default();
    let ordinary = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fine = (2..=128).contains(&name.len())
        && name.chars().all(ordinary)
        && !name.starts_with('-')
        && !name.ends_with('-');
    let why = "2 to 128 small letters, digits and hyphens, no hyphen at an end";
    fine.then_some(name)
        .ok_or_else(|| Refusal::invalid("ContainerGroupName", format!("`{name}` should be {why}")))
}

/// What the containers are asked to be, those that initialise first.
///
/// # Errors
/// [`Refusal`] for the first that cannot be.
pub fn containers(request: &ask::CreateContainerGroup) -> Result<Vec<Container>, Refusal> {
    if request.container.len() > PARTS_MAX || request.init_container.len() > PARTS_MAX {
        return Err(Refusal::invalid("Container", format!("{PARTS_MAX} containers at most")));
    }
    let mut names = BTreeSet::new();
    let mut all = Vec::new();
    for (index, asked) in request.init_container.iter().enumerate() {
        let spec = container(&as_container(asked), &format!("InitContainer.{}", index + 1))?;
        all.push(Container::new(spec, true, false));
    }
    let after_others = !all.is_empty();
    for (index, asked) in request.container.iter().enumerate() {
        let spec = container(asked, &format!("Container.{}", index + 1))?;
        all.push(Container::new(spec, false, after_others));
    }
    for container in &all {
        if !names.insert(&container.spec.name) {
            return Err(Refusal::DuplicateContainer(container.spec.name.to_string()));
        }
    }
    Ok(all)
}

/// What one container is asked to be; `place` is where it stands in the request.
///
/// # Errors
/// [`Refusal`] with the parameter that cannot be.
pub fn container(asked: &ask::Container, place: &str) -> Result<container::Spec, Refusal> {
    let rare = container::Rare {
        liveness: probe(asked.liveness_probe.as_ref(), &format!("{place}.LivenessProbe"))?,
        readiness: probe(asked.readiness_probe.as_ref(), &format!("{place}.ReadinessProbe"))?,
        security: asked.security_context.as_ref().filter(|s| says_something(s)).map(|s| {
            tell::SecurityContext {
                capability: s.capability.as_ref().map(|c| tell::Capability { adds: c.add.clone() }),
                read_only_root_filesystem: s.read_only_root_filesystem.unwrap_or_default(),
                run_as_user: s.run_as_user.unwrap_or_default(),
            }
        }),
        pre_stop: !asked.lifecycle_pre_stop_handler_exec.is_empty()
            || asked.lifecycle_pre_stop_handler_http_get_port.is_some()
            || asked.lifecycle_pre_stop_handler_tcp_socket_port.is_some(),
        hides_environment: asked.environment_var_hide.unwrap_or_default(),
        working_dir: text(asked.working_dir.as_ref()).into(),
        stdin: asked.stdin.unwrap_or_default(),
        stdin_once: asked.stdin_once.unwrap_or_default(),
        tty: asked.tty.unwrap_or_default(),
        tells_last_words: asked.termination_message_policy.as_deref() == Some("FallbackToLogsOnError"),
        post_start: words(&asked.lifecycle_post_start_handler_exec),
        stop_command: words(&asked.lifecycle_pre_stop_handler_exec),
    };
    let has_rare = rare != container::Rare::default();
    Ok(container::Spec {
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
        rare: has_rare.then(|| Box::new(rare)),
    })
}

fn says_something(security: &ask::ContainerSecurityContext) -> bool {
    security.capability.is_some()
        || security.read_only_root_filesystem.is_some()
        || security.run_as_user.is_some()
}

/// An init container under the names of the others; what it does not have stays unsaid.
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

/// The size that is asked for: the group's own, else the larger of all containers together and the largest init
/// container (specs.md 3.2, inferred).
///
/// # Errors
/// [`Refusal`] when a number is no size.
pub fn size(request: &ask::CreateContainerGroup, containers: &[Container]) -> Result<Size, Refusal> {
    let mut sum = Size::default();
    for container in containers.iter().filter(|c| !c.init && !c.spec.says("__ECI_RESOURCE_IGNORE__", "TRUE"))
    {
        sum.vcpu.0 = sum.vcpu.0.saturating_add(container.spec.vcpu.0);
        sum.memory.0 = sum.memory.0.saturating_add(container.spec.memory.0);
    }
    for container in containers.iter().filter(|container| container.init) {
        sum.vcpu = sum.vcpu.max(container.spec.vcpu);
        sum.memory = sum.memory.max(container.spec.memory);
    }
    let own = Size { vcpu: vcpu(request.cpu, "Cpu")?, memory: memory(request.memory, "Memory")? };
    Ok(Size {
        vcpu: if own.vcpu.0 > 0 { own.vcpu } else { sum.vcpu },
        memory: if own.memory.0 > 0 { own.memory } else { sum.memory },
    })
}

/// The volumes as describe gives them back.
///
/// # Errors
/// [`Refusal`] for the first that cannot be, and for two of the same name.
pub fn volumes(request: &ask::CreateContainerGroup) -> Result<Box<[tell::Volume]>, Refusal> {
    if request.volume.len() > PARTS_MAX {
        return Err(Refusal::invalid("Volume", format!("{PARTS_MAX} volumes at most")));
    }
    let mut names = BTreeSet::new();
    let mut files = 0;
    let mut all = Vec::new();
    for (index, asked) in request.volume.iter().enumerate() {
        let volume = volume(asked, &format!("Volume.{}", index + 1), &mut files)?;
        if !names.insert(volume.name.clone()) {
            return Err(Refusal::DuplicateVolume(volume.name));
        }
        all.push(volume);
    }
    Ok(all.into())
}

/// Checks that what is mounted is there.
///
/// # Errors
/// [`Refusal`] for the first mount without a name, or with the name of no volume.
pub fn mounts(containers: &[Container], volumes: &[tell::Volume]) -> Result<(), Refusal> {
    for mount in containers.iter().flat_map(|container| &container.spec.mounts) {
        if mount.name.is_empty() {
            return Err(Refusal::missing("VolumeMount.Name"));
        }
        if !volumes.iter().any(|volume| volume.name == mount.name) {
            let why = format!("`{}` is none of the group's volumes", mount.name);
            return Err(Refusal::invalid("VolumeMount.Name", why));
        }
    }
    Ok(())
}

fn volume(asked: &ask::Volume, place: &str, files: &mut usize) -> Result<tell::Volume, Refusal> {
    let kinds = [
        ("EmptyDirVolume", asked.empty_dir_volume.is_some()),
        ("ConfigFileVolume", asked.config_file_volume.is_some()),
        ("NFSVolume", asked.nfs_volume.is_some()),
        ("FlexVolume", asked.flex_volume.is_some()),
        ("HostPathVolume", asked.host_path_volume.is_some()),
        ("DiskVolume", asked.disk_volume.is_some()),
    ];
    let named = asked.type_.clone().filter(|kind| !kind.is_empty());
    let there = kinds.iter().find(|(_, there)| *there).map(|(kind, _)| (*kind).to_owned());
    let kind = named.or(there).ok_or_else(|| Refusal::missing(format!("{place}.Type")))?;
    let (empty, nfs) = (asked.empty_dir_volume.as_ref(), asked.nfs_volume.as_ref());
    let (flex, disk) = (asked.flex_volume.as_ref(), asked.disk_volume.as_ref());
    let name = text(asked.name.as_ref());
    if name.is_empty() {
        return Err(Refusal::missing(format!("{place}.Name")));
    }
    Ok(tell::Volume {
        name,
        type_: kind,
        empty_dir_volume_medium: text(empty.and_then(|v| v.medium.as_ref())),
        empty_dir_volume_size_limit: text(empty.and_then(|v| v.size_limit.as_ref())),
        nfs_volume_path: text(nfs.and_then(|v| v.path.as_ref())),
        nfs_volume_server: text(nfs.and_then(|v| v.server.as_ref())),
        nfs_volume_read_only: nfs.and_then(|v| v.read_only).unwrap_or_default(),
        flex_volume_driver: text(flex.and_then(|v| v.driver.as_ref())),
        flex_volume_fs_type: text(flex.and_then(|v| v.fs_type.as_ref())),
        flex_volume_options: text(flex.and_then(|v| v.options.as_ref())),
        disk_volume_disk_id: text(disk.and_then(|v| v.disk_id.as_ref())),
        disk_volume_fs_type: text(disk.and_then(|v| v.fs_type.as_ref())),
        config_file_volume_config_file_to_paths: match &asked.config_file_volume {
            Some(volume) => config_files(volume, place, files)?,
            None => Vec::new(),
        },
    })
}

/// The files, their content as text, as in the sample of describe.
fn config_files(
    asked: &ask::ConfigFileVolume,
    place: &str,
    files: &mut usize,
) -> Result<Vec<tell::ConfigFileVolumeConfigFileToPath>, Refusal> {
    let mut all = Vec::new();
    for (index, file) in asked.config_file_to_path.iter().enumerate() {
        let name = || format!("{place}.ConfigFileVolume.ConfigFileToPath.{}.Content", index + 1);
        let raw: String = text(file.content.as_ref()).split_whitespace().collect();
        let content = STANDARD.decode(raw).map_err(|_| Refusal::invalid(name(), "it should be base64"))?;
        *files += content.len();
        if *files > FILES_MAX {
            return Err(Refusal::invalid(name(), "all files together are larger than 60 KiB"));
        }
        let content = String::from_utf8_lossy(&content).into_owned();
        all.push(tell::ConfigFileVolumeConfigFileToPath { content, path: text(file.path.as_ref()) });
    }
    Ok(all)
}

/// The tags.
///
/// # Errors
/// [`Refusal`] for the first that cannot be, and for more than twenty.
pub fn tags<'a>(pairs: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>) -> Result<Tags, Refusal> {
    let mut tags = Tags::new();
    for (index, (key, value)) in pairs.enumerate() {
        let (key, value) = (key.unwrap_or_default(), value.unwrap_or_default());
        let place = format!("Tag.{}.Key", index + 1);
        if key.is_empty() && value.is_empty() {
            continue;
        }
        if key.is_empty() {
            return Err(Refusal::missing(place));
        }
        if key.starts_with("aliyun")
            || key.starts_with("acs:")
            || key.contains("http://")
            || key.contains("https://")
        {
            return Err(Refusal::invalid(
                place,
                format!("`{key}` should not begin with aliyun or acs:, nor contain http:// or https://"),
            ));
        }
        tags.retain(|(known, _)| **known != *key);
        tags.push((key.into(), value.into()));
    }
    if tags.len() > PARTS_MAX { Err(Refusal::TooManyTags) } else { Ok(tags) }
}

/// What few groups ask for.
pub fn rare(request: &ask::CreateContainerGroup) -> Option<Box<Rare>> {
    let seconds = |value: Option<i64>| value.and_then(|v| u64::try_from(v).ok());
    let spot = request.spot_strategy.as_ref().filter(|strategy| is_spot(strategy));
    let fixed = request.fixed_ip.as_deref().is_some_and(|fixed| fixed.eq_ignore_ascii_case("true"));
    let kept = request.fixed_ip_retain_hour.and_then(|hours| u32::try_from(hours).ok());
    let sysctls = request.security_context.iter().flat_map(|c| &c.sysctl);
    let rare = Rare {
        dns: request.dns_config.as_ref().map(|dns| tell::DnsConfig {
            name_servers: dns.name_server.clone(),
            searches: dns.search.clone(),
            options: dns
                .option
                .iter()
                .map(|o| tell::DnsOption { name: text(o.name.as_ref()), value: text(o.value.as_ref()) })
                .collect(),
        }),
        dns_policy: text(request.dns_policy.as_ref()),
        host_aliases: request
            .host_aliase
            .iter()
            .map(|alias| tell::HostAliase { hostnames: alias.hostname.clone(), ip: text(alias.ip.as_ref()) })
            .collect(),
        sysctls: sysctls
            .map(|s| tell::Sysctl { name: text(s.name.as_ref()), value: text(s.value.as_ref()) })
            .collect(),
        ram_role: text(request.ram_role_name.as_ref()),
        resource_group: text(request.resource_group_id.as_ref()),
        spot_strategy: text(spot),
        spot_limit: request.spot_price_limit.unwrap_or_default(),
        spot_hours: spot.map_or(0, |_| seconds(request.spot_duration).unwrap_or(SPOT_HOURS)),
        deadline_seconds: seconds(request.active_deadline_seconds),
        grace_seconds: seconds(request.termination_grace_period_seconds),
        pending_minutes: request.max_pending_minute.and_then(|m| u32::try_from(m).ok()),
        ipv6: request.ipv6_address_count.is_some_and(|count| count > 0),
        eip: request.auto_create_eip.unwrap_or_default(),
        eip_id: text(request.eip_instance_id.as_ref()),
        fixed_ip_hours: fixed.then(|| kept.unwrap_or(FIXED_IP_HOURS)),
        credentials: credentials(request),
        cache: super::CacheUse::None,
    };
    (rare != Rare::default()).then(|| Box::new(rare))
}

/// Whether a strategy asks for a spot instance.
pub fn is_spot(strategy: &str) -> bool {
    !strategy.is_empty() && strategy != "NoSpot"
}

/// A digest of the registries and passwords, so that a change of them is seen; empty where there are none.
fn credentials(request: &ask::CreateContainerGroup) -> String {
    if request.image_registry_credential.is_empty() && request.acr_registry_info.is_empty() {
        return String::new();
    }
    let told = format!("{:?}{:?}", request.image_registry_credential, request.acr_registry_info);
    eci_api::signature::acs3::sha256_hex(told.as_bytes())
}

/// Whether containers are started again.
///
/// # Errors
/// [`Refusal`] for a policy that does not exist.
pub fn restart_policy(name: Option<&str>) -> Result<RestartPolicy, Refusal> {
    let name = name.unwrap_or_default();
    RestartPolicy::named(name).ok_or_else(|| {
        Refusal::invalid("RestartPolicy", format!("`{name}` should be Always, OnFailure or Never"))
    })
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

fn vcpu(number: Option<Number>, place: &str) -> Result<MilliVcpu, Refusal> {
    MilliVcpu::from_vcpu(number.unwrap_or_default()).map_err(|why| Refusal::invalid(place, why.to_string()))
}

fn memory(number: Option<Number>, place: &str) -> Result<Mebibytes, Refusal> {
    Mebibytes::from_gib(number.unwrap_or_default()).map_err(|why| Refusal::invalid(place, why.to_string()))
}

fn environment(asked: &[ask::EnvironmentVar], place: &str) -> Result<Box<[Variable]>, Refusal> {
    let one = |(index, var): (usize, &ask::EnvironmentVar)| {
        let key = text(var.key.as_ref());
        if key.is_empty() {
            return Err(Refusal::missing(format!("{place}.EnvironmentVar.{}.Key", index + 1)));
        }
        let field = var.field_ref.as_ref().and_then(|field| field.field_path.as_deref());
        Ok(Variable { key: key.into(), value: text(var.value.as_ref()).into(), field: field.map(Into::into) })
    };
    let said = |(_, var): &(usize, &ask::EnvironmentVar)| {
        !unsaid(&var.key) || !unsaid(&var.value) || var.field_ref.is_some()
    };
    asked.iter().enumerate().filter(said).map(one).collect()
}

/// Whether a text is missing or empty, which means the same.
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

/// A probe; one whose handler is missing is none, since an old client sends such.
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

fn text(value: Option<&String>) -> String {
    value.cloned().unwrap_or_default()
}
