//! The mutation score: each fault planted in the provider is turned on, and the first check that fails has caught it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::command::bound;
use crate::outcome::CheckOutcome;
use crate::supervision::{Termination, supervise};
use crate::workspace::planted_programs;

/// The table of planted faults, below the root.
const TABLE: &str = "provider/planted-faults.csv";
/// The environment variable by which a program is told which fault is on.
const FAULT: &str = "PLANTED_FAULT";
/// The least share of the faults that has to be caught, in percent.
const CAUGHT_MIN: usize = 95;
/// The cases that are swept, since most faults are at places where a call is lost or a provider dies.
const SWEPT: [&str; 4] = [
    "faults/answer-lost",
    "lifecycle/graceful-deletion",
    "trust/restart-within-the-listing-lag",
    "trust/unplaceable-then-restart",
];
/// A step with a fault takes so many times as long as without one, and so much more, before it counts as hanging.
const SLOWER_MAX: u32 = 4;
const SLOWER_BY: Duration = Duration::from_secs(20);
/// The time that a step may take without a fault.
const STEP_MAX: Duration = Duration::from_secs(300);

/// One row of the table.
#[derive(Debug, Deserialize)]
struct Fault {
    fault: String,
    breaks: String,
    instead: String,
}

/// A program that passes without faults.
struct Step {
    name: String,
    program: PathBuf,
    arguments: Vec<&'static str>,
    folder: PathBuf,
    /// The time that it took without a fault.
    took: Duration,
}

/// Turns on one fault after the other; fails where fewer than [`CAUGHT_MIN`] percent are caught.
pub fn run(root: &Path) -> Result<CheckOutcome> {
    let faults = read(&root.join(TABLE))?;
    let output = tempfile::tempdir()?;
    let log = output.path().join("output");
    let steps = steps(root, &log)?;
    let mut survivors = Vec::new();
    println!("\n| fault | breaks | caught by |\n|---|---|---|");
    for Fault { fault, breaks, instead } in &faults {
        let mut caught = None;
        for step in &steps {
            caught = step.catches(fault, &log)?;
            if caught.is_some() {
                break;
            }
        }
        println!("| {fault} | {breaks} | {} |", caught.as_deref().unwrap_or("**nothing**"));
        if caught.is_none() {
            survivors.push(format!("{fault} ({instead})"));
        }
    }
    let caught = faults.len() - survivors.len();
    let share = caught * 1000 / faults.len().max(1);
    println!("\n{caught} of {} planted faults are caught, {}.{} %", faults.len(), share / 10, share % 10);
    survivors.iter().for_each(|survivor| println!("not caught: {survivor}"));
    ensure!(
        share >= CAUGHT_MIN * 10,
        "{} of {} planted faults are not caught",
        survivors.len(),
        faults.len()
    );
    Ok(CheckOutcome::Passed)
}

fn read(table: &Path) -> Result<Vec<Fault>> {
    let mut reader =
        csv::Reader::from_path(table).with_context(|| format!("cannot read {}", table.display()))?;
    let rows: Result<Vec<Fault>, _> = reader.deserialize().collect();
    rows.with_context(|| format!("{} has a row that cannot be read", table.display()))
}

/// The steps in the order in which they are tried: the provider's tests, the shortest first, then the cases, then a sweep.
fn steps(root: &Path, log: &Path) -> Result<Vec<Step>> {
    let (tests, release) = planted_programs(root)?;
    let step = |name: &str, program: &Path, arguments: &[&'static str], folder: &str| Step {
        name: name.to_owned(),
        program: program.to_owned(),
        arguments: arguments.to_vec(),
        folder: root.join(folder),
        took: Duration::ZERO,
    };
    let mut tested = Vec::new();
    for path in tests.tests_of("provider")? {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let name = file.rsplit_once('-').map_or(&*file, |(name, _)| name);
        tested.push(step(name, path, &["--test-threads=2"], "provider").measured(log)?);
    }
    tested.sort_by_key(|step| step.took);
    let scenarios = release.path("bin", "scenarios")?;
    let swept = [&["sweep"], &SWEPT[..]].concat();
    for (name, arguments) in [("cases", &["run", "--quiet"][..]), ("sweep", &swept)] {
        tested.push(step(name, scenarios, arguments, "").measured(log)?);
    }
    Ok(tested)
}

impl Step {
    /// The step with the time that it takes without a fault.
    #[allow(clippy::disallowed_methods, reason = "what takes much longer with a fault hangs")]
    fn measured(self, log: &Path) -> Result<Self> {
        let began = Instant::now();
        let ended = self.run("", STEP_MAX, log)?;
        let failed = !matches!(ended, Termination::ByItself(status) if status.success());
        ensure!(!failed, "{} fails without any fault:\n{}", self.name, fs::read_to_string(log)?);
        let took = began.elapsed();
        println!("{} passes without faults in {:.1} s", self.name, took.as_secs_f64());
        Ok(Self { took, ..self })
    }

    /// What of this step fails with `fault`; `None` where nothing does.
    fn catches(&self, fault: &str, log: &Path) -> Result<Option<String>> {
        let ended = self.run(fault, self.took * SLOWER_MAX + SLOWER_BY, log)?;
        let what = match ended {
            Termination::ByItself(status) if status.success() => return Ok(None),
            Termination::OverBudget => "it does not end".to_owned(),
            Termination::ByItself(status) => {
                let said = fs::read(log)?;
                first_failure(&String::from_utf8_lossy(&said)).unwrap_or_else(|| status.to_string())
            }
        };
        Ok(Some(format!("{}: {what}", self.name)))
    }

    fn run(&self, fault: &str, budget: Duration, log: &Path) -> Result<Termination> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.folder).env(FAULT, fault);
        let mut command = bound(&command);
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdout(file.try_clone()?).stderr(file);
        let mark = format!("mutants-{}-{}-{fault}", std::process::id(), self.name);
        supervise(&mut command, budget, &mark)
    }
}

/// The first test or case that failed.
fn first_failure(output: &str) -> Option<String> {
    output.lines().find_map(|line| {
        let test = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"));
        let case = line.trim_start().strip_prefix("✗ ");
        Some(test.or(case)?.split(", seed ").next()?.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_test_or_case_that_failed_is_named() {
        let tests = "running 2 tests\ntest a::b ... ok\ntest a::c ... FAILED\ntest d ... FAILED\n";
        assert_eq!(first_failure(tests).as_deref(), Some("a::c"));
        let sweep = "2 of 9 places\n✗ faults/no-stock at call-1:lost, seed one two three\n";
        assert_eq!(first_failure(sweep).as_deref(), Some("faults/no-stock at call-1:lost"));
        assert_eq!(first_failure("thread panicked"), None);
    }

    #[test]
    fn every_planted_fault_has_a_row_and_every_row_is_planted_once() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut planted = Vec::new();
        let mut folders = vec![root.join("provider/src")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() {
                    folders.push(entry);
                    continue;
                }
                let text = fs::read_to_string(&entry).unwrap();
                let sites = text.split("planted!(").skip(1).filter_map(|rest| rest.split_once(')'));
                planted.extend(sites.map(|(fault, _)| fault.to_owned()));
            }
        }
        let mut rows: Vec<_> = read(&root.join(TABLE)).unwrap().into_iter().map(|row| row.fault).collect();
        planted.sort();
        rows.sort();
        assert_eq!(planted, rows);
    }
}
