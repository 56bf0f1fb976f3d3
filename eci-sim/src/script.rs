//! What containers do: what a script says of their image or group, else what their command says.
//!
//! A command is read by a small shell of our own (`script::shell`); what that does not know runs for ever and says nothing.

mod shell;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use shell::{Again, Run};

/// What containers of an image, or of a group, do. What is left unsaid stays as it would be without a script.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Script {
    /// How long the image takes to be pulled.
    pub pull: Option<Duration>,
    /// Why the image cannot be pulled.
    pub cannot_pull: Option<String>,
    /// How long a container takes to start.
    pub start: Option<Duration>,
    /// How long a container runs.
    pub run: Option<Runs>,
    /// What it ends with, where it ends.
    pub exit_code: Option<i32>,
    /// What it says when it has started.
    pub log: Vec<String>,
    /// Whether it never becomes ready.
    pub unready: bool,
    /// It becomes ready so long after its start, with a readiness probe at the first that comes then.
    #[serde(default)]
    pub ready_after: Option<Duration>,
    /// It is no longer ready so long after its start, with a readiness probe when that has failed often enough.
    #[serde(default)]
    pub unready_after: Option<Duration>,
    /// How long the hook takes that runs when a container has started, where there is one.
    #[serde(default)]
    pub post_start: Option<Duration>,
    /// Whether that hook ends badly, so that the container is ended.
    #[serde(default)]
    pub post_start_fails: bool,
    /// How long the hook takes that runs before a container is stopped, where there is one.
    #[serde(default)]
    pub pre_stop: Option<Duration>,
    /// Whether that hook ends badly, which is told and changes nothing else.
    #[serde(default)]
    pub pre_stop_fails: bool,
    /// How long the group waits for a machine.
    pub scheduling: Option<Duration>,
    /// Why the group gets no machine.
    pub cannot_schedule: Option<String>,
    /// What a container uses.
    pub usage: Option<Usage>,
    /// What it uses from so long after its start on, in order of time; before the first, `usage` counts. A container
    /// that uses more memory than it has is ended for it.
    pub usage_curve: Vec<(Duration, Usage)>,
    /// From so long after its start on, its probes fail.
    pub unhealthy_after: Option<Duration>,
    /// So long after its start, it runs out of memory.
    pub out_of_memory_after: Option<Duration>,
    /// How long the group's containers take to end when they are told to, their hooks included; a group that has no hooks
    /// is then in Terminating for so long too.
    pub stop: Option<Duration>,
}

/// How long a container runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Runs {
    /// Until it is told to end.
    Forever,
    /// So long.
    For(Duration),
}

/// What a container uses while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Thousandths of a vCPU.
    pub milli_vcpu: u32,
    /// MiB of memory.
    pub mebibytes: u32,
}

/// All scripts, in the order in which they were given; the latest that fits counts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Scripts(Vec<Entry>);

/// A pattern, its script, and whether a container or a group was ever found for it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Entry(String, Arc<Script>, #[serde(skip)] Arc<AtomicBool>);

impl Script {
    /// What a container uses so long after its start, where that is said.
    pub fn usage_at(&self, after: Duration) -> Option<Usage> {
        let point = self.usage_curve.iter().rev().find(|(from, _)| *from <= after);
        point.map(|(_, usage)| *usage).or(self.usage)
    }

    /// When a container that has so many MiB runs out of memory.
    pub fn runs_out(&self, limit: u32) -> Option<Duration> {
        let above = self.usage_curve.iter().find(|(_, usage)| usage.mebibytes > limit).map(|(from, _)| *from);
        let at_once = self.usage.filter(|usage| usage.mebibytes > limit).map(|_| Duration::ZERO);
        [self.out_of_memory_after, at_once, above].into_iter().flatten().min()
    }
}

impl Scripts {
    /// Says what containers do whose image, or whose group's name, fits `pattern`; `*` stands for anything.
    pub fn add(&mut self, pattern: impl Into<String>, script: Script) {
        self.0.push(Entry(pattern.into(), Arc::new(script), Arc::default()));
    }

    /// The script for a container of `image` in a group called `group`.
    pub fn find(&self, group: &str, image: &str) -> Option<Arc<Script>> {
        let fits =
            |pattern: &str| matches(pattern, group) || matches(pattern, image) || is_name_of(pattern, image);
        let Entry(_, script, used) = self.0.iter().rev().find(|Entry(pattern, ..)| fits(pattern))?;
        used.store(true, Ordering::Relaxed);
        Some(Arc::clone(script))
    }

    /// The patterns for which nothing was found in this process's time, in the order in which they were given.
    pub fn idle(&self) -> Vec<String> {
        let idle = self.0.iter().filter(|Entry(.., used)| !used.load(Ordering::Relaxed));
        idle.map(|Entry(pattern, ..)| pattern.clone()).collect()
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// Whether an image is called `name`, its registry and tag left out.
fn is_name_of(name: &str, image: &str) -> bool {
    let last = image.rsplit('/').next().unwrap_or(image);
    let bare = last.split(['@', ':']).next().unwrap_or(last);
    !name.contains(['/', ':', '*']) && name == bare
}

/// Whether `text` fits `pattern`, in which `*` stands for anything.
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// What one run of a container does.
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

/// What is wrong with an image's name; `None` when nothing is.
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
    fn a_star_stands_for_anything() {
        for (pattern, text, fits) in [
            ("nginx", "nginx", true),
            ("nginx", "nginx:1.25", false),
            ("nginx*", "nginx:1.25", true),
            ("*/batch:*", "registry.example/team/batch:1", true),
            ("*", "", true),
            ("a*a", "a", false),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("ab*b", "ab", false),
            ("exact", "exactly", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }

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
