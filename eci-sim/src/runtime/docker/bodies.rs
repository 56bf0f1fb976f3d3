//! Containers as the Engine is asked for them: the sandbox, the containers in it, and those that hold a volume.

use std::collections::HashMap;

use bollard::models::{ContainerCreateBody, HostConfig, Mount as Mounted, MountType};

use super::{DockerEngine, FILL_MOUNT_PATH};
use crate::runtime::engine::{Launch, Sandbox, Volume};

/// Directory of the volumes in a group's sandbox.
const SANDBOX_VOLUMES_PATH: &str = "/volumes";

impl DockerEngine {
    /// Container that never runs, and holds a volume while files are put into it.
    pub(super) fn holder_body(&self, group: &str, volume: String) -> ContainerCreateBody {
        ContainerCreateBody {
            image: Some(self.settings.sandbox.clone()),
            labels: Some(self.labels(group)),
            cmd: Some(vec!["true".to_owned()]),
            host_config: Some(HostConfig {
                mounts: Some(vec![mounted(volume, FILL_MOUNT_PATH, false)]),
                network_mode: Some("none".to_owned()),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        }
    }

    pub(super) fn sandbox_body(&self, sandbox: &Sandbox) -> ContainerCreateBody {
        let mut script: String = self
            .settings
            .routes
            .iter()
            .map(|(range, via)| format!("ip route add {range} via {via} && "))
            .collect();
        script.push_str("exec sleep 2147483647");
        let volumes = sandbox.volumes.iter();
        let held = |volume: &Volume| {
            let at = format!("{SANDBOX_VOLUMES_PATH}/{}", volume.name);
            mounted(self.volume_name(&sandbox.group, &volume.name), &at, false)
        };
        let pairs = |pairs: &[(String, String)]| pairs.iter().cloned().collect::<HashMap<_, _>>();
        let some = |words: &[String]| (!words.is_empty()).then(|| words.to_vec());
        ContainerCreateBody {
            image: Some(self.settings.sandbox.clone()),
            hostname: Some(sandbox.host_name.clone()),
            labels: Some(self.labels(&sandbox.group)),
            entrypoint: Some(["sh", "-c"].map(str::to_owned).to_vec()),
            cmd: Some(vec![script]),
            host_config: Some(HostConfig {
                network_mode: Some(self.settings.network.clone()),
                cap_add: (!self.settings.routes.is_empty()).then(|| vec!["NET_ADMIN".to_owned()]),
                dns: some(&sandbox.name_servers),
                dns_search: some(&sandbox.searches),
                dns_options: some(&sandbox.options),
                extra_hosts: some(
                    &sandbox
                        .hosts
                        .iter()
                        .map(|(name, address)| format!("{name}:{address}"))
                        .collect::<Vec<_>>(),
                ),
                sysctls: (!sandbox.sysctls.is_empty()).then(|| pairs(&sandbox.sysctls)),
                // the sandbox lives as long as the group: a volume in memory is empty again when its last user has
                // ended
                mounts: Some(volumes.map(held).collect()),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        }
    }

    pub(super) fn body(&self, launch: &Launch) -> ContainerCreateBody {
        let group = &launch.run.group;
        let bytes = (launch.mebibytes > 0).then(|| i64::from(launch.mebibytes) << 20);
        let some = |words: &[String]| (!words.is_empty()).then(|| words.to_vec());
        let mounts = launch.mounts.iter();
        ContainerCreateBody {
            image: Some(launch.image.clone()),
            labels: Some(self.labels(group)),
            entrypoint: some(&launch.command),
            cmd: some(&launch.arguments),
            env: some(&launch.environment),
            working_dir: Some(launch.working_dir.clone()).filter(|path| !path.is_empty()),
            tty: Some(launch.tty),
            open_stdin: Some(launch.stdin),
            user: (launch.user > 0).then(|| launch.user.to_string()),
            host_config: Some(HostConfig {
                network_mode: Some(format!("container:{}", self.sandbox_name(group))),
                // a quota, since a number of processors above the machine's own would be refused
                cpu_period: (launch.milli_vcpu > 0).then_some(100_000),
                cpu_quota: (launch.milli_vcpu > 0).then(|| i64::from(launch.milli_vcpu) * 100),
                memory: bytes,
                memory_swap: bytes,
                mounts: Some(
                    mounts
                        .map(|mount| {
                            mounted(self.volume_name(group, &mount.volume), &mount.path, mount.read_only)
                        })
                        .collect(),
                ),
                readonly_rootfs: Some(launch.read_only),
                cap_add: some(&launch.capabilities),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        }
    }
}

fn mounted(volume: String, path: &str, read_only: bool) -> Mounted {
    Mounted {
        target: Some(path.to_owned()),
        source: Some(volume),
        typ: Some(MountType::VOLUME),
        read_only: Some(read_only),
        ..Mounted::default()
    }
}
