//! Endpoints and EndpointSlices: the pods behind each Service with a selector.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::owned::{PODS, reference};
use super::waiting::ChangeWatcher;
use crate::kinds;
use crate::meta;
use crate::object::conditions::holds;
use crate::object::field::{
    default_to, entries, flag, is_set, is_terminating, label, list, name, namespace, number, text, uid,
};
use crate::pods::phase::is_terminal;
use crate::service::controller_writes::{create_as_controller, replace_as_controller};
use crate::service::delete::{Options, delete};
use crate::sim::KubeSim;
use crate::store::GroupResource;

const SERVICES: GroupResource = ("", "services");
const ENDPOINTS: GroupResource = ("", "endpoints");
const SLICES: GroupResource = ("discovery.k8s.io", "endpointslices");
const OF_SERVICE: &str = "kubernetes.io/service-name";
const MANAGED_BY: (&str, &str) =
    ("endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io");
const ENDPOINTS_MANAGED_BY: (&str, &str) = ("endpoints.kubernetes.io/managed-by", "endpoint-controller");
/// Annotation with the time of the change that the endpoints follow from.
const TRIGGERED: &str = "endpoints.kubernetes.io/last-change-trigger-time";

/// Reconciles Endpoints and EndpointSlices until the future is dropped.
pub async fn run(sim: &KubeSim) {
    let mut changes = ChangeWatcher::new(sim, &[SERVICES, PODS]);
    loop {
        changes.mark_seen();
        let services = sim.store().list(SERVICES, None).0;
        for service in services.iter().filter(|s| is_set(s, "/spec/selector") && !is_terminating(s)) {
            reconcile(sim, service).await;
        }
        remove_stale(sim, &services);
        changes.wait(sim, None).await;
    }
}

async fn reconcile(sim: &KubeSim, service: &Value) {
    let pods: Vec<_> = sim
        .store()
        .list(PODS, Some(namespace(service)))
        .0
        .into_iter()
        .filter(|pod| is_selected(pod, service))
        .collect();
    let slice = sim
        .store()
        .list(SLICES, Some(namespace(service)))
        .0
        .into_iter()
        .find(|slice| label(slice, OF_SERVICE) == Some(name(service)));
    let slice_name = match &slice {
        Some(slice) => name(slice).to_owned(),
        None => format!("{}-{}", name(service), meta::suffix(sim)),
    };
    let endpoints = sim.store().get(ENDPOINTS, namespace(service), name(service));
    create_or_update(sim, ENDPOINTS, endpoints, as_endpoints(service, &pods)).await;
    create_or_update(sim, SLICES, slice, as_slice(service, &slice_name, &pods)).await;
}

fn is_selected(pod: &Value, service: &Value) -> bool {
    entries(service, "/spec/selector").all(|(key, wanted)| label(pod, key) == wanted.as_str())
        && !text(pod, "/status/podIP").is_empty()
        && !is_terminal(pod)
}

fn is_ready(pod: &Value, service: &Value) -> bool {
    flag(service, "/spec/publishNotReadyAddresses") || (holds(pod, "Ready") && !is_terminating(pod))
}

/// Creates `wanted`, or updates `before` to it, keeping the identity of `before`.
async fn create_or_update(sim: &KubeSim, resource: GroupResource, before: Option<Arc<Value>>, wanted: Value) {
    let Some(before) = before else {
        // Somebody may have been faster; then the next change brings both together.
        let _ = create_as_controller(sim, resource.0, resource.1, wanted).await;
        return;
    };
    let mut next = (*before).clone();
    let members: Map<String, Value> = wanted.as_object().cloned().unwrap_or_default();
    for (key, value) in members {
        match key.as_str() {
            "metadata" => next["metadata"]["labels"] = value["labels"].clone(),
            "kind" | "apiVersion" => {}
            _ => next[key] = value,
        }
    }
    if wanted.get("subsets").is_none()
        && resource == ENDPOINTS
        && let Some(next) = next.as_object_mut()
    {
        next.shift_remove("subsets");
    }
    let changed = next != *before;
    if changed && next["metadata"].get("generation").is_some() {
        meta::count_generation(&mut next);
    }
    let _ = replace_as_controller(sim, resource, &before, next); // whoever changed it meanwhile is put right next time
}

/// Removes the Endpoints and EndpointSlices of Services that are gone.
fn remove_stale(sim: &KubeSim, services: &[Arc<Value>]) {
    for (group, resource) in [ENDPOINTS, SLICES] {
        let Some(kind) = kinds::find(group, resource) else { continue };
        for object in sim.store().list((group, resource), None).0 {
            let of = match group {
                "" if label(&object, ENDPOINTS_MANAGED_BY.0).is_some() => Some(name(&object)),
                "" => None,
                _ => label(&object, OF_SERVICE),
            };
            let there = services.iter().any(|s| namespace(s) == namespace(&object) && Some(name(s)) == of);
            if of.is_some() && !there {
                let options = Options { uid: Some(uid(&object).to_owned()), ..Options::default() };
                let _ =
                    delete(sim.store(), kind, namespace(&object), name(&object), &options, sim.clock().now());
            }
        }
    }
}

fn target(pod: &Value) -> Value {
    json!({"kind": "Pod", "namespace": namespace(pod), "name": name(pod), "uid": uid(pod)})
}

/// The Service's ports as they are on a pod: a named target is looked up in its containers.
fn ports(service: &Value, pod: &Value) -> Vec<Value> {
    let named = |wanted: &str| {
        let all = list(pod, "/spec/containers").iter().flat_map(|c| list(c, "/ports"));
        all.filter(|p| text(p, "/name") == wanted).find_map(|p| number(p, "/containerPort"))
    };
    let resolved = list(service, "/spec/ports").iter().filter_map(|port| {
        let number = match port.get("targetPort") {
            Some(Value::String(name)) => named(name)?,
            Some(target) => target.as_i64().filter(|n| *n > 0).or_else(|| number(port, "/port"))?,
            None => number(port, "/port")?,
        };
        let mut own = json!({"port": number, "protocol": text(port, "/protocol")});
        if let Some(name) = port.get("name").filter(|n| !n.is_null()) {
            own["name"] = name.clone();
        }
        Some(own)
    });
    resolved.collect()
}

fn as_endpoints(service: &Value, pods: &[Arc<Value>]) -> Value {
    let mut subsets: Vec<(Vec<Value>, Vec<Value>, Vec<Value>)> = Vec::new();
    for pod in pods {
        let address = json!({"ip": text(pod, "/status/podIP"), "nodeName": text(pod, "/spec/nodeName"), "targetRef": target(pod)});
        let own = ports(service, pod);
        let at = match subsets.iter().position(|(ports, _, _)| *ports == own) {
            Some(at) => at,
            None => {
                subsets.push((own, Vec::new(), Vec::new()));
                subsets.len() - 1
            }
        };
        let (_, ready, waiting) = &mut subsets[at];
        if is_ready(pod, service) { ready.push(address) } else { waiting.push(address) }
    }
    let subsets: Vec<Value> = subsets
        .into_iter()
        .map(|(ports, ready, waiting)| {
            let mut subset = json!({});
            for (key, addresses) in [("addresses", ready), ("notReadyAddresses", waiting)] {
                if !addresses.is_empty() {
                    subset[key] = addresses.into();
                }
            }
            if !ports.is_empty() {
                subset["ports"] = ports.into();
            }
            subset
        })
        .collect();
    let mut labels = service["metadata"]["labels"].clone();
    if !labels.is_object() {
        labels = json!({});
    }
    labels[ENDPOINTS_MANAGED_BY.0] = ENDPOINTS_MANAGED_BY.1.into();
    let mut endpoints = json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {
        "name": name(service), "namespace": namespace(service), "labels": labels,
        "annotations": {TRIGGERED: service["metadata"]["creationTimestamp"]}}});
    if !subsets.is_empty() {
        endpoints["subsets"] = subsets.into();
    }
    endpoints
}

fn as_slice(service: &Value, slice: &str, pods: &[Arc<Value>]) -> Value {
    let endpoints: Vec<Value> = pods
        .iter()
        .map(|pod| {
            let serving = flag(service, "/spec/publishNotReadyAddresses") || holds(pod, "Ready");
            json!({"addresses": [text(pod, "/status/podIP")],
                "conditions": {"ready": is_ready(pod, service), "serving": serving, "terminating": is_terminating(pod)},
                "nodeName": text(pod, "/spec/nodeName"), "targetRef": target(pod)})
        })
        .collect();
    let mut ports: Vec<Value> = pods.first().map(|pod| ports(service, pod)).unwrap_or_default();
    for port in &mut ports {
        default_to(port, "name", "");
    }
    let mut owner = reference(service);
    owner["apiVersion"] = "v1".into();
    let mut labels = service["metadata"]["labels"].clone();
    if !labels.is_object() {
        labels = json!({});
    }
    labels[OF_SERVICE] = name(service).into();
    labels[MANAGED_BY.0] = MANAGED_BY.1.into();
    // A list of Go's that was never filled is written as null.
    let or_null = |list: Vec<Value>| if list.is_empty() { Value::Null } else { Value::Array(list) };
    json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": slice, "generateName": format!("{}-", name(service)), "namespace": namespace(service),
            "labels": labels, "ownerReferences": [owner],
            "annotations": {TRIGGERED: service["metadata"]["creationTimestamp"]}},
        "addressType": "IPv4", "endpoints": or_null(endpoints), "ports": or_null(ports)})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str, ready: bool, leaving: bool) -> Arc<Value> {
        let mut pod = json!({
            "metadata": {"name": name, "namespace": "ns", "uid": name},
            "spec": {"nodeName": "n", "containers": [{"ports": [{"name": "web", "containerPort": 8080}]}]},
            "status": {"podIP": "10.0.0.1", "phase": "Running",
                "conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}]}});
        if leaving {
            pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T09:00:00Z");
        }
        Arc::new(pod)
    }

    #[test]
    fn ready_pods_serve_and_the_others_wait() {
        let service = json!({"metadata": {"name": "s", "namespace": "ns"}, "spec": {
            "selector": {}, "ports": [{"name": "http", "port": 80, "targetPort": "web", "protocol": "TCP"}]}});
        let pods = [pod("a", true, false), pod("b", false, false), pod("c", true, true)];
        let endpoints = as_endpoints(&service, &pods);
        let subset = &endpoints["subsets"][0];
        assert_eq!(list(subset, "/addresses").len(), 1);
        assert_eq!(list(subset, "/notReadyAddresses").len(), 2);
        assert_eq!(subset["ports"], json!([{"port": 8080, "protocol": "TCP", "name": "http"}]));
        let slice = as_slice(&service, "s-x", &pods);
        assert_eq!(
            slice["endpoints"][2]["conditions"],
            json!({"ready": false, "serving": true, "terminating": true})
        );
    }

    #[test]
    fn a_service_may_publish_pods_that_are_not_ready() {
        let service = json!({"spec": {"publishNotReadyAddresses": true}});
        assert!(is_ready(&pod("a", false, false), &service));
    }
}
