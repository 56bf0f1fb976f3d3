//! Writes the Rust types of every ECI operation from the published parameter table, or checks that they are current.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

const TABLE: &str = "eci-sim/api/data/actions.json";
const OUTPUT: &str = "eci-sim/api/src/actions";

/// Writes the files, or with `check` fails when one of them differs from what would be written.
pub fn run(root: &Path, check: bool) -> Result<()> {
    let text = std::fs::read_to_string(root.join(TABLE)).with_context(|| format!("cannot read {TABLE}"))?;
    let table: Value = serde_json::from_str(&text).with_context(|| format!("{TABLE} is not JSON"))?;
    let actions = table["actions"].as_object().context("the table has no `actions`")?;
    let mut files = BTreeMap::new();
    for (name, action) in actions {
        files.insert(format!("{}.rs", snake(name)), action_file(name, action)?);
    }
    files.insert("mod.rs".to_owned(), index_file(actions.keys()));
    for (name, source) in files {
        let path = root.join(OUTPUT).join(&name);
        let wanted = rustfmt(root, &source).with_context(|| format!("cannot format {name}"))?;
        if !check {
            std::fs::create_dir_all(root.join(OUTPUT))?;
            std::fs::write(&path, wanted)?;
        } else if std::fs::read_to_string(&path).ok().as_deref() != Some(&wanted) {
            bail!("{OUTPUT}/{name} is not what {TABLE} gives; run `cargo ci generate`");
        }
    }
    Ok(())
}

/// Shape of one parameter or field.
#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Scalar(&'static str),
    Map,
    Numbers,
    List(Box<Shape>),
    Object(Vec<Field>),
}

#[derive(Debug, Clone, PartialEq)]
struct Field {
    wire: String,
    shape: Shape,
    note: String,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Side {
    Request,
    Reply,
}

fn action_file(name: &str, action: &Value) -> Result<String> {
    let request = request_shape(action["request"].as_array().context("no `request`")?)?;
    let reply = reply_shape(&action["response"])?;
    let mut types = Types::default();
    types.add("", &format!("{name}Reply"), &reply, Side::Reply);
    types.add("Request", name, &request, Side::Request);
    let status = action["status"].as_str().unwrap_or("current");
    let mut out = format!("//! `{name}`: its request and its reply ({status}).\n\n");
    out.push_str(
        "use std::collections::BTreeMap;\nuse std::fmt;\n\nuse serde::{Deserialize, Serialize};\n\n",
    );
    out.push_str("use crate::action::Action;\nuse crate::number::Number;\nWIRE\n");
    writeln!(
        out,
        "impl Action for {name} {{ const NAME: &'static str = \"{name}\"; type Reply = {name}Reply; }}"
    )?;
    for written in types.done.iter().rev() {
        out.push_str(&written.source);
    }
    let wire = [("HIDDEN", "&HIDDEN"), ("null_default", "= \"null_default\"")];
    let wire: Vec<_> = wire.iter().filter(|(_, word)| out.contains(word)).map(|(name, _)| *name).collect();
    let wire =
        if wire.is_empty() { String::new() } else { format!("use crate::wire::{{{}}};\n", wire.join(", ")) };
    out = out.replacen("WIRE\n", &format!("{wire}\n"), 1);
    for (import, word) in [
        ("use std::collections::BTreeMap;\n", "BTreeMap<"),
        ("use std::fmt;\n", "fmt::Debug"),
        ("use crate::number::Number;\n", "<Number>"),
    ] {
        let used = out.contains(word)
            || (word == "<Number>" && (out.contains(": Number,") || out.contains(", Number>")));
        if !used {
            out = out.replace(import, "");
        }
    }
    Ok(out)
}

/// The structs of one file, innermost first; equal bodies under one name are one struct.
#[derive(Default)]
struct Types {
    done: Vec<Written>,
}

struct Written {
    name: String,
    members: Vec<String>,
    source: String,
}

impl Types {
    /// Adds the struct called `name` and whatever it contains, and returns the name it got.
    fn add(&mut self, parent: &str, name: &str, shape: &Shape, side: Side) -> String {
        let Shape::Object(fields) = shape else { return String::new() };
        let (mut lines, mut members) = (String::new(), Vec::new());
        for field in fields {
            let kind = self.kind_of(name, &field.wire, &field.shape, side);
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
        self.done.push(Written { name: chosen.clone(), members, source });
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

/// Name of a struct's field in Rust.
fn member(wire: &str) -> String {
    match rust_name(wire) {
        name if name == "type" => "type_".to_owned(),
        name => name,
    }
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

fn request_shape(rows: &[Value]) -> Result<Shape> {
    let mut root = Shape::Object(Vec::new());
    for row in rows {
        let name = row["name"].as_str().context("a parameter without a name")?;
        let segments: Vec<&str> = name.split('.').collect();
        put(&mut root, name, &segments, row)?;
    }
    tidy(&mut root);
    Ok(root)
}

/// Puts one published parameter into the tree of shapes.
fn put(node: &mut Shape, full: &str, segments: &[&str], row: &Value) -> Result<()> {
    let Some((head, rest)) = segments.split_first() else { return Ok(()) };
    let Shape::Object(fields) = node else { bail!("{full}: a parameter inside a scalar") };
    let at = fields.iter().position(|f| f.wire == *head).unwrap_or_else(|| {
        let note =
            format!("`{}`.", full.split(&format!("{head}.")).next().unwrap_or_default().to_owned() + head);
        fields.push(Field { wire: (*head).to_owned(), shape: Shape::Object(Vec::new()), note });
        fields.len() - 1
    });
    let field = &mut fields[at];
    let (list, rest) = match rest.split_first() {
        Some((&"N", rest)) => (true, rest),
        _ => (false, rest),
    };
    if list && !matches!(field.shape, Shape::List(_)) {
        ensure!(field.shape == Shape::Object(Vec::new()), "{full}: both a list and not");
        field.shape = Shape::List(Box::new(Shape::Object(Vec::new())));
    }
    let inner = match &mut field.shape {
        Shape::List(item) => item.as_mut(),
        other => other,
    };
    if rest.first().is_some_and(|key| key.starts_with(['<', '#'])) {
        *inner = Shape::Map;
        return Ok(());
    }
    if !rest.is_empty() {
        if matches!(inner, Shape::Scalar(_)) {
            *inner = Shape::Object(Vec::new());
        }
        return put(inner, full, rest, row);
    }
    field.note = note(full, row);
    let kind = row["type"].as_str().context("no type")?;
    match kind {
        "object" | "json-object" => {} // its members come in rows of their own
        _ if matches!(inner, Shape::Object(members) if !members.is_empty()) => {} // members outweigh a plain type
        "map<string,string>" => *inner = Shape::Map,
        _ => *inner = Shape::Scalar(scalar(kind)?),
    }
    Ok(())
}

/// An object that no row gives a member is a text map.
fn tidy(node: &mut Shape) {
    match node {
        Shape::Object(fields) if fields.is_empty() => *node = Shape::Map,
        Shape::Object(fields) => fields.iter_mut().for_each(|f| tidy(&mut f.shape)),
        Shape::List(item) => tidy(item),
        Shape::Scalar(_) | Shape::Map | Shape::Numbers => {}
    }
}

fn reply_shape(tree: &Value) -> Result<Shape> {
    Ok(match tree["type"].as_str().context("a reply field without a type")? {
        "array" => Shape::List(Box::new(reply_shape(&tree["items"])?)),
        "map" if tree["values"]["type"] == "number" => Shape::Numbers,
        "object" | "map" if tree["fields"].as_object().is_none_or(|f| f.is_empty()) => Shape::Map,
        "object" => {
            let fields = tree["fields"].as_object().context("an object without fields")?;
            let mut all = Vec::new();
            for (wire, field) in fields {
                all.push(Field {
                    wire: wire.clone(),
                    shape: reply_shape(field)?,
                    note: format!("`{wire}`."),
                });
            }
            Shape::Object(all)
        }
        kind => Shape::Scalar(scalar(kind)?),
    })
}

fn scalar(kind: &str) -> Result<&'static str> {
    Ok(match kind {
        "string" => "String",
        "int32" | "integer" => "i32",
        "int64" => "i64",
        "boolean" => "bool",
        "float" | "double" => "Number",
        other => bail!("unknown type `{other}`"),
    })
}

fn note(full: &str, row: &Value) -> String {
    let mut text = format!("`{full}`");
    if row["required"].as_bool() == Some(true) {
        text.push_str(if row["required_scope"] == "item" { ", required in each item" } else { ", required" });
    }
    for (key, words) in
        [("min", "at least"), ("max", "at most"), ("max_items", "items at most"), ("default", "default")]
    {
        match &row[key] {
            Value::Null => {}
            Value::String(s) => text.push_str(&format!(", {words} {s}")),
            other => text.push_str(&format!(", {words} {other}")),
        }
    }
    if let Some(values) = row["enum"].as_array() {
        let values: Vec<_> = values.iter().filter_map(Value::as_str).collect();
        text.push_str(&format!(", one of {}", values.join(", ")));
    }
    text + "."
}

fn index_file<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<_> = names.collect();
    let mut out = String::from(
        "//! One file an operation, written from `data/actions.json` by `cargo ci generate`.\n\n",
    );
    for name in &names {
        let _ = writeln!(out, "pub mod {};", snake(name));
    }
    for name in &names {
        let _ = writeln!(out, "pub use {}::{{{name}, {name}Reply}};", snake(name));
    }
    out.push_str("\n/// Applies a macro to the list of all operations' request types.\n#[macro_export]\n");
    let list: Vec<_> = names.iter().map(|n| format!("$crate::actions::{n}")).collect();
    let _ = writeln!(
        out,
        "macro_rules! every_action {{ ($apply:ident) => {{ $apply! {{ {} }} }} }}",
        list.join(", ")
    );
    out
}

/// A struct's name from the field that holds it: one name for the probes, one for the states.
fn type_name(parent: &str, wire: &str) -> String {
    let word = match wire {
        "LivenessProbe" | "ReadinessProbe" | "StartupProbe" => "Probe",
        "CurrentState" | "PreviousState" => "ContainerState",
        "Option" => "DnsOption", // the prelude has the other word
        other => other,
    };
    let mut letters = word.chars();
    let word: String = letters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(letters).collect();
    if word == parent { format!("{word}Item") } else { word }
}

fn singular(word: &str) -> String {
    for (plural, single) in
        [("Caches", "Cache"), ("ies", "y"), ("Statuses", "Status"), ("Addresses", "Address")]
    {
        if let Some(stem) = word.strip_suffix(plural) {
            return format!("{stem}{single}");
        }
    }
    match word.strip_suffix('s') {
        Some(stem) if !stem.ends_with(['s', 'u', 'i']) => stem.to_owned(),
        _ => word.to_owned(),
    }
}

fn rust_name(wire: &str) -> String {
    snake(&wire.replace("VSwitch", "Vswitch"))
}

/// Word in snake case: `NFSVolume` → `nfs_volume`, `ContainerGroupId` → `container_group_id`, `TTY` → `tty`.
fn snake(word: &str) -> String {
    let letters: Vec<char> = word.chars().collect();
    let mut out = String::new();
    for (i, c) in letters.iter().enumerate() {
        let after_small = i > 0 && (letters[i - 1].is_ascii_lowercase() || letters[i - 1].is_ascii_digit());
        let before_small = i > 0
            && letters[i - 1].is_ascii_uppercase()
            && letters.get(i + 1).is_some_and(|n| n.is_ascii_lowercase());
        if c.is_ascii_uppercase() && (after_small || before_small) {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// Name that serde's `PascalCase` makes of a Rust field name.
fn pascal(name: &str) -> String {
    name.split('_')
        .map(|part| {
            let mut letters = part.chars();
            letters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
        })
        .collect()
}

fn rustfmt(root: &Path, source: &str) -> Result<String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("rustfmt is not installed; `rustup component add rustfmt`")?;
    child.stdin.take().context("rustfmt has no input")?.write_all(source.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "rustfmt refused the source");
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_names_become_rust_names() {
        for (wire, rust) in [
            ("ContainerGroupId", "container_group_id"),
            ("VSwitchId", "vswitch_id"),
            ("NFSVolume", "nfs_volume"),
            ("TTY", "tty"),
            ("Ipv6AddressCount", "ipv6_address_count"),
            ("involvedObject", "involved_object"),
        ] {
            assert_eq!(rust_name(wire), rust);
        }
    }

    #[test]
    fn the_files_are_current() {
        run(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), true).unwrap();
    }

    #[test]
    fn a_list_of_objects_is_read_from_dotted_names() {
        let rows: Value =
            serde_json::from_str(r#"[{"name":"Container.N.Port.N.Port","type":"int32","required":false}]"#)
                .unwrap();
        let shape = request_shape(rows.as_array().unwrap()).unwrap();
        let text = format!("{shape:?}");
        assert_eq!(text.matches("List(").count(), 2, "{text}");
    }
}
