//! A template as the request for a group.

use eci_api::Number;
use eci_api::actions::CreateContainerGroup;
use eci_api::actions::create_container_group as ask;
use eci_api::actions::export_container_group_template as form;

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
