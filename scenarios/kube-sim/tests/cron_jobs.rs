//! CronJobs: a Job at each instant of a schedule, in virtual time.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use crate::cluster::{Cluster, pass, settle};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

async fn begin(cluster: &Cluster, more: Value) {
    cluster.node("n", json!([])).await;
    let pod = json!({"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]});
    let mut spec = json!({"schedule": "*/10 * * * *", "jobTemplate": {"spec": {"template": {"spec": pod}}}});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    cluster.make::<CronJob>(json!({"metadata": {"name": "c"}, "spec": spec})).await;
    settle().await;
}

async fn jobs(cluster: &Cluster) -> Vec<Job> {
    let jobs: Api<Job> = cluster.api();
    jobs.list(&ListParams::default()).await.unwrap().items
}

async fn status(cluster: &Cluster) -> Value {
    let jobs: Api<CronJob> = cluster.api();
    json!(jobs.get("c").await.unwrap().status.unwrap_or_default())
}

/// Ends the pods that run, as their nodes would.
async fn end_pods(cluster: &Cluster, phase: &str) {
    for pod in cluster.pods().list(&ListParams::default()).await.unwrap() {
        if pod.status.unwrap().phase.as_deref() == Some("Pending") {
            cluster.report(&pod.metadata.name.unwrap(), json!({"phase": phase})).await;
        }
    }
    settle().await;
}

#[tokio::test(start_paused = true)]
async fn a_job_comes_at_each_instant_of_the_schedule() {
    let cluster = Cluster::start();
    begin(&cluster, json!({})).await;
    assert_eq!(jobs(&cluster).await.len(), 0);
    pass(601).await;
    let first = jobs(&cluster).await.remove(0);
    // 2026-01-05T01:10:00Z in minutes
    assert_eq!(first.metadata.name.as_deref(), Some("c-29459590"));
    let annotations = first.metadata.annotations.unwrap();
    assert_eq!(annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"], "2026-01-05T01:10:00Z");
    let seen = status(&cluster).await;
    assert_eq!(
        (&seen["active"][0]["name"], &seen["lastScheduleTime"]),
        (&json!("c-29459590"), &json!("2026-01-05T01:10:00Z"))
    );
    end_pods(&cluster, "Succeeded").await;
    let seen = status(&cluster).await;
    assert!(seen["lastSuccessfulTime"].is_string() && seen["active"].is_null(), "{seen}");
    assert_eq!(
        cluster.events("c").await,
        [
            "SuccessfulCreate: Created job c-29459590",
            "SawCompletedJob: Saw completed job: c-29459590, condition: Complete"
        ]
    );
    pass(601).await;
    assert_eq!(jobs(&cluster).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn jobs_that_ended_are_kept_up_to_their_limits() {
    for (phase, limits, kept) in
        [("Succeeded", json!({}), 3), ("Failed", json!({"failedJobsHistoryLimit": 0}), 0)]
    {
        let cluster = Cluster::start();
        let mut more = limits;
        more["jobTemplate"] = json!({"spec": {"backoffLimit": 0, "template": {"spec":
            {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}});
        begin(&cluster, more).await;
        for _ in 0..5 {
            pass(601).await;
            end_pods(&cluster, phase).await;
        }
        assert_eq!(jobs(&cluster).await.len(), kept, "{phase}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_still_runs_is_left_alone_kept_alone_or_replaced() {
    for (policy, wanted) in [("Allow", 2), ("Forbid", 1), ("Replace", 1)] {
        let cluster = Cluster::start();
        begin(&cluster, json!({"concurrencyPolicy": policy})).await;
        pass(601).await;
        let first = jobs(&cluster).await.remove(0).metadata.uid;
        pass(601).await;
        let now: Vec<_> = jobs(&cluster).await.into_iter().map(|job| job.metadata.uid).collect();
        assert_eq!(now.len(), wanted, "{policy}");
        assert_eq!(now.contains(&first), policy != "Replace", "{policy}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_suspended_schedule_starts_nothing_and_then_only_the_last() {
    let cluster = Cluster::start();
    begin(&cluster, json!({"suspend": true})).await;
    pass(3000).await;
    assert_eq!(jobs(&cluster).await.len(), 0);
    let crons: Api<CronJob> = cluster.api();
    let go_on = Patch::Merge(json!({"spec": {"suspend": false}}));
    crons.patch("c", &PatchParams::default(), &go_on).await.unwrap();
    settle().await;
    let names: Vec<_> = jobs(&cluster).await.into_iter().filter_map(|job| job.metadata.name).collect();
    assert_eq!(names, ["c-29459630"]);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_later_than_its_deadline_is_left_out() {
    let cluster = Cluster::start();
    begin(&cluster, json!({"suspend": true, "startingDeadlineSeconds": 30})).await;
    pass(3100).await;
    let crons: Api<CronJob> = cluster.api();
    let go_on = Patch::Merge(json!({"spec": {"suspend": false}}));
    crons.patch("c", &PatchParams::default(), &go_on).await.unwrap();
    settle().await;
    assert_eq!(jobs(&cluster).await.len(), 0);
    pass(601).await;
    assert_eq!(jobs(&cluster).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_goes_by_its_time_zone() {
    let cluster = Cluster::start();
    begin(&cluster, json!({"schedule": "30 9 * * *", "timeZone": "Asia/Shanghai"})).await;
    pass(1799).await;
    assert_eq!(jobs(&cluster).await.len(), 0);
    pass(2).await;
    let job = jobs(&cluster).await.remove(0);
    let annotations = job.metadata.annotations.unwrap();
    assert_eq!(annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"], "2026-01-05T09:30:00+08:00");
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_cron_job_is_said_in_the_real_words() {
    let cluster = Cluster::start();
    let crons: Api<CronJob> = cluster.api();
    let pod = json!({"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]});
    let mut always = pod.clone();
    always["restartPolicy"] = "Always".into();
    let good = json!({"schedule": "* * * * *", "jobTemplate": {"spec": {"template": {"spec": pod}}}});
    for (key, value, words) in [
        (
            "schedule",
            json!("* * * *"),
            "spec.schedule: Invalid value: \"* * * *\": expected exactly 5 fields, found 4: [* * * *]",
        ),
        (
            "timeZone",
            json!("Nowhere/City"),
            "spec.timeZone: Invalid value: \"Nowhere/City\": unknown time zone Nowhere/City",
        ),
        (
            "concurrencyPolicy",
            json!("Never"),
            "spec.concurrencyPolicy: Unsupported value: \"Never\": supported values: \"Allow\", \"Forbid\", \"Replace\"",
        ),
        (
            "startingDeadlineSeconds",
            json!(-1),
            "spec.startingDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            "jobTemplate",
            json!({"spec": {"template": {"spec": always}}}),
            "spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"",
        ),
        (
            "jobTemplate",
            json!({"spec": {"parallelism": -1, "maxFailedIndexes": 1, "template": {"spec": pod}}}),
            "[spec.jobTemplate.spec.parallelism: Invalid value: -1: must be greater than or equal to 0, \
             spec.jobTemplate.spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified, \
             spec.jobTemplate.spec.maxFailedIndexes: Invalid value: 1: requires indexed completion mode]",
        ),
    ] {
        let mut spec = good.clone();
        spec[key] = value;
        let cron = crate::cluster::read(json!({"metadata": {"name": "c"}, "spec": spec}));
        let error = crons.create(&PostParams::default(), &cron).await.unwrap_err().to_string();
        assert!(error.contains(words), "{key}: {error}");
    }
}
