//! JSON documents into Kubernetes' protobuf, for clients that take nothing else.

use base64::Engine as _;
use serde_json::Value;

use super::PREFIX;
use super::message::Message;
use crate::object::field::text;
use crate::schema::{self, Field, Type};

/// The document in its envelope; `None` for one of a kind that has no protobuf form.
pub fn document(document: &Value) -> Option<Vec<u8>> {
    let (version, kind) = (text(document, "/apiVersion"), text(document, "/kind"));
    let body = match schema::of_kind(version, kind) {
        Some(root) => structure(document, &root),
        None => list(document, &schema::of_kind(version, kind.strip_suffix("List")?)?),
    };
    let kinds = Message::default().bytes(1, version.as_bytes()).bytes(2, kind.as_bytes());
    // An empty encoding and an empty content type: the body is plain protobuf.
    let envelope = Message::default().message(1, &kinds).message(2, &body).bytes(3, b"").bytes(4, b"");
    Some([PREFIX, &envelope.into_bytes()].concat())
}

/// One event of a watch, after its length.
pub fn event(event: &Value) -> Option<Vec<u8>> {
    let object = Message::default().bytes(1, &document(&event["object"])?);
    let event = Message::default().bytes(1, text(event, "/type").as_bytes()).message(2, &object).into_bytes();
    let length = u32::try_from(event.len()).ok()?;
    Some([&length.to_be_bytes()[..], &event].concat())
}

/// A list: its own metadata, then its items.
fn list(document: &Value, item: &Type) -> Message {
    let metadata = structure(&document["metadata"], &Type::Struct("meta.v1.ListMeta".to_owned()));
    let items = document["items"].as_array().into_iter().flatten();
    items.fold(Message::default().message(1, &metadata), |message, object| {
        message.message(2, &structure(object, item))
    })
}

fn structure(object: &Value, kind: &Type) -> Message {
    schema::fields(kind).iter().fold(Message::default(), |message, field| {
        if field.name.is_empty() {
            let inner = structure(object, &field.kind);
            return match field.number {
                _ if inner.is_empty() => message,
                0 => message.followed_by(&inner),
                number => message.message(number, &inner),
            };
        }
        match object.get(&field.name).filter(|value| !value.is_null() && field.number > 0) {
            Some(value) => member(message, field, value),
            None => message,
        }
    })
}

fn member(message: Message, field: &Field, value: &Value) -> Message {
    let number = field.number;
    match (&field.kind, value) {
        (Type::List(item), Value::Array(items)) => {
            items.iter().fold(message, |message, value| one(message, number, item, value))
        }
        (Type::Map(item), Value::Object(members)) => members.iter().fold(message, |message, (key, value)| {
            let entry = Message::default().bytes(1, key.as_bytes());
            message.message(number, &one(entry, 2, item, value))
        }),
        (kind, value) => one(message, number, kind, value),
    }
}

/// Adds one value; one that its type cannot hold is left out.
fn one(message: Message, number: u32, kind: &Type, value: &Value) -> Message {
    match (kind, value) {
        (Type::Text, Value::String(text)) => message.bytes(number, text.as_bytes()),
        (Type::Bytes, Value::String(text)) => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default();
            message.bytes(number, &bytes)
        }
        (Type::Flag, Value::Bool(flag)) => message.number(number, u64::from(*flag)),
        (Type::Whole, Value::Number(value)) => message.number(number, whole(value)),
        (Type::Real, Value::Number(value)) => message.real(number, value.as_f64().unwrap_or_default()),
        (Type::Struct(_), value) => message.message(number, &structure(value, kind)),
        (Type::Quantity, Value::String(text)) => {
            message.message(number, &Message::default().bytes(1, text.as_bytes()))
        }
        (Type::IntOrText, Value::String(text)) => {
            message.message(number, &Message::default().number(1, 1).bytes(3, text.as_bytes()))
        }
        (Type::IntOrText, Value::Number(value)) => {
            message.message(number, &Message::default().number(1, 0).number(2, whole(value)))
        }
        (Type::Time | Type::MicroTime, Value::String(text)) => match text.parse() {
            Ok(at) => message.message(number, &instant(at)),
            Err(_) => message,
        },
        (Type::Duration, Value::String(text)) => match text.parse::<jiff::SignedDuration>() {
            Ok(span) => {
                let nanos = i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
                message.message(number, &Message::default().number(1, nanos.cast_unsigned()))
            }
            Err(_) => message,
        },
        (Type::Raw | Type::Fields, value) => {
            message.message(number, &Message::default().bytes(1, value.to_string().as_bytes()))
        }
        // A list inside of a map is a message of its own.
        (Type::List(item), Value::Array(items)) => {
            let inner = items.iter().fold(Message::default(), |inner, value| one(inner, 1, item, value));
            message.message(number, &inner)
        }
        _ => message,
    }
}

/// A number on the wire, where one below zero is its two's complement.
fn whole(value: &serde_json::Number) -> u64 {
    value.as_i64().map_or_else(|| value.as_u64().unwrap_or_default(), i64::cast_unsigned)
}

fn instant(at: jiff::Timestamp) -> Message {
    let nanos = i64::from(at.subsec_nanosecond()).cast_unsigned();
    Message::default().number(1, at.as_second().cast_unsigned()).number(2, nanos)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::decode;
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for object in [
            json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p", "labels": {"a": "b"},
                "creationTimestamp": "2026-01-05T01:00:00Z", "generation": 3},
                "spec": {"containers": [{"name": "c", "ports": [{"containerPort": 80, "protocol": "TCP"}],
                    "livenessProbe": {"httpGet": {"path": "/", "port": "web"}, "periodSeconds": 5},
                    "resources": {"limits": {"cpu": "500m"}}}],
                    "terminationGracePeriodSeconds": 0, "volumes": [{"name": "v", "emptyDir": {}}]}}),
            json!({"kind": "Secret", "apiVersion": "v1", "data": {"a": "MQ=="}, "immutable": false}),
            json!({"kind": "Lease", "apiVersion": "coordination.k8s.io/v1",
                "spec": {"renewTime": "2026-01-05T01:00:00.000001Z", "leaseDurationSeconds": 40}}),
            json!({"kind": "PodDisruptionBudget", "apiVersion": "policy/v1", "spec": {"minAvailable": 1}}),
            json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "spec": {"replicas": 2}}),
            json!({"kind": "Status", "apiVersion": "v1", "code": 404, "details": {"causes": [{"field": "a"}]}}),
        ] {
            let read = decode(&document(&object).unwrap()).unwrap();
            assert_eq!(read, object);
        }
    }

    #[test]
    fn a_list_holds_its_metadata_and_its_items() {
        let list = json!({"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "7"},
            "items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]});
        let written = document(&list).unwrap();
        let pod = |name: &str| Message::default().message(1, &Message::default().bytes(1, name.as_bytes()));
        let metadata = Message::default().bytes(2, b"7");
        let wanted = Message::default().message(1, &metadata).message(2, &pod("a")).message(2, &pod("b"));
        let kinds = Message::default().bytes(1, b"v1").bytes(2, b"PodList");
        let wanted = Message::default().message(1, &kinds).message(2, &wanted).bytes(3, b"").bytes(4, b"");
        assert_eq!(written, [PREFIX, &wanted.into_bytes()].concat());
    }

    #[test]
    fn an_event_is_preceded_by_its_length() {
        let pod = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p"}});
        let written = event(&json!({"type": "ADDED", "object": pod})).unwrap();
        let length = u32::from_be_bytes(written[..4].try_into().unwrap());
        assert_eq!(usize::try_from(length).unwrap(), written.len() - 4);
        assert!(written.windows(4).any(|window| window == PREFIX));
    }

    #[test]
    fn what_no_table_knows_has_no_protobuf_form() {
        assert_eq!(document(&json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1"})), None);
    }
}
