//! Specs for examples: a small pod, a value put at a path, and the same without it.

use serde_json::{Map, Value, json};

/// A pod whose field at `path` is `value`, on top of what `context` adds.
pub fn with(path: &str, value: Value, context: Value) -> Value {
    let mut spec = json!({ "containers": [{ "name": "c", "image": "c" }] });
    merge(&mut spec, context);
    let segments: Vec<&str> = path.split('.').collect();
    let (last, way) = segments.split_last().unwrap();
    let mut at = &mut spec;
    for (index, segment) in way.iter().enumerate() {
        at = step(at, segment, segments[index + 1], &way[..index]);
    }
    at[*last] = value;
    spec
}

/// The same pod without the field at `path`.
pub fn without(path: &str, spec: &Value) -> Value {
    let mut spec = spec.clone();
    let pointer = format!("/{}", path.replace("[]", ".0").replace('.', "/"));
    let (holder, field) = pointer.rsplit_once('/').unwrap();
    spec.pointer_mut(holder).unwrap().as_object_mut().unwrap().remove(field);
    spec
}

fn step<'a>(at: &'a mut Value, segment: &str, next: &str, way: &[&str]) -> &'a mut Value {
    let name = segment.trim_end_matches("[]");
    let is_list = name != segment;
    let lacks = at.get(name).is_none_or(|value| is_list && value.get(0).is_none());
    if lacks {
        let seed = seed(segment, next, way);
        at[name] = if is_list { json!([seed]) } else { seed };
    }
    if is_list { &mut at[name][0] } else { &mut at[name] }
}

/// A struct's other fields, without which the one of the example would mean nothing.
fn seed(segment: &str, next: &str, way: &[&str]) -> Value {
    let handlers = ["exec", "grpc", "httpGet", "tcpSocket"];
    match segment {
        "initContainers[]" => json!({ "name": "i", "image": "i" }),
        "volumes[]" => json!({ "name": "v" }),
        "ports[]" => json!({ "containerPort": 80 }),
        "env[]" => json!({ "name": "X" }),
        "volumeMounts[]" => json!({ "name": "v", "mountPath": "/v" }),
        "livenessProbe" | "readinessProbe" if !handlers.contains(&next) => {
            json!({ "exec": { "command": ["x"] } })
        }
        "httpGet" | "tcpSocket" => json!({ "port": 80 }),
        "nfs" => json!({ "server": "s", "path": "/" }),
        "flexVolume" => json!({ "driver": "alicloud/nas" }),
        "persistentVolumeClaim" => json!({ "claimName": "data" }),
        "configMap" => json!({ "name": "settings" }),
        "secret" => json!({ "name": "keys", "secretName": "keys" }),
        "items[]" if way.last() != Some(&"downwardAPI") => json!({ "key": "a", "path": "a" }),
        "items[]" if next == "resourceFieldRef" => json!({ "path": "a" }),
        "items[]" => json!({ "path": "a", "fieldRef": { "fieldPath": "metadata.name" } }),
        _ => Value::Object(Map::new()),
    }
}

/// Puts one value on top of another: objects field by field, lists item by item.
fn merge(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                merge(below.entry(key).or_insert(Value::Null), value);
            }
        }
        (Value::Array(below), Value::Array(above)) => {
            for (index, value) in above.into_iter().enumerate() {
                match below.get_mut(index) {
                    Some(item) => merge(item, value),
                    None => below.push(value),
                }
            }
        }
        (below, above) => *below = above,
    }
}

/// A spec of one line of `kubectl run`, with all that an API server of 1.34 adds.
pub fn as_the_api_server_has_it() -> Value {
    json!({
        "automountServiceAccountToken": true,
        "containers": [{
            "name": "c", "image": "nginx", "imagePullPolicy": "Always",
            "ports": [{ "containerPort": 80, "protocol": "TCP" }],
            "readinessProbe": { "httpGet": { "path": "/", "port": 80, "scheme": "HTTP" },
                "failureThreshold": 3, "periodSeconds": 10, "successThreshold": 1, "timeoutSeconds": 1 },
            "resources": { "limits": { "cpu": "1", "memory": "1Gi" }, "requests": { "cpu": "1", "memory": "1Gi" } },
            "resizePolicy": [{ "resourceName": "cpu", "restartPolicy": "NotRequired" }],
            "securityContext": {},
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            "volumeMounts": [{ "name": "kube-api-access-x", "readOnly": true, "recursiveReadOnly": "Disabled",
                "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount" }]
        }],
        "dnsPolicy": "ClusterFirst", "enableServiceLinks": true, "nodeName": "virtual-kubelet",
        "os": { "name": "linux" }, "preemptionPolicy": "PreemptLowerPriority", "priority": 0,
        "restartPolicy": "Always", "schedulerName": "default-scheduler", "securityContext": {},
        "serviceAccount": "default", "serviceAccountName": "default", "terminationGracePeriodSeconds": 30,
        "tolerations": [{ "key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute" }],
        "volumes": [{ "name": "kube-api-access-x", "projected": { "defaultMode": 420, "sources": [
            { "serviceAccountToken": { "expirationSeconds": 3607, "path": "token" } },
            { "configMap": { "name": "settings", "items": [{ "key": "a", "path": "ca.crt" }] } },
            { "downwardAPI": { "items": [{ "path": "namespace",
                "fieldRef": { "apiVersion": "v1", "fieldPath": "metadata.namespace" } }] } }
        ] } }]
    })
}
