//! `inject: { action: CreateContainerGroup, code: OperationDenied.NoStock }`: calls to the cloud fail.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::outcome::Miss;
use crate::scenario::span::Span;
use crate::stage::World;

/// Makes calls to the cloud fail, until they are lifted or used up.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Inject {
    /// Which calls; all where nothing is said.
    pub(crate) action: Option<String>,
    /// They are turned down with this error code.
    pub(crate) code: Option<String>,
    /// They do not arrive at all.
    #[serde(default)]
    pub(crate) unreachable: bool,
    /// They are carried out, but the answer is lost on its way.
    #[serde(default)]
    pub(crate) answer_lost: bool,
    /// They take so much longer.
    pub(crate) delay: Option<Span>,
    /// Only the next so many calls.
    pub(crate) times: Option<u32>,
}

impl Inject {
    pub(super) fn check(&self) -> Result<(), String> {
        let kinds = [self.code.is_some(), self.unreachable, self.answer_lost, self.delay.is_some()];
        match kinds.iter().filter(|is| **is).count() {
            1 => Ok(()),
            _ => Err("`inject` needs one of `code`, `unreachable`, `answer-lost` and `delay`".to_owned()),
        }
    }

    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        world.cloud().inject(self).await
    }
}

pub(super) async fn lift(world: &mut World) -> Result<(), Miss> {
    world.cloud().lift_faults().await
}

impl fmt::Display for Inject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = self.action.as_deref().unwrap_or("every call");
        match (&self.code, self.delay) {
            (Some(code), _) => write!(f, "inject {code} into {action}"),
            (None, Some(delay)) => write!(f, "inject {delay} of delay into {action}"),
            (None, None) if self.answer_lost => write!(f, "lose the answers to {action}"),
            (None, None) => write!(f, "make {action} unreachable"),
        }
    }
}
