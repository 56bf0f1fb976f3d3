//! Shim of runc that asks for less: a container gets no capability that this machine lacks.
//!
//! A daemon that lacks a capability cannot hand it on, and runc refuses the container that asks for it, which is every
//! `--privileged` one. Where nothing is missing, nothing is changed.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

/// Capabilities in the kernel's order: the position is the bit.
const CAPABILITIES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// Trims what runc is about to read, and becomes runc. Returns only when that fails.
pub fn run(arguments: &[OsString]) -> Result<()> {
    let bounding =
        fs::read_to_string("/proc/self/status").context("cannot read this process's capabilities")?;
    let bounding = bounding_set(&bounding).context("this process's capabilities cannot be read")?;
    if let Some(bundle) = value_of(arguments, "--bundle", "-b") {
        trim(&Path::new(&bundle).join("config.json"), "/process/capabilities", bounding)?;
    }
    if let Some(process) = value_of(arguments, "--process", "-p") {
        trim(&PathBuf::from(process), "/capabilities", bounding)?;
    }
    Err(Command::new("runc").args(arguments).exec()).context("cannot become runc")
}

/// Value of one of these flags, in the next argument or after `=`.
fn value_of(arguments: &[OsString], long: &str, short: &str) -> Option<OsString> {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let text = argument.to_string_lossy();
        match text.split_once('=') {
            Some((flag, value)) if flag == long || flag == short => return Some(value.into()),
            None if text == long || text == short => return rest.next().cloned(),
            _ => {}
        }
    }
    None
}

fn trim(file: &Path, at: &str, bounding: u64) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut asked: Value = serde_json::from_str(&text)?;
    if let Some(sets) = asked.pointer_mut(at).and_then(Value::as_object_mut) {
        for list in sets.values_mut().filter_map(Value::as_array_mut) {
            list.retain(|name| name.as_str().is_some_and(|name| is_in(bounding, name)));
        }
    }
    fs::write(file, asked.to_string()).with_context(|| format!("cannot write {}", file.display()))
}

fn bounding_set(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("CapBnd:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

/// True if the set holds a capability; one that this table does not know is left to runc to judge.
fn is_in(set: u64, name: &str) -> bool {
    let name = name.strip_prefix("CAP_").unwrap_or(name);
    CAPABILITIES.iter().position(|known| *known == name).is_none_or(|bit| set >> bit & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capability_that_the_machine_withholds_is_not_asked_for() {
        let set = bounding_set("CapEff:\t0\nCapBnd:\t000001fffeffffff\n").unwrap();
        assert!(!is_in(set, "CAP_SYS_RESOURCE"));
        assert!(
            is_in(set, "CAP_SYS_ADMIN")
                && is_in(set, "CAP_CHECKPOINT_RESTORE")
                && is_in(set, "CAP_OF_TOMORROW")
        );
    }

    #[test]
    fn the_bundle_is_found_however_it_is_written() {
        for line in ["create --bundle /b id", "create --bundle=/b id", "--root /r create -b /b id"] {
            let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(value_of(&arguments, "--bundle", "-b"), Some("/b".into()), "{line}");
        }
    }
}
