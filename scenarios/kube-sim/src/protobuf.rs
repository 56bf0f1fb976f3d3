//! Kubernetes' protobuf bodies into JSON and back, by the field numbers of the schema.

pub mod encode;
pub mod message;

use base64::Engine as _;
use serde_json::{Map, Value};

use crate::schema::{self, Field, Type};

/// Errors of protobuf bodies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProtobufError {
    /// The body does not begin with the envelope's four bytes.
    #[error("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")]
    Prefix,
    /// The body is cut off, or a value does not fit its field's type.
    #[error("the protobuf message is cut off or damaged")]
    Damaged,
    /// Messages lie in each other deeper than any kind does.
    #[error("the protobuf message nests too deep")]
    TooDeep,
    /// The kind is not one that is served.
    #[error("no kind {kind:?} is registered for version {version:?} in scheme")]
    UnknownKind {
        /// API version in the envelope.
        version: String,
        /// Kind in the envelope.
        kind: String,
    },
}

const PREFIX: &[u8] = b"k8s\0";
const DEPTH_MAX: u32 = 40;

/// Reads an envelope and the object in it.
///
/// # Errors
/// [`ProtobufError`].
pub fn decode(body: &[u8]) -> Result<Value, ProtobufError> {
    let envelope = body.strip_prefix(PREFIX).ok_or(ProtobufError::Prefix)?;
    let (mut version, mut kind, mut raw) = (String::new(), String::new(), &b""[..]);
    for (number, value) in message(envelope)? {
        match (number, value) {
            (1, Wire::Bytes(meta)) => {
                for (number, value) in message(meta)? {
                    match (number, value) {
                        (1, Wire::Bytes(text)) => version = utf8(text)?,
                        (2, Wire::Bytes(text)) => kind = utf8(text)?,
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let Some(root) = schema::of_kind(&version, &kind) else {
        return Err(ProtobufError::UnknownKind { version, kind });
    };
    let mut object = Map::new();
    object.insert("kind".to_owned(), kind.into());
    object.insert("apiVersion".to_owned(), version.into());
    structure(raw, &root, &mut object, 0)?;
    Ok(Value::Object(object))
}

enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Real(f64),
}

/// The fields of a message, in their order.
fn message(mut bytes: &[u8]) -> Result<Vec<(u32, Wire<'_>)>, ProtobufError> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let number = u32::try_from(tag >> 3).map_err(|_| ProtobufError::Damaged)?;
        let value = match tag & 7 {
            0 => Wire::Number(varint(&mut bytes)?),
            1 => Wire::Real(f64::from_le_bytes(
                take(&mut bytes, 8)?.try_into().map_err(|_| ProtobufError::Damaged)?,
            )),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).map_err(|_| ProtobufError::Damaged)?;
                Wire::Bytes(take(&mut bytes, length)?)
            }
            5 => {
                let four: [u8; 4] = take(&mut bytes, 4)?.try_into().map_err(|_| ProtobufError::Damaged)?;
                Wire::Number(u64::from(u32::from_le_bytes(four)))
            }
            _ => return Err(ProtobufError::Damaged),
        };
        fields.push((number, value));
    }
    Ok(fields)
}

fn varint(bytes: &mut &[u8]) -> Result<u64, ProtobufError> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first().ok_or(ProtobufError::Damaged)?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(ProtobufError::Damaged)
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8], ProtobufError> {
    let (taken, rest) = bytes.split_at_checked(length).ok_or(ProtobufError::Damaged)?;
    *bytes = rest;
    Ok(taken)
}

fn utf8(bytes: &[u8]) -> Result<String, ProtobufError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| ProtobufError::Damaged)
}

fn structure(
    bytes: &[u8],
    kind: &Type,
    object: &mut Map<String, Value>,
    depth: u32,
) -> Result<(), ProtobufError> {
    if depth > DEPTH_MAX {
        return Err(ProtobufError::TooDeep);
    }
    for (number, wire) in message(bytes)? {
        let Some(field) = schema::fields(kind).iter().find(|field| field.number == number) else { continue };
        if field.name.is_empty() {
            if let Wire::Bytes(inner) = wire {
                structure(inner, &field.kind, object, depth + 1)?;
            }
            continue;
        }
        put(field, &wire, object, depth)?;
    }
    Ok(())
}

fn put(
    field: &Field,
    wire: &Wire<'_>,
    object: &mut Map<String, Value>,
    depth: u32,
) -> Result<(), ProtobufError> {
    match &field.kind {
        Type::List(item) => {
            let value = value(wire, item, depth)?;
            if let Value::Array(items) =
                object.entry(field.name.clone()).or_insert_with(|| Value::Array(Vec::new()))
            {
                items.push(value);
            }
        }
        Type::Map(item) => {
            let Wire::Bytes(entry) = wire else { return Err(ProtobufError::Damaged) };
            let (mut key, mut inner) = (String::new(), empty(item));
            for (number, wire) in message(entry)? {
                match (number, &wire) {
                    (1, Wire::Bytes(text)) => key = utf8(text)?,
                    (2, _) => inner = value(&wire, item, depth)?,
                    _ => {}
                }
            }
            if let Value::Object(map) =
                object.entry(field.name.clone()).or_insert_with(|| Value::Object(Map::new()))
            {
                map.insert(key, inner);
            }
        }
        kind => {
            let value = value(wire, kind, depth)?;
            if field.keeps_zero || !is_zero(&value) {
                object.insert(field.name.clone(), value);
            }
        }
    }
    Ok(())
}

fn empty(kind: &Type) -> Value {
    match kind {
        Type::Text | Type::Bytes => "".into(),
        Type::List(_) => Value::Array(Vec::new()),
        _ => Value::Null,
    }
}

/// A zero that the writer could not leave out.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

#[allow(clippy::cast_possible_wrap, reason = "the wire writes negative numbers as their two's complement")]
fn value(wire: &Wire<'_>, kind: &Type, depth: u32) -> Result<Value, ProtobufError> {
    Ok(match (kind, wire) {
        (Type::Text, Wire::Bytes(bytes)) => utf8(bytes)?.into(),
        (Type::Bytes, Wire::Bytes(bytes)) => base64::engine::general_purpose::STANDARD.encode(bytes).into(),
        (Type::Flag, Wire::Number(number)) => (*number != 0).into(),
        (Type::Whole, Wire::Number(number)) => (*number as i64).into(),
        (Type::Real, Wire::Real(real)) => (*real).into(),
        (Type::Struct(_), Wire::Bytes(bytes)) => {
            let mut object = Map::new();
            structure(bytes, kind, &mut object, depth + 1)?;
            Value::Object(object)
        }
        (Type::Quantity, Wire::Bytes(bytes)) => text_in(bytes, 1)?.into(),
        (Type::Fields | Type::Raw, Wire::Bytes(bytes)) => {
            let raw = message(bytes)?.into_iter().find_map(|(number, wire)| match (number, wire) {
                (1, Wire::Bytes(raw)) => Some(raw),
                _ => None,
            });
            serde_json::from_slice(raw.unwrap_or(b"{}")).map_err(|_| ProtobufError::Damaged)?
        }
        (Type::Time | Type::MicroTime, Wire::Bytes(bytes)) => instant(bytes, *kind == Type::MicroTime)?,
        (Type::Duration, Wire::Bytes(bytes)) => {
            let span = jiff::SignedDuration::from_nanos(number_in(bytes, 1)?.unwrap_or(0));
            format!("{}s", span.as_secs_f64()).into()
        }
        (Type::IntOrText, Wire::Bytes(bytes)) => match number_in(bytes, 1)?.unwrap_or(0) {
            0 => number_in(bytes, 2)?.unwrap_or(0).into(),
            _ => text_in(bytes, 3)?.into(),
        },
        (Type::List(item), Wire::Bytes(bytes)) => {
            let items = message(bytes)?.into_iter().map(|(_, wire)| value(&wire, item, depth + 1));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        _ => return Err(ProtobufError::Damaged),
    })
}

#[allow(clippy::cast_possible_wrap, reason = "the wire writes negative numbers as their two's complement")]
fn number_in(bytes: &[u8], wanted: u32) -> Result<Option<i64>, ProtobufError> {
    Ok(message(bytes)?.into_iter().find_map(|(number, wire)| match wire {
        Wire::Number(value) if number == wanted => Some(value as i64),
        _ => None,
    }))
}

fn text_in(bytes: &[u8], wanted: u32) -> Result<String, ProtobufError> {
    let found = message(bytes)?.into_iter().find_map(|(number, wire)| match wire {
        Wire::Bytes(text) if number == wanted => Some(utf8(text)),
        _ => None,
    });
    found.unwrap_or_else(|| Ok(String::new()))
}

fn instant(bytes: &[u8], micro: bool) -> Result<Value, ProtobufError> {
    let Some(seconds) = number_in(bytes, 1)? else { return Ok(Value::Null) };
    let nanos = i32::try_from(number_in(bytes, 2)?.unwrap_or(0)).map_err(|_| ProtobufError::Damaged)?;
    let at = jiff::Timestamp::new(seconds, nanos).map_err(|_| ProtobufError::Damaged)?;
    let text =
        if micro { crate::object::timestamp::micros(at) } else { crate::object::timestamp::seconds(at) };
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn bytes(number: u8, inner: &[u8]) -> Vec<u8> {
        let length = u8::try_from(inner.len()).unwrap();
        [&[(number << 3) | 2, length][..], inner].concat()
    }

    fn envelope(version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [bytes(1, version.as_bytes()), bytes(2, kind.as_bytes())].concat();
        [PREFIX, &bytes(1, &meta), &bytes(2, raw)].concat()
    }

    #[test]
    fn a_namespace_as_kubectl_writes_it_is_read() {
        let metadata =
            [bytes(1, b"vk"), bytes(2, b""), bytes(3, b""), vec![7 << 3, 0], bytes(8, b"")].concat();
        let raw = [bytes(1, &metadata), bytes(2, b""), bytes(3, &bytes(1, b""))].concat();
        let read = decode(&envelope("v1", "Namespace", &raw)).unwrap();
        assert_eq!(read, json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "vk"}}));
    }

    #[test]
    fn a_zero_behind_a_pointer_is_a_value() {
        let spec = vec![1 << 3, 0];
        let read = decode(&envelope("apps/v1", "Deployment", &bytes(2, &spec))).unwrap();
        assert_eq!(read["spec"]["replicas"], 0);
    }

    proptest! {
        #[test]
        fn fuzz_no_bytes_make_the_reader_panic(soup in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = decode(&envelope("v1", "Pod", &soup[..soup.len().min(120)]));
            let _ = decode(&[PREFIX, &soup].concat());
        }
    }
}
