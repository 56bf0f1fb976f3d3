//! `DescribeContainerLog`: the log of a container's present run, or of the one before.

use std::borrow::Cow;

use eci_api::actions::{DescribeContainerLog, DescribeContainerLogReply};
use jiff::{SignedDuration, Timestamp};

use crate::group::container::{Container, Phase};
use crate::orders::RunId;
use crate::refusal::Refusal;
use crate::serving::container_log::TAIL_MAX;
use crate::serving::deferred::{DeferredReply, QueryKind};
use crate::serving::{Caller, Serve, container_log};
use crate::world::World;

impl Serve for DescribeContainerLog {
    const READ_ONLY: bool = true;

    fn serve(&self, world: &mut World, caller: &Caller) -> Result<Self::Reply, Refusal> {
        let now = world.now();
        let name = self.container_name.as_deref().unwrap_or_default();
        let (_, container) = caller.container(world, self.container_group_id.as_deref(), Some(name))?;
        let (last, since) = (self.last_time == Some(true), container_log::since(self, now)?);
        let request_id = caller.request_id.clone();
        let content = if world.runtime.is_real() {
            String::new()
        } else {
            let lines = scripted_lines(container, last, now);
            container_log::content(self, lines.iter().map(|(at, line)| (*at, &**line)).collect(), since)
        };
        Ok(DescribeContainerLogReply { container_name: name.to_owned(), content, request_id })
    }

    fn deferred(&self, world: &World, caller: &Caller) -> Option<DeferredReply> {
        if !world.runtime.is_real() {
            return None;
        }
        let (id, name) = (self.container_group_id.as_deref(), self.container_name.as_deref());
        let (group, container) = caller.container(world, id, name).ok()?;
        let number = run_of(container, self.last_time == Some(true))?;
        Some(DeferredReply {
            run: RunId::of(group.id(), &container.spec.name, number),
            request_id: caller.request_id.clone(),
            query: QueryKind::Log {
                request: Box::new(self.clone()),
                since: container_log::since(self, world.now()).ok()?,
            },
        })
    }
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
