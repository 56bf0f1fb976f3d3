//! `scenarios replay`: a trace's pods in stepped time, with bill and waste.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use determinism::{Seed, Stopwatch};
use eci_sim::billing::BillFormat;

use super::cluster_args::termination_signal;
use super::exit::FAILED;
use crate::replay::columns::Machine;
use crate::replay::outcome::Outcome;
use crate::replay::trace::{EXAMPLE, ReadOptions, Row, TimeUnit, read};
use crate::replay::{playing, text};
use crate::stage::World;

/// The pause between two lines of progress, in real seconds.
const PROGRESS_SECONDS: u64 = 1;

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// A CSV file whose first row names its columns: arrival, duration (or an end), cpu and memory, or those of a public trace;
    /// a small one of our own where nothing is said.
    #[arg(value_name = "TRACE")]
    trace: Option<PathBuf>,
    /// Unit of the trace's times.
    #[arg(long, value_name = "UNIT", default_value = "s")]
    time_unit: TimeUnit,
    /// Size of the machines of which the trace tells shares.
    #[arg(long, value_name = "VCPU,GIB")]
    machine: Option<Machine>,
    /// The seed of all randomness: three words, or any number or text.
    #[arg(long, value_name = "SEED", default_value_t = Seed::DEFAULT)]
    seed: Seed,
    /// Also writes the bill: the cloud's instance bill (`.csv`), JSON (`.json`) or FOCUS (`.focus.csv`).
    #[arg(long, value_name = "FILE")]
    bill: Option<PathBuf>,
}

pub(super) fn run(arguments: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let format = arguments.bill.as_deref().map(BillFormat::of_file).transpose()?;
    let (file, trace) = match &arguments.trace {
        Some(path) => {
            let file = path.display().to_string();
            let trace = std::fs::read_to_string(path).with_context(|| format!("cannot read {file}"))?;
            (file, trace)
        }
        None => (EXAMPLE.0.to_owned(), EXAMPLE.1.to_owned()),
    };
    let rows = read(&file, &trace, ReadOptions { unit: arguments.time_unit, machine: arguments.machine })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let failed = runtime.block_on(play(arguments, &file, &rows, format))?;
    Ok(if failed { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

/// Plays the rows, and says what came of them; true where not all ran to their end.
async fn play(
    arguments: &ReplayArgs,
    file: &str,
    rows: &[Row],
    format: Option<BillFormat>,
) -> anyhow::Result<bool> {
    let end = termination_signal()?;
    let world = World::builder().seed(arguments.seed).start().await?;
    let mut since = Stopwatch::start();
    let live = std::io::stderr().is_terminal();
    let played = playing::play(&world, rows, end, |played| {
        if since.elapsed().as_secs() >= PROGRESS_SECONDS {
            since = Stopwatch::start();
            let line = format!("{} of {} pods have ended", played.ended(), rows.len());
            anstream::eprint!("{}{line}{}", if live { "\r\x1b[K" } else { "" }, if live { "" } else { "\n" });
        }
    });
    let played = played.await?;
    if live {
        anstream::eprint!("\r\x1b[K");
    }
    let ended: BTreeSet<usize> = played.succeeded.iter().copied().collect();
    let ran = rows.iter().enumerate().filter(|(place, _)| ended.contains(place)).map(|(_, row)| row);
    let outcome = Outcome::of(ran, &world.bill().await?);
    write!(anstream::stdout(), "{}", text::outcome(file, rows.len(), &played, &outcome))?;
    if let (Some(path), Some(format)) = (&arguments.bill, format) {
        let bill = world.named_bill(file).await.map_err(|miss| anyhow::anyhow!(miss.in_short()))?;
        let (text, left_out) = format.render([&bill])?;
        left_out.iter().for_each(|why| anstream::eprintln!("left out of {}: {why}", path.display()));
        std::fs::write(path, text).with_context(|| format!("cannot write the bill to {}", path.display()))?;
    }
    world.end().await;
    Ok(played.interrupted || played.succeeded.len() < rows.len())
}
