//! The files of a pod that come from ConfigMaps and Secrets, and what was last seen of these.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use eci_api::signature::acs3;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret, Volume};
use serde::Serialize;

use super::request::ADDED_VOLUME;
use super::sources::{Sources, TokenSpec};

/// An object of the pod's namespace whose content is files of the pod.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FileSource {
    ConfigMap(String),
    Secret(String),
}

/// What is known of the files of one pod.
#[derive(Debug, Default)]
pub(super) struct FileNotes {
    /// The content of each source that was seen last, as a hash that is never told to anybody.
    contents: BTreeMap<FileSource, String>,
    /// The tokens of which the pod was told.
    pub(super) tokens: BTreeSet<TokenSpec>,
    /// The seconds for which the tokens in its instance are good, where this process asked for them.
    pub(super) lives: BTreeMap<TokenSpec, i64>,
}

impl FileNotes {
    /// The notes of a pod whose instance is made from these sources.
    pub fn of(pod: &Pod, found: &Sources) -> Self {
        let content = |source: &FileSource| match source {
            FileSource::ConfigMap(name) => content_of_config_map(found.config_maps.get(name)?),
            FileSource::Secret(name) => content_of_secret(found.secrets.get(name)?),
        };
        let contents = file_sources(pod).into_iter();
        Self {
            contents: contents.filter_map(|source| Some((source.clone(), content(&source)?))).collect(),
            tokens: BTreeSet::new(),
            lives: found
                .tokens
                .iter()
                .filter_map(|(spec, token)| Some((spec.clone(), life_of(token)?)))
                .collect(),
        }
    }

    /// Takes note of a source's content; true where it is another than before.
    pub fn is_another(&mut self, source: &FileSource, content: &str) -> bool {
        let before = self.contents.insert(source.clone(), content.to_owned());
        before.is_some_and(|before| before != content)
    }
}

/// The seconds for which a token is good, as it says itself.
pub(super) fn life_of(token: &str) -> Option<i64> {
    let claims = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    claims["exp"].as_i64()?.checked_sub(claims["iat"].as_i64()?)
}

/// The content of a ConfigMap, as a hash.
pub(super) fn content_of_config_map(found: &ConfigMap) -> Option<String> {
    hash(&(&found.data, &found.binary_data))
}

/// The content of a Secret, as a hash.
pub(super) fn content_of_secret(found: &Secret) -> Option<String> {
    hash(&found.data)
}

fn hash(content: &impl Serialize) -> Option<String> {
    Some(acs3::sha256_hex(&serde_json::to_vec(content).ok()?))
}

/// The sources whose files a kubelet would renew: those of volumes that are mounted as a whole. The volume that the API server
/// adds is left out, whose ConfigMap changes with the cluster's authority alone.
pub(super) fn file_sources(pod: &Pod) -> BTreeSet<FileSource> {
    let Some(spec) = &pod.spec else { return BTreeSet::new() };
    let containers = spec.containers.iter().chain(spec.init_containers.iter().flatten());
    let mounts = containers.flat_map(|container| container.volume_mounts.iter().flatten());
    let whole = mounts.filter(|mount| mount.sub_path.is_none() && mount.sub_path_expr.is_none());
    let whole: BTreeSet<&str> = whole.map(|mount| mount.name.as_str()).collect();
    let volumes = spec.volumes.iter().flatten();
    let volumes = volumes.filter(|volume| whole.contains(volume.name.as_str()));
    volumes.filter(|volume| !volume.name.starts_with(ADDED_VOLUME)).flat_map(sources_of).collect()
}

fn sources_of(volume: &Volume) -> Vec<FileSource> {
    let mut found = Vec::new();
    found.extend(volume.config_map.as_ref().map(|source| FileSource::ConfigMap(source.name.clone())));
    let secret = volume.secret.as_ref().and_then(|source| source.secret_name.clone());
    found.extend(secret.map(FileSource::Secret));
    for projection in volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten()) {
        found.extend(projection.config_map.as_ref().map(|it| FileSource::ConfigMap(it.name.clone())));
        found.extend(projection.secret.as_ref().map(|it| FileSource::Secret(it.name.clone())));
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(volumes: serde_json::Value, mounts: serde_json::Value) -> Pod {
        let containers = json!([{ "name": "c", "volumeMounts": mounts }]);
        serde_json::from_value(json!({ "spec": { "containers": containers, "volumes": volumes } })).unwrap()
    }

    #[test]
    fn files_that_a_kubelet_would_renew_are_those_of_whole_volumes() {
        let mounts = json!([
            { "name": "a", "mountPath": "/a" },
            { "name": "b", "mountPath": "/b", "subPath": "x" },
            { "name": "c", "mountPath": "/c" },
            { "name": "kube-api-access-x", "mountPath": "/d" }
        ]);
        let volumes = json!([
            { "name": "a", "configMap": { "name": "settings" } },
            { "name": "b", "configMap": { "name": "part" } },
            { "name": "c", "projected": { "sources": [{ "secret": { "name": "keys" } }] } },
            { "name": "kube-api-access-x", "projected": { "sources": [{ "configMap": { "name": "ca" } }] } },
            { "name": "unused", "secret": { "secretName": "unused" } }
        ]);
        let found: Vec<_> = file_sources(&pod(volumes, mounts)).into_iter().collect();
        assert_eq!(found, [FileSource::ConfigMap("settings".into()), FileSource::Secret("keys".into())]);
    }

    #[test]
    fn a_source_has_changed_when_its_content_has_and_not_when_it_is_first_seen() {
        let source = FileSource::ConfigMap("settings".into());
        let mut notes = FileNotes::default();
        let is_another: Vec<_> = ["a", "a", "b", "b"].map(|text| notes.is_another(&source, text)).into();
        assert_eq!(is_another, [false, false, true, false]);
    }

    #[test]
    fn labels_are_no_content() {
        let of = |metadata| {
            let found = json!({ "metadata": metadata, "data": { "a": "1" } });
            content_of_config_map(&serde_json::from_value(found).unwrap())
        };
        assert_eq!(of(json!({})), of(json!({ "labels": { "a": "b" }, "resourceVersion": "9" })));
    }
}
