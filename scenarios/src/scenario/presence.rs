//! Checks that what a case expects to be absent was there: a name with a slip in it would be absent, too.

use std::collections::BTreeSet;

use eci_sim::text::did_you_mean;

use crate::scenario::error::CaseError;
use crate::scenario::names::PodName;
use crate::steps::Step;

/// Fails with the index of the first step that presumes something which no step before it makes or sees, and a sentence;
/// also of a script for an image that no step's container has.
pub(super) fn check(steps: &[Step]) -> Result<(), (usize, CaseError)> {
    let mut shown: BTreeSet<PodName> = BTreeSet::new();
    let mut selections = Vec::new();
    let (mut may_be_any, mut may_be_others) = (false, false);
    for (index, step) in steps.iter().enumerate() {
        let wrong = |error| Err((index, error));
        let named = step.groups_named().map_err(|error| (index, error))?;
        let unseen = |pod: &PodName| !may_be_others && !shown.contains(pod);
        if let Some(pod) = named.iter().find(|pod| unseen(pod)) {
            return wrong(CaseError::UnseenGroup(pod.to_string()));
        }
        if let Some(pod) = step.pods_presumed().iter().find(|pod| unseen(pod)) {
            let known: Vec<_> = shown.iter().map(ToString::to_string).collect();
            let pod = pod.to_string();
            let near = did_you_mean(&pod, known.iter().map(String::as_str));
            return wrong(CaseError::UnseenPod { pod, near });
        }
        if step.presumes_any_pod() && !may_be_any {
            return wrong(CaseError::NothingMade);
        }
        if let Some(pods) = step.selection_presumed().filter(|pods| !selections.contains(pods)) {
            return wrong(CaseError::UnseenPods(pods.to_string()));
        }
        shown.extend(step.pods_shown());
        selections.extend(step.selection_shown());
        may_be_others |= step.may_make_others();
        may_be_any |= step.may_make_pods() || !shown.is_empty();
    }
    check_images(steps)
}

/// Fails for a script whose image no container has, where the case shows all containers that there will be.
///
/// A script may also be for a group by its name, which begins with the namespace; only names that stand here are known.
fn check_images(steps: &[Step]) -> Result<(), (usize, CaseError)> {
    let images: Vec<&str> = steps.iter().flat_map(Step::images).collect();
    if images.is_empty() || steps.iter().any(Step::may_make_others) {
        return Ok(());
    }
    let all_are_named = steps.iter().all(Step::names_its_pods);
    let groups: Vec<_> =
        steps.iter().flat_map(Step::pods_shown).map(|pod| pod.to_string().replace('/', "-")).collect();
    for (index, step) in steps.iter().enumerate() {
        let Step::Script(script) = step else { continue };
        let may_be_a_group = !all_are_named && script.image.contains(['-', '*']);
        if may_be_a_group || script.image.contains("$group(") {
            continue;
        }
        if !images.iter().any(|image| script.is_for(image))
            && !groups.iter().any(|group| script.is_for(group))
        {
            let near = did_you_mean(&script.image, images.iter().copied());
            return Err((index, CaseError::UnusedImage { image: script.image.clone(), near }));
        }
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
    fn an_absence_of_everything_needs_something_that_was_made() {
        for step in ["expect-group: { count: 0 }", "expect-bill: { total: 0 }", "expect-bill: { lines: [] }"]
        {
            let why = mistake(&format!("  - create-namespace: vk\n  - {step}\n")).unwrap();
            assert!(why.contains("no step before this one makes a pod"), "{why}");
            assert_eq!(mistake(&format!("  - run: {{ pod: x, image: nginx }}\n  - {step}\n")), None);
        }
    }

    #[test]
    fn pods_that_are_expected_to_be_gone_must_have_been_seen_by_the_same_labels() {
        let gone = "  - expect-pods: { in: vk, labels: { app: web }, count: 0 }\n";
        let why = mistake(gone).unwrap();
        assert!(why.contains("sees pods of vk with app=web"), "{why}");
        let seen = |labels: &str| {
            format!("  - expect-pods: {{ in: vk, labels: {{ {labels} }}, is: Running }}\n{gone}")
        };
        assert!(mistake(&seen("app: wbe")).is_some());
        assert_eq!(mistake(&seen("app: web")), None);
    }

    #[test]
    fn a_pod_and_an_image_with_a_slip_are_told_with_what_was_meant() {
        let run = "  - run: { pod: vk/nginx, image: 'nginx:1.29' }\n";
        let why = mistake(&format!("{run}  - expect-bill: {{ pod: vk/ngnix, total: 0 }}\n")).unwrap();
        assert!(why.ends_with("; did you mean `vk/nginx`?"), "{why}");
        let script = |image: &str| mistake(&format!("{run}  - script: {{ image: '{image}', pull: 0s }}\n"));
        assert_eq!(
            script("ngnix:1.29").unwrap(),
            "no container of this case has the image `ngnix:1.29`; did you mean `nginx:1.29`?"
        );
        for image in ["nginx", "nginx:*", "nginx:1.29", "vk-nginx", "vk-*"] {
            assert_eq!(script(image), None, "{image}");
        }
        let by_others = "  - script: { image: any, pull: 0s }\n  - kubectl: apply -f x.yaml\n";
        assert_eq!(mistake(&format!("{run}{by_others}")), None);
    }

    #[test]
    fn a_reference_that_is_not_closed_is_a_mistake_before_anything_is_played() {
        let why = mistake("  - run: { pod: x, image: nginx, annotations: { a: $group(x } }\n").unwrap();
        assert!(why.contains("is not closed"), "{why}");
    }
}
