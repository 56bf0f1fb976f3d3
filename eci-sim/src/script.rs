//! Behaviour of containers: as a script for their image or group says, else as their command says.
//!
//! A command is read by a small shell of our own (`script::shell`); what that does not know runs for ever and says nothing.

mod shell;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::text::matches;
pub use shell::{Again, Run};

/// Script of the containers of an image, or of a group. A field that is `None`, false or empty changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Script {
    /// Time to pull the image.
    pub pull: Option<Duration>,
    /// Reason for which the image cannot be pulled.
    pub cannot_pull: Option<String>,
    /// Time to start a container.
    pub start: Option<Duration>,
    /// Run time of a container.
    pub run: Option<Runs>,
    /// Exit code of a container that ends.
    pub exit_code: Option<i32>,
    /// Lines of the log, all written at the start.
    pub log: Vec<String>,
    /// True for a container that never becomes ready.
    pub unready: bool,
    /// Time after its start at which a container becomes ready; with a readiness probe, at the first that comes then.
    #[serde(default)]
    pub ready_after: Option<Duration>,
    /// Time after its start from which a container is not ready; with a readiness probe, when it has failed often
    /// enough.
    #[serde(default)]
    pub unready_after: Option<Duration>,
    /// Run time of the post-start hook, where there is one.
    #[serde(default)]
    pub post_start: Option<Duration>,
    /// True if the post-start hook fails, so that the container is killed.
    #[serde(default)]
    pub post_start_fails: bool,
    /// Run time of the pre-stop hook, where there is one.
    #[serde(default)]
    pub pre_stop: Option<Duration>,
    /// True if the pre-stop hook fails, which is reported and changes nothing else.
    #[serde(default)]
    pub pre_stop_fails: bool,
    /// Time for which the group waits for a machine.
    pub scheduling: Option<Duration>,
    /// Reason for which the group gets no machine.
    pub cannot_schedule: Option<String>,
    /// Use of vCPU and memory by a container.
    pub usage: Option<Usage>,
    /// Use from so long after the start on, in order of time; before the first, `usage` counts. A container that uses
    /// more memory than it has is killed for it.
    pub usage_curve: Vec<(Duration, Usage)>,
    /// Time after its start from which a container's probes fail.
    pub unhealthy_after: Option<Duration>,
    /// Time after its start at which a container is out of memory.
    pub out_of_memory_after: Option<Duration>,
    /// Time that the group's containers take to stop, their hooks included; without hooks, the group is in Terminating
    /// for so long too.
    pub stop: Option<Duration>,
}

/// Run time of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Runs {
    /// No end until it is told to stop.
    Forever,
    /// End after this time.
    For(Duration),
}

/// Use of vCPU and memory while a container runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Thousandths of a vCPU.
    pub milli_vcpu: u32,
    /// Memory in MiB.
    pub mebibytes: u32,
}

/// Scripts in the order in which they were given; the latest that matches counts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Scripts(Vec<Entry>);

/// Pattern, its script, and true once a container or a group has matched.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Entry(String, Arc<Script>, #[serde(skip)] Arc<AtomicBool>);

impl Script {
    /// Use at a time after the start; `None` where the script says nothing of it.
    pub fn usage_at(&self, after: Duration) -> Option<Usage> {
        let point = self.usage_curve.iter().rev().find(|(from, _)| *from <= after);
        point.map(|(_, usage)| *usage).or(self.usage)
    }

    /// Time after its start at which a container with a limit of so many MiB is out of memory; `None` where it never
    /// is.
    pub fn runs_out(&self, limit: u32) -> Option<Duration> {
        let above = self.usage_curve.iter().find(|(_, usage)| usage.mebibytes > limit).map(|(from, _)| *from);
        let at_once = self.usage.filter(|usage| usage.mebibytes > limit).map(|_| Duration::ZERO);
        [self.out_of_memory_after, at_once, above].into_iter().flatten().min()
    }
}

impl Scripts {
    /// Adds a script for containers whose image, or whose group's name, matches `pattern`; `*` stands for any text.
    pub fn add(&mut self, pattern: impl Into<String>, script: Script) {
        self.0.push(Entry(pattern.into(), Arc::new(script), Arc::default()));
    }

    /// The script for a container of `image` in a group of the name `group`.
    pub fn find(&self, group: &str, image: &str) -> Option<Arc<Script>> {
        let fits =
            |pattern: &str| matches(pattern, group) || matches(pattern, image) || is_name_of(pattern, image);
        let Entry(_, script, used) = self.0.iter().rev().find(|Entry(pattern, ..)| fits(pattern))?;
        used.store(true, Ordering::Relaxed);
        Some(Arc::clone(script))
    }

    /// Patterns that matched nothing since this process began, in the order in which they were given.
    pub fn idle(&self) -> Vec<String> {
        let idle = self.0.iter().filter(|Entry(.., used)| !used.load(Ordering::Relaxed));
        idle.map(|Entry(pattern, ..)| pattern.clone()).collect()
    }

    /// Removes every script.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// True if `name` is the name of the image without its registry and tag.
fn is_name_of(name: &str, image: &str) -> bool {
    let last = image.rsplit('/').next().unwrap_or(image);
    let bare = last.split(['@', ':']).next().unwrap_or(last);
    !name.contains(['/', ':', '*']) && name == bare
}

/// The plan of one run of a container: its command's, changed as the script says.
pub fn plan(
    script: Option<&Script>,
    command: &[Box<str>],
    arguments: &[Box<str>],
    env: &[(&str, &str)],
) -> Run {
    let words: Vec<&str> = command.iter().chain(arguments).map(AsRef::as_ref).collect();
    let mut run = shell::read(&words, env);
    let Some(script) = script else { return run };
    if !script.log.is_empty() {
        run.again = None;
        run.says = script.log.iter().map(|line| (Duration::ZERO, line.clone())).collect();
    }
    match (script.run, script.exit_code) {
        (Some(Runs::Forever), _) => run.ends = None,
        (Some(Runs::For(span)), code) => run.ends = Some((span, code.unwrap_or(0))),
        (None, Some(code)) => run.ends = Some((run.ends.map_or(Duration::ZERO, |(after, _)| after), code)),
        (None, None) => {}
    }
    run
}

/// Error text for a malformed image name; `None` for one that is right.
pub fn malformed(image: &str) -> Option<String> {
    let path = image.split('@').next().unwrap_or(image);
    let last = path.rsplit('/').next().unwrap_or(path);
    let (name, tag) = last.split_once(':').unwrap_or((last, "latest"));
    let directories = path.strip_suffix(last).unwrap_or_default();
    let ordinary = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    let tag_ok = !tag.is_empty()
        && tag.len() <= 128
        && tag.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    let directories_ok = directories.chars().all(|c| c.is_ascii_alphanumeric() || "._-/:".contains(c));
    let fine =
        !name.is_empty() && name.chars().all(ordinary) && tag_ok && directories_ok && !path.starts_with('/');
    (!fine).then(|| {
        format!("Failed to apply default image tag \"{image}\": couldn't parse image name \"{image}\": invalid reference format")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_found_by_the_image_s_bare_name_and_the_latest_counts() {
        let mut scripts = Scripts::default();
        scripts.add("batch", Script { exit_code: Some(1), ..Script::default() });
        scripts.add("batch", Script { exit_code: Some(2), ..Script::default() });
        let found = scripts.find("any", "registry.example/team/batch:1.0").unwrap();
        assert_eq!(found.exit_code, Some(2));
        assert!(scripts.find("any", "registry.example/batch/other").is_none());
        assert_eq!(scripts.idle(), ["batch"], "the first was outweighed, and so did nothing");
    }

    #[test]
    fn an_image_name_is_malformed_or_not() {
        for (image, fine) in [
            ("nginx", true),
            ("nginx:1.25", true),
            ("registry.example:5000/team/Batch/nginx:1.25", true),
            ("nginx@sha256:0123", true),
            ("Nginx", false),
            ("nginx:", false),
            ("nginx::1", false),
            ("not an image", false),
            ("", false),
        ] {
            assert_eq!(malformed(image).is_none(), fine, "{image}");
        }
    }

    #[test]
    fn a_script_outweighs_the_command() {
        let sleep: Vec<Box<str>> = vec!["sleep".into(), "30".into()];
        let seconds = Duration::from_secs;
        for (run, exit_code, ends) in [
            (None, None, Some((seconds(30), 0))),
            (None, Some(3), Some((seconds(30), 3))),
            (Some(Runs::Forever), None, None),
            (Some(Runs::For(seconds(5))), Some(7), Some((seconds(5), 7))),
        ] {
            let script = Script { run, exit_code, ..Script::default() };
            assert_eq!(plan(Some(&script), &sleep, &[], &[]).ends, ends);
        }
    }
}
