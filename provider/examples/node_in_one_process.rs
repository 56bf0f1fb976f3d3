//! The virtual node as a library: a provider between an embedded Kubernetes API and a local ECI, without a port.
//!
//! `cargo run -p provider --example node_in_one_process`; `cargo test` runs it too. Against a real cluster and the real cloud
//! the client comes from a kubeconfig and the transport is `provider::eci::HyperTransport`.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use determinism::{Clock, Seed};
use eci_api::Secret;
use eci_sim::EciSim;
use futures::future::BoxFuture;
use http::{Request, Response};
use k8s_openapi::api::core::v1::Pod;
use kube::api::PostParams;
use kube::{Api, Client};
use kube_sim::KubeSim;
use provider::eci::{Credentials, Transport, TransportError};
use provider::{Config, Eci, Provider};
use serde_json::json;

/// A line to the cloud that goes over no socket.
struct InProcess(EciSim);

impl Transport for InProcess {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async { Ok(self.0.call(request)) })
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let clock = Clock::following_runtime("2026-01-05T01:30:00Z".parse()?);
    let seed = Seed::DEFAULT;
    let sim = EciSim::builder().clock(clock.clone()).credential("local", Secret::new("local-secret")).build();
    let api = KubeSim::builder().clock(clock.clone()).build();
    let kube = Client::new(api.service(), "default");
    let controllers = tokio::spawn(async move { api.run_controllers().await });

    let credentials = Credentials { access_key_id: "local".into(), secret: Secret::new("local-secret") };
    let eci = Eci::new(Arc::new(InProcess(sim.clone())), credentials, "cn-hangzhou", clock.clone(), seed);
    let provider = Provider::new(Config::new("vsw-1", "sg-1"), kube.clone(), eci, clock, seed);
    let running = tokio::spawn(async move { provider.run(std::future::pending()).await });

    let pods: Api<Pod> = Api::default_namespaced(kube);
    let pod = json!({
        "metadata": { "name": "nginx" },
        "spec": { "nodeName": "virtual-kubelet", "containers": [{ "name": "nginx", "image": "nginx" }] }
    });
    pods.create(&PostParams::default(), &serde_json::from_value(pod)?).await?;
    tokio::time::sleep(Duration::from_secs(120)).await;
    let phase = pods.get("nginx").await?.status.and_then(|status| status.phase);
    println!(
        "nginx is {}, and costs ¥ {} so far",
        phase.as_deref().unwrap_or("unknown"),
        sim.control().bill().total
    );
    assert_eq!(phase.as_deref(), Some("Running"));

    running.abort();
    controllers.abort();
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_pod_runs_without_a_port() -> Result<(), Box<dyn std::error::Error>> {
        super::main()
    }
}
