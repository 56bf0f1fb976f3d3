//! `inject: { action: CreateContainerGroup, code: OperationDenied.NoStock }`: calls to the cloud fail.

use std::fmt;

use eci_sim::faults::share::Share;
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
    /// Of these only each so many-th.
    pub(crate) every: Option<u32>,
    /// Of those only this share, drawn from the run's seed: `0.1` or `10%`.
    pub(crate) share: Option<Share>,
    /// Only calls with this parameter.
    pub(crate) parameter: Option<Parameter>,
}

/// A parameter of a call.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameter {
    /// Its name, as in `RegionId`.
    pub(crate) name: String,
    /// Its value; a `*` stands for anything.
    pub(crate) value: String,
}

impl Inject {
    pub(super) fn check(&self) -> Result<(), String> {
        let kinds = [self.code.is_some(), self.unreachable, self.answer_lost, self.delay.is_some()];
        match kinds.iter().filter(|is| **is).count() {
            1 if self.every == Some(0) => Err("`every` should be 1 or more".to_owned()),
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
        }?;
        match self.share {
            Some(share) => write!(f, " for a share of {share}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::scenario::Scenario;
    use crate::steps::Step;

    fn shares(share: &str) -> Result<String, String> {
        let text = format!(
            "scenario: some calls fail\ncites: ours\nsteps:\n  - inject: {{ code: Throttling, every: 2, share: {share} }}\n"
        );
        let scenario = Scenario::read("x.yaml", &text).map_err(|why| why.to_string())?;
        match &scenario.steps[0] {
            Step::Inject(inject) => Ok(inject.to_string()),
            other => Err(other.to_string()),
        }
    }

    #[test]
    fn a_share_is_a_part_or_a_percentage() {
        for share in ["0.1", "10%", "'0.1'"] {
            assert_eq!(shares(share).as_deref(), Ok("inject Throttling into every call for a share of 0.1"));
        }
        let why = shares("2").unwrap_err();
        assert!(why.contains("`2` should be above 0 and up to 1") && why.contains("x.yaml:4"), "{why}");
    }
}
