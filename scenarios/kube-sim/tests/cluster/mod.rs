//! A cluster for tests: in process, under the paused clock of the test's runtime, with its controllers running.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::time::Duration;

use determinism::Clock;
use k8s_openapi::api::core::v1::{Event, Node, Pod};
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube_sim::{KubeSim, KubeSimBuilder};
use serde_json::{Value, json};

/// The cluster and a client of it.
pub struct Cluster {
    pub sim: KubeSim,
    pub client: kube::Client,
}

pub fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// Lets `seconds` pass, and everything that falls due in them happen.
pub async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// Lets the controllers do what they have to do now.
pub async fn settle() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

impl Cluster {
    pub fn start() -> Self {
        Self::started(KubeSim::builder())
    }

    pub fn started(builder: KubeSimBuilder) -> Self {
        let clock = Clock::following_runtime("2026-01-05T01:00:00Z".parse().unwrap());
        let sim = builder.clock(clock).build();
        let running = sim.clone();
        tokio::spawn(async move { running.run_controllers().await });
        let client = kube::Client::new(sim.service(), "default");
        Self { sim, client }
    }

    pub fn pods(&self) -> Api<Pod> {
        Api::default_namespaced(self.client.clone())
    }

    pub fn nodes(&self) -> Api<Node> {
        Api::all(self.client.clone())
    }

    pub fn api<T>(&self) -> Api<T>
    where
        T: kube::Resource<Scope = kube::core::NamespaceResourceScope>,
        T::DynamicType: Default,
    {
        Api::default_namespaced(self.client.clone())
    }

    pub async fn make<T>(&self, object: Value) -> T
    where
        T: kube::Resource<Scope = kube::core::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::Serialize
            + serde::de::DeserializeOwned,
        T::DynamicType: Default,
    {
        self.api::<T>().create(&PostParams::default(), &read(object)).await.unwrap()
    }

    /// A ready node with 4 CPUs, 8 GiB and room for 10 pods, of which nothing more is heard.
    pub async fn node(&self, name: &str, taints: Value) {
        let now = self.sim.clock().now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let ready =
            json!({"type": "Ready", "status": "True", "lastHeartbeatTime": now, "lastTransitionTime": now});
        let node = json!({
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
            "spec": {"taints": taints},
            "status": {"capacity": {"cpu": "4", "memory": "8Gi", "pods": "10"}, "conditions": [ready]}});
        self.nodes().create(&PostParams::default(), &read(node)).await.unwrap();
        settle().await;
    }

    pub async fn pod(&self, name: &str, spec: Value) -> Pod {
        let mut whole = json!({"containers": [{"name": "c", "image": "nginx"}]});
        for (key, value) in spec.as_object().unwrap() {
            whole[key] = value.clone();
        }
        let pod = json!({"metadata": {"name": name, "labels": {"app": name}}, "spec": whole});
        self.pods().create(&PostParams::default(), &read(pod)).await.unwrap()
    }

    /// Writes into a pod's status, as its node would.
    pub async fn report(&self, pod: &str, status: Value) {
        let patch = Patch::Strategic(json!({"status": status}));
        self.pods().patch_status(pod, &PatchParams::default(), &patch).await.unwrap();
    }

    pub async fn run(&self, pod: &str) {
        let now = self.sim.clock().now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let ready = json!([{"type": "Ready", "status": "True", "lastTransitionTime": now}]);
        self.report(pod, json!({"phase": "Running", "podIP": "10.0.0.1", "conditions": ready})).await;
    }

    pub async fn seen(&self, pod: &str) -> Value {
        serde_json::to_value(self.pods().get(pod).await.unwrap()).unwrap()
    }

    pub async fn pod_names(&self) -> Vec<String> {
        let pods = self.pods().list(&ListParams::default()).await.unwrap();
        pods.items.into_iter().filter_map(|pod| pod.metadata.name).collect()
    }

    /// `reason: message` of all events about objects of this name.
    pub async fn events(&self, about: &str) -> Vec<String> {
        let events: Api<Event> = Api::all(self.client.clone());
        let events =
            events.list(&ListParams::default().fields(&format!("involvedObject.name={about}"))).await;
        let said = |event: Event| {
            format!("{}: {}", event.reason.unwrap_or_default(), event.message.unwrap_or_default())
        };
        let mut events = events.unwrap().items;
        let version =
            |event: &Event| event.metadata.resource_version.as_deref().and_then(|v| v.parse::<u64>().ok());
        events.sort_by_key(version);
        events.into_iter().map(said).collect()
    }
}
