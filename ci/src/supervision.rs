//! A program under a budget: when it outlasts it, it is ended with everything that it has started.
//!
//! What a program starts carries its mark, an environment variable, from parent to child; a process group would lose what
//! makes a group of its own.

use std::fs;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Environment variable with the id of the run of all checks that a process is part of.
const RUN: &str = "VIRTUAL_NODE_RUN";
/// Environment variable that marks every process that a check has started.
pub const MARK: &str = "VIRTUAL_NODE_CHECK";
/// Number of looks for killed processes that are not gone, at most, and the time between two.
const LOOKS: u32 = 100;
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// End of a program under a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Termination {
    ByItself(ExitStatus),
    /// Killed, with all that it had started.
    OverBudget,
}

/// Id of the run of all checks that this process is part of.
pub fn run() -> Option<String> {
    std::env::var(RUN).ok()
}

/// True if this process is part of a run of all checks.
pub fn is_part_of_a_run() -> bool {
    run().is_some()
}

/// Niceness of builds, for `nice`: a person at this machine goes first, but in a run of all checks everybody waits for
/// each of them.
pub fn niceness() -> &'static str {
    if is_part_of_a_run() { "0" } else { "10" }
}

/// Makes a command part of a run.
pub fn join_run(command: &mut Command, run: &str) {
    command.env(RUN, run);
}

/// Runs `command` for as long as `budget`, marked by `mark`, of which there must be no other on this machine.
pub fn supervise(command: &mut Command, budget: Duration, mark: &str) -> Result<Termination> {
    let mut child: Child =
        command.env(MARK, mark).spawn().with_context(|| format!("cannot start {command:?}"))?;
    let id = child.id();
    let (told, hears) = channel();
    let waiting = std::thread::spawn(move || drop(told.send(child.wait())));
    let ended = match hears.recv_timeout(budget) {
        Ok(status) => Termination::ByItself(status.context("cannot wait for a program")?),
        Err(RecvTimeoutError::Timeout) => {
            kill(&[id])?;
            end_marked(mark)?;
            Termination::OverBudget
        }
        Err(RecvTimeoutError::Disconnected) => bail!("nobody waits for {command:?}"),
    };
    let _ = waiting.join(); // it has told what it had to tell
    Ok(ended)
}

/// Kills every process with this mark, until there is none.
fn end_marked(mark: &str) -> Result<()> {
    for _ in 0..LOOKS {
        let marked = marked(mark);
        if marked.is_empty() {
            return Ok(());
        }
        kill(&marked)?;
        wait_a_little();
    }
    bail!("these processes cannot be killed: {:?}", marked(mark))
}

/// Processes with this mark. One that has ended and was not waited for shows no environment.
fn marked(mark: &str) -> Vec<u32> {
    let wanted = format!("{MARK}={mark}").into_bytes();
    let processes = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let ids = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
    let carries = |id: &u32| {
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == wanted)
    };
    ids.filter(carries).collect()
}

fn kill(processes: &[u32]) -> Result<()> {
    let mut kill = Command::new("kill");
    kill.arg("-KILL").args(processes.iter().map(u32::to_string));
    // a process that is gone already makes it fail, which is as good
    kill.output().context("cannot start kill").map(drop)
}

#[allow(clippy::disallowed_methods, reason = "the kernel does not tell when a stranger is gone")]
fn wait_a_little() {
    std::thread::sleep(POLL_INTERVAL);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_outlasts_its_budget_is_ended_with_all_that_it_has_started() {
        let mark = format!("tested-{}", std::process::id());
        let mut hangs = Command::new("sh");
        hangs.args(["-c", "setsid sh -c 'sleep 600 & sleep 600' & (sleep 600 &); sleep 600"]);
        let ended = supervise(&mut hangs, Duration::from_millis(300), &mark).unwrap();
        assert_eq!(ended, Termination::OverBudget);
        assert_eq!(marked(&mark), [] as [u32; 0]);
    }

    #[test]
    fn what_ends_in_time_is_told_by_its_status() {
        let mark = format!("ended-{}", std::process::id());
        let mut ends = Command::new("sh");
        ends.args(["-c", "exit 7"]);
        let ended = supervise(&mut ends, Duration::from_secs(60), &mark).unwrap();
        assert!(matches!(ended, Termination::ByItself(status) if status.code() == Some(7)), "{ended:?}");
    }
}
