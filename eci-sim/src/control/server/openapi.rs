//! The OpenAPI document of the control API, built from its routes.

use schemars::Schema;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::routes::{ROUTES, ResponseSchema, Route};
use crate::control::wire::ErrorBody;

/// The document, as OpenAPI 3.1.
pub(super) fn document() -> Value {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<ErrorBody>();
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let operation = operation(route, &problem, &mut generator);
        let methods = paths.entry(route.path).or_insert_with(|| json!({}));
        methods[route.method.to_ascii_lowercase()] = operation;
    }
    let mut schemas = generator.take_definitions(true);
    schemas.sort_keys();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "The control API of eci-sim",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Clock, faults, scripts, stock, ledger, bill, requests, snapshots; no part of the ECI OpenAPI.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn operation(route: &Route, problem: &Schema, generator: &mut SchemaGenerator) -> Value {
    let content = |schema: &Schema| json!({ "application/json": { "schema": schema } });
    let fine = match route.response {
        ResponseSchema::Json(describe) => content(&describe(generator)),
        ResponseSchema::Text => json!({ "text/plain": { "schema": { "type": "string" } } }),
        ResponseSchema::Css => json!({ "text/css": { "schema": { "type": "string" } } }),
        ResponseSchema::Script => json!({ "text/javascript": { "schema": { "type": "string" } } }),
    };
    let mut parameters = path_parameters(route.path);
    if let Some(query) = route.query {
        parameters.extend(query_parameters(&query(generator), generator));
    }
    let mut operation = json!({
        "operationId": route.operation_id,
        "summary": route.summary,
        "responses": {
            "200": { "description": "Done.", "content": fine },
            "default": { "description": "Not done; the error says why.", "content": content(problem) },
        },
    });
    if !parameters.is_empty() {
        operation["parameters"] = Value::Array(parameters);
    }
    if let Some(body) = route.body {
        operation["requestBody"] = json!({ "content": content(&body(generator)) });
    }
    if !route.open {
        operation["security"] = json!([{ "token": [] }, {}]);
    }
    operation
}

fn path_parameters(path: &str) -> Vec<Value> {
    let holders = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameter =
        |name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } });
    holders.map(parameter).collect()
}

/// The fields of a described query, each as a parameter of its own.
fn query_parameters(schema: &Schema, generator: &SchemaGenerator) -> Vec<Value> {
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
    let described = name.and_then(|name| generator.definitions().get(name));
    let fields = described.and_then(|described| described["properties"].as_object());
    let parameter = |(name, schema): (&String, &Value)| {
        let mut schema = schema.clone();
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        json!({ "name": name, "in": "query", "description": description, "schema": schema })
    };
    fields.into_iter().flatten().map(parameter).collect()
}
