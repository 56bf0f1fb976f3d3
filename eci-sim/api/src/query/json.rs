//! A structure given as one JSON text, as the command line client gives it, told in flat parameters.

use serde_json::Value;

use super::Pairs;

/// The members of the JSON object or list in `text`, under their flat names; `None` when it holds neither.
pub(crate) fn members(text: &str) -> Option<Pairs> {
    let value = text.trim_start().starts_with(['{', '[']).then(|| serde_json::from_str(text).ok())??;
    let mut pairs = Pairs::new();
    flatten("", value, &mut pairs);
    Some(pairs)
}

fn flatten(path: &str, value: Value, pairs: &mut Pairs) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (key, value) in members {
                // A key may hold dots, which are not the dots between names.
                let key =
                    if key.contains(['.', '#']) { format!("#{}#{key}", key.chars().count()) } else { key };
                flatten(&below(&key), value, pairs);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.into_iter().enumerate() {
                flatten(&below(&(at + 1).to_string()), item, pairs);
            }
        }
        Value::String(text) => pairs.push((path.to_owned(), text)),
        Value::Bool(_) | Value::Number(_) => pairs.push((path.to_owned(), value.to_string())),
    }
}
