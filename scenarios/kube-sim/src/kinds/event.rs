//! Events: one store, two groups that write the same things under different names.

use serde_json::Value;

use super::kind::Conversion;

/// Names in `events.k8s.io`, and the same in the core.
const NAMES: [(&str, &str); 7] = [
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedCount", "count"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
];

/// Events of `events.k8s.io`, which are stored in the core's words.
pub const NEWER: Conversion = Conversion {
    to_stored: |object| {
        renamed(object, "v1", |name| NAMES.iter().find(|(new, _)| *new == name).map(|(_, old)| *old))
    },
    to_shown: |object| {
        renamed(object, "events.k8s.io/v1", |name| {
            NAMES.iter().find(|(_, old)| *old == name).map(|(new, _)| *new)
        })
    },
};

fn renamed(object: Value, version: &str, name_of: impl Fn(&str) -> Option<&'static str>) -> Value {
    let Value::Object(members) = object else { return object };
    let renamed = members.into_iter().map(|(name, value)| match name_of(&name) {
        Some(other) => (other.to_owned(), value),
        None if name == "apiVersion" => (name, version.into()),
        None => (name, value),
    });
    Value::Object(renamed.collect())
}
