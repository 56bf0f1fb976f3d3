//! Operations of each kind by their paths, with the parameters of each.

use serde_json::{Map, Value, json};

use super::definitions::{Version, name_of_kind};
use crate::kinds::Kind;

/// The media types of patches.
const PATCHES: [&str; 4] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
];
const JSON: [&str; 1] = ["application/json"];

const READ: &[&str] = &["resourceVersion"];
const LIST: &[&str] = &[
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
];
const WRITE: &[&str] = &["dryRun", "fieldManager", "fieldValidation"];
const PATCH: &[&str] = &["dryRun", "fieldManager", "fieldValidation", "force"];
const DELETE: &[&str] = &["dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"];

/// Verb in discovery, method, action, query parameters; true for one with a body.
type Row = (&'static str, &'static str, &'static str, &'static [&'static str], bool);

const OF_COLLECTIONS: [Row; 3] = [
    ("list", "get", "list", LIST, false),
    ("create", "post", "post", WRITE, true),
    ("deletecollection", "delete", "deletecollection", DELETE, false),
];
const OF_OBJECTS: [Row; 4] = [
    ("get", "get", "get", READ, false),
    ("update", "put", "put", WRITE, true),
    ("patch", "patch", "patch", PATCH, true),
    ("delete", "delete", "delete", DELETE, false),
];
const OF_SUBRESOURCES: [Row; 4] = [
    ("get", "get", "get", READ, false),
    ("create", "post", "post", WRITE, true),
    ("update", "put", "put", WRITE, true),
    ("patch", "patch", "patch", PATCH, true),
];

/// The paths of a kind, and what may be done at each.
pub fn of(kind: &Kind, version: Version) -> Map<String, Value> {
    let group = match kind.group {
        "" => format!("/api/{}", kind.version),
        group => format!("/apis/{group}/{}", kind.version),
    };
    let namespaces = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
    let collection = format!("{group}{namespaces}/{}", kind.resource);
    let object = format!("{collection}/{{name}}");
    let own = (kind.group, kind.version, kind.kind);
    let mut paths = Map::new();
    let mut put = |path: String, rows: &[Row], verbs: &[&str], body| {
        let item = path_item(&path, rows, verbs, body, version);
        if let Some(item) = item {
            paths.insert(path, item);
        }
    };
    if kind.namespaced && !kind.traits.computed {
        put(format!("{group}/{}", kind.resource), &OF_COLLECTIONS[..1], kind.verbs(), own);
    }
    put(collection, &OF_COLLECTIONS, kind.verbs(), own);
    put(object.clone(), &OF_OBJECTS, kind.verbs(), own);
    for below in kind.subresources {
        let body = match below.body {
            ("", "", name) => (kind.group, kind.version, name),
            named => named,
        };
        put(format!("{object}/{}", below.name), &OF_SUBRESOURCES, below.verbs, body);
    }
    paths
}

fn path_item(
    path: &str,
    rows: &[Row],
    verbs: &[&str],
    kind: (&str, &str, &str),
    version: Version,
) -> Option<Value> {
    let mut item = Map::new();
    for (_, method, action, parameters, has_body) in rows.iter().filter(|row| verbs.contains(&row.0)) {
        let operation = Operation { action, parameters, has_body: *has_body, kind };
        item.insert((*method).to_owned(), operation.describe(version));
    }
    if item.is_empty() {
        return None;
    }
    let in_path = ["namespace", "name"].into_iter().filter(|name| path.contains(&format!("{{{name}}}")));
    let in_path: Vec<_> = in_path.map(|name| parameter(name, "path", version)).collect();
    if !in_path.is_empty() {
        item.insert("parameters".to_owned(), in_path.into());
    }
    Some(Value::Object(item))
}

fn parameter(name: &str, place: &str, version: Version) -> Value {
    let kind = match name {
        "limit" | "timeoutSeconds" | "gracePeriodSeconds" => "integer",
        "allowWatchBookmarks" | "force" | "orphanDependents" | "sendInitialEvents" | "watch" => "boolean",
        _ => "string",
    };
    let mut parameter = json!({"name": name, "in": place});
    if place == "path" {
        parameter["required"] = true.into();
    }
    match version {
        Version::Two => parameter["type"] = kind.into(),
        Version::Three => parameter["schema"] = json!({"type": kind}),
    }
    parameter
}

/// What is done to a path by one method.
struct Operation<'a> {
    action: &'a str,
    parameters: &'a [&'static str],
    has_body: bool,
    /// Group, version and kind of the body.
    kind: (&'a str, &'a str, &'a str),
}

impl Operation<'_> {
    fn describe(&self, version: Version) -> Value {
        let (group, api_version, kind) = self.kind;
        let parameters = self.parameters.iter().filter(|name| !self.leaves_out(name, version));
        let mut parameters: Vec<_> = parameters.map(|name| parameter(name, "query", version)).collect();
        let mut operation = json!({
            "x-kubernetes-action": self.action,
            "x-kubernetes-group-version-kind": {"group": group, "version": api_version, "kind": kind},
            "responses": {"200": {"description": "OK"}},
        });
        let media: &[&str] = if self.action == "patch" { &PATCHES } else { &JSON };
        match version {
            Version::Two => {
                operation["consumes"] = json!(media);
                operation["produces"] = json!(JSON);
                if self.has_body {
                    let schema = self.schema("#/definitions/");
                    parameters
                        .push(json!({"name": "body", "in": "body", "required": true, "schema": schema}));
                }
            }
            Version::Three if self.has_body => {
                let schema = json!({"schema": self.schema("#/components/schemas/")});
                let content: Map<_, _> =
                    media.iter().map(|kind| ((*kind).to_owned(), schema.clone())).collect();
                operation["requestBody"] = json!({"required": true, "content": content});
            }
            Version::Three => {}
        }
        operation["parameters"] = parameters.into();
        operation
    }

    /// The body's schema: that of its kind, and for a patch or a kind that the table does not know any object.
    fn schema(&self, prefix: &str) -> Value {
        let (group, version, kind) = self.kind;
        let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
        let own = crate::kinds::KINDS.iter().any(|k| (k.group, k.version, k.kind) == self.kind);
        match name_of_kind(&api_version, kind).filter(|_| own && self.action != "patch") {
            Some(name) => json!({"$ref": format!("{prefix}{name}")}),
            None => json!({"type": "object"}),
        }
    }

    /// True for a parameter that is kept from clients of version 2.
    ///
    /// kubectl looks there for a kind that version 3 does not have, concludes from the namespaces' `fieldValidation` that
    /// such a kind may be a custom resource, and gives up where no definitions of those are served. Without it, it says
    /// that there is no such kind.
    fn leaves_out(&self, parameter: &str, version: Version) -> bool {
        version == Version::Two && parameter == "fieldValidation" && matches!(self.kind, ("", _, "Namespace"))
    }
}
