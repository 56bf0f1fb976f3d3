//! `CreateContainerGroup`: its request and its reply (current).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::number::Number;
use crate::wire::{HIDDEN, null_default};

impl Action for CreateContainerGroup {
    const NAME: &'static str = "CreateContainerGroup";
    type Reply = CreateContainerGroupReply;
}

/// `CreateContainerGroup` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateContainerGroup {
    /// `DnsConfig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_config: Option<DnsConfig>,
    /// `HostSecurityContext`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_security_context: Option<HostSecurityContext>,
    /// `SecurityContext`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context: Option<SecurityContext>,
    /// `AcrRegistryInfo.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_registry_info: Vec<AcrRegistryInfo>,
    /// `ActiveDeadlineSeconds`, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_deadline_seconds: Option<i64>,
    /// `AutoCreateEip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_create_eip: Option<bool>,
    /// `AutoMatchImageCache`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_match_image_cache: Option<bool>,
    /// `ClientToken`, at most 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_token: Option<String>,
    /// `ComputeCategory.N`, items at most 100, one of economy, general.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compute_category: Vec<String>,
    /// `Container.N`, required, items at most 41.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub container: Vec<Container>,
    /// `ContainerGroupName`, required, at least 2, at most 128.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_group_name: Option<String>,
    /// `ContainerResourceView`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_resource_view: Option<bool>,
    /// `CorePattern`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core_pattern: Option<String>,
    /// `Cpu`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Number>,
    /// `CpuArchitecture`, one of AMD64, ARM64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_architecture: Option<String>,
    /// `CpuOptionsCore`, at least 0, at most 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_options_core: Option<i32>,
    /// `CpuOptionsNuma`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_options_numa: Option<String>,
    /// `CpuOptionsThreadsPerCore`, at least 0, at most 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_options_threads_per_core: Option<i32>,
    /// `DataCacheBucket`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_cache_bucket: Option<String>,
    /// `DataCacheBurstingEnabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_cache_bursting_enabled: Option<bool>,
    /// `DataCachePL`.
    #[serde(rename = "DataCachePL", default, skip_serializing_if = "Option::is_none")]
    pub data_cache_pl: Option<String>,
    /// `DataCacheProvisionedIops`, at least 0, at most 50000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_cache_provisioned_iops: Option<i64>,
    /// `DnsPolicy`, one of None, Default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_policy: Option<String>,
    /// `DryRun`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// `EgressBandwidth`, at least 0, at most 9223372036854775807.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress_bandwidth: Option<i64>,
    /// `EipBandwidth`, at least 1, at most 1000000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eip_bandwidth: Option<i32>,
    /// `EipCommonBandwidthPackage`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eip_common_bandwidth_package: Option<String>,
    /// `EipISP`, one of BGP, BGP_PRO.
    #[serde(rename = "EipISP", default, skip_serializing_if = "Option::is_none")]
    pub eip_isp: Option<String>,
    /// `EipInstanceId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eip_instance_id: Option<String>,
    /// `EphemeralStorage`, at least 0, at most 5000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage: Option<i32>,
    /// `FixedIp`, one of true, false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_ip: Option<String>,
    /// `FixedIpRetainHour`, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_ip_retain_hour: Option<i32>,
    /// `GpuDriverVersion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_driver_version: Option<String>,
    /// `HostAliase.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub host_aliase: Vec<HostAliase>,
    /// `HostName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_name: Option<String>,
    /// `ImageAccelerateMode`, one of nydus, dadi, p2p, imc.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_accelerate_mode: Option<String>,
    /// `ImageRegistryCredential.N`, items at most 11.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub image_registry_credential: Vec<ImageRegistryCredential>,
    /// `ImageSnapshotId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_snapshot_id: Option<String>,
    /// `IngressBandwidth`, at least 0, at most 9223372036854775807.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress_bandwidth: Option<i64>,
    /// `InitContainer.N`, items at most 41.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub init_container: Vec<InitContainer>,
    /// `InsecureRegistry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insecure_registry: Option<String>,
    /// `InstanceType`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// `Ipv6AddressCount`, at least 0, at most 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6_address_count: Option<i32>,
    /// `Ipv6GatewayBandwidth`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6_gateway_bandwidth: Option<String>,
    /// `Ipv6GatewayBandwidthEnable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6_gateway_bandwidth_enable: Option<bool>,
    /// `Memory`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Number>,
    /// `NtpServer.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ntp_server: Vec<String>,
    /// `OsType`, one of Linux, Windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_type: Option<String>,
    /// `OverheadReservationOption`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overhead_reservation_option: Option<OverheadReservationOption>,
    /// `PlainHttpRegistry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain_http_registry: Option<String>,
    /// `PrivateIpAddress`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_ip_address: Option<String>,
    /// `RamRoleName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ram_role_name: Option<String>,
    /// `RegionId`, required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_id: Option<String>,
    /// `ResourceGroupId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_group_id: Option<String>,
    /// `RestartPolicy`, one of Always, OnFailure, Never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<String>,
    /// `ScheduleStrategy`, one of VSwitchOrdered, VSwitchRandom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_strategy: Option<String>,
    /// `SecurityGroupId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_group_id: Option<String>,
    /// `ShareProcessNamespace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_process_namespace: Option<bool>,
    /// `SpotDuration`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot_duration: Option<i64>,
    /// `SpotPriceLimit`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot_price_limit: Option<Number>,
    /// `SpotStrategy`, one of NoSpot, SpotWithPriceLimit, SpotAsPriceGo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot_strategy: Option<String>,
    /// `StrictSpot`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict_spot: Option<bool>,
    /// `Tag.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag: Vec<Tag>,
    /// `TerminationGracePeriodSeconds`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_grace_period_seconds: Option<i64>,
    /// `VSwitchId`.
    #[serde(rename = "VSwitchId", default, skip_serializing_if = "Option::is_none")]
    pub vswitch_id: Option<String>,
    /// `Volume.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volume: Vec<Volume>,
    /// `ZoneId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone_id: Option<String>,
    /// `MaxPendingMinute`, at least 10, at most 1440.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_pending_minute: Option<i32>,
    /// `SlsEnable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sls_enable: Option<bool>,
    /// `CpuOptionsHt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_options_ht: Option<String>,
    /// `Arns`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arns: Vec<Arn>,
    /// `EciFailStrategy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eci_fail_strategy: Option<String>,
    /// `Arn`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arn: Vec<Arn>,
    /// `VkClientVersion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vk_client_version: Option<String>,
    /// `VSwitchStrategy`.
    #[serde(rename = "VSwitchStrategy", default, skip_serializing_if = "Option::is_none")]
    pub vswitch_strategy: Option<String>,
}

/// `Arn` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Arn {
    /// `Arns.N.RoleArn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// `Arns.N.RoleType`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_type: Option<String>,
    /// `Arns.N.AssumeRoleFor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assume_role_for: Option<String>,
}

/// `Volume` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Volume {
    /// `Volume.N.ConfigFileVolume`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_file_volume: Option<ConfigFileVolume>,
    /// `Volume.N.DiskVolume`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_volume: Option<DiskVolume>,
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

/// `NFSVolume` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NFSVolume {
    /// `Volume.N.NFSVolume.Path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `Volume.N.NFSVolume.ReadOnly`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// `Volume.N.NFSVolume.Server`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

/// `HostPathVolume` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HostPathVolume {
    /// `Volume.N.HostPathVolume.Path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `Volume.N.HostPathVolume.Type`, one of Directory, File.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub type_: Option<String>,
}

/// `FlexVolume` in a request.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FlexVolume {
    /// `Volume.N.FlexVolume.Driver`, one of alicloud/disk, alicloud/nas, alicloud/oss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// `Volume.N.FlexVolume.FsType`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fs_type: Option<String>,
    /// `Volume.N.FlexVolume.Options`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<String>,
}

impl fmt::Debug for FlexVolume {
    /// Debug output without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlexVolume")
            .field("driver", &self.driver)
            .field("fs_type", &self.fs_type)
            .field("options", &HIDDEN)
            .finish()
    }
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
    /// `Volume.N.EmptyDirVolume.Enable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable: Option<bool>,
}

/// `DiskVolume` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DiskVolume {
    /// `Volume.N.DiskVolume.DiskId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_id: Option<String>,
    /// `Volume.N.DiskVolume.DiskSize`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_size: Option<i32>,
    /// `Volume.N.DiskVolume.FsType`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fs_type: Option<String>,
}

/// `ConfigFileVolume` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ConfigFileVolume {
    /// `Volume.N.ConfigFileVolume.ConfigFileToPath.N`, items at most 90.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub config_file_to_path: Vec<ConfigFileToPath>,
    /// `Volume.N.ConfigFileVolume.DefaultMode`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_mode: Option<i32>,
    /// `Volume.N.ConfigFileVolume.DefaultModel`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_model: Option<i32>,
}

/// `ConfigFileToPath` in a request.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ConfigFileToPath {
    /// `Volume.N.ConfigFileVolume.ConfigFileToPath.N.Content`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// `Volume.N.ConfigFileVolume.ConfigFileToPath.N.Mode`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<i32>,
    /// `Volume.N.ConfigFileVolume.ConfigFileToPath.N.Path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl fmt::Debug for ConfigFileToPath {
    /// Debug output without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigFileToPath")
            .field("content", &HIDDEN)
            .field("mode", &self.mode)
            .field("path", &self.path)
            .finish()
    }
}

/// `Tag` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    /// `Tag.N.Key`, at most 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `Tag.N.Value`, at most 128.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// `OverheadReservationOption` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OverheadReservationOption {
    /// `OverheadReservationOption.EnableOverheadReservation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_overhead_reservation: Option<bool>,
}

/// `InitContainer` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct InitContainer {
    /// `InitContainer.N.SecurityContext`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context: Option<InitContainerSecurityContext>,
    /// `InitContainer.N.Arg.N`, at most 65535, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arg: Vec<String>,
    /// `InitContainer.N.Command.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// `InitContainer.N.Cpu`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Number>,
    /// `InitContainer.N.EnvironmentVar.N`, items at most 241.
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
    /// `InitContainer.N.TerminationMessagePath`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_message_path: Option<String>,
    /// `InitContainer.N.TerminationMessagePolicy`, one of File, FallbackToLogsOnError.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_message_policy: Option<String>,
    /// `InitContainer.N.VolumeMount.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volume_mount: Vec<VolumeMount>,
    /// `InitContainer.N.WorkingDir`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
}

/// `SecurityContext` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct InitContainerSecurityContext {
    /// `InitContainer.N.SecurityContext.Capability`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capability: Option<Capability>,
    /// `InitContainer.N.SecurityContext.ReadOnlyRootFilesystem`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only_root_filesystem: Option<bool>,
    /// `InitContainer.N.SecurityContext.RunAsUser`, at least 0, at most 4294967294.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as_user: Option<i64>,
    /// `InitContainer.N.SecurityContext.Sysctl`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sysctl: Vec<Sysctl>,
}

/// `ImageRegistryCredential` in a request.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImageRegistryCredential {
    /// `ImageRegistryCredential.N.Password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// `ImageRegistryCredential.N.Server`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// `ImageRegistryCredential.N.UserName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
}

impl fmt::Debug for ImageRegistryCredential {
    /// Debug output without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImageRegistryCredential")
            .field("password", &HIDDEN)
            .field("server", &self.server)
            .field("user_name", &self.user_name)
            .finish()
    }
}

/// `HostAliase` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HostAliase {
    /// `HostAliase.N.Hostname.N`, items at most 51.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hostname: Vec<String>,
    /// `HostAliase.N.Ip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
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
    pub security_context: Option<ContainerSecurityContext>,
    /// `Container.N.Arg.N`, at most 65535, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arg: Vec<String>,
    /// `Container.N.Command.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// `Container.N.Cpu`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Number>,
    /// `Container.N.EnvironmentVar.N`, items at most 241.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment_var: Vec<EnvironmentVar>,
    /// `Container.N.EnvironmentVarHide`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_var_hide: Option<bool>,
    /// `Container.N.Gpu`, at least 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<i32>,
    /// `Container.N.Image`, required in each item, at least 1, at most 255.
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
    /// `Container.N.LifecyclePostStartHandlerHttpGetHttpHeader.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifecycle_post_start_handler_http_get_http_header: Vec<LifecyclePostStartHandlerHttpGetHttpHeader>,
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
    /// `Container.N.Name`, required in each item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `Container.N.Port.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub port: Vec<Port>,
    /// `Container.N.SecurityContextPrivileged`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context_privileged: Option<bool>,
    /// `Container.N.SecurityContextRunAsGroup`, at least 0, at most 4294967294.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context_run_as_group: Option<i64>,
    /// `Container.N.SecurityContextRunAsNonRoot`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context_run_as_non_root: Option<bool>,
    /// `Container.N.Stdin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<bool>,
    /// `Container.N.StdinOnce`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin_once: Option<bool>,
    /// `Container.N.TerminationMessagePath`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_message_path: Option<String>,
    /// `Container.N.TerminationMessagePolicy`, one of File, FallbackToLogsOnError.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_message_policy: Option<String>,
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

/// `VolumeMount` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VolumeMount {
    /// `Container.N.VolumeMount.N.MountPath`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount_path: Option<String>,
    /// `Container.N.VolumeMount.N.MountPropagation`, one of None, HostToContainer, HostToCotainer, Bidirectional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount_propagation: Option<String>,
    /// `Container.N.VolumeMount.N.Name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `Container.N.VolumeMount.N.ReadOnly`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// `Container.N.VolumeMount.N.SubPath`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_path: Option<String>,
}

/// `Port` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Port {
    /// `Container.N.Port.N.Port`, at least 1, at most 65535.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<i32>,
    /// `Container.N.Port.N.Protocol`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
}

/// `LifecyclePreStopHandlerHttpGetHttpHeader` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LifecyclePreStopHandlerHttpGetHttpHeader {
    /// `Container.N.LifecyclePreStopHandlerHttpGetHttpHeader.N.Name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `Container.N.LifecyclePreStopHandlerHttpGetHttpHeader.N.Value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// `LifecyclePostStartHandlerHttpGetHttpHeader` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LifecyclePostStartHandlerHttpGetHttpHeader {
    /// `Container.N.LifecyclePostStartHandlerHttpGetHttpHeader.N.Name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `Container.N.LifecyclePostStartHandlerHttpGetHttpHeader.N.Value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// `EnvironmentVar` in a request.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EnvironmentVar {
    /// `Container.N.EnvironmentVar.N.FieldRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_ref: Option<FieldRef>,
    /// `Container.N.EnvironmentVar.N.Key`, at least 1, at most 128.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `Container.N.EnvironmentVar.N.Value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl fmt::Debug for EnvironmentVar {
    /// Debug output without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvironmentVar")
            .field("field_ref", &self.field_ref)
            .field("key", &self.key)
            .field("value", &HIDDEN)
            .finish()
    }
}

/// `FieldRef` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FieldRef {
    /// `Container.N.EnvironmentVar.N.FieldRef.FieldPath`, one of status.podIP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_path: Option<String>,
}

/// `SecurityContext` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerSecurityContext {
    /// `Container.N.SecurityContext.Capability`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capability: Option<Capability>,
    /// `Container.N.SecurityContext.ReadOnlyRootFilesystem`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only_root_filesystem: Option<bool>,
    /// `Container.N.SecurityContext.RunAsUser`, at least 0, at most 4294967294.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as_user: Option<i64>,
    /// `Container.N.SecurityContext.Sysctl`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sysctl: Vec<Sysctl>,
}

/// `Capability` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Capability {
    /// `Container.N.SecurityContext.Capability.Add.N`, items at most 100.
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

/// `TcpSocket` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TcpSocket {
    /// `Container.N.LivenessProbe.TcpSocket.Port`, at least 1, at most 65535.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<i32>,
}

/// `HttpGet` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HttpGet {
    /// `Container.N.LivenessProbe.HttpGet.Path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `Container.N.LivenessProbe.HttpGet.Port`, at least 1, at most 65535.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<i32>,
    /// `Container.N.LivenessProbe.HttpGet.Scheme`, one of HTTP, HTTPS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
}

/// `Exec` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Exec {
    /// `Container.N.LivenessProbe.Exec.Command.N`, items at most 21.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
}

/// `AcrRegistryInfo` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AcrRegistryInfo {
    /// `AcrRegistryInfo.N.ArnService`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn_service: Option<String>,
    /// `AcrRegistryInfo.N.ArnUser`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn_user: Option<String>,
    /// `AcrRegistryInfo.N.Domain.N`, items at most 100.
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

/// `SecurityContext` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SecurityContext {
    /// `SecurityContext.Sysctl.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sysctl: Vec<Sysctl>,
}

/// `HostSecurityContext` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HostSecurityContext {
    /// `HostSecurityContext.Sysctl.N`, items at most 101.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sysctl: Vec<Sysctl>,
}

/// `Sysctl` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Sysctl {
    /// `HostSecurityContext.Sysctl.N.Name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `HostSecurityContext.Sysctl.N.Value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// `DnsConfig` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DnsConfig {
    /// `DnsConfig.NameServer.N`, items at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub name_server: Vec<String>,
    /// `DnsConfig.Option.N`, items at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub option: Vec<DnsOption>,
    /// `DnsConfig.Search.N`, items at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub search: Vec<String>,
}

/// `DnsOption` in a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DnsOption {
    /// `DnsConfig.Option.N.Name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `DnsConfig.Option.N.Value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// `CreateContainerGroupReply` in a reply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateContainerGroupReply {
    /// `ContainerGroupId`.
    #[serde(default, deserialize_with = "null_default")]
    pub container_group_id: String,
    /// `RequestId`.
    #[serde(default, deserialize_with = "null_default")]
    pub request_id: String,
}
