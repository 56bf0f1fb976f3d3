//! The ConfigMaps, Secrets, Services and tokens that a pod's request needs: which they are, and how they are read.

mod services;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{
    ConfigMap, Container, PersistentVolume, PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount,
    Volume, VolumeProjection,
};
use kube::api::PostParams;
use kube::{Api, Client};

pub use self::services::{Arrival, ServiceLists};

/// The objects besides the pod from which a request is made.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The ConfigMaps that exist, by name.
    pub config_maps: BTreeMap<String, ConfigMap>,
    /// The Secrets that exist, by name.
    pub secrets: BTreeMap<String, Secret>,
    /// The Services of the pod's namespace, and `kubernetes`.
    pub services: Vec<Service>,
    /// The tokens, by what was asked.
    pub tokens: BTreeMap<TokenSpec, String>,
    /// The claims that exist, by name.
    pub claims: BTreeMap<String, ClaimSource>,
    /// The addresses of the cluster's DNS, where the pod is to ask it.
    pub dns: Vec<String>,
}

/// A claim, with what it is bound to.
#[derive(Debug, Clone, Default)]
pub struct ClaimSource {
    /// The claim.
    pub claim: PersistentVolumeClaim,
    /// The volume that the claim names.
    pub volume: Option<PersistentVolume>,
    /// The Secret with which that volume is mounted.
    pub secret: Option<Secret>,
}

/// Names of Alibaba Cloud's CSI drivers.
pub mod csi {
    /// The driver of disks.
    pub const DISK: &str = "diskplugin.csi.alibabacloud.com";
    /// The driver of NAS file systems.
    pub const NAS: &str = "nasplugin.csi.alibabacloud.com";
    /// The driver of OSS buckets.
    pub const OSS: &str = "ossplugin.csi.alibabacloud.com";
}

/// A token that a volume asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenSpec {
    /// The audience of the token; the API server itself when absent.
    pub audience: Option<String>,
    /// The token's life, in seconds.
    pub seconds: i64,
}

/// The objects that a pod refers to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// Names of ConfigMaps.
    pub config_maps: BTreeSet<String>,
    /// Names of Secrets.
    pub secrets: BTreeSet<String>,
    /// Tokens of its service account.
    pub tokens: BTreeSet<TokenSpec>,
    /// Names of claims.
    pub claims: BTreeSet<String>,
}

/// The life of a token whose volume names none, in seconds.
const TOKEN_SECONDS: i64 = 3600;

impl TokenSpec {
    /// The token that one projection asks for.
    pub fn of(projection: &k8s_openapi::api::core::v1::ServiceAccountTokenProjection) -> Self {
        Self {
            audience: projection.audience.clone().filter(|audience| !audience.is_empty()),
            seconds: projection.expiration_seconds.unwrap_or(TOKEN_SECONDS),
        }
    }
}

/// Everything that `pod` refers to by name.
pub fn references(pod: &Pod) -> References {
    let mut references = References::default();
    let Some(spec) = &pod.spec else { return references };
    for container in spec.containers.iter().chain(spec.init_containers.iter().flatten()) {
        environment(container, &mut references);
    }
    for secret in spec.image_pull_secrets.iter().flatten() {
        references.secrets.insert(secret.name.clone());
    }
    for volume in spec.volumes.iter().flatten() {
        if let Some(source) = &volume.config_map {
            references.config_maps.insert(source.name.clone());
        }
        references.secrets.extend(volume.secret.as_ref().and_then(|source| source.secret_name.clone()));
        let keys = volume.csi.as_ref().and_then(|csi| csi.node_publish_secret_ref.as_ref());
        references.secrets.extend(keys.map(|secret| secret.name.clone()));
        references.claims.extend(claim_name(pod, volume));
        for projection in volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten()) {
            projected(projection, &mut references);
        }
    }
    references.config_maps.retain(|name| !name.is_empty());
    references.secrets.retain(|name| !name.is_empty());
    references
}

/// The name of the claim that a volume mounts: one that it names, or the one that the control plane makes for it.
pub fn claim_name(pod: &Pod, volume: &Volume) -> Option<String> {
    let made = volume.ephemeral.as_ref().and(pod.metadata.name.as_ref());
    let named = volume.persistent_volume_claim.as_ref().map(|source| source.claim_name.clone());
    named.or_else(|| made.map(|pod| format!("{pod}-{}", volume.name)))
}

fn environment(container: &Container, references: &mut References) {
    for from in container.env_from.iter().flatten() {
        references.config_maps.extend(from.config_map_ref.as_ref().map(|source| source.name.clone()));
        references.secrets.extend(from.secret_ref.as_ref().map(|source| source.name.clone()));
    }
    for from in container.env.iter().flatten().filter_map(|variable| variable.value_from.as_ref()) {
        references.config_maps.extend(from.config_map_key_ref.as_ref().map(|key| key.name.clone()));
        references.secrets.extend(from.secret_key_ref.as_ref().map(|key| key.name.clone()));
    }
}

fn projected(projection: &VolumeProjection, references: &mut References) {
    references.config_maps.extend(projection.config_map.as_ref().map(|source| source.name.clone()));
    references.secrets.extend(projection.secret.as_ref().map(|source| source.name.clone()));
    references.tokens.extend(projection.service_account_token.as_ref().map(TokenSpec::of));
}

/// Reads what `pod` refers to, each by its name; what does not exist is left out. Services come from a list that the pod may
/// share with others.
///
/// # Errors
/// When the API server does not answer, or forbids.
pub async fn gather(
    client: &Client,
    pod: &Pod,
    (lists, arrival): (&ServiceLists, &Arrival<'_>),
) -> kube::Result<Sources> {
    let references = references(pod);
    let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
    let mut sources = Sources::default();
    let config_maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    for name in references.config_maps {
        if let Some(found) = config_maps.get_opt(&name).await? {
            sources.config_maps.insert(name, found);
        }
    }
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    for name in references.secrets {
        if let Some(found) = secrets.get_opt(&name).await? {
            sources.secrets.insert(name, found);
        }
    }
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
    for name in references.claims {
        if let Some(found) = claims.get_opt(&name).await? {
            sources.claims.insert(name, bound(client, found).await?);
        }
    }
    sources.services = lists.of(client, pod, arrival).await?;
    for wish in references.tokens {
        let token = token_of(client, pod, &wish).await?;
        sources.tokens.insert(wish, token);
    }
    Ok(sources)
}

/// A claim with its volume, and with that one's Secret where it may be read.
async fn bound(client: &Client, claim: PersistentVolumeClaim) -> kube::Result<ClaimSource> {
    let mut found = ClaimSource { claim, ..ClaimSource::default() };
    let name = found.claim.spec.as_ref().and_then(|spec| spec.volume_name.as_deref());
    let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(found) };
    found.volume = Api::all(client.clone()).get_opt(name).await?;
    let secret = found.volume.as_ref().and_then(|volume: &PersistentVolume| {
        let csi = volume.spec.as_ref()?.csi.as_ref().filter(|csi| csi.driver == csi::OSS)?;
        let secret = csi.node_publish_secret_ref.as_ref()?;
        secret.namespace.clone().zip(secret.name.clone())
    });
    if let Some((namespace, name)) = secret {
        found.secret = match Api::namespaced(client.clone(), &namespace).get_opt(&name).await {
            Err(kube::Error::Api(refused)) if refused.code == 403 => {
                tracing::warn!(namespace, name, "the Secret of a persistent volume may not be read");
                None
            }
            read => read?,
        };
    }
    Ok(found)
}

/// A token of the pod's service account that ends with the pod.
///
/// # Errors
/// When the API server does not answer, or forbids.
async fn token_of(client: &Client, pod: &Pod, wish: &TokenSpec) -> kube::Result<String> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or("default");
    let account =
        pod.spec.as_ref().and_then(|spec| spec.service_account_name.as_deref()).unwrap_or("default");
    let api: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let request = TokenRequest {
        spec: TokenRequestSpec {
            audiences: wish.audience.iter().cloned().collect(),
            expiration_seconds: Some(wish.seconds),
            bound_object_ref: Some(BoundObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Pod".to_owned()),
                name: pod.metadata.name.clone(),
                uid: pod.metadata.uid.clone(),
            }),
        },
        ..TokenRequest::default()
    };
    let answer = api.create_token_request(account, &PostParams::default(), &request).await?;
    Ok(answer.status.map(|status| status.token).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_a_pod_refers_to_is_wished_for_once() {
        let pod: Pod = serde_json::from_value(json!({ "metadata": { "name": "p" }, "spec": {
            "imagePullSecrets": [{ "name": "registry" }],
            "initContainers": [{ "name": "i", "envFrom": [{ "secretRef": { "name": "keys" } }] }],
            "containers": [{ "name": "c", "env": [
                { "name": "A", "valueFrom": { "configMapKeyRef": { "name": "settings", "key": "a" } } },
                { "name": "B", "valueFrom": { "secretKeyRef": { "name": "keys", "key": "b" } } }
            ] }],
            "volumes": [
                { "name": "v", "configMap": { "name": "files" } },
                { "name": "d", "persistentVolumeClaim": { "claimName": "data" } },
                { "name": "e", "ephemeral": {} },
                { "name": "t", "projected": { "sources": [
                    { "serviceAccountToken": { "path": "token", "expirationSeconds": 3607 } },
                    { "configMap": { "name": "kube-root-ca.crt" } }
                ] } }
            ]
        } }))
        .unwrap();
        let references = references(&pod);
        let names = |all: &BTreeSet<String>| all.iter().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(names(&references.config_maps), "files kube-root-ca.crt settings");
        assert_eq!(names(&references.secrets), "keys registry");
        assert_eq!(names(&references.claims), "data p-e");
        assert_eq!(references.tokens, [TokenSpec { audience: None, seconds: 3607 }].into());
    }
}
