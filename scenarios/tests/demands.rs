//! A hostile case never passes because it hit nothing.

use std::path::PathBuf;

use determinism::Seed;
use scenarios::cases::CaseFile;
use scenarios::outcome::CaseVerdict;
use scenarios::runner::{self, Case};
use scenarios::scenario::Scenario;

/// Plays a case of these steps; returns the failing line and what was wrong with it.
fn played(steps: &str) -> Option<(usize, String)> {
    let text = format!("scenario: a claim\ncites: ours\nsteps:\n{steps}");
    let scenario = Scenario::read("x.yaml", &text).unwrap_or_else(|mistake| panic!("{mistake}"));
    let file = CaseFile { case: "x".into(), file: "x.yaml".into(), folder: PathBuf::new(), text };
    match runner::play(&Case { file, scenario }, Seed::DEFAULT).verdict {
        CaseVerdict::Failed(failure) => Some((failure.line, failure.miss.in_short())),
        CaseVerdict::Passed | CaseVerdict::Lacking(_) => None,
    }
}

const RUN: &str =
    "  - run: { pod: p, image: nginx, node-name: virtual-kubelet }\n  - expect: { pod: p, is: Running }\n";

#[test]
fn a_fault_that_hits_no_call_fails_its_case_where_it_is_lifted_or_at_the_end() {
    let fault = "  - inject: { action: DeleteContainerGroup, answer-lost: true }\n";
    let (line, why) = played(&format!("{fault}{RUN}")).unwrap();
    assert!(line == 4 && why.contains("lose the answers to DeleteContainerGroup"), "{line} {why}");
    let (line, why) = played(&format!("{fault}{RUN}  - lift-faults\n")).unwrap();
    assert!(line == 7 && why.contains("hit no call"), "{line} {why}");
    let deleted = format!(
        "{fault}{RUN}  - delete: {{ pod: p }}\n  - expect: {{ pod: p, is: gone }}\n  - lift-faults\n"
    );
    assert_eq!(played(&deleted), None);
}

#[test]
fn a_script_that_fits_nothing_fails_its_case() {
    let script = |image| format!("  - script: {{ image: {image}, pull: 0s }}\n{RUN}");
    assert_eq!(played(&script("nginx")), None);
    // Of a Deployment the groups' names do not stand in the case, so that only the cloud can tell.
    let template = "{ metadata: { labels: { a: b } }, spec: { containers: [{ name: c, image: nginx }] } }";
    let spec = format!("{{ replicas: 0, selector: {{ matchLabels: {{ a: b }} }}, template: {template} }}");
    let workload = format!(
        "  - apply: {{ apiVersion: apps/v1, kind: Deployment, metadata: {{ name: q }}, spec: {spec} }}\n"
    );
    let (line, why) = played(&format!("{}{workload}", script("default-q-*"))).unwrap();
    assert!(line == 4 && why.contains("fitted no container"), "{line} {why}");
}

#[test]
fn a_group_is_named_by_its_pod_and_one_that_is_not_there_fails_the_case() {
    let steps = "  - label: { pod: p, group: $group(p) }\n  - expect: { pod: p, has: { metadata: { labels: { group: $group(p) } } } }\n";
    assert_eq!(played(&format!("{RUN}{steps}")), None);
    let early =
        "  - run: { pod: p, image: nginx, annotations: { a: x } }\n  - label: { pod: p, group: $group(p) }\n";
    let (_, why) = played(early).unwrap();
    assert!(why.contains("no container group of pod default/p"), "{why}");
}

#[test]
fn a_pod_that_is_not_there_is_not_taken_for_one_that_never_fails() {
    let (_, why) = played("  - expect: { pod: p, never: Failed, for: 10s }\n").unwrap();
    assert!(why.contains("no such pod"), "{why}");
}
