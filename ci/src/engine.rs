//! The Docker Engine that nodes run in: one that answers already, or one of our own in a network namespace of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::cache;
use crate::command::run;
use crate::debian::{self, is_installed, is_root};
use crate::supervision::MARK;

const NAMESPACE: &str = "virtual-node-kind";
/// Debian's packages of an Engine and of its needs.
const PACKAGES: [&str; 4] = ["docker.io", "iptables", "iproute2", "mmdebstrap"];

/// An Engine that answers.
#[derive(Debug)]
pub enum Engine {
    /// An Engine of somebody else's; it is found by the environment.
    Given,
    /// An Engine of ours, in a network namespace of its own.
    Own,
}

impl Engine {
    /// Finds an Engine, or starts one.
    pub fn ensure() -> Result<Self> {
        if let Some(engine) = Self::running() {
            return Ok(engine);
        }
        Self::install()?;
        start()?;
        Ok(Self::Own)
    }

    /// Installs the packages of an Engine of ours, where one is missing.
    pub fn install() -> Result<()> {
        let installed = ["dockerd", "docker", "iptables", "ip", "mmdebstrap"].into_iter().all(is_installed);
        if let Some(why) = missing_requirement(is_root(), installed, is_installed("apt-get")) {
            bail!(why);
        }
        if !installed {
            // the package's service is not wanted: the Engine is started below, where it touches nobody's network
            debian::install("a Docker Engine", &PACKAGES)?;
        }
        Ok(())
    }

    /// The Engine that answers right now, if one does. Ours goes first: it is there because somebody started it here.
    pub fn running() -> Option<Self> {
        [Self::Own, Self::Given].into_iter().find(Self::answers)
    }

    fn answers(&self) -> bool {
        if matches!(self, Self::Own) && !socket().exists() {
            return false;
        }
        self.command("docker").arg("info").output().is_ok_and(|output| output.status.success())
    }

    /// A command that reaches this Engine and, by its network, the nodes in it.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        match self {
            Self::Given => Command::new(program),
            Self::Own => {
                let mut command = Command::new("nsenter");
                command.arg(format!("--net=/run/netns/{NAMESPACE}")).arg("--").arg(program);
                command.env("DOCKER_HOST", format!("unix://{}", socket().display()));
                command
            }
        }
    }

    /// Text for a person on the way to the Engine.
    pub fn how_to_reach(&self) -> String {
        match self {
            Self::Given => "the Docker Engine that answered before".to_owned(),
            Self::Own => format!("export DOCKER_HOST=unix://{}", socket().display()),
        }
    }

    /// Stops the Engine if it is ours, and leaves nothing of it but its images.
    pub fn stop(self) -> Result<()> {
        if matches!(self, Self::Given) {
            return Ok(());
        }
        let id =
            fs::read_to_string(run_folder().join("dockerd.pid")).context("our Engine has no pid file")?;
        let name = fs::read_to_string(format!("/proc/{}/comm", id.trim())).unwrap_or_default();
        if name.trim() == "dockerd" {
            run(Command::new("kill").args(["-TERM", id.trim()]))?;
            // waits for a process that is not a child of this one
            let pid = format!("--pid={}", id.trim());
            run(Command::new("timeout").args(["60", "tail", &pid, "--follow", "/dev/null"]))?;
        }
        run(Command::new("ip").args(["netns", "delete", NAMESPACE]))?;
        fs::remove_dir_all(run_folder()).context("cannot remove our Engine's folder")
    }
}

/// True if anything of an Engine of ours is left but its images.
pub fn is_left() -> bool {
    run_folder().exists() || Path::new("/run/netns").join(NAMESPACE).exists()
}

fn run_folder() -> PathBuf {
    PathBuf::from("/run").join(NAMESPACE)
}

fn socket() -> PathBuf {
    run_folder().join("docker.sock")
}

/// Reason for which no Engine of ours can be started here, with the remedy; `None` where one can.
fn missing_requirement(root: bool, installed: bool, debian: bool) -> Option<&'static str> {
    match (root, installed, debian) {
        (false, ..) => {
            Some("no Docker Engine answers, and to start one needs root: start Docker, then try again")
        }
        (true, false, false) => Some(
            "no Docker Engine answers, none is installed, and there is no apt-get to install Debian's: install Docker, \
             start it, then try again",
        ),
        (true, ..) => None,
    }
}

fn start() -> Result<()> {
    let folder = run_folder();
    let kept = cache::folder()?.join("kind");
    for folder in [&folder, &kept] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    if !Path::new("/run/netns").join(NAMESPACE).exists() {
        run(Command::new("ip").args(["netns", "add", NAMESPACE]))?;
        run(Command::new("ip").args(["-n", NAMESPACE, "link", "set", "lo", "up"]))?;
    }
    let configuration = json!({
        "data-root": kept.join("docker"),
        "exec-root": folder.join("exec"),
        "pidfile": folder.join("dockerd.pid"),
        "hosts": [format!("unix://{}", socket().display())],
        "runtimes": { "trim": { "path": runtime(&folder)? } },
        "default-runtime": "trim",
    });
    let file = folder.join("daemon.json");
    fs::write(&file, configuration.to_string())?;
    let log = kept.join("dockerd.log");
    let written = fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    // `ip netns exec` would mount another /sys, without the cgroups
    let mut daemon = Command::new("nsenter");
    daemon.arg(format!("--net=/run/netns/{NAMESPACE}")).args(["--", "dockerd", "--config-file"]).arg(&file);
    // whoever ends a check ends its Engine in order: a killed one leaves its containers behind
    daemon
        .env_remove(MARK)
        .stdin(Stdio::null())
        .stdout(written.try_clone()?)
        .stderr(written)
        .process_group(0);
    let mut daemon = daemon.spawn().context("cannot start dockerd")?;
    for _ in 0..300 {
        if Engine::Own.answers() {
            // whoever ends it waits until it is gone, which a child is only once its parent has seen its end
            std::thread::spawn(move || daemon.wait());
            return Ok(());
        }
        if let Some(status) = daemon.try_wait()? {
            bail!("dockerd ended with {status}; {} says:\n{}", log.display(), last_lines(&log));
        }
        pause();
    }
    bail!("dockerd does not answer; {} says:\n{}", log.display(), last_lines(&log))
}

/// Script that runs runc by way of `runc_shim`; the program is copied, since the one that runs may be built anew while
/// the Engine lives. A check that ran before may have done so already: then no path leads to this program any more, but
/// `/proc` does.
fn runtime(folder: &Path) -> Result<PathBuf> {
    let program = folder.join("ci");
    fs::copy("/proc/self/exe", &program).context("cannot copy this program for the Engine")?;
    let script = folder.join("trim");
    fs::write(&script, format!("#!/bin/sh\nexec {} runc-shim -- \"$@\"\n", program.display()))?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    Ok(script)
}

fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}

/// Waits 200 ms before the next look.
#[allow(clippy::disallowed_methods, reason = "who starts says nothing that could be waited for")]
pub fn pause() {
    std::thread::sleep(std::time::Duration::from_millis(200));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_engine_one_sentence_says_what_to_do() {
        for (root, installed, debian, told) in [
            (false, true, true, Some("needs root: start Docker, then try again")),
            (true, false, false, Some("no apt-get to install Debian's: install Docker")),
            (true, false, true, None),
            (true, true, false, None),
        ] {
            let why = missing_requirement(root, installed, debian);
            assert_eq!(why.is_some(), told.is_some(), "{why:?}");
            assert!(why.unwrap_or_default().contains(told.unwrap_or_default()), "{why:?}");
        }
    }
}
