//! Sets of field paths, as `fieldsV1` writes them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::schema::{self, Type};

/// The path to a field, one step per element: `f:spec`, `k:{"name":"a"}`, `v:"x"`.
pub type Path = Vec<String>;

/// Structures that are one value: whoever wants a part of one wants all of it.
const ATOMIC: [&str; 16] = [
    "meta.v1.LabelSelector",
    "meta.v1.OwnerReference",
    "core.v1.ConfigMapKeySelector",
    "core.v1.EndpointAddress",
    "core.v1.EndpointPort",
    "core.v1.FileKeySelector",
    "discovery.v1.EndpointPort",
    "core.v1.SecretKeySelector",
    "core.v1.ObjectFieldSelector",
    "core.v1.ResourceFieldSelector",
    "core.v1.LocalObjectReference",
    "core.v1.ObjectReference",
    "core.v1.SecretReference",
    "core.v1.TypedLocalObjectReference",
    "core.v1.NodeSelector",
    "core.v1.NodeSelectorTerm",
];

/// True for a value that is owned as a whole.
pub fn is_atomic(name: &str, kind: Option<&Type>) -> bool {
    match kind {
        Some(Type::Struct(kind)) => ATOMIC.contains(&kind.as_str()),
        Some(Type::Map(_)) => matches!(name, "nodeSelector" | "selector"),
        Some(Type::Raw | Type::Fields) => true,
        _ => false,
    }
}

/// True for a list that is a set of plain values.
pub fn is_set(field: &schema::Field) -> bool {
    field.strategy.contains("merge") && field.merge_key.is_empty() && matches!(field.kind, Type::List(_))
}

/// The keys by which items of a list are told apart when applied; empty for a list that is one value.
pub fn keys(name: &str, field: &schema::Field) -> Vec<&'static str> {
    match (name, field.merge_key.as_str()) {
        ("ports", "containerPort") => vec!["containerPort", "protocol"],
        ("ports", "port") => vec!["port", "protocol"],
        ("topologySpreadConstraints", _) => vec!["topologyKey", "whenUnsatisfiable"],
        (_, "name") => vec!["name"],
        (_, "type") => vec!["type"],
        (_, "ip") => vec!["ip"],
        (_, "uid") => vec!["uid"],
        (_, "mountPath") => vec!["mountPath"],
        (_, "devicePath") => vec!["devicePath"],
        _ => Vec::new(),
    }
}

/// The step to an item of a list.
pub fn item_step(item: &Value, keys: &[&str]) -> String {
    let mut key = Map::new();
    for name in keys {
        let value = item
            .get(*name)
            .cloned()
            .unwrap_or_else(|| if *name == "protocol" { "TCP".into() } else { Value::Null });
        key.insert((*name).to_owned(), value);
    }
    format!("k:{}", Value::Object(key))
}

/// Collects the path to each leaf in `value`, which is of type `kind` and itself at the end of `path`.
pub fn leaves(value: &Value, kind: Option<&Type>, path: &mut Path, found: &mut BTreeSet<Path>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                path.push(format!("f:{name}"));
                let field = kind.and_then(|kind| schema::find(kind, name));
                let inner = match kind {
                    Some(Type::Map(item)) => Some(item.as_ref()),
                    _ => field.map(|field| &field.kind),
                };
                match (member, field) {
                    (Value::Array(items), Some(field)) if !keys(name, field).is_empty() => {
                        items_of(items, &keys(name, field), inner, path, found);
                    }
                    (Value::Array(items), Some(field)) if is_set(field) => {
                        for item in items {
                            path.push(format!("v:{item}"));
                            found.insert(path.clone());
                            path.pop();
                        }
                    }
                    _ if is_atomic(name, inner) => {
                        found.insert(path.clone());
                    }
                    _ => leaves(member, inner, path, found),
                }
                path.pop();
            }
        }
        _ => {
            found.insert(path.clone());
        }
    }
}

fn items_of(
    items: &[Value],
    keys: &[&str],
    kind: Option<&Type>,
    path: &mut Path,
    found: &mut BTreeSet<Path>,
) {
    let item_kind = match kind {
        Some(Type::List(item)) => Some(item.as_ref()),
        _ => None,
    };
    for item in items {
        path.push(item_step(item, keys));
        if is_atomic("", item_kind) {
            found.insert(path.clone());
        } else {
            leaves(item, item_kind, path, found);
        }
        path.pop();
    }
}

fn find_item(items: &[Value], step: &str) -> Option<usize> {
    if let Some(value) = step.strip_prefix("v:") {
        let value: Value = serde_json::from_str(value).ok()?;
        return items.iter().position(|item| *item == value);
    }
    let key: Map<String, Value> = serde_json::from_str(step.strip_prefix("k:")?).ok()?;
    items.iter().position(|item| {
        key.iter().all(|(name, value)| {
            item.get(name) == Some(value) || (name == "protocol" && item.get(name).is_none())
        })
    })
}

/// The value at the end of a path.
pub fn at<'a>(object: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, step| match value {
        Value::Array(items) => find_item(items, step).map(|at| &items[at]),
        value => value.get(step.strip_prefix("f:")?),
    })
}

/// Removes the value at the end of a path, and each parent that is left empty.
pub fn remove(object: &mut Value, path: &[String]) {
    let Some((step, rest)) = path.split_first() else { return };
    match object {
        Value::Array(items) => {
            let Some(at) = find_item(items, step) else { return };
            if rest.is_empty() {
                items.remove(at);
                return;
            }
            remove(&mut items[at], rest);
            let bare = items[at]
                .as_object()
                .is_some_and(|item| item.keys().all(|key| step.contains(&format!("{key:?}"))));
            if bare {
                items.remove(at);
            }
        }
        Value::Object(members) => {
            let name = step.strip_prefix("f:").unwrap_or(step);
            if rest.is_empty() {
                members.shift_remove(name);
            } else if let Some(inner) = members.get_mut(name) {
                remove(inner, rest);
                if inner.as_object().is_some_and(Map::is_empty) || inner.as_array().is_some_and(Vec::is_empty)
                {
                    members.shift_remove(name);
                }
            }
        }
        _ => {}
    }
}

/// A path as conflicts show it: `.spec.containers[name="a"].image`.
pub fn shown(path: &[String]) -> String {
    let step = |step: &String| {
        if let Some(key) = step.strip_prefix("k:") {
            let key: Map<String, Value> = serde_json::from_str(key).unwrap_or_default();
            let parts: Vec<_> = key.iter().map(|(name, value)| format!("{name}={value}")).collect();
            return format!("[{}]", parts.join(","));
        }
        match step.strip_prefix("v:") {
            Some(value) => format!("[{value}]"),
            None => format!(".{}", step.strip_prefix("f:").unwrap_or(step)),
        }
    };
    path.iter().map(step).collect()
}

/// A set as `fieldsV1`.
pub fn write_set(set: &BTreeSet<Path>) -> Value {
    let mut root = json!({});
    for path in set {
        let mut node = &mut root;
        for step in path {
            node = &mut node[step.as_str()];
            if node.is_null() {
                *node = json!({});
            }
        }
    }
    root
}

/// A set from `fieldsV1`.
pub fn read_set(fields: &Value) -> BTreeSet<Path> {
    fn walk(node: &Value, path: &mut Path, found: &mut BTreeSet<Path>) {
        match node.as_object().filter(|members| !members.is_empty()) {
            None => {
                found.insert(path.clone());
            }
            Some(members) => {
                for (step, inner) in members.iter().filter(|(step, _)| *step != ".") {
                    path.push(step.clone());
                    walk(inner, path, found);
                    path.pop();
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    if fields.as_object().is_some_and(|members| !members.is_empty()) {
        walk(fields, &mut Vec::new(), &mut found);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(value: &Value) -> Vec<String> {
        let mut found = BTreeSet::new();
        leaves(value, schema::of_kind("v1", "Pod").as_ref(), &mut Vec::new(), &mut found);
        found.iter().map(|path| shown(path)).collect()
    }

    #[test]
    fn fields_are_told_apart_as_the_schema_says() {
        let pod = json!({"metadata": {"finalizers": ["a/b"]}, "spec": {
            "nodeSelector": {"a": "b"},
            "containers": [{"name": "c", "image": "i", "env": [{"name": "E", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]}],
            "tolerations": [{"key": "t"}]}});
        let wanted = [
            ".metadata.finalizers[\"a/b\"]",
            ".spec.containers[name=\"c\"].env[name=\"E\"].name",
            ".spec.containers[name=\"c\"].env[name=\"E\"].valueFrom.fieldRef",
            ".spec.containers[name=\"c\"].image",
            ".spec.containers[name=\"c\"].name",
            ".spec.nodeSelector",
            ".spec.tolerations",
        ];
        assert_eq!(ways(&pod), wanted);
    }

    #[test]
    fn a_set_is_read_as_it_was_written() {
        let mut set = BTreeSet::new();
        let pod = json!({"spec": {"containers": [{"name": "c", "ports": [{"containerPort": 80}]}]}});
        leaves(&pod, schema::of_kind("v1", "Pod").as_ref(), &mut Vec::new(), &mut set);
        assert_eq!(read_set(&write_set(&set)), set);
    }
}
