//! `--cluster`: what kind of cluster the cases are played on, and the run on each kind.

use std::fmt;
use std::io::{self, IsTerminal};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use determinism::Seed;
use futures::future::BoxFuture;
use tokio::runtime::Runtime;

use crate::cluster::{EMBEDDED, Found, NotFound, Site};
use crate::outcome::Outcome;
use crate::runner::{self, Case};

/// Exit code of a program that Ctrl-C ended: 128 and the signal's number.
const INTERRUPTED: i32 = 130;

/// Arguments that choose the cluster on which cases are played.
#[derive(Debug, Clone, Args)]
pub(super) struct On {
    /// The cluster that the cases are played on.
    #[arg(long, value_name = "KIND", default_value = "embedded")]
    cluster: Choice,
    /// The context of the kubeconfig; its current one where nothing is said.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Does not ask before a cluster is touched that is not on this machine.
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Choice {
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

impl On {
    /// A kind of cluster, with nothing else said of it.
    pub(super) fn plain(cluster: Choice) -> Self {
        Self { cluster, context: None, yes: false }
    }
}

/// A cluster that is there.
pub(super) enum Place {
    Embedded,
    /// With what ends when somebody asks for the end, from before anything was made.
    Site(Box<Site>, Runtime, BoxFuture<'static, ()>),
}

impl Place {
    /// Starts the cluster, or finds it.
    pub(super) fn open(on: &On, cases: &[Case], seed: Seed) -> anyhow::Result<Self> {
        if !matches!(on.cluster, Choice::Kubeconfig | Choice::Kind) && (on.context.is_some() || on.yes) {
            bail!("--context and --yes go with `--cluster kubeconfig` and `--cluster kind`");
        }
        let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        match on.cluster {
            Choice::Embedded => Ok(Self::Embedded),
            Choice::ControlPlane => {
                let runtime = runtime()?;
                let site = runtime.block_on(Site::control_plane())?;
                let end = runtime.block_on(async { told_to_end() })?;
                Ok(Self::Site(Box::new(site), runtime, end))
            }
            Choice::Kubeconfig | Choice::Kind => {
                let runtime = runtime()?;
                let found = runtime.block_on(Found::look(on.context.as_deref(), seed))?;
                if on.cluster == Choice::Kind && !found.is_kind() {
                    return Err(NotFound::NotKind { context: found.context }.into());
                }
                if !found.is_local && !on.yes {
                    ask(&found)?;
                }
                let namespaces = cases.iter().flat_map(|case| case.scenario.namespaces()).collect();
                let end = runtime.block_on(async { told_to_end() })?;
                let site = match on.cluster {
                    Choice::Kind => runtime.block_on(Site::kind(found, &namespaces))?,
                    _ => runtime.block_on(Site::found(found, &namespaces))?,
                };
                Ok(Self::Site(Box::new(site), runtime, end))
            }
        }
    }

    /// The cluster's name, as in a report's first line.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Embedded => EMBEDDED,
            Self::Site(site, ..) => site.name(),
        }
    }

    /// Plays `cases`, and ends what was started for them.
    pub(super) fn play(
        self,
        cases: &[Case],
        seed: Seed,
        begun: impl FnMut(&Case) -> io::Result<()>,
        ended: impl FnMut(Outcome) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Embedded => Ok(runner::play_all(cases, seed, begun, ended)?),
            Self::Site(mut site, runtime, end) => runtime.block_on(async {
                let played = runner::play_on(&mut site, cases, seed, end, begun, ended).await;
                let ended = site.end().await;
                played?;
                Ok(ended?)
            }),
        }
    }
}

/// Asks the person; without one, or without a yes, nothing is touched.
fn ask(found: &Found) -> anyhow::Result<()> {
    let question = found.question();
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
fn told_to_end() -> anyhow::Result<BoxFuture<'static, ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for the signal to end")?;
    let (told, hears) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let mut told = Some(told);
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            match told.take() {
                // A receiver that is gone does not matter.
                Some(told) => drop(told.send(())),
                None => std::process::exit(INTERRUPTED),
            }
        }
    });
    Ok(Box::pin(async move { drop(hears.await) }))
}

impl fmt::Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cluster {
            Choice::Embedded => Ok(()),
            Choice::ControlPlane => f.write_str("--cluster control-plane"),
            Choice::Kubeconfig | Choice::Kind => {
                let kind = if self.cluster == Choice::Kind { "kind" } else { "kubeconfig" };
                write!(f, "--cluster {kind}")?;
                self.context.iter().try_for_each(|context| write!(f, " --context {context}"))
            }
        }
    }
}
