//! Tests of the controllers: silent nodes, deleted namespaces, workloads that keep their pods.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use crate::cluster::{Cluster, pass, read, settle};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Endpoints, Namespace, Pod, Service, ServiceAccount};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{Api, DeleteParams, EvictParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let all = object["status"]["conditions"].as_array().unwrap();
    all.iter().find(|c| c["type"] == kind).unwrap_or(&Value::Null)
}

async fn node_seen(cluster: &Cluster, name: &str) -> Value {
    serde_json::to_value(cluster.nodes().get(name).await.unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_node_that_falls_silent_is_unknown_after_fifty_seconds_and_loses_its_pods_five_minutes_later() {
    let cluster = Cluster::start();
    cluster.node("n", json!([])).await;
    cluster.pod("p", json!({})).await;
    settle().await;
    cluster.run("p").await;
    pass(48).await;
    assert_eq!(condition(&node_seen(&cluster, "n").await, "Ready")["status"], "True");
    pass(4).await;
    let node = node_seen(&cluster, "n").await;
    let ready = condition(&node, "Ready");
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("Unknown"), &json!("NodeStatusUnknown")));
    assert_eq!(ready["message"], "Kubelet stopped posting node status.");
    let taints: Vec<_> =
        node["spec"]["taints"].as_array().unwrap().iter().map(|t| (&t["key"], &t["effect"])).collect();
    let unreachable = json!("node.kubernetes.io/unreachable");
    assert!(
        taints.contains(&(&unreachable, &json!("NoSchedule")))
            && taints.contains(&(&unreachable, &json!("NoExecute")))
    );
    let pod = cluster.seen("p").await;
    assert_eq!(condition(&pod, "Ready")["status"], "False");
    assert_eq!(pod["metadata"].get("deletionTimestamp"), None);
    pass(300).await;
    let pod = cluster.seen("p").await;
    assert!(pod["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(condition(&pod, "DisruptionTarget")["reason"], "DeletionByTaintManager");
    let said = cluster.events("p").await;
    assert!(
        said.contains(&"TaintManagerEviction: Marking for deletion Pod default/p".to_owned()),
        "{said:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_renewed_keeps_a_node_alive() {
    let cluster = Cluster::start();
    cluster.node("n", json!([])).await;
    let leases: Api<Lease> = Api::namespaced(cluster.client.clone(), "kube-node-lease");
    for _ in 0..30 {
        let now = cluster.sim.clock().now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
        let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "n"},
            "spec": {"holderIdentity": "n", "leaseDurationSeconds": 40, "renewTime": now}});
        leases.patch("n", &PatchParams::apply("kubelet").force(), &Patch::Apply(lease)).await.unwrap();
        pass(10).await;
    }
    assert_eq!(condition(&node_seen(&cluster, "n").await, "Ready")["status"], "True");
}

#[tokio::test(start_paused = true)]
async fn when_a_node_is_deleted_its_lease_goes_and_its_pods_follow() {
    let cluster = Cluster::start();
    cluster.node("n", json!([])).await;
    let uid = cluster.nodes().get("n").await.unwrap().metadata.uid.unwrap();
    let leases: Api<Lease> = Api::namespaced(cluster.client.clone(), "kube-node-lease");
    let owner = json!([{"apiVersion": "v1", "kind": "Node", "name": "n", "uid": uid}]);
    let lease =
        read(json!({"metadata": {"name": "n", "ownerReferences": owner}, "spec": {"holderIdentity": "n"}}));
    leases.create(&PostParams::default(), &lease).await.unwrap();
    cluster.pod("p", json!({})).await;
    settle().await;
    cluster.nodes().delete("n", &DeleteParams::default()).await.unwrap();
    settle().await;
    assert!(leases.get_opt("n").await.unwrap().is_none());
    assert_eq!(cluster.pod_names().await, ["p"]);
    pass(60).await;
    assert_eq!(cluster.pod_names().await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_namespace_goes_once_its_pods_have_gone() {
    let cluster = Cluster::start();
    let namespaces: Api<Namespace> = Api::all(cluster.client.clone());
    namespaces.create(&PostParams::default(), &read(json!({"metadata": {"name": "vk"}}))).await.unwrap();
    let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), "vk");
    let pod = json!({"metadata": {"name": "p"}, "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "i"}]}});
    cluster.node("n", json!([])).await;
    pods.create(&PostParams::default(), &read(pod.clone())).await.unwrap();
    namespaces.delete("vk", &DeleteParams::default()).await.unwrap();
    settle().await;
    let phase = namespaces.get("vk").await.unwrap().status.unwrap().phase;
    assert_eq!(phase.as_deref(), Some("Terminating"));
    let seen = serde_json::to_value(namespaces.get("vk").await.unwrap()).unwrap();
    let content = condition(&seen, "NamespaceContentRemaining");
    assert_eq!(content["message"], "Some resources are remaining: pods. has 1 resource instances");
    assert!(pods.get("p").await.unwrap().metadata.deletion_timestamp.is_some());
    let kube::Error::Api(status) = pods.create(&PostParams::default(), &read(pod)).await.unwrap_err() else {
        panic!()
    };
    assert!(status.message.contains("because it is being terminated"), "{}", status.message);
    pods.delete("p", &DeleteParams::default().grace_period(0)).await.unwrap();
    settle().await;
    assert!(namespaces.get_opt("vk").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn the_default_account_comes_back_when_it_is_deleted() {
    let cluster = Cluster::start();
    let accounts: Api<ServiceAccount> = cluster.api();
    settle().await;
    accounts.delete("default", &DeleteParams::default()).await.unwrap();
    settle().await;
    assert!(accounts.get_opt("default").await.unwrap().is_some());
}

fn template(app: &str, image: &str) -> Value {
    json!({"metadata": {"labels": {"app": app}}, "spec": {"containers": [{"name": "c", "image": image}]}})
}

#[tokio::test(start_paused = true)]
async fn a_replica_set_replaces_what_it_loses_and_takes_its_pods_along() {
    let cluster = Cluster::start();
    let spec = json!({"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template("web", "nginx")});
    cluster.make::<ReplicaSet>(json!({"metadata": {"name": "web"}, "spec": spec})).await;
    settle().await;
    let first = cluster.pod_names().await;
    assert_eq!(first.len(), 2);
    assert!(first.iter().all(|name| name.starts_with("web-") && name.len() == 9), "{first:?}");
    assert_eq!(cluster.events("web").await.len(), 2);
    cluster.pods().delete(&first[0], &DeleteParams::default()).await.unwrap();
    settle().await;
    let second = cluster.pod_names().await;
    assert_eq!(second.len(), 2);
    assert!(!second.contains(&first[0]));
    let set = cluster.api::<ReplicaSet>().get("web").await.unwrap().status.unwrap();
    assert_eq!((set.replicas, set.observed_generation), (2, Some(1)));
    cluster.api::<ReplicaSet>().delete("web", &DeleteParams::default()).await.unwrap();
    settle().await;
    assert_eq!(cluster.pod_names().await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn pods_that_are_turned_down_are_tried_again_ever_more_slowly() {
    let cluster = Cluster::start();
    let mut template = template("web", "nginx");
    template["spec"]["serviceAccountName"] = json!("robot");
    let spec = json!({"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template});
    cluster.make::<ReplicaSet>(json!({"metadata": {"name": "web"}, "spec": spec})).await;
    pass(10).await;
    let said = cluster.events("web").await;
    assert!(said[0].starts_with("FailedCreate: Error creating: pods \"web-"), "{said:?}");
    assert!(
        said[0]
            .ends_with("error looking up service account default/robot: serviceaccount \"robot\" not found")
    );
    assert!((3..=5).contains(&said.len()), "{said:?}");
    cluster.make::<ServiceAccount>(json!({"metadata": {"name": "robot"}})).await;
    pass(60).await;
    assert_eq!(cluster.pod_names().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_moves_its_pods_to_a_new_version() {
    let cluster = Cluster::start();
    cluster.node("n", json!([])).await;
    let deployments: Api<Deployment> = cluster.api();
    let spec = |image: &str| json!({"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template("web", image)});
    cluster.make::<Deployment>(json!({"metadata": {"name": "web"}, "spec": spec("nginx:1")})).await;
    run_until_available(&cluster, 2).await;
    let patch = Patch::Merge(json!({"spec": {"template": template("web", "nginx:2")}}));
    deployments.patch("web", &PatchParams::default(), &patch).await.unwrap();
    settle().await;
    run_until_available(&cluster, 2).await;
    let sets = cluster.api::<ReplicaSet>().list(&ListParams::default()).await.unwrap().items;
    let mut replicas: Vec<_> = sets.iter().map(|set| set.spec.as_ref().unwrap().replicas).collect();
    replicas.sort();
    assert_eq!(replicas, [Some(0), Some(2)]);
    let deployment = serde_json::to_value(deployments.get("web").await.unwrap()).unwrap();
    assert_eq!(deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "2");
    assert_eq!(condition(&deployment, "Available")["reason"], "MinimumReplicasAvailable");
    assert_eq!(condition(&deployment, "Progressing")["reason"], "NewReplicaSetAvailable");
    assert_eq!(deployment["status"]["updatedReplicas"], 2);
    let said = cluster.events("web").await;
    let first = said.first().unwrap();
    assert!(
        first.starts_with("ScalingReplicaSet: Scaled up replica set web-") && first.ends_with("from 0 to 2"),
        "{said:?}"
    );
}

/// Reports every pod as running until a Deployment's pods are all available and no others are left.
async fn run_until_available(cluster: &Cluster, wanted: usize) {
    for _ in 0..20 {
        settle().await;
        let names = cluster.pod_names().await;
        for name in &names {
            let pod = cluster.seen(name).await;
            if pod["metadata"].get("deletionTimestamp").is_some() {
                cluster.pods().delete(name, &DeleteParams::default().grace_period(0)).await.unwrap();
            } else if pod["status"]["phase"] == "Pending" {
                cluster.run(name).await;
            }
        }
        settle().await;
        let deployment = cluster.api::<Deployment>().get("web").await.unwrap().status.unwrap();
        let done = deployment.updated_replicas == deployment.replicas
            && deployment.available_replicas == Some(i32::try_from(wanted).unwrap());
        if done && cluster.pod_names().await.len() == wanted {
            return;
        }
    }
    panic!("the deployment did not become available: {:?}", cluster.pod_names().await);
}

fn job(spec: Value) -> Value {
    let mut whole = json!({"template": {"spec": {
        "restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox"}]}}});
    for (key, value) in spec.as_object().unwrap() {
        whole[key] = value.clone();
    }
    json!({"metadata": {"name": "job"}, "spec": whole})
}

async fn end_pod(cluster: &Cluster, name: &str, code: i64) {
    let now = cluster.sim.clock().now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let terminated = json!({"exitCode": code, "reason": "x", "startedAt": now, "finishedAt": now});
    let phase = if code == 0 { "Succeeded" } else { "Failed" };
    let status = json!({"phase": phase, "containerStatuses": [{"name": "c", "image": "i", "imageID": "", "ready": false,
        "restartCount": 0, "state": {"terminated": terminated}}]});
    cluster.report(name, status).await;
}

async fn job_seen(cluster: &Cluster) -> Value {
    serde_json::to_value(cluster.api::<Job>().get("job").await.unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_pod_succeeds_is_complete_and_its_pod_stays() {
    let cluster = Cluster::start();
    cluster.node("n", json!([])).await;
    cluster.make::<Job>(job(json!({}))).await;
    settle().await;
    let names = cluster.pod_names().await;
    assert_eq!(names.len(), 1);
    let pod = cluster.seen(&names[0]).await;
    assert_eq!(pod["metadata"]["finalizers"], json!(["batch.kubernetes.io/job-tracking"]));
    assert_eq!(job_seen(&cluster).await["status"]["active"], 1);
    end_pod(&cluster, &names[0], 0).await;
    settle().await;
    let job = job_seen(&cluster).await;
    assert_eq!(job["status"]["succeeded"], 1);
    assert!(job["status"]["completionTime"].is_string());
    assert_eq!(condition(&job, "Complete")["reason"], "CompletionsReached");
    assert_eq!(
        cluster.seen(&names[0]).await["metadata"].get("finalizers").filter(|f| **f != json!([])),
        None
    );
    let said = cluster.events("job").await;
    assert_eq!(
        said,
        [format!("SuccessfulCreate: Created pod: {}", names[0]), "Completed: Job completed".to_owned()]
    );
}

#[tokio::test(start_paused = true)]
async fn a_job_that_fails_too_often_has_failed() {
    let cluster = Cluster::start();
    cluster.node("n", json!([])).await;
    cluster.make::<Job>(job(json!({"backoffLimit": 1}))).await;
    settle().await;
    let first = cluster.pod_names().await;
    end_pod(&cluster, &first[0], 1).await;
    pass(5).await;
    assert_eq!(cluster.pod_names().await.len(), 1);
    pass(10).await;
    let both = cluster.pod_names().await;
    assert_eq!(both.len(), 2);
    let second = both.iter().find(|name| **name != first[0]).unwrap();
    end_pod(&cluster, second, 1).await;
    settle().await;
    let job = job_seen(&cluster).await;
    assert_eq!(job["status"]["failed"], 2);
    let failed = condition(&job, "Failed");
    assert_eq!(failed["reason"], "BackoffLimitExceeded");
    assert_eq!(failed["message"], "Job has reached the specified backoff limit");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_works_too_long_is_stopped() {
    let cluster = Cluster::start();
    cluster.node("n", json!([])).await;
    cluster.make::<Job>(job(json!({"activeDeadlineSeconds": 30}))).await;
    settle().await;
    let names = cluster.pod_names().await;
    cluster.run(&names[0]).await;
    pass(31).await;
    let pod = cluster.seen(&names[0]).await;
    assert!(pod["metadata"]["deletionTimestamp"].is_string());
    end_pod(&cluster, &names[0], 137).await;
    settle().await;
    assert_eq!(condition(&job_seen(&cluster).await, "Failed")["reason"], "DeadlineExceeded");
}

#[tokio::test(start_paused = true)]
async fn a_finished_job_is_deleted_when_its_time_is_up() {
    let cluster = Cluster::start();
    cluster.node("n", json!([])).await;
    cluster.make::<Job>(job(json!({"ttlSecondsAfterFinished": 100}))).await;
    settle().await;
    let names = cluster.pod_names().await;
    end_pod(&cluster, &names[0], 0).await;
    pass(99).await;
    assert!(cluster.api::<Job>().get_opt("job").await.unwrap().is_some());
    pass(3).await;
    assert!(cluster.api::<Job>().get_opt("job").await.unwrap().is_none());
    assert_eq!(cluster.pod_names().await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_deleted_job_takes_its_unfinished_pod_along() {
    let cluster = Cluster::start();
    cluster.make::<Job>(job(json!({}))).await;
    settle().await;
    let delete = DeleteParams::background();
    cluster.api::<Job>().delete("job", &delete).await.unwrap();
    settle().await;
    assert_eq!(cluster.pod_names().await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_service_knows_the_pods_behind_it() {
    let cluster = Cluster::start();
    cluster.node("n", json!([])).await;
    let spec = json!({"selector": {"app": "p"}, "ports": [{"port": 80, "targetPort": 8080}]});
    cluster.make::<Service>(json!({"metadata": {"name": "web"}, "spec": spec})).await;
    cluster.pod("p", json!({})).await;
    settle().await;
    cluster.run("p").await;
    settle().await;
    let endpoints = serde_json::to_value(cluster.api::<Endpoints>().get("web").await.unwrap()).unwrap();
    assert_eq!(endpoints["subsets"][0]["addresses"][0]["ip"], "10.0.0.1");
    assert_eq!(endpoints["subsets"][0]["ports"][0]["port"], 8080);
    let slices = cluster
        .api::<EndpointSlice>()
        .list(&ListParams::default().labels("kubernetes.io/service-name=web"))
        .await;
    assert_eq!(slices.unwrap().items[0].endpoints[0].addresses, ["10.0.0.1"]);
    cluster.api::<Service>().delete("web", &DeleteParams::default()).await.unwrap();
    settle().await;
    assert!(cluster.api::<Endpoints>().get_opt("web").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn an_hour_in_which_nothing_happens_changes_nothing() {
    let cluster = Cluster::start();
    cluster.node("n", json!([])).await;
    let mut tolerant = json!({"tolerations": [{"operator": "Exists"}]});
    tolerant["terminationGracePeriodSeconds"] = json!(30);
    cluster.pod("p", tolerant).await;
    settle().await;
    cluster.run("p").await;
    pass(120).await;
    let before = cluster.sim.store().revision();
    pass(3600).await;
    assert_eq!(cluster.sim.store().revision(), before);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_names_the_same_pods() {
    let mut stories = Vec::new();
    for _ in 0..2 {
        let cluster = Cluster::start();
        let spec = json!({"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template("web", "nginx")});
        cluster.make::<Deployment>(json!({"metadata": {"name": "web"}, "spec": spec})).await;
        settle().await;
        stories.push((cluster.pod_names().await, cluster.events("web").await));
    }
    assert_eq!(stories[0], stories[1]);
    assert_eq!(stories[0].0.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_budget_stops_the_eviction_of_one_pod_too_many() {
    let cluster = Cluster::start();
    cluster.node("n", json!([])).await;
    for name in ["a", "b"] {
        let labels = json!({"name": name, "labels": {"app": "web"}});
        let spec = json!({"containers": [{"name": "c", "image": "i"}]});
        cluster.make::<Pod>(json!({"metadata": labels, "spec": spec})).await;
    }
    let spec = json!({"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}});
    cluster.make::<PodDisruptionBudget>(json!({"metadata": {"name": "web"}, "spec": spec})).await;
    settle().await;
    cluster.run("a").await;
    cluster.run("b").await;
    settle().await;
    cluster.pods().evict("a", &EvictParams::default()).await.unwrap();
    settle().await;
    let going = cluster.seen("a").await;
    assert_eq!(condition(&going, "DisruptionTarget")["reason"], "EvictionByEvictionAPI");
    assert!(going["metadata"]["deletionTimestamp"].is_string());
    let kube::Error::Api(status) = cluster.pods().evict("b", &EvictParams::default()).await.unwrap_err()
    else {
        panic!("it should be refused")
    };
    assert_eq!(
        (status.code, status.message.as_str()),
        (429, "Cannot evict pod as it would violate the pod's disruption budget.")
    );
}

#[tokio::test(start_paused = true)]
async fn pods_of_a_node_that_is_gone_are_removed_in_rounds_and_what_replaces_them_by_the_next() {
    let cluster = Cluster::start();
    let pod = json!({
        "metadata": { "labels": { "app": "web" } },
        "spec": { "nodeName": "gone", "containers": [{ "name": "main", "image": "nginx" }] }
    });
    let spec = json!({ "selector": { "matchLabels": { "app": "web" } }, "template": pod });
    cluster.make::<ReplicaSet>(json!({ "metadata": { "name": "web" }, "spec": spec })).await;
    settle().await;
    let first = cluster.pod_names().await;
    pass(39).await;
    assert_eq!(cluster.pod_names().await, first);
    pass(2).await;
    let second = cluster.pod_names().await;
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_ne!(first, second);
    pass(18).await;
    assert_eq!(cluster.pod_names().await, second);
    pass(2).await;
    assert_ne!(cluster.pod_names().await, second);
}

#[tokio::test(start_paused = true)]
async fn a_pod_made_on_a_node_that_is_silent_for_long_has_its_toleration_from_then_on() {
    let cluster = Cluster::start();
    cluster.node("n", json!([])).await;
    pass(600).await;
    cluster.pod("late", json!({ "nodeName": "n" })).await;
    pass(290).await;
    assert_eq!(cluster.seen("late").await["metadata"].get("deletionTimestamp"), None);
    pass(20).await;
    assert!(cluster.seen("late").await["metadata"]["deletionTimestamp"].is_string());
}

#[tokio::test(start_paused = true)]
async fn objects_that_own_each_other_can_be_deleted_in_the_foreground() {
    let cluster = Cluster::start();
    let maps: Api<ConfigMap> = cluster.api();
    for name in ["a", "b", "c"] {
        cluster.make::<ConfigMap>(json!({"metadata": {"name": name}})).await;
    }
    for (name, owner) in [("a", "c"), ("b", "a"), ("c", "b")] {
        let uid = maps.get(owner).await.unwrap().metadata.uid;
        let owners = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": uid, "blockOwnerDeletion": true}]);
        let patch = Patch::Merge(json!({"metadata": {"ownerReferences": owners}}));
        maps.patch(name, &PatchParams::default(), &patch).await.unwrap();
    }
    maps.delete("a", &DeleteParams::foreground()).await.unwrap();
    settle().await;
    let left = maps
        .list(&ListParams::default())
        .await
        .unwrap()
        .items
        .into_iter()
        .filter_map(|map| map.metadata.name);
    assert_eq!(left.collect::<Vec<_>>(), ["kube-root-ca.crt"]);
}
