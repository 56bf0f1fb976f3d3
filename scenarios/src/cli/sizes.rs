//! `sizes`: why pods are as large as they are, and what else they could cost.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::exit::{MISTAKEN, Mistakes};
use super::manifests::{named, shown};
use super::price_args::PriceArgs;
use crate::cost::workload::Workload;
use crate::eci::REGION;
use crate::sizes::explanation::Explanation;
use crate::sizes::sidecar::Sidecar;
use crate::sizes::text;

#[derive(Debug, Args)]
pub(super) struct SizesArgs {
    /// Files or folders with pods, Deployments, StatefulSets or Jobs; `-` for standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// A region; may be given again, to have several beside each other.
    #[arg(long, value_name = "REGION", default_value = REGION)]
    region: Vec<String>,
    #[command(flatten)]
    prices: PriceArgs,
    /// CPU and memory of the sidecar whose cost is told, as a service mesh puts one into pods.
    #[arg(long, value_name = "CPU,MEMORY", default_value_t)]
    sidecar: Sidecar,
    /// Prints one JSON document.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &SizesArgs) -> anyhow::Result<ExitCode> {
    let by_region = arguments.prices.by_region(&arguments.region)?;
    let named = named(&arguments.files, false)?;
    if named.workloads.is_empty() {
        let kinds: Vec<_> = named.passed_over.keys().map(String::as_str).collect();
        bail!(
            "{} holds no pod, and nothing that makes one: only {}",
            shown(&arguments.files),
            kinds.join(", ")
        );
    }
    let (mut explained, mut mistakes) = (Vec::new(), Vec::new());
    for workload in &named.workloads {
        match Explanation::of(workload, &by_region, &arguments.sidecar) {
            Ok(explanation) => explained.extend(explanation),
            Err(why) => mistakes.push(unsold(workload, &why)),
        }
    }
    let mut out = anstream::stdout();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&explained)?)?;
    } else {
        let texts: Vec<_> = explained.iter().map(text::explanation).collect();
        write!(out, "{}", texts.join("\n"))?;
    }
    out.flush()?;
    finished(mistakes, ExitCode::SUCCESS)
}

/// The sentence about a workload that cannot be bought.
pub(super) fn unsold(workload: &Workload, why: &crate::cost::quote::NotSold) -> String {
    let Workload { place, kind, namespace, name, .. } = workload;
    format!("error: {place}: {kind} {namespace}/{name} cannot be bought: {why}")
}

/// Ends with `code`, unless there were mistakes, which are told.
pub(super) fn finished(mistakes: Vec<String>, code: ExitCode) -> anyhow::Result<ExitCode> {
    if mistakes.is_empty() {
        return Ok(code);
    }
    anstream::eprintln!("{}", Mistakes(mistakes));
    Ok(ExitCode::from(MISTAKEN))
}
