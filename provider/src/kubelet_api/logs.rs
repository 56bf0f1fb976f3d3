//! `/containerLogs`: what a container said, read from the cloud; followed by asking again and again.

mod options;

use std::time::Duration;

use bytes::Bytes;
use determinism::Clock;
use eci_api::actions::describe_container_log::DescribeContainerLog;
use eci_api::group::{ContainerState, ContainerStateKind};
use futures::stream;
use http::{Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ContainerStatus;

pub(super) use self::options::LogOptions;
use super::response::{Body, Refusal, text};
use crate::eci::{Eci, EciError};
use crate::pods::fields::NO_EPHEMERAL;
use crate::pods::store::{PodStore, Snapshot};

/// The most lines that the cloud gives at once.
const LINES_MAX: i32 = 2000;
/// The most bytes that the cloud gives at once.
const BYTES_MAX: i64 = 1_048_576;
/// The pause between two readings of a followed log: at first, and when nothing was said for a while.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Answers with what the container said.
pub(super) async fn answer(
    store: &PodStore,
    eci: &Eci,
    clock: &Clock,
    (namespace, pod, container): (&str, &str, &str),
    options: LogOptions,
) -> Result<Response<Body>, Refusal> {
    let unknown = || Refusal::new(StatusCode::NOT_FOUND, format!("pod \"{pod}\" does not exist"));
    let view = store.find(namespace, pod).ok_or_else(unknown)?;
    check(&view, pod, container, options.previous)?;
    let group = group_id(&view).ok_or_else(|| waiting(pod, container, "ContainerCreating"))?;
    let since = options.since_time.or_else(|| {
        options.since_seconds.map(|seconds| clock.now() - jiff::SignedDuration::from_secs(seconds.into()))
    });
    let mut reader = Reader::new((store, eci), &view, (group, container), options, since);
    let first = reader.first().await.map_err(|error| Refusal::of_cloud("the log cannot be read", &error))?;
    if !reader.options.follow || reader.options.previous || reader.left == Some(0) {
        return Ok(plain(first));
    }
    let frames = stream::unfold((Some(first), reader), |(first, mut reader)| async move {
        let chunk = match first {
            Some(first) => first,
            None => reader.next().await?,
        };
        Some((Ok(Frame::data(chunk)), (None, reader)))
    });
    let mut response = text(StatusCode::OK, "");
    *response.body_mut() = StreamBody::new(frames).boxed_unsync();
    Ok(response)
}

fn plain(content: Bytes) -> Response<Body> {
    let mut response = text(StatusCode::OK, "");
    *response.body_mut() = Full::new(content).boxed_unsync();
    response
}

/// The pod's group as the cloud's tags tell it; an id that merely stands on the pod is nobody's permission to read.
pub(super) fn group_id(view: &Snapshot) -> Option<String> {
    let written = || crate::pods::annotations::of(&view.pod, "eci-instance-id").map(str::to_owned);
    let group = view.group.as_ref().map(|group| group.container_group_id.clone());
    if planted!(LogOfTheAnnotatedGroup) { group.or_else(written) } else { group }
}

fn waiting(pod: &str, container: &str, why: &str) -> Refusal {
    let text = format!("container \"{container}\" in pod \"{pod}\" is waiting to start: {why}");
    Refusal::new(StatusCode::BAD_REQUEST, text)
}

/// Fails with the refusal to answer where the container is not the pod's, or has said nothing yet that could be read.
pub(super) fn check(view: &Snapshot, pod: &str, container: &str, previous: bool) -> Result<(), Refusal> {
    let spec = view.pod.spec.as_ref();
    let mut names =
        spec.into_iter().flat_map(|spec| spec.containers.iter().chain(spec.init_containers.iter().flatten()));
    let ephemeral = spec.into_iter().flat_map(|spec| spec.ephemeral_containers.iter().flatten());
    if ephemeral.into_iter().any(|refused| refused.name == container) {
        let text = format!("container \"{container}\" was not made: {NO_EPHEMERAL}");
        return Err(Refusal::new(StatusCode::BAD_REQUEST, text));
    }
    if !names.any(|known| known.name == container) {
        let text = format!("container \"{container}\" is not a container of pod \"{pod}\"");
        return Err(Refusal::new(StatusCode::NOT_FOUND, text));
    }
    let status = view.pod.status.as_ref();
    let statuses = status.into_iter().flat_map(|status| {
        status.container_statuses.iter().flatten().chain(status.init_container_statuses.iter().flatten())
    });
    let status = statuses.into_iter().find(|status| status.name == container);
    let last =
        status.and_then(|status| status.last_state.as_ref()).is_some_and(|state| state.terminated.is_some());
    if previous {
        let text = format!("previous terminated container \"{container}\" in pod \"{pod}\" not found");
        return if last { Ok(()) } else { Err(Refusal::new(StatusCode::BAD_REQUEST, text)) };
    }
    let reason = |status: &ContainerStatus| status.state.as_ref()?.waiting.as_ref()?.reason.clone();
    match status.and_then(reason) {
        Some(_) if last => Ok(()),
        Some(reason) => Err(waiting(
            pod,
            container,
            match reason.as_str() {
                "ErrImagePull" => "image can't be pulled",
                "ImagePullBackOff" => "trying and failing to pull image",
                other => other,
            },
        )),
        None => Ok(()),
    }
}

/// Reads a log, and knows what of it was read already.
pub(super) struct Reader {
    store: PodStore,
    eci: Eci,
    uid: String,
    group: String,
    container: String,
    options: LogOptions,
    since: Option<Timestamp>,
    /// The number of bytes that may still be given; `None` for no limit.
    left: Option<usize>,
    /// The lines of the last reading, each with its time.
    last: Vec<String>,
    pause: Duration,
    ended: bool,
}

impl Reader {
    fn new(
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
            last: Vec::new(),
            pause: PAUSE,
            ended: false,
        }
    }

    /// Follows what a container says from now on.
    pub(super) fn from_now(
        cloud: (&PodStore, &Eci),
        view: &Snapshot,
        container: (String, &str),
        now: Timestamp,
    ) -> Self {
        let options = LogOptions { follow: true, tail: Some(0), ..LogOptions::default() };
        Self::new(cloud, view, container, options, Some(now))
    }

    /// The lines that the log has already, cut to the tail and the number of bytes that are asked for.
    pub(super) async fn first(&mut self) -> Result<Bytes, EciError> {
        let tail = self.options.tail.unwrap_or(LINES_MAX).clamp(1, LINES_MAX);
        let mut lines = self.read(tail).await?;
        self.last = lines.clone();
        if self.options.tail == Some(0) {
            lines.clear();
        }
        Ok(self.give(&lines))
    }

    /// The lines since the last reading; `None` when nothing more will be said.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.left == Some(0) || self.ended {
                return None;
            }
            tokio::time::sleep(self.pause).await;
            // Looked at before reading: what was said before the end is read after it.
            self.ended = self.has_ended();
            let Ok(lines) = self.read(LINES_MAX).await else {
                self.pause = PAUSE_MAX;
                continue;
            };
            let known = overlap(&self.last, &lines);
            let fresh = lines[known..].to_vec();
            if !lines.is_empty() {
                self.last = lines;
            }
            if fresh.is_empty() {
                self.pause = (self.pause * 3 / 2).min(PAUSE_MAX);
                continue;
            }
            self.pause = PAUSE;
            return Some(self.give(&fresh));
        }
    }

    async fn read(&self, tail: i32) -> Result<Vec<String>, EciError> {
        let from = self.last.last().and_then(|line| time_of(line)).or(self.since);
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
        let lines = content.split_inclusive('\n').map(str::to_owned);
        // The cloud counts whole seconds, the caller does not.
        Ok(lines
            .filter(|line| self.since.is_none_or(|since| time_of(line).is_none_or(|at| at >= since)))
            .collect())
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
        if crate::pods::decide::has_ended(&view.pod) {
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

/// The number of lines at the beginning of `new` that stand at the end of `old`.
fn overlap(old: &[String], new: &[String]) -> usize {
    (0..=old.len().min(new.len())).rev().find(|count| old[old.len() - count..] == new[..*count]).unwrap_or(0)
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
        let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (old, new, known) in
            [("a b c", "b c d", 2), ("a b c", "c", 1), ("a b c", "d e", 0), ("a a", "a a a", 2)]
        {
            assert_eq!(overlap(&lines(old), &lines(new)), known, "{old} | {new}");
        }
    }

    #[test]
    fn times_are_cut_off_only_where_there_is_one() {
        assert_eq!(without_time("2026-01-05T01:00:00.000000001Z hello world\n"), "hello world\n");
        assert_eq!(without_time("hello world\n"), "hello world\n");
    }
}
