//! Defaults of a pod's fields.

use serde_json::{Value, json};

use crate::object::field::{default_to, entries, flag, is_set, list, list_mut, map_mut, number, text};
use crate::object::quantity::thousandths;

/// Fills in a pod: its spec, and what holds for pods but not for templates.
pub fn fill_pod(pod: &mut Value) {
    map_mut(pod, "spec");
    let spec = &mut pod["spec"];
    for kind in CONTAINER_KINDS {
        for container in each(spec, kind) {
            requests_from_limits(container);
        }
    }
    if is_set(spec, "/resources") {
        requests_from_limits(spec);
    }
    if flag(spec, "/hostNetwork") {
        for kind in ["containers", "initContainers"] {
            each(spec, kind).for_each(host_ports_from_container_ports);
        }
    }
    default_to(spec, "enableServiceLinks", true);
    fill_spec(spec);
}

/// Fills in a pod's spec as it stands in pods and templates alike.
pub fn fill_spec(spec: &mut Value) {
    default_to(spec, "restartPolicy", "Always");
    default_to(spec, "terminationGracePeriodSeconds", 30);
    default_to(spec, "dnsPolicy", "ClusterFirst");
    default_to(spec, "securityContext", json!({}));
    default_to(spec, "schedulerName", "default-scheduler");
    same_account_name(spec);
    for kind in CONTAINER_KINDS {
        each(spec, kind).for_each(fill_container);
    }
    each(spec, "volumes").for_each(fill_volume);
}

/// Keeps the account's two names (`serviceAccountName` and its older spelling) the same.
pub fn same_account_name(spec: &mut Value) {
    let newer = text(spec, "/serviceAccountName").to_owned();
    let older = text(spec, "/serviceAccount").to_owned();
    match (newer.is_empty(), older.is_empty()) {
        (true, true) => {}
        (true, false) => spec["serviceAccountName"] = older.into(),
        (false, _) => spec["serviceAccount"] = newer.into(),
    }
}

/// A new pod's status: nothing yet but its phase and class.
pub fn first_status(pod: &mut Value) {
    pod["status"] = json!({"phase": "Pending", "qosClass": qos_class(pod)});
}

/// Writes out what the real server always writes of a container's status.
pub fn fill_container_statuses(pod: &mut Value) {
    for kind in ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] {
        if list(pod, &format!("/status/{kind}")).is_empty() {
            continue;
        }
        for status in list_mut(&mut pod["status"], kind) {
            default_to(status, "state", json!({}));
            default_to(status, "lastState", json!({}));
            default_to(status, "ready", false);
            default_to(status, "restartCount", 0);
            default_to(status, "image", "");
            default_to(status, "imageID", "");
        }
    }
}

/// Keeps `status.podIP` and the first of `status.podIPs` the same; the list wins where both are given.
pub fn same_pod_ips(pod: &mut Value) {
    let first = text(pod, "/status/podIPs/0/ip").to_owned();
    let single = text(pod, "/status/podIP").to_owned();
    if !first.is_empty() {
        pod["status"]["podIP"] = first.into();
    } else if !single.is_empty() {
        pod["status"]["podIPs"] = json!([{"ip": single}]);
    }
}

/// The pod's class: Guaranteed, Burstable or BestEffort.
pub fn qos_class(pod: &Value) -> &'static str {
    let whole = is_set(pod, "/spec/resources").then(|| &pod["spec"]["resources"]);
    let each_container = list(pod, "/spec/containers").iter().chain(list(pod, "/spec/initContainers"));
    let askers: Vec<&Value> = match whole {
        Some(whole) => vec![whole],
        None => each_container.map(|c| c.get("resources").unwrap_or(&Value::Null)).collect(),
    };
    let amounts = |asker: &Value, kind: &str| -> Vec<(&'static str, i128)> {
        let of = |name: &'static str| asker.get(kind).and_then(|k| k.get(name)).map_or(0, thousandths);
        ["cpu", "memory"].into_iter().map(|n| (n, of(n))).filter(|(_, a)| *a > 0).collect()
    };
    if askers.iter().all(|a| amounts(a, "requests").is_empty() && amounts(a, "limits").is_empty()) {
        return "BestEffort";
    }
    let all_equal = askers.iter().all(|a| {
        let limits = amounts(a, "limits");
        limits.len() == 2 && amounts(a, "requests") == limits
    });
    if all_equal { "Guaranteed" } else { "Burstable" }
}

/// The three lists of containers in a pod's spec.
pub const CONTAINER_KINDS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

fn each<'a>(object: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Value> + use<'a> {
    object.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten().filter(|v| v.is_object())
}

fn requests_from_limits(holder: &mut Value) {
    let limits: Vec<_> =
        entries(holder, "/resources/limits").map(|(k, v)| (k.to_owned(), v.clone())).collect();
    if limits.is_empty() {
        return;
    }
    let requests = map_mut(map_of(holder, "resources"), "requests");
    for (name, amount) in limits {
        requests.entry(name).or_insert(amount);
    }
}

fn map_of<'a>(object: &'a mut Value, key: &str) -> &'a mut Value {
    map_mut(object, key);
    &mut object[key]
}

fn host_ports_from_container_ports(container: &mut Value) {
    for port in each(container, "ports") {
        if number(port, "/hostPort").unwrap_or(0) == 0
            && let Some(own) = number(port, "/containerPort")
        {
            port["hostPort"] = own.into();
        }
    }
}

fn fill_container(container: &mut Value) {
    default_to(container, "resources", json!({}));
    default_to(container, "terminationMessagePath", "/dev/termination-log");
    default_to(container, "terminationMessagePolicy", "File");
    let policy = if is_latest(text(container, "/image")) { "Always" } else { "IfNotPresent" };
    default_to(container, "imagePullPolicy", policy);
    for port in each(container, "ports") {
        default_to(port, "protocol", "TCP");
    }
    for env in each(container, "env") {
        if let Some(field) = env.pointer_mut("/valueFrom/fieldRef") {
            default_to(field, "apiVersion", "v1");
        }
        if let Some(resource) = env.pointer_mut("/valueFrom/resourceFieldRef") {
            default_to(resource, "divisor", "0");
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(probe).filter(|p| p.is_object()) {
            fill_probe(probe);
        }
    }
    for hook in ["/lifecycle/postStart/httpGet", "/lifecycle/preStop/httpGet"] {
        if let Some(get) = container.pointer_mut(hook) {
            fill_http_get(get);
        }
    }
}

/// True for an image without a digest whose tag is absent or `latest`.
fn is_latest(image: &str) -> bool {
    if image.contains('@') {
        return false;
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

fn fill_probe(probe: &mut Value) {
    for (key, value) in
        [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
    {
        if number(probe, &format!("/{key}")).unwrap_or(0) == 0 {
            probe[key] = value.into();
        }
    }
    if let Some(get) = probe.get_mut("httpGet").filter(|g| g.is_object()) {
        fill_http_get(get);
    }
    if let Some(grpc) = probe.get_mut("grpc").filter(|g| g.is_object()) {
        default_to(grpc, "service", "");
    }
}

fn fill_http_get(get: &mut Value) {
    for (key, value) in [("path", "/"), ("scheme", "HTTP")] {
        if text(get, &format!("/{key}")).is_empty() {
            get[key] = value.into();
        }
    }
}

fn fill_volume(volume: &mut Value) {
    let has_source = volume.as_object().is_some_and(|v| v.iter().any(|(k, s)| k != "name" && !s.is_null()));
    if !has_source {
        volume["emptyDir"] = json!({});
    }
    for source in ["configMap", "secret", "projected", "downwardAPI"] {
        if let Some(source) = volume.get_mut(source).filter(|s| s.is_object()) {
            default_to(source, "defaultMode", 420);
        }
    }
    if let Some(path) = volume.get_mut("hostPath").filter(|s| s.is_object()) {
        default_to(path, "type", "");
    }
    if let Some(claim) = volume.pointer_mut("/ephemeral/volumeClaimTemplate/spec") {
        default_to(claim, "volumeMode", "Filesystem");
    }
    if let Some(items) = volume.pointer_mut("/downwardAPI").filter(|s| s.is_object()) {
        each(items, "items").for_each(fill_downward_item);
    }
    if let Some(projected) = volume.get_mut("projected").filter(|s| s.is_object()) {
        list_mut(projected, "sources");
        for source in each(projected, "sources") {
            if let Some(token) = source.get_mut("serviceAccountToken").filter(|t| t.is_object()) {
                default_to(token, "expirationSeconds", 3600);
            }
            if let Some(downward) = source.get_mut("downwardAPI").filter(|s| s.is_object()) {
                each(downward, "items").for_each(fill_downward_item);
            }
        }
    }
}

fn fill_downward_item(item: &mut Value) {
    if let Some(field) = item.get_mut("fieldRef").filter(|f| f.is_object()) {
        default_to(field, "apiVersion", "v1");
    }
    if let Some(resource) = item.get_mut("resourceFieldRef").filter(|f| f.is_object()) {
        default_to(resource, "divisor", "0");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_smallest_pod_is_filled_in() {
        let mut pod = json!({"metadata": {"name": "nginx"}, "spec": {"containers": [
            {"name": "nginx", "image": "nginx"}]}});
        fill_pod(&mut pod);
        assert_eq!(
            pod["spec"],
            json!({
                "containers": [{
                    "name": "nginx", "image": "nginx", "resources": {},
                    "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                    "imagePullPolicy": "Always",
                }],
                "enableServiceLinks": true, "restartPolicy": "Always", "terminationGracePeriodSeconds": 30,
                "dnsPolicy": "ClusterFirst", "securityContext": {}, "schedulerName": "default-scheduler",
            })
        );
    }

    #[test]
    fn only_an_image_without_a_fixed_version_is_always_pulled() {
        for (image, latest) in [
            ("nginx", true),
            ("nginx:latest", true),
            ("nginx:1.29", false),
            ("registry:5000/nginx", true),
            ("registry:5000/nginx:1", false),
            ("nginx@sha256:abc", false),
            ("nginx:latest@sha256:abc", false),
        ] {
            assert_eq!(is_latest(image), latest, "{image}");
        }
    }

    #[test]
    fn what_a_pod_asks_for_gives_its_class() {
        let of = |requests: Value, limits: Value| {
            let resources = json!({"requests": requests, "limits": limits});
            qos_class(&json!({"spec": {"containers": [{"resources": resources}]}}))
        };
        let (small, both) = (json!({"cpu": "1"}), json!({"cpu": "1", "memory": "1Gi"}));
        for (requests, limits, class) in [
            (json!({}), json!({}), "BestEffort"),
            (json!({"cpu": "0"}), json!({}), "BestEffort"),
            (json!({"nvidia.com/gpu": "1"}), json!({}), "BestEffort"),
            (small.clone(), json!({}), "Burstable"),
            (small.clone(), small, "Burstable"),
            (both.clone(), both.clone(), "Guaranteed"),
            (json!({"cpu": "1000m", "memory": "1024Mi"}), both, "Guaranteed"),
        ] {
            assert_eq!(of(requests.clone(), limits.clone()), class, "{requests} {limits}");
        }
    }

    #[test]
    fn requests_follow_limits_but_not_the_other_way() {
        let mut pod = json!({"spec": {"containers": [
            {"resources": {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "1", "x/y": "1"}}}]}});
        fill_pod(&mut pod);
        assert_eq!(
            pod["spec"]["containers"][0]["resources"],
            json!({"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "1", "x/y": "1", "memory": "1Gi"}})
        );
    }

    #[test]
    fn sources_of_files_and_variables_are_filled_in() {
        let mut pod = json!({"spec": {
            "volumes": [
                {"name": "a"}, {"name": "b", "configMap": {"name": "c"}}, {"name": "c", "hostPath": {"path": "/x"}},
                {"name": "d", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}],
            "containers": [{
                "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                "livenessProbe": {"httpGet": {"port": 80}}}]}});
        fill_pod(&mut pod);
        assert_eq!(
            pod["spec"]["volumes"],
            json!([
                {"name": "a", "emptyDir": {}},
                {"name": "b", "configMap": {"name": "c", "defaultMode": 420}},
                {"name": "c", "hostPath": {"path": "/x", "type": ""}},
                {"name": "d", "projected": {
                    "sources": [{"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}}], "defaultMode": 420}},
            ])
        );
        let container = &pod["spec"]["containers"][0];
        assert_eq!(container["env"][0]["valueFrom"]["fieldRef"]["apiVersion"], "v1");
        assert_eq!(
            container["livenessProbe"],
            json!({
            "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
            "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3})
        );
    }

    proptest! {
        #[test]
        fn filling_in_twice_changes_nothing(
            image in "[a-z]{1,6}(:[a-z0-9]{1,5})?", port in 1u16..9000, host: bool, volumes in 0usize..3,
            cpu in prop::option::of(1u32..4),
        ) {
            let mut pod = json!({"spec": {
                "hostNetwork": host,
                "volumes": (0..volumes).map(|i| json!({"name": format!("v{i}")})).collect::<Vec<_>>(),
                "containers": [{"image": image, "ports": [{"containerPort": port}],
                    "resources": cpu.map(|c| json!({"limits": {"cpu": c.to_string()}}))}]}});
            fill_pod(&mut pod);
            let once = pod.clone();
            fill_pod(&mut pod);
            prop_assert_eq!(pod, once);
        }
    }
}
