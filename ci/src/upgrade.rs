//! A living fleet survives the exchange of its provider: from an earlier tree's to this one's, and back again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::command::rest;
use crate::control_plane_session::{ControlPlaneSession, apply};
use crate::local_processes::{Binaries, Provider, Simulator, install_chart};
use crate::outcome::CheckOutcome;
use crate::{cache, command};

/// The commit of the earlier provider: 0.1, before the store by resource version and the proof of absence.
const EARLIER: &str = "af2e53a2b4f6cb1908426eeddeba7ece257da556";
/// Number of pods in the fleet.
const PODS: usize = 100;
/// Time for which each provider is watched: two rounds of its look at all groups, and the minute in which lists may
/// lag.
const WATCHED: Duration = Duration::from_secs(75);

/// Exchanges the provider twice under a fleet that runs.
pub fn run(root: &Path) -> Result<CheckOutcome> {
    let Some(earlier) = earlier(root)? else {
        return Ok(CheckOutcome::Skipped(format!(
            "this clone does not have the commit {EARLIER}; fetch its history"
        )));
    };
    let programs = Binaries::build(root)?;
    let earlier = programs.with_earlier_provider(earlier);
    let plane = ControlPlaneSession::start(root)?;
    install_chart(root, &plane, &[])?;
    let simulator = Simulator::start(&programs)?;

    let provider = Provider::start(&earlier, &plane, &simulator, None)?;
    let fleet = Fleet { plane: &plane, simulator: &simulator };
    let before = fleet.start().with_context(|| provider.last_words())?;
    provider.end()?;
    for (programs, who) in [(&programs, "this provider"), (&earlier, "the earlier one")] {
        let provider = Provider::start(programs, &plane, &simulator, None)?;
        fleet.is_untouched(&before, who).with_context(|| provider.last_words())?;
        provider.end()?;
    }
    simulator.end()?;
    plane.end()?;
    Ok(CheckOutcome::Passed)
}

/// Path of the earlier provider, built once and kept; `None` where the clone does not reach back to its commit.
fn earlier(root: &Path) -> Result<Option<PathBuf>> {
    let mut git = Command::new("git");
    git.args(["cat-file", "-e", EARLIER]).current_dir(root).stderr(Stdio::null());
    if !git.status().is_ok_and(|status| status.success()) {
        return Ok(None);
    }
    let folder = cache::entry(&format!("provider-{}", &EARLIER[..12]), |partial| {
        let source = partial.join("source");
        std::fs::create_dir_all(&source)?;
        let archive = partial.join("source.tar");
        let written = format!("--output={}", archive.display());
        command::output_of(Command::new("git").args(["archive", &written, EARLIER]).current_dir(root))?;
        command::output_of(Command::new("tar").arg("-xf").arg(&archive).current_dir(&source))?;
        let mut cargo = Command::new("nice");
        cargo.args(["-n", "10", "cargo", "build", "--quiet", "--locked", "--package", "provider"]);
        // a profile without debug information: only the program is wanted
        cargo.env("CARGO_TARGET_DIR", source.join("target")).env("CARGO_PROFILE_DEV_DEBUG", "0");
        command::build(cargo.current_dir(&source))?;
        std::fs::copy(source.join("target/debug/provider"), partial.join("provider"))?;
        std::fs::remove_dir_all(&source)?;
        std::fs::remove_file(&archive)?;
        Ok(())
    })?;
    Ok(Some(folder.join("provider")))
}

/// State that may not change while providers come and go.
#[derive(Debug, PartialEq)]
struct Seen {
    /// Status of each pod by the pod's UID.
    statuses: BTreeMap<String, Value>,
    /// Id of each group by the UID of its pod.
    groups: BTreeMap<String, String>,
    /// Ledger of the cloud.
    ledger: String,
}

/// The pods that run while their provider is exchanged.
struct Fleet<'a> {
    plane: &'a ControlPlaneSession,
    simulator: &'a Simulator,
}

impl Fleet<'_> {
    /// Makes the fleet, and returns its state once all of it runs and stands still.
    fn start(&self) -> Result<Seen> {
        self.plane.kubectl("wait --for=create node/virtual-kubelet --timeout=30s")?;
        self.plane.kubectl("wait --for=condition=Ready node/virtual-kubelet --timeout=30s")?;
        let items: Vec<Value> = (0..PODS).map(pod).collect();
        apply(self.plane, &json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string())?;
        self.plane.kubectl("wait --for=condition=Ready pod --selector app=fleet --timeout=300s")?;
        println!("✓ {PODS} pods run under the earlier provider");
        rest(WATCHED);
        self.seen()
    }

    fn is_untouched(&self, before: &Seen, who: &str) -> Result<()> {
        rest(WATCHED);
        self.plane.kubectl("wait --for=condition=Ready node/virtual-kubelet --timeout=60s")?;
        let after = self.seen()?;
        ensure!(before.groups == after.groups, "under {who} the groups changed:\n{before:#?}\n{after:#?}");
        let mut happened = after.ledger.lines().filter(|line| !before.ledger.contains(line));
        ensure!(
            happened.next().is_none(),
            "under {who} the cloud was told to do something:\n{}",
            after.ledger
        );
        for (uid, status) in &before.statuses {
            let now =
                after.statuses.get(uid).with_context(|| format!("under {who} the pod {uid} is gone"))?;
            ensure!(status == now, "under {who} a status changed:\n{status:#}\n{now:#}");
        }
        println!("✓ {who} took {PODS} pods over: none made, none deleted, no status changed");
        Ok(())
    }

    fn seen(&self) -> Result<Seen> {
        let list: Value =
            serde_json::from_str(&self.plane.kubectl("get pods --selector app=fleet --output json")?)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let pods = list["items"].as_array().context("a list of pods has items")?;
        let statuses: BTreeMap<_, _> =
            pods.iter().map(|pod| (text(&pod["metadata"]["uid"]), pod["status"].clone())).collect();
        ensure!(statuses.len() == PODS, "{} of {PODS} pods are there", statuses.len());
        let groups = self.simulator.groups()?;
        let groups: BTreeMap<_, _> =
            groups.iter().map(|group| (text(&group["tags"]["UID"]), text(&group["id"]))).collect();
        ensure!(groups.len() == PODS, "{} groups for {PODS} pods", groups.len());
        Ok(Seen { statuses, groups, ledger: self.simulator.ledger()? })
    }
}

fn pod(number: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": format!("fleet-{number}"), "labels": { "app": "fleet" } },
        "spec": {
            "nodeName": "virtual-kubelet",
            "containers": [{
                "name": "main", "image": "nginx",
                "resources": { "requests": { "cpu": "250m", "memory": "512Mi" } },
            }],
        },
    })
}
