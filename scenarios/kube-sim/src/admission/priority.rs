//! Priority: a pod's priority and preemption policy are those of its class.

use serde_json::Value;

use super::denial::Denial;
use crate::object::field::{flag, name, number, text};

/// Gives `pod` the priority of its class among `classes`, of the default class, or 0.
///
/// # Errors
/// [`Denial`] when the class is unknown, or the pod brings a number of its own.
pub fn admit<'a>(pod: &mut Value, classes: impl Iterator<Item = &'a Value> + Clone) -> Result<(), Denial> {
    let wanted = text(pod, "/spec/priorityClassName").to_owned();
    let class = if wanted.is_empty() {
        classes.filter(|c| flag(c, "/globalDefault")).min_by_key(|c| number(c, "/value"))
    } else {
        let known = classes.clone().find(|c| name(c) == wanted);
        Some(known.ok_or(Denial::PriorityClassNotFound(wanted.clone()))?)
    };
    let computed = class.and_then(|c| number(c, "/value")).unwrap_or(0);
    let policy = class.map(|c| text(c, "/preemptionPolicy")).filter(|p| !p.is_empty());
    let policy = policy.unwrap_or("PreemptLowerPriority").to_owned();
    if let Some(given) = number(pod, "/spec/priority").filter(|p| *p != computed) {
        return Err(Denial::PriorityGiven { given, computed });
    }
    let given = text(pod, "/spec/preemptionPolicy");
    if !given.is_empty() && given != policy {
        return Err(Denial::PreemptionGiven { given: given.to_owned(), computed: policy });
    }
    if wanted.is_empty()
        && let Some(class) = class
    {
        pod["spec"]["priorityClassName"] = name(class).into();
    }
    pod["spec"]["priority"] = computed.into();
    pod["spec"]["preemptionPolicy"] = policy.into();
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_takes_its_classes_priority() {
        let critical = json!({"metadata": {"name": "system-node-critical"}, "value": 2_000_001_000});
        let usual = json!({"metadata": {"name": "usual"}, "value": 5, "globalDefault": true, "preemptionPolicy": "Never"});
        let after = |spec: Value, classes: &[Value]| {
            let mut pod = json!({"spec": spec});
            admit(&mut pod, classes.iter()).map(|()| pod["spec"].clone()).map_err(|e| e.to_string())
        };
        for (spec, classes, wanted) in [
            (json!({}), vec![], Ok(json!({"priority": 0, "preemptionPolicy": "PreemptLowerPriority"}))),
            (json!({}), vec![usual.clone()],
             Ok(json!({"priorityClassName": "usual", "priority": 5, "preemptionPolicy": "Never"}))),
            (json!({"priorityClassName": "system-node-critical"}), vec![usual, critical],
             Ok(json!({"priorityClassName": "system-node-critical", "priority": 2_000_001_000,
                       "preemptionPolicy": "PreemptLowerPriority"}))),
            (json!({"priorityClassName": "x"}), vec![],
             Err("no PriorityClass with name x was found".to_owned())),
            (json!({"priority": 7}), vec![],
             Err("the integer value of priority (7) must not be provided in pod spec; priority admission controller \
                  computed 0 from the given PriorityClass name".to_owned())),
        ] {
            assert_eq!(after(spec.clone(), &classes), wanted, "{spec}");
        }
    }
}
