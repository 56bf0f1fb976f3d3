//! `/containerLogs`: what a container said, read from the cloud; followed by asking again and again.

mod options;
mod reader;

use bytes::Bytes;
use determinism::Clock;
use futures::stream;
use http::{Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use k8s_openapi::api::core::v1::ContainerStatus;

pub(super) use self::options::LogOptions;
pub(super) use self::reader::Reader;
use super::response::{Body, Refusal, text};
use crate::eci::Eci;
use crate::pods::fields::NO_EPHEMERAL;
use crate::pods::store::{PodStore, Snapshot};

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
    if reader.is_at_end() {
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
