//! Programs that run beside a measurement, and are killed when it is over.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use crate::command::{build, output_of};
use crate::workspace::{cargo, release_programs, target_folder};

/// A program that runs; killed when dropped.
pub struct Running(Child);

impl Running {
    /// Starts a program of this name, whose output nobody reads.
    pub fn start(name: &str, command: &mut Command) -> Result<Self> {
        let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        started.map(Self).with_context(|| format!("cannot start {name}"))
    }

    /// Id of the process.
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // one that has ended already is what is wanted
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// A program of ours as it is shipped, and what it says of its version.
pub fn ours(root: &Path, name: &str) -> Result<(PathBuf, String)> {
    let path = release_programs(root)?.path("bin", name)?.to_owned();
    let version = output_of(Command::new(&path).arg("--version"))?;
    Ok((path, version.trim().to_owned()))
}

/// A program of the benches, optimised as those that are shipped.
pub fn of_benches(root: &Path, name: &str) -> Result<PathBuf> {
    build(&mut cargo(root, &["build", "--release", "--package", "benches", "--bin", name]))?;
    Ok(target_folder(root).join("release").join(name))
}
