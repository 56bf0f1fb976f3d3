//! The tap on a watch: its events are numbered, and lost, late, doubled or swapped where the plan says so.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use kube_sim::{BodyError, KubeBody};
use serde_json::{Value, json};

use super::injection_point::InjectionPoint;
use super::journal::Occurrence;
use super::perturbation::Perturbation;
use super::tap::Tap;

struct Watch {
    tap: Tap,
    life: u32,
    body: KubeBody,
    ready: VecDeque<Bytes>,
    /// An event that comes behind the next one.
    held: Option<Bytes>,
    end: Option<End>,
}

enum End {
    Over,
    Broken,
}

/// The watch with its events numbered.
pub(super) fn tapped(tap: Tap, life: u32, body: KubeBody) -> KubeBody {
    let watch = Watch { tap, life, body, ready: VecDeque::new(), held: None, end: None };
    let lines = stream::unfold(watch, |mut watch| async move {
        let line = watch.next().await?;
        Some((line.map(Frame::data), watch))
    });
    BodyExt::boxed_unsync(StreamBody::new(lines))
}

/// A watch that breaks before its first event.
pub(super) fn broken() -> KubeBody {
    let lines = stream::iter([Err::<Frame<Bytes>, BodyError>("the connection was reset".into())]);
    BodyExt::boxed_unsync(StreamBody::new(lines))
}

impl Watch {
    async fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(Ok(line));
            }
            match self.end {
                Some(End::Over) => return None,
                Some(End::Broken) => {
                    self.end = Some(End::Over);
                    return Some(Err("the connection was reset".into()));
                }
                None => {}
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    self.tap.unless_dead(self.life).await;
                    if let Ok(line) = frame.into_data() {
                        self.take(line).await;
                    }
                }
                Some(Err(error)) => return Some(Err(error)),
                None => {
                    self.ready.extend(self.held.take());
                    self.end = Some(End::Over);
                }
            }
        }
    }

    async fn take(&mut self, line: Bytes) {
        use Perturbation as P;
        let event: Value = serde_json::from_slice(&line).unwrap_or_default();
        if event["type"] == "BOOKMARK" {
            self.ready.push_back(line);
            return;
        }
        let (number, perturbation) = self.tap.next_event();
        self.tap.journal().write(Occurrence::Event(number, self.life, in_short(&event)));
        if let Some(perturbation) = perturbation {
            self.tap.acts(InjectionPoint::Event(number), perturbation);
        }
        match perturbation {
            Some(P::KillBefore(absence) | P::KillAfter(absence)) => {
                self.tap.kill(self.life, absence);
                self.tap.unless_dead(self.life).await;
            }
            Some(P::Dropped) => self.end = Some(End::Broken),
            Some(P::Delayed) => {
                tokio::time::sleep(Duration::from_secs(30)).await;
                self.ready.push_back(line);
            }
            Some(P::Twice) => self.ready.extend([line.clone(), line]),
            Some(P::Swapped) => self.held = Some(line),
            Some(P::Gone) => {
                let status = json!({
                    "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                    "message": "too old resource version", "reason": "Expired", "code": 410
                });
                let error = json!({ "type": "ERROR", "object": status });
                self.ready.push_back(Bytes::from(format!("{error}\n")));
                self.end = Some(End::Over);
            }
            _ => {
                self.ready.push_back(line);
                self.ready.extend(self.held.take());
            }
        }
    }
}

fn in_short(event: &Value) -> String {
    let text = |pointer| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    format!(
        "{} {} {}/{} {}",
        text("/type"),
        text("/object/kind"),
        text("/object/metadata/namespace"),
        text("/object/metadata/name"),
        text("/object/metadata/resourceVersion")
    )
}
