//! A control plane for one check: started, spoken to by kubectl and helm, ended by Ctrl-C.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use crate::command::{bound_to_us, feed, interrupt, output_of};
use crate::kubernetes::control_plane;
use crate::tools::tool;
use crate::workspace::debug_programs;

/// A control plane that runs; killed when it is dropped before its end.
pub struct ControlPlaneSession {
    process: Child,
    /// Path of a kubeconfig with every right.
    pub kubeconfig: PathBuf,
    helm: PathBuf,
    /// Ids of the programs' guards, by the programs' names.
    pub programs: Vec<(String, u32)>,
}

impl ControlPlaneSession {
    /// Builds the programs, starts them, and waits until they serve.
    pub fn start(root: &Path) -> Result<Self> {
        control_plane(root)?;
        let helm = tool("helm")?;
        let programs = debug_programs(root, &["--example", "up"])?;
        let mut command = bound_to_us(programs.path("example", "up")?);
        let mut process = command.stdout(Stdio::piped()).spawn().context("cannot start a control plane")?;
        let output = process.stdout.take().context("the control plane has no output")?;
        let mut plane = Self { process, kubeconfig: PathBuf::new(), helm, programs: Vec::new() };
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let told = lines.find_map(|line| line.strip_prefix("export KUBECONFIG=").map(PathBuf::from));
        plane.kubeconfig = told.context("the control plane ended before it was ready")?;
        plane.programs = lines.by_ref().map_while(|line| program(&line)).collect();
        // a pipe that nobody reads would end it
        std::thread::spawn(move || lines.for_each(drop));
        Ok(plane)
    }

    /// Output of kubectl with these arguments, which are separated by blanks.
    pub fn kubectl(&self, words: &str) -> Result<String> {
        output_of(Command::new("kubectl").args(words.split(' ')).env("KUBECONFIG", &self.kubeconfig))
    }

    /// Output of helm in the chart's own namespace.
    pub fn helm(&self, arguments: &[&str]) -> Result<String> {
        let mut helm = Command::new(&self.helm);
        helm.args(arguments).args(["--namespace", "kube-system"]);
        output_of(helm.env("KUBECONFIG", &self.kubeconfig))
    }

    /// Path of the audit log: a line for each request and its user.
    pub fn audit_log(&self) -> PathBuf {
        self.kubeconfig.with_file_name("audit.log")
    }

    /// Ends the control plane as by Ctrl-C, and waits.
    pub fn end(mut self) -> Result<()> {
        interrupt(&mut self.process, "the control plane")
    }
}

/// The name and the id in the line `# etcd: process 7, log /tmp/etcd.log`; `None` of a line that names none.
fn program(line: &str) -> Option<(String, u32)> {
    let (name, rest) = line.strip_prefix("# ")?.split_once(": process ")?;
    Some((name.to_owned(), rest.split(',').next()?.parse().ok()?))
}

/// Applies YAML or JSON by kubectl.
pub fn apply(plane: &ControlPlaneSession, text: &str) -> Result<()> {
    let mut kubectl = Command::new("kubectl");
    kubectl.args(["apply", "--filename", "-"]).env("KUBECONFIG", &plane.kubeconfig);
    feed(&mut kubectl, text)
}

impl Drop for ControlPlaneSession {
    fn drop(&mut self) {
        let _ = self.process.kill(); // already gone after `end`
        let _ = self.process.wait();
    }
}

/// A kubectl that watches until its end is asked for.
pub struct Watch(Child, BufReader<std::process::ChildStdout>);

impl Watch {
    /// Starts the watch.
    pub fn start(plane: &ControlPlaneSession, words: &str) -> Result<Self> {
        let mut kubectl = Command::new("kubectl");
        kubectl.args(words.split(' ')).env("KUBECONFIG", &plane.kubeconfig).stdout(Stdio::piped());
        let mut child = kubectl.spawn().context("cannot start kubectl")?;
        let output = child.stdout.take().context("kubectl has no output")?;
        Ok(Self(child, BufReader::new(output)))
    }

    /// Ends the watch, and returns its whole output.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_told_with_its_id() {
        assert_eq!(program("# etcd: process 7, log /tmp/etcd.log"), Some(("etcd".to_owned(), 7)));
        assert_eq!(program("# Ctrl-C ends everything."), None);
    }
}
