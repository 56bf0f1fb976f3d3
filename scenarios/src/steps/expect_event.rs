//! `expect-event: { pod: vk/nginx, reason: Scheduled }`: an event about a pod or a node.

use std::fmt;

use k8s_openapi::api::core::v1::Event;
use kube::api::{DynamicObject, ListParams};
use schemars::JsonSchema;
use serde::Deserialize;

use super::expect::DEFAULT_TIMEOUT;
use crate::objects::{Fields, objects};
use crate::outcome::Miss;
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
        let texts = [("reason", Some(&self.reason)), ("message", self.message.as_ref())];
        if let Some((name, _)) = texts.into_iter().find(|(_, text)| text.is_some_and(String::is_empty)) {
            return Err(CaseError::EmptyText(name));
        }
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
        world.within_objects(self.within.unwrap_or(DEFAULT_TIMEOUT).0, async || self.look(world).await).await
    }

    async fn look(&self, world: &World) -> Result<(), Miss> {
        let namespace = self.pod.as_ref().map(|pod| pod.namespace.as_str());
        let events = objects::<Event>(world.kube(), namespace);
        let (kind, name) = match (&self.pod, &self.node) {
            (Some(pod), _) => ("Pod", pod.name.as_str()),
            (None, node) => ("Node", node.as_deref().unwrap_or_default()),
        };
        let about = |event: &DynamicObject| {
            event.text("/involvedObject/kind") == Some(kind)
                && event.text("/involvedObject/name") == Some(name)
        };
        let all = events.list(&ListParams::default()).await?.items;
        let seen: Vec<&DynamicObject> = all.iter().filter(|event| about(event)).collect();
        if seen.iter().any(|event| self.is_met_by(event)) {
            return Ok(());
        }
        let same = seen.iter().find(|event| event.text("/reason") == Some(&self.reason));
        let have = match (same, seen.is_empty()) {
            (Some(event), _) => shown(event),
            (None, true) => "no event".to_owned(),
            (None, false) => {
                seen.iter().filter_map(|event| event.text("/reason")).collect::<Vec<_>>().join(" · ")
            }
        };
        Err(Miss::one("event", self.wanted(), have))
    }

    fn is_met_by(&self, event: &DynamicObject) -> bool {
        let text = event.text("/message").unwrap_or_default();
        event.text("/reason") == Some(self.reason.as_str())
            && self.r#type.is_none_or(|kind| event.text("/type") == Some(&format!("{kind:?}")))
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

fn shown(event: &DynamicObject) -> String {
    format!(
        "{} {}: {}",
        event.text("/type").unwrap_or_default(),
        event.text("/reason").unwrap_or_default(),
        event.text("/message").unwrap_or_default()
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
