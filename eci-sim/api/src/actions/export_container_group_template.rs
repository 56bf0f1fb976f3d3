//! `ExportContainerGroupTemplate`: its request and its reply (legacy).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::number::Number;
use crate::wire::{HIDDEN, null_default};

pub use super::describe_container_groups::{DnsOption, FieldRef, Sysctl, Tag, ValueFrom};

impl Action for ExportContainerGroupTemplate {
    const NAME: &'static str = "ExportContainerGroupTemplate";
    type Reply = ExportContainerGroupTemplateReply;
}

/// `ExportContainerGroupTemplate` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ExportContainerGroupTemplate {
    /// `RegionId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `ContainerGroupId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_group_id: Option<String>,
    /// `VkClientVersion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vk_client_version: Option<String>,
}

/// `ExportContainerGroupTemplateReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ExportContainerGroupTemplateReply {
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
    /// `Template`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Template>,
}

/// `Template` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Template {
    /// `RegionId`.
    #[serde(default, deserialize_with = "null_default")]
    pub region_id: String,
    /// `ZoneId`.
    #[serde(default, deserialize_with = "null_default")]
    pub zone_id: String,
    /// `SecurityGroupId`.
    #[serde(default, deserialize_with = "null_default")]
    pub security_group_id: String,
    /// `VSwitchId`.
    #[serde(rename = "VSwitchId", default, deserialize_with = "null_default")]
    pub vswitch_id: String,
    /// `ResourceGroupId`.
    #[serde(default, deserialize_with = "null_default")]
    pub resource_group_id: String,
    /// `EipInstanceId`.
    #[serde(default, deserialize_with = "null_default")]
    pub eip_instance_id: String,
    /// `ContainerGroupName`.
    #[serde(default, deserialize_with = "null_default")]
    pub container_group_name: String,
    /// `InstanceType`.
    #[serde(default, deserialize_with = "null_default")]
    pub instance_type: String,
    /// `Tags`.
    #[serde(default, deserialize_with = "null_default")]
    pub tags: Vec<Tag>,
    /// `Resources`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// `Spec`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<Spec>,
}

/// `Spec` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Spec {
    /// `RestartPolicy`.
    #[serde(default, deserialize_with = "null_default")]
    pub restart_policy: String,
    /// `DnsPolicy`.
    #[serde(default, deserialize_with = "null_default")]
    pub dns_policy: String,
    /// `Volumes`.
    #[serde(default, deserialize_with = "null_default")]
    pub volumes: Vec<Volume>,
    /// `InitContainers`.
    #[serde(default, deserialize_with = "null_default")]
    pub init_containers: Vec<InitContainer>,
    /// `Containers`.
    #[serde(default, deserialize_with = "null_default")]
    pub containers: Vec<Container>,
    /// `DnsConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_config: Option<DnsConfig>,
    /// `SecurityContext`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context: Option<SecurityContext>,
}

/// `DnsConfig` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DnsConfig {
    /// `Options`.
    #[serde(default, deserialize_with = "null_default")]
    pub options: Vec<DnsOption>,
    /// `NameServers`.
    #[serde(default, deserialize_with = "null_default")]
    pub name_servers: Vec<String>,
    /// `Searches`.
    #[serde(default, deserialize_with = "null_default")]
    pub searches: Vec<String>,
}

/// `Container` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Container {
    /// `Name`.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
    /// `Image`.
    #[serde(default, deserialize_with = "null_default")]
    pub image: String,
    /// `ImagePullPolicy`.
    #[serde(default, deserialize_with = "null_default")]
    pub image_pull_policy: String,
    /// `Stdin`.
    #[serde(default, deserialize_with = "null_default")]
    pub stdin: bool,
    /// `StdinOnce`.
    #[serde(default, deserialize_with = "null_default")]
    pub stdin_once: bool,
    /// `Tty`.
    #[serde(default, deserialize_with = "null_default")]
    pub tty: bool,
    /// `WorkingDir`.
    #[serde(default, deserialize_with = "null_default")]
    pub working_dir: String,
    /// `Env`.
    #[serde(default, deserialize_with = "null_default")]
    pub env: Vec<Env>,
    /// `Ports`.
    #[serde(default, deserialize_with = "null_default")]
    pub ports: Vec<Port>,
    /// `VolumeMounts`.
    #[serde(default, deserialize_with = "null_default")]
    pub volume_mounts: Vec<VolumeMount>,
    /// `Command`.
    #[serde(default, deserialize_with = "null_default")]
    pub command: Vec<String>,
    /// `Args`.
    #[serde(default, deserialize_with = "null_default")]
    pub args: Vec<String>,
    /// `SecurityContext`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context: Option<SecurityContext>,
    /// `Resources`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// `ReadinessProbe`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness_probe: Option<Probe>,
    /// `LivenessProbe`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness_probe: Option<Probe>,
}

/// `Probe` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Probe {
    /// `InitialDelaySeconds`.
    #[serde(default, deserialize_with = "null_default")]
    pub initial_delay_seconds: i32,
    /// `PeriodSeconds`.
    #[serde(default, deserialize_with = "null_default")]
    pub period_seconds: i32,
    /// `SuccessThreshold`.
    #[serde(default, deserialize_with = "null_default")]
    pub success_threshold: i32,
    /// `FailureThreshold`.
    #[serde(default, deserialize_with = "null_default")]
    pub failure_threshold: i32,
    /// `TimeoutSeconds`.
    #[serde(default, deserialize_with = "null_default")]
    pub timeout_seconds: i32,
    /// `Exec`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exec: Option<Exec>,
    /// `TcpSocket`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_socket: Option<TcpSocket>,
    /// `HttpGet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_get: Option<HttpGet>,
}

/// `HttpGet` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HttpGet {
    /// `Scheme`.
    #[serde(default, deserialize_with = "null_default")]
    pub scheme: String,
    /// `Path`.
    #[serde(default, deserialize_with = "null_default")]
    pub path: String,
    /// `Port`.
    #[serde(default, deserialize_with = "null_default")]
    pub port: i32,
}

/// `TcpSocket` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TcpSocket {
    /// `Port`.
    #[serde(default, deserialize_with = "null_default")]
    pub port: i32,
}

/// `Exec` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Exec {
    /// `Command`.
    #[serde(default, deserialize_with = "null_default")]
    pub command: Vec<String>,
}

/// `InitContainer` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct InitContainer {
    /// `Name`.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
    /// `Image`.
    #[serde(default, deserialize_with = "null_default")]
    pub image: String,
    /// `ImagePullPolicy`.
    #[serde(default, deserialize_with = "null_default")]
    pub image_pull_policy: String,
    /// `Stdin`.
    #[serde(default, deserialize_with = "null_default")]
    pub stdin: bool,
    /// `StdinOnce`.
    #[serde(default, deserialize_with = "null_default")]
    pub stdin_once: bool,
    /// `Tty`.
    #[serde(default, deserialize_with = "null_default")]
    pub tty: bool,
    /// `WorkingDir`.
    #[serde(default, deserialize_with = "null_default")]
    pub working_dir: String,
    /// `Env`.
    #[serde(default, deserialize_with = "null_default")]
    pub env: Vec<Env>,
    /// `Ports`.
    #[serde(default, deserialize_with = "null_default")]
    pub ports: Vec<Port>,
    /// `VolumeMounts`.
    #[serde(default, deserialize_with = "null_default")]
    pub volume_mounts: Vec<VolumeMount>,
    /// `Command`.
    #[serde(default, deserialize_with = "null_default")]
    pub command: Vec<String>,
    /// `Args`.
    #[serde(default, deserialize_with = "null_default")]
    pub args: Vec<String>,
    /// `SecurityContext`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context: Option<SecurityContext>,
    /// `Resources`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

/// `SecurityContext` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SecurityContext {
    /// `Sysctls`.
    #[serde(default, deserialize_with = "null_default")]
    pub sysctls: Vec<Sysctl>,
}

/// `VolumeMount` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VolumeMount {
    /// `Name`.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
    /// `SubPath`.
    #[serde(default, deserialize_with = "null_default")]
    pub sub_path: String,
    /// `MountPath`.
    #[serde(default, deserialize_with = "null_default")]
    pub mount_path: String,
    /// `ReadOnly`.
    #[serde(default, deserialize_with = "null_default")]
    pub read_only: bool,
}

/// `Port` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Port {
    /// `Name`.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
    /// `Protocol`.
    #[serde(default, deserialize_with = "null_default")]
    pub protocol: String,
    /// `ContainerPort`.
    #[serde(default, deserialize_with = "null_default")]
    pub container_port: i32,
}

/// `Env` in a reply.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Env {
    /// `Name`.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
    /// `Value`.
    #[serde(default, deserialize_with = "null_default")]
    pub value: String,
    /// `ValueFrom`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_from: Option<ValueFrom>,
}

impl fmt::Debug for Env {
    /// Debug output without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env")
            .field("name", &self.name)
            .field("value", &HIDDEN)
            .field("value_from", &self.value_from)
            .finish()
    }
}

/// `Volume` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Volume {
    /// `Name`.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
    /// `ConfigFile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_file: Option<ConfigFile>,
    /// `EmptyDir`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty_dir: Option<EmptyDir>,
    /// `Nfs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nfs: Option<Nfs>,
}

/// `Nfs` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Nfs {
    /// `Server`.
    #[serde(default, deserialize_with = "null_default")]
    pub server: String,
    /// `Path`.
    #[serde(default, deserialize_with = "null_default")]
    pub path: String,
    /// `ReadOnly`.
    #[serde(default, deserialize_with = "null_default")]
    pub read_only: bool,
}

/// `EmptyDir` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EmptyDir {
    /// `SizeLimit`.
    #[serde(default, deserialize_with = "null_default")]
    pub size_limit: String,
}

/// `ConfigFile` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ConfigFile {
    /// `DefaultMode`.
    #[serde(default, deserialize_with = "null_default")]
    pub default_mode: i32,
    /// `Items`.
    #[serde(default, deserialize_with = "null_default")]
    pub items: Vec<Item>,
}

/// `Item` in a reply.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Item {
    /// `Mode`.
    #[serde(default, deserialize_with = "null_default")]
    pub mode: i32,
    /// `Path`.
    #[serde(default, deserialize_with = "null_default")]
    pub path: String,
    /// `Content`.
    #[serde(default, deserialize_with = "null_default")]
    pub content: String,
}

impl fmt::Debug for Item {
    /// Debug output without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Item")
            .field("mode", &self.mode)
            .field("path", &self.path)
            .field("content", &HIDDEN)
            .finish()
    }
}

/// `Resources` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Resources {
    /// `Cpu`.
    #[serde(default, deserialize_with = "null_default")]
    pub cpu: Number,
    /// `Memory`.
    #[serde(default, deserialize_with = "null_default")]
    pub memory: Number,
}
