//! Storage: claims that name no class take the default one, and what is in use is protected from deletion.

use serde_json::Value;

use crate::kinds::DEFAULT_CLASS;
use crate::object::field::{annotation, is_set, list_mut, name, text};
use crate::object::finalizers;

/// Gives a new claim the default class among `classes`, the youngest where there are several, unless it names one.
pub fn admit_claim<'a>(claim: &mut Value, classes: impl Iterator<Item = &'a Value>) {
    let default = classes
        .filter(|class| annotation(class, DEFAULT_CLASS) == Some("true"))
        .max_by_key(|class| (text(class, "/metadata/creationTimestamp"), std::cmp::Reverse(name(class))));
    if let Some(class) = default.filter(|_| !is_set(claim, "/spec/storageClassName")) {
        claim["spec"]["storageClassName"] = name(class).into();
    }
    protect(claim, finalizers::CLAIM_PROTECTION);
}

/// Protects a new volume.
pub fn admit_volume(volume: &mut Value) {
    protect(volume, finalizers::VOLUME_PROTECTION);
}

fn protect(object: &mut Value, finalizer: &str) {
    let held = list_mut(&mut object["metadata"], "finalizers");
    if !held.iter().any(|own| own == finalizer) {
        held.push(finalizer.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_without_a_class_takes_the_default_one() {
        let class = |name: &str, default: &str| json!({"metadata": {"name": name, "annotations": {DEFAULT_CLASS: default}}});
        let classes = [class("a", "false"), class("b", "true")];
        for (spec, wanted) in [
            (json!({}), json!("b")),
            (json!({"storageClassName": ""}), json!("")),
            (json!({"storageClassName": "a"}), json!("a")),
        ] {
            let mut claim = json!({"metadata": {}, "spec": spec});
            admit_claim(&mut claim, classes.iter());
            assert_eq!(claim["spec"]["storageClassName"], wanted);
            assert_eq!(claim["metadata"]["finalizers"], json!([finalizers::CLAIM_PROTECTION]));
        }
    }
}
