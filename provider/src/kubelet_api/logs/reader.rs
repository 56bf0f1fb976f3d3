//! Reads a container's log page by page, and knows what of it was read already.
//!
//! The cloud gives the last lines of a log, at most 2,000, and of these the first MiB (eci-openapi.md 8). What a page cuts off is
//! read by pages of fewer last lines, which overlap by a quarter; what comes later by pages from the last line's second on. Of
//! the lines that were read a hash is kept, by which they are known again.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use bytes::Bytes;
use eci_api::actions::describe_container_log::DescribeContainerLog;
use eci_api::group::{ContainerState, ContainerStateKind};
use jiff::Timestamp;

use super::options::LogOptions;
use crate::eci::{Eci, EciError};
use crate::pods::decide;
use crate::pods::store::{PodStore, Snapshot};

/// The most lines that the cloud gives at once.
const LINES_MAX: i32 = 2000;
/// The most bytes that the cloud gives at once.
const BYTES_MAX: i64 = 1_048_576;
/// The bytes by which a page that is cut may be shorter, so that it ends with a whole character.
const CHARACTER_MAX: usize = 4;
/// The pause between two readings of a followed log: while much is said, at first, and when nothing was said for a while.
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// The new lines from which on a page is followed by the next one soon, lest more are said meanwhile than the cloud gives.
const MUCH: usize = 500;
/// The readings in a row that may fail behind the end of a container, or within a log, before no more are tried.
const FAILURES_MAX: u32 = 3;
/// The line that stands for those which nobody can read any more.
const MISSING: &str = "[virtual node: lines are missing here, of which the cloud gave the last 2000]\n";

/// Reads a log, and knows what of it was read already.
pub(in super::super) struct Reader {
    store: PodStore,
    eci: Eci,
    uid: String,
    group: String,
    container: String,
    options: LogOptions,
    since: Option<Timestamp>,
    /// The number of bytes that may still be given; `None` for no limit.
    left: Option<usize>,
    /// Hashes of the last lines that were read, each with its time; as many as the cloud gives.
    known: Vec<u64>,
    /// The time of the last line.
    last: Option<Timestamp>,
    /// The number of last lines that the page after one that was cut asks for.
    rest: Option<i32>,
    pause: Duration,
    failures: u32,
    ended: bool,
}

/// One answer of the cloud.
struct Page {
    /// Whole lines, each with its time.
    lines: Vec<String>,
    /// True where there may be lines before these.
    is_full: bool,
    /// True where there are lines behind these.
    is_cut: bool,
}

impl Reader {
    pub(super) fn new(
        (store, eci): (&PodStore, &Eci),
        view: &Snapshot,
        (group, container): (String, &str),
        options: LogOptions,
        since: Option<Timestamp>,
    ) -> Self {
        Self {
            store: store.clone(),
            eci: eci.clone(),
            uid: view.pod.metadata.uid.clone().unwrap_or_default(),
            group,
            container: container.to_owned(),
            left: options.limit,
            options,
            since,
            known: Vec::new(),
            last: None,
            rest: None,
            pause: PAUSE,
            failures: 0,
            ended: false,
        }
    }

    /// Follows what a container says from now on.
    pub(in super::super) fn from_now(
        cloud: (&PodStore, &Eci),
        view: &Snapshot,
        container: (String, &str),
        now: Timestamp,
    ) -> Self {
        let options = LogOptions { follow: true, tail: Some(0), ..LogOptions::default() };
        Self::new(cloud, view, container, options, Some(now))
    }

    /// True where nothing comes after what was read.
    pub(super) fn is_at_end(&self) -> bool {
        let is_over = self.ended || !self.options.follow || self.options.previous;
        self.left == Some(0) || self.rest.is_none() && is_over
    }

    /// The first page of the lines that the log has already, cut to the tail and the number of bytes that are asked for.
    pub(in super::super) async fn first(&mut self) -> Result<Bytes, EciError> {
        let tail = self.options.tail.unwrap_or(LINES_MAX).clamp(1, LINES_MAX);
        let mut lines = self.page(tail).await?.0;
        if self.options.tail == Some(0) {
            (lines, self.rest) = (Vec::new(), None);
        }
        Ok(self.give(&lines))
    }

    /// The lines since the last reading; `None` when nothing more will be said.
    pub(in super::super) async fn next(&mut self) -> Option<Bytes> {
        while !self.is_at_end() {
            let (tail, has_ended) = match self.rest {
                Some(tail) => (tail, self.ended),
                None => {
                    tokio::time::sleep(self.pause).await;
                    // Looked at before reading: what was said before the end is read after it.
                    (LINES_MAX, self.has_ended())
                }
            };
            let Ok((fresh, is_missing)) = self.page(tail).await else {
                (self.pause, self.failures) = (PAUSE_MAX, self.failures + 1);
                if self.rest.is_some() || has_ended {
                    if self.failures >= FAILURES_MAX {
                        return None;
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                continue;
            };
            (self.failures, self.ended) = (0, has_ended);
            if fresh.is_empty() {
                self.pause = (self.pause * 3 / 2).min(PAUSE_MAX);
                continue;
            }
            self.pause = if fresh.len() > MUCH { PAUSE_MIN } else { PAUSE };
            let mut given = Vec::with_capacity(fresh.len() + 1);
            given.extend(is_missing.then(|| MISSING.to_owned()));
            given.extend(fresh);
            return Some(self.give(&given));
        }
        None
    }

    /// Reads the last `tail` lines, or as many of the first of them as the cloud gives. Returns those that are new, and true
    /// where others are missing before them.
    async fn page(&mut self, tail: i32) -> Result<(Vec<String>, bool), EciError> {
        let Page { lines, is_full, is_cut } = self.read(tail).await?;
        let hashes: Vec<u64> = lines.iter().map(|line| hash(line)).collect();
        let known = overlap(&self.known, &hashes);
        let is_missing = known == 0 && is_full && !self.known.is_empty();
        let step = i32::try_from(lines.len()).unwrap_or(i32::MAX).saturating_mul(3) / 4;
        self.rest = Some(tail.saturating_sub(step.max(1))).filter(|rest| is_cut && *rest > 0);
        let fresh = lines.get(known..).unwrap_or_default().to_vec();
        self.last = fresh.last().and_then(|line| time_of(line)).or(self.last);
        self.known.extend(hashes.into_iter().skip(known));
        let most = usize::try_from(LINES_MAX).unwrap_or_default();
        self.known.drain(..self.known.len().saturating_sub(most));
        Ok((fresh, is_missing))
    }

    async fn read(&self, tail: i32) -> Result<Page, EciError> {
        let from = self.last.or(self.since);
        let request = DescribeContainerLog {
            region_id: Some(self.eci.region().to_owned()),
            container_group_id: Some(self.group.clone()),
            container_name: Some(self.container.clone()),
            start_time: from.map(|from| from.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            tail: Some(tail),
            timestamps: Some(true),
            last_time: self.options.previous.then_some(true),
            limit_bytes: Some(BYTES_MAX),
            since_seconds: None,
        };
        let content = self.eci.call(&request).await?.content;
        Ok(Page::of(&content, tail, self.since))
    }

    /// The lines in the form that the options ask for, cut where no more bytes are wanted, be it in the middle of a character.
    fn give(&mut self, lines: &[String]) -> Bytes {
        let text: String = lines
            .iter()
            .map(|line| if self.options.timestamps { line } else { without_time(line) })
            .collect();
        let mut bytes = Bytes::from(text);
        if let Some(left) = self.left {
            bytes.truncate(left);
            self.left = Some(left - bytes.len());
        }
        bytes
    }

    fn has_ended(&self) -> bool {
        let Some(view) = self.store.get(&self.uid).filter(|view| view.in_api) else { return true };
        if decide::has_ended(&view.pod) {
            return true;
        }
        let Some(group) = &view.group else { return true };
        let ended = |state: &Option<ContainerState>| {
            state.as_ref().is_some_and(|state| state.kind() == ContainerStateKind::Terminated)
        };
        let mains =
            group.containers.iter().filter(|c| c.name == self.container).map(|c| ended(&c.current_state));
        let inits = group
            .init_containers
            .iter()
            .filter(|c| c.name == self.container)
            .map(|c| ended(&c.current_state));
        mains.chain(inits).any(|ended| ended)
    }
}

impl Page {
    /// An answer to a request for the last `tail` lines; those before `since` are left out, as the cloud counts whole seconds.
    fn of(content: &str, tail: i32, since: Option<Timestamp>) -> Self {
        let most = usize::try_from(BYTES_MAX).unwrap_or(usize::MAX).saturating_sub(CHARACTER_MAX);
        let is_cut = content.len() > most;
        let mut lines: Vec<String> = content.split_inclusive('\n').map(str::to_owned).collect();
        let is_full = lines.len() >= usize::try_from(tail).unwrap_or_default();
        if is_cut && lines.len() > 1 {
            // the rest of a line that is cut comes with the next page, where it is whole
            lines.pop_if(|line| !line.ends_with('\n'));
        }
        lines.retain(|line| since.is_none_or(|since| time_of(line).is_none_or(|at| at >= since)));
        Self { lines, is_full, is_cut }
    }
}

/// The number of lines at the beginning of `new` that stand in `old`, up to the end of either.
fn overlap(old: &[u64], new: &[u64]) -> usize {
    let at_end = |from: &usize| old.len().saturating_sub(*from).min(new.len());
    let is_same = |from: &usize| old.get(*from..from + at_end(from)) == new.get(..at_end(from));
    (0..old.len()).find(is_same).map_or(0, |from| at_end(&from))
}

fn hash(line: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    line.hash(&mut hasher);
    hasher.finish()
}

fn time_of(line: &str) -> Option<Timestamp> {
    line.split_once(' ')?.0.parse().ok()
}

fn without_time(line: &str) -> &str {
    match line.split_once(' ') {
        Some((time, rest)) if time.parse::<Timestamp>().is_ok() => rest,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_already_is_not_read_again() {
        let hashes = |text: &str| text.split(' ').map(hash).collect::<Vec<_>>();
        for (old, new, known) in [
            ("a b c", "b c d", 2),
            ("a b c", "c", 1),
            ("a b c", "d e", 0),
            ("a a", "a a a", 2),
            ("a b c d", "a b", 2),
            ("a b c d", "b c", 2),
        ] {
            assert_eq!(overlap(&hashes(old), &hashes(new)), known, "{old} | {new}");
        }
    }

    #[test]
    fn times_are_cut_off_only_where_there_is_one() {
        assert_eq!(without_time("2026-01-05T01:00:00.000000001Z hello world\n"), "hello world\n");
        assert_eq!(without_time("hello world\n"), "hello world\n");
    }

    #[test]
    fn a_line_that_is_cut_is_left_to_the_next_page_and_the_last_word_of_a_log_is_not() {
        let long = format!("{}\n{}", "a".repeat(1 << 19), "b".repeat((1 << 19) - 1));
        let page = Page::of(&long, 2000, None);
        assert_eq!((page.lines.len(), page.is_cut), (1, true));
        let page = Page::of("one\nno end of line", 2, None);
        assert_eq!((page.lines.len(), page.is_cut, page.is_full), (2, false, true));
    }
}
