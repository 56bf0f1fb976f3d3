//! The table of annotations: each that is documented or written by a virtual node, with what becomes of it.

use eci_api::actions::create_container_group::CreateContainerGroup as Request;

use super::values::{
    bytes, custom_dns, custom_hosts, custom_tags, disk_volume, extra_storage, flag, host_sysctls, list,
    list_of, one_of, parsed, parsed_text, price, registries, roles, text,
};
use crate::pods::fields::Handling;

/// The way of a value into the request; the error is a noun phrase for the values that can be used.
pub(super) type Put = fn(&mut Request, &str) -> Result<(), &'static str>;

/// What becomes of an annotation.
pub(super) enum Becomes {
    /// It is a parameter of the request.
    Sent(Put),
    /// It is among those that choose the instance's spec, see `specs`.
    Spec,
    /// It acts at this node, which takes these words; all of them where there are none.
    Elsewhere(&'static [&'static str]),
    /// It changes nothing.
    NoEffect,
    /// It is left out of the request, with a warning, unless it says `false`.
    LeftOut,
    /// There is no request with it, unless it says `false`.
    Refused,
}

impl Becomes {
    pub(super) fn handling(&self) -> Handling {
        match self {
            Self::Sent(_) | Self::Spec => Handling::Sent,
            Self::Elsewhere(_) => Handling::Elsewhere,
            Self::NoEffect => Handling::NoEffect,
            Self::LeftOut => Handling::LeftOut,
            Self::Refused => Handling::Refused,
        }
    }
}

/// A row: the key, with the usual prefix where it has none; what becomes of it; parameter or reason.
pub(super) type Annotation = (&'static str, Becomes, &'static str);

const NO_EIP_TERMS: &str =
    "ECI makes EIPs on its own terms; make one yourself, and name it by eci-eip-instanceid";
const NO_POOL: &str = "ECI's published request names no private pool";
const CACHE_ORDER: &str = "ECI chooses image caches by an order of its own";
const WRITTEN: &str = "written by virtual nodes, for people";
const FLAGS: &[&str] = &["true", "false"];

use Becomes::{Elsewhere, LeftOut, NoEffect, Refused, Sent, Spec};

/// Annotations of sizes, stock and scheduling (virtual-node.md 4.1). Of all tables the rows are applied in this order, so that
/// the later of two spellings wins.
pub(super) const SIZES: &[Annotation] = &[
    ("eci-instance-type", Spec, "`InstanceType`; an older spelling of eci-use-specs"),
    (
        "eci-use-specs",
        Spec,
        "`Cpu`, `Memory`, `InstanceType`: one after the other, until one can be had; neighbouring types at once",
    ),
    ("eci-instance-family", Spec, "`InstanceType`: types of these families that hold the pod's size"),
    ("eci-instance-generation", Spec, "`InstanceType`: types of these generations that hold the pod's size"),
    ("eci-gpu-type", Spec, "`InstanceType`: types with this card, P4, T4 or A10"),
    (
        "eci-compute-category",
        Sent(|r, v| {
            list_of(&mut r.compute_category, v, &["economy", "general"], "a list of economy and general")
        }),
        "`ComputeCategory`",
    ),
    (
        "eci-cpu-option-core",
        Sent(|r, v| parsed(&mut r.cpu_options_core, v, "a number of cores")),
        "`CpuOptionsCore`",
    ),
    (
        "eci-cpu-option-ht",
        Sent(|r, v| parsed(&mut r.cpu_options_threads_per_core, v, "a number of threads a core")),
        "`CpuOptionsThreadsPerCore`",
    ),
    ("eci-gpu-driver-version", Sent(|r, v| text(&mut r.gpu_driver_version, v)), "`GpuDriverVersion`"),
    (
        "eci-spot-strategy",
        Sent(|r, v| {
            one_of(
                &mut r.spot_strategy,
                v,
                &["NoSpot", "SpotAsPriceGo", "SpotWithPriceLimit"],
                "SpotAsPriceGo or SpotWithPriceLimit",
            )
        }),
        "`SpotStrategy`",
    ),
    ("eci-spot-price-limit", Sent(price), "`SpotPriceLimit`"),
    (
        "eci-spot-duration",
        Sent(|r, v| parsed(&mut r.spot_duration, v, "a number of hours")),
        "`SpotDuration`",
    ),
    (
        "eci-spot-fallback",
        Elsewhere(FLAGS),
        "where no spec of the list is to be had as a spot instance, the list is tried again at full price",
    ),
    ("eci-privatepool-matchcriteria", Refused, NO_POOL),
    ("eci-privatepool-id", Refused, NO_POOL),
    ("eci-vswitch", Sent(|r, v| text(&mut r.vswitch_id, v)), "`VSwitchId`"),
    (
        "eci-schedule-strategy",
        Sent(|r, v| {
            one_of(
                &mut r.schedule_strategy,
                v,
                &["VSwitchOrdered", "VSwitchRandom"],
                "VSwitchOrdered or VSwitchRandom",
            )
        }),
        "`ScheduleStrategy`",
    ),
    (
        "eci-fail-strategy",
        Elsewhere(&["fail-back", "fail-over", "fail-fast"]),
        "whether a pod whose creation cannot be satisfied waits or has failed",
    ),
    ("eci-reschedule-enable", Elsewhere(FLAGS), "an older form of fail-back, which is done anyway"),
    ("pod-fail-on-create-err", Elsewhere(FLAGS), "an older form of fail-fast"),
    (
        "eci-max-pending-minute",
        Sent(|r, v| {
            let minutes = v.parse().ok().filter(|minutes| (10..=1440).contains(minutes));
            r.max_pending_minute = Some(minutes.ok_or("a number of minutes from 10 to 1440")?);
            Ok(())
        }),
        "`MaxPendingMinute`",
    ),
    ("eci-custom-tags", Sent(custom_tags), "`Tag`"),
    ("eci-resource-group-id", Sent(|r, v| text(&mut r.resource_group_id, v)), "`ResourceGroupId`"),
    ("eci-ram-role-name", Sent(|r, v| text(&mut r.ram_role_name, v)), "`RamRoleName`"),
];

/// Annotations of images and data caches (virtual-node.md 4.2).
pub(super) const IMAGES: &[Annotation] = &[
    ("eci-image-cache", Sent(|r, v| flag(&mut r.auto_match_image_cache, v)), "`AutoMatchImageCache`"),
    ("eci-auto-imc", Sent(|r, v| flag(&mut r.auto_match_image_cache, v)), "`AutoMatchImageCache`"),
    ("eci-image-snapshot-id", Sent(|r, v| text(&mut r.image_snapshot_id, v)), "`ImageSnapshotId`"),
    ("eci-imc-id", Sent(|r, v| text(&mut r.image_snapshot_id, v)), "`ImageSnapshotId`"),
    ("imc-perfect-match", LeftOut, CACHE_ORDER),
    ("imc-match-count-request", LeftOut, CACHE_ORDER),
    ("acr-instance-id", Sent(registries), "`AcrRegistryInfo`"),
    ("acr-instance-ids", Sent(registries), "`AcrRegistryInfo`"),
    (
        "acr-service-arns",
        Sent(|r, v| roles(r, v, |one| &mut one.arn_service)),
        "`AcrRegistryInfo.ArnService`",
    ),
    ("acr-user-arns", Sent(|r, v| roles(r, v, |one| &mut one.arn_user)), "`AcrRegistryInfo.ArnUser`"),
    ("plain-http-registry", Sent(|r, v| text(&mut r.plain_http_registry, v)), "`PlainHttpRegistry`"),
    ("insecure-registry", Sent(|r, v| text(&mut r.insecure_registry, v)), "`InsecureRegistry`"),
    ("eci-data-cache-bucket", Sent(|r, v| text(&mut r.data_cache_bucket, v)), "`DataCacheBucket`"),
    ("eci-data-cache-pl", Sent(|r, v| text(&mut r.data_cache_pl, v)), "`DataCachePL`"),
    (
        "eci-data-cache-provisionedIops",
        Sent(|r, v| parsed(&mut r.data_cache_provisioned_iops, v, "a number")),
        "`DataCacheProvisionedIops`",
    ),
    (
        "eci-data-cache-burstingEnabled",
        Sent(|r, v| flag(&mut r.data_cache_bursting_enabled, v)),
        "`DataCacheBurstingEnabled`",
    ),
];

/// Annotations of the network (virtual-node.md 4.3).
pub(super) const NETWORK: &[Annotation] = &[
    ("eci-security-group", Sent(|r, v| text(&mut r.security_group_id, v)), "`SecurityGroupId`"),
    ("eci-eip-instanceid", Sent(|r, v| text(&mut r.eip_instance_id, v)), "`EipInstanceId`"),
    ("eci-with-eip", Sent(|r, v| flag(&mut r.auto_create_eip, v)), "`AutoCreateEip`"),
    ("eip-bandwidth", Sent(|r, v| parsed(&mut r.eip_bandwidth, v, "a number of Mbps")), "`EipBandwidth`"),
    (
        "eip-common-bandwidth-package-id",
        Sent(|r, v| text(&mut r.eip_common_bandwidth_package, v)),
        "`EipCommonBandwidthPackage`",
    ),
    (
        "eip-common-bandwith-package-id",
        Sent(|r, v| text(&mut r.eip_common_bandwidth_package, v)),
        "`EipCommonBandwidthPackage`; the spelling of older pages",
    ),
    ("eip-isp", Sent(|r, v| one_of(&mut r.eip_isp, v, &["BGP", "BGP_PRO"], "BGP or BGP_PRO")), "`EipISP`"),
    ("eip-internet-charge-type", Refused, NO_EIP_TERMS),
    ("eip-public-ip-address-pool-id", Refused, NO_EIP_TERMS),
    (
        "eci-ipv6-count",
        Sent(|r, v| parsed(&mut r.ipv6_address_count, v, "a number of addresses")),
        "`Ipv6AddressCount`",
    ),
    (
        "eci-enable-ipv6",
        Sent(|r, v| {
            let mut enabled = None;
            flag(&mut enabled, v)?;
            r.ipv6_address_count = enabled.filter(|enabled| *enabled).map(|_| 1);
            Ok(())
        }),
        "`Ipv6AddressCount`",
    ),
    (
        "eci-ipv6-bandwidth-enable",
        Sent(|r, v| flag(&mut r.ipv6_gateway_bandwidth_enable, v)),
        "`Ipv6GatewayBandwidthEnable`",
    ),
    ("eci-ipv6-bandwidth", Sent(|r, v| text(&mut r.ipv6_gateway_bandwidth, v)), "`Ipv6GatewayBandwidth`"),
    (
        "eci-private-ip-address",
        Sent(|r, v| parsed_text::<std::net::Ipv4Addr>(&mut r.private_ip_address, v, "an IPv4 address")),
        "`PrivateIpAddress`",
    ),
    ("eci-fixed-ip", Sent(|r, v| one_of(&mut r.fixed_ip, v, FLAGS, "\"true\" or \"false\"")), "`FixedIp`"),
    (
        "eci-fixed-ip-retain-hour",
        Sent(|r, v| parsed(&mut r.fixed_ip_retain_hour, v, "a number of hours")),
        "`FixedIpRetainHour`",
    ),
    (
        "kubernetes.io/ingress-bandwidth",
        Sent(|r, v| bytes(&mut r.ingress_bandwidth, v)),
        "`IngressBandwidth`",
    ),
    ("kubernetes.io/egress-bandwidth", Sent(|r, v| bytes(&mut r.egress_bandwidth, v)), "`EgressBandwidth`"),
    ("eci-custom-dnsconfig", Sent(custom_dns), "`DnsConfig`, `DnsPolicy`"),
    ("eci-custom-hosts", Sent(custom_hosts), "`HostAliase`"),
    ("eci-wait-clusterip-ready", LeftOut, "containers do not wait for the addresses of Services"),
    ("eci-kube-proxy-enabled", LeftOut, "ECI's published request has nothing for it"),
];

/// Annotations of storage and the instance's system (virtual-node.md 4.4).
pub(super) const STORAGE: &[Annotation] = &[
    ("eci-extra-ephemeral-storage", Sent(extra_storage), "`EphemeralStorage`"),
    ("eci-ephemeral-storage-options", Refused, "ECI's published request encrypts no ephemeral storage"),
    ("eci-eviction-enable", LeftOut, "a pod whose ephemeral storage is nearly full is not evicted"),
    (
        "eci-set-diskvolume",
        Sent(disk_volume),
        "`FlexVolume` alicloud/disk in place of an emptyDir or hostPath: a new disk that ends with the instance",
    ),
    (
        "eci-ntp-server",
        Sent(|r, v| {
            r.ntp_server = list(v);
            Ok(())
        }),
        "`NtpServer`",
    ),
    (
        "eci-core-pattern",
        Sent(|r, v| match v.starts_with('/') {
            true => text(&mut r.core_pattern, v),
            false => Err("an absolute path"),
        }),
        "`CorePattern`",
    ),
    ("eci-sls-enable", Sent(|r, v| flag(&mut r.sls_enable, v)), "`SlsEnable`"),
    ("eci-host-sysctls", Sent(host_sysctls), "`HostSecurityContext`"),
];

/// Annotations that virtual nodes write back, which a pod made from another's manifest has (virtual-node.md 5).
pub(super) const WRITTEN_BACK: &[Annotation] = &[
    ("eci-request-id", NoEffect, WRITTEN),
    ("eci-client-token", NoEffect, WRITTEN),
    ("eci-instance-id", NoEffect, WRITTEN),
    ("eci-instance-spec", NoEffect, WRITTEN),
    ("eci-instance-cpu", NoEffect, WRITTEN),
    ("eci-instance-mem", NoEffect, WRITTEN),
    ("eci-instance-zone", NoEffect, WRITTEN),
    ("eci-instance-compute-category", NoEffect, WRITTEN),
    ("eni-instance-id", NoEffect, WRITTEN),
    ("eci-vpc", NoEffect, WRITTEN),
    ("allocated-eipInstanceId", NoEffect, WRITTEN),
    ("allocated-eipAddress", NoEffect, WRITTEN),
    ("allocated-ipv6Address", NoEffect, WRITTEN),
    ("eci-matched-image-cache", NoEffect, WRITTEN),
    ("eci-created-by-template", NoEffect, WRITTEN),
    ("eci-schedule-result", NoEffect, WRITTEN),
    ("eci-drop-apiserver-interactive-caps", NoEffect, WRITTEN),
    ("cluster-dns", NoEffect, WRITTEN),
    ("cluster-domain", NoEffect, WRITTEN),
    ("k8s-version", NoEffect, WRITTEN),
    ("vk-version", NoEffect, WRITTEN),
    ("eci-platform-version", NoEffect, WRITTEN),
];
