//! A node that measures: it says of every pod that runs on it that it uses as much as the test wants.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use kube_sim::{KubeBody, KubeSim, Outbound, OutboundError};
use serde_json::{Value, json};

/// Address of the nodes that measure.
pub const ADDRESS: &str = "192.0.2.7";

/// What every pod uses: thousandths of a CPU, and bytes.
#[derive(Default)]
pub struct Measured {
    pub cpu: AtomicU64,
    pub memory: AtomicU64,
    sim: OnceLock<KubeSim>,
}

impl Measured {
    /// From now on the pods of this cluster are measured.
    pub fn measure(&self, sim: &KubeSim) {
        let _ = self.sim.set(sim.clone());
    }

    pub fn set_cpu(&self, thousandths: u64) {
        self.cpu.store(thousandths, Ordering::Relaxed);
    }

    pub fn set_memory(&self, bytes: u64) {
        self.memory.store(bytes, Ordering::Relaxed);
    }

    /// The summary of a cluster's pods.
    pub fn summary(&self) -> Value {
        let Some(sim) = self.sim.get() else { return Value::Null };
        let now = sim.clock().now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let cpu = self.cpu.load(Ordering::Relaxed) * 1_000_000;
        let memory = self.memory.load(Ordering::Relaxed);
        let used =
            json!({"cpu": {"time": now, "usageNanoCores": cpu}, "memory": {"workingSetBytes": memory}});
        let pods = sim.store().list(("", "pods"), None).0;
        let running = pods.iter().filter(|pod| pod["status"]["phase"] == "Running");
        let pods = running.map(|pod| {
            let containers = pod["spec"]["containers"].as_array().unwrap().iter().map(|container| {
                let mut own = used.clone();
                own["name"] = container["name"].clone();
                own
            });
            let metadata = &pod["metadata"];
            json!({"podRef": {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]},
                "cpu": used["cpu"], "containers": containers.collect::<Vec<_>>()})
        });
        json!({"node": used, "pods": pods.collect::<Vec<_>>()})
    }
}

/// The way to the nodes.
pub struct Nodes(pub Arc<Measured>);

impl Outbound for Nodes {
    fn send(
        &self,
        request: Request<Bytes>,
        _: Option<Vec<u8>>,
    ) -> BoxFuture<'_, Result<Response<KubeBody>, OutboundError>> {
        let known = request.uri().host() == Some(ADDRESS);
        let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let summary = self.0.summary().to_string();
        Box::pin(async move {
            if !known {
                return Err(OutboundError("no route to host".to_owned()));
            }
            assert_eq!(path, "/stats/summary?only_cpu_and_memory=true");
            Ok(Response::new(Full::new(Bytes::from(summary)).map_err(Into::into).boxed_unsync()))
        })
    }
}
