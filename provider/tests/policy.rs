//! The operator's policy and named namespaces, seen in a cluster: what is refused, what waits, and what is told.

use std::sync::Arc;

use crate::test_bed::TestBed;
use determinism::Seed;
use http::Request;
use http_body_util::BodyExt as _;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::Api;
use kube::api::PostParams;
use provider::policy::Policy;
use provider::{Config, Provider};
use serde_json::json;

async fn bed(config: impl FnOnce(&mut Config)) -> TestBed {
    let mut bed = TestBed::without_provider().await;
    let mut whole = Config::new("vsw-1", "sg-1");
    config(&mut whole);
    let (kube, eci, clock) = (bed.kube.clone(), bed.eci("local-secret"), bed.clock.clone());
    bed.run(Arc::new(Provider::new(whole, kube, eci, clock, Seed::DEFAULT)));
    bed.until("the node is ready", async |bed| bed.node_condition("Ready").await == "True").await;
    bed
}

async fn under(policy: &str) -> TestBed {
    bed(|config| config.policy = Policy::parse(policy).expect("the policy of the test is one")).await
}

fn annotated(namespace: &str, name: &str, annotations: serde_json::Value) -> Pod {
    let pod = json!({
        "metadata": { "name": name, "namespace": namespace, "annotations": annotations },
        "spec": { "nodeName": "virtual-kubelet", "containers": [{ "name": "main", "image": "nginx" }] }
    });
    serde_json::from_value(pod).expect("the pod of the test is one")
}

#[tokio::test(start_paused = true)]
async fn a_ram_role_that_is_not_listed_is_refused_by_name_and_nothing_is_bought() {
    let bed = under(r#"{ "namespaces": { "default": { "ramRoles": ["reader"] } } }"#).await;
    for (name, role) in [("good", "reader"), ("bad", "admin")] {
        let pod = annotated("default", name, json!({ "k8s.aliyun.com/eci-ram-role-name": role }));
        bed.pods().create(&PostParams::default(), &pod).await.unwrap();
    }
    bed.until_phase("good", "Running").await;
    let status = bed.until_phase("bad", "Failed").await.status.unwrap();
    assert_eq!(status.reason.as_deref(), Some("UnexpectedAdmissionError"));
    let said = status.message.unwrap();
    assert!(said.contains("`admin`") && said.contains("namespaces.default.ramRoles"), "{said}");
    let roles: Vec<_> = bed.groups().into_iter().map(|group| group.ram_role_name).collect();
    assert_eq!(roles, ["reader"]);
}

#[tokio::test(start_paused = true)]
async fn of_many_pods_at_once_only_those_below_the_limit_run_and_the_others_follow() {
    let bed = under(r#"{ "default": { "limits": { "instances": 3 } } }"#).await;
    for number in 0..8 {
        bed.create(&format!("p{number}"), json!({})).await;
    }
    let running = async |bed: &TestBed| {
        let pods = bed.pods().list(&Default::default()).await.unwrap().items;
        let phase = |pod: &Pod| pod.status.as_ref().and_then(|status| status.phase.clone());
        let running = pods.iter().filter(|pod| phase(pod).as_deref() == Some("Running"));
        running.filter_map(|pod| pod.metadata.name.clone()).collect::<Vec<_>>()
    };
    bed.until("three run", async |bed| running(bed).await.len() == 3).await;
    bed.pass(200).await;
    assert_eq!((running(&bed).await.len(), bed.groups().len()), (3, 3));
    let waits = (0..8).map(|number| format!("p{number}"));
    let running_now = running(&bed).await;
    let waits: Vec<_> = waits.filter(|name| !running_now.contains(name)).collect();
    let told = bed.events(&waits[0]).await;
    let told: Vec<_> = told.iter().filter(|(reason, _)| reason == "PolicyLimit").collect();
    assert!(told[0].1.contains("default.limits.instances"), "{told:?}");
    assert_eq!(told.len(), 1, "the same words each time are one event");
    bed.delete(&running_now[0], None).await;
    bed.until_gone(&running_now[0]).await;
    bed.until("another one runs", async |bed| running(bed).await.len() == 3).await;
    assert_eq!(bed.groups().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn pods_of_named_namespaces_run_and_one_from_elsewhere_stays_pending_and_is_told_of_once() {
    let bed = bed(|config| config.namespaces = vec!["web".into(), "ci".into()]).await;
    for namespace in ["web", "ci", "other"] {
        let object =
            serde_json::from_value::<Namespace>(json!({ "metadata": { "name": namespace } })).unwrap();
        Api::<Namespace>::all(bed.kube.clone()).create(&PostParams::default(), &object).await.unwrap();
    }
    let pods = |namespace: &str| Api::<Pod>::namespaced(bed.kube.clone(), namespace);
    for namespace in ["web", "ci", "other"] {
        let pod = annotated(namespace, "p", json!({}));
        bed.until("a pod is taken", async |_| {
            pods(namespace).create(&PostParams::default(), &pod).await.is_ok()
        })
        .await;
    }
    let phase = async |namespace: &str| {
        pods(namespace).get("p").await.unwrap().status.and_then(|status| status.phase)
    };
    for namespace in ["web", "ci"] {
        bed.until("it runs", async |_| phase(namespace).await.as_deref() == Some("Running")).await;
    }
    bed.pass(120).await;
    assert_eq!(phase("other").await.as_deref(), Some("Pending"));
    assert_eq!(bed.groups().len(), 2);
    for _ in 0..3 {
        let request = Request::get("/containerLogs/other/p/main").body(Default::default()).unwrap();
        let answer = bed.provider.as_ref().unwrap().kubelet_api().call(request).await;
        assert_eq!(answer.status(), 403);
        let said = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(String::from_utf8_lossy(&said).contains("no pods of namespace `other`"), "{said:?}");
    }
    bed.pass(10).await;
    let told = bed.node_events().await;
    assert_eq!(told.iter().filter(|(reason, _)| reason == "NamespaceNotServed").count(), 1, "{told:?}");
}
