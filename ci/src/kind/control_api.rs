//! Control API of the simulator in the cluster, reached as a person reaches it: by port-forward.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::cluster::{Cluster, inside};
use crate::command::output_of;

/// An open port-forward to the control API; closed when it is dropped.
pub struct ControlApi<'a> {
    cluster: &'a Cluster,
    forward: Child,
    address: String,
}

impl<'a> ControlApi<'a> {
    /// Opens the port-forward.
    pub fn open(cluster: &'a Cluster) -> Result<Self> {
        let mut command = inside(cluster, "kubectl")?;
        command.args(["--namespace=eci-sim", "port-forward", "deployment/eci-sim", ":8089"]);
        let mut forward = command.stdout(Stdio::piped()).spawn().context("cannot start kubectl")?;
        let output = forward.stdout.take().context("kubectl has no output")?;
        let mut control = Self { cluster, forward, address: String::new() };
        let mut lines = BufReader::new(output).lines();
        let first = lines.next().context("the control API cannot be reached")??;
        // a pipe that nobody reads would end it
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        // Forwarding from 127.0.0.1:40123 -> 8089
        let address = first.split_whitespace().nth(2).with_context(|| format!("no address in {first:?}"))?;
        control.address = format!("http://{address}");
        Ok(control)
    }

    /// Gets the JSON of a path.
    pub fn get(&self, path: &str) -> Result<Value> {
        let mut kubectl = inside(self.cluster, "kubectl")?;
        kubectl.env("KUBECONFIG", "/dev/null").arg(format!("--server={}", self.address));
        let said = output_of(kubectl.args(["get", "--raw", path]))?;
        serde_json::from_str(&said).with_context(|| format!("{path} of the control API is no JSON: {said}"))
    }

    /// Advances the simulator's clock at once.
    pub fn advance(&self, seconds: u32) -> Result<()> {
        let mut kubectl = inside(self.cluster, "kubectl")?;
        kubectl.env("KUBECONFIG", "/dev/null").arg(format!("--server={}", self.address));
        kubectl.args(["create", "--raw", "/clock/advance", "--filename", "-"]).stdin(Stdio::piped());
        let mut child = kubectl.stdout(Stdio::null()).spawn().context("cannot start kubectl")?;
        let body = format!("{{\"seconds\": {seconds}}}");
        child.stdin.take().context("kubectl has no input")?.write_all(body.as_bytes())?;
        ensure!(child.wait()?.success(), "the clock cannot be advanced");
        Ok(())
    }

    /// States of the groups that exist, each after its name.
    pub fn groups(&self) -> Result<Vec<String>> {
        let groups = self.get("/groups")?;
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let one = |group: &Value| format!("{} {}", word(&group["name"]), word(&group["status"]));
        Ok(groups.as_array().context("the groups are a list")?.iter().map(one).collect())
    }
}

impl Drop for ControlApi<'_> {
    fn drop(&mut self) {
        let _ = self.forward.kill();
        let _ = self.forward.wait();
    }
}
