//! The provider's process, seen from here: started, let on in time, and killed without warning.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use determinism::Seed;
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::Surroundings;
use super::process::{DONE, READY};
use crate::cluster::{SECURITY_GROUP, VSWITCH};
use crate::eci::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, REGION};

/// The longest wait for the process's answer to a line.
const PATIENCE: Duration = Duration::from_secs(20);
/// The environment variables that it inherits; in particular no key of the cloud.
const ENVIRONMENT: [&str; 7] =
    ["PATH", "HOME", "RUST_LOG", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"];
/// With how many of its last lines it is quoted.
const QUOTED: usize = 6;

/// A provider that runs beside this process; it ends with it, whatever ends this one.
pub(super) struct Hand {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    folder: TempDir,
}

impl Hand {
    /// Starts the process and waits until its ports are open.
    pub(super) async fn start(
        around: &Surroundings,
        endpoint: &str,
        now: Timestamp,
        seed: Seed,
    ) -> Result<Self, String> {
        let told = |error: std::io::Error| error.to_string();
        let folder = tempfile::tempdir().map_err(told)?;
        let log = std::fs::File::create(folder.path().join("log")).map_err(told)?;
        let mut command = Command::new(own_program()?);
        command.arg("provider").args(["--now", &now.to_string(), "--seed", &seed.to_string()]);
        command.args(["--address", &around.address.to_string()]);
        command.env_clear().envs(ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.env("KUBECONFIG", &around.kubeconfig).env("ECI_ENDPOINT", endpoint);
        command.env("ECI_VSWITCH", VSWITCH).env("ECI_SECURITY_GROUP", SECURITY_GROUP);
        command.env("ECI_REGION", REGION);
        command.env("ECI_ACCESS_KEY", ACCESS_KEY_ID).env("ECI_SECRET_KEY", ACCESS_KEY_SECRET);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        // A group of its own: Ctrl-C at the terminal is for us, who then end it in order.
        let mut child = command.process_group(0).kill_on_drop(true).spawn().map_err(told)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("its pipes are missing".to_owned());
        };
        let mut hand = Self { child, input, output: BufReader::new(output).lines(), folder };
        match hand.hears(READY).await {
            true => Ok(hand),
            false => Err(format!("its ports did not open\n{}", hand.last_words())),
        }
    }

    /// Waits for one line.
    async fn hears(&mut self, word: &str) -> bool {
        let line = tokio::time::timeout(PATIENCE, self.output.next_line()).await;
        matches!(line, Ok(Ok(Some(line))) if line == word)
    }

    /// Lets it live on for `span`; what it does in that time is done when this returns, as far as it can be seen.
    pub(super) async fn pass(&mut self, span: Duration) {
        let line = format!("{}\n", span.as_millis());
        if self.input.write_all(line.as_bytes()).await.is_ok() && !self.hears(DONE).await {
            tracing::warn!("the provider did not say that {} ms passed", span.as_millis());
        }
    }

    /// Fails when the process has ended.
    pub(super) fn lives(&mut self) -> Result<(), String> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(format!("it ended by itself ({status})\n{}", self.last_words())),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The end of its log.
    pub(super) fn last_words(&self) -> String {
        let text = std::fs::read(self.folder.path().join("log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        format!("it last said:\n{}", lines[lines.len().saturating_sub(QUOTED)..].join("\n"))
    }

    /// Ends it in the middle of whatever it does.
    pub(super) async fn kill(mut self) {
        let _ = self.child.kill().await; // it may have ended by itself
    }
}

/// The path of this very program, also when its file was replaced since it was started.
fn own_program() -> Result<std::path::PathBuf, String> {
    let running = Path::new("/proc/self/exe");
    match running.exists() {
        true => Ok(running.to_owned()),
        false => std::env::current_exe().map_err(|error| error.to_string()),
    }
}
