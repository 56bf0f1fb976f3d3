//! The Rust structs of the operations; one that several operations have alike is written once.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::shapes::{Field, Shape};
use super::words::{member, pascal, rust_name, singular, type_name};

/// The side of a call on which a struct stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Side {
    Request,
    Reply,
}

/// The structs of one file, innermost first; equal bodies under one name are one struct.
#[derive(Default)]
pub struct Types {
    pub done: Vec<Written>,
}

/// The source of a struct.
pub struct Written {
    pub name: String,
    pub source: String,
    members: Vec<String>,
    /// Names of the structs that it contains.
    parts: Vec<String>,
}

/// A struct by the module of the operation that has it, and its name.
type Home = (String, String);

/// The homes of all structs so far, by their source and the homes of what they contain.
#[derive(Default)]
pub struct Homes(BTreeMap<(String, Vec<Home>), Home>);

impl Homes {
    /// Keeps the structs in `types` that no earlier operation has, under `module`; returns the names of the others by the
    /// modules that have them.
    pub fn settle(&mut self, module: &str, types: &mut Types) -> BTreeMap<String, Vec<String>> {
        let mut own: BTreeMap<String, Home> = BTreeMap::new();
        let mut elsewhere: BTreeMap<String, Vec<String>> = BTreeMap::new();
        types.done.retain(|written| {
            let parts = written.parts.iter().filter_map(|part| own.get(part).cloned()).collect();
            let home = self.0.entry((written.source.clone(), parts));
            let home = home.or_insert_with(|| (module.to_owned(), written.name.clone())).clone();
            let is_here = home.0 == module;
            if !is_here {
                elsewhere.entry(home.0.clone()).or_default().push(written.name.clone());
            }
            own.insert(written.name.clone(), home);
            is_here
        });
        elsewhere
    }
}

impl Types {
    /// Adds the struct called `name` and whatever it contains, and returns the name it got.
    pub fn add(&mut self, parent: &str, name: &str, shape: &Shape, side: Side) -> String {
        let Shape::Object(fields) = shape else { return String::new() };
        let (mut lines, mut members, mut parts) = (String::new(), Vec::new(), Vec::new());
        for field in fields {
            let kind = self.kind_of(name, &field.wire, &field.shape, side);
            parts.push(kind.trim_start_matches("Vec<").trim_end_matches('>').to_owned());
            members.push(format!("{}: {kind} {side:?}", field.wire));
            lines.push_str(&field_line(field, &kind, side));
        }
        members.sort();
        let mut chosen = name.to_owned();
        while let Some(written) = self.done.iter().find(|w| w.name == chosen) {
            if written.members == members {
                return chosen;
            }
            chosen = if chosen.starts_with(parent) {
                format!("{chosen}Of{parent}")
            } else {
                format!("{parent}{chosen}")
            };
        }
        let what = if side == Side::Request { "in a request" } else { "in a reply" };
        let (debug, by_hand) = match fields.iter().any(|field| is_secret(name, &field.wire)) {
            true => ("", debug_without_secrets(name, &chosen, fields)),
            false => ("Debug, ", String::new()),
        };
        let derive = format!("#[derive({debug}Clone, Default, PartialEq, Serialize, Deserialize)]");
        let source = format!(
            "\n/// `{name}` {what}.\n{derive}\n#[serde(rename_all = \"PascalCase\")]\npub struct {chosen} {{\n{lines}}}\n{by_hand}"
        );
        self.done.push(Written { name: chosen.clone(), source, members, parts });
        chosen
    }

    fn kind_of(&mut self, parent: &str, wire: &str, shape: &Shape, side: Side) -> String {
        match shape {
            Shape::Scalar(kind) => (*kind).to_owned(),
            Shape::Map => "BTreeMap<String, String>".to_owned(),
            Shape::Numbers => "BTreeMap<String, Number>".to_owned(),
            Shape::List(item) => format!("Vec<{}>", self.kind_of(parent, &singular(wire), item, side)),
            Shape::Object(_) => self.add(parent, &type_name(parent, wire), shape, side),
        }
    }
}

/// True if a field, of a struct of this name, may hold a secret.
fn is_secret(name: &str, wire: &str) -> bool {
    match wire {
        "Password" | "KubeConfig" | "FlexVolumeOptions" => true,
        "Content" => !name.ends_with("Reply"), // of a file, and not what a container said
        "Value" => name.starts_with("Env"),
        "Options" => matches!(name, "FlexVolume" | "DataSource"),
        _ => false,
    }
}

/// Source of the `Debug` implementation of a struct with secret fields.
fn debug_without_secrets(name: &str, chosen: &str, fields: &[Field]) -> String {
    let mut shown = String::new();
    for field in fields {
        let rust = member(&field.wire);
        let value = if is_secret(name, &field.wire) { "&HIDDEN".to_owned() } else { format!("&self.{rust}") };
        let _ = write!(shown, ".field(\"{rust}\", {value})");
    }
    format!(
        "\nimpl fmt::Debug for {chosen} {{\n/// Debug output without secrets.\nfn fmt(&self, f: &mut fmt::Formatter<'_>) -> \
         fmt::Result {{\nf.debug_struct(\"{chosen}\"){shown}.finish()\n}}\n}}\n"
    )
}

fn field_line(field: &Field, kind: &str, side: Side) -> String {
    let rust = rust_name(&field.wire);
    let mut attributes = Vec::new();
    if pascal(&rust) != field.wire {
        attributes.push(format!("rename = {:?}", field.wire));
    }
    let optional_reply = matches!(field.wire.as_str(), "ExitCode" | "Signal");
    let list = kind.starts_with("Vec<") || kind.starts_with("BTreeMap<");
    let plain = side == Side::Reply && !optional_reply && !matches!(field.shape, Shape::Object(_));
    let kind = if list || plain { kind.to_owned() } else { format!("Option<{kind}>") };
    attributes.push("default".to_owned());
    if side == Side::Reply && (plain || list) {
        attributes.push("deserialize_with = \"null_default\"".to_owned());
    } else if list {
        let container = if kind.starts_with("Vec<") { "Vec" } else { "BTreeMap" };
        attributes.push(format!("skip_serializing_if = \"{container}::is_empty\""));
    } else {
        attributes.push("skip_serializing_if = \"Option::is_none\"".to_owned());
    }
    let name = member(&field.wire);
    format!("/// {}\n#[serde({})]\npub {name}: {kind},\n", field.note, attributes.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types_with(fields: &[(&str, Shape)]) -> Types {
        let field = |(wire, shape): &(&str, Shape)| Field {
            wire: (*wire).to_owned(),
            shape: shape.clone(),
            note: format!("`{wire}`."),
        };
        let mut types = Types::default();
        types.add("Request", "Tag", &Shape::Object(fields.iter().map(field).collect()), Side::Request);
        types
    }

    #[test]
    fn a_struct_that_two_operations_have_alike_is_written_once() {
        let text = Shape::Scalar("String");
        let key = ("Key", text.clone());
        let mut homes = Homes::default();
        for (module, fields, home) in [
            ("create", vec![key.clone()], "create"),
            ("update", vec![key.clone()], "create"),
            ("copy", vec![key, ("Value", text)], "copy"),
        ] {
            let mut types = types_with(&fields);
            let elsewhere = homes.settle(module, &mut types);
            assert_eq!(types.done.is_empty(), home != module, "{module}");
            assert_eq!(elsewhere.contains_key(home), home != module, "{module}");
        }
    }
}
