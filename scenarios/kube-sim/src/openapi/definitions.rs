//! Schemas of the structures that objects are made of, from the table of fields.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::schema::{self, Field, Topology, Type};

/// The sentence in the place of each structure's own description.
const ABOUT: &str = "Fields and types are those of Kubernetes v1.34; what each means stands in its API reference: \
                     https://kubernetes.io/docs/reference/kubernetes-api/";

/// The version of OpenAPI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// One document for all groups, references to `#/definitions/`.
    Two,
    /// A document for each group, references to `#/components/schemas/`.
    Three,
}

/// The schemas of a document: those of its kinds, and of all that these are made of.
pub struct Definitions {
    version: Version,
    schemas: BTreeMap<String, Value>,
    /// Structures that are referred to and not yet written.
    missing: BTreeSet<String>,
}

impl Definitions {
    /// No schemas yet.
    pub fn new(version: Version) -> Self {
        Self { version, schemas: BTreeMap::new(), missing: BTreeSet::new() }
    }

    /// Adds the schema of a kind.
    pub fn add_kind(&mut self, api_version: &str, kind: &str) {
        let Some(Type::Struct(name)) = schema::of_kind(api_version, kind) else { return };
        let mut schema = self.structure(&name);
        for (key, value) in [("apiVersion", json!({"type": "string"})), ("kind", json!({"type": "string"}))] {
            schema["properties"][key] = value;
        }
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        schema["x-kubernetes-group-version-kind"] =
            json!([{"group": group, "version": version, "kind": kind}]);
        self.schemas.insert(public_name(&name), schema);
    }

    /// All schemas, by their names in the published description.
    pub fn finish(mut self) -> Map<String, Value> {
        while let Some(name) = self.missing.pop_first() {
            if !self.schemas.contains_key(&public_name(&name)) {
                let schema = self.structure(&name);
                self.schemas.insert(public_name(&name), schema);
            }
        }
        for (name, two, three) in plain_types() {
            self.schemas.insert(name.to_owned(), if self.version == Version::Two { two } else { three });
        }
        self.schemas.into_iter().collect()
    }

    fn structure(&mut self, name: &str) -> Value {
        let fields = schema::all_fields(&Type::Struct(name.to_owned()));
        let mut properties = BTreeMap::new();
        for field in &fields {
            properties.insert(field.name.clone(), self.field(field));
        }
        let mut schema = json!({"type": "object", "description": ABOUT});
        let required: BTreeSet<_> = fields.iter().filter(|field| field.required).map(|f| &f.name).collect();
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        schema["properties"] = json!(properties);
        if !schema::has_members(&Type::Struct(name.to_owned())) {
            schema["x-kubernetes-map-type"] = "atomic".into();
        }
        schema
    }

    fn field(&mut self, field: &Field) -> Value {
        let mut schema = self.value(&field.kind);
        for (key, value) in [
            ("x-kubernetes-patch-strategy", &field.strategy),
            ("x-kubernetes-patch-merge-key", &field.merge_key),
        ] {
            if !value.is_empty() {
                schema[key] = value.as_str().into();
            }
        }
        match (&field.kind, &field.topology) {
            (Type::List(_), topology) => {
                let (kind, keys) = match topology {
                    Topology::Items(keys) => ("map", Some(keys)),
                    Topology::Set => ("set", None),
                    Topology::Whole | Topology::Members => ("atomic", None),
                };
                schema["x-kubernetes-list-type"] = kind.into();
                if let Some(keys) = keys {
                    schema["x-kubernetes-list-map-keys"] = json!(keys);
                }
            }
            (Type::Map(_), Topology::Whole) => {
                schema["x-kubernetes-map-type"] = "atomic".into();
            }
            _ => {}
        }
        schema
    }

    fn value(&mut self, kind: &Type) -> Value {
        match kind {
            Type::Text | Type::Duration => json!({"type": "string"}),
            Type::Flag => json!({"type": "boolean"}),
            Type::Whole => json!({"type": "integer"}),
            Type::Real => json!({"type": "number"}),
            Type::Bytes => json!({"type": "string", "format": "byte"}),
            Type::Time => self.reference("io.k8s.apimachinery.pkg.apis.meta.v1.Time"),
            Type::MicroTime => self.reference("io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime"),
            Type::Fields => self.reference("io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1"),
            Type::Quantity => self.reference("io.k8s.apimachinery.pkg.api.resource.Quantity"),
            Type::IntOrText => self.reference("io.k8s.apimachinery.pkg.util.intstr.IntOrString"),
            Type::Raw => self.reference("io.k8s.apimachinery.pkg.runtime.RawExtension"),
            Type::List(item) => json!({"type": "array", "items": self.value(item)}),
            Type::Map(item) => json!({"type": "object", "additionalProperties": self.value(item)}),
            Type::Struct(name) => {
                self.missing.insert(name.clone());
                self.reference(&public_name(name))
            }
        }
    }

    fn reference(&self, name: &str) -> Value {
        match self.version {
            Version::Two => json!({"$ref": format!("#/definitions/{name}")}),
            // Beside a reference nothing else would count, such as how the field is patched.
            Version::Three => json!({"allOf": [{"$ref": format!("#/components/schemas/{name}")}]}),
        }
    }
}

/// The name of a kind's schema in the published description; `None` for a kind that the table does not know.
pub fn name_of_kind(api_version: &str, kind: &str) -> Option<String> {
    match schema::of_kind(api_version, kind)? {
        Type::Struct(name) => Some(public_name(&name)),
        _ => None,
    }
}

/// The name of a structure of the table in the published description.
fn public_name(name: &str) -> String {
    match name.split_once('.') {
        Some(("meta", rest)) => format!("io.k8s.apimachinery.pkg.apis.meta.{rest}"),
        Some(("metrics", rest)) => format!("io.k8s.metrics.pkg.apis.metrics.{rest}"),
        _ => format!("io.k8s.api.{name}"),
    }
}

/// Types that are no structures: name, schema in version 2, schema in version 3.
fn plain_types() -> [(&'static str, Value, Value); 6] {
    let time = json!({"type": "string", "format": "date-time"});
    let object = json!({"type": "object"});
    [
        ("io.k8s.apimachinery.pkg.apis.meta.v1.Time", time.clone(), time.clone()),
        ("io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime", time.clone(), time),
        ("io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1", object.clone(), object.clone()),
        ("io.k8s.apimachinery.pkg.runtime.RawExtension", object.clone(), object),
        (
            "io.k8s.apimachinery.pkg.api.resource.Quantity",
            json!({"type": "string"}),
            json!({"oneOf": [{"type": "string"}, {"type": "number"}]}),
        ),
        (
            "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
            json!({"type": "string", "format": "int-or-string"}),
            json!({"oneOf": [{"type": "integer"}, {"type": "string"}], "format": "int-or-string"}),
        ),
    ]
}
