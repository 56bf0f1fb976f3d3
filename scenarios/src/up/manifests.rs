//! Manifests that a playground begins with.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::discovery::{Scope, pinned_kind};
use kube::{Api, Client};
use serde_json::Value;

use crate::objects::Fields as _;

/// The manager of the fields that the manifests give.
const MANAGER: &str = "scenarios-up";

/// The objects of all files, in their order; those of a `List` one by one.
pub(super) fn read(files: &[PathBuf]) -> anyhow::Result<Vec<Value>> {
    let mut all = Vec::new();
    for file in files {
        all.extend(of_file(file).with_context(|| format!("cannot apply {}", file.display()))?);
    }
    Ok(all)
}

fn of_file(file: &Path) -> anyhow::Result<Vec<Value>> {
    let text = std::fs::read_to_string(file)?;
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text)?;
    let mut objects = Vec::new();
    for document in documents.into_iter().filter(|document| !document.is_null()) {
        match document.text("/kind") {
            Some("List") => objects.extend(document.list("/items").iter().cloned()),
            _ => objects.push(document),
        }
    }
    ensure!(!objects.is_empty(), "it holds no manifest");
    for object in &objects {
        for field in ["/apiVersion", "/kind", "/metadata/name"] {
            if object.text(field).is_none_or(str::is_empty) {
                bail!("a manifest in it has no {}", field.trim_start_matches('/').replace('/', "."));
            }
        }
    }
    Ok(objects)
}

/// Applies a manifest on the server's side; returns what it is, as `deployment web`.
pub(super) async fn apply(client: &Client, manifest: &Value) -> anyhow::Result<String> {
    let of = |field| manifest.text(field).unwrap_or_default();
    let (kind, name) = (of("/kind"), of("/metadata/name"));
    let told = format!("{} {name}", kind.to_lowercase());
    let (group, version) = of("/apiVersion").rsplit_once('/').unwrap_or(("", of("/apiVersion")));
    let wanted = GroupVersionKind::gvk(group, version, kind);
    let no_match = || format!("no matches for kind {kind:?} in version {:?}", of("/apiVersion"));
    let (resource, capabilities) = pinned_kind(client, &wanted).await.with_context(no_match)?;
    let objects: Api<DynamicObject> = match capabilities.scope {
        Scope::Cluster => Api::all_with(client.clone(), &resource),
        Scope::Namespaced => {
            let namespace = manifest.text("/metadata/namespace").unwrap_or("default");
            Api::namespaced_with(client.clone(), namespace, &resource)
        }
    };
    let applied = objects.patch(name, &PatchParams::apply(MANAGER), &Patch::Apply(manifest)).await;
    applied.with_context(|| format!("cannot apply {told}"))?;
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(text: &str) -> anyhow::Result<Vec<Value>> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("m.yaml");
        std::fs::write(&file, text).unwrap();
        read(&[file])
    }

    #[test]
    fn documents_and_items_of_lists_are_objects() {
        let map = |name: &str| format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}}}\n");
        let text =
            format!("{}---\n---\napiVersion: v1\nkind: List\nitems:\n- {}- {}", map("a"), map("b"), map("c"));
        let found = objects(&text).unwrap();
        let names: Vec<_> = found.iter().filter_map(|object| object.text("/metadata/name")).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[test]
    fn what_is_no_manifest_is_told_before_anything_starts() {
        for (text, wanted) in [
            ("", "it holds no manifest"),
            ("{apiVersion: v1, kind: Pod}", "has no metadata.name"),
            ("[", "m.yaml"),
        ] {
            let error = format!("{:#}", objects(text).unwrap_err());
            assert!(error.contains(wanted), "{error}");
        }
    }
}
