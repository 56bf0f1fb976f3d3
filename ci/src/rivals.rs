//! `cargo ci rivals`: others' programs and ours asked the same question, turn by turn, and the answer in `benches/RESULTS.md`.

mod clouds;
mod nodes;
mod programs;
mod results;

use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;

/// A question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Topic {
    /// Calls a second of the local ECI, beside two simulators of another cloud
    Clouds,
    /// Pods a second on a real control plane, beside kwok
    Nodes,
}

/// Measures one question or all, and writes the results.
pub fn run(root: &Path, only: Option<Topic>) -> Result<()> {
    let mut asked = Vec::new();
    if only != Some(Topic::Nodes) {
        asked.push(clouds::measure(root)?);
    }
    if only != Some(Topic::Clouds) {
        asked.push(nodes::measure(root)?);
    }
    results::write(root, asked)
}
