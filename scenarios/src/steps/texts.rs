//! The texts inside a JSON value of a step.

use serde_json::Value;

/// Calls `each` with every text in `value`, but not with keys.
pub(super) fn of_value(value: &mut Value, each: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(text) => each(text),
        Value::Array(elements) => elements.iter_mut().for_each(|element| of_value(element, each)),
        Value::Object(fields) => fields.values_mut().for_each(|field| of_value(field, each)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
