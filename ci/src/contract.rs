//! Contract of a node with its cluster, checked by the real components: heartbeat, rolling, finishing, coming back,
//! draining.

mod logs;
mod streams;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::command::rest;
use crate::control_plane_session::{ControlPlaneSession, Watch, apply};
use crate::local_processes::{Binaries, Provider, Simulator, install_chart};
use crate::outcome::CheckOutcome;

/// Time for which the provider is away.
const AWAY: Duration = Duration::from_secs(60);
/// Factor of the cloud's time while many pods come and go; for a while only, since signatures age.
const FAST_RATE: u32 = 5;
/// Number of pods that roll, and of those that there are when the provider is killed in the middle of making the rest.
const MANY: usize = 20;
const MORE: usize = 25;
/// Arguments of kubectl that list the node's taints.
const TAINTS: &str = "get node virtual-kubelet --output=jsonpath={.spec.taints[*].key}";

/// Starts everything and looks at one truth after the other.
pub fn run(root: &Path) -> Result<CheckOutcome> {
    let programs = Binaries::build(root)?;
    let plane = ControlPlaneSession::start(root)?;
    install_chart(root, &plane, &[])?;
    let simulator = Simulator::start(&programs)?;
    let start = || Provider::start(&programs, &plane, &simulator, None);
    let stage = Stage { plane: &plane, simulator: &simulator };

    let provider = start()?;
    stage.first_life().with_context(|| provider.last_words())?;
    let before = stage.grows().with_context(|| provider.last_words())?;
    provider.kill();
    stage.silence()?;
    let provider = start()?;
    stage.back(&before).with_context(|| provider.last_words())?;
    stage.drains().with_context(|| provider.last_words())?;
    provider.end()?;
    simulator.end()?;
    plane.end()?;
    Ok(CheckOutcome::Passed)
}

/// Setting of the checks: the cluster and the cloud.
struct Stage<'a> {
    plane: &'a ControlPlaneSession,
    simulator: &'a Simulator,
}

/// State that must not change while a provider is away: each pod by its name, with its UID and its number of restarts.
type Pods = BTreeMap<String, (String, u64)>;

impl Stage<'_> {
    fn first_life(&self) -> Result<()> {
        let plane = self.plane;
        plane.kubectl("wait --for=create node/virtual-kubelet --timeout=30s")?;
        plane.kubectl("wait --for=condition=Ready node/virtual-kubelet --timeout=30s")?;
        self.has_no_foreign_taint()?;
        println!("✓ the node is Ready, and the taint of nodes that are not is taken from it");
        let watch = Watch::start(plane, &format!("{TAINTS}{{\"\\n\"}} --watch"))?;
        let first = self.beat()?;

        logs::check_flags(plane)?;
        streams::are_carried(plane)?;
        self.job()?;
        self.simulator.set_rate(FAST_RATE)?;
        self.rolls()?;
        self.measures()?;
        self.simulator.set_rate(1)?;

        ensure!(self.beat()? > first, "the lease was not renewed since {first}");
        println!("✓ the lease is renewed");
        let seen = watch.end()?;
        let foreign = seen.split_whitespace().find(|taint| taint.starts_with("node.kubernetes.io/"));
        ensure!(foreign.is_none(), "the node-lifecycle-controller added {foreign:?}; seen were:\n{seen}");
        ensure!(!seen.is_empty(), "the node was not watched");
        println!("✓ the node-lifecycle-controller added no taint in all that time");
        Ok(())
    }

    fn has_no_foreign_taint(&self) -> Result<()> {
        let ours = || Ok(self.plane.kubectl(TAINTS)? == "virtual-kubelet.io/provider");
        self.until("the provider's own taint is the node's only one", ours)
    }

    /// Time of the last renewal of the node's lease; such times compare as text.
    fn beat(&self) -> Result<String> {
        let lease =
            "--namespace kube-node-lease get lease virtual-kubelet --output jsonpath={.spec.renewTime}";
        self.plane.kubectl(lease)
    }

    fn job(&self) -> Result<()> {
        let template = pod_template("batch", &["sh", "-c", "sleep 3"], "OnFailure");
        let job = json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "batch" },
            "spec": { "completions": 3, "parallelism": 2, "template": template },
        });
        apply(self.plane, &job.to_string())?;
        self.plane.kubectl("wait --for=condition=Complete job/batch --timeout=180s")?;
        self.plane.kubectl("delete job batch --timeout=60s")?;
        println!("✓ a Job of three completes");
        Ok(())
    }

    fn rolls(&self) -> Result<()> {
        let template = pod_template("web", &[], "Always");
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
            "spec": { "replicas": MANY, "selector": { "matchLabels": { "app": "web" } }, "template": template },
        });
        apply(self.plane, &deployment.to_string())?;
        let status = "rollout status deployment/web --timeout=240s";
        self.plane.kubectl(status)?;
        self.plane.kubectl("set image deployment/web main=web:2")?;
        self.plane.kubectl(status)?;
        // the last of the old ones may still be leaving
        self.until("the old pods are gone", || Ok(self.pods()?.len() == MANY))?;
        let images = "get pods --selector app=web --output jsonpath={.items[*].spec.containers[*].image}";
        let images = self.plane.kubectl(images)?;
        ensure!(images.split(' ').all(|image| image == "web:2"), "these images run: {images}");
        self.one_group_each(MANY)?;
        println!("✓ a Deployment of {MANY} rolls from one image to the next; {MANY} groups are left");
        Ok(())
    }

    /// The node tells somebody with the cluster's certificate what it measures of its pods. It is asked at its own port,
    /// since the API server passes nothing on to a node on loopback.
    fn measures(&self) -> Result<()> {
        let port =
            "get node virtual-kubelet --output jsonpath={.status.daemonEndpoints.kubeletEndpoint.Port}";
        let node = format!("https://127.0.0.1:{}", self.plane.kubectl(port)?);
        let ask = |path: &str| {
            self.plane.kubectl(&format!("--server {node} --insecure-skip-tls-verify get --raw /{path}"))
        };
        self.until("all pods are measured", || {
            let summary: Value = serde_json::from_str(&ask("stats/summary")?)?;
            let used = |pod: &&Value| pod["cpu"]["usageNanoCores"].as_u64().is_some_and(|used| used > 0);
            Ok(summary["pods"].as_array().is_some_and(|pods| pods.iter().filter(used).count() == MANY))
        })?;
        let text = ask("metrics/resource")?;
        let samples = text.lines().filter(|line| line.starts_with("pod_memory_working_set_bytes{")).count();
        ensure!(samples == MANY, "{samples} pods are in /metrics/resource:\n{text}");
        println!("✓ what each of the {MANY} pods uses is told, as JSON and for Prometheus");
        Ok(())
    }

    /// Asks for more pods, and comes back as soon as their making has begun.
    fn grows(&self) -> Result<Pods> {
        self.plane.kubectl(&format!("scale deployment web --replicas {MORE}"))?;
        self.until("all pods are bound", || {
            let bound =
                "get pods --selector app=web --field-selector spec.nodeName=virtual-kubelet --output name";
            Ok(self.plane.kubectl(bound)?.lines().count() == MORE)
        })?;
        self.pods()
    }

    fn silence(&self) -> Result<()> {
        rest(AWAY);
        // the grace period of a silent node is 50 s; a change that is missing here was not missed by the provider
        // either
        self.plane.kubectl("wait --for=condition=Ready=Unknown node/virtual-kubelet --timeout=30s")?;
        println!("✓ the provider was killed, and the cluster missed it after {} s", AWAY.as_secs());
        Ok(())
    }

    fn back(&self, before: &Pods) -> Result<()> {
        let plane = self.plane;
        plane.kubectl("wait --for=condition=Ready node/virtual-kubelet --timeout=60s")?;
        plane.kubectl("rollout status deployment/web --timeout=120s")?;
        self.has_no_foreign_taint()?;
        let after = self.pods()?;
        ensure!(after == *before, "before it was killed the pods were\n{before:#?}\nand now\n{after:#?}");
        self.one_group_each(MORE)?;
        let speaker = "get pod speaker --output jsonpath={.status.phase}";
        ensure!(plane.kubectl(speaker)? == "Succeeded", "a pod that had ended has changed");
        println!("✓ after its start no pod was restarted, none was lost, no group was doubled");
        Ok(())
    }

    fn drains(&self) -> Result<()> {
        let flags = "--ignore-daemonsets --delete-emptydir-data --force --timeout=180s";
        self.plane.kubectl(&format!("drain virtual-kubelet {flags}"))?;
        let on_node = "get pods --field-selector spec.nodeName=virtual-kubelet --output name";
        let left = self.plane.kubectl(on_node)?;
        ensure!(left.trim().is_empty(), "after the drain these are left:\n{left}");
        self.until("no group is left", || Ok(self.groups()?.is_empty()))?;
        println!("✓ kubectl drain virtual-kubelet ends, and no group is left");
        self.plane.kubectl("uncordon virtual-kubelet")?;
        self.plane.kubectl("delete deployment web --timeout=60s")?;
        Ok(())
    }

    /// Pods of the Deployment.
    fn pods(&self) -> Result<Pods> {
        let list = self.plane.kubectl("get pods --selector app=web --output json")?;
        let list: Value = serde_json::from_str(&list)?;
        let of = |pod: &Value| {
            let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default().to_owned();
            let restarts = &pod["status"]["containerStatuses"][0]["restartCount"];
            (text("name"), (text("uid"), restarts.as_u64().unwrap_or(0)))
        };
        Ok(list["items"].as_array().context("a list of pods has items")?.iter().map(of).collect())
    }

    /// The groups that are there and not on their way out, each by the UID of its pod.
    fn groups(&self) -> Result<BTreeMap<String, String>> {
        let mut found = BTreeMap::new();
        for group in self.simulator.groups()? {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let (uid, id) = (text(&group["tags"]["UID"]), text(&group["id"]));
            if let Some(other) = found.insert(uid.clone(), id.clone()) {
                anyhow::bail!("the pod {uid} has two groups, {other} and {id}");
            }
        }
        Ok(found)
    }

    /// Every pod of the Deployment has one group; nobody has two.
    fn one_group_each(&self, many: usize) -> Result<()> {
        self.until("each pod has its group", || {
            let (pods, groups) = (self.pods()?, self.groups()?);
            Ok(pods.len() == many
                && pods.values().filter(|(uid, _)| groups.contains_key(uid)).count() == many)
        })?;
        // and a group without a pod is one too many
        self.until("each group has its pod", || {
            let said = self.plane.kubectl("get pods --output jsonpath={.items[*].metadata.uid}")?;
            Ok(self.groups()?.keys().all(|uid| said.contains(uid.as_str())))
        })
    }

    fn until(&self, what: &str, reached: impl Fn() -> Result<bool>) -> Result<()> {
        for _ in 0..120 {
            if reached()? {
                return Ok(());
            }
            rest(Duration::from_millis(500));
        }
        anyhow::bail!("within a minute it did not come so far that {what}; groups: {:#?}", self.groups()?)
    }
}

/// A template of pods that go to the virtual node.
fn pod_template(name: &str, command: &[&str], restart: &str) -> Value {
    json!({
        "metadata": { "labels": { "app": name } },
        "spec": {
            "restartPolicy": restart,
            "nodeSelector": { "type": "virtual-kubelet" },
            "tolerations": [{ "key": "virtual-kubelet.io/provider", "operator": "Exists" }],
            "containers": [{
                "name": "main", "image": format!("{name}:1"), "command": command,
                "resources": { "requests": { "cpu": "250m", "memory": "512Mi" } },
            }],
        },
    })
}
