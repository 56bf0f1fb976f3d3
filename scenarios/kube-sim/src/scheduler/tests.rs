//! Tests of scheduling: the chosen node, and the messages for pods that fit nowhere.

use determinism::Seed;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::candidate::Cluster;
use super::fit_error::FitError;
use super::schedule;

fn node(name: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut node = json!({
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "spec": {},
        "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "10"}},
    });
    change(&mut node);
    node
}

fn pod(name: &str, spec: Value) -> Value {
    json!({"metadata": {"name": name, "namespace": "default", "labels": {"app": name}}, "spec": spec})
}

fn asks(cpu: &str) -> Value {
    json!({"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]})
}

fn on(node: &str, mut pod: Value) -> Value {
    pod["spec"]["nodeName"] = json!(node);
    pod
}

fn tainted(key: &str, effect: &str) -> impl FnOnce(&mut Value) {
    let taint = json!([{"key": key, "effect": effect}]);
    move |node| node["spec"]["taints"] = taint
}

fn placed(pod: &Value, nodes: &[Value], pods: &[Value]) -> Result<String, FitError> {
    let cluster = Cluster::new(nodes, pods, &[]);
    schedule(pod, &cluster, |_, _| false, &mut Seed::DEFAULT.chance("scheduler"))
}

const HELPLESS: &str = "no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not \
                        helpful for scheduling.";
const NO_VICTIMS: &str = "no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption \
                          victims found for incoming pod.";

#[test]
fn a_pod_that_fits_nowhere_is_told_why_in_the_schedulers_words() {
    let plain = || node("n", |_| {});
    let busy = on("n", pod("other", json!({"containers": [{"ports": [{"hostPort": 80}]}]})));
    let want_port = json!({"containers": [{"ports": [{"hostPort": 80, "protocol": "TCP"}]}]});
    let apart = |app: &str| {
        json!({"affinity": {"podAntiAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": app}}}]}}})
    };
    let near = |app: &str| {
        json!({"affinity": {"podAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": app}}}]}}})
    };
    let spread = |key: &str| {
        json!({"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": key,
        "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}]})
    };
    let by_name = json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchFields": [
            {"key": "metadata.name", "operator": "In", "values": ["elsewhere"]}]}]}}}});
    let full = node("n", |n| n["status"]["allocatable"]["pods"] = json!("0"));
    for (spec, node, pods, reason, then) in [
        (
            json!({}),
            node("n", |n| n["spec"]["unschedulable"] = json!(true)),
            vec![],
            "node(s) were unschedulable",
            HELPLESS,
        ),
        (
            json!({}),
            node("n", tainted("virtual-kubelet.io/provider", "NoSchedule")),
            vec![],
            "node(s) had untolerated taint(s)",
            HELPLESS,
        ),
        (
            json!({}),
            node("n", tainted("x", "NoExecute")),
            vec![],
            "node(s) had untolerated taint(s)",
            HELPLESS,
        ),
        (
            json!({"nodeSelector": {"type": "virtual-kubelet"}}),
            plain(),
            vec![],
            "node(s) didn't match Pod's node affinity/selector",
            HELPLESS,
        ),
        (by_name, plain(), vec![], "node(s) didn't satisfy plugin(s) [NodeAffinity]", HELPLESS),
        (
            want_port,
            plain(),
            vec![busy],
            "node(s) didn't have free ports for the requested pod ports",
            NO_VICTIMS,
        ),
        (asks("5"), plain(), vec![], "Insufficient cpu", HELPLESS),
        (asks("2"), plain(), vec![on("n", pod("other", asks("3")))], "Insufficient cpu", NO_VICTIMS),
        (json!({}), full, vec![], "Too many pods", NO_VICTIMS),
        (
            json!({"containers": [{"resources": {"requests": {"nvidia.com/gpu": "1"}}}]}),
            plain(),
            vec![],
            "Insufficient nvidia.com/gpu",
            HELPLESS,
        ),
        (
            spread("zone"),
            plain(),
            vec![],
            "node(s) didn't match pod topology spread constraints (missing required label)",
            HELPLESS,
        ),
        (near("other"), plain(), vec![], "node(s) didn't match pod affinity rules", HELPLESS),
        (
            apart("other"),
            plain(),
            vec![on("n", pod("other", json!({})))],
            "node(s) didn't match pod anti-affinity rules",
            NO_VICTIMS,
        ),
        (
            json!({}),
            plain(),
            vec![on("n", pod("other", apart("p")))],
            "node(s) didn't satisfy existing pods anti-affinity rules",
            NO_VICTIMS,
        ),
    ] {
        let wanted = format!("0/1 nodes are available: 1 {reason}. {then}");
        assert_eq!(placed(&pod("p", spec), &[node], &pods).unwrap_err().to_string(), wanted);
    }
}

#[test]
fn without_nodes_the_scheduler_says_so() {
    let error = placed(&pod("p", json!({})), &[], &[]).unwrap_err();
    assert_eq!(error.to_string(), "no nodes available to schedule pods");
}

#[test]
fn a_pod_whose_claim_is_missing_fits_nowhere() {
    let spec = json!({"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]});
    let said = placed(&pod("p", spec), &[node("n", |_| {})], &[]).unwrap_err().to_string();
    assert!(said.starts_with("0/1 nodes are available: persistentvolumeclaim \"data\" not found."), "{said}");
}

#[test]
fn reasons_are_counted_and_sorted_as_strings() {
    let nodes = [
        node("a", tainted("x", "NoSchedule")),
        node("b", tainted("x", "NoSchedule")),
        node("c", |n| n["spec"]["unschedulable"] = json!(true)),
        node("d", |n| n["status"]["allocatable"] = json!({"pods": "0"})),
    ];
    assert_eq!(
        placed(&pod("p", asks("1")), &nodes, &[]).unwrap_err().to_string(),
        "0/4 nodes are available: 1 Insufficient cpu, 1 Too many pods, 1 node(s) were unschedulable, \
         2 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/4 nodes are available: \
         4 Preemption is not helpful for scheduling."
    );
}

#[test]
fn a_pod_that_may_not_preempt_is_told_so() {
    let pod = pod(
        "p",
        json!({"preemptionPolicy": "Never", "containers": [
        {"resources": {"requests": {"cpu": "5"}}}]}),
    );
    let said = placed(&pod, &[node("n", |_| {})], &[]).unwrap_err().to_string();
    assert!(said.ends_with("preemption: not eligible due to preemptionPolicy=Never."), "{said}");
}

#[test]
fn what_tolerates_everything_lands_on_a_tainted_cordoned_node() {
    let node = node("virtual-kubelet", |n| {
        n["spec"] = json!({"unschedulable": true, "taints": [
            {"key": "virtual-kubelet.io/provider", "value": "alibabacloud", "effect": "NoSchedule"}]});
    });
    let pod = pod("p", json!({"tolerations": [{"operator": "Exists"}]}));
    assert_eq!(placed(&pod, &[node], &[]), Ok("virtual-kubelet".to_owned()));
}

#[test]
fn of_two_fitting_nodes_the_better_one_is_taken() {
    let prefers = |weight: i64| {
        json!({"affinity": {"nodeAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": weight, "preference": {"matchExpressions": [
            {"key": "kubernetes.io/hostname", "operator": "In", "values": ["b"]}]}}]}}})
    };
    let beside = json!({"affinity": {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
        {"weight": 1, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname",
         "labelSelector": {"matchLabels": {"app": "friend"}}}}]}}});
    let plain = |name| node(name, |_| {});
    let hog = on("a", pod("hog", asks("3")));
    let friend = on("b", pod("friend", json!({})));
    for (why, spec, a, others) in [
        (
            "the other has a taint one would rather avoid",
            json!({}),
            node("a", tainted("x", "PreferNoSchedule")),
            vec![],
        ),
        ("it is preferred", prefers(50), plain("a"), vec![]),
        ("it is emptier", asks("1"), plain("a"), vec![hog]),
        ("a friend is there", beside, plain("a"), vec![friend]),
    ] {
        assert_eq!(placed(&pod("p", spec), &[a, plain("b")], &others), Ok("b".to_owned()), "{why}");
    }
}

#[test]
fn a_pod_may_start_the_crowd_that_it_wants_to_join() {
    let near_itself = json!({"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "p"}}}]}}});
    assert_eq!(placed(&pod("p", near_itself), &[node("n", |_| {})], &[]), Ok("n".to_owned()));
}

#[test]
fn pods_that_are_over_hold_no_room() {
    let mut done = on("n", pod("done", asks("4")));
    done["status"] = json!({"phase": "Succeeded"});
    assert_eq!(placed(&pod("p", asks("4")), &[node("n", |_| {})], &[done]), Ok("n".to_owned()));
}

#[test]
fn a_required_spread_fills_the_emptier_zone() {
    let zone = |name: &str, zone: &str| {
        let zone = json!(zone);
        node(name, move |n| n["metadata"]["labels"]["zone"] = zone)
    };
    let spec = json!({"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone",
        "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "p"}}}]});
    let there = on("a", pod("p", spec.clone()));
    assert_eq!(placed(&pod("p", spec), &[zone("a", "1"), zone("b", "2")], &[there]), Ok("b".to_owned()));
}

proptest! {
    #[test]
    fn a_placed_pod_always_fits_where_it_is_put(
        rooms in prop::collection::vec(0u32..8, 1..6),
        held in prop::collection::vec((0usize..6, 0u32..4), 0..12),
        wanted in 1u32..8,
    ) {
        let nodes: Vec<_> = rooms.iter().enumerate().map(|(i, cpu)| {
            node(&format!("n{i}"), |n| n["status"]["allocatable"]["cpu"] = json!(cpu.to_string()))
        }).collect();
        let pods: Vec<_> = held.iter().enumerate().map(|(i, (at, cpu))| {
            on(&format!("n{at}"), pod(&format!("p{i}"), asks(&cpu.to_string())))
        }).collect();
        let free = |i: usize| i64::from(rooms[i])
            - held.iter().filter(|(at, _)| *at == i).map(|(_, cpu)| i64::from(*cpu)).sum::<i64>();
        let crowded = |i: usize| held.iter().filter(|(at, _)| *at == i).count() >= 10;
        let fits = |i: usize| free(i) >= i64::from(wanted) && !crowded(i);
        match placed(&pod("new", asks(&wanted.to_string())), &nodes, &pods) {
            Ok(chosen) => {
                let i: usize = chosen[1..].parse().unwrap();
                prop_assert!(fits(i), "{chosen} has {} free", free(i));
            }
            Err(_) => prop_assert!(!(0..rooms.len()).any(fits)),
        }
    }
}
