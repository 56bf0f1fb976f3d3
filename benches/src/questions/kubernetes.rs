//! Questions of the embedded Kubernetes API: one request, from its bytes to those of the answer, without a socket.

use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use determinism::Clock;
use http::Request;
use http_body_util::{BodyExt, Full};
use kube_sim::{KubeBody, KubeService, KubeSim};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::question::Ask;

/// Path of the pods.
const PODS: &str = "/api/v1/namespaces/default/pods";

/// An embedded API with pods, and a runtime that asks it.
pub struct Cluster {
    runtime: Runtime,
    service: KubeService,
    /// The cluster itself.
    pub sim: KubeSim,
}

impl Cluster {
    /// An API with so many pods, named `pod-0` and so on.
    ///
    /// # Errors
    /// When a pod is refused.
    pub fn with_pods(count: usize) -> Result<Self> {
        let clock = Clock::still("2026-01-05T01:00:00Z".parse()?);
        let sim = KubeSim::builder().clock(clock).build();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let cluster = Self { runtime, service: sim.service(), sim };
        for n in 0..count {
            cluster.ask("POST", PODS, &pod(&format!("pod-{n}")))?;
        }
        Ok(cluster)
    }

    /// One request whose answer is whole.
    ///
    /// # Errors
    /// When it is refused.
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Bytes> {
        let kind = match method {
            "PATCH" => "application/strategic-merge-patch+json",
            _ => "application/json",
        };
        self.send(method, path, kind, Bytes::from(serde_json::to_vec(body)?))
    }

    /// The same with a body of another kind.
    ///
    /// # Errors
    /// When it is refused.
    pub fn send(&self, method: &str, path: &str, content_type: &str, body: Bytes) -> Result<Bytes> {
        let request = Request::builder().method(method).uri(path).header("content-type", content_type);
        let request = request.body(Full::new(body))?;
        self.runtime.block_on(async {
            let response = self.service.answer(request).await;
            let status = response.status();
            let body = response.into_body().collect().await.map_err(anyhow::Error::from_boxed)?.to_bytes();
            if !status.is_success() {
                bail!("{method} {path}: {status}: {}", String::from_utf8_lossy(&body));
            }
            Ok(body)
        })
    }

    /// So many watches of the pods, from now on.
    ///
    /// # Errors
    /// When one is refused.
    pub fn watches(&self, count: usize) -> Result<Vec<KubeBody>> {
        let list: Value = serde_json::from_slice(&self.ask("GET", PODS, &Value::Null)?)?;
        let since = list.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default();
        let path = format!("{PODS}?watch=true&resourceVersion={since}");
        let watch = || {
            let request = Request::get(&path).body(Full::new(Bytes::new()))?;
            Ok(self.runtime.block_on(self.service.answer(request)).into_body())
        };
        (0..count).map(|_| watch()).collect()
    }

    /// Waits until each watch has told one event.
    ///
    /// # Errors
    /// When a watch has ended.
    pub fn read_one_each(&self, watches: &mut [KubeBody]) -> Result<()> {
        self.runtime.block_on(async {
            for watch in watches {
                match watch.frame().await {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(anyhow::Error::from_boxed(error)),
                    None => bail!("the watch has ended"),
                }
            }
            Ok(())
        })
    }
}

/// A pod of one container, as it is posted.
fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "labels": { "app": "web" } },
        "spec": { "containers": [{ "name": "web", "image": "nginx" }] },
    })
}

/// A change of a pod's status, another one for each number.
fn status_of(number: u64) -> Value {
    json!({ "status": { "phase": "Running", "hostIP": "192.0.2.1", "message": format!("change {number}") } })
}

/// Creation and deletion of a pod.
///
/// # Errors
/// When a pod is refused.
pub fn create_and_delete() -> Result<Ask> {
    let cluster = Cluster::with_pods(0)?;
    Ok(Box::new(move || {
        cluster.ask("POST", PODS, &pod("web"))?;
        cluster.ask("DELETE", &format!("{PODS}/web"), &json!({ "gracePeriodSeconds": 0 }))?;
        Ok(())
    }))
}

/// A strategic merge patch of a pod's status, another one each time.
///
/// # Errors
/// When a pod is refused.
pub fn status_patch() -> Result<Ask> {
    let cluster = Cluster::with_pods(1)?;
    let mut number = 0;
    Ok(Box::new(move || {
        number += 1;
        let patched = cluster.ask("PATCH", &format!("{PODS}/pod-0/status"), &status_of(number))?;
        let message = format!("change {number}\"");
        ensure!(patched.windows(message.len()).any(|part| part == message.as_bytes()), "nothing was changed");
        Ok(())
    }))
}

/// A server-side apply of a pod's labels, another one each time.
///
/// # Errors
/// When a pod is refused.
pub fn apply() -> Result<Ask> {
    let cluster = Cluster::with_pods(1)?;
    let mut number = 0_u64;
    Ok(Box::new(move || {
        number += 1;
        let labels = json!({ "number": number.to_string() });
        let applied =
            json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "pod-0", "labels": labels } });
        let path = format!("{PODS}/pod-0?fieldManager=bench&force=true");
        cluster.send("PATCH", &path, "application/apply-patch+yaml", serde_json::to_vec(&applied)?.into())?;
        Ok(())
    }))
}

/// A list of so many pods.
///
/// # Errors
/// When a pod is refused.
pub fn list(count: usize) -> Result<Ask> {
    let cluster = Cluster::with_pods(count)?;
    Ok(Box::new(move || {
        cluster.ask("GET", PODS, &Value::Null)?;
        Ok(())
    }))
}

/// One change of a pod, until the last of so many watchers knows it.
///
/// # Errors
/// When a pod is refused.
pub fn change_seen_by(watchers: usize) -> Result<Ask> {
    let cluster = Cluster::with_pods(1)?;
    let mut watches = cluster.watches(watchers)?;
    let mut number = 0;
    Ok(Box::new(move || {
        number += 1;
        cluster.ask("PATCH", &format!("{PODS}/pod-0/status"), &status_of(number))?;
        cluster.read_one_each(&mut watches)
    }))
}
