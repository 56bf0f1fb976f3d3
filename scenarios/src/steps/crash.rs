//! `crash: { pod: vk/web, exit-code: 137 }`: a container that runs ends badly, by itself.

use std::fmt;

use eci_sim::text::did_you_mean;
use schemars::JsonSchema;
use serde::Deserialize;

use super::expect::DEFAULT_TIMEOUT;
use super::pod_status;
use crate::objects::Fields;
use crate::outcome::Miss;
use crate::scenario::error::CaseError;
use crate::scenario::names::PodName;
use crate::scenario::span::Span;
use crate::stage::World;

/// Lets a container end as if its program had failed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Crash {
    /// The pod: `vk/nginx`.
    pub(super) pod: PodName,
    /// The container, where the pod has several.
    container: Option<String>,
    /// The exit code; 1 where nothing is said.
    exit_code: Option<i32>,
    /// The longest wait for the container to run; one minute where nothing is said.
    within: Option<Span>,
}

impl Crash {
    pub(super) fn check(&self) -> Result<(), CaseError> {
        match self.exit_code {
            Some(0) => Err(CaseError::Zeroth("exit-code")),
            _ => Ok(()),
        }
    }

    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        let world = &*world;
        let span = self.within.unwrap_or(DEFAULT_TIMEOUT).0;
        world.within(span, async || self.names(world).await.map(drop)).await?;
        let container = self.container_of(&self.names(world).await?)?;
        world.within(span, async || self.end(world, &container).await).await
    }

    /// The names of the pod's containers.
    async fn names(&self, world: &World) -> Result<Vec<String>, Miss> {
        let pod = pod_status::find(world, &self.pod).await?;
        let pod = pod.ok_or_else(|| Miss::one("pod", self.pod.to_string(), "no such pod"))?;
        let containers = pod.list("/spec/containers").iter();
        Ok(containers.filter_map(|container| container.text("/name")).map(str::to_owned).collect())
    }

    /// The container that is meant.
    fn container_of(&self, names: &[String]) -> Result<String, Miss> {
        match (&self.container, names) {
            (None, [only]) => Ok(only.clone()),
            (Some(name), _) if names.contains(name) => Ok(name.clone()),
            (Some(name), _) => {
                let near = did_you_mean(name, names.iter().map(String::as_str));
                let why = format!("pod {} has no container `{name}`{near}", self.pod);
                Err(Miss::Refused(why))
            }
            (None, _) => {
                let why = format!("pod {} has the containers {}; say which", self.pod, names.join(", "));
                Err(Miss::Refused(why))
            }
        }
    }

    async fn end(&self, world: &World, container: &str) -> Result<(), Miss> {
        let groups = world.cloud().groups().await?;
        let group = groups.iter().rev().find(|group| group.belongs_to(&self.pod));
        let group =
            group.ok_or_else(|| Miss::one("group", format!("one of {}", self.pod), "no such group"))?;
        world.cloud().crash(&group.id, container, self.exit_code.unwrap_or(1)).await
    }
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.container {
            Some(container) => write!(f, "crash container {container} of {}", self.pod),
            None => write!(f, "crash the container of {}", self.pod),
        }
    }
}
