//! `cargo ci`: the same checks on a laptop and on the build machine.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod beside;
mod chart;
mod checks;
mod contract;
mod control_plane;
mod debian;
mod generate;
mod images;
mod kept;
mod kind;
mod kubectl;
mod page;
mod parameters;
mod plane;
mod real;
mod rights;
mod sdk;
mod tools;

/// The project's own chores and checks.
#[derive(Debug, Parser)]
#[command(name = "cargo ci")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Run every check, as the build machine does.
    Check {
        /// Only the checks whose name contains this.
        only: Option<String>,
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
        /// Give them to the Docker Engine.
        #[arg(long)]
        load: bool,
    },
    /// A real kind cluster on this machine, also where nothing can be pulled.
    Kind {
        #[command(subcommand)]
        wish: kind::Wish,
    },
    /// Become runc, asking for no more than this machine has; a Docker Engine of ours calls it.
    #[command(hide = true)]
    Trim {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<std::ffi::OsString>,
    },
    /// Build helm and kind from source, once, and print where they are.
    Tools,
}

fn main() -> Result<()> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    match Arguments::parse().chore {
        Chore::Check { only } => checks::run(&root, only.as_deref()),
        Chore::Generate { check } => generate::run(&root, check).and_then(|()| parameters::run(&root, check)),
        Chore::ControlPlane => control_plane::run(&root),
        Chore::Images { load } => images::run(&root, load),
        Chore::Kind { wish } => kind::run(&root, &wish),
        Chore::Trim { arguments } => kind::trim::run(&arguments),
        Chore::Tools => tools::run(),
    }
}
