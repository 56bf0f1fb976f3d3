//! The hash of a pod template, which tells its versions apart.

use serde_json::Value;

use super::HASH;
use crate::object::field::number;

/// Letters of the hash: no vowels, so that no words come out.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// The hash of a Deployment's template: the same for the same template, in the real one's letters.
pub fn of(deployment: &Value) -> String {
    let mut text = sorted(&deployment["spec"]["template"]).to_string();
    if let Some(collisions) = number(deployment, "/status/collisionCount") {
        text.push_str(&collisions.to_string());
    }
    let mut hash: u32 = 0x811c_9dc5;
    for byte in text.bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    hash.to_string().bytes().map(|digit| char::from(LETTERS[usize::from(digit) % LETTERS.len()])).collect()
}

/// True for a set that was made from the Deployment's present template.
pub fn same_template(set: &Value, deployment: &Value) -> bool {
    let mut own = set["spec"]["template"].clone();
    if let Some(labels) = own.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.shift_remove(HASH);
    }
    sorted(&own) == sorted(&deployment["spec"]["template"])
}

/// The same value with its members in order, and without those that say nothing.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().filter(|(_, v)| !v.is_null()).collect();
            members.sort_by(|a, b| a.0.cmp(b.0));
            let members = members.into_iter().map(|(k, v)| (k.clone(), sorted(v)));
            Value::Object(members.filter(|(k, v)| k != "labels" || *v != serde_json::json!({})).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_of_fields_is_no_new_version() {
        let deployment = |template: Value| json!({"spec": {"template": template}});
        let one = deployment(json!({"metadata": {"labels": {"a": "1"}}, "spec": {"x": 1, "y": 2}}));
        let two = deployment(json!({"spec": {"y": 2, "x": 1}, "metadata": {"labels": {"a": "1"}}}));
        let three = deployment(json!({"metadata": {"labels": {"a": "1"}}, "spec": {"x": 1, "y": 3}}));
        assert_eq!(of(&one), of(&two));
        assert_ne!(of(&one), of(&three));
        let set = json!({"spec": {"template": {
            "metadata": {"labels": {"a": "1", "pod-template-hash": "x"}}, "spec": {"x": 1, "y": 2}}}});
        assert!(same_template(&set, &one) && !same_template(&set, &three));
    }
}
