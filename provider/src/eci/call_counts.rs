//! Numbers of answers to calls, by action and code.

use std::collections::BTreeMap;

use super::error::EciError;

/// The most pairs of action and code that are told apart; the rest counts as [`OTHER`].
const PAIRS_MAX: usize = 500;
/// The most characters of a code.
const CODE_MAX: usize = 80;
/// The code of what is not told apart.
const OTHER: &str = "Other";

/// Answers so far, by action and code: `OK`, a refusal's code, `Unreachable`, or `Unreadable`.
#[derive(Debug, Clone, Default)]
pub struct CallCounts(BTreeMap<(&'static str, String), u64>);

impl CallCounts {
    /// Counts the outcome of one call of `action`.
    pub(super) fn add<T>(&mut self, action: &'static str, outcome: &Result<T, EciError>) {
        let code = match outcome {
            Ok(_) => "OK",
            Err(EciError::Refused { code, .. }) => known(code),
            Err(EciError::Unreachable { .. }) => "Unreachable",
            Err(EciError::Garbled { .. }) => "Unreadable",
        };
        let mut key = (action, code.to_owned());
        if self.0.len() >= PAIRS_MAX && !self.0.contains_key(&key) {
            key.1 = OTHER.to_owned();
        }
        *self.0.entry(key).or_default() += 1;
    }

    /// Action, code and number of each pair.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str, u64)> {
        self.0.iter().map(|((action, code), count)| (*action, code.as_str(), *count))
    }
}

/// A code as the cloud writes them; anything else may be a sentence that differs each time.
fn known(code: &str) -> &str {
    let is_code =
        code.len() <= CODE_MAX && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    if is_code { code } else { OTHER }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_action_and_code_within_bounds() {
        let mut counts = CallCounts::default();
        let refused = |code: &str| Err::<(), _>(EciError::refused("Act", code, 400));
        counts.add("Act", &Ok(()));
        counts.add("Act", &Ok(()));
        counts.add("Act", &refused("Throttling.User"));
        counts.add("Act", &refused("the request of 12:00 failed"));
        counts.add("Act", &Err::<(), _>(EciError::unreachable("Act", "nobody".to_owned())));
        let all: Vec<_> = counts.iter().collect();
        let wanted = [("OK", 2), ("Other", 1), ("Throttling.User", 1), ("Unreachable", 1)];
        assert_eq!(all, wanted.map(|(code, count)| ("Act", code, count)));
        (0..2 * PAIRS_MAX).for_each(|n| counts.add("Act", &refused(&format!("Code{n}"))));
        assert_eq!(counts.iter().count(), PAIRS_MAX);
    }
}
