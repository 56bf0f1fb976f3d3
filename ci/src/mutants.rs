//! The mutation score: each fault planted in the provider is turned on, and the first check that fails has caught it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
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
/// The folders of cases that are played after the provider's own tests, those first that are about hostile input.
const CASES: [&str; 5] = ["trust", "faults", "lifecycle", "node", "workloads"];
/// The program of the provider's tests that has a module for each of many files.
const INTEGRATION: &str = "integration";
/// The most programs that run at the same time, of those that the cores allow; each runs its tests one after the other.
const AT_ONCE: usize = 2;
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
    arguments: Vec<String>,
    folder: PathBuf,
    /// The time that it took without a fault.
    took: Duration,
}

/// Turns on one fault after the other; fails where fewer than [`CAUGHT_MIN`] percent are caught.
pub fn run(root: &Path) -> Result<CheckOutcome> {
    let faults = read(&root.join(TABLE))?;
    let output = tempfile::tempdir()?;
    let log = |number: usize| output.path().join(number.to_string());
    let steps = steps(root)?;
    let took = each(&steps, |number, step| step.passes(&log(number)))?;
    let mut steps: Vec<Step> =
        steps.into_iter().zip(took).map(|(step, took)| Step { took, ..step }).collect();
    // the tests within the library catch most, the cases what is left
    let rank = |step: &Step| match step.name.as_str() {
        "provider" => 0,
        "cases" => 2,
        _ => 1,
    };
    steps.sort_by_key(|step| (rank(step), step.took));
    println!("\n| fault | breaks | caught by |\n|---|---|---|");
    let caught = each(&faults, |number, Fault { fault, breaks, .. }| {
        let caught = catches(&steps, fault, &log(number))?;
        println!("| {fault} | {breaks} | {} |", caught.as_deref().unwrap_or("**nothing**"));
        Ok(caught.is_some())
    })?;
    let survivors: Vec<&Fault> =
        faults.iter().zip(&caught).filter(|(_, caught)| !**caught).map(|(fault, _)| fault).collect();
    let caught = faults.len() - survivors.len();
    let share = caught * 1000 / faults.len().max(1);
    println!("\n{caught} of {} planted faults are caught, {}.{} %", faults.len(), share / 10, share % 10);
    survivors.iter().for_each(|fault| println!("not caught: {} ({})", fault.fault, fault.instead));
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

/// The outcomes of `work` on each of `all`, up to [`AT_ONCE`] at a time; after an error nothing more is begun.
fn each<T: Sync, R: Send>(all: &[T], work: impl Fn(usize, &T) -> Result<R> + Sync) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<R>)>> = Mutex::default();
    let works = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = all.get(number) else { return };
            let outcome = work(number, one);
            if outcome.is_err() {
                next.store(all.len(), Ordering::Relaxed);
            }
            if let Ok(mut done) = done.lock() {
                done.push((number, outcome));
            }
        }
    };
    let at_once = thread::available_parallelism().map_or(1, usize::from).min(AT_ONCE);
    thread::scope(|scope| {
        (0..at_once).for_each(|_| drop(scope.spawn(works)));
    });
    let Ok(mut done) = done.into_inner() else { bail!("a thread panicked") };
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

/// The provider's tests, those of the program of many files a step for each file, and the cases.
fn steps(root: &Path) -> Result<Vec<Step>> {
    let programs = planted_programs(root)?;
    let step = |name: &str, program: &Path, arguments: Vec<String>, folder: &str| Step {
        name: name.to_owned(),
        program: program.to_owned(),
        arguments,
        folder: root.join(folder),
        took: Duration::ZERO,
    };
    let mut steps = Vec::new();
    for path in programs.tests_of("provider")? {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let name = file.rsplit_once('-').map_or(&*file, |(name, _)| name);
        if name != INTEGRATION {
            steps.push(step(name, path, vec!["--test-threads=1".to_owned()], "provider"));
            continue;
        }
        for (module, tests) in by_module(&listed(path)?) {
            let exact = ["--test-threads=1", "--exact"].into_iter().chain(tests);
            steps.push(step(module, path, exact.map(str::to_owned).collect(), "provider"));
        }
    }
    let cases = ["run", "--quiet"].iter().chain(&CASES).map(|&word| word.to_owned()).collect();
    steps.push(step("cases", programs.path("bin", "scenarios")?, cases, ""));
    Ok(steps)
}

/// What a program of tests says of the tests in it.
fn listed(program: &Path) -> Result<String> {
    let mut list = Command::new(program);
    let output = list.args(["--list", "--format", "terse"]).output();
    let output = output.with_context(|| format!("cannot start {}", program.display()))?;
    ensure!(output.status.success(), "{} --list ended with {}", program.display(), output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The tests of a list, by the module at the root in which each stands.
fn by_module(list: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut modules = BTreeMap::<&str, Vec<&str>>::new();
    for test in list.lines().filter_map(|line| line.strip_suffix(": test")) {
        modules.entry(test.split("::").next().unwrap_or(test)).or_default().push(test);
    }
    modules
}

/// The first of `steps` that fails with `fault`, and what of it; `None` where none does.
fn catches(steps: &[Step], fault: &str, log: &Path) -> Result<Option<String>> {
    for step in steps {
        let caught = step.catches(fault, log)?;
        if caught.is_some() {
            return Ok(caught);
        }
    }
    Ok(None)
}

impl Step {
    /// The time that it takes without a fault; an error where it fails.
    #[allow(clippy::disallowed_methods, reason = "what takes much longer with a fault hangs")]
    fn passes(&self, log: &Path) -> Result<Duration> {
        let began = Instant::now();
        let ended = self.run("", STEP_MAX, log)?;
        let failed = !matches!(ended, Termination::ByItself(status) if status.success());
        ensure!(!failed, "{} fails without any fault:\n{}", self.name, fs::read_to_string(log)?);
        let took = began.elapsed();
        println!("{} passes without faults in {:.1} s", self.name, took.as_secs_f64());
        Ok(took)
    }

    /// What of this step fails with `fault`; `None` where nothing does. A machine that is busy with other things is no
    /// test that fails: what outlasts its time without a failure is tried again with more of it.
    fn catches(&self, fault: &str, log: &Path) -> Result<Option<String>> {
        let budget = self.took * SLOWER_MAX + SLOWER_BY;
        for budget in [budget, budget * SLOWER_MAX] {
            let ended = self.run(fault, budget, log)?;
            let failed = first_failure(&String::from_utf8_lossy(&fs::read(log)?));
            let what = match (ended, failed) {
                (Termination::ByItself(status), _) if status.success() => return Ok(None),
                (_, Some(failed)) => failed,
                (Termination::ByItself(status), None) => status.to_string(),
                (Termination::OverBudget, None) => continue,
            };
            return Ok(Some(format!("{}: {what}", self.name)));
        }
        Ok(Some(format!("{}: it does not end", self.name)))
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
    fn a_program_of_many_files_is_a_step_for_each_file_with_all_tests_of_it() {
        let list =
            "clock::a: test\nlife::a: test\nexternal_clock::b: test\nlife::deep::c: test\nx: benchmark\n";
        let found: Vec<_> = by_module(list).into_iter().collect();
        let wanted = [
            ("clock", vec!["clock::a"]),
            ("external_clock", vec!["external_clock::b"]),
            ("life", vec!["life::a", "life::deep::c"]),
        ];
        assert_eq!(found, wanted);
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
