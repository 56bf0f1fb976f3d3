//! Tests of who is sent, how, and that nothing a user asked for is lost.

use proptest::prelude::*;

use super::*;

fn pod(spec: Value) -> Pod {
    serde_json::from_value(json!({ "metadata": { "name": "nginx" }, "spec": spec })).unwrap()
}

fn plain() -> Value {
    json!({ "containers": [{ "name": "nginx", "image": "nginx" }] })
}

fn patched(pod: &Pod, injection: Injection) -> Pod {
    let mut value = serde_json::to_value(pod).unwrap();
    let patch = patch(pod, "vk", injection).unwrap();
    let patch: json_patch::Patch = serde_json::from_value(json!(patch)).unwrap();
    json_patch::patch(&mut value, &patch).unwrap();
    serde_json::from_value(value).unwrap()
}

#[test]
fn a_plain_pod_gets_the_toleration_and_the_required_affinity() {
    let sent = serde_json::to_value(patched(&pod(plain()), Injection::Required)).unwrap();
    assert_eq!(
        sent["spec"]["tolerations"],
        json!([{ "key": "virtual-kubelet.io/provider", "operator": "Exists" }])
    );
    assert_eq!(
        sent["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"],
        json!({ "nodeSelectorTerms": [{ "matchExpressions": [
            { "key": "type", "operator": "In", "values": ["virtual-kubelet"] }
        ] }] })
    );
}

#[test]
fn each_alternative_of_the_user_keeps_its_conditions_and_gets_ours() {
    let zone =
        |zone: &str| json!({ "matchExpressions": [{ "key": "zone", "operator": "In", "values": [zone] }] });
    let mut spec = plain();
    spec["affinity"] = json!({
        "podAntiAffinity": {},
        "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": [zone("a"), zone("b")] } }
    });
    let sent = serde_json::to_value(patched(&pod(spec), Injection::Required)).unwrap();
    let affinity = &sent["spec"]["affinity"];
    assert_eq!(affinity["podAntiAffinity"], json!({}));
    let terms =
        &affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"];
    for (at, name) in [(0, "a"), (1, "b")] {
        assert_eq!(terms[at]["matchExpressions"][0]["values"], json!([name]));
        assert_eq!(terms[at]["matchExpressions"][1]["values"], json!(["virtual-kubelet"]));
    }
}

#[test]
fn who_stays_away_and_why() {
    let with = |change: fn(&mut Pod)| {
        let mut pod = pod(plain());
        change(&mut pod);
        pod
    };
    let label = |pod: &mut Pod| {
        pod.metadata.labels = Some([(INJECTION_LABEL.to_owned(), "disabled".to_owned())].into());
    };
    let mirror = |pod: &mut Pod| {
        pod.metadata.annotations = Some([("kubernetes.io/config.mirror".to_owned(), "x".to_owned())].into());
    };
    let daemon = |pod: &mut Pod| {
        pod.metadata.owner_references = serde_json::from_value(json!([
            { "apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "uid": "u", "controller": true }
        ]))
        .unwrap();
    };
    let node = |pod: &mut Pod| pod.spec.as_mut().unwrap().node_name = Some("other".into());
    for (change, namespace, skip) in [
        (label as fn(&mut Pod), "vk", Skip::OptOut),
        (mirror, "vk", Skip::Mirror),
        (daemon, "vk", Skip::DaemonSet),
        (node, "vk", Skip::NodeName),
        (|_: &mut Pod| (), "kube-system", Skip::KubeSystem),
    ] {
        assert_eq!(patch(&with(change), namespace, Injection::Required), Err(skip));
    }
}

#[test]
fn a_toleration_that_covers_the_taint_is_not_repeated() {
    for (toleration, added) in [
        (json!({ "operator": "Exists" }), false),
        (
            json!({ "key": "virtual-kubelet.io/provider", "operator": "Exists", "effect": "NoSchedule" }),
            false,
        ),
        (json!({ "key": "virtual-kubelet.io/provider", "value": "alibabacloud" }), false),
        (json!({ "key": "virtual-kubelet.io/provider", "value": "azure" }), true),
        (json!({ "key": "virtual-kubelet.io/provider", "operator": "Exists", "effect": "NoExecute" }), true),
    ] {
        let mut spec = plain();
        spec["tolerations"] = json!([toleration]);
        let sent = patched(&pod(spec), Injection::Required);
        let count = sent.spec.unwrap().tolerations.unwrap().len();
        assert_eq!(count, if added { 2 } else { 1 }, "{toleration}");
    }
}

#[test]
fn a_preference_has_the_weight_that_was_set() {
    let sent = patched(&pod(plain()), Injection::Preferred { weight: 30 });
    let node = sent.spec.unwrap().affinity.unwrap().node_affinity.unwrap();
    assert_eq!(node.preferred_during_scheduling_ignored_during_execution.unwrap()[0].weight, 30);
    assert_eq!(node.required_during_scheduling_ignored_during_execution, None);
}

fn terms() -> impl Strategy<Value = Value> {
    let expression = ("[a-z]{1,5}", "[a-z]{1,5}")
        .prop_map(|(key, value)| json!({ "key": key, "operator": "In", "values": [value] }));
    let term = prop::collection::vec(expression, 0..3).prop_map(|all| json!({ "matchExpressions": all }));
    prop::collection::vec(term, 0..4).prop_map(|terms| json!(terms))
}

proptest! {
    #[test]
    fn injection_is_idempotent_and_keeps_every_condition_of_the_user(terms in terms(), weight in 0..101) {
        let mut spec = plain();
        spec["affinity"] = json!({
            "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": terms } }
        });
        for injection in [Injection::Required, Injection::Preferred { weight }] {
            let sent = patched(&pod(spec.clone()), injection);
            prop_assert_eq!(patch(&sent, "vk", injection), Err(Skip::Done));
            let sent = serde_json::to_value(sent).unwrap();
            let kept = &sent["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
                ["nodeSelectorTerms"];
            for (at, term) in terms.as_array().unwrap().iter().enumerate() {
                for expression in term["matchExpressions"].as_array().unwrap() {
                    let expressions = kept[at]["matchExpressions"].as_array().unwrap();
                    prop_assert!(expressions.contains(expression), "{} lost from {}", expression, kept);
                }
            }
        }
    }
}
