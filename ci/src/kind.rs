//! A real kind cluster on this machine, also where nothing can be pulled: its commands.

pub mod check;
mod cluster;
mod containers;
mod control_api;
mod guide;
mod install;
mod mixed;
mod node_image;
mod release;

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Subcommand;

use self::cluster::{Cluster, cluster, down, name, prepare, reaching, up};
use self::install::{Time, install, load};
use crate::engine::Engine;
use crate::images;
use crate::outcome::{CheckOutcome, Extent};

/// Commands on the kind cluster.
#[derive(Debug, Subcommand)]
pub enum KindCommand {
    /// Make the node's image from Debian packages and Go modules, once, and print its archive.
    NodeImage,
    /// Start an Engine where none answers.
    Engine,
    /// Start an Engine where none answers, and a cluster in it.
    Up,
    /// Load our images into the cluster, and install the simulator and the chart.
    Install {
        /// Let the provider follow the simulator's clock, which begins in the past: so cases can be played on it.
        #[arg(long)]
        following: bool,
    },
    /// Play the guide's three ways by real kubectl on what is installed, and look at the bill.
    Guide,
    /// All of it: up, install, every case, install anew, guide, mixed, upgrade, rollback, uninstall, down.
    Check,
    /// Play the guide's mixed cluster on what is installed: pods on both kinds of node run, and reach each other.
    Mixed,
    /// Run a command where the cluster is reached: in its network, with KUBECONFIG, and with kind and helm in PATH.
    Run {
        /// The command and its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<OsString>,
    },
    /// Remove the cluster, and the Engine if it is ours.
    Down,
}

/// Runs a command.
pub fn run(root: &Path, command: &KindCommand) -> Result<()> {
    match command {
        KindCommand::NodeImage => println!("{}", node_image::archive(root)?.display()),
        KindCommand::Engine => println!("{}", Engine::ensure()?.how_to_reach()),
        KindCommand::Up => up(&Cluster { engine: prepare(root)?, name: name() })?,
        KindCommand::Install { following } => {
            let cluster = cluster()?;
            load(&cluster, &images::build(root)?)?;
            install(&cluster, root, if *following { Time::Simulated } else { Time::Real })?;
        }
        KindCommand::Guide => guide::play(&cluster()?)?,
        KindCommand::Check => match check::run(root, Extent::All)? {
            CheckOutcome::Passed => {}
            CheckOutcome::Skipped(why) => bail!("there can be no kind cluster here: {why}"),
        },
        KindCommand::Mixed => mixed::play(&cluster()?, root)?,
        KindCommand::Run { command } => run_inside(command)?,
        KindCommand::Down => down(name())?,
    }
    Ok(())
}

fn run_inside(words: &[OsString]) -> Result<()> {
    let cluster = cluster()?;
    let (program, arguments) = words.split_first().context("a command is wanted")?;
    // replaces this process, so that the command's end is this program's end
    Err(reaching(&cluster, program)?.args(arguments).exec())
        .with_context(|| format!("cannot start {program:?}"))
}
