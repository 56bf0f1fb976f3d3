//! `DescribeContainerGroups`: its request and its reply (current).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::number::Number;
use crate::wire::{HIDDEN, null_default};

impl Action for DescribeContainerGroups {
    const NAME: &'static str = "DescribeContainerGroups";
    type Reply = DescribeContainerGroupsReply;
}

/// `DescribeContainerGroups` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeContainerGroups {
    /// `ComputeCategory`, one of economy, general.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute_category: Option<String>,
    /// `ContainerGroupIds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_group_ids: Option<String>,
    /// `ContainerGroupName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_group_name: Option<String>,
    /// `Limit`, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i32>,
    /// `NextToken`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `ResourceGroupId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_group_id: Option<String>,
    /// `SecurityGroupId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_group_id: Option<String>,
    /// `Status`, one of Scheduling, ScheduleFailed, Pending, Running, Succeeded, Failed, Restarting, Updating, Terminating, Expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// `Tag.N`, items at most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag: Vec<DescribeContainerGroupsTag>,
    /// `VSwitchId`.
    #[serde(rename = "VSwitchId", default, skip_serializing_if = "Option::is_none")]
    pub vswitch_id: Option<String>,
    /// `WithEvent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_event: Option<bool>,
    /// `ZoneId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone_id: Option<String>,
    /// `VkClientVersion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vk_client_version: Option<String>,
    /// `ContainerGroupId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_group_id: Option<String>,
}

/// `Tag` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeContainerGroupsTag {
    /// `Tag.N.Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `Tag.N.Value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// `DescribeContainerGroupsReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeContainerGroupsReply {
    /// `ContainerGroups`.
    #[serde(default, deserialize_with = "null_default")]
    pub container_groups: Vec<ContainerGroup>,
    /// `NextToken`.
    #[serde(default, deserialize_with = "null_default")]
    pub next_token: String,
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
    /// `TotalCount`.
    #[serde(default, deserialize_with = "null_default")]
    pub total_count: i32,
}

/// `ContainerGroup` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerGroup {
    /// `ComputeCategory`.
    #[serde(default, deserialize_with = "null_default")]
    pub compute_category: String,
    /// `ContainerGroupId`.
    #[serde(default, deserialize_with = "null_default")]
    pub container_group_id: String,
    /// `ContainerGroupName`.
    #[serde(default, deserialize_with = "null_default")]
    pub container_group_name: String,
    /// `Containers`.
    #[serde(default, deserialize_with = "null_default")]
    pub containers: Vec<Container>,
    /// `Cpu`.
    #[serde(default, deserialize_with = "null_default")]
    pub cpu: Number,
    /// `CreationTime`.
    #[serde(default, deserialize_with = "null_default")]
    pub creation_time: String,
    /// `Discount`.
    #[serde(default, deserialize_with = "null_default")]
    pub discount: i32,
    /// `DnsConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_config: Option<DnsConfig>,
    /// `DnsPolicy`.
    #[serde(default, deserialize_with = "null_default")]
    pub dns_policy: String,
    /// `EciSecurityContext`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eci_security_context: Option<EciSecurityContext>,
    /// `EniInstanceId`.
    #[serde(default, deserialize_with = "null_default")]
    pub eni_instance_id: String,
    /// `EphemeralStorage`.
    #[serde(default, deserialize_with = "null_default")]
    pub ephemeral_storage: i32,
    /// `Events`.
    #[serde(default, deserialize_with = "null_default")]
    pub events: Vec<Event>,
    /// `ExpiredTime`.
    #[serde(default, deserialize_with = "null_default")]
    pub expired_time: String,
    /// `FailedTime`.
    #[serde(default, deserialize_with = "null_default")]
    pub failed_time: String,
    /// `HostAliases`.
    #[serde(default, deserialize_with = "null_default")]
    pub host_aliases: Vec<HostAliase>,
    /// `InitContainers`.
    #[serde(default, deserialize_with = "null_default")]
    pub init_containers: Vec<InitContainer>,
    /// `InstanceType`.
    #[serde(default, deserialize_with = "null_default")]
    pub instance_type: String,
    /// `InternetIp`.
    #[serde(default, deserialize_with = "null_default")]
    pub internet_ip: String,
    /// `IntranetIp`.
    #[serde(default, deserialize_with = "null_default")]
    pub intranet_ip: String,
    /// `Ipv6Address`.
    #[serde(default, deserialize_with = "null_default")]
    pub ipv6_address: String,
    /// `Memory`.
    #[serde(default, deserialize_with = "null_default")]
    pub memory: Number,
    /// `RamRoleName`.
    #[serde(default, deserialize_with = "null_default")]
    pub ram_role_name: String,
    /// `RegionId`.
    #[serde(default, deserialize_with = "null_default")]
    pub region_id: String,
    /// `ResourceGroupId`.
    #[serde(default, deserialize_with = "null_default")]
    pub resource_group_id: String,
    /// `RestartPolicy`.
    #[serde(default, deserialize_with = "null_default")]
    pub restart_policy: String,
    /// `SecurityGroupId`.
    #[serde(default, deserialize_with = "null_default")]
    pub security_group_id: String,
    /// `SpotPriceLimit`.
    #[serde(default, deserialize_with = "null_default")]
    pub spot_price_limit: Number,
    /// `SpotStrategy`.
    #[serde(default, deserialize_with = "null_default")]
    pub spot_strategy: String,
    /// `Status`.
    #[serde(default, deserialize_with = "null_default")]
    pub status: String,
    /// `SucceededTime`.
    #[serde(default, deserialize_with = "null_default")]
    pub succeeded_time: String,
    /// `Tags`.
    #[serde(default, deserialize_with = "null_default")]
    pub tags: Vec<Tag>,
    /// `TenantEniInstanceId`.
    #[serde(default, deserialize_with = "null_default")]
    pub tenant_eni_instance_id: String,
    /// `TenantEniIp`.
    #[serde(default, deserialize_with = "null_default")]
    pub tenant_eni_ip: String,
    /// `TenantSecurityGroupId`.
    #[serde(default, deserialize_with = "null_default")]
    pub tenant_security_group_id: String,
    /// `TenantVSwitchId`.
    #[serde(rename = "TenantVSwitchId", default, deserialize_with = "null_default")]
    pub tenant_vswitch_id: String,
    /// `VSwitchId`.
    #[serde(rename = "VSwitchId", default, deserialize_with = "null_default")]
    pub vswitch_id: String,
    /// `Volumes`.
    #[serde(default, deserialize_with = "null_default")]
    pub volumes: Vec<Volume>,
    /// `VpcId`.
    #[serde(default, deserialize_with = "null_default")]
    pub vpc_id: String,
    /// `ZoneId`.
    #[serde(default, deserialize_with = "null_default")]
    pub zone_id: String,
}

/// `Volume` in a reply.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Volume {
    /// `ConfigFileVolumeConfigFileToPaths`.
    #[serde(default, deserialize_with = "null_default")]
    pub config_file_volume_config_file_to_paths: Vec<ConfigFileVolumeConfigFileToPath>,
    /// `DiskVolumeDiskId`.
    #[serde(default, deserialize_with = "null_default")]
    pub disk_volume_disk_id: String,
    /// `DiskVolumeFsType`.
    #[serde(default, deserialize_with = "null_default")]
    pub disk_volume_fs_type: String,
    /// `EmptyDirVolumeMedium`.
    #[serde(default, deserialize_with = "null_default")]
    pub empty_dir_volume_medium: String,
    /// `EmptyDirVolumeSizeLimit`.
    #[serde(default, deserialize_with = "null_default")]
    pub empty_dir_volume_size_limit: String,
    /// `FlexVolumeDriver`.
    #[serde(default, deserialize_with = "null_default")]
    pub flex_volume_driver: String,
    /// `FlexVolumeFsType`.
    #[serde(default, deserialize_with = "null_default")]
    pub flex_volume_fs_type: String,
    /// `FlexVolumeOptions`.
    #[serde(default, deserialize_with = "null_default")]
    pub flex_volume_options: String,
    /// `NFSVolumePath`.
    #[serde(rename = "NFSVolumePath", default, deserialize_with = "null_default")]
    pub nfs_volume_path: String,
    /// `NFSVolumeReadOnly`.
    #[serde(rename = "NFSVolumeReadOnly", default, deserialize_with = "null_default")]
    pub nfs_volume_read_only: bool,
    /// `NFSVolumeServer`.
    #[serde(rename = "NFSVolumeServer", default, deserialize_with = "null_default")]
    pub nfs_volume_server: String,
    /// `Name`.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
    /// `Type`.
    #[serde(default, deserialize_with = "null_default")]
    pub type_: String,
}

impl fmt::Debug for Volume {
    /// Debug output without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Volume")
            .field("config_file_volume_config_file_to_paths", &self.config_file_volume_config_file_to_paths)
            .field("disk_volume_disk_id", &self.disk_volume_disk_id)
            .field("disk_volume_fs_type", &self.disk_volume_fs_type)
            .field("empty_dir_volume_medium", &self.empty_dir_volume_medium)
            .field("empty_dir_volume_size_limit", &self.empty_dir_volume_size_limit)
            .field("flex_volume_driver", &self.flex_volume_driver)
            .field("flex_volume_fs_type", &self.flex_volume_fs_type)
            .field("flex_volume_options", &HIDDEN)
            .field("nfs_volume_path", &self.nfs_volume_path)
            .field("nfs_volume_read_only", &self.nfs_volume_read_only)
            .field("nfs_volume_server", &self.nfs_volume_server)
            .field("name", &self.name)
            .field("type_", &self.type_)
            .finish()
    }
}

/// `ConfigFileVolumeConfigFileToPath` in a reply.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ConfigFileVolumeConfigFileToPath {
    /// `Content`.
    #[serde(default, deserialize_with = "null_default")]
    pub content: String,
    /// `Path`.
    #[serde(default, deserialize_with = "null_default")]
    pub path: String,
}

impl fmt::Debug for ConfigFileVolumeConfigFileToPath {
    /// Debug output without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigFileVolumeConfigFileToPath")
            .field("content", &HIDDEN)
            .field("path", &self.path)
            .finish()
    }
}

/// `Tag` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    /// `Key`.
    #[serde(default, deserialize_with = "null_default")]
    pub key: String,
    /// `Value`.
    #[serde(default, deserialize_with = "null_default")]
    pub value: String,
}

/// `InitContainer` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct InitContainer {
    /// `Args`.
    #[serde(default, deserialize_with = "null_default")]
    pub args: Vec<String>,
    /// `Command`.
    #[serde(default, deserialize_with = "null_default")]
    pub command: Vec<String>,
    /// `Cpu`.
    #[serde(default, deserialize_with = "null_default")]
    pub cpu: Number,
    /// `CurrentState`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_state: Option<ContainerState>,
    /// `EnvironmentVars`.
    #[serde(default, deserialize_with = "null_default")]
    pub environment_vars: Vec<EnvironmentVar>,
    /// `Gpu`.
    #[serde(default, deserialize_with = "null_default")]
    pub gpu: i32,
    /// `Image`.
    #[serde(default, deserialize_with = "null_default")]
    pub image: String,
    /// `ImagePullPolicy`.
    #[serde(default, deserialize_with = "null_default")]
    pub image_pull_policy: String,
    /// `Memory`.
    #[serde(default, deserialize_with = "null_default")]
    pub memory: Number,
    /// `Name`.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
    /// `Ports`.
    #[serde(default, deserialize_with = "null_default")]
    pub ports: Vec<Port>,
    /// `PreviousState`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_state: Option<ContainerState>,
    /// `Ready`.
    #[serde(default, deserialize_with = "null_default")]
    pub ready: bool,
    /// `RestartCount`.
    #[serde(default, deserialize_with = "null_default")]
    pub restart_count: i32,
    /// `SecurityContext`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context: Option<SecurityContext>,
    /// `VolumeMounts`.
    #[serde(default, deserialize_with = "null_default")]
    pub volume_mounts: Vec<InitContainerVolumeMount>,
    /// `WorkingDir`.
    #[serde(default, deserialize_with = "null_default")]
    pub working_dir: String,
}

/// `VolumeMount` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct InitContainerVolumeMount {
    /// `MountPath`.
    #[serde(default, deserialize_with = "null_default")]
    pub mount_path: String,
    /// `MountPropagation`.
    #[serde(default, deserialize_with = "null_default")]
    pub mount_propagation: String,
    /// `Name`.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
    /// `ReadOnly`.
    #[serde(default, deserialize_with = "null_default")]
    pub read_only: bool,
}

/// `HostAliase` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HostAliase {
    /// `Hostnames`.
    #[serde(default, deserialize_with = "null_default")]
    pub hostnames: Vec<String>,
    /// `Ip`.
    #[serde(default, deserialize_with = "null_default")]
    pub ip: String,
}

/// `Event` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Event {
    /// `Count`.
    #[serde(default, deserialize_with = "null_default")]
    pub count: i32,
    /// `FirstTimestamp`.
    #[serde(default, deserialize_with = "null_default")]
    pub first_timestamp: String,
    /// `LastTimestamp`.
    #[serde(default, deserialize_with = "null_default")]
    pub last_timestamp: String,
    /// `Message`.
    #[serde(default, deserialize_with = "null_default")]
    pub message: String,
    /// `Name`.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
    /// `Reason`.
    #[serde(default, deserialize_with = "null_default")]
    pub reason: String,
    /// `Type`.
    #[serde(default, deserialize_with = "null_default")]
    pub type_: String,
}

/// `EciSecurityContext` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EciSecurityContext {
    /// `Sysctls`.
    #[serde(default, deserialize_with = "null_default")]
    pub sysctls: Vec<Sysctl>,
}

/// `Sysctl` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Sysctl {
    /// `Name`.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
    /// `Value`.
    #[serde(default, deserialize_with = "null_default")]
    pub value: String,
}

/// `DnsConfig` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DnsConfig {
    /// `NameServers`.
    #[serde(default, deserialize_with = "null_default")]
    pub name_servers: Vec<String>,
    /// `Options`.
    #[serde(default, deserialize_with = "null_default")]
    pub options: Vec<DnsOption>,
    /// `Searches`.
    #[serde(default, deserialize_with = "null_default")]
    pub searches: Vec<String>,
}

/// `DnsOption` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DnsOption {
    /// `Name`.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
    /// `Value`.
    #[serde(default, deserialize_with = "null_default")]
    pub value: String,
}

/// `Container` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Container {
    /// `Args`.
    #[serde(default, deserialize_with = "null_default")]
    pub args: Vec<String>,
    /// `Commands`.
    #[serde(default, deserialize_with = "null_default")]
    pub commands: Vec<String>,
    /// `Cpu`.
    #[serde(default, deserialize_with = "null_default")]
    pub cpu: Number,
    /// `CurrentState`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_state: Option<ContainerState>,
    /// `EnvironmentVars`.
    #[serde(default, deserialize_with = "null_default")]
    pub environment_vars: Vec<EnvironmentVar>,
    /// `Gpu`.
    #[serde(default, deserialize_with = "null_default")]
    pub gpu: i32,
    /// `Image`.
    #[serde(default, deserialize_with = "null_default")]
    pub image: String,
    /// `ImagePullPolicy`.
    #[serde(default, deserialize_with = "null_default")]
    pub image_pull_policy: String,
    /// `LivenessProbe`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness_probe: Option<Probe>,
    /// `Memory`.
    #[serde(default, deserialize_with = "null_default")]
    pub memory: Number,
    /// `Name`.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
    /// `Ports`.
    #[serde(default, deserialize_with = "null_default")]
    pub ports: Vec<Port>,
    /// `PreviousState`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_state: Option<ContainerState>,
    /// `ReadinessProbe`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness_probe: Option<Probe>,
    /// `Ready`.
    #[serde(default, deserialize_with = "null_default")]
    pub ready: bool,
    /// `RestartCount`.
    #[serde(default, deserialize_with = "null_default")]
    pub restart_count: i32,
    /// `SecurityContext`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context: Option<SecurityContext>,
    /// `Stdin`.
    #[serde(default, deserialize_with = "null_default")]
    pub stdin: bool,
    /// `StdinOnce`.
    #[serde(default, deserialize_with = "null_default")]
    pub stdin_once: bool,
    /// `Tty`.
    #[serde(default, deserialize_with = "null_default")]
    pub tty: bool,
    /// `VolumeMounts`.
    #[serde(default, deserialize_with = "null_default")]
    pub volume_mounts: Vec<VolumeMount>,
    /// `WorkingDir`.
    #[serde(default, deserialize_with = "null_default")]
    pub working_dir: String,
}

/// `VolumeMount` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VolumeMount {
    /// `MountPath`.
    #[serde(default, deserialize_with = "null_default")]
    pub mount_path: String,
    /// `MountPropagation`.
    #[serde(default, deserialize_with = "null_default")]
    pub mount_propagation: String,
    /// `Name`.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
    /// `ReadOnly`.
    #[serde(default, deserialize_with = "null_default")]
    pub read_only: bool,
    /// `SubPath`.
    #[serde(default, deserialize_with = "null_default")]
    pub sub_path: String,
}

/// `SecurityContext` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SecurityContext {
    /// `Capability`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capability: Option<Capability>,
    /// `ReadOnlyRootFilesystem`.
    #[serde(default, deserialize_with = "null_default")]
    pub read_only_root_filesystem: bool,
    /// `RunAsUser`.
    #[serde(default, deserialize_with = "null_default")]
    pub run_as_user: i64,
}

/// `Capability` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Capability {
    /// `Adds`.
    #[serde(default, deserialize_with = "null_default")]
    pub adds: Vec<String>,
}

/// `Port` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Port {
    /// `Port`.
    #[serde(default, deserialize_with = "null_default")]
    pub port: i32,
    /// `Protocol`.
    #[serde(default, deserialize_with = "null_default")]
    pub protocol: String,
}

/// `Probe` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Probe {
    /// `Execs`.
    #[serde(default, deserialize_with = "null_default")]
    pub execs: Vec<String>,
    /// `FailureThreshold`.
    #[serde(default, deserialize_with = "null_default")]
    pub failure_threshold: i32,
    /// `HttpGet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_get: Option<HttpGet>,
    /// `InitialDelaySeconds`.
    #[serde(default, deserialize_with = "null_default")]
    pub initial_delay_seconds: i32,
    /// `PeriodSeconds`.
    #[serde(default, deserialize_with = "null_default")]
    pub period_seconds: i32,
    /// `SuccessThreshold`.
    #[serde(default, deserialize_with = "null_default")]
    pub success_threshold: i32,
    /// `TcpSocket`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_socket: Option<TcpSocket>,
    /// `TimeoutSeconds`.
    #[serde(default, deserialize_with = "null_default")]
    pub timeout_seconds: i32,
}

/// `TcpSocket` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TcpSocket {
    /// `Host`.
    #[serde(default, deserialize_with = "null_default")]
    pub host: String,
    /// `Port`.
    #[serde(default, deserialize_with = "null_default")]
    pub port: i32,
}

/// `HttpGet` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HttpGet {
    /// `Path`.
    #[serde(default, deserialize_with = "null_default")]
    pub path: String,
    /// `Port`.
    #[serde(default, deserialize_with = "null_default")]
    pub port: i32,
    /// `Scheme`.
    #[serde(default, deserialize_with = "null_default")]
    pub scheme: String,
}

/// `EnvironmentVar` in a reply.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EnvironmentVar {
    /// `Key`.
    #[serde(default, deserialize_with = "null_default")]
    pub key: String,
    /// `Value`.
    #[serde(default, deserialize_with = "null_default")]
    pub value: String,
    /// `ValueFrom`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_from: Option<ValueFrom>,
}

impl fmt::Debug for EnvironmentVar {
    /// Debug output without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvironmentVar")
            .field("key", &self.key)
            .field("value", &HIDDEN)
            .field("value_from", &self.value_from)
            .finish()
    }
}

/// `ValueFrom` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ValueFrom {
    /// `FieldRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_ref: Option<FieldRef>,
}

/// `FieldRef` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FieldRef {
    /// `FieldPath`.
    #[serde(default, deserialize_with = "null_default")]
    pub field_path: String,
}

/// `ContainerState` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerState {
    /// `DetailStatus`.
    #[serde(default, deserialize_with = "null_default")]
    pub detail_status: String,
    /// `ExitCode`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// `FinishTime`.
    #[serde(default, deserialize_with = "null_default")]
    pub finish_time: String,
    /// `Message`.
    #[serde(default, deserialize_with = "null_default")]
    pub message: String,
    /// `Reason`.
    #[serde(default, deserialize_with = "null_default")]
    pub reason: String,
    /// `Signal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// `StartTime`.
    #[serde(default, deserialize_with = "null_default")]
    pub start_time: String,
    /// `State`.
    #[serde(default, deserialize_with = "null_default")]
    pub state: String,
}
