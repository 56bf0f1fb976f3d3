//! HorizontalPodAutoscalers: replicas follow what the pods use, through the workloads' scale, in the cluster's time.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::sync::Arc;

use crate::cluster::{Cluster, pass, read, settle};
use crate::measured::{ADDRESS, Measured, Nodes};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::autoscaling::{v1, v2};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube_sim::KubeSim;
use serde_json::{Value, json};

const ABOVE: &str = "reason: cpu resource utilization (percentage of request) above target";

async fn begin() -> (Cluster, Arc<Measured>) {
    let measured = Arc::new(Measured::default());
    let cluster = Cluster::started(KubeSim::builder().outbound(Arc::new(Nodes(measured.clone()))));
    measured.measure(&cluster.sim);
    cluster.node("n", json!([])).await;
    let status = json!({"status": {"addresses": [{"type": "InternalIP", "address": ADDRESS}]}});
    let patch = Patch::Merge(status);
    cluster.nodes().patch_status("n", &PatchParams::default(), &patch).await.unwrap();
    (cluster, measured)
}

/// A workload whose pods request a tenth of a CPU.
fn workload(kind: &str, replicas: i64) -> Value {
    let container = json!({"name": "c", "image": "i", "resources": {"requests": {"cpu": "100m"}}});
    let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}});
    json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"}, "spec": {"replicas": replicas,
        "selector": {"matchLabels": {"app": "web"}}, "template": template}})
}

fn autoscaler(kind: &str, more: Value) -> Value {
    let target = json!({"apiVersion": "apps/v1", "kind": kind, "name": "web"});
    let cpu = json!({"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}});
    let mut spec = json!({"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 9,
        "metrics": [{"type": "Resource", "resource": cpu}]});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    json!({"metadata": {"name": "web"}, "spec": spec})
}

/// Lets steps of five seconds pass, in which the node is alive and all its pods run.
async fn live(cluster: &Cluster, seconds: u64) {
    let leases: Api<Lease> = Api::namespaced(cluster.client.clone(), "kube-node-lease");
    for _ in 0..seconds / 5 {
        let now = cluster.sim.clock().now();
        let renewed = now.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
        let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "n"},
            "spec": {"holderIdentity": "n", "leaseDurationSeconds": 40, "renewTime": renewed}});
        leases.patch("n", &PatchParams::apply("node").force(), &Patch::Apply(&lease)).await.unwrap();
        let now = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let pods = cluster.pods().list(&ListParams::default()).await.unwrap();
        for pod in pods.items {
            if pod.status.unwrap().phase.as_deref() == Some("Pending") {
                let ready = json!([{"type": "Ready", "status": "True", "lastTransitionTime": now}]);
                let name = pod.metadata.name.unwrap();
                cluster
                    .report(&name, json!({"phase": "Running", "startTime": now, "conditions": ready}))
                    .await;
            }
        }
        pass(5).await;
    }
    settle().await;
}

async fn seen(cluster: &Cluster) -> Value {
    let api: Api<v2::HorizontalPodAutoscaler> = cluster.api();
    serde_json::to_value(api.get("web").await.unwrap()).unwrap()
}

/// `type=status reason` of each condition.
fn conditions(autoscaler: &Value) -> Vec<String> {
    let conditions = autoscaler["status"]["conditions"].as_array().unwrap().iter();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    conditions
        .map(|c| format!("{}={} {}", word(&c["type"]), word(&c["status"]), word(&c["reason"])))
        .collect()
}

async fn replicas(cluster: &Cluster) -> i32 {
    let web: Deployment = cluster.api().get("web").await.unwrap();
    web.spec.unwrap().replicas.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_deployment_grows_with_what_its_pods_use_and_shrinks_when_five_minutes_agree() {
    let (cluster, measured) = begin().await;
    let _: Deployment = cluster.make(workload("Deployment", 1)).await;
    settle().await;
    live(&cluster, 30).await;
    measured.set_cpu(200);
    let _: v2::HorizontalPodAutoscaler = cluster.make(autoscaler("Deployment", json!({}))).await;
    live(&cluster, 10).await;
    assert_eq!(replicas(&cluster).await, 1, "nothing is done before the first fifteen seconds are over");
    live(&cluster, 10).await;
    assert_eq!(replicas(&cluster).await, 4);
    let web = seen(&cluster).await;
    assert_eq!(
        (&web["status"]["currentReplicas"], &web["status"]["desiredReplicas"]),
        (&json!(1), &json!(4))
    );
    let current = json!({"averageUtilization": 200, "averageValue": "200m"});
    assert_eq!(web["status"]["currentMetrics"][0]["resource"], json!({"name": "cpu", "current": current}));
    assert_eq!(
        conditions(&web),
        [
            "AbleToScale=True SucceededRescale",
            "ScalingActive=True ValidMetricFound",
            "ScalingLimited=False DesiredWithinRange"
        ]
    );
    let grown = format!("SuccessfulRescale: New size: 4; {ABOVE}");
    assert!(cluster.events("web").await.contains(&grown));
    measured.set_cpu(50);
    live(&cluster, 60).await;
    measured.set_cpu(20);
    live(&cluster, 240).await;
    assert_eq!(replicas(&cluster).await, 4);
    let web = seen(&cluster).await;
    assert_eq!(conditions(&web)[0], "AbleToScale=True ScaleDownStabilized");
    live(&cluster, 90).await;
    assert_eq!(replicas(&cluster).await, 2);
    let shrunk = "SuccessfulRescale: New size: 2; reason: All metrics below target".to_owned();
    assert!(cluster.events("web").await.contains(&shrunk));
}

#[tokio::test(start_paused = true)]
async fn pods_of_two_autoscalers_are_scaled_by_neither() {
    let (cluster, measured) = begin().await;
    let _: Deployment = cluster.make(workload("Deployment", 1)).await;
    settle().await;
    live(&cluster, 30).await;
    measured.set_cpu(200);
    let _: v2::HorizontalPodAutoscaler = cluster.make(autoscaler("Deployment", json!({}))).await;
    let mut other = autoscaler("Deployment", json!({}));
    other["metadata"]["name"] = json!("other");
    let _: v2::HorizontalPodAutoscaler = cluster.make(other).await;
    live(&cluster, 30).await;
    assert_eq!(replicas(&cluster).await, 1);
    let web = seen(&cluster).await;
    assert_eq!(
        conditions(&web),
        ["AbleToScale=True SucceededGetScale", "ScalingActive=False AmbiguousSelector"]
    );
    let why = "pods by selector app=web are controlled by multiple HPAs: [{other default} {web default}]";
    assert_eq!(web["status"]["conditions"][1]["message"], why);
    assert!(cluster.events("web").await.contains(&format!("AmbiguousSelector: {why}")));
}

#[tokio::test(start_paused = true)]
async fn a_stateful_set_follows_its_policies_and_a_replica_set_its_bounds() {
    let (cluster, measured) = begin().await;
    let _: StatefulSet = cluster.make(workload("StatefulSet", 1)).await;
    live(&cluster, 30).await;
    let policy = json!({"type": "Pods", "value": 1, "periodSeconds": 60});
    let behavior = json!({"scaleUp": {"policies": [policy]}});
    let average = json!({"type": "Resource", "resource": {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "50m"}}});
    let more = json!({"behavior": behavior, "metrics": [average]});
    let _: v2::HorizontalPodAutoscaler = cluster.make(autoscaler("StatefulSet", more)).await;
    measured.set_cpu(400);
    let size = async || {
        let web: StatefulSet = cluster.api().get("web").await.unwrap();
        web.spec.unwrap().replicas.unwrap()
    };
    live(&cluster, 20).await;
    assert_eq!(size().await, 2);
    assert_eq!(conditions(&seen(&cluster).await)[2], "ScalingLimited=True ScaleUpLimit");
    live(&cluster, 45).await;
    assert_eq!(size().await, 2);
    live(&cluster, 20).await;
    assert_eq!(size().await, 3);

    let (cluster, _) = begin().await;
    let _: ReplicaSet = cluster.make(workload("ReplicaSet", 4)).await;
    let bounds = json!({"minReplicas": 1, "maxReplicas": 2});
    let _: v2::HorizontalPodAutoscaler = cluster.make(autoscaler("ReplicaSet", bounds)).await;
    live(&cluster, 20).await;
    let web: ReplicaSet = cluster.api().get("web").await.unwrap();
    assert_eq!(web.spec.unwrap().replicas, Some(2));
    let words = "SuccessfulRescale: New size: 2; reason: Current number of replicas above Spec.MaxReplicas"
        .to_owned();
    assert!(cluster.events("web").await.contains(&words));
}

#[tokio::test(start_paused = true)]
async fn what_keeps_an_autoscaler_from_scaling_is_said_in_the_real_words() {
    let (cluster, _) = begin().await;
    let _: v2::HorizontalPodAutoscaler = cluster.make(autoscaler("Deployment", json!({}))).await;
    live(&cluster, 20).await;
    assert_eq!(cluster.events("web").await, ["FailedGetScale: deployments.apps \"web\" not found"]);
    assert_eq!(conditions(&seen(&cluster).await), ["AbleToScale=False FailedGetScale"]);
    let mut bare = workload("Deployment", 1);
    bare["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({});
    let _: Deployment = cluster.make(bare).await;
    live(&cluster, 60).await;
    let pod = cluster.pod_names().await.remove(0);
    let events = cluster.events("web").await;
    let why = format!("failed to get cpu utilization: missing request for cpu in container c of Pod {pod}");
    let all = "invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value";
    for said in
        [format!("FailedGetResourceMetric: {why}"), format!("FailedComputeMetricsReplicas: {all}: {why}")]
    {
        assert!(events.contains(&said), "{said} is not among {events:#?}");
    }
    let web = seen(&cluster).await;
    assert_eq!(conditions(&web)[1], "ScalingActive=False FailedGetResourceMetric");
    assert_eq!(
        web["status"]["conditions"][1]["message"],
        format!("the HPA was unable to compute the replica count: {why}")
    );
    assert_eq!(replicas(&cluster).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_workload_that_was_scaled_to_nothing_stays_so() {
    let (cluster, _) = begin().await;
    let _: Deployment = cluster.make(workload("Deployment", 0)).await;
    let _: v2::HorizontalPodAutoscaler = cluster.make(autoscaler("Deployment", json!({}))).await;
    live(&cluster, 20).await;
    assert_eq!(replicas(&cluster).await, 0);
    assert_eq!(conditions(&seen(&cluster).await)[1], "ScalingActive=False ScalingDisabled");
}

#[tokio::test(start_paused = true)]
async fn both_versions_show_and_change_the_same_autoscaler() {
    let (cluster, _) = begin().await;
    let old = json!({"metadata": {"name": "web"}, "spec": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 70,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}});
    let made: v1::HorizontalPodAutoscaler = cluster.make(old).await;
    let web = seen(&cluster).await;
    assert_eq!(web["apiVersion"], "autoscaling/v2");
    assert_eq!(web["metadata"]["uid"].as_str(), made.metadata.uid.as_deref());
    assert_eq!(web["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 70);
    let api: Api<v2::HorizontalPodAutoscaler> = cluster.api();
    let memory = json!({"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}});
    let mut next = web.clone();
    next["spec"]["metrics"].as_array_mut().unwrap().push(memory.clone());
    api.replace("web", &PostParams::default(), &read(next)).await.unwrap();
    let older: Api<v1::HorizontalPodAutoscaler> = cluster.api();
    let more = Patch::Merge(json!({"spec": {"maxReplicas": 5}}));
    let shown = older.patch("web", &PatchParams::default(), &more).await.unwrap();
    let shown = serde_json::to_value(shown).unwrap();
    assert_eq!((&shown["apiVersion"], &shown["spec"]["maxReplicas"]), (&json!("autoscaling/v1"), &json!(5)));
    assert_eq!(
        shown["metadata"]["annotations"]["autoscaling.alpha.kubernetes.io/metrics"],
        r#"[{"type":"Resource","resource":{"name":"memory","targetAverageValue":"1Gi"}}]"#
    );
    let web = seen(&cluster).await;
    assert_eq!((&web["spec"]["maxReplicas"], &web["spec"]["metrics"][0]), (&json!(5), &memory));
    assert_eq!(web["metadata"].get("annotations"), None);
    let entries = web["metadata"]["managedFields"].as_array().unwrap();
    let versions: Vec<_> = entries.iter().map(|entry| entry["apiVersion"].as_str().unwrap()).collect();
    assert!(versions.contains(&"autoscaling/v1") && versions.contains(&"autoscaling/v2"), "{versions:?}");
}
