//! No expectation is met by what is not there: every field of every expect-step, of a pod that never was and of one that
//! never began.
#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::collections::BTreeSet;
use std::path::Path;

use determinism::Seed;
use scenarios::cases::CaseFile;
use scenarios::outcome::CaseVerdict;
use scenarios::runner::{self, Case};
use scenarios::scenario::Scenario;
use serde_json::Value;

/// Expectations of a pod, a node and an object that are not there.
const OF_NOTHING: &[&str] = &[
    "expect: { pod: vk/ngnix, is: gone }",
    "expect: { pod: vk/ngnix, is: Pending }",
    "expect: { pod: vk/ngnix, is: gone, on: virtual-kubelet }",
    "expect: { pod: vk/ngnix, on: none }",
    "expect: { pod: vk/ngnix, ready: false }",
    "expect: { pod: vk/ngnix, restarts: 0 }",
    "expect: { pod: vk/ngnix, reason: '' }",
    "expect: { pod: vk/ngnix, message: '' }",
    "expect: { pod: vk/ngnix, has: {} }",
    "expect: { pod: vk/ngnix, has: { spec: { nodeName: null } } }",
    "expect: { pod: vk/ngnix, never: Failed, for: 2s }",
    "expect-event: { pod: vk/ngnix, reason: Scheduled }",
    "expect-event: { pod: vk/ngnix, reason: '', type: Normal, message: '' }",
    "expect-event: { node: vritual-kubelet, reason: NodeReady }",
    "expect-log: { pod: vk/ngnix, contains: '' }",
    "expect-log: { pod: vk/ngnix, lines: [] }",
    "expect-node: { node: vritual-kubelet, ready: false }",
    "expect-node: { node: vritual-kubelet, has: { spec: { unschedulable: null } } }",
    "expect-node: { node: virtual-kubelet, has: { spc: { unschedulable: null } } }",
    "expect-node: { node: virtual-kubelet, has: {} }",
    "expect-object: { api-version: v1, kind: Service, name: vk/wbe, has: { spec: { clusterIP: null } } }",
    "expect-pods: { in: vk, labels: { app: wbe }, count: 0 }",
    "expect-pods: { in: vk, labels: { app: wbe }, is: Running }",
    "expect-pods: { in: vk, labels: { app: wbe }, on: none }",
    "expect-pods: { in: vk, labels: { app: wbe }, ready: false }",
    "expect-pods: { in: vk, labels: { app: wbe }, restarts: 0 }",
    "expect-pods: { in: vk, labels: { app: wbe }, count: 0, restarts: 0 }",
    "expect-usage: { pod: vk/ngnix, cpu: 0 }",
    "expect-usage: { pod: vk/ngnix, memory: 0 }",
    "expect-group: { pod: vk/ngnix, count: 0 }",
    "expect-group: { pod: vk/ngnix, vcpu: 2 }",
    "expect-group: { pod: vk/ngnix, memory: 4 }",
    "expect-group: { pod: vk/ngnix, is: Running }",
    "expect-group: { pod: vk/ngnix, count: 0, vcpu: 2, memory: 4 }",
    "expect-bill: { pod: vk/ngnix, total: 0 }",
    "expect-bill: { pod: vk/ngnix, at-most: 1 }",
    "expect-bill: { pod: vk/ngnix, vcpu-seconds: 0 }",
    "expect-bill: { pod: vk/ngnix, gib-seconds: 0 }",
    "expect-bill: { pod: vk/ngnix, lines: [] }",
    "expect-bill: { pod: vk/ngnix, no-price-for: ecs.c5.large }",
    "expect-bill: { pod: vk/ngnix, per-hour: 0 }",
    "expect-bill: { pod: vk/ngnix, at-most-per-hour: 1 }",
    "expect-bill: { namespace: vkk, total: 0 }",
    "expect-bill: { namespace: vkk, at-most: 1 }",
    "expect-bill: { tags: { team: wbe }, total: 0 }",
    "expect-bill: { tags: { team: wbe }, at-most-per-hour: 1 }",
    "expect-bill: { at-most: 1 }",
    "expect-bill: { at-most-per-hour: 1 }",
    "advance: { pod: vk/ngnix, billed: 0s }",
    "kubectl: { command: get pods --frobnicate, fails: true }",
    "kubectl: { command: version --client, prints: [''] }",
    "apply: { file: empty.yaml }",
];

/// Expectations of everything, where nothing was made.
const OF_AN_EMPTY_WORLD: &[&str] = &[
    "expect-group: { count: 0 }",
    "expect-bill: { total: 0 }",
    "expect-bill: { at-most: 0 }",
    "expect-bill: { lines: [] }",
    "expect-bill: { per-hour: 0 }",
    "expect-bill: { at-most-per-hour: 0 }",
    "expect-bill: { vcpu-seconds: 0, gib-seconds: 0 }",
];

/// Expectations of a pod that no node takes, so that nothing of it ever begins.
const OF_A_POD_THAT_NEVER_BEGAN: &[&str] = &[
    "expect: { pod: idle, restarts: 0 }",
    "expect-log: { pod: idle, lines: [] }",
    "expect-log: { pod: idle, contains: x, tail: 0 }",
    "expect-pods: { labels: { run: idle }, restarts: 0 }",
    "expect-usage: { pod: idle, cpu: 0, memory: 0 }",
    "expect-group: { pod: idle, vcpu: 2 }",
    "expect-bill: { pod: idle, at-most: 5 }",
    "expect-bill: { pod: idle, at-most-per-hour: 5 }",
    "expect-bill: { pod: idle, per-hour: 0 }",
    "expect-bill: { namespace: default, total: 0 }",
    "expect-bill: { pod: idle, lines: [{}] }",
    "expect-bill: { pod: idle, no-price-for: ecs.c5.large }",
    "crash: { pod: idle }",
    "resize: { pod: idle, vcpu: 2, memory: 4 }",
    "inject: { action: DeleteContainerGruop, unreachable: true }",
    "script: { image: ngnix, run: 30s }",
    "script: { image: nginx }",
];

/// Makes something that has other names; what else it makes is not known before it is played.
const OTHERS: &str = "  - apply: { file: others.yaml }\n  - run: { pod: other, image: nginx }\n";
const IDLE: &str = "  - run: { pod: idle, image: nginx }\n";

/// Plays a case of these steps in `folder`; what was wrong with it.
fn wrong_in(steps: &str, folder: &Path) -> Option<String> {
    let text = format!("scenario: a claim\ncites: ours\nsteps:\n{steps}");
    let scenario = match Scenario::read("x.yaml", &text) {
        Ok(scenario) => scenario,
        Err(mistake) => return Some(mistake.message().to_owned()),
    };
    let file = CaseFile { case: "x".into(), file: "x.yaml".into(), folder: folder.to_owned(), text };
    match runner::play(&Case { file, scenario }, Seed::DEFAULT).verdict {
        CaseVerdict::Failed(failure) => Some(failure.miss.in_short()),
        CaseVerdict::Passed | CaseVerdict::Lacking(_) => None,
    }
}

#[track_caller]
fn assert_each_fails(steps: &[&str], before: &str) {
    let folder = tempfile::tempdir().unwrap();
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: others }\n";
    std::fs::write(folder.path().join("others.yaml"), config).unwrap();
    std::fs::write(folder.path().join("empty.yaml"), "# nothing\n").unwrap();
    assert_eq!(wrong_in(OTHERS, folder.path()), None);
    for step in steps {
        let why = wrong_in(&format!("{before}  - {step}\n"), folder.path());
        println!("{step}: {}", why.as_deref().unwrap_or("nothing"));
        assert!(why.is_some(), "`{step}` is always met");
    }
}

#[test]
fn no_expectation_is_met_by_what_never_was() {
    assert_each_fails(OF_NOTHING, "");
    assert_each_fails(OF_NOTHING, OTHERS);
}

#[test]
fn no_expectation_of_everything_is_met_in_an_empty_world() {
    assert_each_fails(OF_AN_EMPTY_WORLD, "");
}

#[test]
fn no_expectation_is_met_by_what_never_began() {
    assert_each_fails(OF_A_POD_THAT_NEVER_BEGAN, IDLE);
}

#[test]
fn a_pod_that_was_made_by_a_file_and_is_gone_counts_as_one_that_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: { name: web }\nspec: { nodeName: virtual-kubelet, containers: [{ name: web, image: nginx }] }\n";
    std::fs::write(folder.path().join("web.yaml"), pod).unwrap();
    let steps =
        "  - apply: { file: web.yaml }\n  - delete: { pod: web }\n  - expect: { pod: web, is: gone }\n";
    assert_eq!(wrong_in(steps, folder.path()), None);
    let why = wrong_in(&steps.replace("pod: web, is", "pod: wbe, is"), folder.path()).unwrap();
    assert!(why.contains("no step before this one makes or sees pod default/wbe"), "{why}");
    assert!(why.ends_with("; did you mean `default/web`?"), "{why}");
}

#[test]
fn a_pod_with_a_slip_in_its_name_is_told_with_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    for step in [
        "expect: { pod: ngnix, is: Running }",
        "delete: { pod: ngnix }",
        "expect-log: { pod: ngnix, contains: x }",
    ] {
        let run = "  - run: { pod: nginx, image: nginx, node-name: virtual-kubelet }\n";
        let text = format!("scenario: a claim\ncites: ours\nsteps:\n{run}  - {step}\n");
        let scenario = Scenario::read("x.yaml", &text).unwrap();
        let file =
            CaseFile { case: "x".into(), file: "x.yaml".into(), folder: folder.path().to_owned(), text };
        let verdict = runner::play(&Case { file, scenario }, Seed::DEFAULT).verdict;
        let told = format!("{verdict:?}");
        assert!(told.contains("there is no pod default/ngnix; did you mean `default/nginx`?"), "{told}");
    }
}

#[test]
fn a_part_of_the_bill_that_no_line_is_in_is_told_with_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    let run = "  - run: { pod: web, image: nginx, node-name: virtual-kubelet }\n  - expect: { pod: web, is: Running }\n  - advance: { pod: web, billed: 1m }\n";
    for (step, told) in [
        (
            "{ namespace: defalt, total: 0 }",
            "no line of the bill has the namespace defalt; did you mean `default`?",
        ),
        (
            "{ namespace: other, at-most: 1 }",
            "no line of the bill has the namespace other; there are default",
        ),
        (
            "{ tags: { PodNmae: web }, total: 0 }",
            "no line of the bill has the tag PodNmae; did you mean `PodName`?",
        ),
        (
            "{ tags: { PodName: wbe }, at-most-per-hour: 1 }",
            "no line of the bill has the tag PodName with the value wbe; did you mean `web`?",
        ),
    ] {
        let why = wrong_in(&format!("{run}  - expect-bill: {step}\n"), folder.path()).unwrap();
        assert_eq!(why, told);
    }
    let kept = "{ namespace: default, tags: { PodName: web }, at-most: 1, per-hour: \"0.441072\" }";
    assert_eq!(wrong_in(&format!("{run}  - expect-bill: {kept}\n"), folder.path()), None);
}

#[test]
fn the_tables_have_every_field_of_every_expect_step() {
    /// Fields that say what is looked at, or for how long, and expect nothing by themselves.
    const NO_EXPECTATION: [&str; 14] = [
        "pod",
        "namespace",
        "tags",
        "node",
        "name",
        "api-version",
        "kind",
        "in",
        "labels",
        "container",
        "tail",
        "within",
        "for",
        "type",
    ];
    let schema: Value = serde_json::from_str(&scenarios::cli::schema_text()).unwrap();
    let rows: Vec<_> = [OF_NOTHING, OF_AN_EMPTY_WORLD, OF_A_POD_THAT_NEVER_BEGAN].concat();
    let (mut verbs, mut lacking) = (BTreeSet::new(), Vec::new());
    for step in schema["$defs"]["Step"]["oneOf"].as_array().unwrap() {
        let Some((verb, value)) = step["properties"].as_object().and_then(|all| all.iter().next()) else {
            continue;
        };
        if !verb.starts_with("expect") {
            continue;
        }
        verbs.insert(verb.clone());
        let definition = schema.pointer(value["$ref"].as_str().unwrap().trim_start_matches('#')).unwrap();
        for field in definition["properties"].as_object().unwrap().keys() {
            let begins = format!("{verb}: {{");
            let has = |row: &&str| row.starts_with(&begins) && row.contains(&format!(" {field}: "));
            if !NO_EXPECTATION.contains(&field.as_str()) && !rows.iter().any(has) {
                lacking.push(format!("{verb} {field}"));
            }
        }
    }
    assert!(verbs.len() >= 9, "{verbs:?}");
    assert_eq!(
        lacking,
        Vec::<String>::new(),
        "these could be met by absence, and no row shows that they are not"
    );
}
