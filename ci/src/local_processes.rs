//! The simulator and the provider as processes beside a control plane, for as long as a check lasts.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::chart::{PARAMETERS, RELEASE};
use crate::command::{bound_to_us, feed, interrupt, output_of};
use crate::control_plane_session::ControlPlaneSession;
use crate::workspace::debug_programs;

/// Simulator and provider, built for debugging.
pub struct Binaries {
    simulator: PathBuf,
    provider: PathBuf,
    /// Arguments of the provider, which an earlier one does not know.
    arguments: Vec<String>,
}

impl Binaries {
    /// Builds both programs.
    pub fn build(root: &Path) -> Result<Self> {
        let programs = debug_programs(root, &["--bin", "eci-sim", "--bin", "provider"])?;
        let of = |name| programs.path("bin", name).map(Path::to_owned);
        let arguments = vec![
            format!("--certificates-secret=kube-system/{RELEASE}-certificates"),
            format!("--webhook-configuration={RELEASE}"),
        ];
        Ok(Self { simulator: of("eci-sim")?, provider: of("provider")?, arguments })
    }

    /// The same, with the provider as one of several replicas.
    pub fn with_leader_election(self) -> Self {
        let election = format!("--leader-election=kube-system/{RELEASE}");
        Self { arguments: [self.arguments, vec![election]].concat(), ..self }
    }

    /// A set with the same simulator and an earlier provider, which makes its certificates by itself.
    pub fn with_earlier_provider(&self, provider: PathBuf) -> Self {
        Self { simulator: self.simulator.clone(), provider, arguments: Vec::new() }
    }
}

/// A local ECI that runs; killed when it is dropped before its end.
pub struct Simulator {
    process: Process,
    /// Address of the ECI API.
    pub endpoint: String,
    control: String,
}

impl Simulator {
    /// Starts a simulator on free ports, with its control API.
    pub fn start(programs: &Binaries) -> Result<Self> {
        let mut command = bound_to_us(&programs.simulator);
        command.args(["--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"]);
        command.env("ECI_ACCESS_KEY", "the-id").env("ECI_SECRET_KEY", "hush");
        let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start the simulator")?;
        let output = child.stdout.take().context("the simulator has no output")?;
        let process = Process(child);
        let mut lines = BufReader::new(output).lines();
        let mut address = || -> Result<String> {
            let line = lines.next().context("the simulator ended")??;
            let address = line.split_whitespace().find(|word| word.starts_with("http://"));
            Ok(address.with_context(|| format!("no address in {line:?}"))?.to_owned())
        };
        Ok(Self { endpoint: address()?, control: address()?, process })
    }

    /// Groups that exist, as the control API lists them.
    pub fn groups(&self) -> Result<Vec<Value>> {
        let said = output_of(kubectl_at(&self.control).args(["get", "--raw", "/groups"]))?;
        serde_json::from_str(&said).context("the control API lists no groups")
    }

    /// Ledger of the cloud: a line for each event.
    pub fn ledger(&self) -> Result<String> {
        output_of(kubectl_at(&self.control).args(["get", "--raw", "/ledger"]))
    }

    /// Lets time run `rate` times as fast from now on.
    pub fn set_rate(&self, rate: u32) -> Result<()> {
        let mut kubectl = kubectl_at(&self.control);
        kubectl.args(["create", "--raw", "/clock", "--filename", "-"]);
        feed(&mut kubectl, &json!({ "rate": rate }).to_string())
    }

    /// Ends the simulator in order.
    pub fn end(mut self) -> Result<()> {
        interrupt(&mut self.process.0, "the simulator")
    }
}

/// A provider that runs with the chart's rights; killed when it is dropped before its end.
pub struct Provider {
    process: Process,
    log: PathBuf,
}

impl Provider {
    /// Starts a provider with the chart's service account, which has to exist, for the pods of `namespace` or of all.
    pub fn start(
        programs: &Binaries,
        plane: &ControlPlaneSession,
        simulator: &Simulator,
        namespace: Option<&str>,
    ) -> Result<Self> {
        let kubeconfig = as_service_account(plane)?;
        let log = kubeconfig.with_file_name("provider.log");
        let file = fs::File::options().append(true).create(true).open(&log)?;
        let mut command = bound_to_us(&programs.provider);
        command.envs(PARAMETERS.iter().filter_map(|parameter| parameter.split_once('=')));
        command.env("ECI_ENDPOINT", &simulator.endpoint).env("KUBECONFIG", kubeconfig);
        command.env("POD_IP", "127.0.0.1").env("KUBELET_LISTEN", "127.0.0.1:0");
        command.env("ECI_NAMESPACES", namespace.unwrap_or_default());
        command.args(&programs.arguments);
        command.stdout(file.try_clone()?).stderr(file);
        Ok(Self { process: Process(command.spawn().context("cannot start the provider")?), log })
    }

    /// Last lines of the log, for an error.
    pub fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        format!("the provider last said:\n{}", lines[lines.len().saturating_sub(8)..].join("\n"))
    }

    /// Ends the provider in order.
    pub fn end(mut self) -> Result<()> {
        interrupt(&mut self.process.0, "the provider")
    }

    /// Kills the provider, as a machine does that is switched off.
    pub fn kill(self) {
        drop(self.process);
    }
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill(); // already gone after its orderly end
        let _ = self.0.wait();
    }
}

/// A kubeconfig with nothing but the token of the chart's service account.
fn as_service_account(plane: &ControlPlaneSession) -> Result<PathBuf> {
    let token = plane.kubectl(&format!("--namespace kube-system create token {RELEASE} --duration 1h"))?;
    let text = fs::read_to_string(&plane.kubeconfig)?;
    let mut config: Value = serde_json::from_str(&text)?;
    config["users"][0]["user"] = json!({ "token": token.trim() });
    let path = plane.kubeconfig.with_file_name("service-account.kubeconfig");
    fs::write(&path, config.to_string())?;
    Ok(path)
}

/// Installs the chart with these values beside the guide's; its Deployment stays without a node to run on, only its
/// rights matter.
pub fn install_chart(root: &Path, plane: &ControlPlaneSession, more: &[String]) -> Result<()> {
    let chart = root.join("provider/chart");
    let chart = chart.to_str().context("the path of this clone is no text")?;
    let values = PARAMETERS.into_iter().chain(more.iter().map(String::as_str));
    let values = values.flat_map(|value| ["--set-string", value]);
    plane.helm(&[&["install", RELEASE, chart][..], &values.collect::<Vec<_>>()].concat()).map(drop)
}

/// A kubectl for a server of ours, instead of a cluster.
fn kubectl_at(server: &str) -> Command {
    let mut kubectl = Command::new("kubectl");
    kubectl.env("KUBECONFIG", "/dev/null").arg(format!("--server={server}"));
    kubectl
}
