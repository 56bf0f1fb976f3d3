//! From the request to what a group is asked to be; pure, and the only place where the request's shape is known.

pub mod containers;
pub mod volumes;

use eci_api::Number;
use eci_api::actions::create_container_group as ask;
use eci_api::actions::describe_container_groups as tell;
use eci_api::size::{Mebibytes, MilliVcpu};
use rust_decimal::Decimal;

use super::OptionalSpec;
use super::container::{Container, RestartPolicy};
use crate::ledger::Tags;
use crate::refusal::Refusal;
use crate::terms::Size;

/// Variable with which a container asks not to be counted (specs.md, section 3.3).
const IGNORE: &str = "__ECI_RESOURCE_IGNORE__";
/// Decimals that a float of single precision, as the API has it, keeps of a size.
const FLOAT_DECIMALS: u32 = 6;
/// Number of containers, of init containers, and of volumes of a group, at most (eci-openapi.md, section 6).
const PARTS_MAX: usize = 20;
/// Protected hours of a spot instance, and hours for which a fixed address is kept, where the request gives none
/// (eci-openapi.md, section 8).
const SPOT_HOURS: u64 = 1;
const FIXED_IP_HOURS: u32 = 48;

/// Checks a group's name: 2 to 128 small letters, digits and hyphens, none of these at an end.
///
/// # Errors
/// [`Refusal`] with the reason.
pub fn name(name: Option<&str>) -> Result<&str, Refusal> {
    let name = name.unwrap_or_default();
    let ordinary = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fine = (2..=128).contains(&name.len())
        && name.chars().all(ordinary)
        && !name.starts_with('-')
        && !name.ends_with('-');
    let why = "2 to 128 small letters, digits and hyphens, no hyphen at an end";
    fine.then_some(name)
        .ok_or_else(|| Refusal::invalid("ContainerGroupName", format!("`{name}` should be {why}")))
}

/// The size that is asked for: the group's own, else the larger of all containers together and the largest init
/// container (specs.md 3.2, inferred). What containers ask for is added up as they ask for it, and rounded once.
///
/// # Errors
/// [`Refusal`] when a number is no size.
pub fn size(request: &ask::CreateContainerGroup) -> Result<Size, Refusal> {
    let apps = request.container.iter().filter(|c| !is_ignored(&c.environment_var));
    let inits = request.init_container.iter().filter(|c| !is_ignored(&c.environment_var));
    let asked = |number: Option<Number>| number.unwrap_or_default().0;
    let largest = |all: &mut dyn Iterator<Item = Option<Number>>| all.map(asked).max().unwrap_or_default();
    let sum = |all: &mut dyn Iterator<Item = Option<Number>>| {
        let sum = all.map(asked).fold(Decimal::ZERO, Decimal::saturating_add);
        // Three floats of a third are 1.00000002, and 1 is meant.
        sum.min(sum.round_dp(FLOAT_DECIMALS))
    };
    let cpu = sum(&mut apps.clone().map(|c| c.cpu)).max(largest(&mut inits.clone().map(|c| c.cpu)));
    let gib = sum(&mut apps.map(|c| c.memory)).max(largest(&mut inits.map(|c| c.memory)));
    let own = Size { vcpu: vcpu(request.cpu, "Cpu")?, memory: memory(request.memory, "Memory")? };
    Ok(Size {
        vcpu: if own.vcpu.0 > 0 { own.vcpu } else { vcpu(Some(cpu.into()), "Container.N.Cpu")? },
        memory: if own.memory.0 > 0 { own.memory } else { memory(Some(gib.into()), "Container.N.Memory")? },
    })
}

/// The size that the containers ask for together: all of them, or the largest init container; `None` where they ask for
/// nothing.
pub fn requested(containers: &[Container]) -> Option<Size> {
    let counted = || containers.iter().filter(|container| !container.spec.says(IGNORE, "TRUE"));
    let (mut all, mut largest) = (Size::default(), Size::default());
    for container in counted() {
        let (vcpu, memory) = (container.spec.vcpu.0, container.spec.memory.0);
        if container.init {
            largest = Size {
                vcpu: largest.vcpu.max(MilliVcpu(vcpu)),
                memory: largest.memory.max(Mebibytes(memory)),
            };
        } else {
            all.vcpu = MilliVcpu(all.vcpu.0.saturating_add(vcpu));
            all.memory = Mebibytes(all.memory.0.saturating_add(memory));
        }
    }
    let size = Size { vcpu: all.vcpu.max(largest.vcpu), memory: all.memory.max(largest.memory) };
    (size != Size::default()).then_some(size)
}

/// True for a container that asks not to be counted.
fn is_ignored(environment: &[ask::EnvironmentVar]) -> bool {
    let asks = |variable: &ask::EnvironmentVar| {
        let value = variable.value.as_deref().unwrap_or_default();
        variable.key.as_deref() == Some(IGNORE) && value.eq_ignore_ascii_case("TRUE")
    };
    environment.iter().any(asks)
}

/// The tags, in the order given; a pair without key and value is left out.
///
/// # Errors
/// [`Refusal`] for the first that cannot be, and for more than twenty.
pub fn tags<'a>(pairs: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>) -> Result<Tags, Refusal> {
    let mut tags = Tags::new();
    for (index, (key, value)) in pairs.enumerate() {
        let (key, value) = (key.unwrap_or_default(), value.unwrap_or_default());
        let place = format!("Tag.{}.Key", index + 1);
        if key.is_empty() && value.is_empty() {
            continue;
        }
        if key.is_empty() {
            return Err(Refusal::missing(place));
        }
        if key.starts_with("aliyun")
            || key.starts_with("acs:")
            || key.contains("http://")
            || key.contains("https://")
        {
            return Err(Refusal::invalid(
                place,
                format!("`{key}` should not begin with aliyun or acs:, nor contain http:// or https://"),
            ));
        }
        tags.retain(|(known, _)| **known != *key);
        tags.push((key.into(), value.into()));
    }
    if tags.len() > PARTS_MAX { Err(Refusal::TooManyTags) } else { Ok(tags) }
}

/// Options that few groups set; `None` where all have their defaults.
pub fn optional_spec(request: &ask::CreateContainerGroup) -> Option<Box<OptionalSpec>> {
    let seconds = |value: Option<i64>| value.and_then(|v| u64::try_from(v).ok());
    let spot = request.spot_strategy.as_ref().filter(|strategy| is_spot(strategy));
    let fixed = request.fixed_ip.as_deref().is_some_and(|fixed| fixed.eq_ignore_ascii_case("true"));
    let kept = request.fixed_ip_retain_hour.and_then(|hours| u32::try_from(hours).ok());
    let sysctls = request.security_context.iter().flat_map(|c| &c.sysctl);
    let optional = OptionalSpec {
        dns: request.dns_config.as_ref().map(|dns| tell::DnsConfig {
            name_servers: dns.name_server.clone(),
            searches: dns.search.clone(),
            options: dns
                .option
                .iter()
                .map(|o| tell::DnsOption { name: text(o.name.as_ref()), value: text(o.value.as_ref()) })
                .collect(),
        }),
        dns_policy: text(request.dns_policy.as_ref()),
        host_aliases: request
            .host_aliase
            .iter()
            .map(|alias| tell::HostAliase { hostnames: alias.hostname.clone(), ip: text(alias.ip.as_ref()) })
            .collect(),
        sysctls: sysctls
            .map(|s| tell::Sysctl { name: text(s.name.as_ref()), value: text(s.value.as_ref()) })
            .collect(),
        ram_role: text(request.ram_role_name.as_ref()),
        resource_group: text(request.resource_group_id.as_ref()),
        spot_strategy: text(spot),
        spot_limit: request.spot_price_limit.unwrap_or_default(),
        spot_hours: spot.map_or(0, |_| seconds(request.spot_duration).unwrap_or(SPOT_HOURS)),
        deadline_seconds: seconds(request.active_deadline_seconds),
        grace_seconds: seconds(request.termination_grace_period_seconds),
        pending_minutes: request.max_pending_minute.and_then(|m| u32::try_from(m).ok()),
        ipv6: request.ipv6_address_count.is_some_and(|count| count > 0),
        eip: request.auto_create_eip.unwrap_or_default(),
        eip_id: text(request.eip_instance_id.as_ref()),
        fixed_ip_hours: fixed.then(|| kept.unwrap_or(FIXED_IP_HOURS)),
        credentials: credentials(request),
        cache: super::CacheUse::None,
        file_modes: volumes::modes(request),
    };
    (optional != OptionalSpec::default()).then(|| Box::new(optional))
}

/// True if a strategy asks for a spot instance.
pub fn is_spot(strategy: &str) -> bool {
    !strategy.is_empty() && strategy != "NoSpot"
}

/// A digest of the registries and passwords, so that a change of them is seen; empty where there are none.
fn credentials(request: &ask::CreateContainerGroup) -> String {
    if request.image_registry_credential.is_empty() && request.acr_registry_info.is_empty() {
        return String::new();
    }
    let told = format!("{:?}{:?}", request.image_registry_credential, request.acr_registry_info);
    eci_api::signature::acs3::sha256_hex(told.as_bytes())
}

/// The restart policy; `Always` where none is given.
///
/// # Errors
/// [`Refusal`] for a policy that does not exist.
pub fn restart_policy(name: Option<&str>) -> Result<RestartPolicy, Refusal> {
    let name = name.unwrap_or_default();
    RestartPolicy::named(name).ok_or_else(|| {
        Refusal::invalid("RestartPolicy", format!("`{name}` should be Always, OnFailure or Never"))
    })
}

fn vcpu(number: Option<Number>, place: &str) -> Result<MilliVcpu, Refusal> {
    MilliVcpu::from_vcpu(number.unwrap_or_default()).map_err(|why| Refusal::invalid(place, why.to_string()))
}

fn memory(number: Option<Number>, place: &str) -> Result<Mebibytes, Refusal> {
    Mebibytes::from_gib(number.unwrap_or_default()).map_err(|why| Refusal::invalid(place, why.to_string()))
}

fn text(value: Option<&String>) -> String {
    value.cloned().unwrap_or_default()
}
