//! What the API server asks of a node: logs, what its pods use, the list of them, its health, and its own metrics; what is
//! not built yet says so.

pub mod access;
mod configz;
mod logs;
pub(crate) mod metrics;
pub mod network;
mod resource_metrics;
pub(crate) mod response;
mod streams;
mod summary;
mod usage;

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use bytes::Bytes;
use determinism::Clock;
use eci_api::query::parse_form;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::json;

use self::network::{MachineNetwork, PodNetwork};
use self::response::{Body, Refusal, of_kind, text};
use self::streams::{Sessions, Streams};
use self::usage::Meter;
use crate::config::Config;
use crate::eci::Eci;
use crate::health::{Check, Health};
use crate::log_levels::{self, LevelError};
use crate::namespaces::ServedNamespaces;
use crate::pods::store::PodStore;
use metrics::Metrics;

/// The node's API as a service.
#[derive(Clone)]
pub struct KubeletApi {
    store: PodStore,
    eci: Eci,
    clock: Clock,
    health: Health,
    config: Arc<Config>,
    meter: Meter,
    metrics: Metrics,
    sessions: Sessions,
    served: ServedNamespaces,
    network: Arc<dyn PodNetwork>,
}

/// The parts of the node's API that are not built yet.
const NOT_YET: [&str; 5] = ["run", "stats", "metrics", "checkpoint", "logs"];

impl KubeletApi {
    /// Of the node with this configuration and the pods of `store`, whose groups are in `eci`.
    pub(crate) fn new(
        config: &Config,
        store: PodStore,
        eci: Eci,
        clock: Clock,
        health: Health,
        metrics: Metrics,
    ) -> Self {
        let meter = Meter::new(store.clone(), eci.clone(), clock.clone());
        Self {
            store,
            eci,
            clock,
            health,
            config: Arc::new(config.clone()),
            meter,
            metrics,
            sessions: Sessions::default(),
            served: ServedNamespaces::new(&[]).0,
            network: Arc::new(MachineNetwork),
        }
    }

    /// The same, reaching its pods over another network than this machine's.
    #[must_use]
    pub fn over(self, network: impl PodNetwork + 'static) -> Self {
        Self { network: Arc::new(network), ..self }
    }

    /// Returns true for the address of one of the node's pods.
    pub fn has_pod_at(&self, address: &str) -> bool {
        let groups = self
            .store
            .pods()
            .into_iter()
            .filter_map(|pod| self.store.get(pod.metadata.uid.as_deref()?)?.group);
        groups.into_iter().any(|group| group.intranet_ip == address)
    }

    /// The same for a node that runs pods of these namespaces only; of pods of others it says so.
    #[must_use]
    pub(crate) fn serving(self, served: ServedNamespaces) -> Self {
        Self { served, ..self }
    }

    /// Fails for what is asked of a pod whose namespace is not served.
    fn check_namespace(&self, path: &str) -> Result<(), Refusal> {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        match (parts.next(), parts.next()) {
            (Some("containerLogs" | "exec" | "attach" | "portForward"), Some(namespace)) => {
                let checked = self.served.check(namespace);
                // of a 404 kubectl does not show the sentence
                checked.map_err(|not_served| Refusal::new(StatusCode::FORBIDDEN, not_served.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// Answers one request of somebody who may ask.
    pub fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Response<Body>> {
        self.respond(request).boxed()
    }

    async fn respond(&self, request: Request<Bytes>) -> Response<Body> {
        if let Err(refusal) = self.check_namespace(request.uri().path()) {
            return text(refusal.status, &refusal.text);
        }
        let answered = match self.opens(&request) {
            Some(path) => self.open(request, &path).await,
            None => self.answer(&request).await,
        };
        match answered {
            Ok(response) => response,
            Err(refusal) => text(refusal.status, &refusal.text),
        }
    }

    /// The parts of a path at which streams are opened.
    fn opens(&self, request: &Request<Bytes>) -> Option<Vec<String>> {
        let parts: Vec<String> =
            request.uri().path().split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        matches!(parts.first()?.as_str(), "exec" | "attach" | "portForward").then_some(parts)
    }

    async fn open(&self, request: Request<Bytes>, path: &[String]) -> Result<Response<Body>, Refusal> {
        let streams = Streams {
            sessions: &self.sessions,
            store: &self.store,
            eci: &self.eci,
            clock: &self.clock,
            network: &self.network,
        };
        if !matches!(*request.method(), Method::GET | Method::POST) {
            let text = format!("{} is opened by GET or POST", request.uri().path());
            return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, text));
        }
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        // A kubelet takes the pod's UID as well.
        match parts.as_slice() {
            ["exec", namespace, pod, container] | ["exec", namespace, pod, _, container] => {
                streams.exec(request, (namespace, pod, container)).await
            }
            ["attach", namespace, pod, container] | ["attach", namespace, pod, _, container] => {
                streams.attach(request, (namespace, pod, container)).await
            }
            ["portForward", namespace, pod] | ["portForward", namespace, pod, _] => {
                streams.forward(request, (namespace, pod)).await
            }
            _ => Err(Refusal::new(StatusCode::NOT_FOUND, "404 page not found")),
        }
    }

    async fn answer(&self, request: &Request<Bytes>) -> Result<Response<Body>, Refusal> {
        let path = request.uri().path();
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        match (request.method(), parts.as_slice()) {
            (&Method::GET, ["healthz", check @ ..]) => self.healthz(check),
            (&Method::GET, ["pods"]) => Ok(self.pods(false)),
            (&Method::GET, ["runningpods"]) if !path.ends_with('/') => {
                let mut moved = text(StatusCode::MOVED_PERMANENTLY, "");
                moved.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/runningpods/"));
                Ok(moved)
            }
            (&Method::GET, ["runningpods"]) => Ok(self.pods(true)),
            (&Method::GET, ["containerLogs", namespace, pod, container]) => {
                let query = request.uri().query().unwrap_or_default();
                let options = logs::LogOptions::read(query)
                    .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error.to_string()))?;
                logs::answer(&self.store, &self.eci, &self.clock, (namespace, pod, container), options).await
            }
            (&Method::GET, ["stats", "summary"]) => {
                self.summary(request.uri().query().unwrap_or_default()).await
            }
            (&Method::GET, ["metrics", "resource"]) => Ok(self.resource_metrics().await),
            (&Method::GET, ["metrics"]) => {
                let failed =
                    |_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written");
                Ok(of_kind(resource_metrics::KIND, &self.metrics.text().map_err(failed)?))
            }
            (&Method::PUT, ["debug", "flags", "v"]) => {
                let levels = String::from_utf8_lossy(request.body());
                let refused = |error: LevelError| Refusal::new(StatusCode::BAD_REQUEST, error.to_string());
                log_levels::set(&levels).map_err(refused)?;
                tracing::info!("the log's levels were set over the node's port");
                Ok(text(StatusCode::OK, "successfully set the log's levels"))
            }
            (&Method::GET, ["configz"]) => {
                let configuration = configz::of(&self.config, &self.eci).to_string();
                Ok(of_kind("application/json", &configuration))
            }
            (_, ["configz"] | ["stats", "summary"] | ["metrics"] | ["metrics", "resource"]) => {
                Err(by_get(path))
            }
            (_, [first, ..]) if NOT_YET.contains(first) => {
                let text = format!(
                    "/{first} is not built yet on the virtual node; logs, exec, attach, portForward, \
                     /stats/summary, /metrics, /metrics/resource, /configz and the list of pods are"
                );
                Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, text))
            }
            (_, ["healthz" | "pods" | "runningpods" | "containerLogs", ..]) => Err(by_get(path)),
            _ => Err(Refusal::new(StatusCode::NOT_FOUND, "404 page not found")),
        }
    }

    /// The provider's own health: all checks, one by its name, or `ping`, which is well wherever this is answered.
    fn healthz(&self, check: &[&str]) -> Result<Response<Body>, Refusal> {
        let wanted = match check {
            [] => None,
            ["ping"] => return Ok(text(StatusCode::OK, "ok")),
            [name] => Some(Check::ALL.into_iter().find(|check| check.name() == *name)),
            _ => Some(None),
        };
        let late = match wanted {
            None => self.health.failure(),
            Some(Some(check)) => self.health.check(check).err().map(|late| late.to_string()),
            Some(None) => return Err(Refusal::new(StatusCode::NOT_FOUND, "404 page not found")),
        };
        match late {
            None => Ok(text(StatusCode::OK, "ok")),
            Some(late) => Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, late)),
        }
    }

    /// The pods of the node; with `running` only those that have something in the cloud which nobody asked to end.
    fn pods(&self, running: bool) -> Response<Body> {
        let mut items = Vec::new();
        for pod in self.store.pods() {
            let view = pod.metadata.uid.as_deref().and_then(|uid| self.store.get(uid));
            let runs = view.is_some_and(|view| {
                view.deletion == crate::pods::decide::DeletionState::NotRequested
                    && view.group.is_some_and(|group| crate::pods::group_state::still_works(&group))
            });
            if !running || runs {
                items.push(serde_json::to_value(pod.as_ref()).unwrap_or_default());
            }
        }
        of_kind(
            "application/json",
            &json!({ "kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items }).to_string(),
        )
    }

    async fn summary(&self, query: &str) -> Result<Response<Body>, Refusal> {
        let read = self.meter.read().await;
        let reading = read.map_err(|error| {
            Refusal::new(StatusCode::BAD_GATEWAY, format!("what the pods use cannot be read: {error}"))
        })?;
        let only = parse_form(query.as_bytes())
            .iter()
            .any(|(key, value)| key == "only_cpu_and_memory" && value == "true");
        let told = summary::summary(&self.config.node_name, &self.meter, &reading, only);
        Ok(of_kind("application/json", &told.to_string()))
    }

    async fn resource_metrics(&self) -> Response<Body> {
        let reading = self.meter.read().await;
        if let Err(error) = &reading {
            tracing::warn!(%error, "what the pods use cannot be read");
        }
        of_kind(resource_metrics::KIND, &resource_metrics::text(reading.ok().as_deref()))
    }
}

fn by_get(path: &str) -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, format!("{path} is read by GET"))
}
