//! `inject: { action: CreateContainerGroup, code: OperationDenied.NoStock }`: calls to the cloud fail.

use std::fmt;

use eci_sim::faults::share::Share;
use eci_sim::{FaultVerdict, Rule};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use crate::outcome::Miss;
use crate::scenario::error::CaseError;
use crate::scenario::span::Span;
use crate::stage::World;

/// Makes calls to the cloud fail, until they are lifted or used up.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Inject {
    /// The action whose calls fail, as in `CreateContainerGroup`; all calls where nothing is said.
    pub(crate) action: Option<String>,
    /// The error code with which the calls are turned down.
    pub(crate) code: Option<String>,
    /// The calls do not arrive at all.
    #[serde(default)]
    pub(crate) unreachable: bool,
    /// The calls are carried out, but the answer is lost on its way.
    #[serde(default)]
    pub(crate) answer_lost: bool,
    /// The time by which the calls take longer.
    pub(crate) delay: Option<Span>,
    /// Only the next so many calls.
    pub(crate) times: Option<u32>,
    /// Of these only each so many-th.
    pub(crate) every: Option<u32>,
    /// Of those only this share, drawn from the run's seed: `0.1` or `10%`.
    pub(crate) share: Option<Share>,
    /// Only calls with this parameter.
    pub(crate) parameter: Option<Parameter>,
    /// All of it in the words of `eci-sim --fault`, such as `CreateContainerGroup truncate 20 times=1`.
    #[serde(default, deserialize_with = "in_words")]
    #[schemars(with = "Option<String>")]
    pub(crate) rule: Option<Rule>,
}

fn in_words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Rule>, D::Error> {
    String::deserialize(deserializer)?.parse().map(Some).map_err(serde::de::Error::custom)
}

/// A parameter of a call.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Parameter {
    /// The parameter's name, as in `RegionId`.
    pub(crate) name: String,
    /// The parameter's value; a `*` stands for anything.
    pub(crate) value: String,
}

impl Inject {
    pub(super) fn check(&self) -> Result<(), CaseError> {
        let kinds = [self.code.is_some(), self.unreachable, self.answer_lost, self.delay.is_some()];
        if self.rule.is_some() {
            let counts = [self.times, self.every].iter().any(Option::is_some);
            let others = counts || self.action.is_some() || self.share.is_some() || self.parameter.is_some();
            return match others || kinds.contains(&true) {
                true => Err(CaseError::RuleWithOthers),
                false => Ok(()),
            };
        }
        match kinds.iter().filter(|is| **is).count() {
            1 if self.every == Some(0) => Err(CaseError::Zeroth("every")),
            1 if self.times == Some(0) => Err(CaseError::Zeroth("times")),
            1 => Ok(self.rule().check()?),
            _ => Err(CaseError::Lacks {
                holder: "inject",
                lacking: "one of `code`, `unreachable`, `answer-lost`, `delay` and `rule`",
            }),
        }
    }

    pub(super) fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        self.parameter.iter_mut().for_each(|parameter| each(&mut parameter.value));
        let parameter = self.rule.iter_mut().filter_map(|rule| rule.parameter.as_mut());
        parameter.for_each(|(_, value)| each(value));
    }

    pub(crate) async fn play(&self, world: &mut World) -> Result<(), Miss> {
        let number = world.inject(self.rule()).await?;
        world.demands().fault(number, self.to_string());
        Ok(())
    }

    /// The fault as a rule of the simulator.
    fn rule(&self) -> Rule {
        if let Some(rule) = &self.rule {
            return rule.clone();
        }
        let verdict = match (&self.code, self.delay) {
            (Some(code), _) => FaultVerdict::Refuse { code: code.clone(), status: None, message: None },
            (None, Some(span)) => {
                FaultVerdict::DelayMs(u64::try_from(span.0.as_millis()).unwrap_or(u64::MAX))
            }
            (None, None) if self.answer_lost => FaultVerdict::DropAfter,
            (None, None) => FaultVerdict::DropBefore,
        };
        let mut rule = Rule::new(verdict);
        (rule.times, rule.every, rule.share) = (self.times, self.every, self.share);
        rule.parameter = self.parameter.as_ref().map(|own| (own.name.clone(), own.value.clone()));
        match &self.action {
            Some(action) => rule.on(action),
            None => rule,
        }
    }
}

impl World {
    /// Adds a fault to the cloud, in the words of `eci-sim --fault`; returns its number. It stays until it is used up, or
    /// until [`World::clear_faults`].
    ///
    /// # Errors
    /// [`Miss::Refused`] for a rule that could never strike, with the nearest name that could, and when a cloud somewhere
    /// else does not answer.
    ///
    /// ```
    /// use scenarios::{Rule, World};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let world = World::start().await?;
    /// let rule: Rule = "CreateContainerGroup refuse OperationDenied.NoStock times=2".parse()?;
    /// world.inject(rule).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn inject(&self, rule: Rule) -> Result<u64, Miss> {
        rule.check().map_err(|why| Miss::Refused(why.to_string()))?;
        self.cloud().inject(rule).await
    }

    /// Removes all faults of the cloud, whether or not they have struck.
    ///
    /// # Errors
    /// [`Miss::Refused`] when a cloud somewhere else does not answer.
    pub async fn clear_faults(&self) -> Result<(), Miss> {
        self.cloud().clear_faults().await
    }
}

pub(super) async fn lift(world: &mut World) -> Result<(), Miss> {
    let idle = world.idle().into_iter().find(|idle| idle.is_fault);
    // A call may not take place if the provider is killed on its way.
    match idle.filter(|_| world.tap().is_none()) {
        Some(idle) => Err(idle.into()),
        None => world.clear_faults().await,
    }
}

impl fmt::Display for Inject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(rule) = &self.rule {
            return write!(f, "lay a fault on {}", rule.action);
        }
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
    use super::*;
    use crate::scenario::Scenario;
    use crate::scenario::mistake::Mistake;
    use crate::steps::Step;

    /// The one step of a case, `inject` with these `fields`.
    fn inject(fields: &str) -> Result<Inject, Mistake> {
        let text = format!("scenario: some calls fail\ncites: ours\nsteps:\n  - inject: {{ {fields} }}\n");
        let Step::Inject(inject) = Scenario::read("x.yaml", &text)?.steps.remove(0) else {
            unreachable!("the case has this step")
        };
        Ok(inject)
    }

    #[test]
    fn every_fault_of_the_flag_can_be_told_in_its_words() {
        for (rule, verdict) in [
            ("* truncate 20 times=1", "Truncate(20)"),
            ("Describe* stale 5s", "StaleMs(5000)"),
            ("* sold-out cn-hangzhou-b", "SoldOut"),
            ("* reclaim 5", "Reclaim(5)"),
            ("* crash web 137", "Crash"),
        ] {
            let inject = inject(&format!("rule: '{rule}'")).unwrap();
            let rule = format!("{:?}", inject.rule);
            assert!(rule.contains(verdict), "{rule}");
        }
        let wrong = inject("rule: '* explode'").unwrap_err().to_string();
        assert!(wrong.contains("`explode` is nothing that becomes of a call"), "{wrong}");
        let both = inject("rule: '* drop-after', times: 2").unwrap_err().to_string();
        assert!(both.contains("`rule` says all of it"), "{both}");
    }

    #[test]
    fn a_name_with_a_slip_is_a_mistake_in_the_fields_as_in_the_words_of_a_rule() {
        for (fields, near) in [
            ("action: DeleteContainerGruop, unreachable: true", "`DeleteContainerGroup`"),
            ("rule: 'DeleteContainerGruop drop-before'", "`DeleteContainerGroup`"),
            ("action: CreateContainerGroup, code: OperationDenied.NoStok", "`OperationDenied.NoStock`"),
            ("rule: 'CreateContainerGroup refuse OperationDenied.NoStok'", "`OperationDenied.NoStock`"),
            ("code: Throttling, parameter: { name: RegionID, value: cn-beijing }", "`RegionId`"),
            ("rule: '* sold-out cn-hangzou-b'", "`cn-hangzhou-b`"),
        ] {
            let why = inject(fields).unwrap_err().to_string();
            assert!(why.contains(&format!("did you mean {near}?")), "{fields}: {why}");
        }
    }

    #[test]
    fn a_share_is_a_part_or_a_percentage() {
        for share in ["0.1", "10%", "'0.1'"] {
            let step = inject(&format!("code: Throttling, every: 2, share: {share}")).unwrap();
            assert_eq!(step.to_string(), "inject Throttling into every call for a share of 0.1");
        }
        let why = inject("code: Throttling, every: 2, share: 2").unwrap_err().to_string();
        assert!(why.contains("`2` should be above 0 and up to 1") && why.contains("x.yaml:4"), "{why}");
    }
}
