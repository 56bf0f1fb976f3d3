//! `expect-object: { api-version: apps/v1, kind: Deployment, name: vk/web, has: … }`: what any object comes to show.

use std::fmt;

use kube::api::DynamicObject;
use kube::core::GroupVersionKind;
use kube::discovery::Scope;
use kube::{Api, discovery};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::comparison::Comparison;
use super::expect::DEFAULT_TIMEOUT;
use super::{fields, texts};
use crate::outcome::Miss;
use crate::scenario::error::CaseError;
use crate::scenario::names::PodName;
use crate::scenario::span::Span;
use crate::stage::World;

/// Expects something of an object of any kind.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ExpectObject {
    /// The API group and version: `apps/v1`, `batch/v1`, `v1`.
    api_version: String,
    /// The kind: `Deployment`.
    kind: String,
    /// The namespace and name.
    pub(super) name: PodName,
    /// The fields that the object contains.
    #[schemars(with = "Map<String, Value>")]
    has: Map<String, Value>,
    /// The longest wait for it; one minute where nothing is said.
    within: Option<Span>,
    /// The time for which it then stays so.
    r#for: Option<Span>,
}

impl ExpectObject {
    pub(super) fn check(&self) -> Result<(), CaseError> {
        match self.has.is_empty() {
            true => Err(CaseError::SaysNothing {
                step: "expect-object",
                advice: " about the object; add to `has`",
            }),
            false => fields::check(&self.api_version, &self.kind, &self.has),
        }
    }

    pub(super) fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        self.has.values_mut().for_each(|value| texts::of_value(value, each));
    }

    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        let world = &*world;
        let (group, version) = self.api_version.split_once('/').unwrap_or(("", &self.api_version));
        let kind = GroupVersionKind::gvk(group, version, &self.kind);
        let (resource, capabilities) = discovery::pinned_kind(&world.kube(), &kind).await?;
        let objects: Api<DynamicObject> = match capabilities.scope {
            Scope::Cluster => Api::all_with(world.kube(), &resource),
            Scope::Namespaced => Api::namespaced_with(world.kube(), &self.name.namespace, &resource),
        };
        world.within(self.within.unwrap_or(DEFAULT_TIMEOUT).0, async || self.look(&objects).await).await?;
        match self.r#for {
            Some(span) => world.throughout(span.0, async || self.look(&objects).await).await,
            None => Ok(()),
        }
    }

    async fn look(&self, objects: &Api<DynamicObject>) -> Result<(), Miss> {
        let Some(object) = objects.get_opt(&self.name.name).await? else {
            return Err(Miss::one(&self.kind, self.name.to_string(), "no such object"));
        };
        let mut facts = Comparison::default();
        facts.contains(&self.has, &object)?;
        facts.result(None)
    }
}

impl fmt::Display for ExpectObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expect {} {}", self.kind.to_lowercase(), self.name)
    }
}
