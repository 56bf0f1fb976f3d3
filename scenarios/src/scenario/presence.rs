//! Checks that a pod which a case expects to be gone was there: a name with a slip in it would be gone, too.

use std::collections::BTreeSet;

use crate::scenario::error::CaseError;
use crate::scenario::names::PodName;
use crate::steps::Step;

/// Fails with the index of the first step that presumes a pod which no step before it makes or sees, and a sentence.
pub(super) fn check(steps: &[Step]) -> Result<(), (usize, CaseError)> {
    let mut shown: BTreeSet<PodName> = BTreeSet::new();
    let mut may_be_others = false;
    for (index, step) in steps.iter().enumerate() {
        let named = step.groups_named().map_err(|error| (index, error))?;
        let unseen = |pod: &PodName| !may_be_others && !shown.contains(pod);
        if let Some(pod) = named.iter().find(|pod| unseen(pod)) {
            return Err((index, CaseError::UnseenGroup(pod.to_string())));
        }
        if let Some(pod) = step.pods_presumed().iter().find(|pod| unseen(pod)) {
            return Err((index, CaseError::UnseenPod(pod.to_string())));
        }
        shown.extend(step.pods_shown());
        may_be_others |= step.may_make_others();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::scenario::Scenario;

    fn mistake(steps: &str) -> Option<String> {
        let text = format!("scenario: a claim\ncites: ours\nsteps:\n{steps}");
        Scenario::read("x.yaml", &text).err().map(|error| error.message().to_owned())
    }

    #[test]
    fn a_pod_that_is_expected_to_be_gone_must_have_been_there() {
        for step in [
            "expect: { pod: vk/x, is: gone }",
            "expect-group: { pod: vk/x, count: 0 }",
            "expect-bill: { pod: vk/x, total: 0 }",
            "run: { pod: y, image: nginx, annotations: { a: $group(vk/x) } }",
            "inject: { rule: 'DeleteContainerGroup drop-before ContainerGroupId=$group(vk/x)' }",
        ] {
            let why = mistake(&format!("  - {step}\n")).unwrap();
            assert!(why.contains("makes or sees pod vk/x"), "{why}");
            for before in [
                "run: { pod: vk/x, image: nginx }",
                "apply: { apiVersion: v1, kind: Pod, metadata: { name: x, namespace: vk } }",
                "expect: { pod: vk/x, is: Running }",
                "kubectl: apply -f x.yaml",
            ] {
                assert_eq!(mistake(&format!("  - {before}\n  - {step}\n")), None);
            }
        }
    }

    #[test]
    fn a_reference_that_is_not_closed_is_a_mistake_before_anything_is_played() {
        let why = mistake("  - run: { pod: x, image: nginx, annotations: { a: $group(x } }\n").unwrap();
        assert!(why.contains("is not closed"), "{why}");
    }
}
