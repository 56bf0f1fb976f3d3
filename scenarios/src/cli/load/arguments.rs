//! The arguments of `load`, and the plan and place that they say.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use determinism::Seed;
use eci_sim::Latency;
use provider::config::Capacity;
use provider::eci::{BadRates, Rates};

use super::super::cluster_args::ClusterArgs;
use crate::load::Plan;
use crate::load::place::PlaceSettings;
use crate::load::plan::{Rate, Workload};
use crate::load::processes::Process;
use crate::load::threshold::Threshold;
use crate::scenario::span::Span;
use crate::shard::Shard;

/// The time by which a load runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TimeKind {
    /// The machine's, so that the programs' own speed shows
    Machine,
    /// Stepped, on the embedded cluster: what the cloud's latency and the rates make of it, repeatable from the seed
    Stepped,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct LoadArgs {
    /// Number of pods.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    pods: u32,
    /// Form of the pods.
    #[arg(long = "as", value_name = "FORM", default_value = "bare")]
    workload: Workload,
    /// Pods of a Deployment or Job.
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    replicas: u32,
    /// Pods a second; without it as fast as the calls in flight allow.
    #[arg(long, value_name = "RATE")]
    rate: Option<Rate>,
    /// Time in which the rate rises from 0 to its height.
    #[arg(long, value_name = "SPAN", default_value = "0s")]
    ramp: Span,
    /// Calls that are in flight at once.
    #[arg(long, value_name = "COUNT", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..))]
    in_flight: u16,
    /// Time for which the pods stay once all run.
    #[arg(long, value_name = "SPAN", default_value = "0s")]
    steady: Span,
    /// Pods, Deployments or Jobs that are deleted and made again each second of that time.
    #[arg(long, value_name = "RATE")]
    churn: Option<Rate>,
    /// vCPU of a pod.
    #[arg(long, value_name = "QUANTITY", default_value = "0.25")]
    cpu: String,
    /// Memory of a pod.
    #[arg(long, value_name = "QUANTITY", default_value = "512Mi")]
    memory: String,
    /// Image of the pods.
    #[arg(long, value_name = "IMAGE", default_value = "busybox")]
    image: String,
    /// Virtual nodes, each with a provider of its own, on the embedded cluster.
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=98))]
    nodes: u32,
    /// Resources that each node offers, as `pods=10000,cpu=5000`; else 4000 pods, and what the account may have.
    #[arg(long, value_name = "RESOURCES", value_parser = capacity)]
    capacity: Option<String>,
    /// Rates at which the provider calls the cloud: `published`, `unlimited`, or calls a minute as `CreateContainerGroup=100`.
    #[arg(long, value_name = "RATES", value_parser = rates)]
    cloud_rates: Option<String>,
    /// Latency of the cloud's steps: `none`, `published`, or a factor such as `x0.5`.
    #[arg(long, value_name = "LATENCY")]
    latency: Option<Latency>,
    /// Lets the cloud throttle calls by the published numbers a minute.
    #[arg(long)]
    throttling: bool,
    /// Time by which the run is measured.
    #[arg(long, value_name = "TIME", default_value = "machine")]
    pub(super) time: TimeKind,
    #[command(flatten)]
    pub(super) cluster: ClusterArgs,
    /// The node of the pods, which a program keeps that runs already; nothing is started, and only the watch tells the stages.
    #[arg(long, value_name = "NAME")]
    pub(super) node: Option<String>,
    /// A process whose CPU time and memory are told as well, with those that it has started; may be given again.
    #[arg(long, value_name = "NAME=ID")]
    process: Vec<Process>,
    /// The seed of all randomness: three words, or any number or text.
    #[arg(long, value_name = "SEED", default_value_t = Seed::DEFAULT)]
    pub(super) seed: Seed,
    /// Fails the run where this is so, as `p99(running)>2s`, `rate(running)<100`, `writes>4` or `throttles>0`; may be given again.
    #[arg(long, value_name = "CONDITION")]
    pub(super) fail_if: Vec<Threshold>,
    /// Writes the report as JSON, `-` for standard output instead of the text.
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Writes the report as one HTML page with plots.
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// A report that `--json` wrote, to be compared with.
    #[arg(long, value_name = "FILE")]
    pub(super) compare: Option<PathBuf>,
    /// Prints the manifest of an Indexed Job that does this in shards, instead of doing it.
    #[arg(long)]
    pub(super) print_job: bool,
    /// Number of the Job's shards.
    #[arg(long, value_name = "COUNT", default_value_t = 4, requires = "print_job", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) shards: u32,
    /// Image of the Job, whose entry point is this program.
    #[arg(long, value_name = "IMAGE", requires = "print_job")]
    pub(super) job_image: Option<String>,
}

/// A capacity that the provider takes, as it was typed.
fn capacity(text: &str) -> Result<String, <Capacity as std::str::FromStr>::Err> {
    text.parse::<Capacity>().map(|_| text.to_owned())
}

/// Rates that the provider takes, as they were typed.
fn rates(text: &str) -> Result<String, BadRates> {
    text.parse::<Rates>().map(|_| text.to_owned())
}

impl LoadArgs {
    /// The plan of a shard: its part of the pods, at its part of the rates.
    pub(super) fn plan(&self, shard: Shard) -> Plan {
        let Span(ramp) = self.ramp;
        let Span(steady) = self.steady;
        let part = |rate: Option<Rate>| rate.map(|rate| rate.part(shard.count()));
        Plan {
            pods: shard.of_count(self.pods),
            workload: self.workload,
            replicas: self.replicas,
            rate: part(self.rate),
            ramp,
            in_flight: usize::from(self.in_flight),
            steady,
            churn: part(self.churn),
            cpu: self.cpu.clone(),
            memory: self.memory.clone(),
            image: self.image.clone(),
            node: self.node.clone(),
            prefix: if shard.is_whole() { "load".to_owned() } else { format!("load-s{}", shard.index()) },
        }
    }

    /// The settings of the place.
    pub(super) fn place_settings(&self) -> PlaceSettings {
        PlaceSettings {
            capacity: self.capacity.clone(),
            cloud_rates: self.cloud_rates.clone(),
            latency: self.latency,
            throttling: self.throttling,
            more_nodes: self.nodes.saturating_sub(1),
            processes: self.process.clone(),
        }
    }
}
