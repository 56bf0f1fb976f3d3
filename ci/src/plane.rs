//! A control plane for one check: started, spoken to by kubectl and helm, ended by Ctrl-C.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::control_plane::control_plane;
use crate::images::target_folder;
use crate::tools::tool;

/// A control plane that runs; killed when it is dropped before its end.
pub struct Plane {
    process: Child,
    /// For every right.
    pub kubeconfig: PathBuf,
    helm: PathBuf,
}

impl Plane {
    /// Builds and starts it.
    pub fn start(root: &Path) -> Result<Self> {
        control_plane(root)?;
        let helm = tool("helm")?;
        let build = ["build", "--quiet", "--package", "control-plane", "--example", "up"];
        crate::checks::command(Command::new("cargo").args(build).current_dir(root))?;
        let mut command = bound_to_us(&target_folder(root).join("debug/examples/up"));
        let mut process = command.stdout(Stdio::piped()).spawn().context("cannot start a control plane")?;
        let output = process.stdout.take().context("the control plane has no output")?;
        let mut plane = Self { process, kubeconfig: PathBuf::new(), helm };
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let told = lines.find_map(|line| line.strip_prefix("export KUBECONFIG=").map(PathBuf::from));
        plane.kubeconfig = told.context("the control plane ended before it was ready")?;
        // a pipe that nobody reads would end it
        std::thread::spawn(move || lines.for_each(drop));
        Ok(plane)
    }

    /// What kubectl says to these words.
    pub fn kubectl(&self, words: &str) -> Result<String> {
        said_by(Command::new("kubectl").args(words.split(' ')).env("KUBECONFIG", &self.kubeconfig))
    }

    /// What helm says, in the chart's own namespace.
    pub fn helm(&self, arguments: &[&str]) -> Result<String> {
        let mut helm = Command::new(&self.helm);
        helm.args(arguments).args(["--namespace", "kube-system"]);
        said_by(helm.env("KUBECONFIG", &self.kubeconfig))
    }

    /// The log of who asked for what.
    pub fn audit_log(&self) -> PathBuf {
        self.kubeconfig.with_file_name("audit.log")
    }

    /// Presses Ctrl-C and waits.
    pub fn end(mut self) -> Result<()> {
        interrupt(&mut self.process, "the control plane")
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        let _ = self.process.kill(); // already gone after `end`
        let _ = self.process.wait();
    }
}

/// A kubectl that watches, until it is asked what it saw.
pub struct Watch(Child, BufReader<std::process::ChildStdout>);

impl Watch {
    /// Starts it.
    pub fn start(plane: &Plane, words: &str) -> Result<Self> {
        let mut kubectl = Command::new("kubectl");
        kubectl.args(words.split(' ')).env("KUBECONFIG", &plane.kubeconfig).stdout(Stdio::piped());
        let mut child = kubectl.spawn().context("cannot start kubectl")?;
        let output = child.stdout.take().context("kubectl has no output")?;
        Ok(Self(child, BufReader::new(output)))
    }

    /// Ends it, and gives all it said.
    pub fn end(mut self) -> Result<String> {
        self.0.kill()?;
        let mut said = String::new();
        self.1.read_to_string(&mut said)?;
        Ok(said)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.kill(); // already gone after `end`
        let _ = self.0.wait();
    }
}

/// A program that the kernel kills when this one is gone, whatever ended it.
pub fn bound_to_us(program: &Path) -> Command {
    // without util-linux it is only killed by those who drop it in order
    if Command::new("setpriv").arg("--version").output().is_err() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// The same for a whole command, before it is told where its input comes from and its output goes.
pub fn bound(command: &Command) -> Command {
    let mut bound = bound_to_us(Path::new(command.get_program()));
    bound.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => bound.env(name, value),
            None => bound.env_remove(name),
        };
    }
    bound
}

/// Presses Ctrl-C, waits, and takes only an orderly end.
pub fn interrupt(process: &mut Child, name: &str) -> Result<()> {
    said_by(Command::new("kill").args(["-INT", &process.id().to_string()]))?;
    let status = process.wait()?;
    ensure!(status.success(), "{name} ended with {status} on Ctrl-C");
    Ok(())
}

/// Everything that a command says; it has to succeed.
pub fn said_by(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{command:?} ended with {}:\n{said}{error}", output.status);
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_bound_to_a_program_that_is_killed_ends_with_it() {
        let mut parent = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "plane::tests::waits_for_what_is_bound_to_it", "--ignored", "--nocapture"])
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
        // Its input ends, and it would go on if it still lived.
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
