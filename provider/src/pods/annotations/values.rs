//! Values of annotations: how each is read, checked and written into the request.

use eci_api::Number;
use eci_api::actions::create_container_group as wire;
use rust_decimal::Decimal;
use wire::CreateContainerGroup as Request;

use crate::pods::quantity;
use crate::pods::request::claims;

pub(super) fn text(field: &mut Option<String>, value: &str) -> Result<(), &'static str> {
    *field = Some(value.to_owned());
    Ok(())
}

pub(super) fn one_of(
    field: &mut Option<String>,
    value: &str,
    known: &[&str],
    should: &'static str,
) -> Result<(), &'static str> {
    // the documentation's own examples differ in the case of letters
    let same =
        |word: &&&str| **word == value || word.eq_ignore_ascii_case(value) && !planted!(WordsHaveOneSpelling);
    let known = known.iter().find(same);
    known.map_or(Err(should), |word| text(field, word))
}

pub(super) fn parsed<T: std::str::FromStr>(
    field: &mut Option<T>,
    value: &str,
    should: &'static str,
) -> Result<(), &'static str> {
    *field = Some(value.parse().map_err(|_| should)?);
    Ok(())
}

pub(super) fn parsed_text<T: std::str::FromStr>(
    field: &mut Option<String>,
    value: &str,
    should: &'static str,
) -> Result<(), &'static str> {
    value.parse::<T>().map_err(|_| should)?;
    text(field, value)
}

pub(super) fn flag(field: &mut Option<bool>, value: &str) -> Result<(), &'static str> {
    *field = Some(match value.to_ascii_lowercase().as_str() {
        "true" => true,
        "false" => false,
        _ => return Err("\"true\" or \"false\""),
    });
    Ok(())
}

/// The trimmed items of a list that commas separate.
pub(in super::super) fn list(value: &str) -> Vec<String> {
    value.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

pub(super) fn bytes(field: &mut Option<i64>, value: &str) -> Result<(), &'static str> {
    let read = quantity::parse(value).and_then(|bytes| i64::try_from(bytes.trunc()).ok());
    *field = Some(read.filter(|bytes| *bytes >= 0).ok_or("a number of bytes a second, as `40M`")?);
    Ok(())
}

/// Puts a new disk in the place of an emptyDir, or of a hostPath, which is one by then: `cache:ext4:500Gi`. The disk ends with the instance, which is ECI's default.
pub(super) fn disk_volume(request: &mut Request, value: &str) -> Result<(), &'static str> {
    const SHOULD: &str = "the name of an emptyDir or hostPath of the pod, a file system (ext4, ext3, xfs or vfat) and a size \
                          from 20Gi to 32768Gi, as `cache:ext4:500Gi`";
    let parts: Vec<&str> = value.split(':').map(str::trim).collect();
    let &[name, fs_type, size] = parts.as_slice() else { return Err(SHOULD) };
    let size = quantity::parse(size).map(|bytes| quantity::gib(bytes).ceil());
    let size = size.filter(|size| (Decimal::from(20)..=Decimal::from(32768)).contains(size)).ok_or(SHOULD)?;
    if !["ext4", "ext3", "xfs", "vfat"].contains(&fs_type) {
        return Err(SHOULD);
    }
    let volumes = &mut request.volume;
    let volume = volumes.iter_mut().find(|volume| volume.name.as_deref() == Some(name));
    let volume = volume.filter(|volume| volume.empty_dir_volume.is_some()).ok_or(SHOULD)?;
    let options = [("volumeSize".to_owned(), size.normalize().to_string())].into();
    let disk = claims::flex_volume("alicloud/disk", Some(&fs_type.to_owned()), &options);
    *volume = wire::Volume { name: volume.name.take(), ..disk };
    Ok(())
}

pub(super) fn custom_tags(request: &mut Request, value: &str) -> Result<(), &'static str> {
    const SHOULD: &str = "a list of at most three tags, as `team:web,stage:test`";
    let items = list(value);
    if items.len() > 3 {
        return Err(SHOULD);
    }
    for item in items {
        let (key, value) = item.split_once(':').ok_or(SHOULD)?;
        let is_reserved = key.starts_with("aliyun");
        let is_ours = request.tag.iter().any(|tag| tag.key.as_deref() == Some(key));
        if key.is_empty() || key.chars().count() > 64 || value.chars().count() > 128 {
            return Err(SHOULD);
        }
        if is_reserved || is_ours || value.starts_with("acs:") {
            return Err("a list of tags whose keys neither the cloud nor the virtual node has for itself");
        }
        request.tag.push(crate::pods::identity::tag(key, value));
    }
    Ok(())
}

pub(super) fn registries(request: &mut Request, value: &str) -> Result<(), &'static str> {
    let one = |item: String| {
        let (region, id) =
            item.split_once(':').map_or((None, item.as_str()), |(region, id)| (Some(region.to_owned()), id));
        wire::AcrRegistryInfo { instance_id: Some(id.to_owned()), region_id: region, ..Default::default() }
    };
    request.acr_registry_info = list(value).into_iter().map(one).collect();
    Ok(())
}

pub(super) fn custom_dns(request: &mut Request, value: &str) -> Result<(), &'static str> {
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

pub(super) fn custom_hosts(request: &mut Request, value: &str) -> Result<(), &'static str> {
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

pub(super) fn extra_storage(request: &mut Request, value: &str) -> Result<(), &'static str> {
    const SHOULD: &str = "a size up to 5000Gi, as `20Gi`";
    let gib = quantity::parse(value).map(quantity::gib).ok_or(SHOULD)?;
    let whole = i32::try_from(gib.ceil()).ok().filter(|gib| (0..=5000).contains(gib));
    // the larger of it and of what the containers request counts (specs.md 6)
    request.ephemeral_storage = request.ephemeral_storage.max(Some(whole.ok_or(SHOULD)?));
    Ok(())
}

pub(super) fn host_sysctls(request: &mut Request, value: &str) -> Result<(), &'static str> {
    let read: Vec<Named> = serde_json::from_str(value)
        .map_err(|_| "JSON as `[{\"name\":\"kernel.msgmax\",\"value\":\"65536\"}]`")?;
    let sysctl = read.into_iter().map(|s| wire::Sysctl { name: Some(s.name), value: s.value }).collect();
    request.host_security_context = Some(wire::HostSecurityContext { sysctl });
    Ok(())
}

/// A list of words that are all known.
pub(super) fn list_of(
    field: &mut Vec<String>,
    value: &str,
    known: &[&str],
    should: &'static str,
) -> Result<(), &'static str> {
    let items = list(value);
    let known = |item: &String| known.iter().find(|word| word.eq_ignore_ascii_case(item)).copied();
    let found: Option<Vec<String>> = items.iter().map(|item| known(item).map(str::to_owned)).collect();
    *field = found.filter(|found| !found.is_empty()).ok_or(should)?;
    Ok(())
}

/// A price with at most three decimals (eci-openapi.md 8).
pub(super) fn price(request: &mut Request, value: &str) -> Result<(), &'static str> {
    const SHOULD: &str = "a price of an hour with at most three decimals";
    let price: Decimal = value.parse().map_err(|_| SHOULD)?;
    if price.is_sign_negative() || price.normalize().scale() > 3 {
        return Err(SHOULD);
    }
    request.spot_price_limit = Some(Number(price));
    Ok(())
}

/// Roles by which images are pulled of registries that [`registries`] has named: one for all of them, or one for each.
pub(super) fn roles(
    request: &mut Request,
    value: &str,
    role: fn(&mut wire::AcrRegistryInfo) -> &mut Option<String>,
) -> Result<(), &'static str> {
    let roles = list(value);
    let registries = &mut request.acr_registry_info;
    if registries.is_empty() || roles.len() != 1 && roles.len() != registries.len() {
        return Err("one role, or as many roles as acr-instance-ids has registries");
    }
    for (registry, arn) in registries.iter_mut().zip(roles.iter().cycle()) {
        *role(registry) = Some(arn.clone());
    }
    Ok(())
}
