//! The command line: its arguments, and the command that each of them runs.

mod cluster_args;
mod comparison;
mod cost;
mod exit;
mod load;
mod manifests;
mod merge;
mod price_args;
mod replay;
mod sizes;
mod sweep;

use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use determinism::{Seed, Stopwatch};
use eci_sim::billing::BillFormat;
use eci_sim::text::nearest;

use self::cluster_args::{ClusterArgs, OpenCluster};
use self::exit::{FAILED, MISTAKEN, Mistakes, command};
use crate::cases::{self, CaseFile, NoCases};
use crate::cluster::real::provider_command::{self, ProviderArgs};
use crate::outcome::Outcome;
use crate::report::text::{Text, TextOptions};
use crate::report::{json, junit};
use crate::runner::Case;
use crate::scenario::Scenario;
use crate::shard::Shard;
use crate::up;

/// Says what is true of a virtual node backed by Elastic Container Instances, and checks it.
///
/// Without a command, every case is played on the embedded Kubernetes API with a local ECI.
#[derive(Debug, Parser)]
#[command(name = "scenarios", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays cases and says what came of them.
    Run(Run),
    /// Lists the cases: claim, file, source.
    List(List),
    /// Plays cases on two kinds of cluster and compares what they left behind, field by field.
    Diff(comparison::Diff),
    /// Plays cases with one perturbation at each place: kills, lost answers, and whatever else can go wrong.
    Sweep(sweep::SweepArgs),
    /// Makes pods at a rate, takes them away, and measures every stage, call, process and cost.
    Load(Box<load::LoadArgs>),
    /// Plays a trace's pods in stepped time: the bill, and what of it was waste.
    Replay(replay::ReplayArgs),
    /// Merges the JSON reports of shards of `run` or `load` into one.
    Merge(merge::MergeArgs),
    /// Tells what manifests or a cluster cost by the hour and month, against a budget and another estimate.
    Cost(cost::CostArgs),
    /// Tells why a pod is as large as it is: what was summed, the size that fits, its price, and what is cheaper.
    Sizes(sizes::SizesArgs),
    /// Starts a playground for your own kubectl; Ctrl-C ends everything.
    Up(up::Up),
    /// The provider in a process of its own, as cases on real clusters start it.
    #[command(hide = true)]
    Provider(ProviderArgs),
    /// Prints the JSON schema of a case file, for editors.
    Schema,
}

#[derive(Debug, Args)]
struct Run {
    /// Cases to play: a case, a folder of cases, a file, a folder of your own (`.` for this one), a pattern with `*`, or
    /// a claim; all that come with this program where nothing is said.
    #[arg(value_name = "CASE")]
    cases: Vec<String>,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// The seed of all randomness: three words, as a run prints them, or any number or text.
    #[arg(long, value_name = "SEED", default_value_t = Seed::DEFAULT)]
    seed: Seed,
    /// Draws a seed instead, from the machine's entropy; the run prints it.
    #[arg(long, conflicts_with = "seed")]
    draw_seed: bool,
    /// Fails cases in which the local ECI assumed what a container does, since it does not play its command.
    #[arg(long)]
    strict: bool,
    /// Prints the last line only, and failures.
    #[arg(long, short)]
    quiet: bool,
    /// Also writes a report for programs.
    #[arg(long, value_name = "FORM")]
    report: Option<Form>,
    /// The report's file; without it the report goes to standard output, instead of the text.
    #[arg(long, short, value_name = "FILE", requires = "report")]
    output: Option<PathBuf>,
    /// Also writes the bill of all cases: the cloud's instance bill (`.csv`), JSON (`.json`) or FOCUS (`.focus.csv`).
    #[arg(long, value_name = "FILE")]
    bill: Option<PathBuf>,
    /// The form of that file, where its name does not say it: csv, json or focus.
    #[arg(long, value_name = "FORM", requires = "bill")]
    bill_format: Option<BillFormat>,
}

#[derive(Debug, Args)]
struct List {
    /// Cases to list, as for `run`.
    #[arg(value_name = "CASE")]
    cases: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// One JSON document.
    Json,
    /// JUnit XML.
    Junit,
}

/// Does what was typed.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        None => run(&cli.run).map_err(with_command_meant),
        Some(Command::Run(arguments)) => run(&arguments),
        Some(Command::List(arguments)) => list(&arguments),
        Some(Command::Diff(arguments)) => comparison::run(&arguments),
        Some(Command::Sweep(arguments)) => sweep::run(&arguments),
        Some(Command::Load(arguments)) => load::run(&arguments),
        Some(Command::Replay(arguments)) => replay::run(&arguments),
        Some(Command::Merge(arguments)) => merge::run(&arguments),
        Some(Command::Cost(arguments)) => cost::run(&arguments),
        Some(Command::Sizes(arguments)) => sizes::run(&arguments),
        Some(Command::Up(arguments)) => up::run(&arguments),
        Some(Command::Provider(arguments)) => provider_command::run(&arguments),
        Some(Command::Schema) => schema(),
    };
    match done {
        Ok(code) => code,
        // Whoever reads our output may stop reading, as `head` does.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let text = format!("{error:#}");
            let lead = if text.starts_with("error:") { "" } else { "error: " };
            anstream::eprintln!("{lead}{text}");
            ExitCode::from(MISTAKEN)
        }
    }
}

/// Where the first word is no case: the command that may have been meant.
fn with_command_meant(error: anyhow::Error) -> anyhow::Error {
    let Some(NoCases::Unknown { name, .. }) = error.downcast_ref() else { return error };
    let commands = Cli::command();
    let known = commands.get_subcommands().filter(|known| !known.is_hide_set());
    match nearest(name, known.map(clap::Command::get_name)) {
        Some(near) => {
            anyhow!("there is no command and no case `{name}`; did you mean `{} {near}`?", command())
        }
        None => error,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |io: &std::io::Error| io.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(broken))
}

fn run(arguments: &Run) -> anyhow::Result<ExitCode> {
    let command = command();
    let cases = Shard::from_environment()?.of_items(understood(cases::named(&arguments.cases, &command)?)?);
    let bill_format = match (&arguments.bill, arguments.bill_format) {
        (Some(file), None) => Some(BillFormat::of_file(file)?),
        (_, format) => format,
    };
    let stopwatch = Stopwatch::start();
    let seed = match arguments.draw_seed {
        true => Seed::from_entropy()?,
        false => arguments.seed,
    };
    let instead = arguments.report.is_some() && arguments.output.is_none();
    let cluster = OpenCluster::open(&arguments.cluster, &cases, seed)?;
    let retries = arguments.cluster.retries();
    let mut outcomes = Vec::with_capacity(cases.len());
    let judged = |outcome: Outcome| if arguments.strict { outcome.strictly() } else { outcome };
    if instead {
        let keep = |outcome: Outcome| {
            outcomes.push(judged(outcome));
            Ok::<_, std::io::Error>(())
        };
        cluster.play(&cases, seed, retries, |_| Ok(()), keep)?;
    } else {
        let out = anstream::stdout();
        let live = std::io::stdout().is_terminal();
        let on = arguments.cluster.to_string();
        let options = TextOptions { quiet: arguments.quiet, live, command, seed: seed.to_string(), on };
        let text = RefCell::new(Text::new(out, options));
        text.borrow_mut().begin(&format!("virtual node · {} · local ECI cn-hangzhou", cluster.name()))?;
        let begun = |case: &Case| text.borrow_mut().case_begins(&case.file.case, &case.scenario.claim);
        let ended = |outcome: Outcome| {
            let outcome = judged(outcome);
            text.borrow_mut().case_ended(&outcome)?;
            outcomes.push(outcome);
            Ok::<_, std::io::Error>(())
        };
        cluster.play(&cases, seed, retries, begun, ended)?;
        text.borrow_mut().end(stopwatch.elapsed())?;
    }
    if let Some(form) = arguments.report {
        write_report(form, arguments.output.as_ref(), &seed.to_string(), &outcomes)?;
    }
    if let (Some(file), Some(format)) = (&arguments.bill, bill_format) {
        write_bills(file, format, &outcomes)?;
    }
    let failed = outcomes.iter().any(Outcome::failed);
    Ok(if failed { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

/// Writes the bills of all cases, each rendered once. One with a line that has no price is left out of a file that cannot say so, and named.
fn write_bills(file: &Path, format: BillFormat, outcomes: &[Outcome]) -> anyhow::Result<()> {
    let (text, left_out) = format.render(outcomes.iter().filter_map(|outcome| outcome.bill.as_ref()))?;
    for error in left_out {
        eprintln!("left out of {}: {error}", file.display());
    }
    std::fs::write(file, text).with_context(|| format!("cannot write the bill to {}", file.display()))
}

fn write_report(form: Form, to: Option<&PathBuf>, seed: &str, outcomes: &[Outcome]) -> anyhow::Result<()> {
    let document = match form {
        Form::Json => format!("{:#}\n", json::document(seed, outcomes)),
        Form::Junit => junit::document(seed, outcomes),
    };
    match to {
        Some(path) => std::fs::write(path, document)
            .with_context(|| format!("cannot write the report to {}", path.display())),
        None => Ok(std::io::stdout().write_all(document.as_bytes())?),
    }
}

/// Reads every case before the first is played, so that a mistake in the last one costs no time.
fn understood(files: Vec<CaseFile>) -> anyhow::Result<Vec<Case>> {
    let (mut cases, mut mistakes) = (Vec::new(), Vec::new());
    for file in files {
        match Scenario::read(&file.file, &file.text) {
            Ok(scenario) => cases.push(Case { file, scenario }),
            Err(mistake) => mistakes.push(mistake.to_string()),
        }
    }
    match mistakes.is_empty() {
        true => Ok(cases),
        false => Err(Mistakes(mistakes).into()),
    }
}

fn list(arguments: &List) -> anyhow::Result<ExitCode> {
    let cases = understood(cases::named(&arguments.cases, &command())?)?;
    let mut out = anstream::stdout();
    let mut folder = "";
    for case in &cases {
        let here = case.file.case.split('/').next().unwrap_or_default();
        if here != folder {
            writeln!(out, "{}{here}", if folder.is_empty() { "" } else { "\n" })?;
            folder = here;
        }
        writeln!(out, "  {}", case.scenario.claim)?;
        writeln!(out, "      {}", case.file.file)?;
        writeln!(out, "      cites {}", case.scenario.cites)?;
        if !case.scenario.needs.is_empty() {
            let needs: Vec<_> = case.scenario.needs.iter().map(ToString::to_string).collect();
            writeln!(out, "      needs {}", needs.join(", "))?;
        }
    }
    writeln!(out, "\n{} cases", cases.len())?;
    Ok(ExitCode::SUCCESS)
}

fn schema() -> anyhow::Result<ExitCode> {
    std::io::stdout().write_all(schema_text().as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// The JSON schema of a case file.
pub fn schema_text() -> String {
    let schema = schemars::schema_for!(Scenario);
    format!("{:#}\n", schema.as_value())
}
