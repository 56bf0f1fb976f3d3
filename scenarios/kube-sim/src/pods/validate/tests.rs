//! Pods that cannot be stored, each with the field and the words that say why.

use serde_json::{Value, json};

use super::new_pod;
use crate::pods::defaults::fill_pod;

/// The first error of the smallest pod after `change`.
fn first_error(change: impl FnOnce(&mut Value)) -> String {
    all_problems(change).first().cloned().unwrap_or_else(|| "none".to_owned())
}

fn all_problems(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut pod =
        json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}});
    change(&mut pod["spec"]);
    fill_pod(&mut pod);
    new_pod(&pod).0.iter().map(ToString::to_string).collect()
}

fn in_container(key: &'static str, value: Value) -> impl FnOnce(&mut Value) {
    move |spec| spec["containers"][0][key] = value
}

fn in_spec(key: &'static str, value: Value) -> impl FnOnce(&mut Value) {
    move |spec| spec[key] = value
}

#[test]
fn the_smallest_pod_has_no_problem() {
    assert_eq!(all_problems(|_| {}), Vec::<String>::new());
}

#[test]
fn what_is_wrong_with_a_container_is_said_in_the_apis_words() {
    for (key, value, said) in [
        ("image", json!(""), "spec.containers[0].image: Required value"),
        (
            "image",
            json!(" x"),
            "spec.containers[0].image: Invalid value: \" x\": must not have leading or trailing whitespace",
        ),
        ("name", json!(""), "spec.containers[0].name: Required value"),
        (
            "name",
            json!("A_b"),
            "spec.containers[0].name: Invalid value: \"A_b\": a lowercase RFC 1123 label must consist of",
        ),
        (
            "imagePullPolicy",
            json!("Sometimes"),
            "spec.containers[0].imagePullPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \
          \"IfNotPresent\", \"Never\"",
        ),
        (
            "terminationMessagePolicy",
            json!("X"),
            "spec.containers[0].terminationMessagePolicy: Unsupported value: \"X\": supported values: \"File\", \
          \"FallbackToLogsOnError\"",
        ),
        ("ports", json!([{"containerPort": 0}]), "spec.containers[0].ports[0].containerPort: Required value"),
        (
            "ports",
            json!([{"containerPort": 70000}]),
            "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
        ),
        (
            "ports",
            json!([{"containerPort": 80, "name": "80"}]),
            "spec.containers[0].ports[0].name: Invalid value: \"80\": must contain at least one letter (a-z)",
        ),
        (
            "ports",
            json!([{"containerPort": 80, "protocol": "X"}]),
            "spec.containers[0].ports[0].protocol: Unsupported value: \"X\": supported values: \"SCTP\", \"TCP\", \"UDP\"",
        ),
        (
            "ports",
            json!([{"containerPort": 1, "hostPort": 80}, {"containerPort": 2, "hostPort": 80}]),
            "spec.containers[0].ports[1].hostPort: Duplicate value: \"TCP//80\"",
        ),
        ("env", json!([{"value": "x"}]), "spec.containers[0].env[0].name: Required value"),
        (
            "env",
            json!([{"name": "A=B"}]),
            "spec.containers[0].env[0].name: Invalid value: \"A=B\": a valid environment variable name must consist only \
          of printable ASCII characters other than '='",
        ),
        (
            "env",
            json!([{"name": "A", "valueFrom": {}}]),
            "spec.containers[0].env[0].valueFrom: Invalid value: \"\": must specify one of: `fieldRef`, \
          `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`",
        ),
        (
            "env",
            json!([{"name": "A", "value": "x", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]),
            "spec.containers[0].env[0].valueFrom: Invalid value: \"\": may not be specified when `value` is not empty",
        ),
        (
            "env",
            json!([{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.foo"}}}]),
            "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: \"metadata.foo\": error converting \
          fieldPath: field label not supported: metadata.foo",
        ),
        (
            "env",
            json!([{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.phase"}}}]),
            "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: \"status.phase\": supported \
          values: \"metadata.name\"",
        ),
        (
            "env",
            json!([{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.foo"}}}]),
            "spec.containers[0].env[0].valueFrom.resourceFieldRef.resource: Unsupported value: \"limits.foo\"",
        ),
        (
            "envFrom",
            json!([{}]),
            "spec.containers[0].envFrom[0]: Invalid value: \"\": must specify one of: `configMapRef` or `secretRef`",
        ),
        (
            "volumeMounts",
            json!([{"name": "v", "mountPath": "/a"}]),
            "spec.containers[0].volumeMounts[0].name: Not found: \"v\"",
        ),
        (
            "resources",
            json!({"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}),
            "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1",
        ),
        (
            "resources",
            json!({"requests": {"cpu": "-1"}}),
            "spec.containers[0].resources.requests[cpu]: Invalid value: \"-1\": must be greater than or equal to 0",
        ),
        (
            "resources",
            json!({"requests": {"foo": "1"}}),
            "spec.containers[0].resources.requests: Invalid value: \"foo\": must be a standard resource type or fully \
          qualified",
        ),
        (
            "resources",
            json!({"requests": {"nvidia.com/gpu": "1"}}),
            "spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources",
        ),
        (
            "resources",
            json!({"limits": {"nvidia.com/gpu": "500m"}}),
            "spec.containers[0].resources.limits[nvidia.com/gpu]: Invalid value: \"500m\": must be an integer",
        ),
        (
            "livenessProbe",
            json!({}),
            "spec.containers[0].livenessProbe: Required value: must specify a handler type",
        ),
        (
            "livenessProbe",
            json!({"exec": {"command": ["x"]}, "successThreshold": 2}),
            "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
        ),
        (
            "readinessProbe",
            json!({"exec": {"command": ["x"]}, "tcpSocket": {"port": 1}}),
            "spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
        ),
        (
            "readinessProbe",
            json!({"exec": {"command": ["x"]}, "periodSeconds": -1}),
            "spec.containers[0].readinessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0",
        ),
    ] {
        let seen = first_error(in_container(key, value.clone()));
        assert!(seen.starts_with(said), "{key} {value}:\n  wanted {said}\n  seen   {seen}");
    }
}

#[test]
fn what_is_wrong_with_a_spec_is_said_in_the_apis_words() {
    let required = |terms: Value| {
        json!({"nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}})
    };
    for (key, value, said) in [
        ("containers", json!([]), "spec.containers: Required value"),
        (
            "restartPolicy",
            json!("Sometimes"),
            "spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"OnFailure\", \"Never\"",
        ),
        (
            "dnsPolicy",
            json!("None"),
            "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None",
        ),
        (
            "activeDeadlineSeconds",
            json!(0),
            "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
        ),
        (
            "nodeSelector",
            json!({"a": "b c"}),
            "spec.nodeSelector: Invalid value: \"b c\": a valid label must be an empty string or consist of",
        ),
        (
            "tolerations",
            json!([{"key": "a", "operator": "X"}]),
            "spec.tolerations[0].operator: Unsupported value: \"X\": supported values: \"Equal\", \"Exists\"",
        ),
        (
            "tolerations",
            json!([{"key": "a", "operator": "Exists", "value": "b"}]),
            "spec.tolerations[0].operator: Invalid value: \"b\": value must be empty when `operator` is 'Exists'",
        ),
        (
            "tolerations",
            json!([{"value": "b"}]),
            "spec.tolerations[0].operator: Invalid value: \"\": operator must be Exists when `key` is empty, which means \
          \"match all values and all keys\"",
        ),
        (
            "tolerations",
            json!([{"key": "a", "effect": "NoSchedule", "tolerationSeconds": 1}]),
            "spec.tolerations[0].effect: Invalid value: \"NoSchedule\": effect must be 'NoExecute' when \
          `tolerationSeconds` is set",
        ),
        (
            "affinity",
            required(json!([])),
            "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required \
          value: must have at least one node selector term",
        ),
        (
            "affinity",
            required(json!([{"matchExpressions": [{"key": "a", "operator": "X"}]}])),
            "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]\
          .matchExpressions[0].operator: Invalid value: \"X\": not a valid selector operator",
        ),
        (
            "topologySpreadConstraints",
            json!([{"maxSkew": 0, "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule"}]),
            "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
        ),
        (
            "volumes",
            json!([{"name": "v", "configMap": {"name": "c"}, "emptyDir": {}}]),
            "spec.volumes[0].emptyDir: Forbidden: may not specify more than 1 volume type",
        ),
        ("volumes", json!([{"name": "v"}, {"name": "v"}]), "spec.volumes[1].name: Duplicate value: \"v\""),
        ("volumes", json!([{"name": "v", "hostPath": {}}]), "spec.volumes[0].hostPath.path: Required value"),
        (
            "volumes",
            json!([{"name": "v", "projected": {"sources": [
            {"serviceAccountToken": {"path": "t", "expirationSeconds": 10}}]}}]),
            "spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 10: may not \
          specify a duration less than 10 minutes",
        ),
        (
            "ephemeralContainers",
            json!([{"name": "e", "image": "x"}]),
            "spec.ephemeralContainers: Forbidden: cannot be set on create",
        ),
        ("hostname", json!("a.b"), "spec.hostname: Invalid value: \"a.b\": "),
        (
            "initContainers",
            json!([{"name": "c", "image": "x"}]),
            "spec.initContainers[0].name: Duplicate value: \"c\"",
        ),
        (
            "initContainers",
            json!([{"name": "i", "image": "x", "livenessProbe": {"exec": {"command": ["x"]}}}]),
            "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without \
          restartPolicy=Always",
        ),
    ] {
        let seen = first_error(in_spec(key, value.clone()));
        assert!(seen.starts_with(said), "{key} {value}:\n  wanted {said}\n  seen   {seen}");
    }
}

#[test]
fn a_gated_pod_may_name_no_node() {
    let seen = first_error(|spec| {
        spec["schedulingGates"] = json!([{"name": "a"}]);
        spec["nodeName"] = json!("n");
    });
    assert_eq!(seen, "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared");
}

#[test]
fn one_path_can_be_mounted_once() {
    let seen = first_error(|spec| {
        spec["volumes"] = json!([{"name": "v"}]);
        let mount = json!({"name": "v", "mountPath": "/a"});
        spec["containers"][0]["volumeMounts"] = json!([mount, mount]);
    });
    assert_eq!(seen, "spec.containers[0].volumeMounts[1].mountPath: Invalid value: \"/a\": must be unique");
}
