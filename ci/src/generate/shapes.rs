//! The shapes of requests and replies, as the published table gives them.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// Shape of one parameter or field.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    Scalar(&'static str),
    Map,
    Numbers,
    List(Box<Shape>),
    Object(Vec<Field>),
}

/// A parameter of a request, or a field of a reply.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Name on the wire.
    pub wire: String,
    pub shape: Shape,
    /// Sentence that stands above it in the source.
    pub note: String,
}

/// Shape of a request, from its parameters' dotted names.
pub fn request_shape(rows: &[Value]) -> Result<Shape> {
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

/// Shape of a reply, from the tree of its fields.
pub fn reply_shape(tree: &Value) -> Result<Shape> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
