//! What columns and cells are made of, the same for every kind.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::age::since;
use crate::object::field::{entries, list, name, number, text};

/// A column; wide ones are shown by `-o wide`.
#[derive(Debug, Clone, Copy)]
pub struct Column(&'static str, &'static str, bool);

/// The function that makes the cells of an object's row; the timestamp is the present, for ages.
pub type Row = fn(&Value, Timestamp) -> Vec<Value>;

impl Column {
    /// The column's definition in a Table document.
    pub fn definition(&self) -> Value {
        let format = if self.0 == "Name" { "name" } else { "" };
        json!({"name": self.0, "type": self.1, "format": format, "description": self.0, "priority": i32::from(self.2)})
    }
}

/// A column of text.
pub const fn text_column(name: &'static str) -> Column {
    Column(name, "string", false)
}

/// A column of whole numbers.
pub const fn number_column(name: &'static str) -> Column {
    Column(name, "integer", false)
}

/// A column of true and false.
pub const fn flag_column(name: &'static str) -> Column {
    Column(name, "boolean", false)
}

/// A column of text that is shown by `-o wide`.
pub const fn wide(name: &'static str) -> Column {
    Column(name, "string", true)
}

/// The object's name.
pub const NAME: Column = text_column("Name");
/// The time since the object was created.
pub const AGE: Column = text_column("Age");
/// The instant at which the object was created.
pub const CREATED_AT: Column = Column("Created At", "date", false);

/// The object's age as a cell.
pub fn age_of(object: &Value, now: Timestamp) -> Value {
    since(object, "/metadata/creationTimestamp", now).into()
}

/// The number at a path; 0 when absent.
pub fn count(object: &Value, path: &str) -> i64 {
    number(object, path).unwrap_or(0)
}

/// A text, or `<none>` in its place.
pub fn or_none(text: String) -> Value {
    if text.is_empty() { "<none>".into() } else { text.into() }
}

/// The text at a path, or `<unset>` in its place.
pub fn or_unset(object: &Value, path: &str) -> Value {
    match text(object, path) {
        "" => "<unset>".into(),
        given => given.into(),
    }
}

/// The names and the images of a template's containers; `spec` is the path to the pod's specification.
pub fn containers(object: &Value, spec: &str) -> [Value; 2] {
    let containers = list(object, &format!("{spec}/containers"));
    let joined = |path: &str| containers.iter().map(|c| text(c, path)).collect::<Vec<_>>().join(",");
    [joined("/name").into(), joined("/image").into()]
}

/// A map of labels as `a=b,c=d`, or `<none>`.
pub fn labels(object: &Value, path: &str) -> Value {
    let mut labels: Vec<_> = entries(object, path)
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    labels.sort_unstable();
    or_none(labels.join(","))
}

/// A label selector as `a=b,c in (d,e)`, or `<none>`.
pub fn selector(object: &Value, path: &str) -> Value {
    let mut parts: Vec<_> = entries(object, &format!("{path}/matchLabels"))
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    for expression in list(object, &format!("{path}/matchExpressions")) {
        let key = text(expression, "/key");
        let values: Vec<_> = list(expression, "/values").iter().filter_map(Value::as_str).collect();
        parts.push(match text(expression, "/operator") {
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            _ => format!("{key} in ({})", values.join(",")),
        });
    }
    parts.sort_unstable();
    or_none(parts.join(","))
}

/// Access modes in their short forms, as in `RWO,ROX`.
pub fn access_modes(object: &Value, path: &str) -> Value {
    let modes = list(object, path).iter().map(|mode| match mode.as_str().unwrap_or_default() {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        other => other,
    });
    modes.collect::<Vec<_>>().join(",").into()
}

/// The object's name as a cell.
pub fn name_of(object: &Value) -> Value {
    name(object).into()
}
