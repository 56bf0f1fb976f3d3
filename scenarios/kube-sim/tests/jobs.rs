//! Indexed Jobs whose indexes fail and succeed each by itself.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use crate::cluster::{Cluster, pass, settle};
use k8s_openapi::api::batch::v1::Job;
use kube::api::{Api, ListParams};
use serde_json::{Value, json};

const INDEX: &str = "batch.kubernetes.io/job-completion-index";

async fn begin(cluster: &Cluster, more: Value) {
    cluster.node("n", json!([])).await;
    let template = json!({"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}});
    let mut spec =
        json!({"completionMode": "Indexed", "completions": 2, "parallelism": 2, "template": template});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    cluster.make::<Job>(json!({"metadata": {"name": "j"}, "spec": spec})).await;
    settle().await;
}

/// The youngest pod of an index, as its name and its annotations.
async fn pod_of(cluster: &Cluster, index: i64) -> (String, Value) {
    let pods = cluster.pods().list(&ListParams::default().labels(&format!("{INDEX}={index}"))).await.unwrap();
    let youngest = pods.items.into_iter().max_by_key(|pod| pod.metadata.creation_timestamp.clone()).unwrap();
    (youngest.metadata.name.unwrap(), json!(youngest.metadata.annotations))
}

async fn end(cluster: &Cluster, index: i64, phase: &str) {
    let (name, _) = pod_of(cluster, index).await;
    cluster.report(&name, json!({"phase": phase})).await;
    settle().await;
}

async fn status(cluster: &Cluster) -> Value {
    let jobs: Api<Job> = cluster.api();
    json!(jobs.get_status("j").await.unwrap().status.unwrap())
}

fn verdict(status: &Value) -> Vec<(&str, &str)> {
    let conditions = status["conditions"].as_array().into_iter().flatten();
    conditions.map(|c| (c["type"].as_str().unwrap(), c["reason"].as_str().unwrap())).collect()
}

#[tokio::test(start_paused = true)]
async fn an_index_that_failed_too_often_is_given_up_and_the_others_go_on() {
    let cluster = Cluster::start();
    begin(&cluster, json!({"backoffLimitPerIndex": 1})).await;
    end(&cluster, 0, "Failed").await;
    pass(11).await;
    let (_, annotations) = pod_of(&cluster, 0).await;
    assert_eq!(annotations["batch.kubernetes.io/job-index-failure-count"], "1");
    end(&cluster, 0, "Failed").await;
    pass(60).await;
    let seen = status(&cluster).await;
    assert_eq!(
        (&seen["failedIndexes"], &seen["active"], &seen["failed"]),
        (&json!("0"), &json!(1), &json!(2))
    );
    assert_eq!(verdict(&seen), []);
    end(&cluster, 1, "Succeeded").await;
    let seen = status(&cluster).await;
    assert_eq!(verdict(&seen), [("FailureTarget", "FailedIndexes"), ("Failed", "FailedIndexes")]);
    assert_eq!(seen["completedIndexes"], "1");
}

#[tokio::test(start_paused = true)]
async fn a_job_ends_with_more_failed_indexes_than_it_may_have() {
    let cluster = Cluster::start();
    begin(&cluster, json!({"backoffLimitPerIndex": 0, "maxFailedIndexes": 0})).await;
    end(&cluster, 0, "Failed").await;
    assert_eq!(verdict(&status(&cluster).await)[0], ("FailureTarget", "MaxFailedIndexesExceeded"));
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_leader_succeeded_is_complete_and_its_other_pods_go() {
    let cluster = Cluster::start();
    begin(&cluster, json!({"successPolicy": {"rules": [{"succeededIndexes": "0"}]}})).await;
    end(&cluster, 0, "Succeeded").await;
    assert_eq!(verdict(&status(&cluster).await)[0], ("SuccessCriteriaMet", "SuccessPolicy"));
    let (other, _) = pod_of(&cluster, 1).await;
    assert!(cluster.seen(&other).await["metadata"]["deletionTimestamp"].is_string());
}
