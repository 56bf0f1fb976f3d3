//! `scenarios load`: pods at a rate on any kind of cluster, and what they took.

mod arguments;

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};

pub(super) use self::arguments::LoadArgs;
use self::arguments::TimeKind;
use super::cluster_args::{OpenCluster, termination_signal};
use super::exit::FAILED;
use crate::load::comparison::compare;
use crate::load::job::{JobSettings, manifest};
use crate::load::place::Place;
use crate::load::progress::ProgressLines;
use crate::load::report::Gathered;
use crate::load::{Plan, Report, driver, html, text};
use crate::shard::Shard;

/// The file name that means standard output.
const STANDARD_OUTPUT: &str = "-";

/// The refusal of stepped time where it cannot be.
const NOT_STEPPED: &str =
    "`--time stepped` goes with the embedded cluster; a real one lives by the machine's time";

pub(super) fn run(arguments: &LoadArgs) -> anyhow::Result<ExitCode> {
    if arguments.print_job {
        return print_job(arguments);
    }
    let shard = Shard::from_environment()?;
    let plan = arguments.plan(shard);
    plan.check()?;
    let before = arguments.compare.as_deref().map(read).transpose()?;
    let report = Report::of(&plan, measure(arguments, &plan)?);
    let quiet = arguments.json.as_deref() == Some(Path::new(STANDARD_OUTPUT));
    let mut out = anstream::stdout();
    write_files(&report, arguments.json.as_deref(), arguments.html.as_deref())?;
    if !quiet {
        write!(out, "{}", text::report(&report))?;
    }
    if let (Some(before), Some(file), false) = (&before, &arguments.compare, quiet) {
        write!(out, "{}", text::comparison(&compare(before, &report), &file.display().to_string()))?;
    }
    let violations: Vec<_> = arguments.fail_if.iter().filter_map(|limit| limit.violation(&report)).collect();
    violations.iter().try_for_each(|violation| writeln!(anstream::stderr(), "✗ {violation}"))?;
    let well = violations.is_empty() && report.shortfalls().is_empty();
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// Reads a report that was written before.
pub(super) fn read(file: &Path) -> anyhow::Result<Report> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    Ok(Report::read(&name, &text)?)
}

/// Writes the report as JSON and as a page, where they are wanted.
pub(super) fn write_files(report: &Report, json: Option<&Path>, page: Option<&Path>) -> anyhow::Result<()> {
    if let Some(file) = json {
        let text = format!("{}\n", serde_json::to_string(report)?);
        match file == Path::new(STANDARD_OUTPUT) {
            true => std::io::stdout().write_all(text.as_bytes())?,
            false => write(file, &text)?,
        }
    }
    page.map_or(Ok(()), |file| write(file, &html::page(report)))
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(file, text).with_context(|| format!("cannot write the report to {}", file.display()))
}

/// Opens the cluster, runs the plan there, and ends what was started.
fn measure(arguments: &LoadArgs, plan: &Plan) -> anyhow::Result<Gathered> {
    let (seed, stepped) = (arguments.seed, arguments.time == TimeKind::Stepped);
    let settings = arguments.place_settings();
    if let Some(node) = &arguments.node {
        return measure_foreign(arguments, plan, node);
    }
    match OpenCluster::open(&arguments.cluster, &[], seed)? {
        OpenCluster::Embedded => {
            let runtime = match stepped {
                true => {
                    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?
                }
                false => {
                    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?
                }
            };
            runtime.block_on(async {
                let end = termination_signal()?;
                match stepped {
                    true => drive(Place::stepped(seed, settings), plan, end).await,
                    false => drive(Place::embedded(seed, settings), plan, end).await,
                }
            })
        }
        OpenCluster::Shared(cluster, runtime, end) => runtime.block_on(async {
            let mut cluster = *cluster;
            let driven = match stepped {
                true => Err(anyhow!(NOT_STEPPED)),
                false => drive(Place::shared(&mut cluster, seed, settings), plan, end).await,
            };
            let cleaned = cluster.clean_up(&BTreeSet::new()).await;
            let ended = cluster.end().await;
            let gathered = driven?;
            cleaned?;
            ended?;
            Ok(gathered)
        }),
    }
}

/// Runs the plan on a node that somebody else's program keeps.
fn measure_foreign(arguments: &LoadArgs, plan: &Plan, node: &str) -> anyhow::Result<Gathered> {
    if arguments.time == TimeKind::Stepped {
        bail!("{NOT_STEPPED}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let foreign = arguments.cluster.foreign_node(node, arguments.seed).await?;
        let driven = async {
            let place = Place::foreign(&foreign, arguments.seed, arguments.place_settings());
            drive(std::future::ready(place), plan, termination_signal()?).await
        };
        let driven = driven.await;
        let ended = foreign.end().await;
        let gathered = driven?;
        ended?;
        Ok(gathered)
    })
}

/// Runs the plan at a place that is being opened, and ends the place.
async fn drive(
    opening: impl Future<Output = Result<Place, crate::load::error::LoadError>>,
    plan: &Plan,
    mut end: futures::future::BoxFuture<'static, ()>,
) -> anyhow::Result<Gathered> {
    let place = tokio::select! {
        place = opening => place?,
        () = &mut end => bail!("it was interrupted before the first pod was made"),
    };
    let mut lines = ProgressLines::new(anstream::stderr(), std::io::stderr().is_terminal());
    // Whoever reads the progress may stop reading; the run goes on.
    let gathered = driver::run(&place, plan, end, |progress| drop(lines.tell(progress))).await;
    let _ = lines.end();
    place.end().await;
    Ok(gathered?)
}

/// Prints the manifest of an Indexed Job that does the same in shards.
fn print_job(arguments: &LoadArgs) -> anyhow::Result<ExitCode> {
    let image = arguments
        .job_image
        .clone()
        .context("--print-job needs --job-image, an image whose entry point is this program")?;
    let own = ["--print-job", "--job-image", "--shards", "--json"];
    let mut words = Vec::new();
    let mut given = std::env::args().skip(1);
    while let Some(word) = given.next() {
        match own.iter().find(|flag| word == **flag || word.starts_with(&format!("{flag}="))) {
            Some(flag) if *flag != "--print-job" && word == **flag => drop(given.next()),
            Some(_) => {}
            None => words.push(word),
        }
    }
    words.extend(["--json".to_owned(), STANDARD_OUTPUT.to_owned()]);
    let settings = JobSettings { shards: arguments.shards, image, arguments: words };
    std::io::stdout().write_all(manifest(&settings).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
