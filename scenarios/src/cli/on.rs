//! `--cluster`: what kind of cluster the cases are played on, and the run on each kind.

use std::fmt;
use std::io;

use anyhow::Context;
use clap::{Args, ValueEnum};
use determinism::Seed;
use tokio::runtime::Runtime;

use crate::cluster::{EMBEDDED, Site};
use crate::outcome::Outcome;
use crate::runner::{self, Case};

/// How a program ends that was told to end by Ctrl-C.
const INTERRUPTED: i32 = 130;

/// Where cases are played.
#[derive(Debug, Clone, Args)]
pub(super) struct On {
    /// The cluster that the cases are played on.
    #[arg(long, value_name = "KIND", default_value = "embedded")]
    cluster: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A Kubernetes API in this process; time is stepped.
    Embedded,
    /// etcd and Kubernetes' own programs, started on this machine for the run.
    ControlPlane,
}

/// A cluster that is there.
pub(super) enum Place {
    Embedded,
    Site(Box<Site>, Runtime),
}

impl Place {
    /// Starts the cluster, or finds it.
    pub(super) fn open(on: &On) -> anyhow::Result<Self> {
        let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        match on.cluster {
            Kind::Embedded => Ok(Self::Embedded),
            Kind::ControlPlane => {
                let runtime = runtime()?;
                let site = runtime.block_on(Site::control_plane())?;
                Ok(Self::Site(Box::new(site), runtime))
            }
        }
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Embedded => EMBEDDED,
            Self::Site(site, _) => site.name(),
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
            Self::Site(mut site, runtime) => runtime.block_on(async {
                let end = told_to_end()?;
                let played = runner::play_on(&mut site, cases, seed, end, begun, ended).await;
                let ended = site.end().await;
                played?;
                Ok(ended?)
            }),
        }
    }
}

/// Ends when the person or the machine asks for it; who asks twice does not want to wait for anything.
fn told_to_end() -> anyhow::Result<impl Future<Output = ()>> {
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
                // Whether somebody still listens does not matter.
                Some(told) => drop(told.send(())),
                None => std::process::exit(INTERRUPTED),
            }
        }
    });
    Ok(async move { drop(hears.await) })
}

impl fmt::Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cluster {
            Kind::Embedded => Ok(()),
            Kind::ControlPlane => f.write_str("--cluster control-plane"),
        }
    }
}
