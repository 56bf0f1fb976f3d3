//! Values as Go prints them, because some of the real server's texts show them so.

use serde_json::Value;

/// `map[a:1 b:[x y]]`, keys in order.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(" "))
        }
        Value::Object(members) => {
            let mut members: Vec<_> =
                members.iter().map(|(key, value)| format!("{key}:{}", text(value))).collect();
            members.sort();
            format!("map[{}]", members.join(" "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn maps_are_printed_in_the_order_of_their_keys() {
        assert_eq!(text(&json!({"b": [1, "x"], "a": {"n": null}})), "map[a:map[n:<nil>] b:[1 x]]");
    }
}
