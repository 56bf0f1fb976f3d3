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

/// What a ConfigMap or Secret holds, as a hash that is never told to anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    /// The hash.
    pub hash: String,
    /// The UID of a Secret.
    pub uid: Option<String>,
}

/// What is known of the files of one pod.
#[derive(Debug, Default)]
pub(super) struct FileNotes {
    /// The content of each source that was seen last.
    contents: BTreeMap<FileSource, Content>,
    /// The tokens of which the pod was told.
    pub(super) tokens: BTreeSet<TokenSpec>,
    /// The seconds for which the tokens in its instance are good, where this process asked for them.
    pub(super) lives: BTreeMap<TokenSpec, i64>,
}

impl FileNotes {
    /// The notes of a pod whose instance is made from these sources.
    pub fn of(found: &Sources) -> Self {
        let lives = found.tokens.iter().filter_map(|(spec, token)| Some((spec.clone(), life_of(token)?)));
        Self { lives: lives.collect(), ..Self::default() }
    }

    /// Takes note of a source's content; true where it is another than before, and another than the instance was made with,
    /// which `made` tells if it is known.
    pub fn is_another(&mut self, source: &FileSource, content: &Content, made: Option<bool>) -> bool {
        let before = self.contents.insert(source.clone(), content.clone());
        before.as_ref() != Some(content) && made.unwrap_or(before.is_some())
    }
}

/// The seconds for which a token is good, as it says itself.
pub(super) fn life_of(token: &str) -> Option<i64> {
    let claims = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    claims["exp"].as_i64()?.checked_sub(claims["iat"].as_i64()?)
}

impl Content {
    /// What a ConfigMap holds.
    pub fn of_config_map(found: &ConfigMap) -> Self {
        Self { hash: hash(&(&found.data, &found.binary_data)), uid: None }
    }

    /// What a Secret holds.
    pub fn of_secret(found: &Secret) -> Self {
        Self { hash: hash(&found.data), uid: Some(found.metadata.uid.clone().unwrap_or_default()) }
    }

    /// A hash for tags and names of events, which people see who may not see Secrets: their UID, which is told nowhere else,
    /// keeps those from trying what a Secret may hold.
    pub fn public_hash(&self) -> String {
        self.uid.as_ref().map_or_else(|| self.hash.clone(), |uid| hash(&(uid, &self.hash)))
    }
}

fn hash(content: &impl Serialize) -> String {
    acs3::sha256_hex(&serde_json::to_vec(content).unwrap_or_default())
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
    fn a_source_has_changed_when_its_content_is_neither_as_before_nor_as_the_instance_has_it() {
        let source = FileSource::ConfigMap("settings".into());
        let content = |text: &str| Content { hash: text.into(), uid: None };
        for (seen, made_with, told) in [
            ("aabba", None, [false, false, true, false, true]),
            ("aabba", Some("a"), [false, false, true, false, false]),
            ("bbabb", Some("a"), [true, false, false, true, false]),
        ] {
            let mut notes = FileNotes::default();
            let seen = seen.split("").filter(|text| !text.is_empty());
            let is_another = seen
                .map(|text| notes.is_another(&source, &content(text), made_with.map(|made| made != text)));
            assert_eq!(is_another.collect::<Vec<_>>(), told);
        }
    }

    #[test]
    fn labels_are_no_content() {
        let of = |metadata| {
            let found = json!({ "metadata": metadata, "data": { "a": "1" } });
            Content::of_config_map(&serde_json::from_value(found).unwrap())
        };
        assert_eq!(of(json!({})), of(json!({ "labels": { "a": "b" }, "resourceVersion": "9" })));
    }
}
