//! `diff`: the same cases on two kinds of cluster, and what differs between them without a reason.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};
use determinism::Seed;
use serde_json::Value;

use super::cluster_args::{ClusterArgs, ClusterKind, OpenCluster};
use super::{FAILED, understood};
use crate::cases;
use crate::diff::compare::{Difference, differences};
use crate::diff::reasons::{FILE, Reasons};
use crate::diff::side::{self, Played};
use crate::outcome::CaseVerdict;
use crate::report::text::{Text, TextOptions};
use crate::runner::Case;

/// The longest value that is printed whole, in characters.
const WIDTH: usize = 160;

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// Cases to compare, as for `run`.
    #[arg(value_name = "CASE")]
    cases: Vec<String>,
    /// One kind of cluster.
    #[arg(long, value_name = "KIND", default_value = "embedded")]
    left: ClusterKind,
    /// The other.
    #[arg(long, value_name = "KIND", default_value = "control-plane")]
    right: ClusterKind,
    /// The seed of all randomness, on both clusters.
    #[arg(long, value_name = "SEED", default_value_t = Seed::DEFAULT)]
    seed: Seed,
    /// Plays a case that fails on either cluster again, at most so often.
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=9))]
    retries: u32,
    /// Also prints the differences that have a reason.
    #[arg(long, short)]
    verbose: bool,
}

/// One of the two clusters.
struct Side(OpenCluster);

/// The counts so far, in cases and in differences.
#[derive(Default)]
struct Tally {
    compared: usize,
    explained: usize,
    unexplained: usize,
    failed: usize,
}

/// Compares, says what differs, and fails when something differs without a reason, or a case fails on either cluster: so
/// whoever compares need not run the cases once more.
pub(super) fn run(arguments: &Diff) -> anyhow::Result<ExitCode> {
    let reasons = Reasons::known()?;
    let cases = understood(cases::named(&arguments.cases, &super::command())?)?;
    let open =
        |kind| anyhow::Ok(Side(OpenCluster::open(&ClusterArgs::of_kind(kind), &cases, arguments.seed)?));
    let mut sides = [open(arguments.left)?, open(arguments.right)?];
    let mut out = anstream::stdout();
    let names = sides.iter().map(|side| side.0.name().to_owned()).collect::<Vec<_>>();
    writeln!(out, "virtual node · {} · seed {}", names.join(" | "), arguments.seed)?;
    let mut tally = Tally::default();
    let mut compared = Ok(());
    for case in &cases {
        let [left, right] = &mut sides;
        let mut play = || anyhow::Ok([left.play(case, arguments.seed)?, right.play(case, arguments.seed)?]);
        compared = settled(&mut out, arguments, case, &mut play).and_then(|first| {
            tell_failures(&mut out, arguments, case, &first, &mut tally)?;
            let mut seen = found(&first);
            let is_unknown = |one: &Difference| reasons.of(&case.file.case, one).is_none();
            if seen.iter().any(is_unknown) {
                // A difference that is not seen twice came of the moment of the look.
                let again = found(&play()?);
                let is_same = |one: &Difference, two: &Difference| {
                    (&one.subject, &one.path) == (&two.subject, &two.path)
                };
                seen.retain(|one| !is_unknown(one) || again.iter().any(|two| is_same(one, two)));
            }
            Ok(tell(&mut out, arguments, &reasons, case, &first, &seen, &mut tally)?)
        });
        if compared.is_err() {
            break;
        }
    }
    for side in sides {
        side.end()?;
    }
    compared?;
    let Tally { compared, explained, unexplained, failed } = tally;
    writeln!(
        out,
        "{compared} of {} cases compared · {failed} failed · {unexplained} differences without a reason · {explained} with one",
        cases.len()
    )?;
    if arguments.cases.is_empty() {
        for row in reasons.unused() {
            writeln!(out, "nothing needed this row of {FILE}: {row}")?;
        }
    }
    Ok(if unexplained + failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// Plays a case on both until it fails on neither, at most `--retries` times more, and says what came of it before.
fn settled(
    out: &mut impl Write,
    arguments: &Diff,
    case: &Case,
    play: &mut impl FnMut() -> anyhow::Result<[Played; 2]>,
) -> anyhow::Result<[Played; 2]> {
    let mut played = play()?;
    for _ in 0..arguments.retries {
        let failed = [arguments.left, arguments.right].into_iter().zip(&played);
        let mut failed = failed.filter_map(|(kind, played)| match &played.outcome.verdict {
            CaseVerdict::Failed(failure) => Some((kind, failure)),
            CaseVerdict::Passed | CaseVerdict::Lacking(_) => None,
        });
        let Some((kind, failure)) = failed.next() else { break };
        let (name, kind) = (&case.file.case, name_of(kind));
        let (line, step, miss) = (failure.line, &failure.step, failure.miss.in_short());
        writeln!(out, "  ~ {name}: failed on {kind} and is played again; line {line}, {step}: {miss}")?;
        played = play()?;
    }
    Ok(played)
}

impl Side {
    fn play(&mut self, case: &Case, seed: Seed) -> anyhow::Result<Played> {
        match &mut self.0 {
            OpenCluster::Embedded => side::play_embedded(case, seed).context("a world in this process"),
            OpenCluster::Shared(cluster, runtime, end) => runtime.block_on(async {
                let played = tokio::select! {
                    played = side::play_on_shared(cluster, case, seed) => Some(played?),
                    () = end => None,
                };
                if played.is_none() {
                    let made = case.scenario.clone().at_home_in(cluster.home()).namespaces();
                    cluster.clean_up(&made).await?;
                }
                played.context("told to end; what the case had made on the cluster is taken away")
            }),
        }
    }

    fn end(self) -> anyhow::Result<()> {
        match self.0 {
            OpenCluster::Embedded => Ok(()),
            OpenCluster::Shared(cluster, runtime, _) => Ok(runtime.block_on(cluster.end())?),
        }
    }
}

/// Every field in which the two sides differ, where both could play the case.
fn found([left, right]: &[Played; 2]) -> Vec<Difference> {
    let lacking =
        [left, right].iter().any(|played| matches!(played.outcome.verdict, CaseVerdict::Lacking(_)));
    match (&left.record, &right.record) {
        (Some(left), Some(right)) if !lacking => differences(left, right),
        _ => Vec::new(),
    }
}

/// Says what came of comparing one case.
fn tell(
    out: &mut impl Write,
    arguments: &Diff,
    reasons: &Reasons,
    case: &Case,
    [left, right]: &[Played; 2],
    found: &[Difference],
    tally: &mut Tally,
) -> std::io::Result<()> {
    let name = &case.file.case;
    let sides = [(arguments.left, left), (arguments.right, right)];
    if let Some(why) = sides.iter().find_map(|(kind, played)| unplayed(*kind, played)) {
        return writeln!(out, "  - {name}: not compared, {why}");
    }
    if left.record.is_none() || right.record.is_none() {
        tally.unexplained += 1;
        return writeln!(out, "  ✗ {name}: a cluster could not be asked what was left behind");
    }
    let (known, unknown): (Vec<_>, Vec<_>) =
        found.iter().partition(|difference| reasons.of(name, difference).is_some());
    tally.compared += 1;
    tally.explained += known.len();
    tally.unexplained += unknown.len();
    let mark = if unknown.is_empty() { "✓" } else { "✗" };
    writeln!(out, "  {mark} {name}: {}", sum(unknown.len(), known.len()))?;
    for difference in unknown {
        show(out, arguments, difference, None)?;
    }
    for difference in known.into_iter().filter(|_| arguments.verbose) {
        show(out, arguments, difference, reasons.of(name, difference))?;
    }
    Ok(())
}

/// Says on which cluster a case failed, and tells it as `run` would.
fn tell_failures(
    out: &mut impl Write,
    arguments: &Diff,
    case: &Case,
    [left, right]: &[Played; 2],
    tally: &mut Tally,
) -> std::io::Result<()> {
    for (kind, played) in [(arguments.left, left), (arguments.right, right)] {
        if played.outcome.failed() {
            tally.failed += 1;
            let (name, kind) = (&case.file.case, name_of(kind));
            writeln!(out, "  ✗ {name}: failed on {kind}")?;
            let (command, seed) = (super::command(), arguments.seed.to_string());
            let options =
                TextOptions { quiet: true, live: false, command, seed, on: format!("--cluster {kind}") };
            Text::new(&mut *out, options).case_ended(&played.outcome)?;
        }
    }
    Ok(())
}

/// The reason for which a case has nothing to be compared, if there is one.
fn unplayed(kind: ClusterKind, played: &Played) -> Option<String> {
    match &played.outcome.verdict {
        CaseVerdict::Lacking(capability) => Some(format!("{} lacks {capability}", name_of(kind))),
        CaseVerdict::Passed | CaseVerdict::Failed(_) => None,
    }
}

fn name_of(kind: ClusterKind) -> String {
    kind.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

fn sum(unknown: usize, known: usize) -> String {
    match (unknown, known) {
        (0, 0) => "the same".to_owned(),
        (0, known) => format!("{known} with a reason"),
        (unknown, known) => format!("{unknown} without a reason, {known} with one"),
    }
}

fn show(
    out: &mut impl Write,
    arguments: &Diff,
    difference: &Difference,
    reason: Option<&str>,
) -> std::io::Result<()> {
    writeln!(out, "      {} · {}", difference.subject, difference.path)?;
    let width = name_of(arguments.left).len().max(name_of(arguments.right).len());
    for (kind, value) in [(arguments.left, &difference.left), (arguments.right, &difference.right)] {
        writeln!(out, "        {:width$}  {}", name_of(kind), shown(value.as_ref()))?;
    }
    match reason {
        Some(reason) => writeln!(out, "        {:width$}  {reason}", "because"),
        None => Ok(()),
    }
}

fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else { return "(absent)".to_owned() };
    let text = value.to_string();
    match text.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
