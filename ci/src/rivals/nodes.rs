//! Pods a second on a real control plane: provider and local ECI beside kwok, under the same load.
//!
//! Each turn has a control plane of its own. The load knows neither side: it makes pods for a node, and reads the watch.

mod controllers;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use self::controllers::{Controller, kwok, ours};
use super::programs;
use super::results::{Entry, Measured, Question, Table, machine};
use crate::command::{missing, output_of};
use crate::control_plane_session::ControlPlaneSession;

/// Turns of each side.
const TURNS: usize = 5;
/// Pods of a turn.
const PODS: u32 = 1000;
/// Requests of which a pod has fewer than one in twenty are left out of the ledger.
const REQUESTS_MIN: u64 = PODS as u64 / 20;

/// The part of a load's report that is read here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct LoadReport {
    ended: Value,
    rates: Rates,
    processes: Vec<Usage>,
}

#[derive(Debug, Deserialize)]
struct Rates {
    running: Option<f64>,
    gone: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Usage {
    name: String,
    cpu_seconds: f64,
    peak_mebibytes: u64,
}

/// The figures of one turn of one side.
struct Turn {
    running: u64,
    gone: u64,
    /// The ledger's lines, by item.
    ledger: BTreeMap<String, u64>,
}

/// Measures both sides in turn.
pub fn measure(root: &Path) -> Result<Question> {
    ensure!(missing(&["kubectl"]).is_none(), "kubectl is not installed; it looks when a node is ready");
    let (load, _) = programs::ours(root, "scenarios")?;
    let sides = [ours(root)?, kwok()?];
    let mut turns: Vec<Vec<Turn>> = sides.iter().map(|_| Vec::new()).collect();
    for number in 1..=TURNS {
        for (side, told) in sides.iter().zip(&mut turns) {
            let turn = ask(root, &load, side).with_context(|| side.name.clone())?;
            println!(
                "turn {number} of {TURNS}: {}: {} to Running, {} gone a second",
                side.name, turn.running, turn.gone
            );
            told.push(turn);
        }
    }
    let table = |unit: &str, figure: fn(&Turn) -> u64| {
        let measured = sides.iter().zip(&turns).map(|(side, turns)| Measured {
            program: side.name.clone(),
            figures: turns.iter().map(figure).collect(),
        });
        Table { unit: unit.to_owned(), measured: measured.collect() }
    };
    Ok(Question {
        title: format!("Pods a second on a real control plane, {PODS} pods"),
        command: format!(
            "cargo ci rivals nodes    # asks each by: scenarios load --cluster kubeconfig --node NAME --pods {PODS} --process NAME=ID..."
        ),
        machine: machine()?,
        tables: vec![table("pods/s to Running", |turn| turn.running), table("pods/s gone", |turn| turn.gone)],
        ledger: ledger(&turns),
        differences: differences(),
    })
}

/// One turn of one side, on a control plane of its own.
fn ask(root: &Path, load: &Path, side: &Controller) -> Result<Turn> {
    let plane = ControlPlaneSession::start(root)?;
    let running = (side.start)(&plane)?;
    let mut ask = Command::new(load);
    ask.args([
        "load",
        "--cluster",
        "kubeconfig",
        "--node",
        side.node,
        "--pods",
        &PODS.to_string(),
        "--json",
        "-",
    ]);
    for (name, id) in plane.programs.iter().map(|(name, id)| (name.as_str(), *id)).chain(running.processes())
    {
        ask.args(["--process", &format!("{name}={id}")]);
    }
    let said = output_of(ask.env("KUBECONFIG", &plane.kubeconfig))?;
    let report: LoadReport = serde_json::from_str(&said).context("the report of the load cannot be read")?;
    ensure!(report.ended["as"] == "completed", "the load did not come to its end: {}", report.ended);
    let requests = requests(&plane.audit_log())?;
    drop(running);
    plane.end()?;
    report.turn(requests)
}

impl LoadReport {
    /// The figures of the turn, with the API server's requests.
    fn turn(self, requests: BTreeMap<String, u64>) -> Result<Turn> {
        let whole = |rate: Option<f64>| rate.map(rounded).context("the load tells no rate");
        let mut ledger = requests;
        for Usage { name, cpu_seconds, peak_mebibytes } in self.processes {
            let name = if name.starts_with("this program") { "load".to_owned() } else { name };
            ledger.insert(format!("CPU of {name}, µs a pod"), rounded(cpu_seconds * 1e6 / f64::from(PODS)));
            ledger.insert(format!("memory of {name} at most, MiB"), peak_mebibytes);
        }
        let all: u64 =
            ledger.iter().filter(|(item, _)| item.starts_with("CPU of")).map(|(_, micros)| micros).sum();
        ledger.insert("CPU of all, µs a pod".to_owned(), all);
        Ok(Turn { running: whole(self.rates.running)?, gone: whole(self.rates.gone)?, ledger })
    }
}

/// A figure without its fraction, at least 0.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate or a count of microseconds"
)]
fn rounded(figure: f64) -> u64 {
    figure.max(0.0).round() as u64
}

/// The requests in an audit log by verb and resource, of which there is about one a pod and more; those of the load are the same
/// on both sides, those of scheduler and controller manager are not logged.
fn requests(log: &PathBuf) -> Result<BTreeMap<String, u64>> {
    let text = fs::read_to_string(log).with_context(|| format!("cannot read {}", log.display()))?;
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for event in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let object = &event["objectRef"];
        let (Some(verb), Some(resource)) = (event["verb"].as_str(), object["resource"].as_str()) else {
            continue;
        };
        let sub = object["subresource"].as_str().map(|sub| format!("/{sub}")).unwrap_or_default();
        *counts.entry(format!("requests `{verb} {resource}{sub}`, per {PODS} pods")).or_default() += 1;
    }
    counts.retain(|_, count| *count >= REQUESTS_MIN);
    Ok(counts)
}

/// The lines of all turns, by item.
fn ledger(turns: &[Vec<Turn>]) -> Vec<Entry> {
    let items: BTreeSet<&String> = turns.iter().flatten().flat_map(|turn| turn.ledger.keys()).collect();
    let of = |turns: &Vec<Turn>, item: &String| {
        turns.iter().filter_map(|turn| turn.ledger.get(item).copied()).collect()
    };
    let entry = |item: &String| Entry {
        item: item.clone(),
        figures: turns.iter().map(|turns| of(turns, item)).collect(),
    };
    items.into_iter().map(entry).collect()
}

fn differences() -> Vec<String> {
    [
        "ours makes a container group of each pod by a signed call to the local ECI, looks at it until it runs, deletes it, and has a bill \
         line of it; kwok writes the status that a template says",
        "ours writes events of a pod as a kubelet does; kwok writes none",
        "both are told to wait for nothing: `eci-sim --latency none`, `--cloud-rates unlimited`; kwok's stages `fast`, which have no delay",
        "both renew the node's lease; ours serves the node's port besides, and watches ConfigMaps and Secrets of its pods",
        "load, control plane and both sides share the machine's cores; each turn has a new control plane, whose etcd does not sync",
    ]
    .map(str::to_owned)
    .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_and_an_audit_log_become_the_figures_of_a_turn() -> Result<()> {
        let report = r#"{"ended":{"as":"completed"},"rates":{"running":148.6,"gone":300.2},"lives":[],
            "processes":[{"name":"this program: load","cpu-seconds":1.5,"peak-mebibytes":40},
                         {"name":"etcd","cpu-seconds":0.5,"peak-mebibytes":90}]}"#;
        let log = tempfile::NamedTempFile::new()?;
        let line = r#"{"verb":"patch","objectRef":{"resource":"pods","subresource":"status"}}"#;
        fs::write(
            log.path(),
            format!(
                "{}{{\"verb\":\"list\",\"objectRef\":{{\"resource\":\"nodes\"}}}}\nhalf",
                format!("{line}\n").repeat(60)
            ),
        )?;
        let requests = requests(&log.path().to_owned())?;
        let turn = serde_json::from_str::<LoadReport>(report)?.turn(requests)?;
        assert_eq!((turn.running, turn.gone), (149, 300));
        let figure = |item: &str| turn.ledger.get(item).copied();
        assert_eq!(figure("CPU of load, µs a pod"), Some(1500));
        assert_eq!(figure("CPU of all, µs a pod"), Some(2000));
        assert_eq!(figure("memory of etcd at most, MiB"), Some(90));
        assert_eq!(figure("requests `patch pods/status`, per 1000 pods"), Some(60));
        assert_eq!(figure("requests `list nodes`, per 1000 pods"), None);
        Ok(())
    }
}
