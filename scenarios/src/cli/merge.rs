//! `scenarios merge`: the JSON reports of shards, merged into one.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::Value;

use super::exit::FAILED;
use super::load::{read, write_files};
use crate::load::{merge, text};
use crate::report::json;

#[derive(Debug, Args)]
pub(super) struct MergeArgs {
    /// Reports of `load --json`, or of `run --report json`; all of one kind.
    #[arg(value_name = "FILE", required = true)]
    reports: Vec<PathBuf>,
    /// Writes the merged report as JSON, `-` for standard output instead of the text.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Writes the merged report of a load as one HTML page with plots.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

pub(super) fn run(arguments: &MergeArgs) -> anyhow::Result<ExitCode> {
    let mut documents = Vec::new();
    for file in &arguments.reports {
        let name = file.display();
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
        let document: Value = serde_json::from_str(&text).with_context(|| format!("{name} is no JSON"))?;
        documents.push((name.to_string(), document));
    }
    let of_run = documents.iter().filter(|(_, document)| document.get("cases").is_some()).count();
    match of_run {
        0 => merge_loads(arguments),
        all if all == documents.len() => merge_runs(arguments, documents),
        _ => bail!("some of these are reports of `run`, and some are not; merge those of one kind"),
    }
}

fn merge_loads(arguments: &MergeArgs) -> anyhow::Result<ExitCode> {
    let reports: Vec<_> = arguments.reports.iter().map(|file| read(file)).collect::<anyhow::Result<_>>()?;
    let Some(merged) = merge::merge(reports) else { bail!("there is nothing to merge") };
    write_files(&merged, arguments.json.as_deref(), arguments.html.as_deref())?;
    if arguments.json.as_deref() != Some(std::path::Path::new("-")) {
        write!(anstream::stdout(), "{}", text::report(&merged))?;
    }
    Ok(if merged.shortfalls().is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

fn merge_runs(arguments: &MergeArgs, documents: Vec<(String, Value)>) -> anyhow::Result<ExitCode> {
    if arguments.html.is_some() {
        bail!("--html is for reports of `load`");
    }
    let merged = json::merged(documents)?;
    let cases = merged["cases"].as_array().map(Vec::as_slice).unwrap_or_default();
    let count = |verdict: &str| cases.iter().filter(|case| case["verdict"] == verdict).count();
    let failed = count("failed");
    let document = format!("{merged:#}\n");
    match arguments.json.as_deref() {
        Some(file) if file != std::path::Path::new("-") => {
            std::fs::write(file, document).with_context(|| format!("cannot write {}", file.display()))?;
            let (all, passed) = (cases.len(), count("passed") + count("assumed"));
            let over = count("passed over");
            writeln!(
                anstream::stdout(),
                "{all} cases: {failed} failed, {passed} passed, {over} passed over"
            )?;
        }
        _ => std::io::stdout().write_all(document.as_bytes())?,
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}
