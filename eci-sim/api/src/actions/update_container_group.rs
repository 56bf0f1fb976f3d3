//! `UpdateContainerGroup`: its request and its reply (current).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::number::Number;
use crate::wire::{HIDDEN, null_default};

pub use super::create_container_group::{
    DnsOption, EnvironmentVar, FieldRef, FlexVolume, HostPathVolume, HttpGet, ImageRegistryCredential,
    LifecyclePreStopHandlerHttpGetHttpHeader, NFSVolume, Port, Tag, TcpSocket, VolumeMount,
};

impl Action for UpdateContainerGroup {
    const NAME: &'static str = "UpdateContainerGroup";
    type Reply = UpdateContainerGroupReply;
}

/// `UpdateContainerGroup` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateContainerGroup {
    /// `DnsConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_config: Option<DnsConfig>,
    /// `AcrRegistryInfo.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_registry_info: Vec<AcrRegistryInfo>,
    /// `ClientToken`, at most 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_token: Option<String>,
    /// `Container.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub container: Vec<Container>,
    /// `ContainerGroupId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_group_id: Option<String>,
    /// `Cpu`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Number>,
    /// `ImageRegistryCredential.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub image_registry_credential: Vec<ImageRegistryCredential>,
    /// `InitContainer.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub init_container: Vec<InitContainer>,
    /// `Memory`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Number>,
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `ResourceGroupId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_group_id: Option<String>,
    /// `RestartPolicy`, one of Always, OnFailure, Never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<String>,
    /// `Tag.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag: Vec<Tag>,
    /// `UpdateType`, one of RenewUpdate, IncrementalUpdate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_type: Option<String>,
    /// `Volume.N`, items at most 61.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volume: Vec<Volume>,
}

/// `Volume` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Volume {
    /// `Volume.N.ConfigFileVolume`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_file_volume: Option<ConfigFileVolume>,
    /// `Volume.N.EmptyDirVolume`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty_dir_volume: Option<EmptyDirVolume>,
    /// `Volume.N.FlexVolume`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flex_volume: Option<FlexVolume>,
    /// `Volume.N.HostPathVolume`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_path_volume: Option<HostPathVolume>,
    /// `Volume.N.NFSVolume`.
    #[serde(rename = "NFSVolume", default, skip_serializing_if = "Option::is_none")]
    pub nfs_volume: Option<NFSVolume>,
    /// `Volume.N.Name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `Volume.N.Type`, one of EmptyDirVolume, ConfigFileVolume, NFSVolume, FlexVolume, HostPathVolume, DiskVolume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_: Option<String>,
}

/// `EmptyDirVolume` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EmptyDirVolume {
    /// `Volume.N.EmptyDirVolume.Medium`, one of Memory, LocalRaid0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub medium: Option<String>,
    /// `Volume.N.EmptyDirVolume.SizeLimit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_limit: Option<String>,
}

/// `ConfigFileVolume` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ConfigFileVolume {
    /// `Volume.N.ConfigFileVolume.ConfigFileToPath.N`, items at most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub config_file_to_path: Vec<ConfigFileToPath>,
}

/// `ConfigFileToPath` in a request.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ConfigFileToPath {
    /// `Volume.N.ConfigFileVolume.ConfigFileToPath.N.Content`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// `Volume.N.ConfigFileVolume.ConfigFileToPath.N.Path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl fmt::Debug for ConfigFileToPath {
    /// Debug output without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigFileToPath").field("content", &HIDDEN).field("path", &self.path).finish()
    }
}

/// `InitContainer` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct InitContainer {
    /// `InitContainer.N.SecurityContext`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context: Option<SecurityContext>,
    /// `InitContainer.N.Arg.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arg: Vec<String>,
    /// `InitContainer.N.Command.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// `InitContainer.N.Cpu`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Number>,
    /// `InitContainer.N.EnvironmentVar.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment_var: Vec<EnvironmentVar>,
    /// `InitContainer.N.Gpu`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<i32>,
    /// `InitContainer.N.Image`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// `InitContainer.N.ImagePullPolicy`, one of Always, IfNotPresent, Never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<String>,
    /// `InitContainer.N.Memory`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Number>,
    /// `InitContainer.N.Name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `InitContainer.N.Port.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub port: Vec<Port>,
    /// `InitContainer.N.Stdin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<bool>,
    /// `InitContainer.N.StdinOnce`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin_once: Option<bool>,
    /// `InitContainer.N.Tty`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tty: Option<bool>,
    /// `InitContainer.N.VolumeMount.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volume_mount: Vec<VolumeMount>,
    /// `InitContainer.N.WorkingDir`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
}

/// `Container` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Container {
    /// `Container.N.LivenessProbe`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness_probe: Option<Probe>,
    /// `Container.N.ReadinessProbe`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness_probe: Option<Probe>,
    /// `Container.N.SecurityContext`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context: Option<SecurityContext>,
    /// `Container.N.Arg.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arg: Vec<String>,
    /// `Container.N.Command.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// `Container.N.Cpu`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Number>,
    /// `Container.N.EnvironmentVar.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment_var: Vec<EnvironmentVar>,
    /// `Container.N.Gpu`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<i32>,
    /// `Container.N.Image`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// `Container.N.ImagePullPolicy`, one of Always, IfNotPresent, Never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<String>,
    /// `Container.N.LifecyclePostStartHandlerExec.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifecycle_post_start_handler_exec: Vec<String>,
    /// `Container.N.LifecyclePostStartHandlerHttpGetHost`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_post_start_handler_http_get_host: Option<String>,
    /// `Container.N.LifecyclePostStartHandlerHttpGetHttpHeaders.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifecycle_post_start_handler_http_get_http_headers: Vec<LifecyclePostStartHandlerHttpGetHttpHeader>,
    /// `Container.N.LifecyclePostStartHandlerHttpGetPath`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_post_start_handler_http_get_path: Option<String>,
    /// `Container.N.LifecyclePostStartHandlerHttpGetPort`, at least 1, at most 65535.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_post_start_handler_http_get_port: Option<i32>,
    /// `Container.N.LifecyclePostStartHandlerHttpGetScheme`, one of HTTP, HTTPS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_post_start_handler_http_get_scheme: Option<String>,
    /// `Container.N.LifecyclePostStartHandlerTcpSocketHost`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_post_start_handler_tcp_socket_host: Option<String>,
    /// `Container.N.LifecyclePostStartHandlerTcpSocketPort`, at least 1, at most 65535.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_post_start_handler_tcp_socket_port: Option<i32>,
    /// `Container.N.LifecyclePreStopHandlerExec.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifecycle_pre_stop_handler_exec: Vec<String>,
    /// `Container.N.LifecyclePreStopHandlerHttpGetHost`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_pre_stop_handler_http_get_host: Option<String>,
    /// `Container.N.LifecyclePreStopHandlerHttpGetHttpHeader.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifecycle_pre_stop_handler_http_get_http_header: Vec<LifecyclePreStopHandlerHttpGetHttpHeader>,
    /// `Container.N.LifecyclePreStopHandlerHttpGetPath`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_pre_stop_handler_http_get_path: Option<String>,
    /// `Container.N.LifecyclePreStopHandlerHttpGetPort`, at least 1, at most 65535.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_pre_stop_handler_http_get_port: Option<i32>,
    /// `Container.N.LifecyclePreStopHandlerHttpGetScheme`, one of HTTP, HTTPS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_pre_stop_handler_http_get_scheme: Option<String>,
    /// `Container.N.LifecyclePreStopHandlerTcpSocketHost`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_pre_stop_handler_tcp_socket_host: Option<String>,
    /// `Container.N.LifecyclePreStopHandlerTcpSocketPort`, at least 1, at most 65535.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_pre_stop_handler_tcp_socket_port: Option<i32>,
    /// `Container.N.Memory`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Number>,
    /// `Container.N.Name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `Container.N.Port.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub port: Vec<Port>,
    /// `Container.N.Stdin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<bool>,
    /// `Container.N.StdinOnce`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin_once: Option<bool>,
    /// `Container.N.Tty`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tty: Option<bool>,
    /// `Container.N.VolumeMount.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volume_mount: Vec<VolumeMount>,
    /// `Container.N.WorkingDir`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
}

/// `LifecyclePostStartHandlerHttpGetHttpHeader` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LifecyclePostStartHandlerHttpGetHttpHeader {
    /// `Container.N.LifecyclePostStartHandlerHttpGetHttpHeaders.N.Name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `Container.N.LifecyclePostStartHandlerHttpGetHttpHeaders.N.Value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// `SecurityContext` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SecurityContext {
    /// `Container.N.SecurityContext.Capability`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capability: Option<Capability>,
    /// `Container.N.SecurityContext.ReadOnlyRootFilesystem`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only_root_filesystem: Option<bool>,
    /// `Container.N.SecurityContext.RunAsUser`, at least 0, at most 4294967294.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as_user: Option<i64>,
}

/// `Capability` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Capability {
    /// `Container.N.SecurityContext.Capability.Add.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<String>,
}

/// `Probe` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Probe {
    /// `Container.N.LivenessProbe.Exec`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exec: Option<Exec>,
    /// `Container.N.LivenessProbe.FailureThreshold`, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_threshold: Option<i32>,
    /// `Container.N.LivenessProbe.HttpGet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_get: Option<HttpGet>,
    /// `Container.N.LivenessProbe.InitialDelaySeconds`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_delay_seconds: Option<i32>,
    /// `Container.N.LivenessProbe.PeriodSeconds`, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period_seconds: Option<i32>,
    /// `Container.N.LivenessProbe.SuccessThreshold`, at least 1, at most 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_threshold: Option<i32>,
    /// `Container.N.LivenessProbe.TcpSocket`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_socket: Option<TcpSocket>,
    /// `Container.N.LivenessProbe.TimeoutSeconds`, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i32>,
}

/// `Exec` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Exec {
    /// `Container.N.LivenessProbe.Exec.Command.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
}

/// `AcrRegistryInfo` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AcrRegistryInfo {
    /// `AcrRegistryInfo.N.Domain.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domain: Vec<String>,
    /// `AcrRegistryInfo.N.InstanceId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    /// `AcrRegistryInfo.N.InstanceName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_name: Option<String>,
    /// `AcrRegistryInfo.N.RegionId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
}

/// `DnsConfig` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DnsConfig {
    /// `DnsConfig.NameServer.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub name_server: Vec<String>,
    /// `DnsConfig.Option.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub option: Vec<DnsOption>,
    /// `DnsConfig.Search.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub search: Vec<String>,
}

/// `UpdateContainerGroupReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateContainerGroupReply {
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
}
