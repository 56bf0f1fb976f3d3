//! Reports, and an example of one for other tests.

use super::*;

/// A report of so many pods whose stages take `step` milliseconds each.
pub(crate) fn report(pods: u32, step: u64) -> Report {
    let life = |index: u64| {
        let mut life = Life::default();
        let moments = [Moment::Requested, Moment::Accepted, Moment::Scheduled, Moment::Running];
        for (place, moment) in (0..).zip(moments) {
            life.note(moment, 1000 * (index + place * step));
        }
        life
    };
    let lives: Vec<_> = (0..u64::from(pods)).map(life).collect();
    let count = lives.len();
    let counts =
        Counts { requested: count, accepted: count, scheduled: count, running: count, ..Counts::default() };
    let calls = [("create pods", 1), ("patch pods/status", 2), ("watch pods", 1)];
    let eci = ActionCalls { calls: u64::from(pods), throttled: 1, refused: 0 };
    let gathered = Gathered {
        cluster: "embedded Kubernetes API".to_owned(),
        stepped: true,
        seed: "quiet-otter-17".to_owned(),
        began: "2026-01-05T01:30:00Z".parse().unwrap(),
        micros: 9_000_000,
        ended: LoadOutcome::Completed,
        lives,
        counts,
        failure: None,
        kubernetes: Some(calls.iter().map(|(call, n)| ((*call).to_owned(), n * u64::from(pods))).collect()),
        eci: Some([("CreateContainerGroup".to_owned(), eci)].into()),
        processes: vec![ProcessUsage { name: "this <b>".to_owned(), cpu_seconds: 1.5, peak_mebibytes: 64 }],
        money: Some(Money { currency: "CNY".to_owned(), amount: Some(rust_decimal::Decimal::new(125, 2)) }),
    };
    Report::of(&Plan::bare(pods), gathered)
}

#[test]
fn a_report_is_read_back_as_it_was_written() {
    let report = report(3, 500);
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(Report::read("r.json", &text).unwrap(), report);
    assert!((report.stages[&Stage::Running].max - 1.5).abs() < 1e-9);
    for (text, why) in [
        ("{", "EOF"),
        (&text.replace("\"load\"", "\"cost\""), "its kind is `cost`"),
        (&text.replace("\"format\":1", "\"format\":9"), "its form is 9, and this program reads 1"),
        (r#"{"seed":"a","cases":[]}"#, "missing field"),
    ] {
        let error = Report::read("r.json", text).unwrap_err().to_string();
        assert!(error.starts_with("r.json holds no report of `load`") && error.contains(why), "{error}");
    }
}

#[test]
fn calls_are_told_a_pod_and_writes_apart() {
    let report = report(4, 1);
    assert_eq!(report.kubernetes_calls(), Some((16, 12)));
    assert_eq!(report.a_pod(12), Some(3.0));
    assert_eq!(report.eci_calls(), Some((4, 1)));
}

#[test]
fn a_rate_that_was_not_held_and_an_end_before_the_end_are_told() {
    let mut report = report(100, 1);
    assert!(report.shortfalls().is_empty());
    report.plan.rate = Some("2000".parse().unwrap());
    assert!(report.shortfalls()[0].starts_with("The rate was not held: 1000.0 pods a second"));
    report.ended = LoadOutcome::Interrupted;
    assert!(report.shortfalls()[0].starts_with("The run was interrupted"));
}
