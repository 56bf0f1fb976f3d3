//! From a typed request to flat parameters.

use serde::Serialize;
use serde_json::Value;

use super::Pairs;

/// Why a value has no flat form.
#[derive(Debug, thiserror::Error)]
#[error("the request cannot be written as parameters: {0}")]
pub struct EncodeError(#[from] serde_json::Error);

/// Writes a request; what is absent or an empty list is left out.
///
/// # Errors
/// [`EncodeError`] when the value is not a structure of texts, numbers, booleans, lists and structures.
pub fn to_pairs<T: Serialize>(value: &T) -> Result<Pairs, EncodeError> {
    let mut pairs = Pairs::new();
    flatten(String::new(), &serde_json::to_value(value)?, &mut pairs);
    Ok(pairs)
}

fn flatten(path: String, value: &Value, pairs: &mut Pairs) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Null => {}
        Value::Object(members) => members.iter().for_each(|(key, value)| flatten(below(key), value, pairs)),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                flatten(below(&(at + 1).to_string()), item, pairs);
            }
        }
        Value::String(text) => pairs.push((path, text.clone())),
        Value::Bool(_) | Value::Number(_) => pairs.push((path, value.to_string())),
    }
}
