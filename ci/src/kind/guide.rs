//! The guide, read aloud to a real cluster: the node appears, three ways lead to it, logs come back, nothing is left.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use super::{Engine, inside, pause, says};
use crate::kubectl::ROWS;

/// How often a command is tried that a cluster may refuse for a moment.
const TRIES: u32 = 20;

/// Plays the same rows of kubectl as the playground is checked with, then uninstalls the chart.
pub fn play(engine: &Engine) -> Result<()> {
    says(inside(engine, "kubectl")?.args(["wait", "--for=create", "node/virtual-kubelet", "--timeout=60s"]))?;
    says(inside(engine, "kubectl")?.args([
        "wait",
        "--for=condition=Ready",
        "node/virtual-kubelet",
        "--timeout=60s",
    ]))?;
    for (arguments, input, wanted) in
        ROWS.iter().filter(|(arguments, ..)| *arguments != "get pods --all-namespaces")
    {
        let said = kubectl(engine, arguments, input)?;
        for word in *wanted {
            ensure!(said.contains(word), "`kubectl {arguments}` should say `{word}`; it said:\n{said}");
        }
        println!("✓ kubectl {arguments}");
    }
    let ours = "get pods --all-namespaces --field-selector spec.nodeName=virtual-kubelet --output name";
    let left = kubectl(engine, ours, "")?;
    ensure!(left.trim().is_empty(), "pods are left on the node:\n{left}");
    says(inside(engine, "helm")?.args([
        "uninstall",
        "ack-virtual-node",
        "--namespace=kube-system",
        "--wait",
    ]))?;
    println!("✓ helm uninstall ack-virtual-node");
    Ok(())
}

fn kubectl(engine: &Engine, arguments: &str, input: &str) -> Result<String> {
    let mut tries = 0;
    loop {
        let (succeeded, said) = kubectl_once(engine, arguments, input)?;
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

fn kubectl_once(engine: &Engine, arguments: &str, input: &str) -> Result<(bool, String)> {
    let mut command = inside(engine, Path::new("/bin/sh"))?;
    command.args(["-c", &format!("exec kubectl {arguments}")]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("cannot start kubectl")?;
    child.stdin.take().context("kubectl has no input")?.write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    Ok((output.status.success(), said))
}
