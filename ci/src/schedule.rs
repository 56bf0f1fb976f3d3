//! Schedule of checks: beside each other, each in a process of its own under its budget.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::check::{Check, Conclusion, Finished, Pool, REPORT, Report, line, span};
use crate::supervision::{Termination, join_run, supervise};

/// A run of checks.
pub struct Run<'a> {
    pub checks: Vec<&'a Check>,
    /// Command of one check.
    pub command: &'a (dyn Fn(&Check) -> Command + Sync),
    /// Command that removes leftovers of a check over its budget.
    pub clean_up: &'a (dyn Fn(&Check) -> Command + Sync),
    /// Folder of the checks' logs; a single check writes to this process's output instead.
    pub logs: PathBuf,
    /// Time after which nothing runs any more.
    pub budget: Duration,
    /// Factor of each check's own budget.
    pub budget_factor: u64,
    /// True for a run of all checks: then one relies on the builds of another.
    pub is_whole: bool,
}

/// Time that cleaning up after a check may take.
const CLEANING: Duration = Duration::from_secs(120);

impl Run<'_> {
    /// Runs the checks, and returns the outcome of each, in the order of the list.
    pub fn play(&self) -> Result<Vec<Finished>> {
        fs::create_dir_all(&self.logs).with_context(|| format!("cannot make {}", self.logs.display()))?;
        let began = now();
        let id = format!("{}-{}", std::process::id(), began_at());
        let mut finished: BTreeMap<&'static str, Finished> = BTreeMap::new();
        let mut running: Vec<&Check> = Vec::new();
        let (sender, ended) = channel();
        std::thread::scope(|scope| {
            loop {
                self.give_up_what_cannot_begin(&mut finished, began.elapsed());
                while let Some(check) = self.next(&finished, &running) {
                    running.push(check);
                    let (sender, id) = (sender.clone(), &id);
                    let budget = self.budget_of(check).min(self.budget.saturating_sub(began.elapsed()));
                    if self.is_many() {
                        println!("── {} begins", check.name);
                    }
                    scope.spawn(move || self.tell_end(check, budget, id, &sender));
                }
                if running.is_empty() {
                    return;
                }
                receive(&ended, &mut running, &mut finished);
            }
        });
        let taken = |check: &&Check| finished.remove(check.name);
        let told: Vec<_> = self.checks.iter().filter_map(taken).collect();
        if told.len() < self.checks.len() {
            bail!("some checks wait for each other, or for one that is not in the list");
        }
        Ok(told)
    }

    fn budget_of(&self, check: &Check) -> Duration {
        Duration::from_secs(check.budget * self.budget_factor)
    }

    fn is_many(&self) -> bool {
        self.checks.len() > 1
    }

    /// The first check that may begin now.
    fn next(&self, finished: &BTreeMap<&str, Finished>, running: &[&Check]) -> Option<&Check> {
        let begun = |name: &str| finished.contains_key(name) || running.iter().any(|one| one.name == name);
        let has_room = |pool: Pool| running.iter().filter(|one| one.pool == pool).count() < pool.capacity();
        let is_ready = |check: &&&Check| {
            !begun(check.name)
                && has_room(check.pool)
                && self.awaited_by(check).all(|name| finished.contains_key(name))
        };
        self.checks.iter().find(is_ready).copied()
    }

    /// Checks that a check builds on, as far as they are part of the run: one alone does for itself what it needs.
    fn awaited_by<'c>(&'c self, check: &'c Check) -> impl Iterator<Item = &'static str> + 'c {
        check.after.iter().copied().filter(|name| self.checks.iter().any(|other| other.name == *name))
    }

    /// Fails the checks that build on a failed one, and those that the whole run's budget leaves no time for.
    fn give_up_what_cannot_begin(&self, finished: &mut BTreeMap<&'static str, Finished>, past: Duration) {
        for check in &self.checks {
            if finished.contains_key(check.name) {
                continue;
            }
            let has_failed = |name: &&str| {
                finished.get(name).is_some_and(|one| matches!(one.conclusion, Conclusion::Failed(_)))
            };
            let why = match self.awaited_by(check).find(has_failed) {
                Some(name) => format!("not begun, since it builds on `{name}`"),
                None if past >= self.budget => {
                    format!("not begun, since the whole run's budget of {} is used up", span(self.budget))
                }
                None => continue,
            };
            // a check that runs is reported when it ends
            if self.awaited_by(check).all(|name| finished.contains_key(name)) || past >= self.budget {
                finished.entry(check.name).or_insert_with(|| Finished {
                    name: check.name,
                    conclusion: Conclusion::Failed(why),
                    took: Duration::ZERO,
                    building: Duration::ZERO,
                    processors: Duration::ZERO,
                    budget: self.budget_of(check),
                });
            }
        }
    }

    fn tell_end(&self, check: &Check, budget: Duration, run: &str, sender: &Sender<Finished>) {
        let began = now();
        let log = log_of(&self.logs, check.name);
        let report = log.with_extension("json");
        let _ = fs::remove_file(&report); // an older run's
        let report = self.supervised(check, budget, run, &log, &report).unwrap_or_else(|error| {
            let conclusion = Conclusion::Failed(format!("{error:#}"));
            Report { conclusion, building: 0, processors: 0 }
        });
        let Report { conclusion, building, processors } = report;
        let (building, processors) = (Duration::from_millis(building), Duration::from_secs(processors));
        let (took, budget) = (began.elapsed(), self.budget_of(check));
        let finished = Finished { name: check.name, conclusion, took, building, processors, budget };
        if self.is_many() {
            let said = fs::read(&log).unwrap_or_default();
            println!("\n── {}\n{}{}", check.name, String::from_utf8_lossy(&said), line(&finished));
        }
        let _ = sender.send(finished); // who hears it waits for it
    }

    fn supervised(
        &self,
        check: &Check,
        budget: Duration,
        run: &str,
        log: &Path,
        report: &Path,
    ) -> Result<Report> {
        let mut command = (self.command)(check);
        command.env(REPORT, report).stdin(Stdio::null());
        if self.is_many() {
            let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
            command.stdout(file.try_clone()?).stderr(file);
        }
        if self.is_whole {
            join_run(&mut command, run);
        }
        let mark = format!("{run}-{}", file_name(check.name));
        if supervise(&mut command, budget, &mark)? == Termination::OverBudget {
            let mut why = format!("over its budget of {}, and ended", span(budget));
            if check.clean_up.is_some() {
                let mut cleaning = (self.clean_up)(check);
                let cleaned = supervise(cleaning.stdin(Stdio::null()), CLEANING, &format!("{mark}-after"))?;
                if !matches!(cleaned, Termination::ByItself(status) if status.success()) {
                    why.push_str("; cleaning up after it failed");
                }
            }
            return Ok(Report { conclusion: Conclusion::Failed(why), building: 0, processors: 0 });
        }
        let text = fs::read_to_string(report).context("it ended without a word")?;
        serde_json::from_str(&text).context("what it said of itself cannot be read")
    }
}

fn receive(
    ended: &Receiver<Finished>,
    running: &mut Vec<&Check>,
    finished: &mut BTreeMap<&'static str, Finished>,
) {
    if let Ok(one) = ended.recv() {
        running.retain(|check| check.name != one.name);
        finished.insert(one.name, one);
    }
}

/// The file in this folder that the check of this name writes its output to, where it is one of many.
pub fn log_of(logs: &Path, check: &str) -> PathBuf {
    logs.join(file_name(check)).with_extension("log")
}

/// Name of a check as the name of a file.
fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

#[allow(clippy::disallowed_methods, reason = "how long a check takes is for people to read, and bounded")]
fn now() -> Instant {
    Instant::now()
}

/// Milliseconds since 1970, which tell two runs apart whose processes had the same number.
fn began_at() -> u128 {
    #[allow(clippy::disallowed_methods, reason = "a name that no other run has")]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::CheckOutcome;

    const fn check(name: &'static str, after: &'static [&'static str], pool: Pool) -> Check {
        Check {
            name,
            needs: &[],
            after,
            pool,
            takes: 1,
            budget: 1,
            on_demand: false,
            all: "",
            run: |_, _| Ok(CheckOutcome::Passed),
            clean_up: None,
        }
    }

    /// Plays checks that are lines of shell; `$VIRTUAL_NODE_REPORT` is the path of the report.
    fn played(checks: &[Check], shell: impl Fn(&str) -> String + Sync) -> Vec<(String, Conclusion)> {
        let logs = tempfile::tempdir().unwrap();
        let command = |check: &Check| {
            let mut command = Command::new("sh");
            command.args(["-c", &shell(check.name)]);
            command
        };
        let run = Run {
            checks: checks.iter().collect(),
            command: &command,
            clean_up: &command,
            logs: logs.path().to_owned(),
            budget: Duration::from_secs(60),
            budget_factor: 1,
            is_whole: true,
        };
        run.play().unwrap().into_iter().map(|one| (one.name.to_owned(), one.conclusion)).collect()
    }

    const WELL: &str = r#"echo '{"conclusion":"Passed","building":0}' > "$VIRTUAL_NODE_REPORT""#;

    #[test]
    fn a_check_that_hangs_is_ended_and_named_and_what_builds_on_it_is_not_begun() {
        let checks = [
            check("hangs", &[], Pool::Cargo),
            check("builds on it", &["hangs"], Pool::Cargo),
            check("stands beside", &[], Pool::Waiting),
        ];
        let told = played(&checks, |name| match name {
            "hangs" => "sleep 600 & sleep 600".to_owned(),
            "builds on it" => "exit 9".to_owned(),
            _ => WELL.to_owned(),
        });
        let failed = |name: &str, why: &str| (name.to_owned(), Conclusion::Failed(why.to_owned()));
        assert_eq!(
            told,
            [
                failed("hangs", "over its budget of 1 s, and ended"),
                failed("builds on it", "not begun, since it builds on `hangs`"),
                ("stands beside".to_owned(), Conclusion::Passed),
            ]
        );
    }

    #[test]
    fn a_check_that_ends_without_a_word_has_failed() {
        let told = played(&[check("silent", &[], Pool::Go), check("other", &[], Pool::Go)], |name| {
            if name == "silent" { "exit 0".to_owned() } else { WELL.to_owned() }
        });
        assert!(matches!(&told[0].1, Conclusion::Failed(why) if why.starts_with("it ended without a word")));
        assert_eq!(told[1].1, Conclusion::Passed);
    }

    #[test]
    fn checks_of_one_place_follow_each_other_in_the_order_of_the_list() {
        let checks = [check("a", &[], Pool::Cargo), check("b", &[], Pool::Cargo)];
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("told").display().to_string();
        played(&checks, |name| format!("echo {name} >> {file}; sleep 0.1; echo {name} >> {file}; {WELL}"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "a\na\nb\nb\n");
    }
}
