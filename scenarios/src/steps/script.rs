//! `script: { image: batch, run: 30s, exit-code: 3 }`: what containers of an image do.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::outcome::Miss;
use crate::scenario::span::Span;
use crate::stage::World;

/// Says what containers of an image do.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Script {
    /// The image; a `*` stands for anything.
    pub(crate) image: String,
    /// How long it takes to be pulled.
    pub(crate) pull: Option<Span>,
    /// How long a container takes to start.
    pub(crate) start: Option<Span>,
    /// How long a container runs; for ever where nothing is said.
    pub(crate) run: Option<Span>,
    /// What it ends with.
    pub(crate) exit_code: Option<i32>,
    /// What it says.
    #[serde(default)]
    pub(crate) log: Vec<String>,
    /// Why the image cannot be pulled.
    pub(crate) cannot_pull: Option<String>,
    /// Whether its containers never become ready.
    #[serde(default)]
    pub(crate) unready: bool,
    /// How long its groups wait for a machine.
    pub(crate) scheduling: Option<Span>,
    /// Why its groups get no machine.
    pub(crate) cannot_schedule: Option<String>,
}

impl Script {
    pub(super) fn check(&self) -> Result<(), String> {
        match (self.exit_code, self.run) {
            (Some(_), None) => Err("`exit-code` needs `run`: how long the container runs before".to_owned()),
            _ => Ok(()),
        }
    }

    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        world.cloud().script(self).await
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "script {}", self.image)
    }
}
