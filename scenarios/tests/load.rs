//! A load on the embedded cluster in stepped time: every pod comes and goes, and a pod costs as much among many as among few.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::time::Duration;

use determinism::Seed;
use scenarios::load::place::{Place, PlaceSettings};
use scenarios::load::plan::Workload;
use scenarios::load::report::LoadOutcome;
use scenarios::load::stage::{STAGES, Stage};
use scenarios::load::{Plan, Report, driver};

/// Pods of the smaller and of the larger run.
const FEW: u32 = 200;
const MANY: u32 = 10 * FEW;

/// Runs a plan in a world of its own, until all is done or so much of its time has passed.
fn run_until(plan: &Plan, settings: PlaceSettings, span: Duration) -> Report {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let place = Place::stepped(Seed::DEFAULT, settings).await.unwrap();
        let gathered = driver::run(&place, plan, tokio::time::sleep(span), |_| {}).await.unwrap();
        place.end().await;
        Report::of(plan, gathered)
    })
}

fn run(plan: &Plan) -> Report {
    let settings = PlaceSettings { cloud_rates: Some("unlimited".to_owned()), ..PlaceSettings::default() };
    run_until(plan, settings, Duration::from_secs(24 * 3600))
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "takes minutes in the profile for debugging; `cargo ci check tests --all` runs it in release"
)]
fn a_pod_costs_at_most_1_3_times_as_much_among_ten_times_as_many() {
    // Some minutes, so that a pod costs more than the smallest coin.
    let steady = Duration::from_secs(600);
    let (few, many) = (run(&Plan { steady, ..Plan::bare(FEW) }), run(&Plan { steady, ..Plan::bare(MANY) }));
    for report in [&few, &many] {
        assert_eq!(report.ended, LoadOutcome::Completed, "{:?}", report.shortfalls());
        let pods = usize::try_from(report.plan.pods).unwrap();
        assert_eq!((report.counts.running, report.counts.gone), (pods, pods));
    }
    let each = |report: &Report| {
        let (calls, writes) = report.kubernetes_calls().unwrap();
        let (eci, throttled) = report.eci_calls().unwrap();
        assert_eq!(throttled, 0);
        let cost = report.money.clone().unwrap().amount.unwrap();
        let cost: f64 = cost.try_into().unwrap();
        [
            ("calls to Kubernetes", report.a_pod(calls).unwrap()),
            ("writes", report.a_pod(writes).unwrap()),
            ("calls to ECI", report.a_pod(eci).unwrap()),
            ("cost", cost / f64::from(report.plan.pods)),
        ]
    };
    for ((what, of_few), (_, of_many)) in each(&few).into_iter().zip(each(&many)) {
        assert!(of_few > 0.0, "{what} was measured");
        assert!(of_many <= 1.3 * of_few, "{what} a pod: {of_many:.3} among {MANY}, {of_few:.3} among {FEW}");
    }
}

#[test]
fn every_stage_of_a_pod_is_measured_and_they_follow_each_other() {
    let report = run(&Plan::bare(20));
    for stage in STAGES {
        assert_eq!(report.stages.get(&stage).map(|of| of.count), Some(20), "{stage}");
    }
    let p50 = |stage: Stage| report.stages[&stage].p50;
    for pair in STAGES[..5].windows(2).chain(STAGES[5..].windows(2)) {
        assert!(p50(pair[0]) <= p50(pair[1]), "{} before {}: {report:?}", pair[0], pair[1]);
    }
    assert!((11.0..20.0).contains(&p50(Stage::GroupRunning)), "as published: {}", p50(Stage::GroupRunning));
}

#[test]
fn without_latency_a_group_runs_at_once() {
    let latency = Some(eci_sim::Latency::NONE);
    let settings = PlaceSettings { latency, ..PlaceSettings::default() };
    let report = run_until(&Plan::bare(20), settings, Duration::from_secs(3600));
    assert_eq!(report.ended, LoadOutcome::Completed);
    assert!(report.stages[&Stage::Running].p50 < 5.0, "{}", report.stages[&Stage::Running].p50);
}

#[test]
fn deployments_and_jobs_come_and_go_and_churn_replaces_the_oldest() {
    for workload in [Workload::Deployments, Workload::Jobs] {
        let report = run(&Plan { workload, replicas: 5, ..Plan::bare(12) });
        assert_eq!(report.ended, LoadOutcome::Completed, "{workload}: {:?}", report.shortfalls());
        assert_eq!((report.counts.running, report.counts.gone), (12, 12), "{workload}");
    }
    let (churn, steady) = (Some("0.5".parse().unwrap()), Duration::from_secs(20));
    let report = run(&Plan { churn, steady, ..Plan::bare(8) });
    assert_eq!((report.ended, report.counts.requested, report.counts.gone), (LoadOutcome::Completed, 18, 18));
}

#[test]
fn pods_are_spread_over_several_nodes_and_all_come_and_go() {
    let settings = PlaceSettings {
        capacity: Some("pods=5".to_owned()),
        cloud_rates: Some("unlimited".to_owned()),
        more_nodes: 2,
        ..PlaceSettings::default()
    };
    let report = run_until(&Plan::bare(15), settings, Duration::from_secs(3600));
    assert_eq!(report.ended, LoadOutcome::Completed, "{:?}", report.shortfalls());
    assert_eq!((report.counts.running, report.counts.gone), (15, 15));
    assert_eq!(report.eci.unwrap()["CreateContainerGroup"].calls, 15);
}

#[test]
fn an_interrupted_run_has_a_report_of_what_was_done() {
    let rate = Some("2".parse().unwrap());
    let report =
        run_until(&Plan { rate, ..Plan::bare(60) }, PlaceSettings::default(), Duration::from_secs(20));
    assert_eq!(report.ended, LoadOutcome::Interrupted);
    assert!((30..=45).contains(&report.counts.accepted), "{:?}", report.counts);
    assert!(report.stages.contains_key(&Stage::Scheduled) && !report.stages.contains_key(&Stage::Gone));
    let again = Report::read("r.json", &serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!(again, report);
}

#[test]
fn a_cluster_without_room_is_told_before_anything_is_made() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let why = runtime.block_on(async {
        let capacity = Some("pods=5".to_owned());
        let place =
            Place::stepped(Seed::DEFAULT, PlaceSettings { capacity, ..PlaceSettings::default() }).await;
        let place = place.unwrap();
        driver::run(&place, &Plan::bare(6), std::future::pending(), |_| {}).await.unwrap_err().to_string()
    });
    assert!(why.starts_with("the cluster has no room: 6 pods ask for 6 pods"), "{why}");
    assert!(why.contains("--capacity pods=6"), "{why}");
}
