//! A group's names and registries: host name, DNS, hosts file, and the keys with which images are pulled.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use eci_api::actions::create_container_group as wire;
use k8s_openapi::api::core::v1::{Pod, PodSpec, Secret};
use serde::Deserialize;

use super::error::Remark;
use crate::pods::sources::Sources;

/// The servers, searches and options that a request may have: one fewer each than the published schema says, as everywhere
/// where a page names the number, too (`actions.json`, eci-openapi.md 5).
const DNS_MAX: usize = 19;

/// The host name that the pod's containers see.
pub fn host_name(pod: &Pod, spec: &PodSpec) -> Option<String> {
    let given = [&spec.hostname_override, &spec.hostname].into_iter().flatten().find(|name| !name.is_empty());
    let name = given.or(pod.metadata.name.as_ref())?;
    let cut: String = name.chars().take(63).collect();
    Some(cut.trim_end_matches(['-', '.']).to_owned())
}

/// Gives `request` its DNS, hosts and keys.
pub fn fill(
    request: &mut wire::CreateContainerGroup,
    pod: &Pod,
    spec: &PodSpec,
    sources: &Sources,
    domain: &str,
    remarks: &mut Vec<Remark>,
) {
    dns(request, pod, spec, &sources.dns, domain);
    if let Some(config) = &mut request.dns_config {
        fit(&mut config.name_server, "nameservers", remarks);
        fit(&mut config.search, "searches", remarks);
        fit(&mut config.option, "options", remarks);
    }
    request.host_aliase = spec
        .host_aliases
        .iter()
        .flatten()
        .map(|alias| wire::HostAliase {
            ip: Some(alias.ip.clone()),
            hostname: alias.hostnames.clone().unwrap_or_default(),
        })
        .collect();
    request.image_registry_credential = credentials(pod, spec, sources, remarks);
}

/// Fills in the containers' resolv.conf: the cluster's DNS first, unless the pod says otherwise, and behind it what
/// the pod adds, as a kubelet does it.
fn dns(
    request: &mut wire::CreateContainerGroup,
    pod: &Pod,
    spec: &PodSpec,
    servers: &[String],
    domain: &str,
) {
    let own = spec.dns_config.as_ref();
    if own.is_none() && servers.is_empty() {
        if spec.dns_policy.as_deref() == Some("Default") {
            request.dns_policy = Some("Default".to_owned());
        }
        return;
    }
    let mut config = match servers {
        [] => wire::DnsConfig::default(),
        servers => {
            let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
            let dots = wire::DnsOption { name: Some("ndots".to_owned()), value: Some("5".to_owned()) };
            wire::DnsConfig {
                name_server: servers.to_vec(),
                search: vec![format!("{namespace}.svc.{domain}"), format!("svc.{domain}"), domain.to_owned()],
                option: vec![dots],
            }
        }
    };
    if let Some(own) = own {
        add(&mut config.name_server, own.nameservers.iter().flatten());
        add(&mut config.search, own.searches.iter().flatten());
        for option in own.options.iter().flatten() {
            config.option.retain(|there| there.name != option.name);
            config.option.push(wire::DnsOption { name: option.name.clone(), value: option.value.clone() });
        }
    }
    request.dns_policy = Some("None".to_owned());
    request.dns_config = Some(config);
}

/// Leaves out what is too much together with the cluster's own, which stands first.
fn fit<T>(list: &mut Vec<T>, what: &str, remarks: &mut Vec<Remark>) {
    if list.len() > DNS_MAX {
        let count = list.len() - DNS_MAX;
        list.truncate(DNS_MAX);
        remarks.push(Remark::left_out(format!(
            "the last {count} {what} of dnsConfig are left out: ECI takes {DNS_MAX}, the cluster's own among them"
        )));
    }
}

fn add<'a>(there: &mut Vec<String>, more: impl Iterator<Item = &'a String>) {
    for one in more {
        if !there.contains(one) {
            there.push(one.clone());
        }
    }
}

#[derive(Deserialize)]
struct DockerConfig {
    #[serde(default)]
    auths: BTreeMap<String, DockerAuth>,
}

#[derive(Deserialize)]
struct DockerAuth {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    auth: String,
}

fn credentials(
    pod: &Pod,
    spec: &PodSpec,
    sources: &Sources,
    remarks: &mut Vec<Remark>,
) -> Vec<wire::ImageRegistryCredential> {
    let mut found: BTreeMap<String, wire::ImageRegistryCredential> = BTreeMap::new();
    let mut missing = Vec::new();
    for reference in spec.image_pull_secrets.iter().flatten() {
        match sources.secrets.get(&reference.name).and_then(docker_config) {
            Some(auths) => {
                for (server, auth) in auths {
                    let Some((user_name, password)) = user_and_password(auth) else { continue };
                    let server = registry(&server);
                    found.entry(server.clone()).or_insert(wire::ImageRegistryCredential {
                        server: Some(server),
                        user_name: Some(user_name),
                        password: Some(password),
                    });
                }
            }
            None => missing.push(reference.name.clone()),
        }
    }
    if !missing.is_empty() {
        let message = format!(
            "Unable to retrieve some image pull secrets ({}); attempting to pull the image may not succeed.",
            missing.join(", ")
        );
        tracing::debug!(pod = ?pod.metadata.name, "{message}");
        remarks.push(Remark { reason: "FailedToRetrieveImagePullSecret", message });
    }
    found.into_values().collect()
}

fn docker_config(secret: &Secret) -> Option<BTreeMap<String, DockerAuth>> {
    let data = secret.data.as_ref()?;
    if let Some(config) = data.get(".dockerconfigjson") {
        return serde_json::from_slice::<DockerConfig>(&config.0).ok().map(|config| config.auths);
    }
    serde_json::from_slice(&data.get(".dockercfg")?.0).ok()
}

fn user_and_password(auth: DockerAuth) -> Option<(String, String)> {
    if !auth.username.is_empty() {
        return Some((auth.username, auth.password));
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(auth.auth.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// The cloud wants the registry without scheme and path.
fn registry(server: &str) -> String {
    let bare = server.trim_start_matches("https://").trim_start_matches("http://");
    bare.split('/').next().unwrap_or(bare).to_owned()
}
