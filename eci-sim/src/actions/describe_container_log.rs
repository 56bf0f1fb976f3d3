//! `DescribeContainerLog`: the log of a container's present run, or of the one before.

use std::borrow::Cow;

use eci_api::actions::{DescribeContainerLog, DescribeContainerLogReply};
use jiff::{SignedDuration, Timestamp};

use super::deferred::{DeferredReply, QueryKind};
use super::{Caller, Serve};
use crate::group::container::{Container, Phase};
use crate::orders::RunId;
use crate::refusal::Refusal;
use crate::world::World;

/// Number of last lines, default and maximum.
const TAIL: usize = 500;
const TAIL_MAX: usize = 2000;
/// Bytes of a log in a reply, at most.
const BYTES_MAX: usize = 1 << 20;

impl Serve for DescribeContainerLog {
    const READ_ONLY: bool = true;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let now = world.now();
        let group = caller.group(world, self.container_group_id.as_deref())?;
        let name = self.container_name.as_deref().unwrap_or_default();
        let unknown = || Refusal::NotFound { kind: "ContainerName", id: name.to_owned() };
        let container = group.container(name).ok_or_else(unknown)?;
        let (last, since) = (self.last_time == Some(true), self.since(now)?);
        let request_id = caller.request_id.clone();
        let content = if world.runtime.is_real() {
            String::new()
        } else {
            let lines = scripted_lines(container, last, now);
            tell(self, lines.iter().map(|(at, line)| (*at, &**line)).collect(), since)
        };
        Ok(DescribeContainerLogReply { container_name: name.to_owned(), content, request_id })
    }

    fn deferred(&self, world: &World, caller: &Caller) -> Option<DeferredReply> {
        if !world.runtime.is_real() {
            return None;
        }
        let group = caller.group(world, self.container_group_id.as_deref()).ok()?;
        let container = group.container(self.container_name.as_deref().unwrap_or_default())?;
        let number = run_of(container, self.last_time == Some(true))?;
        Some(DeferredReply {
            run: RunId::of(group.id(), &container.spec.name, number),
            request_id: caller.request_id.clone(),
            query: QueryKind::Log { request: Box::new(self.clone()), since: self.since(world.now()).ok()? },
        })
    }
}

/// Log of the lines that the request asks for: the latest from `since` on, within its numbers of lines and bytes.
pub(super) fn tell(
    request: &DescribeContainerLog,
    mut lines: Vec<(Timestamp, &str)>,
    since: Option<Timestamp>,
) -> String {
    if let Some(since) = since {
        lines.retain(|(at, _)| *at >= since);
    }
    let tail = request.tail.and_then(|tail| usize::try_from(tail).ok()).unwrap_or(TAIL).min(TAIL_MAX);
    lines.drain(..lines.len().saturating_sub(tail));
    let most =
        request.limit_bytes.and_then(|most| usize::try_from(most).ok()).unwrap_or(BYTES_MAX).min(BYTES_MAX);
    request.write(&lines, most)
}

/// The number of the run that is asked for; `None` where there is none, or where no Engine does them.
fn run_of(container: &Container, last: bool) -> Option<u32> {
    let previous = || container.previous.as_ref()?.run.as_ref()?.number;
    match &container.phase {
        _ if last => previous(),
        Phase::Waiting(_) => previous(),
        Phase::Running { .. } | Phase::Terminated(_) => container.run.as_ref()?.number,
    }
}

trait Reading {
    fn since(&self, now: Timestamp) -> Result<Option<Timestamp>, Refusal>;
    fn write(&self, lines: &[(Timestamp, &str)], most: usize) -> String;
}

impl Reading for DescribeContainerLog {
    /// Time of the earliest line; the later of the two where both parameters are given.
    fn since(&self, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
        let by_span = self.since_seconds.map(|seconds| {
            now.saturating_sub(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(Timestamp::MIN)
        });
        let start = self.start_time.as_deref().filter(|text| !text.is_empty());
        let by_time = match start {
            Some(text) => Some(text.parse::<Timestamp>().map_err(|_| {
                Refusal::invalid(
                    "StartTime",
                    format!("`{text}` should be a time such as 2018-08-02T15:00:00Z"),
                )
            })?),
            None => None,
        };
        Ok(by_span.max(by_time))
    }

    fn write(&self, lines: &[(Timestamp, &str)], most: usize) -> String {
        let mut content = String::new();
        for (at, line) in lines {
            if self.timestamps == Some(true) {
                content.push_str(&format!("{at:.9} "));
            }
            content.push_str(line);
            content.push('\n');
            if content.len() >= most {
                break;
            }
        }
        let mut end = content.len().min(most);
        while !content.is_char_boundary(end) {
            end -= 1;
        }
        content.truncate(end);
        content
    }
}

/// Lines of the run up to now, as many of the last as may be asked for.
fn scripted_lines(container: &Container, last: bool, now: Timestamp) -> Vec<(Timestamp, Cow<'_, str>)> {
    let previous = || container.previous.as_deref().map(|e| (e.started, e.finished, e.run.as_deref()));
    let run = match &container.phase {
        _ if last => previous(),
        Phase::Running { since } => Some((*since, now, container.run.as_deref())),
        Phase::Terminated(ended) => Some((ended.started, ended.finished, ended.run.as_deref())),
        Phase::Waiting(_) => previous(),
    };
    let Some((started, until, Some(run))) = run else { return Vec::new() };
    let at = |after: std::time::Duration| {
        let after = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
        started.saturating_add(after).unwrap_or(Timestamp::MAX)
    };
    let ran = started.duration_until(until).unsigned_abs();
    run.lines(started, ran, TAIL_MAX).into_iter().map(|(after, line)| (at(after), line)).collect()
}
