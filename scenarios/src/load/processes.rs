//! CPU time and peak memory of processes, from Linux's `/proc`; of a process and all that it started.

use std::fs;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Hundredths of a second in which the kernel tells CPU time.
const TICKS_A_SECOND: f64 = 100.0;

/// A process of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Name in the report.
    pub name: String,
    /// Id; of a program that starts others, they count as well.
    pub id: u32,
}

/// A text that names no process.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` should be a name and the id of a process, such as `etcd=4711`")]
pub struct ProcessError(String);

impl FromStr for Process {
    type Err = ProcessError;

    fn from_str(text: &str) -> Result<Self, ProcessError> {
        let wrong = || ProcessError(text.to_owned());
        let (name, id) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(wrong)?;
        Ok(Self { name: name.to_owned(), id: id.parse().map_err(|_| wrong())? })
    }
}

/// What a process used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ProcessUsage {
    /// Name of the process.
    pub name: String,
    /// CPU time during the run, in seconds.
    pub cpu_seconds: f64,
    /// Largest resident memory since it began, in MiB.
    pub peak_mebibytes: u64,
}

/// CPU ticks and peak KiB of a process, and of all that it started unless it is this one, whose children are named for themselves;
/// `None` where the system does not tell.
fn totals(id: u32) -> Option<(u64, u64)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // After the program's name in brackets, which may hold anything.
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
    let own = (ticks(11)? + ticks(12)?, peak.unwrap_or(0));
    if id == std::process::id() {
        return Some(own);
    }
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| totals(child.parse().ok()?));
    Some(children.fold(own, |sum, child| (sum.0 + child.0, sum.1 + child.1)))
}

/// The CPU ticks of processes at one instant.
#[derive(Debug, Clone, Default)]
pub struct CpuMark(Vec<(Process, u64)>);

impl CpuMark {
    /// Marks the CPU time of processes as it is now; those that cannot be looked at are left out.
    pub fn now(processes: &[Process]) -> Self {
        let mark = |process: &Process| Some((process.clone(), totals(process.id)?.0));
        Self(processes.iter().filter_map(mark).collect())
    }

    /// The usage since the mark.
    pub fn usage(&self) -> Vec<ProcessUsage> {
        let usage = |(process, before): &(Process, u64)| {
            let (ticks, peak) = totals(process.id)?;
            let ticks = u32::try_from(ticks.saturating_sub(*before)).unwrap_or(u32::MAX);
            let (name, cpu_seconds) = (process.name.clone(), f64::from(ticks) / TICKS_A_SECOND);
            Some(ProcessUsage { name, cpu_seconds, peak_mebibytes: peak / 1024 })
        };
        self.0.iter().filter_map(usage).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_named_with_its_id() {
        assert_eq!("etcd=7".parse(), Ok(Process { name: "etcd".to_owned(), id: 7 }));
        for wrong in ["", "etcd", "=7", "etcd=", "etcd=x", "etcd=-1"] {
            let why = wrong.parse::<Process>().unwrap_err().to_string();
            assert!(why.contains("such as `etcd=4711`"), "{wrong}: {why}");
        }
    }

    #[test]
    fn this_process_has_used_memory_and_its_time_counts_from_the_mark() {
        let process = Process { name: "this".to_owned(), id: std::process::id() };
        let mark = CpuMark::now(&[process, Process { name: "none".to_owned(), id: u32::MAX }]);
        let usage = mark.usage();
        assert_eq!(usage.len(), 1);
        assert!(usage[0].peak_mebibytes > 0 && usage[0].cpu_seconds < 60.0, "{usage:?}");
    }
}
