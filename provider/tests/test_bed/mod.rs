//! The bed of one test: a cluster, a cloud and a provider in one process, under one paused clock.

#![allow(clippy::unwrap_used, reason = "a test whose bed cannot be made fails")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use determinism::{Clock, Seed};
use eci_api::Secret;
use eci_api::actions::delete_container_group::DeleteContainerGroup;
use eci_api::actions::describe_container_groups::DescribeContainerGroups;
use eci_api::group::ContainerGroup;
use eci_sim::EciSim;
use eci_sim::control::Control;
use futures::future::BoxFuture;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use k8s_openapi::api::core::v1::{Event, Namespace, Node, Pod};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::client::Body;
use kube::{Api, Client};
use kube_sim::{KubeSim, Outbound, OutboundError};
use provider::eci::{Credentials, Transport, TransportError};
use provider::{Config, Eci, Provider};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

const START_TIME: &str = "2026-01-05T01:00:00Z";

/// A change of the cloud's answers to `DescribeContainerGroups` on their way: whether ids were asked for, and the answer.
pub type Bend = fn(bool, &mut Value);

/// The line between provider and cloud, which can be cut.
#[derive(Clone)]
pub struct Line {
    sim: EciSim,
    bend: Arc<Mutex<Option<Bend>>>,
    cut: Arc<AtomicBool>,
    lose_answers: Arc<AtomicUsize>,
    /// The answers that say that a group was made are lost.
    pub lose_successes: Arc<AtomicBool>,
    /// The actions that travelled.
    pub calls: Arc<Mutex<Vec<String>>>,
}

impl Transport for Line {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            if self.cut.load(Ordering::Relaxed) {
                return Err(TransportError::new("connection refused"));
            }
            let action = request.headers()["x-acs-action"].to_str().unwrap().to_owned();
            self.calls.lock().unwrap().push(action.clone());
            let asked = format!("{} {}", request.uri(), String::from_utf8_lossy(request.body()));
            let mut answer = self.sim.call(request);
            let bend = *self.bend.lock().unwrap();
            if let Some(bend) = bend.filter(|_| action == "DescribeContainerGroups") {
                let mut told = serde_json::from_slice(answer.body()).unwrap();
                bend(asked.contains("ContainerGroupIds"), &mut told);
                *answer.body_mut() = told.to_string().into();
            }
            let lost = action == "CreateContainerGroup"
                && (self.lose_successes.load(Ordering::Relaxed) && answer.status().is_success()
                    || self
                        .lose_answers
                        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1))
                        .is_ok());
            if lost { Err(TransportError::new("connection reset")) } else { Ok(answer) }
        })
    }
}

struct Nowhere;

impl Outbound for Nowhere {
    fn send(
        &self,
        _request: Request<Bytes>,
        _ca: Option<Vec<u8>>,
    ) -> BoxFuture<'_, Result<Response<kube_sim::KubeBody>, OutboundError>> {
        Box::pin(async { Err(OutboundError("nobody is there".to_owned())) })
    }
}

pub struct TestBed {
    pub kube: Client,
    pub sim: EciSim,
    pub line: Line,
    pub clock: Clock,
    pub provider: Option<Arc<Provider>>,
    running: Option<JoinHandle<()>>,
    controllers: JoinHandle<()>,
}

impl TestBed {
    /// A test bed whose provider runs, and whose node is ready.
    pub async fn start() -> Self {
        let mut bed = Self::without_provider().await;
        bed.start_provider().await;
        bed
    }

    pub async fn without_provider() -> Self {
        let clock = Clock::following_runtime(START_TIME.parse().unwrap());
        let sim = EciSim::builder()
            .clock(clock.clone())
            .seed(Seed::DEFAULT)
            .credential("local", Secret::new("local-secret"))
            .build();
        let api = KubeSim::builder().clock(clock.clone()).outbound(Arc::new(Nowhere)).build();
        let kube = Client::new(api.service(), "default");
        let controllers = tokio::spawn(async move { api.run_controllers().await });
        let line = Line {
            sim: sim.clone(),
            bend: Arc::default(),
            cut: Arc::default(),
            lose_answers: Arc::default(),
            lose_successes: Arc::default(),
            calls: Arc::default(),
        };
        Self { kube, sim, line, clock, provider: None, running: None, controllers }
    }

    pub fn provider(&self, secret: &str) -> Arc<Provider> {
        self.provider_with(secret, Config::new("vsw-1", "sg-1"))
    }

    pub fn provider_with(&self, secret: &str, config: Config) -> Arc<Provider> {
        let (clock, seed, eci) = (self.clock.clone(), Seed::DEFAULT, self.eci(secret));
        Arc::new(Provider::new(config, self.kube.clone(), eci, clock, seed))
    }

    pub fn eci(&self, secret: &str) -> Eci {
        let credentials = Credentials { access_key_id: "local".into(), secret: Secret::new(secret) };
        let (clock, seed) = (self.clock.clone(), Seed::DEFAULT);
        Eci::new(Arc::new(self.line.clone()), credentials, "cn-hangzhou", clock, seed)
    }

    pub fn run(&mut self, provider: Arc<Provider>) {
        self.provider = Some(provider.clone());
        self.running = Some(tokio::spawn(async move { provider.run(std::future::pending()).await.unwrap() }));
    }

    pub async fn start_provider(&mut self) {
        self.run(self.provider("local-secret"));
        self.until("the node is ready", async |bed| bed.node_condition("Ready").await == "True").await;
    }

    /// Stops the provider where it stands, as a kill does.
    pub async fn stop_provider(&mut self) {
        let running = self.running.take().unwrap();
        running.abort();
        drop(running.await);
        self.provider = None;
    }

    /// Ends the scheduler and all controllers.
    pub fn stop_controllers(&self) {
        self.controllers.abort();
    }

    pub fn control(&self) -> Control {
        self.sim.control()
    }

    pub fn cut(&self, cut: bool) {
        self.line.cut.store(cut, Ordering::Relaxed);
    }

    /// Bends the cloud's lists from now on, or lets them be.
    pub fn bend(&self, bend: Option<Bend>) {
        *self.line.bend.lock().unwrap() = bend;
    }

    pub fn lose_answers(&self, count: usize) {
        self.line.lose_answers.store(count, Ordering::Relaxed);
    }

    pub fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.kube.clone(), "default")
    }

    /// A pod on the virtual node; `spec` overrides.
    pub async fn create(&self, name: &str, spec: Value) -> Pod {
        let mut whole = json!({
            "nodeName": "virtual-kubelet",
            "containers": [{ "name": "main", "image": "nginx" }]
        });
        for (key, value) in spec.as_object().unwrap() {
            whole[key] = value.clone();
        }
        let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name }, "spec": whole });
        self.pods().create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap()
    }

    pub async fn running(&self, name: &str) -> Pod {
        self.create(name, json!({})).await;
        self.until_phase(name, "Running").await
    }

    pub async fn pod(&self, name: &str) -> Option<Pod> {
        self.pods().get_opt(name).await.unwrap()
    }

    pub async fn until_phase(&self, name: &str, phase: &str) -> Pod {
        self.until(&format!("{name} is {phase}"), async |bed| bed.phase(name).await == phase).await;
        self.pod(name).await.unwrap()
    }

    pub async fn until_gone(&self, name: &str) {
        self.until(&format!("{name} is gone"), async |bed| bed.pod(name).await.is_none()).await;
    }

    pub async fn phase(&self, name: &str) -> String {
        let pod = self.pod(name).await;
        pod.and_then(|pod| pod.status?.phase).unwrap_or_else(|| "gone".to_owned())
    }

    pub async fn delete(&self, name: &str, grace: Option<u32>) {
        let options = DeleteParams { grace_period_seconds: grace, ..DeleteParams::default() };
        self.pods().delete(name, &options).await.unwrap();
    }

    /// Looks again and again for ten minutes.
    pub async fn until(&self, what: &str, look: impl AsyncFn(&Self) -> bool) {
        for _ in 0..2400 {
            if look(self).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        let pods = self.pods().list(&ListParams::default()).await.unwrap().items;
        let pods: Vec<_> =
            pods.iter().map(|pod| json!({ "name": pod.metadata.name, "status": pod.status })).collect();
        let calls = self.line.calls.lock().unwrap();
        let last: Vec<_> = calls.iter().rev().take(10).collect();
        panic!(
            "{what}: not within ten minutes\npods {pods:#?}\ngroups {:#?}\nlast calls {last:?}",
            self.group_states()
        );
    }

    pub async fn pass(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    pub async fn node(&self) -> Node {
        Api::<Node>::all(self.kube.clone()).get("virtual-kubelet").await.unwrap()
    }

    pub async fn node_condition(&self, type_: &str) -> String {
        let node = Api::<Node>::all(self.kube.clone()).get_opt("virtual-kubelet").await.unwrap();
        let conditions = node.and_then(|node| node.status?.conditions).unwrap_or_default();
        conditions.into_iter().find(|c| c.type_ == type_).map(|c| c.status).unwrap_or_default()
    }

    /// All groups that the cloud has, page by page.
    pub fn groups(&self) -> Vec<ContainerGroup> {
        let mut groups = Vec::new();
        let mut next_token = None;
        loop {
            let request = DescribeContainerGroups { next_token, ..DescribeContainerGroups::default() };
            let reply = self.sim.act(&request).unwrap();
            groups.extend(reply.container_groups);
            if reply.next_token.is_empty() {
                return groups;
            }
            next_token = Some(reply.next_token);
        }
    }

    /// Takes a group away in the cloud, as somebody at its console does.
    pub fn take_away_group(&self, id: &str) {
        let request = DeleteContainerGroup {
            container_group_id: Some(id.to_owned()),
            force: Some(true),
            ..DeleteContainerGroup::default()
        };
        self.sim.act(&request).unwrap();
    }

    /// The calls of one action since `from`.
    pub fn count_calls(&self, from: usize, action: &str) -> usize {
        self.calls_since(from).iter().filter(|call| *call == action).count()
    }

    /// Reason and message of the events about the node.
    pub async fn node_events(&self) -> Vec<(String, String)> {
        self.events("virtual-kubelet").await
    }

    /// The states of all groups that the cloud has.
    pub fn group_states(&self) -> Vec<String> {
        self.groups().into_iter().map(|group| group.status).collect()
    }

    pub async fn events(&self, pod: &str) -> Vec<(String, String)> {
        let api: Api<Event> = Api::namespaced(self.kube.clone(), "default");
        let events = api.list(&ListParams::default()).await.unwrap().items;
        let of_pod = events.into_iter().filter(|event| event.involved_object.name.as_deref() == Some(pod));
        of_pod.map(|event| (event.reason.unwrap_or_default(), event.message.unwrap_or_default())).collect()
    }

    pub async fn logs(&self, pod: &str, query: &str) -> (u16, String) {
        let uri = format!("/containerLogs/default/{pod}/main?{query}");
        let request = Request::get(uri).body(Bytes::new()).unwrap();
        let response = self.provider.as_ref().unwrap().kubelet_api().call(request).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    pub async fn namespace_uid(&self) -> String {
        let namespace = Api::<Namespace>::all(self.kube.clone()).get("kube-system").await.unwrap();
        namespace.metadata.uid.unwrap()
    }

    pub fn calls_since(&self, from: usize) -> Vec<String> {
        self.line.calls.lock().unwrap()[from..].to_vec()
    }
}

impl Drop for TestBed {
    fn drop(&mut self) {
        self.controllers.abort();
        if let Some(running) = &self.running {
            running.abort();
        }
    }
}

/// A client whose events take two seconds to be written.
pub fn with_slow_events(client: Client) -> Client {
    let service = tower::service_fn(move |request: Request<Body>| {
        let client = client.clone();
        async move {
            if request.method() == Method::POST && request.uri().path().ends_with("/events") {
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
            client.send(request).await
        }
    });
    Client::new(service, "default")
}
