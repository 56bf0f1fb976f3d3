//! The descriptions as clients read them.

use super::*;

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                match (key.as_str(), value.as_str()) {
                    ("$ref", Some(to)) => found.push(to.to_owned()),
                    _ => references(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

fn descriptions() -> Vec<Value> {
    let bodies = BY_GROUP.values().map(|document| &document.body).chain([&WHOLE.0.body]);
    bodies.map(|body| serde_json::from_slice(body).unwrap()).collect()
}

#[test]
fn every_reference_leads_to_a_schema() {
    for description in descriptions() {
        let mut found = Vec::new();
        references(&description, &mut found);
        assert!(!found.is_empty());
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(description.pointer(pointer).is_some(), "{reference}");
        }
    }
}

#[test]
fn every_kind_has_a_schema_and_its_paths() {
    for kind in KINDS {
        let document = v3(&path_of(kind.group, kind.version)).unwrap();
        let description: Value = serde_json::from_slice(&document.body).unwrap();
        let own = json!([{"group": kind.group, "version": kind.version, "kind": kind.kind}]);
        let schemas = description["components"]["schemas"].as_object().unwrap();
        let schemas = schemas.values().filter(|schema| schema["x-kubernetes-group-version-kind"] == own);
        assert_eq!(schemas.count(), 1, "{}", kind.kind);
        let paths = description["paths"].as_object().unwrap().iter();
        let operations = paths.flat_map(|(_, item)| item.as_object().unwrap().values());
        let operations =
            operations.filter(|operation| operation["x-kubernetes-group-version-kind"] == own[0]);
        assert!(operations.count() > 0, "{}", kind.kind);
    }
}

#[test]
fn a_field_tells_its_type_and_how_it_is_merged() {
    let document = v3("api/v1").unwrap();
    let description: Value = serde_json::from_slice(&document.body).unwrap();
    let spec = &description["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"];
    assert_eq!(spec["required"], json!(["containers"]));
    assert_eq!(
        spec["properties"]["containers"],
        json!({
            "type": "array",
            "items": {"allOf": [{"$ref": "#/components/schemas/io.k8s.api.core.v1.Container"}]},
            "x-kubernetes-patch-strategy": "merge",
            "x-kubernetes-patch-merge-key": "name",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        })
    );
}

/// The messages under `field` in a message whose fields are all texts and messages.
fn inside(mut bytes: &[u8], wanted: u64) -> Vec<&[u8]> {
    fn number(bytes: &mut &[u8]) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let (first, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            value |= u64::from(first & 0x7f) << shift;
            shift += 7;
            if first & 0x80 == 0 {
                return value;
            }
        }
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let tag = number(&mut bytes);
        assert_eq!(tag & 7, 2);
        let length = usize::try_from(number(&mut bytes)).unwrap();
        let (inner, rest) = bytes.split_at(length);
        bytes = rest;
        if tag >> 3 == wanted {
            found.push(inner);
        }
    }
    found
}

#[test]
fn the_protobuf_holds_every_path_and_definition_of_the_json() {
    let description: Value = serde_json::from_slice(&WHOLE.0.body).unwrap();
    let names = |field: u64, entries: u64| -> Vec<String> {
        let part = inside(&WHOLE.1.body, field)[0];
        let name = |entry: &[u8]| String::from_utf8(inside(entry, 1)[0].to_vec()).unwrap();
        inside(part, entries).into_iter().map(name).collect()
    };
    let keys = |part: &Value| -> Vec<String> { part.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(names(8, 2), keys(&description["paths"]));
    assert_eq!(names(9, 1), keys(&description["definitions"]));
}

#[test]
fn a_description_is_small_enough_to_be_read_at_once() {
    assert!(WHOLE.0.body.len() < 1 << 20, "{}", WHOLE.0.body.len());
    for (path, document) in &*BY_GROUP {
        assert!(document.body.len() < 512 << 10, "{path}: {}", document.body.len());
    }
}
