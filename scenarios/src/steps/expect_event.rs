//! `expect-event: { pod: vk/nginx, reason: Scheduled }`: an event about a pod or a node.

use std::fmt;

use k8s_openapi::api::core::v1::Event;
use kube::Api;
use kube::api::ListParams;
use schemars::JsonSchema;
use serde::Deserialize;

use super::expect::{DEFAULT_TIMEOUT, unmet};
use crate::outcome::{Fact, Miss};
use crate::scenario::error::CaseError;
use crate::scenario::names::PodName;
use crate::scenario::span::Span;
use crate::stage::World;

/// Expects an event.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ExpectEvent {
    /// The pod it is about.
    pub(super) pod: Option<PodName>,
    /// The node it is about.
    node: Option<String>,
    /// The event's reason.
    reason: String,
    /// `Normal` or `Warning`.
    r#type: Option<EventType>,
    /// A part of its message.
    message: Option<String>,
    /// The longest wait for it; one minute where nothing is said.
    within: Option<Span>,
}

/// The type of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum EventType {
    /// Things take their course.
    Normal,
    /// Somebody may want to know.
    Warning,
}

impl ExpectEvent {
    pub(super) fn check(&self) -> Result<(), CaseError> {
        match (&self.pod, &self.node) {
            (Some(_), None) | (None, Some(_)) => Ok(()),
            _ => Err(CaseError::Lacks { holder: "expect-event", lacking: "one of `pod` and `node`" }),
        }
    }

    pub(super) fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        self.message.iter_mut().for_each(each);
    }

    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        let world = &*world;
        world.within(self.within.unwrap_or(DEFAULT_TIMEOUT).0, async || self.look(world).await).await
    }

    async fn look(&self, world: &World) -> Result<(), Miss> {
        let events: Api<Event> = match &self.pod {
            Some(pod) => Api::namespaced(world.kube(), &pod.namespace),
            None => Api::all(world.kube()),
        };
        let (kind, name) = match (&self.pod, &self.node) {
            (Some(pod), _) => ("Pod", pod.name.as_str()),
            (None, node) => ("Node", node.as_deref().unwrap_or_default()),
        };
        let about = |event: &Event| {
            let object = &event.involved_object;
            object.kind.as_deref() == Some(kind) && object.name.as_deref() == Some(name)
        };
        let all = events.list(&ListParams::default()).await?.items;
        let seen: Vec<&Event> = all.iter().filter(|event| about(event)).collect();
        if seen.iter().any(|event| self.is_met_by(event)) {
            return Ok(());
        }
        let same: Vec<&&Event> = seen.iter().filter(|e| e.reason.as_deref() == Some(&self.reason)).collect();
        let have = match (same.first(), seen.is_empty()) {
            (Some(event), _) => shown(event),
            (None, true) => "no event".to_owned(),
            (None, false) => {
                seen.iter().filter_map(|event| event.reason.clone()).collect::<Vec<_>>().join(" · ")
            }
        };
        unmet(vec![Fact::new("event", self.wanted())], vec![Fact::new("event", have)], None)
    }

    fn is_met_by(&self, event: &Event) -> bool {
        let text = event.message.as_deref().unwrap_or_default();
        event.reason.as_deref() == Some(self.reason.as_str())
            && self.r#type.is_none_or(|kind| event.type_.as_deref() == Some(&format!("{kind:?}")))
            && self.message.as_ref().is_none_or(|part| text.contains(part.as_str()))
    }

    fn wanted(&self) -> String {
        let mut text = self.r#type.map_or_else(String::new, |kind| format!("{kind:?} "));
        text.push_str(&self.reason);
        if let Some(message) = &self.message {
            text.push_str(&format!(": …{message}…"));
        }
        text
    }
}

fn shown(event: &Event) -> String {
    format!(
        "{} {}: {}",
        event.type_.as_deref().unwrap_or_default(),
        event.reason.as_deref().unwrap_or_default(),
        event.message.as_deref().unwrap_or_default()
    )
}

impl fmt::Display for ExpectEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.pod, &self.node) {
            (Some(pod), _) => write!(f, "expect event {} of pod {pod}", self.reason),
            (None, node) => {
                write!(f, "expect event {} of node {}", self.reason, node.as_deref().unwrap_or_default())
            }
        }
    }
}
