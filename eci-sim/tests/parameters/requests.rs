//! Requests that succeed, and what has to stand beside a parameter so that it can be tried.

use eci_api::query::Pairs;
use eci_api::validate::{self, Parameter};

use super::cloud::Cloud;

type Rows = &'static [(&'static str, &'static str)];

/// What every cloud has: its name here, the action that makes it, the field with its id, the request.
pub const PREPARED: &[(&str, &str, &str, Rows)] = &[
    (
        "group",
        "CreateContainerGroup",
        "ContainerGroupId",
        &[
            ("ContainerGroupName", "web"),
            ("VSwitchId", "vsw-1"),
            ("SecurityGroupId", "sg-1"),
            ("ZoneId", "cn-hangzhou-b"),
            ("ResourceGroupId", "rg-1"),
            ("Container.1.Name", "main"),
            ("Container.1.Image", "nginx:1.25"),
            ("Container.1.Command.1", "sh"),
            ("Container.1.Command.2", "-c"),
            ("Container.1.Command.3", "echo one; sleep 100; echo two; sleep 100000"),
            ("Volume.1.Name", "disk"),
            ("Volume.1.Type", "FlexVolume"),
            ("Volume.1.FlexVolume.Driver", "alicloud/disk"),
            ("Volume.1.FlexVolume.Options", "{\"volumeSize\":\"20\"}"),
            ("Tag.1.Key", "team"),
            ("Tag.1.Value", "a"),
        ],
    ),
    (
        "ended",
        "CreateContainerGroup",
        "ContainerGroupId",
        &[
            ("ContainerGroupName", "ended"),
            ("VSwitchId", "vsw-1"),
            ("SecurityGroupId", "sg-2"),
            ("RestartPolicy", "Never"),
            ("Container.1.Name", "main"),
            ("Container.1.Image", "busybox"),
            ("Container.1.Command.1", "true"),
            ("ComputeCategory.1", "economy"),
            ("Tag.1.Key", "team"),
            ("Tag.1.Value", "b"),
        ],
    ),
    (
        "looped",
        "CreateContainerGroup",
        "ContainerGroupId",
        &[
            ("ContainerGroupName", "looped"),
            ("InstanceType", "ecs.gn5i-c16g1.8xlarge"),
            ("VSwitchId", "vsw-2"),
            ("Container.1.Name", "main"),
            ("Container.1.Image", "busybox"),
            ("Container.1.Command.1", "sh"),
            ("Container.1.Command.2", "-c"),
            ("Container.1.Command.3", "echo before; sleep 400"),
            ("Container.1.LifecyclePreStopHandlerExec.1", "sleep"),
            ("Container.1.LifecyclePreStopHandlerExec.2", "20"),
        ],
    ),
    (
        "imagecache",
        "CreateImageCache",
        "ImageCacheId",
        &[
            ("ImageCacheName", "web"),
            ("Image.1", "nginx:1.27"),
            ("Image.2", "redis"),
            ("ResourceGroupId", "rg-1"),
            ("Tag.1.Key", "team"),
            ("Tag.1.Value", "a"),
        ],
    ),
    (
        "otherimagecache",
        "CreateImageCache",
        "ImageCacheId",
        &[("ImageCacheName", "other"), ("Image.1", "redis")],
    ),
    (
        "datacache",
        "CreateDataCache",
        "DataCacheId",
        &[
            ("Name", "data"),
            ("Path", "/data"),
            ("DataSource.Type", "URL"),
            ("ResourceGroupId", "rg-1"),
            ("Tag.1.Key", "team"),
            ("Tag.1.Value", "a"),
        ],
    ),
    (
        "otherdatacache",
        "CreateDataCache",
        "DataCacheId",
        &[("Name", "other"), ("Bucket", "models"), ("Path", "/data"), ("DataSource.Type", "URL")],
    ),
    (
        "node",
        "CreateVirtualNode",
        "VirtualNodeId",
        &[
            ("VirtualNodeName", "node"),
            ("VSwitchId", "vsw-1"),
            ("SecurityGroupId", "sg-1"),
            ("ResourceGroupId", "rg-1"),
            ("Tag.1.Key", "team"),
            ("Tag.1.Value", "a"),
        ],
    ),
    (
        "othernode",
        "CreateVirtualNode",
        "VirtualNodeId",
        &[("VirtualNodeName", "other"), ("VSwitchId", "vsw-1"), ("SecurityGroupId", "sg-1")],
    ),
    (
        "task",
        "CommitContainer",
        "TaskId",
        &[
            ("ContainerGroupId", "$group"),
            ("ContainerName", "main"),
            ("Image.Repository", "example/web"),
            ("Image.Tag", "1"),
        ],
    ),
    (
        "othertask",
        "CommitContainer",
        "TaskId",
        &[
            ("ContainerGroupId", "$looped"),
            ("ContainerName", "main"),
            ("Image.Repository", "example/web"),
            ("Image.Tag", "2"),
        ],
    ),
    (
        "ops",
        "CreateInstanceOpsTask",
        "Result",
        &[("ContainerGroupId", "$group"), ("OpsType", "coredump"), ("OpsValue", "enable")],
    ),
];

const GROUP: Rows = &[("ContainerGroupId", "$group")];

/// A request of each action that succeeds, as small as it can be.
fn base(action: &str) -> Rows {
    match action {
        "CommitContainer" => &[
            ("ContainerGroupId", "$group"),
            ("ContainerName", "main"),
            ("Image.Repository", "example/web"),
            ("Image.Tag", "2"),
        ],
        "CopyDataCache" => &[("DataCacheId", "$datacache"), ("DestinationRegionId", "cn-beijing")],
        "CreateContainerGroup" => {
            &[("ContainerGroupName", "tried"), ("Container.1.Name", "main"), ("Container.1.Image", "busybox")]
        }
        "CreateContainerGroupFromTemplate" => &[("Template", TEMPLATE)],
        "CreateDataCache" => &[("Path", "/tried"), ("DataSource.Type", "URL")],
        "CreateImageCache" => &[("ImageCacheName", "tried"), ("Image.1", "busybox")],
        "CreateInstanceOpsTask" => {
            &[("ContainerGroupId", "$group"), ("OpsType", "coredump"), ("OpsValue", "enable")]
        }
        "CreateVirtualNode" => &[("SecurityGroupId", "sg-1"), ("VSwitchId", "vsw-1")],
        "DeleteContainerGroups" => &[("ContainerGroupIds", "[\"$group\"]")],
        "DeleteDataCache" | "UpdateDataCache" => &[("DataCacheId", "$datacache")],
        "DeleteImageCache" | "UpdateImageCache" => &[("ImageCacheId", "$imagecache")],
        "DeleteVirtualNode" | "UpdateVirtualNode" => &[("VirtualNodeId", "$node")],
        "DescribeAvailableResource" => &[("DestinationResource.Category", "InstanceType")],
        "DescribeContainerLog" => &[("ContainerGroupId", "$looped"), ("ContainerName", "main")],
        "DescribeInstanceOpsRecords" => &[("ContainerGroupId", "$group"), ("OpsType", "coredump")],
        "DescribeMultiContainerGroupMetric" => &[("ContainerGroupIds", "[\"$group\"]")],
        "DescribeContainerGroupPrice" => &[("Cpu", "2"), ("Memory", "4")],
        "ExecContainerCommand" => {
            &[("ContainerGroupId", "$group"), ("ContainerName", "main"), ("Command", "[\"echo\",\"x\"]")]
        }
        "ListTagResources" => &[("ResourceType", "ContainerGroup")],
        "ResizeContainerGroupEphemeralStorage" => &[("ContainerGroupId", "$group"), ("NewSize", "20")],
        "ResizeContainerGroupVolume" => {
            &[("ContainerGroupId", "$group"), ("VolumeName", "disk"), ("NewSize", "40")]
        }
        "TagResources" => &[
            ("ResourceType", "ContainerGroup"),
            ("ResourceId.1", "$group"),
            ("Tag.1.Key", "tried"),
            ("Tag.1.Value", "1"),
        ],
        "UntagResources" => &[("ResourceType", "ContainerGroup"), ("ResourceId.1", "$group")],
        "UpdateContainerGroup" => &[("ContainerGroupId", "$group"), ("UpdateType", "IncrementalUpdate")],
        "UpdateContainerGroupByTemplate" => &[("Template", UPDATED)],
        "DeleteContainerGroup"
        | "DescribeContainerGroupMetric"
        | "ExportContainerGroupTemplate"
        | "RestartContainerGroup" => GROUP,
        _ => &[],
    }
}

/// A template as it is exported.
const TEMPLATE: &str =
    r#"{"ContainerGroupName":"tried","Spec":{"Containers":[{"Name":"main","Image":"busybox"}]}}"#;
const UPDATED: &str =
    r#"{"ContainerGroupName":"web","Spec":{"Containers":[{"Name":"main","Image":"redis"}]}}"#;

/// A request in which a parameter can be tried.
pub struct Context {
    pub pairs: Vec<(&'static str, &'static str)>,
}

impl Context {
    pub fn of(action: &str, parameter: &str) -> Self {
        let mut pairs: Vec<_> = base(action).to_vec();
        pairs.extend(beside(action, parameter));
        if action == "UpdateContainerGroup" && parameter.ends_with(".Gpu") {
            // of another group's type there are no GPUs to ask for
            pairs.iter_mut().filter(|(_, value)| *value == "$group").for_each(|pair| pair.1 = "$looped");
        }
        Self { pairs }
    }
}

/// What has to stand beside a parameter.
fn beside(action: &str, parameter: &str) -> Vec<(&'static str, &'static str)> {
    let mut pairs = Vec::new();
    let group = matches!(action, "CreateContainerGroup" | "UpdateContainerGroup");
    if group && parameter.starts_with("InitContainer.") {
        pairs.extend([
            ("InitContainer.1.Name", "before"),
            ("InitContainer.1.Image", "busybox"),
            ("InitContainer.1.Command.1", "true"),
        ]);
    }
    if action == "UpdateContainerGroup" && parameter.starts_with("Container.") {
        pairs.extend([("Container.1.Name", "main"), ("Container.1.Image", "redis")]);
    }
    if group && parameter.contains(".VolumeMount") {
        pairs.extend([("Volume.1.Name", "scratch"), ("Volume.1.Type", "EmptyDirVolume")]);
        let init = parameter.starts_with("Init");
        pairs.extend(if init {
            [
                ("InitContainer.1.VolumeMount.1.Name", "scratch"),
                ("InitContainer.1.VolumeMount.1.MountPath", "/scratch"),
            ]
        } else {
            [
                ("Container.1.VolumeMount.1.Name", "scratch"),
                ("Container.1.VolumeMount.1.MountPath", "/scratch"),
            ]
        });
    }
    if let Some(rest) = parameter.strip_prefix("Volume.N").filter(|_| group) {
        pairs.push(("Volume.1.Name", "scratch"));
        pairs.push((
            "Volume.1.Type",
            match rest.split('.').nth(1).unwrap_or_default() {
                "ConfigFileVolume" => "ConfigFileVolume",
                "NFSVolume" => "NFSVolume",
                "FlexVolume" => "FlexVolume",
                "HostPathVolume" => "HostPathVolume",
                "DiskVolume" => "DiskVolume",
                _ => "EmptyDirVolume",
            },
        ));
        if rest.contains("ConfigFileToPath") || rest.contains("DefaultMode") {
            pairs.push(("Volume.1.ConfigFileVolume.ConfigFileToPath.1.Path", "a"));
            pairs.push(("Volume.1.ConfigFileVolume.ConfigFileToPath.1.Content", "aGVsbG8="));
        }
    }
    if let Some(rest) = parameter.strip_prefix("Container.N.LivenessProbe.")
        && !rest.contains("Exec")
        && !rest.contains("Get")
        && !rest.contains("Tcp")
    {
        pairs.extend([("Container.1.LivenessProbe.HttpGet.Port", "80"), ("Container.1.Image", "sick")]);
    }
    if let Some(rest) = parameter.strip_prefix("Container.N.ReadinessProbe.")
        && !rest.contains("Exec")
        && !rest.contains("Get")
        && !rest.contains("Tcp")
    {
        pairs.extend([("Container.1.ReadinessProbe.HttpGet.Port", "80"), ("Container.1.Image", "sick")]);
    }
    pairs.extend(more(action, parameter));
    pairs
}

/// The same, parameter by parameter.
fn more(action: &str, parameter: &str) -> Rows {
    match (action, parameter) {
        (
            "CreateContainerGroup",
            "Volume.N.ConfigFileVolume.DefaultMode" | "Volume.N.ConfigFileVolume.ConfigFileToPath.N.Mode",
        ) => &[
            ("Container.1.VolumeMount.1.Name", "scratch"),
            ("Container.1.VolumeMount.1.MountPath", "/scratch"),
            ("Container.1.Command.1", "ls"),
            ("Container.1.Command.2", "-l"),
            ("Container.1.Command.3", "/scratch"),
        ],
        (_, "Container.N.LivenessProbe.HttpGet.Path" | "Container.N.LivenessProbe.HttpGet.Scheme") => {
            &[("Container.1.LivenessProbe.HttpGet.Port", "80")]
        }
        (_, "Container.N.ReadinessProbe.HttpGet.Path" | "Container.N.ReadinessProbe.HttpGet.Scheme") => {
            &[("Container.1.ReadinessProbe.HttpGet.Port", "80")]
        }
        (
            _,
            "Container.N.EnvironmentVar.N.Value"
            | "Container.N.EnvironmentVar.N.FieldRef.FieldPath"
            | "Container.N.EnvironmentVarHide",
        ) => &[("Container.1.EnvironmentVar.1.Key", "ECI_CONTAINER_TYPE")],
        (
            _,
            "InitContainer.N.EnvironmentVar.N.Value" | "InitContainer.N.EnvironmentVar.N.FieldRef.FieldPath",
        ) => &[("InitContainer.1.EnvironmentVar.1.Key", "K")],
        (_, "Container.N.Port.N.Protocol") => &[("Container.1.Port.1.Port", "80")],
        (_, "InitContainer.N.Port.N.Protocol") => &[("InitContainer.1.Port.1.Port", "80")],
        (_, "Container.N.TerminationMessagePolicy") => {
            &[("Container.1.Image", "fails"), ("RestartPolicy", "Never")]
        }
        (_, "InitContainer.N.TerminationMessagePolicy") => {
            &[("InitContainer.1.Image", "fails"), ("RestartPolicy", "Never")]
        }
        (_, "Container.N.ImagePullPolicy") => &[],
        ("CreateContainerGroup", "RestartPolicy") => &[("Container.1.Image", "fails")],
        ("CreateContainerGroup", "MaxPendingMinute") => &[("Container.1.Image", "broken")],
        ("CreateContainerGroup", "TerminationGracePeriodSeconds") => &[
            ("Container.1.LifecyclePreStopHandlerExec.1", "sleep"),
            ("Container.1.LifecyclePreStopHandlerExec.2", "30"),
        ],
        (_, "SecurityContext.Sysctl.N.Value") => {
            &[("SecurityContext.Sysctl.1.Name", "net.ipv4.ip_unprivileged_port_start")]
        }
        (_, "DnsConfig.Option.N.Value") => &[("DnsConfig.Option.1.Name", "ndots")],
        ("CreateContainerGroup", "SpotDuration") => {
            &[("SpotStrategy", "SpotWithPriceLimit"), ("SpotPriceLimit", "0.2")]
        }
        ("CreateContainerGroup", "SpotPriceLimit") => &[("SpotStrategy", "SpotWithPriceLimit")],
        ("CreateContainerGroup", "SpotStrategy") => &[("SpotPriceLimit", "0.2")],
        ("CreateContainerGroup", "StrictSpot") => &[("SpotStrategy", "SpotAsPriceGo")],
        ("CreateContainerGroup", "FixedIpRetainHour") => &[("FixedIp", "true"), ("VSwitchId", "vsw-1")],
        ("CreateContainerGroup", "FixedIp") => &[("VSwitchId", "vsw-1")],
        ("CreateContainerGroup", "EipBandwidth" | "EipISP" | "EipCommonBandwidthPackage") => {
            &[("AutoCreateEip", "true")]
        }
        ("CreateContainerGroup", "DataCacheBurstingEnabled" | "DataCachePL" | "DataCacheProvisionedIops") => {
            &[("DataCacheBucket", "default")]
        }
        ("CreateContainerGroup", "CpuArchitecture") => &[("InstanceType", "ecs.c6.large")],
        ("CreateContainerGroup", "Container.N.Gpu" | "InitContainer.N.Gpu") => {
            &[("InstanceType", "ecs.gn5i-c16g1.8xlarge")]
        }
        ("CreateContainerGroup", "AutoMatchImageCache") => &[("Container.1.Image", "redis")],
        ("CreateContainerGroup", "ImageSnapshotId") => &[("Container.1.Image", "nginx:1.27")],
        ("CreateContainerGroup", "ScheduleStrategy" | "VSwitchStrategy") => {
            &[("VSwitchId", "vsw-5,vsw-6,vsw-7,vsw-8")]
        }
        ("CreateContainerGroup", "Ipv6GatewayBandwidth" | "Ipv6GatewayBandwidthEnable") => {
            &[("Ipv6AddressCount", "1")]
        }
        ("UpdateContainerGroup", "UpdateType") => {
            &[("Container.1.Name", "second"), ("Container.1.Image", "busybox")]
        }
        ("UpdateContainerGroup", p) if !p.starts_with("Tag") => {
            &[("Tag.1.Key", "tried"), ("Tag.1.Value", "1")]
        }
        ("UpdateContainerGroup", "Tag.N.Value") => &[("Cpu", "4"), ("Tag.1.Key", "team")],
        ("UpdateContainerGroup", _) => &[("Cpu", "4")],
        ("UpdateImageCache", "ImageCacheName") => &[("EliminationStrategy", "LRU")],
        ("UpdateImageCache", "Tag.N.Value") => &[("ImageCacheName", "renamed"), ("Tag.1.Key", "team")],
        ("UpdateImageCache", _) => &[("ImageCacheName", "renamed")],
        ("DeleteContainerGroup", "Force") => &[("ContainerGroupId", "$looped")],
        ("CreateContainerGroup", "DataCacheBucket") => &[
            ("Volume.1.Name", "cached"),
            ("Volume.1.Type", "HostPathVolume"),
            ("Volume.1.HostPathVolume.Path", "/data/models"),
        ],
        ("DescribeContainerLog", "LastTime") => &[("Timestamps", "true")],
        ("DescribeImageCaches", "ImageFullMatch" | "ImageMatchCountRequest") => {
            &[("MatchImage.1", "nginx:1.27"), ("MatchImage.2", "redis")]
        }
        ("DescribeContainerGroupPrice", "RegionId") => &[("Cpu", "7"), ("Memory", "13")],
        ("DeleteDataCache", "Bucket") => &[("DataCacheId", ""), ("Path", "/data")],
        ("DeleteDataCache", "Path") => &[("DataCacheId", "")],
        ("UpdateDataCache", "Bucket") => &[("DataCacheId", ""), ("Path", "/data"), ("Size", "40")],
        ("UpdateDataCache", "Path") => &[("DataCacheId", ""), ("Size", "40")],
        ("CreateDataCache" | "UpdateDataCache", p) if p.starts_with("DataSource.Options") => {
            &[("DataSource.Type", "URL")]
        }
        ("DescribeContainerGroupMetric", "Period") => {
            &[("StartTime", "2026-01-01T09:10:00Z"), ("EndTime", "2026-01-01T09:12:00Z")]
        }
        ("DescribeContainerGroupPrice", "SpotPriceLimit" | "SpotDuration") => {
            &[("SpotStrategy", "SpotWithPriceLimit"), ("SpotPriceLimit", "1")]
        }
        ("DescribeContainerGroupPrice", "ZoneId") => &[("SpotStrategy", "SpotAsPriceGo")],
        ("DescribeAvailableResource", "SpotResource.SpotPriceLimit") => {
            &[("SpotResource.SpotStrategy", "SpotWithPriceLimit")]
        }
        ("DescribeAvailableResource", "SpotResource.SpotStrategy") => {
            &[("SpotResource.SpotPriceLimit", "0.05")]
        }
        ("ExecContainerCommand", "TTY") => &[("Sync", "true")],
        ("ExecContainerCommand", "Command") => &[("Sync", "true")],
        (_, "Tag.N.Value") => &[("Tag.1.Key", "team")],
        _ => &[],
    }
}

/// Values that are taken. A value that makes no difference where nothing is said is not the first.
pub fn values(action: &str, parameter: &Parameter) -> Vec<String> {
    let name = parameter.name.as_str();
    let own = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    match known(action, name) {
        Some(values) => own(values),
        None if !parameter.values.is_empty() => parameter.values.clone(),
        None => match parameter.kind.as_str() {
            "boolean" => own(&["true", "false", "True"]),
            "int32" | "int64" | "integer" => {
                let least = parameter.min.map_or_else(|| "1".to_owned(), |min| min.to_string());
                let most = parameter.max.filter(|max| max.0 < rust_decimal::Decimal::from(i32::MAX));
                let mut values = vec![most.map_or_else(|| "7".to_owned(), |max| max.to_string()), least];
                values.dedup();
                values
            }
            "float" | "double" => own(&["2", "0.500000"]),
            _ => own(&["tried"]),
        },
    }
}

fn known(action: &str, parameter: &str) -> Option<&'static [&'static str]> {
    Some(match (action, parameter) {
        ("CreateContainerGroup" | "UpdateContainerGroup", "Container.N.Gpu" | "InitContainer.N.Gpu") => {
            &["2", "1"]
        }
        (
            "DescribeContainerGroupStatus" | "DescribeContainerGroupEvents" | "DescribeContainerGroups",
            "ContainerGroupIds",
        ) => &["[\"$ended\"]", "$group"],
        (_, "ContainerGroupIds") => &["[\"$ended\"]", "[\"$group\",\"$looped\"]"],
        ("DescribeContainerLog" | "DescribeCommitContainerTask" | "CommitContainer", "ContainerGroupId") => {
            &["$looped"]
        }
        (_, "ContainerGroupId") => &["$group"],
        ("DescribeContainerLog" | "ExecContainerCommand" | "CommitContainer", "ContainerName") => &["main"],
        (_, "ImageCacheId" | "ImageSnapshotId") => &["$imagecache"],
        ("DescribeDataCaches", "DataCacheId.N") => &["$datacache"],
        (_, "DataCacheId") => &["$datacache"],
        (_, "VirtualNodeId") => &["$node"],
        (_, "VirtualNodeIds") => &["[\"$node\"]", "$node"],
        (_, "TaskId.N") => &["$task"],
        (_, "ResourceId.N") => &["$group"],
        ("DescribeRegions", "RegionId") => &["cn-hangzhou", "cn-beijing"],
        (_, "RegionId") => &["cn-hangzhou"],
        (_, "DestinationRegionId") => &["cn-beijing", "cn-hangzhou"],
        (_, "NextToken") => &["5ec15a11b01e70c5"],
        (_, "ZoneId") => &["cn-hangzhou-i", "cn-hangzhou-b"],
        ("DescribeContainerGroups", "ContainerGroupName") => &["web"],
        (
            "DescribeContainerGroups" | "DescribeContainerGroupStatus" | "DescribeContainerGroupEvents",
            "VSwitchId",
        ) => &["vsw-1"],
        ("DescribeContainerGroups", "SecurityGroupId") => &["sg-1"],
        ("DescribeAvailableResource", "DestinationResource.Value") => &["ecs.c6.large"],
        ("DescribeContainerGroupPrice" | "CreateContainerGroup", "InstanceType") => {
            &["ecs.c5.large", "ecs.c5.xlarge,ecs.c6.large"]
        }
        ("CreateContainerGroup", "CpuArchitecture") => &["AMD64", "ARM64"],
        ("CreateContainerGroup", "PrivateIpAddress") => &["10.2.1.1"],
        ("CreateContainerGroup", "SpotPriceLimit") => &["0.2", "0.001", "10"],
        ("CreateContainerGroup", "SpotStrategy") => &["SpotAsPriceGo", "SpotWithPriceLimit", "NoSpot"],
        ("CreateContainerGroup", "SpotDuration") => &["0", "1"],
        ("CreateContainerGroup", "DryRun") => &["true", "false"],
        ("CreateContainerGroup", "DataCacheBucket") => &["default"],
        ("CreateContainerGroup", "FixedIpRetainHour") => &["1", "48"],
        ("CreateContainerGroup", "ActiveDeadlineSeconds") => &["60"],
        ("CreateContainerGroup", "TerminationGracePeriodSeconds") => &["5", "60"],
        ("CreateContainerGroup", "MaxPendingMinute") => &["10", "1440"],
        ("CreateContainerGroup", "EipInstanceId") => &["eip-1"],
        ("CreateContainerGroup", "VSwitchStrategy") => &["VSwitchRandom", "VSwitchOrdered"],
        ("CreateContainerGroup", "ScheduleStrategy") => &["VSwitchRandom", "VSwitchOrdered"],
        ("CreateContainerGroup" | "UpdateContainerGroup", "Cpu") => &["4", "8.000"],
        ("CreateContainerGroup" | "UpdateContainerGroup", "Memory") => &["16", "8.000"],
        (_, "Container.N.Cpu" | "InitContainer.N.Cpu") => &["4", "0.500"],
        (_, "Container.N.Memory" | "InitContainer.N.Memory") => &["8", "0.500"],
        (_, "Container.N.Name" | "InitContainer.N.Name") if action == "CreateContainerGroup" => &["tried"],
        ("UpdateContainerGroup", "Container.N.Name") => &["main"],
        ("UpdateContainerGroup", "InitContainer.N.Name") => &["tried"],
        ("CreateContainerGroup", "ContainerGroupName") => &["other-name"],
        (_, "Container.N.Image" | "InitContainer.N.Image") => &["nginx", "registry.example/team/app:1.0"],
        (_, "Container.N.Command.N" | "InitContainer.N.Command.N") => &["false", "true"],
        (_, "Container.N.VolumeMount.N.Name" | "InitContainer.N.VolumeMount.N.Name") => &["scratch"],
        (_, "Container.N.EnvironmentVar.N.Value") => &["sidecar", "x"],
        (_, "Container.N.LifecyclePostStartHandlerExec.N") => &["false", "true"],
        (_, "Container.N.LivenessProbe.SuccessThreshold" | "Container.N.ReadinessProbe.SuccessThreshold") => {
            &["1"]
        }
        (_, "Container.N.LivenessProbe.PeriodSeconds" | "Container.N.ReadinessProbe.PeriodSeconds") => {
            &["60", "1"]
        }
        (
            _,
            "Container.N.LivenessProbe.InitialDelaySeconds"
            | "Container.N.ReadinessProbe.InitialDelaySeconds",
        ) => &["60", "0"],
        (_, "Container.N.LivenessProbe.FailureThreshold" | "Container.N.ReadinessProbe.FailureThreshold") => {
            &["12", "1"]
        }
        (_, "Volume.N.Name") => &["tried"],
        (_, "Volume.N.ConfigFileVolume.ConfigFileToPath.N.Content") => &["dHJpZWQ="],
        (_, "Volume.N.FlexVolume.Options") => &["{\"volumeSize\":\"30\"}"],
        (_, "HostAliase.N.Ip") => &["1.2.3.4"],
        (_, "Tag.N.Key") => &["team"],
        (_, "Tag.N.Value") => &["a"],
        ("CreateImageCache" | "UpdateImageCache", "Image.N") => &["busybox:1.36"],
        (
            "CreateImageCache" | "UpdateImageCache" | "CreateDataCache" | "UpdateDataCache" | "CopyDataCache",
            "RetentionDays",
        ) => &["1", "0"],
        ("CreateDataCache" | "UpdateDataCache", "Size") => &["40", "1"],
        ("CreateImageCache" | "UpdateImageCache", "ImageCacheSize") => &["40", "1"],
        ("CreateDataCache", "Path") => &["/other"],
        ("CopyDataCache", "Path") => &["/copy"],
        (_, "Path") => &["/data"],
        ("DescribeDataCaches" | "DeleteDataCache" | "UpdateDataCache", "Bucket") => &["models"],
        ("DescribeImageCaches", "Image" | "MatchImage.N") => &["nginx:1.27"],
        ("DescribeImageCaches", "ImageCacheName") => &["web"],
        ("DescribeImageCaches", "ImageMatchCountRequest") => &["2", "0"],
        ("DescribeVirtualNodes", "VirtualNodeName") => &["node"],
        (_, "VirtualNodeName") => &["tried"],
        (_, "ResourceGroupId") if action.starts_with("Describe") => &["rg-1"],
        ("CreateInstanceOpsTask", "OpsType") => &["coredump"],
        ("CreateInstanceOpsTask", "OpsValue") => &["enable", "disable"],
        ("DescribeContainerGroupMetric", "StartTime") => &["2026-01-01T09:05:00Z"],
        ("DescribeContainerGroupMetric", "EndTime") => &["2026-01-01T09:10:00Z"],
        ("DescribeContainerLog", "StartTime") => &["2026-01-01T09:21:00Z"],
        ("DescribeContainerLog", "Tail") => &["1", "0"],
        ("DescribeContainerLog", "SinceSeconds") => &["10", "0"],
        ("DescribeContainerLog", "LimitBytes") => &["1", "1048576"],
        ("ExecContainerCommand", "Command") => &["[\"echo\",\"x\"]", "[\"echo\",\"y\"]"],
        ("ExecContainerCommand", "Sync") => &["true", "false"],
        ("ExecContainerCommand", "TTY") => &["true", "false"],
        ("ListTagResources", "Limit") => &["1"],
        ("ResizeContainerGroupEphemeralStorage", "NewSize") => &["20", "5000"],
        ("ResizeContainerGroupVolume", "NewSize") => &["40", "32768"],
        ("ResizeContainerGroupVolume", "VolumeName") => &["disk"],
        ("ListTagResources", "ResourceType") => &["ImageCache", "DataCache", "VirtualNode", "ContainerGroup"],
        ("TagResources" | "UntagResources", "ResourceType") => &["ContainerGroup"],
        ("UntagResources", "TagKey.N") => &["team"],
        ("CreateContainerGroupFromTemplate", "Template") => &[TEMPLATE],
        ("UpdateContainerGroupByTemplate", "Template") => &[UPDATED],
        _ => return None,
    })
}

/// The code of what is refused though its form is right.
pub fn refused(action: &str, parameter: &str, value: &str) -> Option<&'static str> {
    Some(match (action, parameter, value) {
        ("CreateContainerGroup", "DryRun", "true") => "DryRunOperation",
        ("CreateContainerGroup", "CpuArchitecture", "ARM64") => "InstanceTypeNotMatchCpuArch",
        ("CreateContainerGroup", "SpotPriceLimit", "0.001") => "Spot.NotMatched",
        ("ExecContainerCommand", "TTY", "true") => "InvalidParameter",
        _ => return None,
    })
}

/// Whether a request without the parameter is refused: as published, or since nothing can be meant without it.
pub fn must_be(action: &str, parameter: &Parameter) -> bool {
    let ours = matches!(
        (action, parameter.name.as_str()),
        ("CreateDataCache", "Path" | "DataSource" | "DataSource.Type")
            | ("DeleteDataCache" | "UpdateDataCache", "DataCacheId" | "Path")
            | ("CreateContainerGroupFromTemplate" | "UpdateContainerGroupByTemplate", "Template")
            | ("ExportContainerGroupTemplate" | "ResizeContainerGroupEphemeralStorage", "ContainerGroupId")
            | ("ResizeContainerGroupEphemeralStorage", "NewSize")
            | ("DeleteContainerGroups", "ContainerGroupIds")
            | ("CreateContainerGroup", "InitContainer.N.Name" | "InitContainer.N.Image" | "SpotPriceLimit")
            | ("CreateContainerGroup" | "UpdateContainerGroup", "Volume.N.Name" | "Volume.N.Type")
            | (
                "CreateContainerGroup" | "UpdateContainerGroup",
                "Container.N.VolumeMount.N.Name" | "InitContainer.N.VolumeMount.N.Name"
            )
            | ("CommitContainer", "Image")
            | ("TagResources", "Tag.N.Key")
            | ("UpdateContainerGroup", "InitContainer.N.Name" | "InitContainer.N.Image")
    );
    ours || parameter.required && parameter.name != "RegionId"
}

/// `Container.N.Port.N.Port` → `Container.1.Port.1.Port`; the key of a map is `key`.
pub fn numbered(name: &str) -> String {
    let one = |part| match part {
        "N" => "1",
        "<key>" => "url",
        "#{len(k)}#{k}" => "#3#url",
        other => other,
    };
    name.split('.').map(one).collect::<Vec<_>>().join(".")
}

/// The parameters without one of them and what is below it; of several values under one name the last counts.
pub fn without(pairs: &Pairs, name: &str) -> Pairs {
    let below = format!("{name}.");
    let mut kept: Pairs = Vec::new();
    for (own, value) in pairs {
        if own != name && !own.starts_with(&below) {
            kept.retain(|(known, _)| known != own);
            kept.push((own.clone(), value.clone()));
        }
    }
    kept.retain(|(_, value)| !value.is_empty());
    kept
}

/// Whether a parameter that is published as a text is a list of structures.
pub fn is_list_of_structures(action: &str, parameter: &Parameter) -> bool {
    let below = format!("{}.", parameter.name);
    validate::parameters(action).iter().any(|other| other.name.starts_with(&below))
}

/// A structure as one JSON text.
pub fn as_json(action: &str, parameter: &Parameter) -> Option<&'static str> {
    Some(match (action, parameter.name.as_str()) {
        ("DescribeAvailableResource", "DestinationResource") => r#"{"Category":"InstanceType","Cores":4}"#,
        ("DescribeAvailableResource", "SpotResource") => {
            r#"{"SpotStrategy":"SpotWithPriceLimit","SpotPriceLimit":0.05}"#
        }
        ("CreateDataCache" | "UpdateDataCache", "DataSource") => r#"{"Type":"OSS","Options":{"bucket":"b"}}"#,
        ("CreateDataCache" | "UpdateDataCache", "EipCreateParam") => r#"{"Bandwidth":5}"#,
        ("CommitContainer", "Image") => r#"{"Repository":"example/other","Tag":"3"}"#,
        ("CommitContainer", "Arn") => r#"{"RoleArn":"acs:ram::1:role/a"}"#,
        ("CommitContainer", "AcrRegistryInfo") => r#"{"InstanceId":"cri-1"}"#,
        _ => return None,
    })
}

/// A list with so many items.
pub fn so_many(cloud: &Cloud, action: &str, parameter: &Parameter, without: &Pairs, count: usize) -> Pairs {
    let stem = parameter.name.strip_suffix(".N").unwrap_or(&parameter.name);
    let stem = numbered(stem);
    let member = match parameter.name.rsplit('.').nth(1).unwrap_or_default() {
        _ if !is_list_of_structures(action, parameter) && parameter.kind == "string" => "",
        "Sysctl" | "Option" | "EnvironmentVar" | "VolumeMount" | "Container" | "InitContainer" | "Volume" => {
            ".Name"
        }
        "Tag" | "Taint" => ".Key",
        "HostAliase" => ".Ip",
        "ConfigFileToPath" => ".Path",
        "Port" => ".Port",
        "AcrRegistryInfo" => ".InstanceId",
        "ImageRegistryCredential" => ".Server",
        _ => ".Name",
    };
    let mut pairs = without.clone();
    for index in 1..=count {
        let value = if member == ".Port" { (1000 + index).to_string() } else { format!("x{index}") };
        pairs.push((format!("{stem}.{index}{member}"), cloud.fill(&value)));
        if matches!(parameter.name.as_str(), "Container.N") && action == "CreateContainerGroup" {
            pairs.push((format!("{stem}.{index}.Image"), "busybox".to_owned()));
        }
    }
    pairs
}

/// Whether a value of another type is as good as none, since old clients send such (eci-openapi.md, section 8).
pub fn is_forgiven(action: &str, parameter: &str) -> bool {
    (action, parameter) == ("DescribeContainerLog", "Tail")
}

/// A value that makes a difference, where those that are tried otherwise make none.
pub fn telling(action: &str, parameter: &str) -> Option<&'static str> {
    Some(match (action, parameter) {
        ("DescribeContainerGroupPrice", "RegionId") => "eu-central-1",
        (_, "RegionId") => "cn-beijing",
        ("DescribeContainerGroupPrice", "SpotPriceLimit") => "0.001",
        ("DescribeAvailableResource", "SpotResource.SpotPriceLimit") => "0.01",
        ("DescribeDataCaches", "Path") => "/none",
        ("DescribeMultiContainerGroupMetric", "ResourceGroupId") => "none",
        (_, "Tag.N.Key" | "Tag.N.Value") if action.starts_with("Describe") || action.starts_with("List") => {
            "none"
        }
        _ => return None,
    })
}

/// What a value comes back as, where that is something else.
pub fn comes_back_as(action: &str, parameter: &str) -> Option<&'static str> {
    Some(match (action, parameter) {
        (_, "Volume.N.ConfigFileVolume.ConfigFileToPath.N.Content") => "tried",
        (_, "DataSource.Options.<key>" | "DataSource.Options.#{len(k)}#{k}") => "{\"url\":\"tried\"}",
        ("CreateContainerGroup", "InstanceType") => "ecs.c5.large",
        _ => return None,
    })
}
