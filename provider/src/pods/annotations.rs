//! The table of `k8s.aliyun.com/*` annotations that are parameters of the group: key, check, parameter; one row each.

use eci_api::Number;
use eci_api::actions::create_container_group as wire;
use k8s_openapi::api::core::v1::Pod;
use rust_decimal::Decimal;
use wire::CreateContainerGroup as Request;

use super::quantity;
use super::request::error::RequestError;

/// The prefix of the table's keys, unless they are written in full.
pub const PREFIX: &str = "k8s.aliyun.com/";

/// The way of a value into the request; the error is a noun phrase for the values that can be used.
type Put = fn(&mut Request, &str) -> Result<(), &'static str>;

/// The rows are applied in this order, so that the later of two spellings wins.
const TABLE: &[(&str, Put)] = &[
    // Size, stock, scheduling.
    ("eci-instance-type", |r, v| text(&mut r.instance_type, v)),
    ("eci-use-specs", use_specs),
    ("eci-compute-category", |r, v| {
        r.compute_category = list(v);
        Ok(())
    }),
    ("eci-cpu-option-core", |r, v| parsed(&mut r.cpu_options_core, v, "a number of cores")),
    ("eci-cpu-option-ht", |r, v| {
        parsed(&mut r.cpu_options_threads_per_core, v, "a number of threads a core")
    }),
    ("eci-gpu-driver-version", |r, v| text(&mut r.gpu_driver_version, v)),
    ("eci-spot-strategy", |r, v| {
        one_of(
            &mut r.spot_strategy,
            v,
            &["NoSpot", "SpotAsPriceGo", "SpotWithPriceLimit"],
            "SpotAsPriceGo or SpotWithPriceLimit",
        )
    }),
    ("eci-spot-price-limit", |r, v| parsed(&mut r.spot_price_limit, v, "a price an hour")),
    ("eci-spot-duration", |r, v| parsed(&mut r.spot_duration, v, "a number of hours")),
    ("eci-vswitch", |r, v| text(&mut r.vswitch_id, v)),
    ("eci-schedule-strategy", |r, v| {
        one_of(
            &mut r.schedule_strategy,
            v,
            &["VSwitchOrdered", "VSwitchRandom"],
            "VSwitchOrdered or VSwitchRandom",
        )
    }),
    ("eci-max-pending-minute", |r, v| {
        let minutes = v.parse().ok().filter(|minutes| (10..=1440).contains(minutes));
        r.max_pending_minute = Some(minutes.ok_or("a number of minutes from 10 to 1440")?);
        Ok(())
    }),
    ("eci-custom-tags", custom_tags),
    ("eci-resource-group-id", |r, v| text(&mut r.resource_group_id, v)),
    ("eci-ram-role-name", |r, v| text(&mut r.ram_role_name, v)),
    // Images.
    ("eci-image-cache", |r, v| flag(&mut r.auto_match_image_cache, v)),
    ("eci-auto-imc", |r, v| flag(&mut r.auto_match_image_cache, v)),
    ("eci-image-snapshot-id", |r, v| text(&mut r.image_snapshot_id, v)),
    ("eci-imc-id", |r, v| text(&mut r.image_snapshot_id, v)),
    ("acr-instance-id", registries),
    ("acr-instance-ids", registries),
    ("plain-http-registry", |r, v| text(&mut r.plain_http_registry, v)),
    ("insecure-registry", |r, v| text(&mut r.insecure_registry, v)),
    ("eci-data-cache-bucket", |r, v| text(&mut r.data_cache_bucket, v)),
    ("eci-data-cache-pl", |r, v| text(&mut r.data_cache_pl, v)),
    ("eci-data-cache-provisionedIops", |r, v| parsed(&mut r.data_cache_provisioned_iops, v, "a number")),
    ("eci-data-cache-burstingEnabled", |r, v| flag(&mut r.data_cache_bursting_enabled, v)),
    // Network.
    ("eci-security-group", |r, v| text(&mut r.security_group_id, v)),
    ("eci-eip-instanceid", |r, v| text(&mut r.eip_instance_id, v)),
    ("eci-with-eip", |r, v| flag(&mut r.auto_create_eip, v)),
    ("eip-bandwidth", |r, v| parsed(&mut r.eip_bandwidth, v, "a number of Mbps")),
    ("eip-common-bandwidth-package-id", |r, v| text(&mut r.eip_common_bandwidth_package, v)),
    ("eip-common-bandwith-package-id", |r, v| text(&mut r.eip_common_bandwidth_package, v)),
    ("eip-isp", |r, v| one_of(&mut r.eip_isp, v, &["BGP", "BGP_PRO"], "BGP or BGP_PRO")),
    ("eci-ipv6-count", |r, v| parsed(&mut r.ipv6_address_count, v, "a number of addresses")),
    ("eci-enable-ipv6", |r, v| {
        let mut enabled = None;
        flag(&mut enabled, v)?;
        r.ipv6_address_count = enabled.filter(|enabled| *enabled).map(|_| 1);
        Ok(())
    }),
    ("eci-ipv6-bandwidth-enable", |r, v| flag(&mut r.ipv6_gateway_bandwidth_enable, v)),
    ("eci-ipv6-bandwidth", |r, v| text(&mut r.ipv6_gateway_bandwidth, v)),
    ("eci-private-ip-address", |r, v| {
        parsed_text::<std::net::Ipv4Addr>(&mut r.private_ip_address, v, "an IPv4 address")
    }),
    ("eci-fixed-ip", |r, v| text(&mut r.fixed_ip, v)),
    ("eci-fixed-ip-retain-hour", |r, v| parsed(&mut r.fixed_ip_retain_hour, v, "a number of hours")),
    ("kubernetes.io/ingress-bandwidth", |r, v| bytes(&mut r.ingress_bandwidth, v)),
    ("kubernetes.io/egress-bandwidth", |r, v| bytes(&mut r.egress_bandwidth, v)),
    ("eci-custom-dnsconfig", custom_dns),
    ("eci-custom-hosts", custom_hosts),
    // Storage, runtime.
    ("eci-extra-ephemeral-storage", extra_storage),
    ("eci-ntp-server", |r, v| {
        r.ntp_server = list(v);
        Ok(())
    }),
    ("eci-core-pattern", |r, v| match v.starts_with('/') {
        true => text(&mut r.core_pattern, v),
        false => Err("an absolute path"),
    }),
    ("eci-sls-enable", |r, v| flag(&mut r.sls_enable, v)),
    ("eci-host-sysctls", host_sysctls),
];

/// Gives `request` what the pod's annotations ask for.
///
/// # Errors
/// [`RequestError::Annotation`].
pub fn apply(pod: &Pod, request: &mut Request) -> Result<(), RequestError> {
    let Some(annotations) = &pod.metadata.annotations else { return Ok(()) };
    for (key, put) in TABLE {
        let full = full(key);
        let Some(value) = annotations.get(&full).map(|value| value.trim()).filter(|value| !value.is_empty())
        else {
            continue;
        };
        put(request, value).map_err(|should| RequestError::Annotation {
            key: full,
            value: value.to_owned(),
            should,
        })?;
    }
    Ok(())
}

fn full(key: &str) -> String {
    if key.contains('/') { key.to_owned() } else { format!("{PREFIX}{key}") }
}

/// The value of a pod's annotation `key` with the table's prefix, trimmed; `None` when absent or empty.
pub fn of<'a>(pod: &'a Pod, key: &str) -> Option<&'a str> {
    let annotations = pod.metadata.annotations.as_ref()?;
    annotations.get(&full(key)).map(|value| value.trim()).filter(|value| !value.is_empty())
}

fn text(field: &mut Option<String>, value: &str) -> Result<(), &'static str> {
    *field = Some(value.to_owned());
    Ok(())
}

fn one_of(
    field: &mut Option<String>,
    value: &str,
    known: &[&str],
    should: &'static str,
) -> Result<(), &'static str> {
    if known.contains(&value) { text(field, value) } else { Err(should) }
}

fn parsed<T: std::str::FromStr>(
    field: &mut Option<T>,
    value: &str,
    should: &'static str,
) -> Result<(), &'static str> {
    *field = Some(value.parse().map_err(|_| should)?);
    Ok(())
}

fn parsed_text<T: std::str::FromStr>(
    field: &mut Option<String>,
    value: &str,
    should: &'static str,
) -> Result<(), &'static str> {
    value.parse::<T>().map_err(|_| should)?;
    text(field, value)
}

fn flag(field: &mut Option<bool>, value: &str) -> Result<(), &'static str> {
    *field = Some(match value.to_ascii_lowercase().as_str() {
        "true" => true,
        "false" => false,
        _ => return Err("\"true\" or \"false\""),
    });
    Ok(())
}

fn list(value: &str) -> Vec<String> {
    value.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

fn bytes(field: &mut Option<i64>, value: &str) -> Result<(), &'static str> {
    let read = quantity::parse(value).and_then(|bytes| i64::try_from(bytes.trunc()).ok());
    *field = Some(read.filter(|bytes| *bytes >= 0).ok_or("a number of bytes a second, as `40M`")?);
    Ok(())
}

/// `2-4Gi` is a size, `ecs.c6.large` a type; of several sizes the request carries the first.
fn use_specs(request: &mut Request, value: &str) -> Result<(), &'static str> {
    const SHOULD: &str = "a list of at most five sizes or types, as `2-4Gi,ecs.c6.xlarge`";
    let items = list(value);
    if items.is_empty() || items.len() > 5 {
        return Err(SHOULD);
    }
    let is_type = |item: &&String| item.starts_with("ecs.") || item.starts_with("ecigpu-");
    let types: Vec<&str> = items.iter().filter(is_type).map(String::as_str).collect();
    let mut sizes = Vec::new();
    for item in items.iter().filter(|item| !is_type(item)) {
        let parts = item.strip_suffix("Gi").and_then(|size| size.split_once('-'));
        let (cpu, memory) = parts.ok_or(SHOULD)?;
        let number = |text: &str| text.parse::<Decimal>().ok().filter(|number| number.is_sign_positive());
        sizes.push((number(cpu).ok_or(SHOULD)?, number(memory).ok_or(SHOULD)?));
    }
    // The first item is the most wanted one.
    if items.first().is_some_and(|first| is_type(&first)) {
        request.instance_type = Some(types.join(","));
        (request.cpu, request.memory) = (None, None);
    } else if let Some((cpu, memory)) = sizes.first() {
        (request.cpu, request.memory) = (Some(Number(*cpu)), Some(Number(*memory)));
    }
    Ok(())
}

fn custom_tags(request: &mut Request, value: &str) -> Result<(), &'static str> {
    const SHOULD: &str = "a list of at most three tags, as `team:web,stage:test`";
    let items = list(value);
    if items.len() > 3 {
        return Err(SHOULD);
    }
    for item in items {
        let (key, value) = item.split_once(':').ok_or(SHOULD)?;
        if key.is_empty() || key.len() > 64 || request.tag.iter().any(|tag| tag.key.as_deref() == Some(key)) {
            return Err(SHOULD);
        }
        request.tag.push(super::identity::tag(key, value));
    }
    Ok(())
}

fn registries(request: &mut Request, value: &str) -> Result<(), &'static str> {
    let one = |item: String| {
        let (region, id) =
            item.split_once(':').map_or((None, item.as_str()), |(region, id)| (Some(region.to_owned()), id));
        wire::AcrRegistryInfo { instance_id: Some(id.to_owned()), region_id: region, ..Default::default() }
    };
    request.acr_registry_info = list(value).into_iter().map(one).collect();
    Ok(())
}

fn custom_dns(request: &mut Request, value: &str) -> Result<(), &'static str> {
    #[derive(serde::Deserialize)]
    struct Custom {
        #[serde(default)]
        nameservers: Vec<String>,
        #[serde(default)]
        searches: Vec<String>,
        #[serde(default)]
        options: Vec<Named>,
    }
    let read: Custom =
        serde_json::from_str(value).map_err(|_| "JSON with nameservers, searches and options")?;
    request.dns_policy = Some("None".to_owned());
    request.dns_config = Some(wire::DnsConfig {
        name_server: read.nameservers,
        search: read.searches,
        option: read
            .options
            .into_iter()
            .map(|o| wire::DnsOption { name: Some(o.name), value: o.value })
            .collect(),
    });
    Ok(())
}

#[derive(serde::Deserialize)]
struct Named {
    name: String,
    value: Option<String>,
}

fn custom_hosts(request: &mut Request, value: &str) -> Result<(), &'static str> {
    #[derive(serde::Deserialize)]
    struct Host {
        host: String,
        ip: String,
    }
    let read: Vec<Host> =
        serde_json::from_str(value).map_err(|_| "JSON as `[{\"host\":\"a\",\"ip\":\"10.0.0.1\"}]`")?;
    let aliases =
        read.into_iter().map(|host| wire::HostAliase { hostname: vec![host.host], ip: Some(host.ip) });
    request.host_aliase.extend(aliases);
    Ok(())
}

fn extra_storage(request: &mut Request, value: &str) -> Result<(), &'static str> {
    const SHOULD: &str = "a size up to 5000Gi, as `20Gi`";
    let gib = quantity::parse(value).map(quantity::gib).ok_or(SHOULD)?;
    let whole = i32::try_from(gib.ceil()).ok().filter(|gib| (0..=5000).contains(gib));
    // Of the annotation and what containers request, the larger counts.
    request.ephemeral_storage = request.ephemeral_storage.max(Some(whole.ok_or(SHOULD)?));
    Ok(())
}

fn host_sysctls(request: &mut Request, value: &str) -> Result<(), &'static str> {
    let read: Vec<Named> = serde_json::from_str(value)
        .map_err(|_| "JSON as `[{\"name\":\"kernel.msgmax\",\"value\":\"65536\"}]`")?;
    let sysctl = read.into_iter().map(|s| wire::Sysctl { name: Some(s.name), value: s.value }).collect();
    request.host_security_context = Some(wire::HostSecurityContext { sysctl });
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn applied(key: &str, value: &str) -> Result<Request, RequestError> {
        let pod: Pod =
            serde_json::from_value(json!({ "metadata": { "annotations": { full(key): value } } })).unwrap();
        let mut request = Request::default();
        apply(&pod, &mut request).map(|()| request)
    }

    #[test]
    fn a_list_of_specs_gives_the_size_or_the_types_that_stand_first() {
        for (value, cpu, memory, types) in [
            ("2-4Gi", Some("2"), Some("4"), None),
            ("0.5-1.9Gi, 4-8Gi", Some("0.5"), Some("1.9"), None),
            ("ecs.c6.large,ecs.c5.large", None, None, Some("ecs.c6.large,ecs.c5.large")),
            ("2-4Gi,ecs.c5.large", Some("2"), Some("4"), None),
        ] {
            let request = applied("eci-use-specs", value).unwrap();
            assert_eq!(request.cpu.map(|n| n.to_string()).as_deref(), cpu, "{value}");
            assert_eq!(request.memory.map(|n| n.to_string()).as_deref(), memory, "{value}");
            assert_eq!(request.instance_type.as_deref(), types, "{value}");
        }
    }

    #[test]
    fn a_value_that_cannot_be_used_is_told_what_would_be_right() {
        for (key, value, right) in [
            ("eci-use-specs", "2c4g", "2-4Gi"),
            ("eci-use-specs", "1-2Gi,1-2Gi,1-2Gi,1-2Gi,1-2Gi,1-2Gi", "at most five"),
            ("eci-max-pending-minute", "5", "10 to 1440"),
            ("eci-spot-strategy", "cheap", "SpotAsPriceGo"),
            ("eci-with-eip", "yes", "\"true\""),
            ("eip-bandwidth", ",10", "Mbps"),
            ("eci-core-pattern", "|cat", "absolute path"),
            ("eci-custom-tags", "a:b,c:d,e:f,g:h", "three"),
            ("kubernetes.io/ingress-bandwidth", "fast", "40M"),
        ] {
            let told = applied(key, value).unwrap_err().to_string();
            assert!(told.contains(key) && told.contains(value) && told.contains(right), "{told}");
        }
    }

    #[test]
    fn each_row_has_a_key_of_its_own() {
        let keys: std::collections::BTreeSet<_> = TABLE.iter().map(|(key, _)| key).collect();
        assert_eq!(keys.len(), TABLE.len());
    }

    #[test]
    fn rows_reach_their_parameter() {
        assert_eq!(applied("eci-auto-imc", "true").unwrap().auto_match_image_cache, Some(true));
        assert_eq!(applied("eci-enable-ipv6", "true").unwrap().ipv6_address_count, Some(1));
        assert_eq!(
            applied("kubernetes.io/egress-bandwidth", "40M").unwrap().egress_bandwidth,
            Some(40_000_000)
        );
        assert_eq!(applied("eci-extra-ephemeral-storage", "20Gi").unwrap().ephemeral_storage, Some(20));
        for (requested, extra) in [(Some(20), 20), (Some(5), 10), (None, 10)] {
            let pod =
                json!({ "metadata": { "annotations": { full("eci-extra-ephemeral-storage"): "10Gi" } } });
            let mut request = Request { ephemeral_storage: requested, ..Request::default() };
            apply(&serde_json::from_value(pod).unwrap(), &mut request).unwrap();
            assert_eq!(request.ephemeral_storage, Some(extra), "the larger of {requested:?} and 10");
        }
        let hosts = applied("eci-custom-hosts", r#"[{"host":"a","ip":"10.0.0.1"}]"#).unwrap().host_aliase;
        assert_eq!(hosts[0].ip.as_deref(), Some("10.0.0.1"));
        let registry = applied("acr-instance-ids", "cn-beijing:cri-1,cri-2").unwrap().acr_registry_info;
        assert_eq!(registry[0].region_id.as_deref(), Some("cn-beijing"));
        assert_eq!(registry[1].instance_id.as_deref(), Some("cri-2"));
    }
}
