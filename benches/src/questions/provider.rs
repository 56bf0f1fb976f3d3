//! Questions of the provider: its pure steps, each of which is taken several times in a pod's life.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use determinism::Clock;
use eci_api::actions::DescribeContainerGroups;
use eci_api::group::ContainerGroup;
use eci_sim::EciSim;
use http::Request;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use provider::Config;
use provider::pods::decide::{CloudView, DeletionState, Observation, decide};
use provider::pods::identity::Owner;
use provider::pods::provenance::{GroupHistory, TokenBasis};
use provider::pods::request::{Scope, for_pod};
use provider::pods::sources::Sources;
use provider::pods::{publish, status};
use provider::webhook::Webhook;
use provider::webhook::injection::Injection;
use serde_json::{Value, json};

use crate::question::Ask;

/// The present of the questions.
const NOW: &str = "2026-01-05T01:00:00Z";

/// A pod as a Deployment makes it: two containers with variables, ports, requests and probes.
///
/// # Errors
/// None: the text below is a pod.
pub fn pod() -> Result<Pod> {
    let probe = json!({ "httpGet": { "path": "/healthz", "port": 8080 }, "periodSeconds": 10 });
    let container = |name: &str| {
        json!({
            "name": name, "image": format!("registry.example/{name}:1.2"), "command": ["/bin/serve"], "args": ["--port=8080"],
            "env": [{ "name": "LEVEL", "value": "info" }, { "name": "HOST", "value": "$(LEVEL).example" },
                    { "name": "POD_NAME", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } }],
            "ports": [{ "containerPort": 8080, "protocol": "TCP" }],
            "resources": { "requests": { "cpu": "500m", "memory": "1Gi" }, "limits": { "cpu": "1", "memory": "2Gi" } },
            "readinessProbe": probe, "livenessProbe": probe,
            "volumeMounts": [{ "name": "scratch", "mountPath": "/tmp" }],
        })
    };
    Ok(serde_json::from_value(json!({
        "metadata": { "name": "web-5d9c7f4b8-x2x7v", "namespace": "shop", "uid": "9e0f9f43-6f0e-4a55-9c3c-1a4a5f0d7c11",
                      "labels": { "app": "web" }, "creationTimestamp": NOW },
        "spec": { "nodeName": "virtual-kubelet", "restartPolicy": "Always", "enableServiceLinks": false,
                  "volumes": [{ "name": "scratch", "emptyDir": {} }],
                  "containers": [container("web"), container("proxy")] },
        "status": { "phase": "Pending" },
    }))?)
}

fn scope() -> Scope {
    let owner = Owner { cluster: "bench".into(), cluster_uid: None, node: "virtual-kubelet".into() };
    Scope { config: Config::new("vsw-1", "sg-1"), region: "cn-hangzhou".into(), owner }
}

/// The group of [`pod`], a minute after its creation.
fn running_group(pod: &Pod) -> Result<ContainerGroup> {
    let clock = Clock::still(NOW.parse()?);
    let sim = EciSim::builder().clock(clock.clone()).build();
    sim.act(&for_pod(pod, &Sources::default(), &scope(), &TokenBasis::First)?.request)?;
    clock.advance(Duration::from_secs(60))?;
    let groups = sim.act(&DescribeContainerGroups::default())?.container_groups;
    let group = groups.into_iter().next().context("the pod's group")?;
    ensure!(group.status == "Running", "the group is {}", group.status);
    Ok(group)
}

/// From a pod to the request that makes its group.
///
/// # Errors
/// When the pod is refused.
pub fn request() -> Result<Ask> {
    let (pod, scope, sources) = (pod()?, scope(), Sources::default());
    Ok(Box::new(move || {
        black_box(for_pod(&pod, &sources, &scope, &TokenBasis::First)?);
        Ok(())
    }))
}

/// From a group to the pod's status, and the patch that brings the pod to it.
///
/// # Errors
/// When the group does not run.
pub fn status() -> Result<Ask> {
    let pod = pod()?;
    let group = running_group(&pod)?;
    let now: Timestamp = NOW.parse::<Timestamp>()? + Duration::from_secs(60);
    Ok(Box::new(move || {
        let wanted = status::of(&pod, &group, now);
        let annotations: BTreeMap<_, _> = publish::annotations(&group);
        black_box(publish::patch(&pod, &wanted, &annotations)).context("a pod that is Pending is patched")?;
        Ok(())
    }))
}

/// The next step for a pod whose group runs.
///
/// # Errors
/// When the group does not run.
pub fn decision() -> Result<Ask> {
    let pod = pod()?;
    let group = running_group(&pod)?;
    let history = GroupHistory::NeverHad;
    let now: Timestamp = NOW.parse::<Timestamp>()? + Duration::from_secs(60);
    Ok(Box::new(move || {
        black_box(decide(&Observation {
            pod: &pod,
            in_api: true,
            cloud: CloudView::Here(&group),
            history: &history,
            deletion: DeletionState::NotRequested,
            unanswered: false,
            has_further_spec: false,
            seen_at: Some(now),
            now,
        }));
        Ok(())
    }))
}

/// An AdmissionReview of a pod in a labelled namespace: read, decided, answered.
///
/// # Errors
/// When the review cannot be written.
pub fn review() -> Result<Ask> {
    let mut object: Value = serde_json::to_value(pod()?)?;
    object["spec"].as_object_mut().context("a spec")?.remove("nodeName");
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": { "uid": "r-1", "namespace": "shop", "operation": "CREATE", "object": object,
                     "kind": { "group": "", "version": "v1", "kind": "Pod" },
                     "resource": { "group": "", "version": "v1", "resource": "pods" } },
    });
    let body = Bytes::from(serde_json::to_vec(&review)?);
    let webhook = Webhook::new(Injection::default());
    Ok(Box::new(move || {
        let response = webhook.call(Request::post("/inject").body(body.clone())?);
        ensure!(response.status() == 200, "{}", String::from_utf8_lossy(response.body()));
        ensure!(response.body().windows(7).any(|part| part == b"\"patch\""), "the pod is not injected");
        Ok(())
    }))
}
