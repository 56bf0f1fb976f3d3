//! Just enough OpenAPI for kubectl to find out that fields are validated by the server.

use serde_json::{Map, Value, json};

use crate::kinds::{self, KINDS};

/// `/openapi/v3`: where the documents are.
pub fn index() -> Value {
    let mut paths = Map::new();
    for group in kinds::groups() {
        let path = if group.is_empty() { "api/v1".to_owned() } else { format!("apis/{group}/v1") };
        paths.insert(path.clone(), json!({"serverRelativeURL": format!("/openapi/v3/{path}?hash=1")}));
    }
    json!({"paths": paths})
}

/// The document of a group and version; `None` for an unknown one.
pub fn document(group: &str, version: &str) -> Option<Value> {
    let prefix =
        if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    let mut paths = Map::new();
    for kind in
        KINDS.iter().filter(|kind| kind.group == group && kind.version == version && !kind.traits.computed)
    {
        let scope = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
        let operation = json!({
            "x-kubernetes-group-version-kind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
            "parameters": [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}],
            "responses": {"200": {"description": "OK"}},
        });
        paths.insert(format!("{prefix}{scope}/{}/{{name}}", kind.resource), json!({"patch": operation}));
    }
    let info = json!({"title": "Kubernetes", "version": "v1.34.4"});
    (!paths.is_empty())
        .then(|| json!({"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": {}}}))
}
