//! `expect-log: { pod: vk/hello, contains: hello }`: what `kubectl logs` would show.

use std::fmt;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use schemars::JsonSchema;
use serde::Deserialize;

use super::expect::DEFAULT_TIMEOUT;
use super::pod_status;
use crate::outcome::Miss;
use crate::scenario::error::CaseError;
use crate::scenario::names::PodName;
use crate::scenario::span::Span;
use crate::stage::World;

/// Expects something in a container's log.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ExpectLog {
    /// The pod: `vk/nginx`.
    pub(super) pod: PodName,
    /// The container, where the pod has several.
    container: Option<String>,
    /// A part of the log.
    contains: Option<String>,
    /// The whole log, line by line.
    lines: Option<Vec<String>>,
    /// Only the last so many lines are looked at.
    tail: Option<i64>,
    /// The longest wait for it; one minute where nothing is said.
    within: Option<Span>,
}

impl ExpectLog {
    pub(super) fn check(&self) -> Result<(), CaseError> {
        if self.tail.is_some_and(|tail| tail < 1) {
            return Err(CaseError::Zeroth("tail"));
        }
        match (&self.contains, &self.lines) {
            (Some(part), None) if part.is_empty() => Err(CaseError::EmptyText("contains")),
            (Some(_), None) | (None, Some(_)) => Ok(()),
            _ => Err(CaseError::Lacks { holder: "expect-log", lacking: "one of `contains` and `lines`" }),
        }
    }

    pub(super) fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        self.contains.iter_mut().chain(self.lines.iter_mut().flatten()).for_each(each);
    }

    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        let world = &*world;
        world.within(self.within.unwrap_or(DEFAULT_TIMEOUT).0, async || self.look(world).await).await
    }

    async fn look(&self, world: &World) -> Result<(), Miss> {
        let pods: Api<Pod> = Api::namespaced(world.kube(), &self.pod.namespace);
        let params =
            LogParams { container: self.container.clone(), tail_lines: self.tail, ..LogParams::default() };
        let wanted = match (&self.contains, &self.lines) {
            (Some(part), _) => format!("…{part}…"),
            (_, lines) => lines.as_deref().unwrap_or_default().join(" ⏎ "),
        };
        let log = match pods.logs(&self.pod.name, &params).await {
            Ok(log) => log,
            Err(error) => {
                return Err(Miss::one("log", wanted, format!("none: {}", Miss::from(error).in_short())));
            }
        };
        let lines: Vec<&str> = log.lines().collect();
        if lines.is_empty() && self.lines.as_ref().is_some_and(Vec::is_empty) {
            // The API server has an empty log also for a container that never started.
            let pod = pod_status::find(world, &self.pod).await?;
            return match pod.is_some_and(|pod| pod_status::has_started(&pod, self.container.as_deref())) {
                true => Ok(()),
                false => Err(Miss::one("log", "an empty log", "none: the container has not started")),
            };
        }
        let met = match (&self.contains, &self.lines) {
            (Some(part), _) => log.contains(part.as_str()),
            (_, wanted) => wanted.as_deref().unwrap_or_default() == lines,
        };
        match met {
            true => Ok(()),
            false => {
                let seen = if lines.is_empty() { "an empty log".to_owned() } else { lines.join(" ⏎ ") };
                Err(Miss::one("log", wanted, seen))
            }
        }
    }
}

impl fmt::Display for ExpectLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expect log of {}", self.pod)
    }
}
