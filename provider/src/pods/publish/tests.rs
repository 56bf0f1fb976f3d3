//! The patch holds differences, and nothing of others.

use eci_api::Number;

use super::*;

fn pod() -> Pod {
    serde_json::from_value(json!({
        "metadata": { "name": "p", "uid": "u", "annotations": { "kept": "yes" } },
        "status": {
            "phase": "Pending", "reason": "ProviderFailed", "message": "no stock", "qosClass": "BestEffort",
            "podIPs": [{ "ip": "10.0.0.1" }],
            "conditions": [{ "type": "Ready", "status": "False" }, { "type": "Other", "status": "True" }]
        }
    }))
    .unwrap()
}

fn status(value: Value) -> PodStatus {
    serde_json::from_value(value).unwrap()
}

#[test]
fn nothing_is_written_when_nothing_changed_whatever_the_order_of_conditions() {
    let same = status(json!({
        "phase": "Pending", "reason": "ProviderFailed", "message": "no stock",
        "conditions": [{ "type": "Other", "status": "True" }, { "type": "Ready", "status": "False" }]
    }));
    assert_eq!(patch(&pod(), &same, &BTreeMap::new()), None);
}

#[test]
fn an_empty_last_state_that_the_api_writes_is_no_difference() {
    let containers = |last: Value| {
        let container = json!({
            "name": "c", "image": "c", "imageID": "", "ready": false, "restartCount": 0,
            "state": { "waiting": { "reason": "ContainerCreating" } }, "lastState": last
        });
        json!({ "containerStatuses": [container], "initContainerStatuses": [container] })
    };
    let mut pod = pod();
    pod.status = Some(status(containers(json!({}))));
    assert_eq!(patch(&pod, &status(containers(Value::Null)), &BTreeMap::new()), None);
    let ended = status(containers(json!({ "terminated": { "exitCode": 1 } })));
    let patch = patch(&pod, &ended, &BTreeMap::new()).unwrap();
    assert_eq!(patch["status"].as_object().unwrap().len(), 2, "a run that ended is told");
}

#[test]
fn a_change_names_the_pod_s_uid_and_clears_what_is_no_longer_said() {
    let patch = patch(&pod(), &status(json!({ "phase": "Running" })), &BTreeMap::new()).unwrap();
    assert_eq!(patch["metadata"], json!({ "uid": "u" }));
    assert_eq!(patch["status"], json!({ "phase": "Running", "reason": null, "message": null }));
}

#[test]
fn a_condition_that_holds_again_loses_the_words_for_why_it_did_not() {
    let mut pod = pod();
    let words = json!({ "reason": "ContainersNotReady", "message": "containers with unready status: [c]" });
    let condition = |status: &str| json!({ "type": "Ready", "status": status });
    let mut unready = condition("False");
    unready.as_object_mut().unwrap().extend(words.as_object().unwrap().clone());
    pod.status = Some(status(json!({ "conditions": [unready] })));
    let ready = status(json!({ "conditions": [condition("True")] }));
    let patch = patch(&pod, &ready, &BTreeMap::new()).unwrap();
    let sent = &patch["status"]["conditions"][0];
    assert_eq!(
        (&sent["status"], &sent["reason"], &sent["message"]),
        (&json!("True"), &Value::Null, &Value::Null)
    );
    assert!(sent.as_object().unwrap().contains_key("reason"), "null strikes out; absence would not");
}

#[test]
fn a_condition_of_somebody_else_is_never_sent_however_old_the_copy_is() {
    let mut pod = pod();
    let gate = json!({ "type": "gate/open", "status": "False" });
    pod.spec = Some(Default::default());
    pod.status = Some(status(json!({ "conditions": [gate, { "type": "Ready", "status": "False" }] })));
    let wanted = status(json!({ "conditions": [gate, { "type": "Ready", "status": "True" }] }));
    let patch = patch(&pod, &wanted, &BTreeMap::new()).unwrap();
    assert_eq!(patch["status"], json!({ "conditions": [{ "type": "Ready", "status": "True" }] }));
}

#[test]
fn what_rests_on_others_names_the_version_it_rests_on() {
    let mut pod = pod();
    pod.metadata.resource_version = Some("7".into());
    let ready = status(json!({ "conditions": [{ "type": "Ready", "status": "True" }] }));
    let version = |pod: &Pod, wanted: &PodStatus| {
        patch(pod, wanted, &BTreeMap::new()).unwrap()["metadata"]["resourceVersion"].clone()
    };
    assert_eq!(version(&pod, &ready), Value::Null);
    pod.spec = serde_json::from_value(
        json!({ "containers": [], "readinessGates": [{ "conditionType": "gate/open" }] }),
    )
    .unwrap();
    assert_eq!(version(&pod, &ready), "7");
    assert_eq!(version(&self::pod(), &status(json!({ "phase": "Running" }))), Value::Null);
    assert_eq!(version(&pod, &status(json!({ "phase": "Failed" }))), "7");
}

#[test]
fn an_api_that_drops_the_generation_is_not_written_to_for_ever() {
    let said = json!({
        "phase": "Pending", "reason": "ProviderFailed", "message": "no stock", "observedGeneration": 2,
        "conditions": [{ "type": "Ready", "status": "False", "observedGeneration": 2 }]
    });
    assert_eq!(patch(&pod(), &status(said.clone()), &BTreeMap::new()), None);
    let mut pod = pod();
    pod.status = Some(status(said.clone()));
    let mut newer = said;
    newer["observedGeneration"] = json!(3);
    let patch = patch(&pod, &status(newer), &BTreeMap::new()).unwrap();
    assert_eq!(patch["status"], json!({ "observedGeneration": 3 }), "where it is kept, it is written");
}

#[test]
fn an_address_that_changed_is_struck_out() {
    let moved = status(
        json!({ "podIPs": [{ "ip": "10.0.0.2" }], "reason": "ProviderFailed", "message": "no stock" }),
    );
    let patch = patch(&pod(), &moved, &BTreeMap::new()).unwrap();
    assert_eq!(
        patch["status"]["podIPs"],
        json!([{ "ip": "10.0.0.2" }, { "$patch": "delete", "ip": "10.0.0.1" }])
    );
}

#[test]
fn the_instance_is_told_in_annotations_the_way_the_vendor_writes_them() {
    let group = |cpu: &str, memory: &str| ContainerGroup {
        container_group_id: "eci-1".into(),
        cpu: cpu.parse::<Number>().unwrap(),
        memory: memory.parse().unwrap(),
        ..ContainerGroup::default()
    };
    for (cpu, memory, spec) in
        [("8", "14", "8.0-14.0Gi"), ("0.25", "0.5", "0.25-0.5Gi"), ("2.0", "4", "2.0-4.0Gi")]
    {
        let annotations = annotations(&group(cpu, memory));
        assert_eq!(annotations["k8s.aliyun.com/eci-instance-spec"], spec);
    }
    let typed = ContainerGroup { instance_type: "ecs.c6.large".into(), ..group("2", "4") };
    let annotations_of_type = annotations(&typed);
    assert_eq!(annotations_of_type["k8s.aliyun.com/eci-instance-spec"], "ecs.c6.large", "the type is billed");
    assert_eq!(annotations_of_type["k8s.aliyun.com/eci-instance-cpu"], "2.0");
    assert_eq!(annotations(&group("0", "0")).len(), 1, "an instance that is not placed yet has no size");
}
