//! The objects of a new cluster, and the defaults of kinds other than pods.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::bootstrap_roles;
use crate::kinds::{self, Kind};
use crate::managed_fields::track::{self, Writer};
use crate::meta;
use crate::object::field::{
    annotation, default_to, is_set, is_terminating, list, list_mut, map_mut, number, text,
};
use crate::object::finalizers;
use crate::pods::defaults::{fill_pod, fill_spec};
use crate::sim::KubeSim;

/// Address in the endpoints of the API server: one reserved for documentation, since nobody in the cluster reaches it.
const API_SERVER: &str = "192.0.2.1";
/// Draws of an address or a port before a service goes without.
const DRAWS_MAX: u32 = 64;
/// The map in every namespace with the certificate of this server.
pub const ROOT_CERTIFICATE: &str = "kube-root-ca.crt";
/// Key and text of the annotation of that map.
const ROOT_CERTIFICATE_ABOUT: (&str, &str) = (
    "kubernetes.io/description",
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal \
     service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.",
);
/// The namespaces of every cluster.
const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// Puts what every cluster has into a new one.
pub fn bootstrap(sim: &KubeSim) {
    for name in NAMESPACES {
        put(sim, "", "namespaces", "", json!({"metadata": {"name": name}}));
        create_namespace_defaults(sim, name);
    }
    let service = json!({"metadata": {"name": "kubernetes", "labels": {"component": "apiserver", "provider": "kubernetes"}},
        "spec": {"clusterIP": "10.96.0.1", "ipFamilyPolicy": "SingleStack", "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}]}});
    put(sim, "", "services", "default", service);
    let subsets = json!([{"addresses": [{"ip": API_SERVER}], "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}]}]);
    let labels = json!({"endpointslice.kubernetes.io/skip-mirror": "true"});
    let endpoints = json!({"metadata": {"name": "kubernetes", "labels": labels}, "subsets": subsets});
    put(sim, "", "endpoints", "default", endpoints);
    let slice = json!({"metadata": {"name": "kubernetes", "labels": {"kubernetes.io/service-name": "kubernetes"}},
        "addressType": "IPv4", "endpoints": [{"addresses": [API_SERVER], "conditions": {"ready": true}}],
        "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}]});
    put(sim, "discovery.k8s.io", "endpointslices", "default", slice);
    for (name, value, what) in [
        (
            "system-cluster-critical",
            2_000_000_000i64,
            "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
        ),
        (
            "system-node-critical",
            2_000_001_000,
            "Used for system critical pods that must not be moved from their current node.",
        ),
    ] {
        let class = json!({"metadata": {"name": name}, "value": value, "description": what, "preemptionPolicy": "PreemptLowerPriority"});
        put(sim, "scheduling.k8s.io", "priorityclasses", "", class);
    }
    let class = json!({"metadata": {"name": "standard", "annotations": {kinds::DEFAULT_CLASS: "true"}},
        "provisioner": "kube-sim/volumes"});
    put(sim, "storage.k8s.io", "storageclasses", "", class);
    for (resource, object) in bootstrap_roles::all() {
        put(sim, kinds::RBAC_GROUP, resource, "", object);
    }
}

/// Gives a namespace the account and the certificate that every pod in it needs.
pub fn create_namespace_defaults(sim: &KubeSim, namespace: &str) {
    put(sim, "", "serviceaccounts", namespace, json!({"metadata": {"name": "default"}}));
    let annotations = json!({ROOT_CERTIFICATE_ABOUT.0: ROOT_CERTIFICATE_ABOUT.1});
    let root = json!({"metadata": {"name": ROOT_CERTIFICATE, "annotations": annotations},
        "data": root_certificate(sim)});
    put(sim, "", "configmaps", namespace, root);
}

fn root_certificate(sim: &KubeSim) -> Value {
    json!({"ca.crt": sim.root_certificate()})
}

/// Puts back what somebody changed in a namespace's certificate: its data, and the annotation that says what it is for.
pub fn restore_root_certificate(sim: &KubeSim, stored: &Arc<Value>) {
    let (key, about) = ROOT_CERTIFICATE_ABOUT;
    let data = root_certificate(sim);
    let described = annotation(stored, key).is_some_and(|text| !text.is_empty());
    if stored["data"] == data && described {
        return;
    }
    let mut next = (**stored).clone();
    next["data"] = data;
    map_mut(&mut next["metadata"], "annotations").insert(key.to_owned(), about.into());
    let _ = sim.store().replace(("", "configmaps"), stored, next); // whoever changed it meanwhile woke us again
}

fn put(sim: &KubeSim, group: &str, resource: &str, namespace: &str, mut object: Value) {
    let Some(kind) = kinds::find(group, resource) else { return };
    let mut whole = json!({"kind": kind.kind, "apiVersion": kind.api_version()});
    if let (Some(whole), Some(members)) = (whole.as_object_mut(), object.as_object_mut()) {
        whole.append(members);
    }
    let filled_in = track::filled_in(kind, &whole);
    fill(sim, kind, &mut whole, None);
    let begun = meta::begin(sim, kind, namespace, &mut whole, sim.clock().now());
    if begun.is_ok() {
        // The server makes what is of the whole cluster, and the way to itself; controllers make what is in each namespace.
        let is_own = namespace.is_empty() || whole["metadata"]["name"] == "kubernetes";
        let name = if is_own { "kube-apiserver" } else { "kube-controller-manager" };
        let writer = Writer { name, subresource: "", now: sim.clock().now() };
        track::created(kind, &mut whole, writer, &filled_in);
        let _ = sim.store().create(kind.storage(), whole); // one that is there already stays as it is
    }
}

/// Fills in the defaults of a new object, or of a changed one; `old` is what is stored.
pub fn fill(sim: &KubeSim, kind: &Kind, object: &mut Value, old: Option<&Value>) {
    match (kind.group, kind.resource) {
        ("", "pods") => fill_pod(object),
        ("", "namespaces") => namespace(object),
        ("", "nodes") => node(object),
        ("", "secrets") => secret(object),
        ("", "services") => service(sim, object),
        ("apps", "deployments") => deployment(object),
        ("apps", "replicasets") => replica_set(object),
        ("batch", "jobs") => job(object),
        ("policy", "poddisruptionbudgets") => disruption_budget(object),
        ("admissionregistration.k8s.io", _) => webhooks(object),
        ("scheduling.k8s.io", _) => default_to(object, "preemptionPolicy", "PreemptLowerPriority"),
        ("", "events") | ("events.k8s.io", _) => event(object),
        _ => (kind.rules.fill)(object, old),
    }
}

fn namespace(object: &mut Value) {
    let name = text(object, "/metadata/name").to_owned();
    if !name.is_empty() {
        map_mut(&mut object["metadata"], "labels")
            .insert("kubernetes.io/metadata.name".to_owned(), name.into());
    }
    let leaves = is_terminating(object);
    let held = list_mut(map_value(object, "spec"), "finalizers");
    if held.is_empty() && !leaves {
        held.push(finalizers::NAMESPACE.into());
    }
    default_to(map_value(object, "status"), "phase", "Active");
}

fn map_value<'a>(object: &'a mut Value, key: &str) -> &'a mut Value {
    map_mut(object, key);
    &mut object[key]
}

fn node(object: &mut Value) {
    map_mut(object, "spec");
    let status = map_value(object, "status");
    if status["allocatable"].is_null() && !status["capacity"].is_null() {
        status["allocatable"] = status["capacity"].clone();
    }
    for name in [
        "machineID",
        "systemUUID",
        "bootID",
        "kernelVersion",
        "osImage",
        "containerRuntimeVersion",
        "kubeletVersion",
        "kubeProxyVersion",
        "operatingSystem",
        "architecture",
    ] {
        default_to(map_value(status, "nodeInfo"), name, "");
    }
    let endpoints = map_value(status, "daemonEndpoints");
    default_to(map_value(endpoints, "kubeletEndpoint"), "Port", 0);
}

fn secret(object: &mut Value) {
    use base64::Engine as _;
    default_to(object, "type", "Opaque");
    let plain = object.as_object_mut().and_then(|members| members.shift_remove("stringData"));
    for (key, value) in plain.iter().filter_map(Value::as_object).flatten() {
        let bytes = value.as_str().unwrap_or_default();
        let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
        map_mut(object, "data").insert(key.clone(), encoded.into());
    }
}

fn service(sim: &KubeSim, object: &mut Value) {
    let spec = map_value(object, "spec");
    default_to(spec, "type", "ClusterIP");
    default_to(spec, "sessionAffinity", "None");
    let kind = text(spec, "/type").to_owned();
    if kind != "ExternalName" {
        default_to(spec, "internalTrafficPolicy", "Cluster");
        default_to(spec, "ipFamilyPolicy", "SingleStack");
        default_to(spec, "ipFamilies", json!(["IPv4"]));
    }
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
        default_to(spec, "externalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        default_to(spec, "allocateLoadBalancerNodePorts", true);
    }
    for port in list_mut(spec, "ports") {
        default_to(port, "protocol", "TCP");
        let same = port["port"].clone();
        default_to(port, "targetPort", same);
    }
    allocate(sim, spec, &kind);
    default_to(map_value(object, "status"), "loadBalancer", json!({}));
}

/// Gives a service the address and the node ports that it lacks; none that another service has.
fn allocate(sim: &KubeSim, spec: &mut Value, kind: &str) {
    let (services, _) = sim.store().list(("", "services"), None);
    if kind != "ExternalName" && text(spec, "/clusterIP").is_empty() {
        let taken =
            |address: &str| services.iter().any(|service| text(service, "/spec/clusterIP") == address);
        for _ in 0..DRAWS_MAX {
            let (high, low) = sim.draw(|chance| (chance.between(0, 255), chance.between(2, 254)));
            let address = format!("10.97.{high}.{low}");
            if !taken(&address) {
                spec["clusterIP"] = address.into();
                break;
            }
        }
    }
    let address = spec["clusterIP"].clone();
    if address.is_string() {
        default_to(spec, "clusterIPs", json!([address]));
    }
    if !matches!(kind, "NodePort" | "LoadBalancer") {
        return;
    }
    let is_taken = |wanted: i64| {
        let mut ports = services.iter().flat_map(|service| list(service, "/spec/ports"));
        ports.any(|port| number(port, "/nodePort") == Some(wanted))
    };
    for port in list_mut(spec, "ports").iter_mut().filter(|port| number(port, "/nodePort").unwrap_or(0) == 0)
    {
        for _ in 0..DRAWS_MAX {
            let wanted = sim.draw(|chance| chance.between(30_000, 32_767));
            let wanted = i64::try_from(wanted).unwrap_or(30_000);
            if !is_taken(wanted) {
                port["nodePort"] = wanted.into();
                break;
            }
        }
    }
}

fn disruption_budget(object: &mut Value) {
    let status = map_value(object, "status");
    for counter in ["currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods"] {
        default_to(status, counter, 0);
    }
}

fn template(spec: &mut Value) {
    let pod = map_value(map_value(spec, "template"), "spec");
    fill_spec(pod);
}

fn deployment(object: &mut Value) {
    let spec = map_value(object, "spec");
    default_to(spec, "replicas", 1);
    default_to(spec, "revisionHistoryLimit", 10);
    default_to(spec, "progressDeadlineSeconds", 600);
    let strategy = map_value(spec, "strategy");
    default_to(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        let rolling = map_value(strategy, "rollingUpdate");
        default_to(rolling, "maxUnavailable", "25%");
        default_to(rolling, "maxSurge", "25%");
    }
    template(spec);
    map_mut(object, "status");
}

fn replica_set(object: &mut Value) {
    let spec = map_value(object, "spec");
    default_to(spec, "replicas", 1);
    template(spec);
    default_to(map_value(object, "status"), "replicas", 0);
}

fn job(object: &mut Value) {
    let uid = text(object, "/metadata/uid").to_owned();
    let name = text(object, "/metadata/name").to_owned();
    let spec = map_value(object, "spec");
    let only_completions = !is_set(spec, "/completions") && is_set(spec, "/parallelism");
    if !only_completions {
        default_to(spec, "completions", 1);
    }
    default_to(spec, "parallelism", 1);
    // A Job that counts the failures of each index has no limit for them together.
    let limit = if is_set(spec, "/backoffLimitPerIndex") { i32::MAX } else { 6 };
    default_to(spec, "backoffLimit", limit);
    default_to(spec, "completionMode", "NonIndexed");
    default_to(spec, "suspend", false);
    default_to(spec, "manualSelector", false);
    let replaced = if is_set(spec, "/podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" };
    default_to(spec, "podReplacementPolicy", replaced);
    template(spec);
    if !uid.is_empty() && !is_set(spec, "/selector") {
        spec["selector"] = json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}});
        let labels = map_mut(map_value(map_value(spec, "template"), "metadata"), "labels");
        for (key, value) in [
            ("batch.kubernetes.io/controller-uid", &uid),
            ("batch.kubernetes.io/job-name", &name),
            ("controller-uid", &uid),
            ("job-name", &name),
        ] {
            labels.insert(key.to_owned(), value.as_str().into());
        }
    }
    // A Job without labels of its own carries those of its template.
    let own = object.pointer("/metadata/labels").and_then(Value::as_object);
    if own.is_none_or(Map::is_empty)
        && let Some(labels) =
            object.pointer("/spec/template/metadata/labels").filter(|l| l.is_object()).cloned()
    {
        map_value(object, "metadata")["labels"] = labels;
    }
    map_mut(object, "status");
}

fn webhooks(object: &mut Value) {
    let mutating = text(object, "/kind") == "MutatingWebhookConfiguration";
    for webhook in list_mut(object, "webhooks") {
        default_to(webhook, "failurePolicy", "Fail");
        default_to(webhook, "matchPolicy", "Equivalent");
        default_to(webhook, "timeoutSeconds", 10);
        default_to(webhook, "namespaceSelector", json!({}));
        default_to(webhook, "objectSelector", json!({}));
        if mutating {
            default_to(webhook, "reinvocationPolicy", "Never");
        }
        for rule in list_mut(webhook, "rules") {
            default_to(rule, "scope", "*");
        }
    }
}

/// An event is kept in the core form whichever group it came by.
fn event(object: &mut Value) {
    for key in ["firstTimestamp", "lastTimestamp", "eventTime"] {
        default_to(object, key, Value::Null);
    }
    default_to(object, "source", json!({}));
    default_to(object, "reportingComponent", "");
    default_to(object, "reportingInstance", "");
}
