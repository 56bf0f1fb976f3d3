//! The table of a pod's fields: what becomes of each, from which requests are judged and `docs/pods.md` is written.
//!
//! Each struct of the API is taken apart field by field in one table, without a rest: a field that a newer version of the API
//! brings does not compile until somebody has said here whether it is sent, acts elsewhere, has no effect, is left out with a
//! warning, or is refused.

#[macro_use]
mod walk;
mod container;
mod pod;
mod probe;
mod volume;

use k8s_openapi::api::core::v1::PodSpec;

pub use walk::{Findings, Handling, Row};

pub use pod::NO_EPHEMERAL;
use walk::Walk;

/// Judges the fields of a pod's spec.
pub fn inspect(spec: &PodSpec) -> Findings {
    let mut walk = Walk::inspecting(spec);
    pod::walk_pod_spec(spec, &mut walk);
    walk.into_findings()
}

/// The whole table, in the order in which the API's structs name their fields.
pub fn rows() -> Vec<Row> {
    let spec = PodSpec::default();
    let mut walk = Walk::listing();
    pod::walk_pod_spec(&spec, &mut walk);
    walk.into_rows()
}

/// The names of a pod's ephemeral containers, as a warning; `None` where it has none.
pub fn ephemeral_containers(spec: &PodSpec) -> Option<String> {
    let mut walk = Walk::inspecting(spec);
    pod::ephemeral_containers(spec, &mut walk);
    walk.into_findings().left_out.pop()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_container_that_is_added_later_is_told_of_by_its_name() {
        let spec = |spec| serde_json::from_value::<PodSpec>(spec).unwrap();
        let with = spec(json!({ "containers": [], "ephemeralContainers": [{ "name": "debugger-x" }] }));
        let warning = ephemeral_containers(&with).unwrap();
        assert!(warning.starts_with("ephemeralContainers debugger-x is left out: "), "{warning}");
        assert_eq!(ephemeral_containers(&spec(json!({ "containers": [] }))), None);
    }
}
