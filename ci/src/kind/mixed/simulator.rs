//! The simulator beside a cluster, its containers run by the Engine in the network of the cluster's nodes.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::network::{NETWORK, Network, SERVICES};
use super::nginx;
use crate::command::{bound, run};
use crate::kind::cluster::Cluster;
use crate::workspace::debug_programs;

/// A simulator that runs.
pub struct Simulator {
    process: Child,
    /// Address of the ECI API, seen from the cluster.
    pub endpoint: String,
}

/// Filter of the containers of the cluster's simulator.
pub fn label(cluster: &Cluster) -> String {
    format!("label=eci-sim={}", cluster.name)
}

impl Simulator {
    /// Builds and starts a simulator, and waits until it answers.
    pub fn start(cluster: &Cluster, root: &Path, network: &Network) -> Result<Self> {
        let programs = debug_programs(root, &["--bin", "eci-sim"])?;
        let mut start = bound(&cluster.command(programs.path("bin", "eci-sim")?));
        start.args(["--listen", &format!("{}:0", network.gateway), "--access-key-id", "local"]);
        start.args(["--access-key-secret", "local-secret", "--runtime", "docker"]);
        start.args([
            "--docker-network",
            NETWORK,
            "--docker-sandbox",
            nginx::TAG,
            "--docker-name",
            cluster.name,
        ]);
        for range in [SERVICES, &network.pods] {
            start.args(["--docker-route", &format!("{range}={}", network.node)]);
        }
        let mut process = start.stdout(Stdio::piped()).spawn().context("cannot start eci-sim")?;
        let output = process.stdout.take().context("eci-sim has no output")?;
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        // ECI      http://172.18.0.1:40123  access key local, …
        let line = lines.find(|line| line.starts_with("ECI ")).context("eci-sim ended before it answered")?;
        // a pipe that nobody reads would end it
        std::thread::spawn(move || lines.for_each(drop));
        let endpoint =
            line.split_whitespace().nth(1).context("eci-sim does not say where it answers")?.to_owned();
        Ok(Self { process, endpoint })
    }

    /// Ends the simulator as a person would, and waits until its containers are gone.
    pub fn stop(mut self) -> Result<()> {
        run(Command::new("kill").args(["-TERM", &self.process.id().to_string()]))?;
        let status = self.process.wait()?;
        ensure!(status.success(), "eci-sim ended with {status}");
        Ok(())
    }
}
