//! The provider's process, seen from here: started, let on in time, and killed without warning.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use determinism::Seed;
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::Time;
use super::info::ClusterInfo;
use super::provider_command::{CALLS, CLOUD_RATES, DONE, READY};
use crate::cluster::error::ClusterError;
use crate::cluster::interface::{ProviderSettings, SECURITY_GROUP, VSWITCH};
use crate::eci::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, REGION};
use crate::load::calls::CallCounts;

/// The longest wait for the process's answer to a line.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// The environment variables that it inherits; in particular no key of the cloud.
const ENVIRONMENT: [&str; 7] =
    ["PATH", "HOME", "RUST_LOG", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"];
/// The number of lines of its log that an error quotes.
const QUOTED_LINES: usize = 6;

/// The instant, seed and time with which a provider begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begin {
    pub now: Timestamp,
    pub seed: Seed,
    pub time: Time,
}

/// A provider that runs beside this process; it ends with it, whatever ends this one.
pub(super) struct ProviderProcess {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    folder: TempDir,
}

impl ProviderProcess {
    /// Starts the process and waits until its ports are open.
    pub(super) async fn start(
        cluster: &ClusterInfo,
        endpoint: &str,
        settings: &ProviderSettings,
        Begin { now, seed, time }: Begin,
    ) -> Result<Self, ClusterError> {
        let folder = tempfile::tempdir()?;
        let log = std::fs::File::create(folder.path().join("log"))?;
        let mut command = Command::new(own_program()?);
        command.arg("provider").args(["--now", &now.to_string(), "--seed", &seed.to_string()]);
        command.args(["--address", &cluster.address.to_string()]);
        if time == Time::Machine {
            command.arg("--machine-time");
        }
        command.env_clear().envs(ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.env("KUBECONFIG", &cluster.kubeconfig).env("ECI_ENDPOINT", endpoint);
        command.env("ECI_VSWITCH", VSWITCH).env("ECI_SECURITY_GROUP", SECURITY_GROUP);
        let ProviderSettings { cluster_id, capacity, cloud_rates, calls: _, more_nodes: _ } = settings;
        command.envs(cloud_rates.as_ref().map(|rates| (CLOUD_RATES, rates)));
        command.env("ECI_REGION", REGION).envs(cluster_id.as_ref().map(|id| ("ALIYUN_CLUSTERID", id)));
        command.envs(capacity.as_ref().map(|capacity| ("ECI_CAPACITY", capacity)));
        command.env("ECI_ACCESS_KEY", ACCESS_KEY_ID).env("ECI_SECRET_KEY", ACCESS_KEY_SECRET);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        // A group of its own: Ctrl-C at the terminal is for us, who then end it in order.
        let mut child = command.process_group(0).kill_on_drop(true).spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(ClusterError::NoPipes);
        };
        let mut process = Self { child, input, output: BufReader::new(output).lines(), folder };
        match process.answers(READY).await {
            true => Ok(process),
            false => Err(ClusterError::PortsClosed { log: process.last_lines() }),
        }
    }

    /// Waits for one line, at most [`ANSWER_TIMEOUT`]; true when it is `word`.
    async fn answers(&mut self, word: &str) -> bool {
        let line = tokio::time::timeout(ANSWER_TIMEOUT, self.output.next_line()).await;
        matches!(line, Ok(Ok(Some(line))) if line == word)
    }

    /// Lets it live on for `span`; what it does in that time is done when this returns, as far as it can be seen.
    pub(super) async fn pass(&mut self, span: Duration) {
        let line = format!("{}\n", span.as_millis());
        if self.input.write_all(line.as_bytes()).await.is_ok() && !self.answers(DONE).await {
            tracing::warn!("the provider did not say that {} ms passed", span.as_millis());
        }
    }

    /// The id of the process; `None` once it has ended.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// The calls to Kubernetes that it has made so far; `None` where it does not tell.
    pub(super) async fn calls(&mut self) -> Option<CallCounts> {
        self.input.write_all(format!("{CALLS}\n").as_bytes()).await.ok()?;
        let line = tokio::time::timeout(ANSWER_TIMEOUT, self.output.next_line()).await.ok()?.ok()??;
        serde_json::from_str(&line).ok()
    }

    /// Fails when the process has ended.
    pub(super) fn require_running(&mut self) -> Result<(), ClusterError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(ClusterError::ProcessEnded { status, log: self.last_lines() }),
            Err(error) => Err(error.into()),
        }
    }

    /// The end of its log, with a line that says so.
    pub(super) fn last_lines(&self) -> String {
        let text = std::fs::read(self.folder.path().join("log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        format!("it last said:\n{}", lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n"))
    }

    /// Ends it in the middle of whatever it does.
    pub(super) async fn kill(mut self) {
        let _ = self.child.kill().await; // it may have ended by itself
    }
}

/// The path of this very program, also when its file was replaced since it was started.
fn own_program() -> std::io::Result<std::path::PathBuf> {
    let running = Path::new("/proc/self/exe");
    match running.exists() {
        true => Ok(running.to_owned()),
        false => std::env::current_exe(),
    }
}
