//! Behaviour of containers: as a script for their image or group says, else as their command says.
//!
//! A command is read by a small shell of our own (`script::shell`). What that does not know is assumed: it ends after
//! `ASSUMED_RUN` where it is meant to end, else runs on; and the run says so.

pub mod files;
pub mod images;
mod shell;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::latency::Latency;
use crate::text::matches;
pub use images::Setup;
pub use shell::{Again, Assumed, Run, RunContext, dated, is_shell, read};

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
    /// Time to set up the group's sandbox.
    #[serde(default)]
    pub sandbox: Option<Duration>,
    /// Time to prepare a restart or an update of the group.
    #[serde(default)]
    pub preparation: Option<Duration>,
    /// Latency of all steps of the group of which no script says a time.
    #[serde(default)]
    pub latency: Option<Latency>,
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
    /// True if it says what a container does once it runs, so that nothing is assumed: by default it runs on.
    fn says_what_it_does(&self) -> bool {
        let Self { run, exit_code, log, unready, ready_after, unready_after, usage, usage_curve, .. } = self;
        let ends = run.is_some() || exit_code.is_some() || self.out_of_memory_after.is_some();
        let is_ready = *unready || ready_after.is_some() || unready_after.is_some();
        let uses = usage.is_some() || !usage_curve.is_empty();
        ends || is_ready || uses || !log.is_empty() || self.unhealthy_after.is_some()
    }

    /// True if it says how well a container is, so that no probe need be asked.
    pub fn says_how_well(&self) -> bool {
        let Self { unready, ready_after, unready_after, unhealthy_after, .. } = self;
        *unready || ready_after.is_some() || unready_after.is_some() || unhealthy_after.is_some()
    }

    /// True if it says something of the group as a whole.
    pub(crate) fn concerns_group(&self) -> bool {
        let Self { scheduling, sandbox, preparation, latency, cannot_schedule, .. } = self;
        let times = [scheduling, sandbox, preparation];
        times.into_iter().any(Option::is_some) || latency.is_some() || cannot_schedule.is_some()
    }

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
    !name.contains(['/', ':', '*']) && name == bare_name(image)
}

/// Name of an image without its registry, tag and digest.
pub fn bare_name(image: &str) -> &str {
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split(['@', ':']).next().unwrap_or(last)
}

/// Run time of a container that is meant to end and whose command is not played.
const ASSUMED_RUN: Duration = Duration::from_secs(1);
/// Assumed runs that are kept.
const ASSUMED_MAX: usize = 10_000;

/// A container to plan a run of.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Image reference.
    pub image: &'a str,
    /// Command that replaces the image's entry point; empty for the image's own.
    pub command: &'a [Box<str>],
    /// Arguments of the command.
    pub arguments: &'a [Box<str>],
    /// True if it has to end: an init container, or one that is not started again whatever its exit code.
    pub meant_to_end: bool,
    /// What may make its image serve otherwise than by itself.
    pub setup: Setup<'a>,
}

/// A container whose command was not played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct AssumedRun {
    /// Id of the container group.
    pub id: String,
    /// Name of the container group.
    pub group: String,
    /// Name of the container.
    pub container: String,
    /// What was not played, what is assumed, and how to script it.
    pub message: String,
}

/// Containers whose commands were not played, the first 10,000.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<AssumedRun>", into = "Vec<AssumedRun>")]
pub struct AssumedRuns {
    runs: Vec<AssumedRun>,
    /// Places of those of a group among them, by its id.
    of_group: BTreeMap<String, Vec<usize>>,
}

impl AssumedRuns {
    /// Adds one that is not known yet; false where it is, or where there are too many.
    pub fn add(&mut self, run: AssumedRun) -> bool {
        let places = self.of_group.get(&run.id).map(Vec::as_slice).unwrap_or_default();
        let is_known = places.iter().any(|place| self.runs.get(*place) == Some(&run));
        let new = self.runs.len() < ASSUMED_MAX && !is_known;
        if new {
            self.of_group.entry(run.id.clone()).or_default().push(self.runs.len());
            self.runs.push(run);
        }
        new
    }

    /// All of them, oldest first.
    pub fn all(&self) -> &[AssumedRun] {
        &self.runs
    }
}

impl From<Vec<AssumedRun>> for AssumedRuns {
    fn from(runs: Vec<AssumedRun>) -> Self {
        let mut all = Self::default();
        for run in runs {
            let _is_new = all.add(run);
        }
        all
    }
}

impl From<AssumedRuns> for Vec<AssumedRun> {
    fn from(all: AssumedRuns) -> Self {
        all.runs
    }
}

/// The plan of one run of a container: its command's, changed as the script says; what is not played is assumed.
pub fn plan<'a>(
    script: Option<&Script>,
    subject: Subject<'a>,
    context: impl FnOnce() -> RunContext<'a>,
) -> Run {
    let mut run = of_command(subject, context);
    let is_said = script.is_some_and(Script::says_what_it_does);
    if let Some(assumed) = &run.assumed {
        // nor is it known what it serves
        let what = if is_said { "" } else { &assumed.what };
        let place = run.writes.partition_point(|(at, _)| *at <= assumed.at);
        run.writes.insert(place, (assumed.at, files::ports::unknown(subject.setup.owner, what)));
    }
    let run = changed(run, script);
    match run.assumed {
        Some(_) if is_said => Run { assumed: None, ..run },
        _ => assume(run, subject),
    }
}

/// The plan of a container's command, or of its image's own.
fn of_command<'a>(subject: Subject<'a>, context: impl FnOnce() -> RunContext<'a>) -> Run {
    let Subject { image, command, arguments, .. } = subject;
    let words: Vec<&str> = command.iter().chain(arguments).map(AsRef::as_ref).collect();
    let only_flags = command.is_empty() && words.first().is_none_or(|word| word.starts_with('-'));
    match images::of_image(image).filter(|_| only_flags) {
        Some(known) => known.run(&words, subject.setup),
        None if only_flags => {
            let what = format!("the own command of the image {image}");
            let assumed = Assumed { what, at: Duration::ZERO, stops: true, message: String::new() };
            Run { assumed: Some(Box::new(assumed)), ..Run::default() }
        }
        None => shell::read(&words, context()),
    }
}

/// A run that ends where it is meant to, and whose log says what was not played.
fn assume(mut run: Run, subject: Subject<'_>) -> Run {
    let Some(assumed) = &mut run.assumed else { return run };
    let ends = assumed.stops && subject.meant_to_end;
    let then = match (assumed.stops, ends) {
        (_, true) => "ends after 1 s with exit code 0",
        (true, false) => "runs until it is stopped",
        (false, _) => "does nothing that would be seen",
    };
    let (what, image) = (&assumed.what, subject.image);
    let message = format!(
        "eci-sim does not play {what}, and assumes that it {then}; a script for the image {image} says otherwise, with \
         `run` and `exit-code`, or `run-forever`"
    );
    let at = assumed.at;
    assumed.message.clone_from(&message);
    if ends {
        run.ends = Some((at.saturating_add(ASSUMED_RUN), 0));
    }
    let place = run.says.partition_point(|(after, _)| *after <= at);
    run.says.insert(place, (at, message));
    run
}

fn changed(mut run: Run, script: Option<&Script>) -> Run {
    let Some(script) = script else { return run };
    if !script.log.is_empty() {
        run.again.clear();
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
    fn what_is_not_played_ends_where_it_is_meant_to_and_says_so_unless_a_script_says_when() {
        let seconds = Duration::from_secs;
        let words = |words: &[&str]| words.iter().map(|word| (*word).into()).collect::<Vec<Box<str>>>();
        let says = Script { run: Some(Runs::For(seconds(5))), ..Script::default() };
        let pulls = Script { pull: Some(seconds(5)), ..Script::default() };
        for (image, command, script, meant_to_end, ends, assumed) in [
            ("tool", &["migrate"][..], None, true, Some((seconds(1), 0)), true),
            ("tool", &["sh", "-c", "sleep 9; migrate; exit 3"], None, true, Some((seconds(10), 0)), true),
            ("tool", &["migrate"], None, false, None, true),
            ("tool", &[], None, true, Some((seconds(1), 0)), true),
            ("tool", &["migrate"], Some(&says), true, Some((seconds(5), 0)), false),
            ("tool", &["migrate"], Some(&pulls), true, Some((seconds(1), 0)), true),
            ("tool", &["sh", "-c", "migrate & sleep 3"], None, true, Some((seconds(3), 0)), true),
            ("tool", &["sh", "-c", "migrate & wait"], None, true, Some((seconds(1), 0)), true),
            ("tool", &["sleep", "infinity"], None, true, None, false),
            ("nginx:1.29", &[], None, true, None, false),
            ("own", &["nginx", "-g", "daemon off;"], None, false, None, false),
            ("hello-world", &[], None, true, Some((Duration::ZERO, 0)), false),
        ] {
            let command = words(command);
            let subject =
                Subject { image, command: &command, arguments: &[], meant_to_end, setup: Setup::default() };
            let run = plan(script, subject, RunContext::default);
            assert_eq!((run.ends, run.assumed.is_some()), (ends, assumed), "{image} {command:?}");
            let told = run.says.iter().filter(|(_, line)| line.contains("does not play")).count();
            assert_eq!(told, usize::from(assumed), "{image} {command:?}");
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
            let (image, arguments, setup) = ("batch", &[][..], Setup::default());
            let subject = Subject { image, command: &sleep, arguments, meant_to_end: true, setup };
            assert_eq!(plan(Some(&script), subject, RunContext::default).ends, ends);
        }
    }
}
