//! The real programs. `cargo ci control-plane && cargo test -p control-plane -- --ignored`

#![allow(clippy::unwrap_used, reason = "a test says by a panic what went wrong")]

use std::path::Path;
use std::process::Command;

use control_plane::{Binaries, ControlPlane};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Node, Pod};
use kube::Client;
use kube::api::{Api, ListParams, PostParams};

async fn start() -> ControlPlane {
    let binaries = Binaries::find().unwrap_or_else(|error| panic!("{error}"));
    ControlPlane::start(&binaries).await.unwrap_or_else(|error| panic!("{error}"))
}

/// The processes on this machine that were started with a flag that names this folder.
fn processes_of(folder: &Path) -> Vec<String> {
    let folder = folder.display().to_string();
    let processes = std::fs::read_dir("/proc").expect("a Linux machine").filter_map(Result::ok);
    let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|l| l.contains(&folder))
        .collect()
}

#[tokio::test]
#[ignore = "needs a built control plane"]
async fn a_pod_is_taken_in_and_the_scheduler_says_why_it_does_not_run() {
    let plane = start().await;
    let client = plane.client().await.unwrap();
    let version = client.apiserver_version().await.unwrap();
    assert_eq!(version.git_version, control_plane::module::kubernetes_version());

    the_scheduler_says_why_a_pod_does_not_run(client).await;
}

/// The shortest case that needs all four programs.
async fn the_scheduler_says_why_a_pod_does_not_run(client: Client) {
    let pods: Api<Pod> = Api::default_namespaced(client);
    let pod = serde_json::from_value(serde_json::json!({
        "metadata": {"name": "nginx"},
        "spec": {"containers": [{"name": "nginx", "image": "nginx"}]},
    }));
    pods.create(&PostParams::default(), &pod.unwrap()).await.unwrap();
    let condition = |pod: &Pod| pod.status.as_ref()?.conditions.as_ref()?.first()?.reason.clone();
    let unschedulable = kube::runtime::wait::await_condition(pods, "nginx", |pod: Option<&Pod>| {
        pod.and_then(condition).as_deref() == Some("Unschedulable")
    });
    tokio::time::timeout(std::time::Duration::from_secs(60), unschedulable).await.unwrap().unwrap();
}

#[tokio::test]
#[ignore = "needs a built control plane"]
async fn nothing_is_left_after_many_starts_and_no_case_fails() {
    let starts = std::env::var("CONTROL_PLANE_STARTS").map_or(4, |text| text.parse().unwrap());
    for round in 1..=starts {
        let plane = start().await;
        let folder = plane.kubeconfig().parent().unwrap().to_owned();
        the_scheduler_says_why_a_pod_does_not_run(plane.client().await.unwrap()).await;
        assert_eq!(processes_of(&folder).len(), 12, "four programs, each with its shell and its watcher");
        plane.end();
        assert_eq!(processes_of(&folder), Vec::<String>::new(), "after round {round}");
        assert!(!folder.exists(), "{} is left after round {round}", folder.display());
    }
}

#[tokio::test]
#[ignore = "needs a built control plane"]
async fn two_live_beside_each_other() {
    let (left, right) = tokio::join!(start(), start());
    for plane in [&left, &right] {
        let spaces: Api<Namespace> = Api::all(plane.client().await.unwrap());
        let space = serde_json::from_value(serde_json::json!({"metadata": {"name": "alone"}})).unwrap();
        spaces.create(&PostParams::default(), &space).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs a built control plane"]
async fn another_user_has_only_the_rights_that_are_given() {
    let plane = start().await;
    let text = plane.kubeconfig_of("system:node:virtual-kubelet", Some("system:nodes")).unwrap();
    let file = plane.kubeconfig().with_file_name("node.kubeconfig");
    std::fs::write(&file, text).unwrap();
    let read = kube::config::Kubeconfig::read_from(&file).unwrap();
    let config = kube::Config::from_custom_kubeconfig(read, &Default::default()).await.unwrap();
    let client = kube::Client::try_from(config).unwrap();
    let nodes: Api<Node> = Api::all(client.clone());
    assert!(nodes.get_opt("virtual-kubelet").await.unwrap().is_none(), "it may ask for its own");
    let maps: Api<ConfigMap> = Api::all(client);
    let refused = maps.list(&ListParams::default()).await.unwrap_err();
    assert!(refused.to_string().contains("forbidden"), "{refused}");

    let asked = plane.requests_of("system:node:virtual-kubelet");
    let seen: Vec<_> = asked.iter().map(|a| (a.verb.as_str(), a.resource.as_str(), a.code)).collect();
    assert_eq!(seen, [("get", "nodes", 404), ("list", "configmaps", 403)]);
}

/// Plays the parent in the test below, in a process of its own.
#[tokio::test]
#[ignore = "a part of the test below"]
async fn stays_until_it_is_killed() {
    if let Some(file) = std::env::var_os("CONTROL_PLANE_FOLDER_INTO") {
        let plane = start().await;
        std::fs::write(file, plane.kubeconfig().parent().unwrap().display().to_string()).unwrap();
        std::future::pending::<()>().await;
    }
}

#[tokio::test]
#[ignore = "needs a built control plane"]
async fn the_programs_do_not_outlive_a_killed_parent() {
    let told = tempfile::NamedTempFile::new().unwrap();
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["real::stays_until_it_is_killed", "--exact", "--ignored"])
        .env("CONTROL_PLANE_FOLDER_INTO", told.path())
        .spawn()
        .unwrap();
    let glance = std::time::Duration::from_millis(50);
    let folder = loop {
        assert!(parent.try_wait().unwrap().is_none(), "the parent ended by itself");
        let text = std::fs::read_to_string(told.path()).unwrap();
        if !text.is_empty() {
            break text;
        }
        tokio::time::sleep(glance).await;
    };
    assert!(!processes_of(Path::new(&folder)).is_empty());
    parent.kill().unwrap();
    parent.wait().unwrap();
    let gone = async {
        while !processes_of(Path::new(&folder)).is_empty() {
            tokio::time::sleep(glance).await;
        }
    };
    let in_time = tokio::time::timeout(std::time::Duration::from_secs(10), gone).await;
    assert!(in_time.is_ok(), "still there: {:#?}", processes_of(Path::new(&folder)));
    std::fs::remove_dir_all(folder).unwrap();
}
