//! `cargo ci check`: chooses checks, runs them, and tells what came of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};

use crate::check::{Check, Conclusion, Finished, REPORT, Report, line, span};
use crate::checks::CHECKS;
use crate::command::{bound_to_us, built_for, missing};
use crate::outcome::{CheckOutcome, Extent};
use crate::schedule::{Run, log_of};
use crate::{cache, workspace};

/// Time after which a run of all checks is ended, with empty caches to begin with.
const WHOLE: Duration = Duration::from_secs(60 * 60);
/// Time of the same with `--all`, of which the sweep alone may take an hour of both cores.
const WHOLE_ALL: Duration = Duration::from_secs(3 * 60 * 60);
/// Factor by which budgets are longer with `--all`.
const ALL_FACTOR: u64 = 12;
/// Marks of failure in the logs of checks: ours, those of Rust's tests and compiler, of Python's and Node's.
const MARKS: [&str; 6] = ["✗", "FAILED", "panicked at", "error:", "error[", "not ok "];
/// The most marks of one log that are told once more, and the number of lines that are told from each on.
const EVIDENCE_MAX: usize = 8;
const FOLLOWING: usize = 14;
/// Environment variable with the start of `.ci/run`, in seconds since 1970: before this program was built.
const BEGAN: &str = "VIRTUAL_NODE_BEGAN";

/// Runs the checks whose name contains `only`, without it all that decide whether a change lands, and fails when one of them
/// failed.
pub fn run(root: &Path, only: Option<&str>, extent: Extent) -> Result<()> {
    let on_demand = only.is_some() || extent == Extent::All;
    let checks: Vec<&Check> = chosen(only).filter(|check| on_demand || !check.on_demand).collect();
    let names = || CHECKS.iter().map(|check| check.name).collect::<Vec<_>>().join("; ");
    ensure!(!checks.is_empty(), "no check is called `{}`; there are: {}", only.unwrap_or_default(), names());
    let is_whole = only.is_none();
    if is_whole {
        workspace::prune(root)?;
        cache::prune()?;
    }
    let began = began();
    let until_now = now() - began;
    let word = |word: &'static str| {
        move |check: &Check| {
            // this program may be built anew while it runs; then no path leads to it but this one
            let mut command = bound_to_us(Path::new(&format!("/proc/{}/exe", std::process::id())));
            command.args([word, check.name]);
            for name in std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()) {
                if is_of_cargo_run(&name) {
                    command.env_remove(name);
                }
            }
            if extent == Extent::All {
                command.arg("--all");
            }
            command
        }
    };
    let (command, clean_up) = (word("check-here"), word("clean-up-after"));
    let (budget, budget_factor) = if extent == Extent::All { (WHOLE_ALL, ALL_FACTOR) } else { (WHOLE, 1) };
    let logs = logs()?;
    let finished =
        Run { checks, command: &command, clean_up: &clean_up, logs, budget, budget_factor, is_whole }
            .play()?;
    println!();
    finished.iter().for_each(|one| println!("{}", line(one)));
    if is_whole {
        let table = table(&finished, until_now, now() - began);
        let path = self::logs()?.join("last-run.md");
        fs::write(&path, &table).with_context(|| format!("cannot write {}", path.display()))?;
        println!("\n{table}\nThe same table is in {}.", path.display());
    }
    let failed: Vec<_> =
        finished.iter().filter(|one| matches!(one.conclusion, Conclusion::Failed(_))).collect();
    for one in failed.iter().filter(|_| finished.len() > 1) {
        // once more at the end, since whoever reads a long run reads its end
        let log = fs::read(log_of(&self::logs()?, one.name)).unwrap_or_default();
        println!("\n── {} failed\n{}", one.name, evidence(&String::from_utf8_lossy(&log)));
    }
    let names: Vec<_> = failed.iter().map(|one| one.name).collect();
    ensure!(failed.is_empty(), "{} of {} checks failed: {}", failed.len(), finished.len(), names.join("; "));
    Ok(())
}

/// Runs one check in this process, and writes its report for the process that started it.
pub fn run_here(root: &Path, name: &str, extent: Extent) -> Result<()> {
    let check = named(name)?;
    let ended = match missing(check.needs) {
        Some(program) => Ok(CheckOutcome::Skipped(format!("{program} is not installed"))),
        None => (check.run)(root, extent),
    };
    let conclusion = match &ended {
        Ok(CheckOutcome::Passed) => Conclusion::Passed,
        Ok(CheckOutcome::Skipped(why)) => Conclusion::Skipped(why.clone()),
        Err(error) => Conclusion::Failed(error.to_string().lines().next().unwrap_or_default().to_owned()),
    };
    let building = u64::try_from(built_for().as_millis()).unwrap_or(u64::MAX);
    if let Some(path) = std::env::var_os(REPORT) {
        fs::write(
            path,
            serde_json::to_string(&Report { conclusion, building, processors: processor_seconds() })?,
        )
        .context("cannot tell what came of it")?;
    }
    ended.map(drop)
}

/// Removes leftovers of a check that was killed.
pub fn clean_up_after(name: &str) -> Result<()> {
    named(name)?.clean_up.map_or(Ok(()), |clean_up| clean_up())
}

/// Prints the list of checks.
pub fn list(only: Option<&str>) {
    println!("| check | needs | after | takes, warm | budget | only with `--all` |");
    println!("|---|---|---|---|---|---|");
    for check in chosen(only) {
        let (needs, after) = (check.needs.join(", "), check.after.join("; "));
        let Check { name, takes, budget, all, .. } = check;
        println!("| {name} | {needs} | {after} | {takes} s | {budget} s | {all} |");
    }
    println!(
        "\nEach is ended when it outlasts its budget, and so is the whole after {}; with `--all` after {ALL_FACTOR} times its \
         budget, and the whole after {}.",
        span(WHOLE),
        span(WHOLE_ALL)
    );
}

fn chosen(only: Option<&str>) -> impl Iterator<Item = &'static Check> {
    // a whole name means that one, though it be a part of another's
    let is_whole_name = CHECKS.iter().any(|check| Some(check.name) == only);
    let is_meant = move |name: &str| match only {
        Some(only) if is_whole_name => name == only,
        Some(only) => name.contains(only),
        None => true,
    };
    CHECKS.iter().filter(move |check| is_meant(check.name))
}

fn named(name: &str) -> Result<&'static Check> {
    match CHECKS.iter().find(|check| check.name == name) {
        Some(check) => Ok(check),
        None => bail!("no check is called `{name}`"),
    }
}

/// True if `cargo run` gives a program this variable about its package. ring's build script asks for such, so a cargo
/// that were called with them would compile ring, and all that builds on it, once more for each clone.
fn is_of_cargo_run(name: &str) -> bool {
    name == "CARGO"
        || ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|start| name.starts_with(start))
}

fn logs() -> Result<PathBuf> {
    Ok(cache::folder()?.join("checks"))
}

/// Table of the times and outcomes of checks, to be pasted into a document.
fn table(finished: &[Finished], before: Duration, whole: Duration) -> String {
    let mut text = String::from(
        "| check | took | building | running | processors | budget | came of it |\n|---|---|---|---|---|---|---|\n",
    );
    text.push_str(&format!("| `cargo ci` builds itself | {0} | {0} | | | | |\n", span(before)));
    for one in finished {
        let came = match &one.conclusion {
            Conclusion::Passed => "passed",
            Conclusion::Skipped(_) => "skipped",
            Conclusion::Failed(_) => "failed",
        };
        let (took, building, budget) = (span(one.took), span(one.building), span(one.budget));
        let processors = span(one.processors);
        let running = span(one.took.saturating_sub(one.building));
        let name = one.name;
        text.push_str(&format!(
            "| {name} | {took} | {building} | {running} | {processors} | {budget} | {came} |\n"
        ));
    }
    let (minutes, seconds) = (whole.as_secs() / 60, whole.as_secs() % 60);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let busy: Duration = finished.iter().map(|one| one.processors).sum();
    text.push_str(&format!(
        "\nThe whole run: {minutes} min {seconds} s on {cores} cores, of whose time the checks took {}.\n",
        span(busy)
    ));
    text
}

/// The lines of a failed check's log that tell why: those with a mark of failure and what follows them, and the last ones.
fn evidence(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let mut shown = vec![false; lines.len()];
    let marked = lines.iter().enumerate().filter(|(_, line)| MARKS.iter().any(|mark| line.contains(mark)));
    for (index, _) in marked.take(EVIDENCE_MAX) {
        shown.iter_mut().skip(index).take(FOLLOWING).for_each(|shown| *shown = true);
    }
    shown.iter_mut().rev().take(FOLLOWING).for_each(|shown| *shown = true);
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate().filter(|(index, _)| shown[*index]) {
        let gap = if index > 0 && !shown[index - 1] { "  …\n" } else { "" };
        text.push_str(&format!("{gap}{line}\n"));
    }
    text
}

/// Seconds of processors that this process and the children it waited for have taken; 0 where the system does not tell.
fn processor_seconds() -> u64 {
    let status = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // behind the program's name in brackets, which may hold anything; in hundredths
    let fields: Vec<&str> = status.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks =
        |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
    (11..=14).map(ticks).sum::<u64>() / 100
}

/// Start of the run, as time since 1970.
fn began() -> Duration {
    let said = std::env::var(BEGAN).ok().and_then(|text| text.parse().ok());
    said.map_or_else(now, Duration::from_secs).min(now())
}

#[allow(clippy::disallowed_methods, reason = "how long a run takes is for people to read")]
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_check_has_its_name_alone_and_builds_on_what_stands_before_it() {
        let mut known = BTreeSet::new();
        for check in CHECKS {
            for name in check.after {
                assert!(
                    known.contains(name),
                    "`{}` builds on `{name}`, which does not stand before it",
                    check.name
                );
            }
            assert!(known.insert(check.name), "there are two checks called `{}`", check.name);
        }
    }

    #[test]
    fn a_check_does_not_know_by_which_clone_it_was_called_but_where_cargo_builds() {
        for (name, is_told) in [
            ("CARGO_MANIFEST_DIR", true),
            ("CARGO_PKG_NAME", true),
            ("CARGO", true),
            ("CARGO_TARGET_DIR", false),
            ("CARGO_HOME", false),
            ("CARGO_PROFILE_DEV_DEBUG", false),
            ("CARGO_INCREMENTAL", false),
        ] {
            assert_eq!(is_of_cargo_run(name), is_told, "{name}");
        }
    }

    #[test]
    fn a_budget_leaves_room_for_what_a_check_takes() {
        for Check { name, takes, budget, .. } in CHECKS {
            assert!(*budget >= 2 * takes && *budget <= WHOLE.as_secs(), "`{name}` has {budget} s");
        }
    }

    #[test]
    fn the_evidence_of_a_failed_check_is_each_mark_with_what_follows_and_the_end() {
        let log = |lines: usize| (0..lines).map(|line| format!("line {line}\n")).collect::<String>();
        let log = format!("{}  ✗ it failed\n{}", log(30), log(60));
        let told = evidence(&log);
        assert!(told.starts_with("  …\n  ✗ it failed\nline 0\n"), "{told}");
        assert!(told.contains("line 12\n  …\nline 46\n") && told.ends_with("line 59\n"), "{told}");
        assert_eq!(evidence(""), "");
    }

    #[test]
    fn the_table_splits_what_a_check_took_into_building_and_running() {
        let finished = Finished {
            name: "tests",
            conclusion: Conclusion::Passed,
            took: Duration::from_secs(90),
            building: Duration::from_secs(30),
            processors: Duration::from_secs(110),
            budget: Duration::from_secs(600),
        };
        let told = table(&[finished], Duration::from_secs(7), Duration::from_secs(97));
        assert!(told.contains("| tests | 90 s | 30 s | 60 s | 110 s | 600 s | passed |"), "{told}");
        assert!(told.contains("The whole run: 1 min 37 s"), "{told}");
    }
}
