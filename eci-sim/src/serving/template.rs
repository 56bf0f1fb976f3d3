//! Templates: a group as a template, and a template as the request for a group.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eci_api::Number;
use eci_api::actions::CreateContainerGroup;
use eci_api::actions::create_container_group as ask;
use eci_api::actions::export_container_group_template as form;

use crate::group::Group;
use crate::group::container::Container;
use crate::refusal::Refusal;

/// Reads the JSON of a template.
pub fn read(text: Option<&str>) -> Result<form::Template, Refusal> {
    let text = text.filter(|text| !text.is_empty()).ok_or_else(|| Refusal::missing("Template"))?;
    serde_json::from_str(text).map_err(|why| {
        Refusal::invalid(
            "Template",
            format!("it should be JSON as ExportContainerGroupTemplate gives it: {why}"),
        )
    })
}

/// A group as a template.
pub fn of(group: &Group) -> form::Template {
    let optional = group.optional_spec();
    let terms = &group.record.terms;
    let (init, app): (Vec<&Container>, Vec<&Container>) = group.containers.iter().partition(|c| c.init);
    let tags = group.record.tags.iter();
    form::Template {
        region_id: group.record.region.to_string(),
        zone_id: group.spec.zone.to_string(),
        security_group_id: group.spec.security_group.to_string(),
        vswitch_id: group.spec.vswitch.to_string(),
        resource_group_id: optional.resource_group,
        eip_instance_id: optional.eip_id,
        container_group_name: group.record.name.to_string(),
        instance_type: terms.instance_type.as_deref().unwrap_or_default().to_owned(),
        tags: tags.map(|(key, value)| form::Tag { key: key.to_string(), value: value.to_string() }).collect(),
        resources: Some(form::Resources { cpu: group.vcpu().vcpu(), memory: group.memory().gib() }),
        spec: Some(form::Spec {
            restart_policy: group.spec.restart_policy.name().to_owned(),
            dns_policy: optional.dns_policy,
            volumes: group.spec.volumes.iter().map(volume_form).collect(),
            init_containers: init.into_iter().map(init_form).collect(),
            containers: app.into_iter().map(container_form).collect(),
            dns_config: optional.dns.map(|dns| form::DnsConfig {
                options: dns
                    .options
                    .into_iter()
                    .map(|option| form::DnsOption { name: option.name, value: option.value })
                    .collect(),
                name_servers: dns.name_servers,
                searches: dns.searches,
            }),
            security_context: (!optional.sysctls.is_empty()).then(|| form::SecurityContext {
                sysctls: optional
                    .sysctls
                    .into_iter()
                    .map(|sysctl| form::Sysctl { name: sysctl.name, value: sysctl.value })
                    .collect(),
            }),
        }),
    }
}

fn texts(words: &[Box<str>]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

fn init_form(container: &Container) -> form::InitContainer {
    let form::Container {
        name,
        image,
        image_pull_policy,
        working_dir,
        env,
        ports,
        volume_mounts,
        command,
        args,
        resources,
        ..
    } = container_form(container);
    form::InitContainer {
        name,
        image,
        image_pull_policy,
        working_dir,
        env,
        ports,
        volume_mounts,
        command,
        args,
        resources,
        ..form::InitContainer::default()
    }
}

fn container_form(container: &Container) -> form::Container {
    let spec = &container.spec;
    let optional = spec.optional.as_deref().cloned().unwrap_or_default();
    let env = spec.environment.iter().map(|variable| form::Env {
        name: variable.key.to_string(),
        value: variable.value.to_string(),
        value_from: variable.field.as_ref().map(|field| form::ValueFrom {
            field_ref: Some(form::FieldRef { field_path: field.to_string() }),
        }),
    });
    form::Container {
        name: spec.name.to_string(),
        image: spec.image.to_string(),
        image_pull_policy: spec.pull_policy.name().to_owned(),
        stdin: optional.stdin,
        stdin_once: optional.stdin_once,
        tty: optional.tty,
        working_dir: optional.working_dir.into(),
        env: env.collect(),
        ports: spec
            .ports
            .iter()
            .map(|(port, protocol)| form::Port {
                name: String::new(),
                protocol: protocol.to_string(),
                container_port: *port,
            })
            .collect(),
        volume_mounts: spec
            .mounts
            .iter()
            .map(|mount| form::VolumeMount {
                name: mount.name.clone(),
                sub_path: mount.sub_path.clone(),
                mount_path: mount.mount_path.clone(),
                read_only: mount.read_only,
            })
            .collect(),
        command: texts(&spec.command),
        args: texts(&spec.arguments),
        security_context: None,
        resources: Some(form::Resources { cpu: spec.vcpu.vcpu(), memory: spec.memory.gib() }),
        readiness_probe: optional.readiness.map(probe_form),
        liveness_probe: optional.liveness.map(probe_form),
    }
}

fn probe_form(probe: eci_api::actions::describe_container_groups::Probe) -> form::Probe {
    form::Probe {
        initial_delay_seconds: probe.initial_delay_seconds,
        period_seconds: probe.period_seconds,
        success_threshold: probe.success_threshold,
        failure_threshold: probe.failure_threshold,
        timeout_seconds: probe.timeout_seconds,
        exec: (!probe.execs.is_empty()).then_some(form::Exec { command: probe.execs }),
        tcp_socket: probe.tcp_socket.map(|socket| form::TcpSocket { port: socket.port }),
        http_get: probe.http_get.map(|get| form::HttpGet {
            scheme: get.scheme,
            path: get.path,
            port: get.port,
        }),
    }
}

fn volume_form(volume: &eci_api::actions::describe_container_groups::Volume) -> form::Volume {
    let files = volume.config_file_volume_config_file_to_paths.iter().map(|file| form::Item {
        mode: 0,
        path: file.path.clone(),
        content: STANDARD.encode(&file.content),
    });
    form::Volume {
        name: volume.name.clone(),
        config_file: (volume.type_ == "ConfigFileVolume")
            .then(|| form::ConfigFile { default_mode: 0, items: files.collect() }),
        empty_dir: (volume.type_ == "EmptyDirVolume")
            .then(|| form::EmptyDir { size_limit: volume.empty_dir_volume_size_limit.clone() }),
        nfs: (volume.type_ == "NFSVolume").then(|| form::Nfs {
            server: volume.nfs_volume_server.clone(),
            path: volume.nfs_volume_path.clone(),
            read_only: volume.nfs_volume_read_only,
        }),
    }
}

/// The request for the group of a template.
pub fn create_request(template: form::Template) -> CreateContainerGroup {
    let spec = template.spec.unwrap_or_default();
    let resources = template.resources.unwrap_or_default();
    let typed = !template.instance_type.is_empty();
    let size = |number: Number| Some(number).filter(|number| !typed && !number.0.is_zero());
    let dns = |dns: form::DnsConfig| ask::DnsConfig {
        name_server: dns.name_servers,
        option: dns
            .options
            .into_iter()
            .map(|option| ask::DnsOption { name: Some(option.name), value: Some(option.value) })
            .collect(),
        search: dns.searches,
    };
    let mut request = CreateContainerGroup {
        region_id: non_empty(template.region_id),
        zone_id: non_empty(template.zone_id),
        security_group_id: non_empty(template.security_group_id),
        vswitch_id: non_empty(template.vswitch_id),
        resource_group_id: non_empty(template.resource_group_id),
        eip_instance_id: non_empty(template.eip_instance_id),
        container_group_name: non_empty(template.container_group_name),
        instance_type: non_empty(template.instance_type),
        cpu: size(resources.cpu),
        memory: size(resources.memory),
        restart_policy: non_empty(spec.restart_policy),
        dns_policy: non_empty(spec.dns_policy),
        dns_config: spec.dns_config.map(dns),
        container: spec.containers.into_iter().map(container_request).collect(),
        init_container: spec.init_containers.into_iter().map(init_container_request).collect(),
        volume: spec.volumes.into_iter().map(volume_request).collect(),
        ..CreateContainerGroup::default()
    };
    request.tag = template
        .tags
        .into_iter()
        .map(|tag| ask::Tag { key: Some(tag.key), value: Some(tag.value) })
        .collect();
    if let Some(context) = spec.security_context {
        let sysctls = context.sysctls.into_iter();
        let sysctl = sysctls
            .map(|sysctl| ask::Sysctl { name: Some(sysctl.name), value: Some(sysctl.value) })
            .collect();
        request.security_context = Some(ask::SecurityContext { sysctl });
    }
    request
}

fn non_empty(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn environment(all: Vec<form::Env>) -> Vec<ask::EnvironmentVar> {
    let one = |env: form::Env| ask::EnvironmentVar {
        key: non_empty(env.name),
        value: Some(env.value),
        field_ref: env
            .value_from
            .and_then(|from| from.field_ref)
            .map(|field| ask::FieldRef { field_path: non_empty(field.field_path) }),
    };
    all.into_iter().map(one).collect()
}

fn ports(all: Vec<form::Port>) -> Vec<ask::Port> {
    all.into_iter()
        .map(|port| ask::Port { port: Some(port.container_port), protocol: non_empty(port.protocol) })
        .collect()
}

fn mounts(all: Vec<form::VolumeMount>) -> Vec<ask::VolumeMount> {
    let one = |mount: form::VolumeMount| ask::VolumeMount {
        name: non_empty(mount.name),
        sub_path: non_empty(mount.sub_path),
        mount_path: non_empty(mount.mount_path),
        read_only: Some(mount.read_only),
        ..ask::VolumeMount::default()
    };
    all.into_iter().map(one).collect()
}

fn size_of(resources: Option<form::Resources>) -> (Option<Number>, Option<Number>) {
    let resources = resources.unwrap_or_default();
    let some = |number: Number| Some(number).filter(|number| !number.0.is_zero());
    (some(resources.cpu), some(resources.memory))
}

fn container_request(container: form::Container) -> ask::Container {
    let (cpu, memory) = size_of(container.resources);
    ask::Container {
        name: non_empty(container.name),
        image: non_empty(container.image),
        image_pull_policy: non_empty(container.image_pull_policy),
        stdin: Some(container.stdin),
        stdin_once: Some(container.stdin_once),
        tty: Some(container.tty),
        working_dir: non_empty(container.working_dir),
        environment_var: environment(container.env),
        port: ports(container.ports),
        volume_mount: mounts(container.volume_mounts),
        command: container.command,
        arg: container.args,
        cpu,
        memory,
        readiness_probe: container.readiness_probe.map(probe_request),
        liveness_probe: container.liveness_probe.map(probe_request),
        ..ask::Container::default()
    }
}

fn init_container_request(container: form::InitContainer) -> ask::InitContainer {
    let (cpu, memory) = size_of(container.resources);
    ask::InitContainer {
        name: non_empty(container.name),
        image: non_empty(container.image),
        image_pull_policy: non_empty(container.image_pull_policy),
        working_dir: non_empty(container.working_dir),
        environment_var: environment(container.env),
        port: ports(container.ports),
        volume_mount: mounts(container.volume_mounts),
        command: container.command,
        arg: container.args,
        cpu,
        memory,
        ..ask::InitContainer::default()
    }
}

fn probe_request(probe: form::Probe) -> ask::Probe {
    let some = |number: i32| Some(number).filter(|number| *number > 0);
    ask::Probe {
        initial_delay_seconds: some(probe.initial_delay_seconds),
        period_seconds: some(probe.period_seconds),
        success_threshold: some(probe.success_threshold),
        failure_threshold: some(probe.failure_threshold),
        timeout_seconds: some(probe.timeout_seconds),
        exec: probe.exec.map(|exec| ask::Exec { command: exec.command }),
        tcp_socket: probe.tcp_socket.map(|socket| ask::TcpSocket { port: Some(socket.port) }),
        http_get: probe.http_get.map(|get| ask::HttpGet {
            scheme: non_empty(get.scheme),
            path: non_empty(get.path),
            port: Some(get.port),
        }),
    }
}

fn volume_request(volume: form::Volume) -> ask::Volume {
    let files = |files: form::ConfigFile| ask::ConfigFileVolume {
        config_file_to_path: files
            .items
            .into_iter()
            .map(|item| ask::ConfigFileToPath {
                content: Some(item.content),
                path: non_empty(item.path),
                ..ask::ConfigFileToPath::default()
            })
            .collect(),
        ..ask::ConfigFileVolume::default()
    };
    ask::Volume {
        name: non_empty(volume.name),
        config_file_volume: volume.config_file.map(files),
        empty_dir_volume: volume.empty_dir.map(|empty| ask::EmptyDirVolume {
            size_limit: non_empty(empty.size_limit),
            ..Default::default()
        }),
        nfs_volume: volume.nfs.map(|nfs| ask::NFSVolume {
            server: non_empty(nfs.server),
            path: non_empty(nfs.path),
            read_only: Some(nfs.read_only),
        }),
        ..ask::Volume::default()
    }
}
