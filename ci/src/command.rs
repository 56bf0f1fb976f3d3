//! Commands of other programs, and the time of those that only build.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// Milliseconds spent in [`building`] by this process.
static BUILDING: AtomicU64 = AtomicU64::new(0);

/// Runs a command to its end, its output going where ours goes.
pub fn run(command: &mut Command) -> Result<()> {
    let name = format!("{command:?}");
    let status = command.status().with_context(|| format!("cannot start {name}"))?;
    ensure!(status.success(), "{name} ended with {status}");
    Ok(())
}

/// As [`run`], for a command that only builds or downloads.
pub fn build(command: &mut Command) -> Result<()> {
    building(|| run(command))
}

/// Counts the time of `work` as building. Not to be nested.
#[allow(clippy::disallowed_methods, reason = "how long a build takes is for people to read")]
pub fn building<T>(work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = work();
    let took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    BUILDING.fetch_add(took, Ordering::Relaxed);
    result
}

/// Time that this process has spent building.
pub fn built_for() -> Duration {
    Duration::from_millis(BUILDING.load(Ordering::Relaxed))
}

/// The whole standard output of a command, which has to succeed.
pub fn output_of(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{command:?} ended with {}:\n{said}{error}", output.status);
    Ok(said)
}

/// Runs a command to its end with `text` on its standard input; its output is not shown.
pub fn feed(command: &mut Command, text: &str) -> Result<()> {
    let name = format!("{command:?}");
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
    child.stdin.take().context("the command has no input")?.write_all(text.as_bytes())?;
    let output = child.wait_with_output()?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{name} does not take {text}:\n{error}");
    Ok(())
}

/// First of these programs that this machine lacks.
pub fn missing<'a>(programs: &[&'a str]) -> Option<&'a str> {
    // kubectl would ask the cluster, too, for which it is asked here for nothing
    let starts =
        |program: &str| Command::new(program).arg("version").env("KUBECONFIG", "/dev/null").output().is_ok();
    programs.iter().copied().find(|program| !starts(program))
}

/// Runs work that can fail for a reason outside the project: a failure is printed in one line, and the work tried once
/// more.
pub fn retry_once(what: &str, mut work: impl FnMut() -> Result<()>) -> Result<()> {
    work().or_else(|first| {
        println!("{what} failed ({first}); tried once more, since the reason may lie outside the project");
        work()
    })
}

/// A program that the kernel kills when the thread that starts it is gone, whatever ended it.
pub fn bound_to_us(program: &Path) -> Command {
    // without util-linux the program is only killed when its handle is dropped in order
    if Command::new("setpriv").arg("--version").output().is_err() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// As [`bound_to_us`], for a whole command, before its input and output are set.
pub fn bound(command: &Command) -> Command {
    let mut bound = bound_to_us(Path::new(command.get_program()));
    bound.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => bound.env(name, value),
            None => bound.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        bound.current_dir(folder);
    }
    bound
}

/// Waits for so long.
#[allow(clippy::disallowed_methods, reason = "the programs of others do not run on our clock")]
pub fn rest(span: Duration) {
    std::thread::sleep(span);
}

/// Ends a process as by Ctrl-C, and waits; any end but an orderly one is an error.
pub fn interrupt(process: &mut Child, name: &str) -> Result<()> {
    output_of(Command::new("kill").args(["-INT", &process.id().to_string()]))?;
    let status = process.wait()?;
    ensure!(status.success(), "{name} ended with {status} on Ctrl-C");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::process::Stdio;

    use super::*;

    #[test]
    fn what_is_bound_to_a_program_that_is_killed_ends_with_it() {
        let mut parent = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "command::tests::waits_for_what_is_bound_to_it", "--ignored", "--nocapture"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = parent.stdin.take();
        let mut said = BufReader::new(parent.stdout.take().unwrap());
        let mut line = String::new();
        while line.trim() != "begun" {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "the parent ended by itself");
        }
        parent.kill().unwrap();
        parent.wait().unwrap();
        // The input of the program ends; if it still lived, it would go on.
        drop(input);
        line.clear();
        said.read_to_string(&mut line).unwrap();
        assert_eq!(line, "");
    }

    #[test]
    #[ignore = "the program that the other test kills"]
    fn waits_for_what_is_bound_to_it() {
        let mut command = bound(&Command::new("sh"));
        assert_eq!(command.get_program(), "setpriv", "util-linux is not installed");
        let mut child = command.args(["-c", "echo begun; read line; echo outlived"]).spawn().unwrap();
        child.wait().unwrap();
    }
}
