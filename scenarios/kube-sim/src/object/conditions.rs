//! The conditions in an object's status.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::field::{list, list_mut, map_mut, text};
use super::timestamp;

/// A condition to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition<'a> {
    /// The condition's type, as in `PodScheduled`.
    pub kind: &'a str,
    /// `True`, `False` or `Unknown`.
    pub status: &'a str,
    /// Machine-readable reason in CamelCase; may be empty.
    pub reason: &'a str,
    /// A sentence for people; may be empty.
    pub message: &'a str,
}

/// The condition of type `kind`.
pub fn find<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    list(object, "/status/conditions").iter().find(|c| text(c, "/type") == kind)
}

/// True when the condition of type `kind` is `True`.
pub fn holds(object: &Value, kind: &str) -> bool {
    find(object, kind).is_some_and(|c| text(c, "/status") == "True")
}

/// Sets a pod's condition; its time moves only with its status. Returns whether anything changed.
pub fn set(object: &mut Value, condition: &Condition<'_>, now: Timestamp) -> bool {
    let old = find(object, condition.kind).cloned();
    let mut new = old.clone().unwrap_or_else(|| json!({"type": condition.kind, "lastProbeTime": null}));
    if old.as_ref().is_none_or(|o| text(o, "/status") != condition.status) {
        new["lastTransitionTime"] = timestamp::seconds(now).into();
    }
    new["status"] = condition.status.into();
    // The generation that the condition is of; pods that were never stored have none.
    if let Some(generation) = object.pointer("/metadata/generation") {
        new["observedGeneration"] = generation.clone();
    }
    for (key, value) in [("reason", condition.reason), ("message", condition.message)] {
        match (&mut new, value.is_empty()) {
            (Value::Object(map), true) => drop(map.shift_remove(key)),
            (new, _) => new[key] = value.into(),
        }
    }
    if old.as_ref() == Some(&new) {
        return false;
    }
    map_mut(object, "status");
    let conditions = list_mut(&mut object["status"], "conditions");
    match conditions.iter_mut().find(|c| text(c, "/type") == condition.kind) {
        Some(slot) => *slot = new,
        None => conditions.push(new),
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_names_the_generation_it_was_seen_in() {
        let mut pod = json!({"metadata": {"generation": 2}});
        let bound = Condition { kind: "PodScheduled", status: "True", reason: "", message: "" };
        assert!(set(&mut pod, &bound, Timestamp::UNIX_EPOCH));
        assert_eq!(pod["status"]["conditions"][0]["observedGeneration"], 2);
    }

    #[test]
    fn a_conditions_time_moves_only_with_its_status() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let unschedulable =
            |message| Condition { kind: "PodScheduled", status: "False", reason: "Unschedulable", message };
        let mut pod = json!({});
        assert!(set(&mut pod, &unschedulable("no nodes"), at("2026-01-01T09:00:00Z")));
        assert!(!set(&mut pod, &unschedulable("no nodes"), at("2026-01-01T09:01:00Z")));
        assert!(set(&mut pod, &unschedulable("no room"), at("2026-01-01T09:02:00Z")));
        assert_eq!(pod["status"]["conditions"][0]["lastTransitionTime"], "2026-01-01T09:00:00Z");
        let bound = Condition { kind: "PodScheduled", status: "True", reason: "", message: "" };
        assert!(set(&mut pod, &bound, at("2026-01-01T09:03:00Z")));
        assert_eq!(
            pod["status"]["conditions"],
            json!([{"type": "PodScheduled", "lastProbeTime": null, "lastTransitionTime": "2026-01-01T09:03:00Z", "status": "True"}])
        );
    }
}
