//! The provider, killed at random under load as a process of its own: nothing is lost, doubled, failed or left over.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::command::rest;
use crate::control_plane_session::{ControlPlaneSession, apply};
use crate::local_processes::{Binaries, Provider, Simulator, install_chart};
use crate::outcome::{CheckOutcome, Extent};

/// Number of kills in `.ci/run`, and with `--all`.
const KILLS: usize = 15;
const KILLS_ALL: usize = 200;
/// The least and the most that a provider lives, in milliseconds: from before its first list to amid its work.
const LIFE_MS: RangeInclusive<u64> = 50..=4_000;
/// The sizes between which the Deployment is scaled.
const REPLICAS: RangeInclusive<u64> = 5..=40;
/// Time that the last provider may take to bring everything to rest.
const SETTLED_WITHIN: Duration = Duration::from_secs(180);

/// Kills the provider `KILLS` times, or `KILLS_ALL` times with `all`, and checks both sides when all has come to rest.
pub fn run(root: &Path, extent: Extent) -> Result<CheckOutcome> {
    let programs = Binaries::build(root)?;
    let plane = ControlPlaneSession::start(root)?;
    install_chart(root, &plane, &[])?;
    let simulator = Simulator::start(&programs)?;
    let seed = seed(root);
    println!("seed {seed}");
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let load = Load { plane: &plane, simulator: &simulator };
    load.begin()?;
    let kills = if extent == Extent::All { KILLS_ALL } else { KILLS };
    for round in 0..kills {
        let provider = Provider::start(&programs, &plane, &simulator, None)?;
        load.disturb(&mut chance, round)?;
        rest(Duration::from_millis(chance.random_range(LIFE_MS)));
        provider.kill();
        load.no_pod_failed().with_context(|| format!("after kill {} of seed {seed}", round + 1))?;
    }
    let provider = Provider::start(&programs, &plane, &simulator, None)?;
    load.comes_to_rest().with_context(|| format!("seed {seed}; {}", provider.last_words()))?;
    println!(
        "✓ killed {kills} times under load: each pod has its one group, each group its pod, none failed"
    );
    provider.end()?;
    simulator.end()?;
    plane.end()?;
    Ok(CheckOutcome::Passed)
}

/// Load on the cluster while providers come and go.
struct Load<'a> {
    plane: &'a ControlPlaneSession,
    simulator: &'a Simulator,
}

impl Load<'_> {
    fn begin(&self) -> Result<()> {
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "load" },
            "spec": {
                "replicas": REPLICAS.start(), "selector": { "matchLabels": { "app": "load" } },
                "template": template("load", "Always"),
            },
        });
        apply(self.plane, &deployment.to_string())
    }

    /// Disturbs the cluster at random: more pods, fewer pods, one deleted, one with the same name again.
    fn disturb(&self, chance: &mut ChaCha8Rng, round: usize) -> Result<()> {
        match chance.random_range(0..4_u8) {
            0 | 1 => {
                let replicas = chance.random_range(REPLICAS);
                self.plane.kubectl(&format!("scale deployment load --replicas {replicas}"))?;
            }
            2 => {
                let names = self.plane.kubectl("get pods --selector app=load --output name")?;
                let names: Vec<_> = names.lines().collect();
                if let Some(name) = names.get(chance.random_range(0..names.len().max(1))) {
                    // one that was going may be gone by now
                    self.plane.kubectl(&format!("delete {name} --ignore-not-found --wait=false"))?;
                }
            }
            _ => {
                self.plane
                    .kubectl("delete pod again --ignore-not-found --wait=false --grace-period=0 --force")?;
                let mut pod = template("again", "Always");
                pod["apiVersion"] = json!("v1");
                pod["kind"] = json!("Pod");
                pod["metadata"]["name"] = json!("again");
                pod["metadata"]["annotations"] = json!({ "round": round.to_string() });
                apply(self.plane, &pod.to_string())?;
            }
        }
        Ok(())
    }

    fn pods(&self) -> Result<Vec<Value>> {
        let list =
            self.plane.kubectl("get pods --field-selector spec.nodeName=virtual-kubelet --output json")?;
        let mut list: Value = serde_json::from_str(&list)?;
        Ok(list["items"].as_array_mut().map(std::mem::take).unwrap_or_default())
    }

    /// Checks that no pod failed: none of the load can end by itself, so that a failed one was failed by the provider.
    fn no_pod_failed(&self) -> Result<()> {
        let pods = self.pods()?;
        let failed = pods.iter().find(|pod| pod["status"]["phase"] == "Failed");
        ensure!(
            failed.is_none(),
            "a pod was failed whose containers run for ever:\n{:#}",
            failed.unwrap_or(&Value::Null)
        );
        Ok(())
    }

    fn comes_to_rest(&self) -> Result<()> {
        let mut wrong = String::new();
        for _ in 0..SETTLED_WITHIN.as_secs() {
            match self.disagreement()? {
                None => return self.no_pod_failed(),
                Some(what) => wrong = what,
            }
            rest(Duration::from_secs(1));
        }
        anyhow::bail!("after {} s without a kill {wrong}", SETTLED_WITHIN.as_secs())
    }

    /// Disagreement between the cluster and the cloud; `None` when they agree.
    fn disagreement(&self) -> Result<Option<String>> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let pods = self.pods()?;
        let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for group in self.simulator.groups()? {
            groups.entry(text(&group["tags"]["UID"])).or_default().push(text(&group["id"]));
        }
        let doubled = groups.iter().find(|(_, ids)| ids.len() > 1);
        let uids: BTreeSet<String> = pods.iter().map(|pod| text(&pod["metadata"]["uid"])).collect();
        let orphan = groups.keys().find(|uid| !uids.contains(*uid));
        let unready = pods.iter().find(|pod| {
            let leaving = !pod["metadata"]["deletionTimestamp"].is_null();
            leaving
                || pod["status"]["phase"] != "Running"
                || !groups.contains_key(&text(&pod["metadata"]["uid"]))
        });
        let name = |pod: &Value| text(&pod["metadata"]["name"]);
        Ok(doubled
            .map(|(uid, ids)| format!("the pod {uid} has the groups {ids:?}"))
            .or_else(|| orphan.map(|uid| format!("a group of the pod {uid} is left, which is not there")))
            .or_else(|| unready.map(|pod| format!("the pod {} does not run in a group", name(pod)))))
    }
}

fn template(name: &str, restart: &str) -> Value {
    json!({
        "metadata": { "labels": { "app": name } },
        "spec": {
            "restartPolicy": restart, "nodeName": "virtual-kubelet",
            "containers": [{
                "name": "main", "image": "nginx",
                "resources": { "requests": { "cpu": "250m", "memory": "512Mi" } },
            }],
        },
    })
}

/// Seed from the commit, so that each tree tries other moments and each try can be repeated.
fn seed(root: &Path) -> u64 {
    let said = crate::command::output_of(
        std::process::Command::new("git").args(["rev-parse", "--short=15", "HEAD"]).current_dir(root),
    );
    said.ok().and_then(|hash| u64::from_str_radix(hash.trim(), 16).ok()).unwrap_or(1)
}
