//! Tests of the printed reports.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::time::Duration;

use eci_sim::Cost;
use scenarios::outcome::{CaseVerdict, Fact, Failure, Miss, Outcome};
use scenarios::report::text::{Text, TextOptions};
use scenarios::report::{json, junit};
use scenarios::scenario::Capability;
use scenarios::story::Gathering;

const CLAIM: &str = "a labelled namespace sends its pods to the virtual node";

fn outcome(verdict: CaseVerdict) -> Outcome {
    Outcome {
        case: "scheduling/by-namespace-label".to_owned(),
        file: "scenarios/cases/scheduling/by-namespace-label.yaml".to_owned(),
        claim: CLAIM.to_owned(),
        cites: "virtual node guide".to_owned(),
        verdict,
        earlier: None,
        assumed: Vec::new(),
        took: Duration::from_millis(4),
        simulated: Duration::from_secs(3600),
        currency: eci_sim::Currency::default(),
        cost: Cost::Known("0.441072".parse::<rust_decimal::Decimal>().unwrap().into()),
        bill: None,
    }
}

fn failure() -> CaseVerdict {
    let beginning: jiff::Timestamp = "2026-01-05T01:00:00Z".parse().unwrap();
    let mut gathering = Gathering::since(beginning);
    gathering.add(beginning, "pod created", "the webhook was not asked: namespace vk has no label");
    gathering.add(beginning + jiff::SignedDuration::from_millis(1), "FailedScheduling", "default-scheduler");
    let miss = Miss::Unmet {
        wanted: vec![Fact::new("status.phase", "Running"), Fact::new("Ready", "true")],
        seen: vec![Fact::new("status.phase", "Pending, for all of the 60 s"), Fact::new("Ready", "false")],
        because: Some(
            "0/1 nodes are available: 1 node(s) had untolerated taint(s). preemption: 0/1 nodes are available: 1 \
             Preemption is not helpful for scheduling."
                .to_owned(),
        ),
    };
    let step = "expect pod vk/nginx Running on virtual-kubelet within 1m".to_owned();
    CaseVerdict::Failed(Box::new(Failure { line: 7, step, miss, story: gathering.into_story() }))
}

fn printed(outcomes: &[Outcome], quiet: bool) -> String {
    let command = "cargo run --release --".to_owned();
    let mut out = Vec::new();
    let mut text = Text::new(
        &mut out,
        TextOptions { quiet, live: false, command, seed: "quiet-otter-17".to_owned(), on: String::new() },
    );
    text.begin("virtual node · embedded Kubernetes API · local ECI cn-hangzhou").unwrap();
    for outcome in outcomes {
        text.case_begins(&outcome.case, &outcome.claim).unwrap();
        text.case_ended(outcome).unwrap();
    }
    text.end(Duration::from_millis(212)).unwrap();
    anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
}

#[test]
fn a_passed_case_is_one_line_and_the_rest_says_what_it_cost_and_what_comes_next() {
    assert_eq!(
        printed(&[outcome(CaseVerdict::Passed)], false),
        "\
virtual node · embedded Kubernetes API · local ECI cn-hangzhou · seed quiet-otter-17

scheduling
  ✓ a labelled namespace sends its pods to the virtual node             4 ms   1h 00m   ¥ 0.441072

1 passed in 0.2 s · 1h 00m simulated · ¥ 0.441072 billed

next:  cargo run --release -- up             a playground for your own kubectl
"
    );
}

#[test]
fn a_failure_explains_itself() {
    let text = printed(&[outcome(failure())], false);
    let paragraph = text.split_once("scheduling\n").unwrap().1.split_once("\n1 failed").unwrap().0;
    assert_eq!(
        paragraph,
        "  ✗ a labelled namespace sends its pods to the virtual node             4 ms   1h 00m   ¥ 0.441072

    scenarios/cases/scheduling/by-namespace-label.yaml:7
      step     expect pod vk/nginx Running on virtual-kubelet within 1m
      wanted   status.phase  Running
               Ready         true
      seen     status.phase  Pending, for all of the 60 s
               Ready         false
      because  0/1 nodes are available: 1 node(s) had untolerated taint(s). preemption: 0/1 nodes
               are available: 1 Preemption is not helpful for scheduling.
      story    +0.000s  pod created       the webhook was not asked: namespace vk has no label
               +0.001s  FailedScheduling  default-scheduler
      again    cargo run --release -- run scheduling/by-namespace-label --seed quiet-otter-17

"
    );
}

#[test]
fn a_case_that_passed_only_when_played_again_says_what_it_failed_by_before() {
    let CaseVerdict::Failed(failure) = failure() else { unreachable!() };
    let flaky = Outcome { earlier: Some(failure), ..outcome(CaseVerdict::Passed) };
    let text = printed(std::slice::from_ref(&flaky), false);
    assert!(
        text.contains("before   scenarios/cases/scheduling/by-namespace-label.yaml:7 expect pod"),
        "{text}"
    );
    assert!(text.contains("\n1 passed (1 only when played again) in 0.2 s"), "{text}");
    assert_eq!(json::document("s", std::slice::from_ref(&flaky))["cases"][0]["flake"]["line"], 7);
    assert!(junit::document("s", &[flaky]).contains("<flakyFailure message=\"status.phase: Pending"));
}

#[test]
fn a_failed_run_ends_with_what_to_do_about_the_failure() {
    let own = Outcome { case: "my cases/it's one.yaml".to_owned(), ..outcome(failure()) };
    let text = printed(&[outcome(CaseVerdict::Passed), outcome(failure()), own], false);
    let end = text.split_once("billed\n\n").unwrap().1;
    assert_eq!(
        end,
        "\
next:  scenarios/cases/scheduling/by-namespace-label.yaml:7, and 1 more above
         mend the step, or what it is about; docs/scenarios.md tells what each step takes
       cargo run --release -- run scheduling/by-namespace-label 'my cases/it'\\''s one.yaml' --seed quiet-otter-17
         plays it once more, alone
       cargo run --release -- up
         a playground in which your own kubectl can do the same
"
    );
}

#[test]
fn quiet_is_the_last_line_and_the_failures() {
    assert_eq!(
        printed(&[outcome(CaseVerdict::Passed)], true),
        "1 passed in 0.2 s · 1h 00m simulated · ¥ 0.441072 billed\n"
    );
    assert!(printed(&[outcome(failure())], true).contains("untolerated taint"));
}

#[test]
fn a_case_that_is_passed_over_names_what_is_missing() {
    let text =
        printed(&[outcome(CaseVerdict::Passed), outcome(CaseVerdict::Lacking(Capability::Kubectl))], false);
    assert!(text.contains("passed over: no kubectl\n"), "{text}");
    assert!(text.contains("1 passed, 1 passed over (no kubectl) in 0.2 s"), "{text}");
}

#[test]
fn no_line_is_wider_than_a_hundred() {
    let text = printed(&[outcome(CaseVerdict::Passed), outcome(failure())], false);
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn the_json_report_has_the_same_facts() {
    let document = json::document("quiet-otter-17", &[outcome(CaseVerdict::Passed), outcome(failure())]);
    assert_eq!(document["cases"][0]["verdict"], "passed");
    assert_eq!(document["cases"][0]["cost_yuan"], "0.441072");
    assert_eq!(document["cases"][1]["failure"]["line"], 7);
    assert_eq!(document["cases"][1]["failure"]["wanted"][0]["value"], "Running");
}

#[test]
fn the_junit_report_counts_failures_and_skips() {
    let outcomes = [outcome(failure()), outcome(CaseVerdict::Lacking(Capability::Kubectl))];
    let xml = junit::document("quiet-otter-17", &outcomes);
    assert!(xml.contains("tests=\"2\" failures=\"1\" skipped=\"1\""), "{xml}");
    assert!(xml.contains("<skipped message=\"no kubectl\"/>"), "{xml}");
    assert!(
        xml.contains("<failure message=\"status.phase: Pending, for all of the 60 s, not Running; "),
        "{xml}"
    );
}

#[test]
fn a_case_that_rests_on_an_assumption_says_so_and_fails_where_nothing_may_be_assumed() {
    let line = "vk-web/web: eci-sim does not play serve, and assumes that it runs until it is stopped";
    let assumed = || Outcome { assumed: vec![line.to_owned()], ..outcome(CaseVerdict::Passed) };
    let text = printed(&[assumed()], false);
    assert!(
        text.contains(&format!("? {CLAIM}")) && text.contains("assumed  vk-web/web: eci-sim does"),
        "{text}"
    );
    assert!(text.contains("1 passed (1 with containers assumed)"), "{text}");
    let document = json::document("seed", &[assumed(), outcome(CaseVerdict::Passed)]);
    assert_eq!(document["cases"][0]["verdict"], "assumed");
    assert_eq!(document["cases"][0]["assumed"][0], line);
    assert_eq!(document["cases"][1]["verdict"], "passed");
    assert!(junit::document("seed", &[assumed()]).contains("<system-out>assumed: vk-web/web"));
    let strict = printed(&[assumed().strictly()], false);
    assert!(
        strict.contains("1 failed, 0 passed") && strict.contains("nothing, as --strict says"),
        "{strict}"
    );
    assert!(!outcome(CaseVerdict::Passed).strictly().failed());
}
