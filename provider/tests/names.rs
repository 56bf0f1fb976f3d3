//! The DNS of pods on the virtual node: the cluster's own, wherever it is.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use crate::test_bed::TestBed;
use eci_api::actions::describe_container_groups::DescribeContainerGroups;
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::PostParams;
use serde_json::json;

/// The servers that the cloud was told for the pod's group.
fn servers(bed: &TestBed, group: &str) -> Vec<String> {
    let groups = bed.sim.act(&DescribeContainerGroups::default()).unwrap().container_groups;
    let found = groups.into_iter().find(|found| found.container_group_name == group).unwrap();
    found.dns_config.map(|config| config.name_servers).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn the_cluster_s_dns_is_found_by_its_label() {
    let bed = TestBed::start().await;
    let services: Api<Service> = Api::namespaced(bed.kube.clone(), "kube-system");
    let service = json!({
        "metadata": { "name": "any-name", "labels": { "k8s-app": "kube-dns" } },
        "spec": { "clusterIP": "10.96.0.10", "ports": [{ "port": 53, "protocol": "UDP" }] }
    });
    services.create(&PostParams::default(), &serde_json::from_value(service).unwrap()).await.unwrap();
    bed.running("web").await;
    assert_eq!(servers(&bed, "default-web"), ["10.96.0.10"]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_wants_other_names_is_left_alone() {
    let bed = TestBed::start().await;
    let own = json!({ "dnsPolicy": "None", "dnsConfig": { "nameservers": ["1.1.1.1"] } });
    bed.create("web", own).await;
    bed.until_phase("web", "Running").await;
    assert_eq!(servers(&bed, "default-web"), ["1.1.1.1"]);
}
