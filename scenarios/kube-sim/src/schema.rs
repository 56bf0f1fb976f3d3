//! The fields of every kind: wire numbers, types, merge keys; read once from `data/schema.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use serde::Deserialize;

/// The type of a field's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// A string.
    Text,
    /// A boolean.
    Flag,
    /// A whole number of up to 64 bits.
    Whole,
    /// A number with a fraction.
    Real,
    /// Bytes, base64 in JSON.
    Bytes,
    /// An instant in whole seconds.
    Time,
    /// An instant with six digits of a second.
    MicroTime,
    /// A duration in nanoseconds.
    Duration,
    /// An amount such as `500m`.
    Quantity,
    /// A number or a text.
    IntOrText,
    /// Any JSON value, not checked.
    Raw,
    /// A set of fields as server-side apply writes it.
    Fields,
    /// A list of values of one type.
    List(Box<Type>),
    /// A map from strings to values of one type.
    Map(Box<Type>),
    /// A structure, by its name in the table.
    Struct(String),
}

/// How two values of a field are merged when one is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topology {
    /// The value is replaced as a whole: scalars, and lists, maps and structures that are one value.
    Whole,
    /// Each member of a map or a structure by itself.
    Members,
    /// A list without doubles, each item by itself.
    Set,
    /// A list whose items are told apart by these fields of theirs.
    Items(Vec<String>),
}

/// One field of a structure.
#[derive(Debug, Clone)]
pub struct Field {
    /// Name in JSON; empty for a structure whose members are inlined in the object around it.
    pub name: String,
    /// The step to it in a set of fields, as in `f:spec`.
    pub step: Arc<str>,
    /// Field number in protobuf; 0 for none.
    pub number: u32,
    /// Type of the value.
    pub kind: Type,
    /// True for an optional field (a pointer in Go), whose zero differs from its absence.
    pub keeps_zero: bool,
    /// True for a field that the published description of the API calls required.
    pub required: bool,
    /// `merge`, `replace`, `retainKeys`, as published.
    pub strategy: String,
    /// The key by which items of a list are merged.
    pub merge_key: String,
    /// How values are merged when they are applied.
    pub topology: Topology,
}

#[derive(Deserialize)]
struct Raw {
    kinds: BTreeMap<String, String>,
    types: BTreeMap<String, Option<Vec<Vec<serde_json::Value>>>>,
    #[serde(default)]
    atomic: BTreeSet<String>,
}

/// All structures and the kinds that begin with one.
pub struct Schema {
    kinds: BTreeMap<String, String>,
    types: BTreeMap<String, Vec<Field>>,
    /// Structures that are one value wherever they stand.
    atomic: BTreeSet<String>,
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let raw: Raw = serde_json::from_str(include_str!("../data/schema.json")).unwrap_or(Raw {
        kinds: BTreeMap::new(),
        types: BTreeMap::new(),
        atomic: BTreeSet::new(),
    });
    let types = raw.types.into_iter();
    let types = types.map(|(name, rows)| {
        (name, rows.unwrap_or_default().iter().map(|row| field(row, &raw.atomic)).collect())
    });
    let types = types.collect();
    Schema { kinds: raw.kinds, types, atomic: raw.atomic }
});

fn field(row: &[serde_json::Value], atomic: &BTreeSet<String>) -> Field {
    let text = |at: usize| row.get(at).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    let number =
        row.get(1).and_then(serde_json::Value::as_u64).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    let written = text(2);
    let (required, written) = strip(&written, '!');
    let (keeps_zero, written) = strip(written, '*');
    let (strategy, merge_key, kind) = (text(3), text(4), kind(written));
    let topology = match (&kind, text(5).as_str()) {
        (_, "atomic") => Topology::Whole,
        (Type::List(_), "set") => Topology::Set,
        (Type::List(_), given) => match given.strip_prefix("map=") {
            Some(keys) => Topology::Items(keys.split(',').map(str::to_owned).collect()),
            None if !strategy.contains("merge") => Topology::Whole,
            None if merge_key.is_empty() => Topology::Set,
            None => Topology::Items(vec![merge_key.clone()]),
        },
        (kind, _) => topology_of(kind, atomic),
    };
    let step = format!("f:{}", text(0)).into();
    Field { name: text(0), step, number, kind, keeps_zero, required, strategy, merge_key, topology }
}

/// The topology of a value that no field says more of, such as an item of a list.
fn topology_of(kind: &Type, atomic: &BTreeSet<String>) -> Topology {
    match kind {
        Type::Map(_) => Topology::Members,
        Type::Struct(name) if !atomic.contains(name) => Topology::Members,
        _ => Topology::Whole,
    }
}

/// True for values of a type that are merged member by member where no field says otherwise.
pub fn has_members(kind: &Type) -> bool {
    topology_of(kind, &SCHEMA.atomic) == Topology::Members
}

/// Takes a mark off the front of a text; true when it was there.
fn strip(text: &str, mark: char) -> (bool, &str) {
    match text.strip_prefix(mark) {
        Some(rest) => (true, rest),
        None => (false, text),
    }
}

fn kind(text: &str) -> Type {
    if let Some(item) = text.strip_prefix("[]") {
        return Type::List(Box::new(kind(item)));
    }
    if let Some(item) = text.strip_prefix("{}") {
        return Type::Map(Box::new(kind(item)));
    }
    match text {
        "string" => Type::Text,
        "bool" => Type::Flag,
        "int" => Type::Whole,
        "float" => Type::Real,
        "bytes" => Type::Bytes,
        "time" => Type::Time,
        "microtime" => Type::MicroTime,
        "duration" => Type::Duration,
        "quantity" => Type::Quantity,
        "intorstring" => Type::IntOrText,
        "raw" => Type::Raw,
        "fields" => Type::Fields,
        name => Type::Struct(name.to_owned()),
    }
}

/// The structure that objects of this kind begin with, as a type; `None` for a kind that is not known.
pub fn of_kind(api_version: &str, kind: &str) -> Option<Type> {
    // Clients register the options of a deletion in each group.
    let api_version = if kind == "DeleteOptions" { "v1" } else { api_version };
    SCHEMA.kinds.get(&format!("{api_version}/{kind}")).cloned().map(Type::Struct)
}

/// The fields of a structure; empty for anything else.
pub fn fields(kind: &Type) -> &'static [Field] {
    match kind {
        Type::Struct(name) => SCHEMA.types.get(name).map_or(&[], Vec::as_slice),
        _ => &[],
    }
}

/// All fields of a structure by their JSON names, also those that lie flat inside another.
pub fn all_fields(kind: &Type) -> Vec<&'static Field> {
    let parts = fields(kind).iter().map(|field| match field.name.as_str() {
        "" => all_fields(&field.kind),
        _ => vec![field],
    });
    parts.flatten().collect()
}

/// The field of this JSON name, also where it lies flat inside another.
pub fn find(kind: &Type, name: &str) -> Option<&'static Field> {
    fields(kind).iter().find_map(|field| match field.name.as_str() {
        "" => find(&field.kind, name),
        own if own == name => Some(field),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_to_a_field_is_made_of_its_name() {
        for fields in SCHEMA.types.values() {
            for field in fields {
                assert_eq!(*field.step, *format!("f:{}", field.name));
            }
        }
    }

    #[test]
    fn containers_merge_by_name_and_lie_flat_volumes_are_found() {
        let spec = find(&of_kind("v1", "Pod").unwrap(), "spec").unwrap();
        let containers = find(&spec.kind, "containers").unwrap();
        assert_eq!((containers.merge_key.as_str(), containers.strategy.as_str()), ("name", "merge"));
        let Type::List(volume) = &find(&spec.kind, "volumes").unwrap().kind else {
            panic!("volumes are a list")
        };
        assert!(find(volume, "configMap").is_some());
    }
}
