//! Faults are rules with verdicts: asked in the order in which they were laid, the first that does not pass decides.

pub mod share;
pub mod told;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use determinism::Seed;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::world::World;
use share::Share;

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
    /// It is carried out, and its answer ends after so many bytes.
    Truncate(usize),
    /// A call that reads gets the answer that the same call got so many milliseconds ago or earlier; where none did, the
    /// present one. Answers are remembered from when the rule is laid.
    StaleMs(u64),
    /// A zone, or a size in a zone, is out of stock from now on; then the call is carried out.
    SoldOut(String),
    /// The group that the call names, or else the newest, is a spot instance that is taken back in so many minutes.
    Reclaim(u8),
    /// A container of the group that the call names, or else of the newest, ends badly; then the call is carried out.
    Crash {
        /// Which.
        container: String,
        /// With what.
        #[serde(rename = "exit-code")]
        exit_code: i32,
    },
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
    /// Of these only each so many-th.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u32>,
    /// Of those only this share, drawn from the world's seed by the rule's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Share>,
    /// What becomes of them.
    pub verdict: Verdict,
}

/// All rules that are laid.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Faults {
    rules: Vec<(u64, Rule)>,
    laid: u64,
    heard: BTreeMap<u64, u32>,
    /// The numbers of the laid rules that struck at least one call.
    #[serde(default)]
    struck: BTreeSet<u64>,
    answers: BTreeMap<String, VecDeque<(Timestamp, Value)>>,
}

/// How many answers are remembered of each call, and of how many calls, while a rule wants stale ones.
const ANSWERS_MAX: usize = 64;
const CALLS_MAX: usize = 256;

fn anything() -> String {
    "*".to_owned()
}

impl Rule {
    /// For every call.
    pub fn new(verdict: Verdict) -> Self {
        Self { action: anything(), parameter: None, times: None, every: None, share: None, verdict }
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

    /// Only each so many-th call.
    #[must_use]
    pub fn every(self, every: u32) -> Self {
        Self { every: Some(every), ..self }
    }

    /// Only this share of the calls.
    #[must_use]
    pub fn share(self, share: Share) -> Self {
        Self { share: Some(share), ..self }
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
        self.laid += 1;
        self.rules.push((self.laid, rule));
        self.laid
    }

    /// Lifts one rule; false when there is none of this number.
    pub fn lift(&mut self, number: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|(own, _)| *own != number);
        self.heard.remove(&number);
        self.struck.remove(&number);
        self.forget_answers();
        self.rules.len() < before
    }

    /// Lifts all.
    pub fn clear(&mut self) {
        self.rules.clear();
        self.heard.clear();
        self.struck.clear();
        self.forget_answers();
    }

    /// The numbers of the laid rules that have struck no call yet.
    pub fn idle(&self) -> Vec<u64> {
        self.rules.iter().map(|(number, _)| *number).filter(|number| !self.struck.contains(number)).collect()
    }

    /// The rules with their numbers.
    pub fn rules(&self) -> &[(u64, Rule)] {
        &self.rules
    }

    /// What becomes of a call in a world of this seed.
    pub fn judge(&mut self, call: &Call<'_>, seed: Seed) -> Verdict {
        let Some(index) = self.rules.iter().position(|(number, rule)| {
            rule.concerns(call) && {
                let heard = self.heard.entry(*number).or_default();
                *heard = heard.wrapping_add(1);
                rule.every.is_none_or(|every| heard.is_multiple_of(every.max(1)))
                    && rule.share.is_none_or(|share| share.strikes(seed, *number, *heard))
            }
        }) else {
            return Verdict::Pass;
        };
        let (number, rule) = &mut self.rules[index];
        let verdict = rule.verdict.clone();
        // A stale rule strikes once there is an older answer to give.
        if !matches!(verdict, Verdict::StaleMs(_)) {
            self.struck.insert(*number);
        }
        if let Some(times) = &mut rule.times {
            *times -= 1;
            if *times == 0 {
                let (number, _) = self.rules.remove(index);
                self.heard.remove(&number);
                self.struck.remove(&number);
            }
        }
        verdict
    }

    /// Whether a rule wants stale answers.
    pub fn remembers(&self) -> bool {
        self.rules.iter().any(|(_, rule)| matches!(rule.verdict, Verdict::StaleMs(_)))
    }

    /// Remembers what a call was answered.
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

    /// What a call was answered so long ago or earlier.
    pub fn stale(&mut self, call: &str, by: Duration, now: Timestamp) -> Option<Value> {
        let age = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        let answers = self.answers.get(call)?;
        let (_, answer) = answers.iter().rev().find(|(at, _)| at.duration_until(now) >= age)?;
        let stale =
            |rule: &Rule| matches!(rule.verdict, Verdict::StaleMs(ms) if Duration::from_millis(ms) == by);
        self.struck.extend(self.rules.iter().filter(|(_, rule)| stale(rule)).map(|(number, _)| *number));
        Some(answer.clone())
    }

    /// Remembers no longer than a rule wants it.
    pub(crate) fn forget_answers(&mut self) {
        if !self.remembers() {
            self.answers.clear();
        }
    }
}

impl Verdict {
    /// What happens to the world before the call is carried out.
    pub fn befall(&self, world: &mut World, group: Option<&str>) {
        match self {
            Self::SoldOut(what) => drop(world.sold_out.insert(what.clone())),
            Self::Reclaim(minutes) => {
                if let Some(number) = meant(world, group) {
                    world.announce_reclaim(number, *minutes);
                }
            }
            Self::Crash { container, exit_code } => {
                if let Some(number) = meant(world, group) {
                    world.crash(number, container, *exit_code);
                }
            }
            _ => {}
        }
    }
}

/// The number of the group of this id or name, or in this list of ids; where none is meant, the newest.
fn meant(world: &World, group: Option<&str>) -> Option<u64> {
    let named = group.and_then(|text| {
        let fits = |group: &&crate::group::Group| text.contains(group.id()) || *group.card.name == *text;
        world.groups().rev().find(fits)
    });
    named.or_else(|| world.groups().next_back()).map(|group| group.card.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_for_each_third_call_lets_two_pass() {
        let mut faults = Faults::default();
        faults.lay(Rule::new(Verdict::DropAfter).every(3));
        let call = Call { action: "DescribeRegions", pairs: &[] };
        let verdicts: Vec<_> =
            (0..6).map(|_| faults.judge(&call, Seed::DEFAULT) == Verdict::DropAfter).collect();
        assert_eq!(verdicts, [false, false, true, false, false, true]);
    }

    #[test]
    fn a_rule_that_struck_no_call_is_idle() {
        let mut faults = Faults::default();
        let lost = faults.lay(Rule::new(Verdict::DropAfter).on("DeleteContainerGroup"));
        let stale = faults.lay(Rule::new(Verdict::StaleMs(5000)));
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
        let rule = Rule::new(Verdict::DropAfter).share("30%".parse().unwrap());
        let call = Call { action: "DescribeRegions", pairs: &[] };
        let mut whole = Faults::default();
        whole.lay(rule);
        let strike = |faults: &mut Faults, calls: usize| {
            let struck = |_| faults.judge(&call, Seed::DEFAULT) == Verdict::DropAfter;
            (0..calls).map(struck).collect::<Vec<_>>()
        };
        let mut parted = whole.clone();
        let mut verdicts = strike(&mut parted, 70);
        let text = serde_json::to_string(&parted).unwrap();
        verdicts.extend(strike(&mut serde_json::from_str(&text).unwrap(), 130));
        assert_eq!(verdicts, strike(&mut whole, 200));
        assert!((30..=90).contains(&verdicts.iter().filter(|struck| **struck).count()));
    }

    #[test]
    fn a_stale_answer_is_the_latest_that_is_old_enough() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut faults = Faults::default();
        faults.lay(Rule::new(Verdict::StaleMs(5000)));
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
        faults.lay(Rule::refuse("Throttling").on("Create*").times(2));
        faults.lay(Rule::new(Verdict::DropAfter));
        let mut judge = |action| faults.judge(&Call { action, pairs: &[] }, Seed::DEFAULT);
        assert_eq!(judge("DescribeRegions"), Verdict::DropAfter);
        assert!(matches!(judge("CreateContainerGroup"), Verdict::Refuse { .. }));
        assert!(matches!(judge("CreateContainerGroup"), Verdict::Refuse { .. }));
        assert_eq!(judge("CreateContainerGroup"), Verdict::DropAfter);
    }
}
