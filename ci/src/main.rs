//! `cargo ci`: the same checks on a laptop and on the build machine.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod checks;
mod generate;
mod kubectl;
mod sdk;

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
}

fn main() -> Result<()> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    match Arguments::parse().chore {
        Chore::Check { only } => checks::run(&root, only.as_deref()),
        Chore::Generate { check } => generate::run(&root, check),
    }
}
