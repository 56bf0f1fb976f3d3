//! Faults and scripts of a case, each of which must meet something: a case whose fault hit nothing shows nothing.

use crate::outcome::Miss;

/// The faults and scripts of the steps so far, in their order.
#[derive(Debug, Default)]
pub(crate) struct Demands {
    step: usize,
    requirements: Vec<Requirement>,
}

#[derive(Debug)]
struct Requirement {
    by: By,
    step: usize,
    words: String,
}

#[derive(Debug, PartialEq, Eq)]
enum By {
    /// A fault, by its number.
    Fault(u64),
    /// A script, by its pattern.
    Script(String),
}

/// A fault or a script that met nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Idle {
    /// The index of the step that laid it.
    pub step: usize,
    /// True for a fault, false for a script.
    pub is_fault: bool,
    words: String,
}

impl Demands {
    /// From now on the step of this index is played.
    pub(crate) fn begin(&mut self, step: usize) {
        self.step = step;
    }

    /// The step laid the fault of this number; `words` are the step's.
    pub(crate) fn fault(&mut self, number: u64, words: String) {
        self.requirements.push(Requirement { by: By::Fault(number), step: self.step, words });
    }

    /// The step gave a script for what fits `pattern`.
    pub(crate) fn script(&mut self, pattern: String, words: String) {
        self.requirements.push(Requirement { by: By::Script(pattern), step: self.step, words });
    }

    /// The case's own faults and scripts among those that the cloud calls idle; of a pattern, the latest.
    pub(super) fn idle(&self, faults: &[u64], scripts: &[String]) -> Vec<Idle> {
        let mut idle: Vec<_> = faults.iter().filter_map(|number| self.latest(&By::Fault(*number))).collect();
        idle.extend(scripts.iter().filter_map(|pattern| self.latest(&By::Script(pattern.clone()))));
        idle.sort_by_key(|idle| idle.step);
        idle
    }

    fn latest(&self, by: &By) -> Option<Idle> {
        let latest = self.requirements.iter().rev().find(|requirement| requirement.by == *by)?;
        let is_fault = matches!(by, By::Fault(_));
        Some(Idle { step: latest.step, is_fault, words: latest.words.clone() })
    }
}

impl From<Idle> for Miss {
    fn from(Idle { is_fault, words, .. }: Idle) -> Self {
        Self::Refused(match is_fault {
            true => format!(
                "`{words}` hit no call, so what follows shows nothing; does the call take place, with this parameter?"
            ),
            false => format!(
                "`{words}` fitted no container and no group, so what follows shows nothing; is it the image's name?"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_case_itself_laid_and_what_met_nothing_is_idle() {
        let mut demands = Demands::default();
        demands.fault(1, "lose answers".into());
        demands.begin(3);
        demands.script("batch".into(), "script batch".into());
        demands.fault(2, "refuse".into());
        let steps = |faults: &[u64], scripts: &[&str]| {
            let scripts: Vec<_> = scripts.iter().map(ToString::to_string).collect();
            demands
                .idle(faults, &scripts)
                .into_iter()
                .map(|idle| (idle.step, idle.is_fault))
                .collect::<Vec<_>>()
        };
        assert_eq!(steps(&[], &[]), []);
        assert_eq!(steps(&[2, 9], &["other"]), [(3, true)]);
        assert_eq!(steps(&[1], &["batch"]), [(0, true), (3, false)]);
    }
}
