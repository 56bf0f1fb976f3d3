//! `--cluster`: what kind of cluster the cases are played on, and the run on each kind.

use std::fmt;
use std::io::{self, IsTerminal};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use determinism::Seed;
use futures::future::BoxFuture;
use tokio::runtime::Runtime;

use crate::cluster::{EMBEDDED, ExistingCluster, ForeignNode, KubeconfigError, SharedCluster};
use crate::outcome::Outcome;
use crate::runner::{self, Case};

/// Exit code of a program that Ctrl-C ended: 128 and the signal's number.
const INTERRUPTED: i32 = 130;

/// Arguments that choose the cluster on which cases are played.
#[derive(Debug, Clone, Args)]
pub(super) struct ClusterArgs {
    /// The cluster that the cases are played on.
    #[arg(long, value_name = "KIND", default_value = "embedded")]
    cluster: ClusterKind,
    /// The context of the kubeconfig; its current one where nothing is said.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Does not ask before a cluster is touched that is not on this machine.
    #[arg(long)]
    yes: bool,
    /// Plays a case that fails on a real cluster again, at most so often: its time is the machine's, which may be busy.
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=9))]
    retries: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ClusterKind {
    /// A Kubernetes API in this process; time is stepped.
    Embedded,
    /// etcd and Kubernetes' own programs, started on this machine for the run.
    ControlPlane,
    /// The cluster that the kubeconfig names, in namespaces of our own.
    Kubeconfig,
    /// The cluster that `cargo ci kind up` makes, with provider and cloud as pods where `cargo ci kind install --following`
    /// has put them there; else as `kubeconfig`.
    Kind,
}

impl ClusterArgs {
    /// The number of times that a failed case is played again.
    pub(super) fn retries(&self) -> u32 {
        self.retries
    }

    /// The cluster that the kubeconfig names, once somebody has said that it may be touched.
    async fn existing(&self, seed: Seed) -> anyhow::Result<ExistingCluster> {
        let existing = ExistingCluster::from_kubeconfig(self.context.as_deref(), seed).await?;
        if self.cluster == ClusterKind::Kind && !existing.is_kind() {
            return Err(KubeconfigError::NotKind { context: existing.context }.into());
        }
        if !existing.is_local && !self.yes {
            ask(&existing)?;
        }
        Ok(existing)
    }

    /// A node of the cluster that the kubeconfig names, which a program keeps that is not ours.
    pub(super) async fn foreign_node(&self, node: &str, seed: Seed) -> anyhow::Result<ForeignNode> {
        if !matches!(self.cluster, ClusterKind::Kubeconfig | ClusterKind::Kind) {
            bail!(
                "--node goes with `--cluster kubeconfig` and `--cluster kind`: on the others the node is the one that is started"
            );
        }
        Ok(ForeignNode::open(self.existing(seed).await?, node.to_owned()).await?)
    }

    /// The arguments for a kind of cluster, with nothing else said of it.
    pub(super) fn of_kind(cluster: ClusterKind) -> Self {
        Self { cluster, context: None, yes: false, retries: 0 }
    }
}

/// A cluster that cases can be played on at once.
pub(super) enum OpenCluster {
    Embedded,
    /// With the future that ends when somebody asks for the end, armed before anything was made.
    Shared(Box<SharedCluster>, Runtime, BoxFuture<'static, ()>),
}

impl OpenCluster {
    /// Starts the cluster, or finds it.
    pub(super) fn open(arguments: &ClusterArgs, cases: &[Case], seed: Seed) -> anyhow::Result<Self> {
        if !matches!(arguments.cluster, ClusterKind::Kubeconfig | ClusterKind::Kind)
            && (arguments.context.is_some() || arguments.yes)
        {
            bail!("--context and --yes go with `--cluster kubeconfig` and `--cluster kind`");
        }
        if arguments.cluster == ClusterKind::Embedded && arguments.retries > 0 {
            bail!("--retries goes with a real cluster; the embedded one plays the same thing again");
        }
        let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        match arguments.cluster {
            ClusterKind::Embedded => Ok(Self::Embedded),
            ClusterKind::ControlPlane => {
                let runtime = runtime()?;
                let cluster = runtime.block_on(SharedCluster::control_plane())?;
                let end = runtime.block_on(async { termination_signal() })?;
                Ok(Self::Shared(Box::new(cluster), runtime, end))
            }
            ClusterKind::Kubeconfig | ClusterKind::Kind => {
                let runtime = runtime()?;
                let existing = runtime.block_on(arguments.existing(seed))?;
                let namespaces = cases.iter().flat_map(|case| case.scenario.namespaces()).collect();
                let end = runtime.block_on(async { termination_signal() })?;
                let cluster = match arguments.cluster {
                    ClusterKind::Kind => runtime.block_on(SharedCluster::kind(existing, &namespaces))?,
                    _ => runtime.block_on(SharedCluster::existing(existing, &namespaces))?,
                };
                Ok(Self::Shared(Box::new(cluster), runtime, end))
            }
        }
    }

    /// The cluster's name, as in a report's first line.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Embedded => EMBEDDED,
            Self::Shared(cluster, ..) => cluster.name(),
        }
    }

    /// Plays `cases`, and ends what was started for them.
    pub(super) fn play(
        self,
        cases: &[Case],
        seed: Seed,
        retries: u32,
        begun: impl FnMut(&Case) -> io::Result<()>,
        ended: impl FnMut(Outcome) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Embedded => Ok(runner::play_all(cases, seed, begun, ended)?),
            Self::Shared(mut cluster, runtime, end) => runtime.block_on(async {
                let played = runner::play_on(&mut cluster, cases, seed, retries, end, begun, ended).await;
                let ended = cluster.end().await;
                played?;
                Ok(ended?)
            }),
        }
    }
}

/// Asks the person; without one, or without a yes, nothing is touched.
fn ask(existing: &ExistingCluster) -> anyhow::Result<()> {
    let question = existing.question();
    if !io::stdin().is_terminal() {
        bail!("{question}\nNobody is there to be asked; say --yes if that is what you want.");
    }
    anstream::eprint!("{question}\nPlay them? [y/N] ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).context("the answer cannot be read")?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => bail!("nothing was touched"),
    }
}

/// Ends when the person or the machine asks for it; who asks twice does not want to wait for anything.
pub(super) fn termination_signal() -> anyhow::Result<BoxFuture<'static, ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for the signal to end")?;
    let (sender, receiver) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let mut sender = Some(sender);
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            match sender.take() {
                // A receiver that is gone does not matter.
                Some(sender) => drop(sender.send(())),
                None => std::process::exit(INTERRUPTED),
            }
        }
    });
    Ok(Box::pin(async move { drop(receiver.await) }))
}

impl fmt::Display for ClusterArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cluster {
            ClusterKind::Embedded => Ok(()),
            ClusterKind::ControlPlane => f.write_str("--cluster control-plane"),
            ClusterKind::Kubeconfig | ClusterKind::Kind => {
                let kind = if self.cluster == ClusterKind::Kind { "kind" } else { "kubeconfig" };
                write!(f, "--cluster {kind}")?;
                self.context.iter().try_for_each(|context| write!(f, " --context {context}"))
            }
        }
    }
}
