//! A group as a template.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eci_api::actions::describe_container_groups::{Probe, Volume};
use eci_api::actions::export_container_group_template as form;

use crate::group::Group;
use crate::group::container::Container;

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
        instance_type: terms.instance_type().unwrap_or_default().to_owned(),
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

fn probe_form(probe: Probe) -> form::Probe {
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

fn volume_form(volume: &Volume) -> form::Volume {
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
