//! Bodies into objects: JSON, YAML or protobuf, checked field by field against the schema.

use quantity::{ParseQuantityError, Quantity};
use serde_json::{Map, Value};

use crate::kinds::Kind;
use crate::schema::{self, Field, Type};
use crate::status::ApiError;
use crate::{json, protobuf};

/// A decoded request body.
#[derive(Debug)]
pub struct Decoded {
    /// The object, with the fields that its kind has.
    pub object: Value,
    /// Findings of strict validation, each as `unknown field "spec.foo"` or `duplicate field "spec.foo"`.
    pub unknown: Vec<String>,
}

/// Reads a body as an object of `kind`.
///
/// # Errors
/// 400 when it cannot be read or is of another kind, 415 for an unknown format.
pub fn object(content_type: &str, body: &[u8], api_version: &str, kind: &str) -> Result<Decoded, ApiError> {
    let mut twice = Vec::new();
    let mut raw = raw_noting(content_type, body, &mut twice)?;
    let Some(members) = raw.as_object_mut() else {
        let message =
            format!("the object provided is unrecognized (must be of type {kind}): it is no object");
        return Err(ApiError::bad_request(message));
    };
    check_word(members, "kind", kind)?;
    check_word(members, "apiVersion", api_version)?;
    let mut decoded = conform(raw, api_version, kind)?;
    decoded.unknown.extend(twice.iter().map(|field| format!("duplicate field {field:?}")));
    Ok(decoded)
}

/// Checks an object that is already JSON.
///
/// # Errors
/// 400 when a value is of another type than its field.
pub fn conform(raw: Value, api_version: &str, kind: &str) -> Result<Decoded, ApiError> {
    let Some(root) = schema::of_kind(api_version, kind) else {
        return Ok(Decoded { object: raw, unknown: Vec::new() });
    };
    let mut reading = SchemaReader { unknown: Vec::new() };
    let mut object = raw;
    reading.value(&mut object, &root, &Path::Root).map_err(|why| {
        let message =
            format!("{kind} in version {:?} cannot be handled as a {kind}: {why}", version_of(api_version));
        ApiError::bad_request(message)
    })?;
    let mut object = match object {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    let mut whole = Map::new();
    whole.insert("kind".to_owned(), kind.into());
    whole.insert("apiVersion".to_owned(), api_version.into());
    object.shift_remove("kind");
    object.shift_remove("apiVersion");
    whole.append(&mut object);
    Ok(Decoded { object: Value::Object(whole), unknown: reading.unknown })
}

fn version_of(api_version: &str) -> &str {
    api_version.rsplit('/').next().unwrap_or_default()
}

fn check_word(members: &Map<String, Value>, key: &str, wanted: &str) -> Result<(), ApiError> {
    let given = members.get(key).and_then(Value::as_str).unwrap_or_default();
    if given.is_empty() || given == wanted {
        return Ok(());
    }
    let what = if key == "kind" { "type" } else { "version" };
    Err(ApiError::bad_request(format!(
        "the {key} in the data ({given}) does not match the expected {what} ({wanted})"
    )))
}

/// Reads a body of any format as plain JSON.
///
/// # Errors
/// 400 when it cannot be read, 415 for an unknown format.
pub fn raw(content_type: &str, body: &[u8]) -> Result<Value, ApiError> {
    raw_noting(content_type, body, &mut Vec::new())
}

fn raw_noting(content_type: &str, body: &[u8], twice: &mut Vec<String>) -> Result<Value, ApiError> {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    match kind {
        "" | "application/json" => json::read(body, twice)
            .map_err(|e| ApiError::bad_request(format!("couldn't get version/kind; json parse error: {e}"))),
        "application/yaml" | "application/x-yaml" => yaml(body),
        "application/vnd.kubernetes.protobuf" => {
            protobuf::decode(body).map_err(|e| ApiError::bad_request(e.to_string()))
        }
        _ => Err(ApiError::new(
            415,
            "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: application/json, \
             application/yaml, application/vnd.kubernetes.protobuf",
        )),
    }
}

/// Parses a YAML body as JSON.
///
/// # Errors
/// 400 when it cannot be read.
pub fn yaml(body: &[u8]) -> Result<Value, ApiError> {
    let text =
        std::str::from_utf8(body).map_err(|e| ApiError::bad_request(format!("error parsing YAML: {e}")))?;
    serde_saphyr::from_str(text).map_err(|e| ApiError::bad_request(format!("error parsing YAML: {e}")))
}

/// A value that does not fit its field's type, in the words of Go's decoder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum ValueError {
    /// The value is of another JSON type.
    #[error("json: cannot unmarshal {found} into Go struct field {path} of type {wanted}")]
    Type { found: &'static str, path: String, wanted: String },
    /// The text is no timestamp of this layout.
    #[error("parsing time {text:?} as {layout:?}: cannot parse {text:?}")]
    Time { text: String, layout: &'static str },
    /// The text is no quantity.
    #[error(transparent)]
    Quantity(#[from] ParseQuantityError),
}

/// The place of a value in its document, which becomes a text only where it is told.
enum Path<'a> {
    /// The document.
    Root,
    /// A member of an object.
    Member(&'a Path<'a>, &'a str),
    /// An item of a list.
    Item(&'a Path<'a>, usize),
}

impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Member(Self::Root, key) => f.write_str(key),
            Self::Member(of, key) => write!(f, "{of}.{key}"),
            Self::Item(of, at) => write!(f, "{of}[{at}]"),
        }
    }
}

/// Checks values against the schema in their place, and collects unknown fields: most of what is read is as it should be,
/// and stays where it is.
struct SchemaReader {
    unknown: Vec<String>,
}

impl SchemaReader {
    fn value(&mut self, value: &mut Value, kind: &Type, path: &Path<'_>) -> Result<(), ValueError> {
        let read = match (kind, &mut *value) {
            (_, Value::Null)
            | (Type::Text | Type::Bytes | Type::IntOrText | Type::Duration, Value::String(_))
            | (Type::Flag, Value::Bool(_))
            | (Type::Real | Type::Duration, Value::Number(_))
            | (Type::Raw | Type::Fields, _) => return Ok(()),
            (Type::Whole, Value::Number(number)) => whole(number).ok_or("int64"),
            (Type::IntOrText, Value::Number(number)) => whole(number).ok_or("int32"),
            (Type::Time, Value::String(text)) => Ok(time(text, false)?),
            (Type::MicroTime, Value::String(text)) => Ok(time(text, true)?),
            (Type::Quantity, Value::String(text)) => Ok(amount(text)?),
            (Type::Quantity, Value::Number(number)) => Ok(amount(&number.to_string())?),
            (Type::List(item), Value::Array(items)) => {
                let mut items = items.iter_mut().enumerate();
                return items.try_for_each(|(at, value)| self.value(value, item, &Path::Item(path, at)));
            }
            (Type::Map(item), Value::Object(members)) => {
                for (key, value) in members.iter_mut() {
                    self.value(value, item, &Path::Member(path, key))?;
                    if value.is_null() {
                        *value = zero(item);
                    }
                }
                return Ok(());
            }
            (Type::Struct(_), Value::Object(members)) => return self.structure(members, kind, path),
            (kind, value) => return Err(wrong(value, &name_of(kind), path)),
        };
        match read {
            Ok(read) => *value = read,
            Err(wanted) => return Err(wrong(value, wanted, path)),
        }
        Ok(())
    }

    fn structure(
        &mut self,
        members: &mut Map<String, Value>,
        kind: &Type,
        path: &Path<'_>,
    ) -> Result<(), ValueError> {
        let fields = schema::fields(kind);
        let mut left_out = Vec::new();
        for (key, value) in members.iter_mut() {
            let inner = Path::Member(path, key);
            let own = fields.iter().find(|field| field.name == *key);
            let Some(field) = own.or_else(|| schema::find(kind, key)) else {
                let is_type = matches!(path, Path::Root) && matches!(key.as_str(), "kind" | "apiVersion");
                if !is_type {
                    self.unknown.push(format!("unknown field {:?}", inner.to_string()));
                }
                left_out.push(key.clone());
                continue;
            };
            self.value(value, &field.kind, &inner)?;
            if value.is_null() {
                left_out.push(key.clone());
            }
        }
        for key in left_out {
            members.shift_remove(&key);
        }
        for field in fields {
            if is_written_as_null(field) && !members.contains_key(&field.name) {
                members.insert(field.name.clone(), Value::Null);
            }
        }
        Ok(())
    }
}

/// True for a field that is written as null when it has no value: a time that is no pointer in the published types.
fn is_written_as_null(field: &Field) -> bool {
    matches!(field.kind, Type::Time | Type::MicroTime)
        && !field.keeps_zero
        && field.name != "creationTimestamp"
}

fn zero(kind: &Type) -> Value {
    match kind {
        Type::Text => "".into(),
        _ => Value::Null,
    }
}

fn whole(number: &serde_json::Number) -> Option<Value> {
    if let Some(whole) = number.as_i64() {
        return Some(whole.into());
    }
    let real = number.as_f64().filter(|real| real.fract() == 0.0 && real.abs() < 9e15)?;
    format!("{real:.0}").parse::<i64>().ok().map(Into::into)
}

fn time(text: &str, micro: bool) -> Result<Value, ValueError> {
    let wrong = |layout| ValueError::Time { text: text.to_owned(), layout };
    let at: jiff::Timestamp = text.parse().map_err(|_| wrong("2006-01-02T15:04:05Z07:00"))?;
    if !micro {
        return Ok(crate::object::timestamp::seconds(at).into());
    }
    let fraction =
        text.split(['.']).nth(1).map_or(0, |rest| rest.chars().take_while(char::is_ascii_digit).count());
    if fraction != 6 {
        return Err(wrong("2006-01-02T15:04:05.000000Z07:00"));
    }
    Ok(crate::object::timestamp::micros(at).into())
}

fn amount(text: &str) -> Result<Value, ValueError> {
    let canonical = text.parse::<Quantity>()?.canonical();
    Ok(canonical.ok_or(ParseQuantityError)?.into())
}

fn wrong(value: &Value, wanted: &str, path: &Path<'_>) -> ValueError {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    ValueError::Type { found, path: path.to_string(), wanted: wanted.to_owned() }
}

fn name_of(kind: &Type) -> String {
    match kind {
        Type::Text => "string".to_owned(),
        Type::Flag => "bool".to_owned(),
        Type::Whole => "int64".to_owned(),
        Type::Real => "float64".to_owned(),
        Type::Bytes => "[]uint8".to_owned(),
        Type::Time => "v1.Time".to_owned(),
        Type::MicroTime => "v1.MicroTime".to_owned(),
        Type::Duration => "v1.Duration".to_owned(),
        Type::Quantity => "resource.Quantity".to_owned(),
        Type::IntOrText => "intstr.IntOrString".to_owned(),
        Type::Raw | Type::Fields => "runtime.RawExtension".to_owned(),
        Type::List(item) => format!("[]{}", name_of(item)),
        Type::Map(item) => format!("map[string]{}", name_of(item)),
        Type::Struct(name) => name.rsplit_once('.').map_or(name.clone(), |(_, last)| format!("v1.{last}")),
    }
}

/// Applies a request's `fieldValidation` to its unknown fields, and returns the warnings.
///
/// # Errors
/// 400 when it is strict and there are any; else the warnings.
pub fn check_unknown_fields(
    kind: &Kind,
    unknown: &[String],
    validation: &str,
) -> Result<Vec<String>, ApiError> {
    match validation {
        "Strict" if !unknown.is_empty() => Err(ApiError::bad_request(format!(
            "{} in version {:?} cannot be handled as a {}: strict decoding error: {}",
            kind.kind,
            kind.version,
            kind.kind,
            unknown.join(", ")
        ))),
        "Strict" | "Ignore" => Ok(Vec::new()),
        _ => Ok(unknown.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(body: Value) -> Result<Decoded, ApiError> {
        object("application/json", body.to_string().as_bytes(), "v1", "Pod")
    }

    #[test]
    fn what_a_kind_does_not_know_is_left_out_and_told() {
        let decoded = pod(
            json!({"metadata": {"name": "p"}, "spec": {"foo": 1, "containers": [{"name": "c", "bar": 2}]}}),
        )
        .unwrap();
        assert_eq!(
            decoded.unknown,
            ["unknown field \"spec.foo\"", "unknown field \"spec.containers[0].bar\""]
        );
        assert_eq!(decoded.object["spec"], json!({"containers": [{"name": "c"}]}));
    }

    #[test]
    fn a_value_of_another_type_is_told_with_its_field() {
        let error = pod(json!({"spec": {"terminationGracePeriodSeconds": "x"}})).unwrap_err();
        assert!(error.message.starts_with(
            "Pod in version \"v1\" cannot be handled as a Pod: json: cannot unmarshal string into Go struct field"
        ));
    }

    #[test]
    fn instants_and_amounts_are_stored_in_one_form() {
        let decoded = pod(json!({"status": {"startTime": "2026-01-01T02:00:00.7+01:00",
            "conditions": [{"type": "Ready", "status": "True"}]},
            "spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": 1.5, "memory": "1024Mi"}}}]}}));
        let object = decoded.unwrap().object;
        assert_eq!(object["status"]["startTime"], "2026-01-01T01:00:00Z");
        assert_eq!(object["status"]["conditions"][0]["lastProbeTime"], Value::Null);
        assert!(object["status"]["conditions"][0].get("lastTransitionTime").is_some());
        let limits = &object["spec"]["containers"][0]["resources"]["limits"];
        assert_eq!(limits, &json!({"cpu": "1500m", "memory": "1Gi"}));
    }

    #[test]
    fn the_instants_of_a_lease_have_six_digits() {
        for (text, readable) in [("2026-01-01T00:00:00.000001Z", true), ("2026-01-01T00:00:00Z", false)] {
            let body = json!({"spec": {"renewTime": text}}).to_string();
            let decoded = object("application/json", body.as_bytes(), "coordination.k8s.io/v1", "Lease");
            assert_eq!(decoded.is_ok(), readable, "{text}");
        }
    }

    #[test]
    fn yaml_is_read_as_kubernetes_reads_it() {
        for (text, kind_of) in
            [("y", "bool"), ("N", "bool"), ("off", "bool"), ("1", "number"), ("\"y\"", ""), ("yes", "bool")]
        {
            let body = format!("metadata: {{name: c}}\ndata: {{a: {text}}}");
            let decoded = object("application/yaml", body.as_bytes(), "v1", "ConfigMap");
            match decoded {
                Ok(_) => assert_eq!(kind_of, "", "{text}"),
                Err(error) => {
                    assert!(error.message.contains(&format!("unmarshal {kind_of}")), "{text}: {error}")
                }
            }
        }
    }

    #[test]
    fn options_of_a_deletion_are_read_whatever_group_they_came_by() {
        assert!(schema::of_kind("coordination.k8s.io/v1", "DeleteOptions").is_some());
    }
}
