//! `metadata.managedFields` through the API: every write notes its manager, and server-side apply goes by them.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use crate::cluster::{Cluster, pass, read, settle};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

fn of<T: serde::Serialize>(object: &T) -> Value {
    serde_json::to_value(object).unwrap()
}

/// Manager, operation, subresource and fields of each entry.
fn managers<T: serde::Serialize>(object: &T) -> Vec<(String, String, String, Value)> {
    let object = of(object);
    let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let word = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let said = |entry: Value| {
        assert_eq!(entry["fieldsType"], "FieldsV1");
        let words = (word(&entry, "manager"), word(&entry, "operation"), word(&entry, "subresource"));
        (words.0, words.1, words.2, entry["fieldsV1"].clone())
    };
    entries.into_iter().map(said).collect()
}

fn names<T: serde::Serialize>(object: &T) -> Vec<String> {
    let said =
        |(manager, operation, below, _)| format!("{manager} {operation} {below}").trim_end().to_owned();
    managers(object).into_iter().map(said).collect()
}

fn by(manager: &str) -> PatchParams {
    PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() }
}

fn applied(data: Value) -> Patch<Value> {
    Patch::Apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data}))
}

fn deployment() -> Value {
    json!({"metadata": {"name": "web", "labels": {"app": "web"}}, "spec": {"replicas": 1,
        "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "c", "image": "nginx", "ports": [{"containerPort": 80}]}]}}}})
}

#[tokio::test(start_paused = true)]
async fn a_new_deployment_is_its_creators_with_its_defaults_and_nothing_that_admission_added() {
    let cluster = Cluster::start();
    let api: Api<Deployment> = cluster.api();
    let params = PostParams { field_manager: Some("kubectl-create".to_owned()), ..PostParams::default() };
    let made = api.create(&params, &read(deployment())).await.unwrap();
    let port = "k:{\"containerPort\":80,\"protocol\":\"TCP\"}";
    let container = json!({".": {}, "f:image": {}, "f:imagePullPolicy": {}, "f:name": {},
        "f:ports": {".": {}, port: {".": {}, "f:containerPort": {}, "f:protocol": {}}}, "f:resources": {},
        "f:terminationMessagePath": {}, "f:terminationMessagePolicy": {}});
    let wanted = json!({"f:metadata": {"f:labels": {".": {}, "f:app": {}}}, "f:spec": {
        "f:progressDeadlineSeconds": {}, "f:replicas": {}, "f:revisionHistoryLimit": {}, "f:selector": {},
        "f:strategy": {"f:rollingUpdate": {".": {}, "f:maxSurge": {}, "f:maxUnavailable": {}}, "f:type": {}},
        "f:template": {"f:metadata": {"f:labels": {".": {}, "f:app": {}}}, "f:spec": {
            "f:containers": {"k:{\"name\":\"c\"}": container}, "f:dnsPolicy": {}, "f:restartPolicy": {},
            "f:schedulerName": {}, "f:securityContext": {}, "f:terminationGracePeriodSeconds": {}}}}});
    assert_eq!(managers(&made)[0], ("kubectl-create".to_owned(), "Update".to_owned(), String::new(), wanted));
    settle().await;
    let pod = cluster.pods().list(&ListParams::default()).await.unwrap().items.remove(0);
    let (manager, _, _, fields) = managers(&pod).remove(0);
    assert_eq!(manager, "kube-controller-manager");
    let spec = fields["f:spec"].as_object().unwrap();
    let by_admission = ["f:serviceAccountName", "f:tolerations", "f:volumes", "f:priority"];
    assert!(by_admission.iter().all(|field| !spec.contains_key(*field)), "{spec:?}");
    let owner = format!("k:{{\"uid\":\"{}\"}}", pod.metadata.owner_references.as_ref().unwrap()[0].uid);
    assert_eq!(fields["f:metadata"]["f:ownerReferences"], json!({".": {}, owner: {}}));
}

#[tokio::test(start_paused = true)]
async fn what_the_server_fills_in_is_nobodys_and_who_says_no_name_is_unknown() {
    let cluster = Cluster::start();
    let container = json!({"name": "c", "image": "i"});
    let template = json!({"spec": {"restartPolicy": "Never", "containers": [container]}});
    let job: Job = cluster.make(json!({"metadata": {"name": "j"}, "spec": {"template": template}})).await;
    assert_eq!(job.metadata.labels.as_ref().map(|labels| labels.len()), Some(4));
    let (manager, _, _, fields) = managers(&job).remove(0);
    assert_eq!(manager, "unknown");
    assert_eq!(fields.get("f:metadata"), None);
    assert_eq!(fields["f:spec"]["f:template"].get("f:metadata"), None);
    let web: Deployment = cluster.make(deployment()).await;
    settle().await;
    let api: Api<Deployment> = cluster.api();
    api.patch_scale("web", &by("scaler"), &Patch::Merge(json!({"spec": {"replicas": 2}}))).await.unwrap();
    settle().await;
    let web = of(&api.get(&web.metadata.name.unwrap()).await.unwrap());
    let entries = web["metadata"]["managedFields"].as_array().unwrap();
    let of_manager = |name: &str| entries.iter().find(|entry| entry["manager"] == name).unwrap();
    assert_eq!(of_manager("scaler").get("time"), None, "a scale has no time");
    // The controller writes the revision along with the status.
    let annotations = &of_manager("kube-controller-manager")["fieldsV1"]["f:metadata"]["f:annotations"];
    assert_eq!(*annotations, json!({".": {}, "f:deployment.kubernetes.io/revision": {}}));
    assert_eq!(of_manager("kube-controller-manager")["subresource"], "status");
}

#[tokio::test(start_paused = true)]
async fn each_way_to_write_notes_its_manager_and_subresource_at_the_clocks_time() {
    let cluster = Cluster::start();
    let api: Api<Deployment> = cluster.api();
    let params = PostParams { field_manager: Some("creator".to_owned()), ..PostParams::default() };
    api.create(&params, &read(deployment())).await.unwrap();
    pass(60).await;
    let label = |value: &str| json!({"metadata": {"labels": {"by": value}}});
    api.patch("web", &by("merger"), &Patch::Merge(label("merge"))).await.unwrap();
    pass(60).await;
    api.patch("web", &by("strategist"), &Patch::Strategic(label("strategy"))).await.unwrap();
    let operations = json!([{"op": "add", "path": "/metadata/annotations/a", "value": "b"}]);
    let operations = serde_json::from_value(operations).unwrap();
    api.patch("web", &by("annotator"), &Patch::Json::<()>(operations)).await.unwrap();
    let scale = Patch::Merge(json!({"spec": {"replicas": 0}}));
    api.patch_scale("web", &by("scaler"), &scale).await.unwrap();
    let status = Patch::Merge(json!({"status": {"collisionCount": 1}}));
    api.patch_status("web", &by("reporter"), &status).await.unwrap();
    let mut seen = api.get("web").await.unwrap();
    seen.spec.as_mut().unwrap().paused = Some(true);
    let updater = PostParams { field_manager: Some("updater".to_owned()), ..PostParams::default() };
    let seen = api.replace("web", &updater, &seen).await.unwrap();
    let mut told = names(&seen);
    told.retain(|name| !name.starts_with("kube-controller-manager"));
    assert_eq!(
        told,
        [
            "scaler Update scale",
            "creator Update",
            "annotator Update",
            "reporter Update status",
            "strategist Update",
            "updater Update"
        ]
    );
    let all = managers(&seen);
    let fields = |name: &str| all.iter().find(|entry| entry.0 == name).unwrap().3.clone();
    assert_eq!(fields("strategist"), json!({"f:metadata": {"f:labels": {"f:by": {}}}}));
    assert_eq!(fields("scaler"), json!({"f:spec": {"f:replicas": {}}}));
    assert_eq!(fields("updater"), json!({"f:spec": {"f:paused": {}}}));
    assert!(fields("creator")["f:spec"].get("f:replicas").is_none());
    let times = of(&seen)["metadata"]["managedFields"].clone();
    let time =
        |name: &str| times.as_array().unwrap().iter().find(|e| e["manager"] == name).unwrap()["time"].clone();
    assert_eq!(
        (time("creator"), time("strategist")),
        (json!("2026-01-05T01:00:00Z"), json!("2026-01-05T01:02:00Z"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_status_that_changes_keeps_one_entry_and_moves_its_time() {
    let cluster = Cluster::start();
    cluster.pod("p", json!({})).await;
    settle().await;
    cluster.run("p").await;
    pass(60).await;
    cluster.report("p", json!({"message": "all is well"})).await;
    let pod: Pod = cluster.pods().get("p").await.unwrap();
    let entries = managers(&pod);
    // The scheduler tells that there is no node.
    let own = |entry: &&(String, String, String, Value)| entry.2 == "status" && entry.0 != "kube-scheduler";
    let status: Vec<_> = entries.iter().filter(own).collect();
    assert_eq!(status.len(), 1, "{entries:?}");
    let ips = &status[0].3["f:status"]["f:podIPs"];
    assert_eq!(*ips, json!({".": {}, "k:{\"ip\":\"10.0.0.1\"}": {".": {}, "f:ip": {}}}));
    let time = of(&pod)["metadata"]["managedFields"][2]["time"].clone();
    assert_eq!(time, "2026-01-05T01:01:00Z");
}

#[tokio::test(start_paused = true)]
async fn what_others_changed_is_a_conflict_until_it_is_taken_by_force() {
    let cluster = Cluster::start();
    let api: Api<ConfigMap> = cluster.api();
    let mine = by("mine");
    let made = api.patch("c", &mine, &applied(json!({"a": "1", "b": "1"}))).await.unwrap();
    assert_eq!(names(&made), ["mine Apply"]);
    api.patch("c", &by("kubectl-edit"), &Patch::Merge(json!({"data": {"a": "2"}}))).await.unwrap();
    let refused = api.patch("c", &mine, &applied(json!({"a": "3", "b": "1"}))).await.unwrap_err();
    let kube::Error::Api(refused) = refused else { panic!("{refused}") };
    assert_eq!(refused.code, 409);
    assert_eq!(
        refused.message,
        "Apply failed with 1 conflict: conflict with \"kubectl-edit\" using v1: .data.a"
    );
    let taken = api.patch("c", &mine.clone().force(), &applied(json!({"a": "3", "b": "1"}))).await.unwrap();
    assert_eq!(names(&taken), ["mine Apply"]);
    let shared = api.patch("c", &by("other"), &applied(json!({"b": "1", "c": "1"}))).await.unwrap();
    assert_eq!(names(&shared), ["mine Apply", "other Apply"]);
    let labelled = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"labels": {"a": "b"}}});
    api.patch("c", &by("labels"), &Patch::Apply(labelled)).await.unwrap();
    let bare = Patch::Apply(json!({"apiVersion": "v1", "kind": "ConfigMap"}));
    let bare = api.patch("c", &by("labels"), &bare).await.unwrap();
    assert_eq!((&bare.metadata.labels, bare.metadata.name.as_deref()), (&None, Some("c")));
    // What nobody wants any more goes, and what another still wants stays.
    let less = api.patch("c", &mine, &applied(json!({"a": "3"}))).await.unwrap();
    assert_eq!(of(&less)["data"], json!({"a": "3", "b": "1", "c": "1"}));
    let least = api.patch("c", &by("other"), &applied(json!({"c": "1"}))).await.unwrap();
    assert_eq!(of(&least)["data"], json!({"a": "3", "c": "1"}));
}

#[tokio::test(start_paused = true)]
async fn an_item_that_is_no_longer_applied_goes_unless_somebody_else_has_a_part_of_it() {
    let cluster = Cluster::start();
    let api: Api<Deployment> = cluster.api();
    let with = |containers: Value| {
        let mut wanted = deployment();
        wanted["apiVersion"] = "apps/v1".into();
        wanted["kind"] = "Deployment".into();
        wanted["spec"]["template"]["spec"]["containers"] = containers;
        Patch::Apply(wanted)
    };
    let (main, side) = (json!({"name": "c", "image": "nginx"}), json!({"name": "s", "image": "side"}));
    api.patch("web", &by("mine"), &with(json!([main, side]))).await.unwrap();
    let image = json!({"spec": {"template": {"spec": {"containers": [{"name": "s", "image": "other"}]}}}});
    api.patch("web", &by("kubectl-set"), &Patch::Strategic(image)).await.unwrap();
    let next = api.patch("web", &by("mine"), &with(json!([main]))).await.unwrap();
    let containers = of(&next)["spec"]["template"]["spec"]["containers"].clone();
    assert_eq!(
        (&containers[0]["name"], &containers[1]["name"], &containers[1]["image"]),
        (&json!("c"), &json!("s"), &json!("other"))
    );
    api.patch("web", &by("mine").force(), &with(json!([main, side]))).await.unwrap();
    let next = api.patch("web", &by("mine"), &with(json!([main]))).await.unwrap();
    assert_eq!(of(&next)["spec"]["template"]["spec"]["containers"].as_array().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn managers_that_were_reset_come_back_with_the_next_apply() {
    let cluster = Cluster::start();
    let api: Api<ConfigMap> = cluster.api();
    api.create(&PostParams::default(), &read(json!({"metadata": {"name": "c"}, "data": {"a": "1"}})))
        .await
        .unwrap();
    let managed = |entries: Value| Patch::Merge(json!({"metadata": {"managedFields": entries}}));
    let kept = api.patch("c", &by("x"), &managed(Value::Null)).await.unwrap();
    assert_eq!(names(&kept).len(), 1);
    let reset = api.patch("c", &by("x"), &managed(json!([{}]))).await.unwrap();
    assert_eq!(names(&reset), Vec::<String>::new());
    let changed = api.patch("c", &by("x"), &Patch::Merge(json!({"data": {"b": "1"}}))).await.unwrap();
    assert_eq!(names(&changed), Vec::<String>::new());
    let back = api.patch("c", &by("x"), &applied(json!({"c": "1"}))).await.unwrap();
    assert_eq!(names(&back), ["x Apply", "before-first-apply Update"]);
    let operations = json!([{"op": "remove", "path": "/metadata/managedFields/1"}]);
    let operations = serde_json::from_value(operations).unwrap();
    let less = api.patch("c", &by("x"), &Patch::Json::<()>(operations)).await.unwrap();
    assert_eq!(names(&less), ["x Apply"]);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_changes_nothing_changes_no_manager_and_no_version() {
    let cluster = Cluster::start();
    let api: Api<ConfigMap> = cluster.api();
    let made = api.patch("c", &by("mine"), &applied(json!({"a": "1"}))).await.unwrap();
    pass(60).await;
    for again in [
        api.patch("c", &by("mine"), &applied(json!({"a": "1"}))).await.unwrap(),
        api.patch("c", &by("other"), &Patch::Merge(json!({"data": {"a": "1"}}))).await.unwrap(),
        api.replace("c", &PostParams::default(), &made).await.unwrap(),
    ] {
        assert_eq!(of(&again), of(&made));
    }
}
