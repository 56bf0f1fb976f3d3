//! Faults are rules with verdicts: asked in the order in which they were laid, the first that does not pass decides.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A call, as far as rules look at it.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The operation.
    pub action: &'a str,
    /// The parameters.
    pub pairs: &'a [(String, String)],
}

/// What becomes of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing happens to it.
    Pass,
    /// It is turned down with this code.
    Refuse {
        /// The code; its status and text come from the table unless they are given.
        code: String,
        /// The status.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// The text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// It takes so many more milliseconds.
    DelayMs(u64),
    /// It does not arrive: nothing is done, and no answer comes.
    DropBefore,
    /// It is carried out, but no answer comes.
    DropAfter,
}

/// Which calls a fault concerns, and what becomes of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rule {
    /// The operation; a `*` stands for anything.
    #[serde(default = "anything")]
    pub action: String,
    /// Only calls with this parameter of this value; a `*` stands for anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<(String, String)>,
    /// For so many more calls; for all where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// What becomes of them.
    pub verdict: Verdict,
}

/// All rules that are laid.
#[derive(Debug, Clone, Default)]
pub struct Faults(Vec<(u64, Rule)>, u64);

fn anything() -> String {
    "*".to_owned()
}

impl Rule {
    /// For every call.
    pub fn new(verdict: Verdict) -> Self {
        Self { action: anything(), parameter: None, times: None, verdict }
    }

    /// Turns calls down with this code of the cloud's.
    pub fn refuse(code: impl Into<String>) -> Self {
        Self::new(Verdict::Refuse { code: code.into(), status: None, message: None })
    }

    /// Makes calls take longer.
    pub fn delay(by: Duration) -> Self {
        Self::new(Verdict::DelayMs(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
    }

    /// Only for this operation.
    #[must_use]
    pub fn on(self, action: impl Into<String>) -> Self {
        Self { action: action.into(), ..self }
    }

    /// Only for the next so many calls.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    fn concerns(&self, call: &Call<'_>) -> bool {
        let fits = |(name, value): &(String, String)| {
            let same = |pair: &&(String, String)| pair.0 == *name && crate::script::matches(value, &pair.1);
            call.pairs.iter().any(|pair| same(&pair))
        };
        self.times != Some(0)
            && crate::script::matches(&self.action, call.action)
            && self.parameter.as_ref().is_none_or(fits)
    }
}

impl Faults {
    /// Lays a rule behind the others; the number lifts it again.
    pub fn lay(&mut self, rule: Rule) -> u64 {
        self.1 += 1;
        self.0.push((self.1, rule));
        self.1
    }

    /// Lifts one rule; false when there is none of this number.
    pub fn lift(&mut self, number: u64) -> bool {
        let before = self.0.len();
        self.0.retain(|(own, _)| *own != number);
        self.0.len() < before
    }

    /// Lifts all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The rules with their numbers.
    pub fn rules(&self) -> &[(u64, Rule)] {
        &self.0
    }

    /// What becomes of a call.
    pub fn judge(&mut self, call: &Call<'_>) -> Verdict {
        let Some(index) = self.0.iter().position(|(_, rule)| rule.concerns(call)) else {
            return Verdict::Pass;
        };
        let rule = &mut self.0[index].1;
        let verdict = rule.verdict.clone();
        if let Some(times) = &mut rule.times {
            *times -= 1;
            if *times == 0 {
                self.0.remove(index);
            }
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_ends_after_its_number_of_calls_and_the_next_one_speaks() {
        let mut faults = Faults::default();
        faults.lay(Rule::refuse("Throttling").on("Create*").times(2));
        faults.lay(Rule::new(Verdict::DropAfter));
        let mut judge = |action| faults.judge(&Call { action, pairs: &[] });
        assert_eq!(judge("DescribeRegions"), Verdict::DropAfter);
        assert!(matches!(judge("CreateContainerGroup"), Verdict::Refuse { .. }));
        assert!(matches!(judge("CreateContainerGroup"), Verdict::Refuse { .. }));
        assert_eq!(judge("CreateContainerGroup"), Verdict::DropAfter);
    }
}
