//! `cost`: what manifests or a cluster cost by the hour and month, against a budget and another estimate.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use clap::Args;

use super::exit::{FAILED, command};
use super::manifests::{Named, named, shown};
use super::price_args::PriceArgs;
use super::sizes::{finished, unsold};
use crate::cost::budget::{Budget, Overrun};
use crate::cost::difference::{self, Difference};
use crate::cost::estimate::Estimate;
use crate::cost::figures::HOURS_A_MONTH;
use crate::cost::text::{self, Remarks};
use crate::cost::{cluster, markdown};
use crate::eci::REGION;

#[derive(Debug, Args)]
pub(super) struct CostArgs {
    /// A file or folder with manifests, `-` for standard input; may be given again.
    #[arg(short, long = "filename", value_name = "FILE", required_unless_present = "kubeconfig")]
    filename: Vec<PathBuf>,
    /// Also reads the folders below a folder.
    #[arg(short = 'R', long)]
    recursive: bool,
    /// The kubeconfig of a cluster whose pods are counted instead; nothing is changed there.
    #[arg(long, value_name = "FILE", conflicts_with = "filename")]
    kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context; its current one where nothing is said.
    #[arg(long, value_name = "CONTEXT", requires = "kubeconfig")]
    context: Option<String>,
    /// Counts only pods on this node of the cluster.
    #[arg(long, value_name = "NODE", requires = "kubeconfig")]
    node: Option<String>,
    /// The region.
    #[arg(long, value_name = "REGION", default_value = REGION)]
    region: String,
    #[command(flatten)]
    prices: PriceArgs,
    /// The hours of a month for which Jobs and CronJobs run.
    #[arg(long, value_name = "HOURS", default_value_t = HOURS_A_MONTH, value_parser = clap::value_parser!(u32).range(..=i64::from(HOURS_A_MONTH)))]
    job_hours: u32,
    /// The most that it may cost, as `500/month` or `0.7/hour`; above that the exit code is 1.
    #[arg(long, value_name = "BUDGET")]
    budget: Option<Budget>,
    /// An estimate that `--json` wrote, to print the difference to it.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Prints Markdown, for the comment of a pull request.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Prints the estimate as one JSON document, which `--against` reads.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &CostArgs) -> anyhow::Result<ExitCode> {
    let prices = arguments.prices.by_region(std::slice::from_ref(&arguments.region))?;
    let prices = prices.first().ok_or_else(|| anyhow!("no region was named"))?;
    let Named { workloads, passed_over } = arguments.workloads()?;
    if workloads.is_empty() {
        let kinds: Vec<_> = passed_over.keys().map(String::as_str).collect();
        let only = if kinds.is_empty() { String::new() } else { format!(": only {}", kinds.join(", ")) };
        bail!("{} holds no pod that counts{only}", arguments.shown());
    }
    let (estimate, unsold_ones) = Estimate::of(&workloads, prices, arguments.job_hours);
    let against = match &arguments.against {
        Some(path) => {
            let file = path.display().to_string();
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {file}"))?;
            Some(difference::read(&file, &text, &estimate)?)
        }
        None => None,
    };
    let difference = against.as_ref().map(|before| Difference::between(before, &estimate));
    let overrun = arguments.budget.and_then(|budget| budget.judge(&estimate).err());
    let remarks = Remarks { passed_over, next: arguments.next() };
    let text = if arguments.json {
        format!("{}\n", serde_json::to_string_pretty(&estimate)?)
    } else if arguments.markdown {
        // a sum that lacks something is within no budget
        let judged = arguments.budget.as_ref().filter(|_| overrun.is_some() || unsold_ones.is_empty());
        let budget = judged.map(|budget| (budget, overrun.as_ref()));
        markdown::comment(&estimate, difference.as_ref(), budget)
    } else {
        match &difference {
            Some(difference) => {
                text::difference(&estimate, difference, &arguments.shown(), &arguments.than())
            }
            None => text::estimate(&estimate, &arguments.shown(), &remarks),
        }
    };
    let is_text = !arguments.json && !arguments.markdown;
    let kept = arguments.budget.filter(|_| overrun.is_none() && unsold_ones.is_empty() && is_text);
    let mut text = text + &kept.map(|budget| format!("budget      {budget} is kept\n")).unwrap_or_default();
    if !unsold_ones.is_empty() && !arguments.json {
        text += &format!("\nnot counted, since it cannot be bought: {}\n", unsold_ones.len());
    }
    let mut out = anstream::stdout();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    let mut mistakes: Vec<_> = unsold_ones.iter().map(|(workload, why)| unsold(workload, why)).collect();
    let code = match overrun {
        Some(above @ Overrun::Above { .. }) => {
            anstream::eprintln!("error: {above}");
            ExitCode::from(FAILED)
        }
        Some(unknown @ Overrun::Unknown { .. }) => {
            mistakes.push(format!("error: {unknown}"));
            ExitCode::SUCCESS
        }
        None => ExitCode::SUCCESS,
    };
    finished(mistakes, code)
}

impl CostArgs {
    fn workloads(&self) -> anyhow::Result<Named> {
        let Some(kubeconfig) = &self.kubeconfig else { return named(&self.filename, self.recursive) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let found = runtime.block_on(async {
            let client = cluster::client(kubeconfig, self.context.as_deref()).await?;
            cluster::read(client, self.node.as_deref()).await
        })?;
        Ok(Named { workloads: found.workloads, passed_over: found.passed_over })
    }

    fn shown(&self) -> String {
        match &self.kubeconfig {
            Some(kubeconfig) => format!("the cluster of {}", kubeconfig.display()),
            None => shown(&self.filename),
        }
    }

    fn than(&self) -> String {
        self.against.as_ref().map(|path| path.display().to_string()).unwrap_or_default()
    }

    /// What to type next, where files can be read again.
    fn next(&self) -> Vec<String> {
        let file = self.filename.first().map(|path| path.display().to_string());
        match file.filter(|file| file != "-") {
            Some(file) => vec![format!("{} sizes {file}", command())],
            None => Vec::new(),
        }
    }
}
