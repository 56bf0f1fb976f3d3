//! `expect-node: { node: virtual-kubelet, ready: true }`: what a node comes to show.

use std::fmt;

use k8s_openapi::api::core::v1::Node;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::comparison::Comparison;
use super::expect::DEFAULT_TIMEOUT;
use super::{fields, texts};
use crate::objects::{Fields, objects};
use crate::outcome::Miss;
use crate::scenario::error::CaseError;
use crate::scenario::span::Span;
use crate::stage::World;

/// Expects something of a node.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ExpectNode {
    /// The node: `virtual-kubelet`.
    node: String,
    /// The status of its condition Ready: true for True, false for anything else.
    ready: Option<bool>,
    /// The fields that the object contains.
    #[schemars(with = "Option<Map<String, Value>>")]
    has: Option<Map<String, Value>>,
    /// The longest wait for it; one minute where nothing is said.
    within: Option<Span>,
    /// The time for which it then stays so.
    r#for: Option<Span>,
}

impl ExpectNode {
    pub(super) fn check(&self) -> Result<(), CaseError> {
        match &self.has {
            None if self.ready.is_some() => Ok(()),
            Some(has) if !has.is_empty() => fields::check("v1", "Node", has),
            _ => Err(CaseError::SaysNothing {
                step: "expect-node",
                advice: " about the node; add `ready: true` or `has`",
            }),
        }
    }

    pub(super) fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        self.has.iter_mut().flat_map(Map::values_mut).for_each(|value| texts::of_value(value, each));
    }

    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        let world = &*world;
        world
            .within_objects(self.within.unwrap_or(DEFAULT_TIMEOUT).0, async || self.look(world).await)
            .await?;
        match self.r#for {
            Some(span) => world.throughout_objects(span.0, async || self.look(world).await).await,
            None => Ok(()),
        }
    }

    async fn look(&self, world: &World) -> Result<(), Miss> {
        let Some(node) = objects::<Node>(world.kube(), None).get_opt(&self.node).await? else {
            return Err(Miss::one("node", self.node.clone(), "no such node"));
        };
        let mut facts = Comparison::default();
        let mut conditions = node.list("/status/conditions").iter();
        let condition = conditions.find(|condition| condition.text("/type") == Some("Ready"));
        let status = condition.and_then(|condition| condition.text("/status"));
        if let Some(ready) = self.ready.filter(|ready| *ready != (status == Some("True"))) {
            facts.differs("Ready", ready.to_string(), status.unwrap_or("no such condition"));
        }
        if let Some(has) = &self.has {
            facts.contains(has, &node)?;
        }
        facts.result(condition.and_then(|condition| condition.text("/message").map(ToOwned::to_owned)))
    }
}

impl fmt::Display for ExpectNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expect node {}", self.node)?;
        match self.ready {
            Some(true) => f.write_str(" ready")?,
            Some(false) => f.write_str(" not ready")?,
            None => {}
        }
        if let Some(span) = self.r#for {
            write!(f, " for {span}")?;
        }
        Ok(())
    }
}
