//! The description in protobuf, for clients that read nothing else: the messages of the published `openapi.v2`.
//!
//! Only what this server describes is written; each message is a list of fields by their published numbers.

use serde_json::{Map, Value};

use crate::protobuf::message::Message;

fn text(message: Message, field: u32, text: &Value) -> Message {
    match text.as_str() {
        Some(text) => message.bytes(field, text.as_bytes()),
        None => message,
    }
}

fn texts(message: Message, field: u32, list: &Value) -> Message {
    list.as_array().into_iter().flatten().fold(message, |message, item| text(message, field, item))
}

fn truth(message: Message, field: u32, value: &Value) -> Message {
    if value == true { message.number(field, 1) } else { message }
}

/// A map as its entries, each a message of name and value, all under one field.
fn entries(message: Message, field: u32, map: &Value, value: impl Fn(&Value) -> Message) -> Message {
    members(map).fold(message, |message, (name, member)| message.message(field, &named(name, &value(member))))
}

/// The members whose names begin with `x-`.
fn extensions(message: Message, field: u32, map: &Value) -> Message {
    let extensions = members(map).filter(|(name, _)| name.starts_with("x-"));
    extensions.fold(message, |message, (name, value)| {
        let any = Message::default().bytes(2, value.to_string().as_bytes());
        message.message(field, &named(name, &any))
    })
}

fn members(map: &Value) -> impl Iterator<Item = (&String, &Value)> {
    map.as_object().into_iter().flat_map(Map::iter)
}

fn named(name: &str, value: &Message) -> Message {
    empty().bytes(1, name.as_bytes()).message(2, value)
}

/// The whole description.
pub fn document(description: &Value) -> Vec<u8> {
    let information = &description["info"];
    let information = text(text(empty(), 1, &information["title"]), 2, &information["version"]);
    text(empty(), 1, &description["swagger"])
        .message(2, &information)
        .message(8, &entries(empty(), 2, &description["paths"], path_item))
        .message(9, &entries(empty(), 1, &description["definitions"], schema))
        .into_bytes()
}

fn empty() -> Message {
    Message::default()
}

fn path_item(item: &Value) -> Message {
    let methods = [("get", 2), ("put", 3), ("post", 4), ("delete", 5), ("patch", 7)];
    let message = methods.into_iter().fold(empty(), |message, (method, field)| match item.get(method) {
        Some(described) => message.message(field, &operation(described)),
        None => message,
    });
    parameters(message, 9, &item["parameters"])
}

fn operation(operation: &Value) -> Message {
    let message = texts(texts(empty(), 6, &operation["produces"]), 7, &operation["consumes"]);
    let responses = entries(empty(), 1, &operation["responses"], |response| {
        empty().message(1, &text(empty(), 1, &response["description"]))
    });
    let message = parameters(message, 8, &operation["parameters"]).message(9, &responses);
    extensions(message, 13, operation)
}

fn parameters(message: Message, field: u32, parameters: &Value) -> Message {
    let parameters = parameters.as_array().into_iter().flatten();
    parameters.fold(message, |message, described| {
        message.message(field, &empty().message(1, &parameter(described)))
    })
}

fn parameter(parameter: &Value) -> Message {
    let (name, place, required) = (&parameter["name"], &parameter["in"], &parameter["required"]);
    if place == "body" {
        let body = truth(text(text(empty(), 2, name), 3, place), 4, required);
        return empty().message(1, &body.message(5, &schema(&parameter["schema"])));
    }
    // Of a query parameter the type has number 6, since it may also be empty; of one in the path it has number 5.
    let (kind, number) = if place == "query" { (3, 6) } else { (4, 5) };
    let described = text(text(truth(empty(), 1, required), 2, place), 4, name);
    empty().message(2, &empty().message(kind, &text(described, number, &parameter["type"])))
}

fn schema(described: &Value) -> Message {
    let mut message = text(text(empty(), 1, &described["$ref"]), 2, &described["format"]);
    message = texts(text(message, 4, &described["description"]), 19, &described["required"]);
    if let Some(values) = described.get("additionalProperties") {
        message = message.message(21, &empty().message(1, &schema(values)));
    }
    if described["type"].is_string() {
        message = message.message(22, &text(empty(), 1, &described["type"]));
    }
    if let Some(items) = described.get("items") {
        message = message.message(23, &empty().message(1, &schema(items)));
    }
    if let Some(properties) = described.get("properties") {
        message = message.message(25, &entries(empty(), 1, properties, schema));
    }
    extensions(message, 31, described)
}
