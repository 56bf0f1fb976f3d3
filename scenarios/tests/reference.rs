//! The reference of case files, `docs/scenarios.md`, which is written from their schema.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

const HEAD: &str = "\
# Case files

Written from the types by `UPDATE=1 cargo test -p scenarios`, never by hand; the same as a JSON schema for editors:
`scenarios/schema.json`, or `scenarios schema`.

A case is a YAML file: one claim, where it comes from, and steps that are done in order. The first step that does not come out as it
says fails the case, and the report names its line.

```yaml
scenario: a labelled namespace sends its pods to the virtual node
cites: virtual-node.md 3.1
version: 1
steps:
  - create-namespace: vk
  - label: { namespace: vk, virtual-node-affinity-injection: enabled }
  - run: { pod: vk/nginx, image: nginx }
  - expect: { pod: vk/nginx, is: Running, on: virtual-kubelet, within: 60s }
  - advance: 1h
```

Cases of one's own stand anywhere: `scenarios run DIR` plays every case below a folder (`.` for the present one) and passes other YAML by;
`run` also takes a file, a pattern with `*`, and a claim or some words of one. A file that a case applies is looked for beside the case.

What could never fail is a mistake: an expectation of a pod that no step makes or sees, an empty text, a field that the kind does not
have, a `fails` without the words of the failure. So is a name of an action, code, parameter, zone, image or state that does not exist.
A fault that hits no call and a script that fits no container fail their case at its end.

Any text may name the container group of a pod as `$group(vk/nginx)`. A span is written `250ms`, `60s`, `90m` or `1h30m`. Fields that a
step or the file must have are in **bold**.
";

/// Definition that a schema refers to.
fn resolved<'a>(whole: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str().and_then(|name| name.strip_prefix("#")) {
        Some(pointer) => whole.pointer(pointer).unwrap(),
        None => schema,
    }
}

/// A schema without the alternative `null`.
fn required<'a>(whole: &'a Value, schema: &'a Value) -> &'a Value {
    let alternatives = schema["anyOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    let first = alternatives.first().filter(|_| alternatives.iter().any(|other| other["type"] == "null"));
    resolved(whole, first.unwrap_or(schema))
}

/// Words of a choice between constants alone.
fn constants(schema: &Value) -> Vec<&str> {
    let choices = schema["oneOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    choices.iter().map(|choice| choice["const"].as_str()).collect::<Option<_>>().unwrap_or_default()
}

/// Values that a schema takes, in a few words.
fn kind(whole: &Value, schema: &Value) -> String {
    if schema["$ref"] == "#/$defs/Step" {
        return "[step](#steps)".to_owned();
    }
    let schema = required(whole, schema);
    let constants = constants(schema);
    if !constants.is_empty() {
        return constants.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    }
    if let Some(alternatives) = schema["anyOf"].as_array() {
        let mut kinds: Vec<_> = alternatives.iter().map(|one| kind(whole, one)).collect();
        kinds.dedup();
        return kinds.join(" or ");
    }
    let pattern = schema["pattern"].as_str().unwrap_or_default();
    let types = match &schema["type"] {
        Value::Array(all) => all.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect(),
        one => Vec::from_iter(one.as_str()),
    };
    let words = types.into_iter().map(|kind_of| match kind_of {
        "string" if pattern.contains("h|m|s") => "span".to_owned(),
        "string" if pattern.contains("/)?") => "`namespace/name`".to_owned(),
        "string" => "text".to_owned(),
        "boolean" => "true or false".to_owned(),
        "integer" => "whole number".to_owned(),
        "array" => format!("list of {}", kind(whole, &schema["items"])),
        "object" => members(schema),
        other => other.to_owned(),
    });
    words.collect::<Vec<_>>().join(" or ")
}

/// A mapping by its fields, or as fields of any name.
fn members(schema: &Value) -> String {
    match schema["properties"].as_object() {
        Some(fields) => {
            let names: Vec<_> = fields.keys().map(|name| format!("`{name}`")).collect();
            format!("mapping of {}", names.join(", "))
        }
        None => "fields".to_owned(),
    }
}

/// Rows for the fields of a mapping.
fn fields(whole: &Value, schema: &Value) -> String {
    let Some(properties) = schema["properties"].as_object() else { return String::new() };
    let mut text = String::from("\n| field | value | |\n|---|---|---|\n");
    for (name, field) in properties {
        let needed = schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
        let shown = if needed { format!("**`{name}`**") } else { format!("`{name}`") };
        let about = field["description"].as_str().unwrap_or_default();
        writeln!(text, "| {shown} | {} | {about} |", kind(whole, field)).unwrap();
    }
    text
}

/// A step: its verb, what it does, and the forms of its value.
fn step(whole: &Value, schema: &Value) -> String {
    let about = schema["description"].as_str().unwrap();
    let Some((verb, value)) = schema["properties"].as_object().and_then(|all| all.iter().next()) else {
        return format!("\n### `{}`\n\n{about} It has no fields.\n", schema["const"].as_str().unwrap());
    };
    let value = resolved(whole, value);
    let mut text = format!("\n### `{verb}`\n\n{about}\n");
    let forms = match value["anyOf"].as_array() {
        Some(forms) => forms.iter().map(|form| resolved(whole, form)).collect(),
        None => vec![value],
    };
    for form in forms {
        if form["properties"].is_object() {
            text.push_str(&fields(whole, form));
        } else {
            writeln!(text, "\nValue: {}.", kind(whole, form)).unwrap();
        }
    }
    text
}

/// The whole page.
fn page(whole: &Value) -> String {
    let mut text = format!("{HEAD}\n## The file\n{}", fields(whole, whole));
    text.push_str("\n## Capabilities\n\nWhat a case may need of a cluster; where it is lacking, the case is passed over by name.\n");
    text.push_str("\n| capability | |\n|---|---|\n");
    for capability in whole["$defs"]["Capability"]["oneOf"].as_array().unwrap() {
        let (name, about) =
            (capability["const"].as_str().unwrap(), capability["description"].as_str().unwrap());
        writeln!(text, "| `{name}` | {about} |").unwrap();
    }
    text.push_str("\n## Steps\n");
    for one in whole["$defs"]["Step"]["oneOf"].as_array().unwrap() {
        text.push_str(&step(whole, one));
    }
    text
}

#[test]
fn the_reference_is_what_the_schema_says() {
    let whole: Value = serde_json::from_str(&scenarios::cli::schema_text()).unwrap();
    let wanted = page(&whole);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scenarios.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let seen = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(seen == wanted, "docs/scenarios.md has drifted; `UPDATE=1 cargo test -p scenarios` writes it");
}

#[test]
fn every_step_has_its_section() {
    let whole: Value = serde_json::from_str(&scenarios::cli::schema_text()).unwrap();
    let steps = whole["$defs"]["Step"]["oneOf"].as_array().unwrap().len();
    assert!(steps > 15, "{steps} steps");
    assert_eq!(page(&whole).matches("\n### `").count(), steps);
}
