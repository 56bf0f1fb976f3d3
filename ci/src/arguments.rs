//! Command-line arguments of `cargo ci`.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::outcome::Extent;
use crate::{check_command, generate, images, kind, kubernetes, parameters, rivals, runc_shim, tools};

/// The project's own chores and checks.
#[derive(Debug, Parser)]
#[command(name = "cargo ci")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run every check, as the build machine does.
    Check {
        /// Only the checks whose name contains this.
        only: Option<String>,
        /// Also the scope that is left to a weekly run.
        #[arg(long)]
        all: bool,
        /// Run nothing: print each check with what it needs and takes, and the budget that ends it.
        #[arg(long, conflicts_with = "all")]
        list: bool,
    },
    /// Run one check in this process; `check` starts it so, in a process of its own.
    #[command(hide = true)]
    CheckHere {
        /// Whole name of the check.
        name: String,
        #[arg(long)]
        all: bool,
    },
    /// Take away what a check that was killed has left.
    #[command(hide = true)]
    CleanUpAfter {
        /// Whole name of the check.
        name: String,
        #[arg(long)]
        all: bool,
    },
    /// Write the types of the ECI operations from their published table.
    Generate {
        /// Write nothing; fail when a file is not current.
        #[arg(long)]
        check: bool,
    },
    /// Build etcd and the programs of Kubernetes from source, once, and print the folder they are in.
    ControlPlane,
    /// Build the images of provider and simulator as archives, without a daemon, and print where they are.
    Images {
        /// Load the archives into the Docker Engine.
        #[arg(long)]
        load: bool,
    },
    /// A real kind cluster on this machine, also where nothing can be pulled.
    Kind {
        #[command(subcommand)]
        command: kind::KindCommand,
    },
    /// Ask others' programs and ours the same question, turn by turn, and write `benches/RESULTS.md`.
    Rivals {
        /// Only this question; the figures of the other stay as they are.
        only: Option<rivals::Topic>,
    },
    /// Become runc, asking for no more than this machine has; a Docker Engine of ours calls it.
    #[command(hide = true)]
    RuncShim {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<std::ffi::OsString>,
    },
    /// Build helm and kind from source, once, and print where they are.
    Tools,
}

/// Does what the command line of this process says.
pub fn run() -> Result<()> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    match Arguments::parse().command {
        Command::Check { only, list: true, .. } => {
            check_command::list(only.as_deref());
            Ok(())
        }
        Command::Check { only, all, .. } => check_command::run(&root, only.as_deref(), extent(all)),
        Command::CheckHere { name, all } => check_command::run_here(&root, &name, extent(all)),
        Command::CleanUpAfter { name, .. } => check_command::clean_up_after(&name),
        Command::Generate { check } => {
            generate::run(&root, check).and_then(|()| parameters::run(&root, check))
        }
        Command::ControlPlane => kubernetes::run(&root),
        Command::Images { load } => images::run(&root, load),
        Command::Kind { command } => kind::run(&root, &command),
        Command::Rivals { only } => rivals::run(&root, only),
        Command::RuncShim { arguments } => runc_shim::run(&arguments),
        Command::Tools => tools::run(),
    }
}

fn extent(all: bool) -> Extent {
    if all { Extent::All } else { Extent::Landing }
}
