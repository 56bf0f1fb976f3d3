//! Estimates of workloads: replicas, hours, sums, and what they say beside each other.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::cost::budget::Budget;
use crate::cost::manifests::FileRow;
use crate::cost::quote::tests::{limits, pod, prices};

fn place() -> FileRow {
    FileRow { file: "shop.yaml".to_owned(), row: 1 }
}

/// A workload of pods with these limits.
pub(crate) fn workload(name: &str, replicas: u32, cpu: &str, memory: &str) -> Workload {
    Workload {
        kind: "Deployment".to_owned(),
        namespace: "shop".to_owned(),
        name: name.to_owned(),
        place: place(),
        replicas,
        ends: false,
        pod: pod(limits(cpu, memory), &[]),
    }
}

pub(crate) fn estimate(workloads: &[Workload]) -> Estimate {
    let (estimate, unsold) = Estimate::of(workloads, &prices("cn-hangzhou"), HOURS_A_MONTH);
    assert!(unsold.is_empty(), "{unsold:?}");
    estimate
}

fn text(cost: &Cost) -> String {
    cost.to_string()
}

#[test]
fn replicas_are_counted_and_a_month_is_730_hours() {
    let estimate = estimate(&[workload("web", 3, "7", "13Gi"), workload("db", 0, "2", "4Gi")]);
    assert_eq!((text(&estimate.hour), text(&estimate.month)), ("5.160456".into(), "3767.13288".into()));
    let web = &estimate.workloads[0];
    assert_eq!((web.requested(), web.what()), ("7-13Gi".to_owned(), "8-14Gi".to_owned()));
    assert_eq!(web.waste.as_ref().map(text), Some("434.64492".into()));
    assert_eq!(web.economy.as_ref().map(text), Some("2379.54888".into()));
    assert_eq!(text(&estimate.workloads[1].month), "0");
}

#[test]
fn what_ends_by_itself_runs_as_long_as_one_says() {
    let job = Workload { kind: "Job".to_owned(), ends: true, ..workload("nightly", 1, "2", "4Gi") };
    let (estimate, _) = Estimate::of(&[job], &prices("cn-hangzhou"), 10);
    assert_eq!((text(&estimate.hour), text(&estimate.month)), ("0.441072".into(), "4.41072".into()));
}

#[test]
fn one_price_that_is_not_known_makes_the_sum_unknown_and_not_smaller() {
    let mut gpu = workload("model", 1, "2", "4Gi");
    gpu.pod = pod(json!({}), &[("eci-use-specs", "ecs.gn6i-c4g1.xlarge")]);
    let estimate = estimate(&[workload("web", 1, "2", "4Gi"), gpu]);
    assert!(estimate.month.known().is_err());
    let (known, unknown) = estimate.known_month();
    assert_eq!((known.to_string(), unknown), ("321.98256".into(), 1));
    // The document keeps it.
    let read: Estimate = serde_json::from_str(&serde_json::to_string(&estimate).unwrap()).unwrap();
    assert_eq!(read, estimate);
}

#[test]
fn what_fits_nothing_stands_beside_the_estimate() {
    let large = workload("large", 1, "65", "128Gi");
    let (estimate, unsold) =
        Estimate::of(&[large, workload("web", 1, "2", "4Gi")], &prices("cn-hangzhou"), 730);
    assert_eq!((estimate.workloads.len(), unsold.len(), unsold[0].0.name.as_str()), (1, 1, "large"));
}

#[test]
fn a_budget_is_judged_by_what_is_known_and_else_not() {
    let web = estimate(&[workload("web", 3, "2", "4Gi")]);
    let mut gpu = workload("model", 1, "2", "4Gi");
    gpu.pod = pod(json!({}), &[("eci-use-specs", "ecs.gn6i-c4g1.xlarge")]);
    let with_gpu = estimate(&[workload("web", 3, "2", "4Gi"), gpu]);
    for (estimate, budget, told) in [
        (&web, "965.94768/month", ""),
        (&web, "965.94/month", "¥ 965.95 a month is ¥ 0.01 above the budget of ¥ 965.94 a month"),
        (&web, "1.323216/hour", ""),
        (&web, "1/hour", "¥ 1.323216 an hour is ¥ 0.323216 above the budget of ¥ 1 an hour"),
        (&with_gpu, "500/month", "¥ 965.95 a month is ¥ 465.95 above the budget of ¥ 500.00 a month"),
        (
            &with_gpu,
            "5000/month",
            "shop.yaml:1: the budget of ¥ 5000.00 a month cannot be judged: no price is known for ecs.gn6i",
        ),
    ] {
        let judged = budget.parse::<Budget>().unwrap().judge(estimate);
        let said = judged.err().map(|why| why.to_string()).unwrap_or_default();
        assert!(said.starts_with(told) && said.is_empty() == told.is_empty(), "{budget}: {said}");
    }
}

proptest! {
    #[test]
    fn estimates_add_up_and_waste_is_never_more_than_the_price(
        all in prop::collection::vec((0u32..50, 1u32..64_000, 1u32..524_288), 0..12), cut in 0usize..12,
    ) {
        let workloads: Vec<_> = all
            .iter()
            .map(|(replicas, milli, mib)| workload("web", *replicas, &format!("{milli}m"), &format!("{mib}Mi")))
            .collect();
        let whole = estimate(&workloads);
        let (one, other) = workloads.split_at(cut.min(workloads.len()));
        let (one, other) = (estimate(one), estimate(other));
        prop_assert_eq!(one.hour + other.hour, whole.hour.clone());
        prop_assert_eq!(one.month + other.month, whole.month.clone());
        for row in &whole.workloads {
            let (waste, month) = (row.waste.as_ref().unwrap().known().unwrap(), row.month.known().unwrap());
            prop_assert!(Amount::ZERO <= waste && waste <= month);
            prop_assert_eq!(times(&row.hour, HOURS_A_MONTH), row.month.clone());
            if let Some(cheaper) = &row.cheaper && row.replicas > 0 {
                prop_assert!(cheaper.month.known().unwrap() < month);
            }
        }
    }
}
