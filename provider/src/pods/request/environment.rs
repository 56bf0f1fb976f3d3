//! A container's environment as the kubelet would make it: sources, services, expansion; what is missing, by name.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    ConfigMapKeySelector, Container, EnvFromSource, EnvVarSource, Pod, ResourceFieldSelector,
    SecretKeySelector, Service,
};
use rust_decimal::Decimal;

use super::error::{Remark, RequestError};
use super::size::{self, Size};
use super::variables::{EnvValue, Environment};
use crate::pods::quantity;
use crate::pods::sources::Sources;

/// The variables that a container may have: one fewer than the published schema says, as everywhere where a page names
/// the number, too (`actions.json`, eci-openapi.md 5).
const VARIABLES_MAX: usize = 240;
/// The variables by which a sidecar is told to ECI.
pub const SIDECAR_VARIABLES: usize = 3;
/// The Services that a warning names; of more it says the number.
const NAMED_MAX: usize = 3;

/// The input from which the environment is made.
pub struct EnvContext<'a> {
    /// The pod.
    pub pod: &'a Pod,
    /// The ConfigMaps and Services that variables come from, and the Secrets.
    pub sources: &'a Sources,
    /// The pod's size as a whole, which unset limits fall back to.
    pub size: &'a Size,
}

/// The environment of `container`.
///
/// # Errors
/// A mandatory source that is not there.
pub fn of_container(
    container: &Container,
    context: &EnvContext<'_>,
    remarks: &mut Vec<Remark>,
) -> Result<Environment, RequestError> {
    let mut environment = Environment::default();
    for from in container.env_from.iter().flatten() {
        add_all(&mut environment, from, context, remarks)?;
    }
    let services = service_links(context.sources);
    let service_variables: BTreeMap<String, String> =
        services.iter().flat_map(|(_, variables)| variables.iter().cloned()).collect();
    for variable in container.env.iter().flatten() {
        let held = match (&variable.value_from, &variable.value) {
            (Some(from), _) => match resolve(from, container, context, remarks)? {
                Some(held) => held,
                None => continue,
            },
            (None, value) => {
                let text = value.as_deref().unwrap_or_default();
                EnvValue::Text(expand(text, |name| {
                    environment.text(name).or_else(|| service_variables.get(name).cloned())
                }))
            }
        };
        environment.set(&variable.name, held);
    }
    let reserved = if size::is_sidecar(container) { SIDECAR_VARIABLES } else { 0 };
    remarks.extend(link(&mut environment, services, VARIABLES_MAX - reserved));
    Ok(environment)
}

/// Adds the variables of each Service that still fits, all or none; a remark names those that do not.
fn link(
    environment: &mut Environment,
    services: Vec<(&str, Vec<(String, String)>)>,
    most: usize,
) -> Option<Remark> {
    let count = services.len();
    let mut left_out = Vec::new();
    for (service, mut variables) in services {
        variables.retain(|(name, _)| environment.get(name).is_none());
        if environment.count() + variables.len() > most {
            left_out.push(service);
            continue;
        }
        for (name, value) in variables {
            environment.set(&name, EnvValue::Text(value));
        }
    }
    if left_out.is_empty() {
        return None;
    }
    let more = if left_out.len() > NAMED_MAX { ", …" } else { "" };
    let named = left_out[..left_out.len().min(NAMED_MAX)].join(", ");
    Some(Remark::left_out(format!(
        "the variables of {} of {count} Services ({named}{more}) are left out: ECI takes {VARIABLES_MAX} variables a \
         container; find Services by the cluster's DNS, or set enableServiceLinks: false",
        left_out.len()
    )))
}

fn add_all(
    environment: &mut Environment,
    from: &EnvFromSource,
    context: &EnvContext<'_>,
    remarks: &mut Vec<Remark>,
) -> Result<(), RequestError> {
    let prefix = from.prefix.as_deref().unwrap_or_default();
    let mut add = |data: Vec<(String, String)>| {
        let mut invalid = Vec::new();
        for (key, value) in data {
            let name = format!("{prefix}{key}");
            if is_name(&name) { environment.set(&name, EnvValue::Text(value)) } else { invalid.push(name) }
        }
        if !invalid.is_empty() {
            let message =
                format!("Keys [{}] were skipped since they are no names of variables.", invalid.join(", "));
            remarks.push(Remark { reason: "InvalidEnvironmentVariableNames", message });
        }
    };
    if let Some(source) = &from.config_map_ref {
        match context.sources.config_maps.get(&source.name) {
            Some(found) => add(found.data.clone().unwrap_or_default().into_iter().collect()),
            None => absent(Kind::ConfigMap, &source.name, source.optional, remarks)?,
        }
    } else if let Some(source) = &from.secret_ref {
        match context.sources.secrets.get(&source.name) {
            Some(found) => {
                let text = |bytes: &k8s_openapi::ByteString| String::from_utf8_lossy(&bytes.0).into_owned();
                let data = found.data.iter().flatten().map(|(key, value)| (key.clone(), text(value)));
                add(data.collect());
            }
            None => absent(Kind::Secret, &source.name, source.optional, remarks)?,
        }
    }
    Ok(())
}

fn resolve(
    from: &EnvVarSource,
    container: &Container,
    context: &EnvContext<'_>,
    remarks: &mut Vec<Remark>,
) -> Result<Option<EnvValue>, RequestError> {
    if let Some(field) = &from.field_ref {
        return self::field(&field.field_path, context.pod).map(Some);
    }
    if let Some(resource) = &from.resource_field_ref {
        return self::resource(resource, container, context).map(|text| Some(EnvValue::Text(text)));
    }
    let text = match (&from.config_map_key_ref, &from.secret_key_ref) {
        (Some(key), _) => config_map_key(key, context, remarks)?,
        (_, Some(key)) => secret_key(key, context, remarks)?,
        _ => None,
    };
    Ok(text.map(EnvValue::Text))
}

fn config_map_key(
    selector: &ConfigMapKeySelector,
    context: &EnvContext<'_>,
    remarks: &mut Vec<Remark>,
) -> Result<Option<String>, RequestError> {
    let ConfigMapKeySelector { name, key, optional } = selector;
    let Some(found) = context.sources.config_maps.get(name) else {
        return absent(Kind::ConfigMap, name, *optional, remarks).map(|()| None);
    };
    match found.data.as_ref().and_then(|data| data.get(key)) {
        Some(value) => Ok(Some(value.clone())),
        None => key_absent(Kind::ConfigMap, name, key, *optional, context, remarks).map(|()| None),
    }
}

fn secret_key(
    selector: &SecretKeySelector,
    context: &EnvContext<'_>,
    remarks: &mut Vec<Remark>,
) -> Result<Option<String>, RequestError> {
    let SecretKeySelector { name, key, optional } = selector;
    let Some(found) = context.sources.secrets.get(name) else {
        return absent(Kind::Secret, name, *optional, remarks).map(|()| None);
    };
    match found.data.as_ref().and_then(|data| data.get(key)) {
        Some(value) => Ok(Some(String::from_utf8_lossy(&value.0).into_owned())),
        None => key_absent(Kind::Secret, name, key, *optional, context, remarks).map(|()| None),
    }
}

#[derive(Clone, Copy)]
enum Kind {
    ConfigMap,
    Secret,
}

fn absent(
    kind: Kind,
    name: &str,
    optional: Option<bool>,
    remarks: &mut Vec<Remark>,
) -> Result<(), RequestError> {
    let message = match kind {
        Kind::ConfigMap => format!("configmap \"{name}\" not found"),
        Kind::Secret => format!("secret \"{name}\" not found"),
    };
    let (mandatory, tolerated) = match kind {
        Kind::ConfigMap => ("MandatoryConfigMapNotFound", "OptionalConfigMapNotFound"),
        Kind::Secret => ("MandatorySecretNotFound", "OptionalSecretNotFound"),
    };
    absence(message, mandatory, tolerated, optional, remarks)
}

fn key_absent(
    kind: Kind,
    name: &str,
    key: &str,
    optional: Option<bool>,
    context: &EnvContext<'_>,
    remarks: &mut Vec<Remark>,
) -> Result<(), RequestError> {
    let namespace = context.pod.metadata.namespace.as_deref().unwrap_or("default");
    let (word, mandatory, tolerated) = match kind {
        Kind::ConfigMap => ("ConfigMap", "MandatoryConfigMapKeyNotFound", "OptionalConfigMapKeyNotFound"),
        Kind::Secret => ("Secret", "MandatorySecretKeyNotFound", "OptionalSecretKeyNotFound"),
    };
    let message = format!("couldn't find key {key} in {word} {namespace}/{name}");
    absence(message, mandatory, tolerated, optional, remarks)
}

fn absence(
    message: String,
    mandatory: &'static str,
    tolerated: &'static str,
    optional: Option<bool>,
    remarks: &mut Vec<Remark>,
) -> Result<(), RequestError> {
    if optional != Some(true) {
        return Err(RequestError::Source { reason: mandatory, message });
    }
    remarks.push(Remark { reason: tolerated, message });
    Ok(())
}

/// The value of the pod's field `path`, as the downward API names it.
///
/// # Errors
/// A field that no variable may name.
pub fn field(path: &str, pod: &Pod) -> Result<EnvValue, RequestError> {
    let metadata = &pod.metadata;
    let spec = pod.spec.as_ref();
    let text = |text: Option<&String>| Ok(EnvValue::Text(text.cloned().unwrap_or_default()));
    match path {
        "metadata.name" => text(metadata.name.as_ref()),
        "metadata.namespace" => text(metadata.namespace.as_ref()),
        "metadata.uid" => text(metadata.uid.as_ref()),
        "spec.nodeName" => text(spec.and_then(|spec| spec.node_name.as_ref())),
        "spec.serviceAccountName" => text(spec.and_then(|spec| spec.service_account_name.as_ref())),
        // An instance is its own host: both addresses are one.
        "status.podIP" | "status.podIPs" | "status.hostIP" | "status.hostIPs" => Ok(EnvValue::PodIp),
        _ => {
            let subscript = |map: &Option<BTreeMap<String, String>>, start: &str| {
                let key = path.strip_prefix(start)?.strip_suffix("']")?;
                Some(map.as_ref().and_then(|map| map.get(key)).cloned().unwrap_or_default())
            };
            subscript(&metadata.labels, "metadata.labels['")
                .or_else(|| subscript(&metadata.annotations, "metadata.annotations['"))
                .map(EnvValue::Text)
                .ok_or_else(|| {
                    RequestError::Unsupported(format!("field {path} cannot be given to a container"))
                })
        }
    }
}

/// The amount of a container's resource, divided by the selector's divisor and rounded up.
///
/// # Errors
/// A resource or a divisor that cannot be read.
pub fn resource(
    selector: &ResourceFieldSelector,
    container: &Container,
    context: &EnvContext<'_>,
) -> Result<String, RequestError> {
    let spec = context.pod.spec.as_ref();
    let named = selector.container_name.as_deref().filter(|name| !name.is_empty());
    let others =
        spec.into_iter().flat_map(|spec| spec.containers.iter().chain(spec.init_containers.iter().flatten()));
    let container = named.and_then(|name| others.into_iter().find(|c| c.name == name)).unwrap_or(container);
    let unusable = || {
        RequestError::Unsupported(format!("resource {} cannot be given to a container", selector.resource))
    };
    let (kind, resource) = selector.resource.split_once('.').ok_or_else(unusable)?;
    let listed = container.resources.as_ref().and_then(|resources| match kind {
        "limits" => resources.limits.as_ref(),
        _ => resources.requests.as_ref(),
    });
    let said = listed.and_then(|list| list.get(resource)).and_then(quantity::value);
    let fallback = || match (kind, resource) {
        ("requests", _) => Decimal::ZERO,
        (_, "cpu") => context.size.cpu.unwrap_or(Decimal::TWO),
        (_, "memory") => context.size.memory.unwrap_or(Decimal::from(4)) * Decimal::from(1u64 << 30),
        _ => Decimal::ZERO,
    };
    let value = said
        .or_else(|| size::declared(container, resource).filter(|_| kind == "limits"))
        .unwrap_or_else(fallback);
    let divisor = selector.divisor.as_ref().and_then(quantity::value).filter(|divisor| !divisor.is_zero());
    let divided = value.checked_div(divisor.unwrap_or(Decimal::ONE)).ok_or_else(unusable)?;
    Ok(divided.ceil().normalize().to_string())
}

/// The Services by name with the variables by which containers find them; the API server's own first. Of two of one name
/// that of the pod's namespace counts.
fn service_links(sources: &Sources) -> Vec<(&str, Vec<(String, String)>)> {
    let named = sources.services.iter().filter_map(|one| Some((one.metadata.name.as_deref()?, one)));
    let by_name: BTreeMap<&str, &Service> = named.collect();
    let mut links: Vec<_> =
        by_name.into_iter().filter_map(|(name, service)| Some((name, variables_of(service)?))).collect();
    links.sort_by_key(|(name, _)| *name != "kubernetes");
    links
}

fn variables_of(service: &Service) -> Option<Vec<(String, String)>> {
    let spec = service.spec.as_ref()?;
    let address = spec.cluster_ip.as_deref().filter(|ip| !ip.is_empty() && *ip != "None")?;
    let name = service.metadata.name.as_deref()?.to_ascii_uppercase().replace('-', "_");
    let ports = spec.ports.as_deref().unwrap_or_default();
    let first = ports.first()?;
    let mut variables = vec![
        (format!("{name}_SERVICE_HOST"), address.to_owned()),
        (format!("{name}_SERVICE_PORT"), first.port.to_string()),
    ];
    let url = |port: &k8s_openapi::api::core::v1::ServicePort| {
        let protocol = port.protocol.as_deref().unwrap_or("TCP").to_ascii_lowercase();
        let bracketed = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
        (format!("{protocol}://{bracketed}:{}", port.port), protocol)
    };
    variables.push((format!("{name}_PORT"), url(first).0));
    for port in ports {
        if let Some(port_name) = port.name.as_deref().filter(|name| !name.is_empty()) {
            let port_name = port_name.to_ascii_uppercase().replace('-', "_");
            variables.push((format!("{name}_SERVICE_PORT_{port_name}"), port.port.to_string()));
        }
        let (url, protocol) = url(port);
        let prefix = format!("{name}_PORT_{}_{}", port.port, protocol.to_ascii_uppercase());
        variables.push((prefix.clone(), url));
        variables.push((format!("{prefix}_PROTO"), protocol));
        variables.push((format!("{prefix}_PORT"), port.port.to_string()));
        variables.push((format!("{prefix}_ADDR"), address.to_owned()));
    }
    Some(variables)
}

/// Replaces `$(NAME)` where `lookup` knows the name; `$$` becomes `$`, all else stays as it is written.
pub fn expand(text: &str, lookup: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (told, left) = if let Some(left) = after.strip_prefix('$') {
            ("$".to_owned(), left)
        } else if let Some((name, left)) = after.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
            (lookup(name).unwrap_or_else(|| format!("$({name})")), left)
        } else {
            ("$".to_owned(), after)
        };
        out.push_str(&told);
        rest = left;
    }
    out.push_str(rest);
    out
}

/// A name that ECI takes: letters, digits and underscore, no digit first, at most 128.
fn is_name(name: &str) -> bool {
    let valid = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    valid && !name.is_empty() && name.len() <= 128 && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests;
