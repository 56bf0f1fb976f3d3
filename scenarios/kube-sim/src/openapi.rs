//! The descriptions of the API that clients read: OpenAPI v2 and v3, built from the table of fields when first asked for.

mod definitions;
mod gnostic;
mod negotiation;
mod paths;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha512};

use crate::kinds::{self, KINDS};
use definitions::{Definitions, Version};
pub use negotiation::Format;

/// A description of the API, encoded, and its entity tag.
#[derive(Clone)]
pub struct Document {
    /// The encoded description.
    pub body: Bytes,
    /// The hash of its JSON, without quotation marks.
    pub tag: String,
}

impl Document {
    fn of(description: &Value) -> Self {
        let body = Bytes::from(description.to_string());
        let tag = Sha512::digest(&body).iter().map(|byte| format!("{byte:02X}")).collect();
        Self { body, tag }
    }
}

/// The description of all groups, as JSON and as protobuf under one tag.
static WHOLE: LazyLock<(Document, Document)> = LazyLock::new(|| {
    let description = whole();
    let json = Document::of(&description);
    let protobuf = Document { body: Bytes::from(gnostic::document(&description)), tag: json.tag.clone() };
    (json, protobuf)
});

/// The description of each group and version, by its path below `/openapi/v3/`.
static BY_GROUP: LazyLock<BTreeMap<String, Document>> = LazyLock::new(|| {
    let versions = kinds::group_versions().into_iter();
    let document = |(group, version)| (path_of(group, version), Document::of(&of_version(group, version)));
    versions.map(document).collect()
});

/// `/openapi/v2` in one of its formats.
pub fn v2(format: Format) -> Document {
    match format {
        Format::Json => WHOLE.0.clone(),
        Format::Protobuf => WHOLE.1.clone(),
    }
}

/// `/openapi/v3`: where the documents are.
pub fn index() -> Document {
    let entry = |(path, document): (&String, &Document)| {
        (path.clone(), json!({"serverRelativeURL": address(path, &document.tag)}))
    };
    let paths: Map<String, Value> = BY_GROUP.iter().map(entry).collect();
    Document::of(&json!({"paths": paths}))
}

/// The document of a group and version; `None` for an unknown one.
pub fn v3(path: &str) -> Option<Document> {
    BY_GROUP.get(path).cloned()
}

/// The address of a document of version 3: its path and the hash of what it is now.
pub fn address(path: &str, tag: &str) -> String {
    format!("/openapi/v3/{path}?hash={tag}")
}

fn path_of(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

fn information() -> Value {
    json!({"title": "Kubernetes", "version": "v1.34.4"})
}

fn whole() -> Value {
    let mut definitions = Definitions::new(Version::Two);
    let mut paths = Map::new();
    for kind in KINDS {
        definitions.add_kind(&kind.api_version(), kind.kind);
        paths.extend(paths::of(kind, Version::Two));
    }
    json!({"swagger": "2.0", "info": information(), "paths": paths, "definitions": definitions.finish()})
}

fn of_version(group: &str, version: &str) -> Value {
    let mut definitions = Definitions::new(Version::Three);
    let mut paths = Map::new();
    for kind in KINDS.iter().filter(|kind| kind.group == group && kind.version == version) {
        definitions.add_kind(&kind.api_version(), kind.kind);
        paths.extend(paths::of(kind, Version::Three));
    }
    let components = json!({"schemas": definitions.finish()});
    json!({"openapi": "3.0.0", "info": information(), "paths": paths, "components": components})
}

#[cfg(test)]
mod tests;
