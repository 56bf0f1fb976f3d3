//! `apply:` a manifest that stands in the case, or `{ file: nginx.yaml }` beside it.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use kube::discovery::Scope;
use kube::{Api, ResourceExt, discovery};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::texts;
use crate::outcome::Miss;
use crate::scenario::error::CaseError;
use crate::scenario::names::{HOME, PodName};
use crate::stage::World;

/// Makes an object, or changes the one that is there.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub struct Apply(Manifest);

#[derive(Debug, Clone)]
enum Manifest {
    File { path: String, namespace: Option<String> },
    Inline(Box<Value>),
}

impl TryFrom<Map<String, Value>> for Apply {
    type Error = CaseError;

    fn try_from(mut fields: Map<String, Value>) -> Result<Self, CaseError> {
        if fields.contains_key("apiVersion") || fields.contains_key("kind") {
            for field in ["apiVersion", "kind", "metadata"] {
                if !fields.contains_key(field) {
                    return Err(CaseError::ManifestLacks(field));
                }
            }
            return Ok(Self(Manifest::Inline(Box::new(Value::Object(fields)))));
        }
        let mut text = |name: &str| match fields.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let (path, namespace) = (text("file"), text("namespace"));
        match (path, fields.keys().next()) {
            (Some(path), None) => Ok(Self(Manifest::File { path, namespace })),
            (_, Some(other)) => Err(CaseError::NoSuchApplyField(other.clone())),
            (None, None) => Err(CaseError::Lacks {
                holder: "apply",
                lacking: "a manifest (`apiVersion`, `kind`, `metadata`), or `file: nginx.yaml`",
            }),
        }
    }
}

impl Apply {
    pub(super) fn namespace_made(&self) -> Option<&str> {
        let Manifest::Inline(manifest) = &self.0 else { return None };
        let text = |pointer| manifest.pointer(pointer).and_then(Value::as_str);
        text("/metadata/name").filter(|_| text("/kind") == Some("Namespace"))
    }

    /// The pod that it makes, where the manifest stands here; `None` too of one that has another kind.
    pub(super) fn pod_made(&self) -> Option<PodName> {
        let Manifest::Inline(manifest) = &self.0 else { return None };
        let text = |pointer| manifest.pointer(pointer).and_then(Value::as_str);
        let namespace = text("/metadata/namespace").unwrap_or(HOME);
        let name = text("/metadata/name").filter(|_| text("/kind") == Some("Pod"))?;
        format!("{namespace}/{name}").parse().ok()
    }

    /// True when it makes something that pods come of: anything but a namespace.
    pub(super) fn makes_pods(&self) -> bool {
        self.namespace_made().is_none()
    }

    /// True when it makes objects of another kind than pods, whose pods get names that do not stand here.
    pub(super) fn makes_unnamed_pods(&self) -> bool {
        self.makes_pods() && self.pod_made().is_none()
    }

    /// The images in the manifest that stands here.
    pub(super) fn images(&self) -> Vec<&str> {
        let Manifest::Inline(manifest) = &self.0 else { return Vec::new() };
        let mut images = Vec::new();
        images_in(manifest, &mut images);
        images
    }

    /// True when the manifest stands in a file, which is not read before the step is played.
    pub(super) fn is_in_a_file(&self) -> bool {
        matches!(self.0, Manifest::File { .. })
    }

    pub(super) fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        if let Manifest::Inline(manifest) = &mut self.0 {
            texts::of_value(manifest, each);
        }
    }

    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        match &self.0 {
            Manifest::Inline(manifest) => apply(world, (**manifest).clone(), None).await,
            Manifest::File { path, namespace } => {
                for manifest in read(&world.folder().join(path))? {
                    apply(world, manifest, namespace.as_deref()).await?;
                }
                Ok(())
            }
        }
    }
}

/// Gathers the texts of all fields `image`.
fn images_in<'a>(value: &'a Value, images: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            images.extend(fields.get("image").and_then(Value::as_str));
            fields.values().for_each(|field| images_in(field, images));
        }
        Value::Array(elements) => elements.iter().for_each(|element| images_in(element, images)),
        _ => {}
    }
}

/// The documents of a manifest file.
fn read(path: &Path) -> Result<Vec<Value>, Miss> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| Miss::Refused(format!("{shown}: {error}")))?;
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(&text).map_err(|error| Miss::Refused(format!("{shown}: {error}")))?;
    let manifests: Vec<_> = documents.into_iter().filter(|document| !document.is_null()).collect();
    match manifests.is_empty() {
        true => Err(Miss::Refused(format!("{shown} holds no manifest; nothing would be applied"))),
        false => Ok(manifests),
    }
}

async fn apply(world: &World, manifest: Value, namespace: Option<&str>) -> Result<(), Miss> {
    let object: DynamicObject = serde_json::from_value(manifest.clone())
        .map_err(|error| Miss::Refused(format!("the manifest: {error}")))?;
    let types = object.types.clone().unwrap_or_default();
    let kind = GroupVersionKind::try_from(&types).map_err(|error| Miss::Refused(error.to_string()))?;
    let (resource, capabilities) = discovery::pinned_kind(&world.kube(), &kind).await?;
    let objects: Api<DynamicObject> = match capabilities.scope {
        Scope::Cluster => Api::all_with(world.kube(), &resource),
        Scope::Namespaced => {
            let own = object.metadata.namespace.as_deref();
            Api::namespaced_with(world.kube(), own.or(namespace).unwrap_or(world.home()), &resource)
        }
    };
    let name = object.name_any();
    if objects.get_opt(&name).await?.is_some() {
        objects.patch(&name, &PatchParams::default(), &Patch::Merge(manifest)).await?;
    } else {
        objects.create(&PostParams::default(), &object).await?;
    }
    Ok(())
}

impl fmt::Display for Apply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Manifest::File { path, .. } => write!(f, "apply {path}"),
            Manifest::Inline(manifest) => {
                let text = |pointer| manifest.pointer(pointer).and_then(Value::as_str).unwrap_or("?");
                write!(f, "apply {} {}", text("/kind").to_lowercase(), text("/metadata/name"))
            }
        }
    }
}

impl JsonSchema for Apply {
    fn schema_name() -> Cow<'static, str> {
        "Apply".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "A Kubernetes manifest, or a file beside the case.",
            "anyOf": [
                {
                    "required": ["apiVersion", "kind", "metadata"],
                    "properties": {
                        "apiVersion": { "type": "string" },
                        "kind": { "type": "string" },
                        "metadata": { "type": "object" }
                    }
                },
                {
                    "required": ["file"],
                    "properties": { "file": { "type": "string" }, "namespace": { "type": "string" } },
                    "additionalProperties": false
                }
            ]
        })
    }
}
