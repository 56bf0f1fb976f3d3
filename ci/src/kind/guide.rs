//! The guide, read aloud to a real cluster: the node appears, three ways lead to it, logs come back, the bill is right.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use super::cluster::{Cluster, inside};
use super::control_api::ControlApi;
use crate::command::output_of;
use crate::engine::pause;
use crate::playground::ROWS;

/// Tries of a command that a cluster may refuse for a moment.
const TRIES: u32 = 20;
/// Names of the groups of the pods that the guide's rows run.
const RAN: [&str; 4] = ["default-by-name", "default-by-selector", "vk-nginx", "vk-speaker"];

/// Plays the same rows of kubectl as the playground is checked with, and looks at the bill.
pub fn play(cluster: &Cluster) -> Result<()> {
    appears(cluster)?;
    for (arguments, input, wanted) in
        ROWS.iter().filter(|(arguments, ..)| *arguments != "get pods --all-namespaces")
    {
        let said = kubectl(cluster, arguments, input)?;
        for word in *wanted {
            ensure!(said.contains(word), "`kubectl {arguments}` should say `{word}`; it said:\n{said}");
        }
        println!("✓ kubectl {arguments}");
    }
    let ours = "get pods --all-namespaces --field-selector spec.nodeName=virtual-kubelet --output name";
    let left = kubectl(cluster, ours, "")?;
    ensure!(left.trim().is_empty(), "pods are left on the node:\n{left}");
    bill(cluster)
}

/// Checks that the node appears and is Ready.
pub fn appears(cluster: &Cluster) -> Result<()> {
    for condition in ["create", "condition=Ready"] {
        let wait = ["wait", &format!("--for={condition}"), "node/virtual-kubelet", "--timeout=60s"];
        output_of(inside(cluster, "kubectl")?.args(wait))?;
    }
    println!("✓ the node virtual-kubelet appears and is Ready");
    Ok(())
}

/// Checks that each pod of the guide was billed, and nothing else was.
fn bill(cluster: &Cluster) -> Result<()> {
    let bill = ControlApi::open(cluster)?.get("/bill")?;
    let lines = bill["lines"].as_array().context("a bill has lines")?;
    let mut billed: Vec<_> = lines.iter().filter_map(|line| line["group-name"].as_str()).collect();
    billed.sort_unstable();
    billed.dedup();
    ensure!(billed == RAN, "the bill is for {billed:?}");
    for line in lines {
        let seconds = line["seconds"].as_u64().unwrap_or(0);
        // a few seconds cost less than half a fen; what an hour costs is looked at when the chart has gone
        ensure!(seconds > 0 && seconds < 600, "a line of the bill is for {seconds} s:\n{line}");
    }
    println!("✓ the bill is for the four pods, and only while they ran");
    Ok(())
}

/// Output of kubectl with these arguments, as a shell reads them.
pub fn kubectl(cluster: &Cluster, arguments: &str, input: &str) -> Result<String> {
    let mut tries = 0;
    loop {
        let (succeeded, said) = kubectl_once(cluster, arguments, input)?;
        if succeeded {
            return Ok(said);
        }
        // a new namespace has its service account a moment later
        let may_pass = said.contains("error looking up service account");
        tries += 1;
        ensure!(may_pass && tries < TRIES, "`kubectl {arguments}` failed:\n{said}");
        pause();
    }
}

fn kubectl_once(cluster: &Cluster, arguments: &str, input: &str) -> Result<(bool, String)> {
    let mut command = inside(cluster, Path::new("/bin/sh"))?;
    command.args(["-c", &format!("exec kubectl {arguments}")]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("cannot start kubectl")?;
    child.stdin.take().context("kubectl has no input")?.write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    Ok((output.status.success(), said))
}
