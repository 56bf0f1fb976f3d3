//! Fault rules: the first that matches a call, in the order in which they were added, decides its verdict.

pub mod names;
pub mod parse;
mod schema;
pub mod share;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use determinism::Seed;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::text::matches;
use share::Share;

/// A call as rules see it.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The operation.
    pub action: &'a str,
    /// The parameters.
    pub pairs: &'a [(String, String)],
}

/// The verdict of a rule on a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultVerdict {
    /// Passed without effect.
    Pass,
    /// Refused with this code.
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
    /// Delayed by so many milliseconds.
    DelayMs(u64),
    /// Lost before it arrives: nothing is done, and no answer comes.
    DropBefore,
    /// Carried out without an answer.
    DropAfter,
    /// Carried out, with an answer that ends after so many bytes.
    Truncate(usize),
    /// A read gets the answer that the same call got so many milliseconds ago or earlier; where there is none, the
    /// present one. Answers are remembered from when the rule is added.
    StaleMs(u64),
    /// A zone, or a size in a zone, is out of stock from now on; then the call is carried out.
    SoldOut(String),
    /// The group that the call names, or else the newest, is a spot instance that is taken back in so many minutes.
    Reclaim(u8),
    /// A container of the group that the call names, or else of the newest, ends badly; then the call is carried out.
    Crash {
        /// Name of the container.
        container: String,
        /// Exit code.
        #[serde(rename = "exit-code")]
        exit_code: i32,
    },
}

/// A fault rule: the calls that it matches, and its verdict on them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rule {
    /// Operation; a `*` stands for anything.
    #[serde(default = "anything")]
    pub action: String,
    /// Parameter and value that the call must have; a `*` stands for anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<(String, String)>,
    /// Number of further calls that match; all, where nothing is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// Only each so many-th of the calls that match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u32>,
    /// Share of those calls, drawn from the world's seed by the rule's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
    /// Verdict on these calls.
    pub verdict: FaultVerdict,
}

/// The fault rules in force.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Faults {
    rules: Vec<(u64, Rule)>,
    last_id: u64,
    matched: BTreeMap<u64, u32>,
    /// The numbers of the rules that have applied to at least one call.
    #[serde(default)]
    applied: BTreeSet<u64>,
    answers: BTreeMap<String, VecDeque<(Timestamp, Value)>>,
}

/// Bounds while a rule needs stale answers: answers of each call, and calls.
const ANSWERS_MAX: usize = 64;
const CALLS_MAX: usize = 256;

fn anything() -> String {
    "*".to_owned()
}

impl Rule {
    /// A rule for every call.
    pub fn new(verdict: FaultVerdict) -> Self {
        Self { action: anything(), parameter: None, times: None, every: None, share: None, verdict }
    }

    /// A rule that refuses calls with this code of the cloud's.
    pub fn refuse(code: impl Into<String>) -> Self {
        Self::new(FaultVerdict::Refuse { code: code.into(), status: None, message: None })
    }

    /// A rule that delays answers.
    pub fn delay(by: Duration) -> Self {
        Self::new(FaultVerdict::DelayMs(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
    }

    /// Matches only this operation.
    #[must_use]
    pub fn on(self, action: impl Into<String>) -> Self {
        Self { action: action.into(), ..self }
    }

    /// Applies to each so many-th call only.
    #[must_use]
    pub fn every(self, every: u32) -> Self {
        Self { every: Some(every), ..self }
    }

    /// Applies to this share of the calls only.
    #[must_use]
    pub fn share(self, share: Share) -> Self {
        Self { share: Some(share), ..self }
    }

    /// Applies to the next so many calls only.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    fn matches(&self, call: &Call<'_>) -> bool {
        let fits = |(name, value): &(String, String)| {
            let same = |pair: &&(String, String)| pair.0 == *name && matches(value, &pair.1);
            call.pairs.iter().any(|pair| same(&pair))
        };
        self.times != Some(0)
            && matches(&self.action, call.action)
            && self.parameter.as_ref().is_none_or(fits)
    }
}

impl Faults {
    /// Adds a rule behind the others; returns the number by which it is removed.
    pub fn add(&mut self, rule: Rule) -> u64 {
        self.last_id += 1;
        self.rules.push((self.last_id, rule));
        self.last_id
    }

    /// Removes one rule; false when there is none of this number.
    pub fn remove(&mut self, number: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|(own, _)| *own != number);
        self.matched.remove(&number);
        self.applied.remove(&number);
        self.drop_unused_answers();
        self.rules.len() < before
    }

    /// Removes all rules.
    pub fn clear(&mut self) {
        self.rules.clear();
        self.matched.clear();
        self.applied.clear();
        self.drop_unused_answers();
    }

    /// The numbers of the rules that have not applied to any call yet.
    pub fn idle(&self) -> Vec<u64> {
        self.rules.iter().map(|(number, _)| *number).filter(|number| !self.applied.contains(number)).collect()
    }

    /// The rules with their numbers.
    pub fn rules(&self) -> &[(u64, Rule)] {
        &self.rules
    }

    /// The verdict on a call in a world of this seed.
    pub fn judge(&mut self, call: &Call<'_>, seed: Seed) -> FaultVerdict {
        let Some(index) = self.rules.iter().position(|(number, rule)| {
            rule.matches(call) && {
                let matched = self.matched.entry(*number).or_default();
                *matched = matched.wrapping_add(1);
                rule.every.is_none_or(|every| matched.is_multiple_of(every.max(1)))
                    && rule.share.is_none_or(|share| share.applies(seed, *number, *matched))
            }
        }) else {
            return FaultVerdict::Pass;
        };
        let (number, rule) = &mut self.rules[index];
        let verdict = rule.verdict.clone();
        // A stale rule applies once there is an older answer to give.
        if !matches!(verdict, FaultVerdict::StaleMs(_)) {
            self.applied.insert(*number);
        }
        if let Some(times) = &mut rule.times {
            *times -= 1;
            if *times == 0 {
                let (number, _) = self.rules.remove(index);
                self.matched.remove(&number);
                self.applied.remove(&number);
            }
        }
        verdict
    }

    /// True while a rule needs stale answers.
    pub fn needs_stale_answers(&self) -> bool {
        self.rules.iter().any(|(_, rule)| matches!(rule.verdict, FaultVerdict::StaleMs(_)))
    }

    /// Remembers the answer to a call.
    pub fn remember(&mut self, call: String, answer: Value, now: Timestamp) {
        if self.answers.len() >= CALLS_MAX && !self.answers.contains_key(&call) {
            return;
        }
        let answers = self.answers.entry(call).or_default();
        if answers.len() == ANSWERS_MAX {
            answers.pop_front();
        }
        answers.push_back((now, answer));
    }

    /// The latest answer to a call that is at least `by` old.
    pub fn stale(&mut self, call: &str, by: Duration, now: Timestamp) -> Option<Value> {
        let age = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        let answers = self.answers.get(call)?;
        let (_, answer) = answers.iter().rev().find(|(at, _)| at.duration_until(now) >= age)?;
        let stale = |rule: &Rule| matches!(rule.verdict, FaultVerdict::StaleMs(ms) if Duration::from_millis(ms) == by);
        self.applied.extend(self.rules.iter().filter(|(_, rule)| stale(rule)).map(|(number, _)| *number));
        Some(answer.clone())
    }

    /// Drops the remembered answers once no rule needs them.
    pub(crate) fn drop_unused_answers(&mut self) {
        if !self.needs_stale_answers() {
            self.answers.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_for_each_third_call_lets_two_pass() {
        let mut faults = Faults::default();
        faults.add(Rule::new(FaultVerdict::DropAfter).every(3));
        let call = Call { action: "DescribeRegions", pairs: &[] };
        let verdicts: Vec<_> =
            (0..6).map(|_| faults.judge(&call, Seed::DEFAULT) == FaultVerdict::DropAfter).collect();
        assert_eq!(verdicts, [false, false, true, false, false, true]);
    }

    #[test]
    fn a_rule_that_struck_no_call_is_idle() {
        let mut faults = Faults::default();
        let lost = faults.add(Rule::new(FaultVerdict::DropAfter).on("DeleteContainerGroup"));
        let stale = faults.add(Rule::new(FaultVerdict::StaleMs(5000)));
        let call = |action| Call { action, pairs: &[] };
        faults.judge(&call("DescribeRegions"), Seed::DEFAULT);
        assert_eq!(faults.idle(), [lost, stale], "no older answer was there to give");
        faults.judge(&call("DeleteContainerGroup"), Seed::DEFAULT);
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        faults.remember("call".into(), 1.into(), at("2026-01-01T00:00:00Z"));
        assert_eq!(faults.idle(), [stale]);
        faults.stale("call", Duration::from_secs(5), at("2026-01-01T00:00:10Z")).unwrap();
        assert!(faults.idle().is_empty());
    }

    #[test]
    fn a_rule_for_a_share_goes_on_where_it_was_when_it_is_written_down() {
        let rule = Rule::new(FaultVerdict::DropAfter).share("30%".parse().unwrap());
        let call = Call { action: "DescribeRegions", pairs: &[] };
        let mut whole = Faults::default();
        whole.add(rule);
        let strike = |faults: &mut Faults, calls: usize| {
            let applied = |_| faults.judge(&call, Seed::DEFAULT) == FaultVerdict::DropAfter;
            (0..calls).map(applied).collect::<Vec<_>>()
        };
        let mut parted = whole.clone();
        let mut verdicts = strike(&mut parted, 70);
        let text = serde_json::to_string(&parted).unwrap();
        verdicts.extend(strike(&mut serde_json::from_str(&text).unwrap(), 130));
        assert_eq!(verdicts, strike(&mut whole, 200));
        assert!((30..=90).contains(&verdicts.iter().filter(|applied| **applied).count()));
    }

    #[test]
    fn a_stale_answer_is_the_latest_that_is_old_enough() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut faults = Faults::default();
        faults.add(Rule::new(FaultVerdict::StaleMs(5000)));
        for (second, answer) in [("00", 1), ("04", 2), ("09", 3)] {
            faults.remember("call".into(), answer.into(), at(&format!("2026-01-01T00:00:{second}Z")));
        }
        let now = at("2026-01-01T00:00:10Z");
        assert_eq!(faults.stale("call", Duration::from_secs(5), now), Some(2.into()));
        assert_eq!(faults.stale("call", Duration::from_secs(11), now), None);
        faults.clear();
        assert_eq!(
            faults.stale("call", Duration::ZERO, now),
            None,
            "a rule that is lifted remembers nothing"
        );
    }

    #[test]
    fn a_rule_ends_after_its_number_of_calls_and_the_next_one_speaks() {
        let mut faults = Faults::default();
        faults.add(Rule::refuse("Throttling").on("Create*").times(2));
        faults.add(Rule::new(FaultVerdict::DropAfter));
        let mut judge = |action| faults.judge(&Call { action, pairs: &[] }, Seed::DEFAULT);
        assert_eq!(judge("DescribeRegions"), FaultVerdict::DropAfter);
        assert!(matches!(judge("CreateContainerGroup"), FaultVerdict::Refuse { .. }));
        assert!(matches!(judge("CreateContainerGroup"), FaultVerdict::Refuse { .. }));
        assert_eq!(judge("CreateContainerGroup"), FaultVerdict::DropAfter);
    }
}
