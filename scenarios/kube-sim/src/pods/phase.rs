//! Phases of pods.

use serde_json::Value;

use crate::object::field::text;

/// True for a pod whose phase is `Succeeded` or `Failed`: it takes no resources any more.
pub fn is_terminal(pod: &Value) -> bool {
    matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}
