//! The fields in which two states of an object differ, and those that an applied configuration sets.
//!
//! The rules are those of Kubernetes' structured merge: a field is a scalar, a list or structure that is one value, an item
//! of a list that has keys, a member of a map, and a structure that was not there before.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::field_set::{FieldSet, Node, Step};
use super::stored::KEY;
use crate::kinds::Kind;
use crate::object::field;
use crate::schema::{self, Field, Topology, Type};

/// Metadata that has no manager.
pub const SYSTEM: [&str; 11] = [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    KEY,
];

static NO_MEMBERS: LazyLock<Value> = LazyLock::new(|| Value::Object(Map::new()));
static NO_ITEMS: Value = Value::Array(Vec::new());
static NULL: Value = Value::Null;

/// The fields in which a state of an object differs from the one before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Fields that are new or have another value.
    pub taken: FieldSet,
    /// Fields that are gone.
    pub removed: FieldSet,
}

/// The difference at one place.
#[derive(Default)]
struct Difference {
    taken: Node,
    removed: Node,
}

/// The place of a structure in its object, as far as some of its members have no manager.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Root,
    Metadata,
    Below,
}

/// Compares two states of an object; null as `old` stands for one that is not there yet.
pub fn changes(kind: &Kind, old: &Value, new: &Value) -> Changes {
    let root = schema::of_kind(&kind.api_version(), kind.kind);
    let old = if old.is_object() { old } else { &*NO_MEMBERS };
    let found = members(root.as_ref(), old.as_object(), new.as_object(), Depth::Root);
    Changes { taken: found.taken.below, removed: found.removed.below }
}

fn leaf(new: Option<&Value>) -> Difference {
    let (there, gone) = (new.is_some(), new.is_none());
    Difference {
        taken: Node { member: there, below: FieldSet::default() },
        removed: Node { member: gone, below: FieldSet::default() },
    }
}

/// Compares two values that differ, of which one at least is there.
fn values(
    kind: Option<&Type>,
    topology: &Topology,
    old: Option<&Value>,
    new: Option<&Value>,
    depth: Depth,
) -> Difference {
    let is_empty = |value: Option<&Value>| match value {
        None => true,
        Some(Value::Object(members)) => members.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
    };
    if *topology == Topology::Whole || (is_empty(old) && is_empty(new)) {
        return leaf(new);
    }
    let mut found = match (topology, new.or(old)) {
        (Topology::Members, Some(Value::Object(_))) => {
            members(kind, old.and_then(Value::as_object), new.and_then(Value::as_object), depth)
        }
        (Topology::Items(_) | Topology::Set, Some(Value::Array(_))) => {
            items(kind, topology, old.and_then(Value::as_array), new.and_then(Value::as_array))
        }
        _ => return leaf(new),
    };
    found.taken.member |= old.is_none();
    found.removed.member |= new.is_none();
    found
}

fn members(
    kind: Option<&Type>,
    old: Option<&Map<String, Value>>,
    new: Option<&Map<String, Value>>,
    depth: Depth,
) -> Difference {
    let mut found = Difference::default();
    for (name, value) in new.into_iter().flatten() {
        let before = old.and_then(|old| field::member(old, name));
        if !before.is_some_and(|before| field::same(before, value)) {
            member(kind, name, (old.is_some(), before), (true, Some(value)), depth, &mut found);
        }
    }
    for (name, value) in old.into_iter().flatten() {
        if new.is_none_or(|new| field::member(new, name).is_none()) {
            member(kind, name, (true, Some(value)), (new.is_some(), None), depth, &mut found);
        }
    }
    // Of a structure that comes or goes, what is always there comes or goes with it.
    if let (true, Some(kind)) = (old.is_none() || new.is_none(), kind) {
        for field in schema::all_fields(kind) {
            let named = old.or(new).is_some_and(|members| members.contains_key(&field.name));
            if !named && always(field).is_some() {
                let sides = ((old.is_some(), None), (new.is_some(), None));
                member(Some(kind), &field.name, sides.0, sides.1, depth, &mut found);
            }
        }
    }
    found
}

/// Compares a member of two structures, of each of which is said whether it is there.
fn member(
    kind: Option<&Type>,
    name: &str,
    (old_parent, old): (bool, Option<&Value>),
    (new_parent, new): (bool, Option<&Value>),
    depth: Depth,
    found: &mut Difference,
) {
    let unmanaged: &[&str] = match depth {
        Depth::Root => &["kind", "apiVersion"],
        Depth::Metadata => &SYSTEM,
        Depth::Below => &[],
    };
    if unmanaged.contains(&name) {
        return;
    }
    let field = kind.and_then(|kind| schema::find(kind, name));
    let (old, new) = (present(field, old_parent, old), present(field, new_parent, new));
    if old == new {
        return;
    }
    let inner = member_type(kind, field);
    let depth = if depth == Depth::Root && name == "metadata" { Depth::Metadata } else { Depth::Below };
    let difference = values(inner, topology(field, inner), old, new, depth);
    let step = step_of(field, name);
    found.taken.below.put(step.clone(), difference.taken);
    found.removed.below.put(step, difference.removed);
}

/// The step to a member; that to a field of the schema is not made anew.
fn step_of(field: Option<&Field>, name: &str) -> Step {
    field.map_or_else(|| format!("f:{name}").into(), |field| Step::clone(&field.step))
}

fn member_type<'a>(kind: Option<&'a Type>, field: Option<&'static Field>) -> Option<&'a Type> {
    match kind {
        Some(Type::Map(item)) => Some(item.as_ref()),
        _ => field.map(|field| &field.kind),
    }
}

fn topology<'a>(field: Option<&'a Field>, kind: Option<&Type>) -> &'a Topology {
    match (field, kind) {
        (Some(field), _) => &field.topology,
        (None, Some(kind)) if !schema::has_members(kind) => &Topology::Whole,
        (None, _) => &Topology::Members,
    }
}

/// The value of a field that is written even when nobody sets it.
fn always(field: &Field) -> Option<&'static Value> {
    match &field.kind {
        Type::Struct(_) if !field.keeps_zero => Some(&NO_MEMBERS),
        Type::Map(_) if field.required && !field.keeps_zero => Some(&NO_MEMBERS),
        Type::List(_) if field.required && !field.keeps_zero => Some(&NO_ITEMS),
        Type::Time | Type::MicroTime if !field.keeps_zero && field.name != "creationTimestamp" => Some(&NULL),
        _ => None,
    }
}

/// A member as the real server has it: null is nothing, and some members are always there.
fn present<'a>(field: Option<&Field>, parent: bool, value: Option<&'a Value>) -> Option<&'a Value> {
    match value.filter(|value| !value.is_null()) {
        Some(value) => Some(value),
        None if parent => field.and_then(always),
        None => None,
    }
}

fn items(
    kind: Option<&Type>,
    topology: &Topology,
    old: Option<&Vec<Value>>,
    new: Option<&Vec<Value>>,
) -> Difference {
    let item_type = match kind {
        Some(Type::List(item)) => Some(item.as_ref()),
        _ => None,
    };
    let item_topology = self::topology(None, item_type);
    let mut before: BTreeMap<Step, &Value> =
        old.into_iter().flatten().map(|item| (step_to(topology, item), item)).collect();
    let mut found = Difference::default();
    let mut add = |step: Step, difference: Difference| {
        found.taken.below.put(step.clone(), difference.taken);
        found.removed.below.put(step, difference.removed);
    };
    for item in new.into_iter().flatten() {
        let step = step_to(topology, item);
        let old = before.remove(&step);
        if !old.is_some_and(|old| field::same(old, item)) {
            let difference = values(item_type, item_topology, old, Some(item), Depth::Below);
            add(step, difference);
        }
    }
    for (step, item) in before {
        let difference = values(item_type, item_topology, Some(item), None, Depth::Below);
        add(step, difference);
    }
    found
}

/// The step to an item of a list.
pub fn step_to(topology: &Topology, item: &Value) -> Step {
    let Topology::Items(keys) = topology else { return format!("v:{item}").into() };
    let mut key = Map::new();
    for name in keys {
        let default = || if name == "protocol" { "TCP".into() } else { Value::Null };
        key.insert(name.clone(), item.get(name).cloned().unwrap_or_else(default));
    }
    format!("k:{}", Value::Object(key)).into()
}

/// The fields that a configuration sets which is applied.
pub fn applied(kind: &Kind, wanted: &Value) -> FieldSet {
    let root = schema::of_kind(&kind.api_version(), kind.kind);
    set_by(root.as_ref(), &Topology::Members, wanted, Depth::Root).below
}

fn set_by(kind: Option<&Type>, own: &Topology, value: &Value, depth: Depth) -> Node {
    let mut found = Node::default();
    match (own, value) {
        (Topology::Members, Value::Object(members)) => {
            let unmanaged: &[&str] = match depth {
                Depth::Root => &["kind", "apiVersion"],
                Depth::Metadata => &SYSTEM,
                Depth::Below => &[],
            };
            for (name, value) in members.iter().filter(|(name, _)| !unmanaged.contains(&name.as_str())) {
                let field = kind.and_then(|kind| schema::find(kind, name));
                let inner = member_type(kind, field);
                let is_metadata = depth == Depth::Root && name == "metadata";
                let depth = if is_metadata { Depth::Metadata } else { Depth::Below };
                let mut node = set_by(inner, topology(field, inner), value, depth);
                let is_bare = value.is_null() || value.as_object().is_some_and(Map::is_empty);
                node.member |= (is_bare && !is_metadata) || field.is_none();
                found.below.put(step_of(field, name), node);
            }
        }
        (Topology::Items(_) | Topology::Set, Value::Array(items)) => {
            let item_type = match kind {
                Some(Type::List(item)) => Some(item.as_ref()),
                _ => None,
            };
            for item in items {
                let mut node = set_by(item_type, topology(None, item_type), item, Depth::Below);
                node.member = true;
                found.below.put(step_to(own, item), node);
            }
        }
        _ => found.member = true,
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kind(group: &str, resource: &str) -> &'static Kind {
        crate::kinds::find(group, resource).unwrap()
    }

    #[test]
    fn a_new_object_sets_what_it_says_and_each_structure_that_was_not_there() {
        let pod = json!({"kind": "Pod", "metadata": {"name": "p", "labels": {"a": "b"},
            "ownerReferences": [{"uid": "u", "kind": "Job"}], "finalizers": ["x/y"]}, "spec": {"nodeSelector": {"a": "b"},
            "securityContext": {}, "volumes": [{"name": "v", "emptyDir": {}}], "tolerations": [{"key": "t"}],
            "containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80}]}]}});
        let wanted = json!({"f:metadata": {"f:labels": {".": {}, "f:a": {}},
            "f:ownerReferences": {".": {}, "k:{\"uid\":\"u\"}": {}}, "f:finalizers": {".": {}, "v:\"x/y\"": {}}},
            "f:spec": {"f:nodeSelector": {}, "f:securityContext": {}, "f:tolerations": {},
            "f:volumes": {".": {}, "k:{\"name\":\"v\"}": {".": {}, "f:emptyDir": {}, "f:name": {}}},
            "f:containers": {"k:{\"name\":\"c\"}": {".": {}, "f:image": {}, "f:name": {}, "f:resources": {},
                "f:ports": {".": {}, "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}}}}}});
        let changes = changes(kind("", "pods"), &Value::Null, &pod);
        assert_eq!(changes.taken.to_value(), wanted);
        assert!(changes.removed.is_empty());
    }

    #[test]
    fn a_change_is_of_the_fields_that_differ_and_of_those_that_are_gone() {
        let service =
            |ports: Value, labels: Value| json!({"metadata": {"labels": labels}, "spec": {"ports": ports}});
        let old = service(json!([{"port": 80, "targetPort": 80}, {"port": 81}]), json!({"a": "1", "b": "1"}));
        let new = service(json!([{"port": 82}, {"port": 80, "targetPort": 81}]), json!({"a": "2"}));
        let changes = changes(kind("", "services"), &old, &new);
        let port = |number: i64| format!("k:{{\"port\":{number},\"protocol\":\"TCP\"}}");
        let taken = json!({"f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": {"f:ports": {
            port(80): {"f:targetPort": {}}, port(82): {".": {}, "f:port": {}, "f:targetPort": {}}}}});
        let gone = json!({"f:metadata": {"f:labels": {"f:b": {}}}, "f:spec": {"f:ports": {
            port(81): {".": {}, "f:port": {}, "f:targetPort": {}}}}});
        // A target port is no pointer, but no structure either: it is there only when it is said.
        let without = |mut set: Value, number: i64| {
            set["f:spec"]["f:ports"][port(number)].as_object_mut().unwrap().shift_remove("f:targetPort");
            set
        };
        assert_eq!(changes.taken.to_value(), without(taken, 82));
        assert_eq!(changes.removed.to_value(), without(gone, 81));
    }

    #[test]
    fn a_configuration_sets_its_leaves_and_the_items_of_its_lists() {
        let pod = json!({"kind": "Pod", "metadata": {"name": "p", "labels": {"a": "b"}}, "spec": {
            "containers": [{"name": "c", "env": [{"name": "E", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]}]}});
        let wanted = json!({"f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {
            ".": {}, "f:name": {}, "f:env": {"k:{\"name\":\"E\"}": {".": {}, "f:name": {}, "f:valueFrom": {"f:fieldRef": {}}}}}}}});
        assert_eq!(applied(kind("", "pods"), &pod).to_value(), wanted);
    }
}
