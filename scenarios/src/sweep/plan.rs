//! The perturbations of one run, as `--only` takes them: `call-17:kill-before-41s,event-3:swapped`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::injection_point::{InjectionPoint, UnknownInjectionPoint};
use super::perturbation::{NoPerturbation, Perturbation};

/// The perturbations of one run, in the order of their places; none of a reference run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Plan(Vec<(InjectionPoint, Perturbation)>);

/// The error of a text that is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPlan {
    /// A part without a colon.
    #[error("`{0}` should be a place and a perturbation, as in `call-17:kill-before-41s`")]
    NoColon(String),
    /// A place that is none.
    #[error(transparent)]
    InjectionPoint(#[from] UnknownInjectionPoint),
    /// A perturbation that is none.
    #[error(transparent)]
    Perturbation(#[from] NoPerturbation),
}

impl Plan {
    /// With these perturbations.
    pub fn new(mut perturbations: Vec<(InjectionPoint, Perturbation)>) -> Self {
        perturbations.sort();
        perturbations.dedup();
        Self(perturbations)
    }

    /// With one.
    pub fn one(place: InjectionPoint, perturbation: Perturbation) -> Self {
        Self(vec![(place, perturbation)])
    }

    /// All of them.
    pub fn perturbations(&self) -> &[(InjectionPoint, Perturbation)] {
        &self.0
    }

    /// The perturbation at this place.
    pub fn at(&self, place: InjectionPoint) -> Option<Perturbation> {
        self.0.iter().find(|(own, _)| *own == place).map(|(_, perturbation)| *perturbation)
    }

    /// The same without the one of this index.
    #[must_use]
    pub fn without(&self, index: usize) -> Self {
        let mut fewer = self.0.clone();
        fewer.remove(index);
        Self(fewer)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (place, perturbation)) in self.0.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{place}:{perturbation}")?;
        }
        Ok(())
    }
}

impl From<Plan> for String {
    fn from(plan: Plan) -> Self {
        plan.to_string()
    }
}

impl TryFrom<String> for Plan {
    type Error = NoPlan;

    fn try_from(text: String) -> Result<Self, NoPlan> {
        text.parse()
    }
}

impl FromStr for Plan {
    type Err = NoPlan;

    fn from_str(text: &str) -> Result<Self, NoPlan> {
        let one = |part: &str| {
            let (place, perturbation) =
                part.split_once(':').ok_or_else(|| NoPlan::NoColon(part.to_owned()))?;
            Ok((place.parse()?, perturbation.parse()?))
        };
        text.split(',').map(one).collect::<Result<_, NoPlan>>().map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::super::perturbation::Absence;
    use super::*;

    #[test]
    fn a_plan_reads_as_it_is_written_in_the_order_of_its_places() {
        let plan: Plan = "event-3:swapped,call-17:kill-before-41s".parse().unwrap();
        assert_eq!(plan.to_string(), "call-17:kill-before-41s,event-3:swapped");
        assert_eq!(plan.at(InjectionPoint::Call(17)), Some(Perturbation::KillBefore(Absence::Lease)));
        assert_eq!(plan.at(InjectionPoint::Call(18)), None);
        assert_eq!(plan.without(0).to_string(), "event-3:swapped");
    }

    #[test]
    fn a_slip_says_what_would_be_right() {
        for (text, right) in
            [("call-1", "call-17:"), ("all-1:lost", "`call-17`"), ("call-1:lot", "kill-after-1s")]
        {
            let why = text.parse::<Plan>().unwrap_err().to_string();
            assert!(why.contains(right), "{why}");
        }
    }
}
