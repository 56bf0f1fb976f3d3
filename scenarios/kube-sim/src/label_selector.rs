//! A LabelSelector object (`matchLabels`, `matchExpressions`) held against an object's labels.

use serde_json::Value;

use crate::object::field::{entries, label, list, text};

/// True when `object` carries the labels that `selector` asks for; an empty selector takes all, an absent one none.
pub fn selects(selector: Option<&Value>, object: &Value) -> bool {
    let Some(selector) = selector.filter(|s| !s.is_null()) else {
        return false;
    };
    entries(selector, "/matchLabels").all(|(key, wanted)| label(object, key) == wanted.as_str())
        && list(selector, "/matchExpressions").iter().all(|e| holds(e, |key| label(object, key)))
}

/// True for a selector without any requirement, which takes all objects.
pub fn is_empty(selector: &Value) -> bool {
    entries(selector, "/matchLabels").next().is_none() && list(selector, "/matchExpressions").is_empty()
}

/// True when one requirement (`key`, `operator`, `values`) holds for the value that `value_of` finds under its key.
pub fn holds<'a>(requirement: &Value, value_of: impl Fn(&str) -> Option<&'a str>) -> bool {
    let found = value_of(text(requirement, "/key"));
    let values = list(requirement, "/values");
    let among = |v: &str| values.iter().any(|w| w.as_str() == Some(v));
    let bound = || values.first().and_then(Value::as_str).and_then(|v| v.parse::<i64>().ok());
    let seen = || found.and_then(|v| v.parse::<i64>().ok());
    match text(requirement, "/operator") {
        "In" => found.is_some_and(among),
        "NotIn" => !found.is_some_and(among),
        "Exists" => found.is_some(),
        "DoesNotExist" => found.is_none(),
        "Gt" => seen().zip(bound()).is_some_and(|(seen, bound)| seen > bound),
        "Lt" => seen().zip(bound()).is_some_and(|(seen, bound)| seen < bound),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_operator_takes_these_labels_and_no_others() {
        for (requirement, absent, x, seven) in [
            (json!({"key": "k", "operator": "In", "values": ["x", "y"]}), false, true, false),
            (json!({"key": "k", "operator": "NotIn", "values": ["x", "y"]}), true, false, true),
            (json!({"key": "k", "operator": "Exists"}), false, true, true),
            (json!({"key": "k", "operator": "DoesNotExist"}), true, false, false),
            (json!({"key": "k", "operator": "Gt", "values": ["6"]}), false, false, true),
            (json!({"key": "k", "operator": "Lt", "values": ["8"]}), false, false, true),
            (json!({"key": "k", "operator": "Lt", "values": ["7"]}), false, false, false),
            (json!({"key": "k", "operator": "Like", "values": ["x"]}), false, false, false),
        ] {
            for (value, wanted) in [(None, absent), (Some("x"), x), (Some("7"), seven)] {
                assert_eq!(holds(&requirement, |_| value), wanted, "{requirement} on {value:?}");
            }
        }
    }

    #[test]
    fn an_empty_selector_takes_everything_and_an_absent_one_nothing() {
        let object = json!({"metadata": {"name": "a"}});
        assert!(selects(Some(&json!({})), &object));
        assert!(!selects(None, &object));
        assert!(!selects(Some(&Value::Null), &object));
    }
}
