//! Programs on this machine, and the installation of Debian's.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::cache;
use crate::command::{build, retry_once};

/// Path of a program that is in PATH.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// True if a program is in PATH.
pub fn is_installed(program: &str) -> bool {
    find(program).is_some()
}

/// True if this process is root's.
pub fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Installs packages of Debian's; no service of theirs is started.
pub fn install(what: &str, packages: &[&str]) -> Result<()> {
    eprintln!("installing {}", packages.join(" "));
    // two checks may want packages at the same time, and apt serves one
    let _alone = cache::exclusively(&cache::folder()?.join("apt.lock"))?;
    retry_once(&format!("installing {what}"), || {
        let mut update = Command::new("apt-get");
        build(update.args(["update", "--quiet=2"]))?;
        let mut install = Command::new("apt-get");
        install.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
        build(install.args(["install", "--yes", "--quiet=2", "--no-install-recommends"]).args(packages))
    })
}
