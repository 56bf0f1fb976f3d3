//! What came of a case: each step's verdict, what was wanted and seen, how long it took, and what it cost.

use std::time::Duration;

use rust_decimal::Decimal;

use crate::scenario::Capability;
use crate::story::Story;

/// One line of what was wanted or seen: a name and what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Where in the object, or which figure: `status.phase`, `total`.
    pub name: String,
    /// What it was.
    pub value: String,
}

/// Something that a program of a step printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The step, as one would say it.
    pub step: String,
    /// Whether the program ended well.
    pub well: bool,
    /// What it printed.
    pub text: String,
}

/// Why a step did not come out as the case says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// Something else was seen than was wanted.
    Unmet {
        /// What the case says.
        wanted: Vec<Fact>,
        /// What there was instead, in the same order.
        seen: Vec<Fact>,
        /// The cluster's or the cloud's own word for it.
        because: Option<String>,
    },
    /// The step could not be carried out.
    Refused(String),
}

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every step came out as the case says.
    Passed,
    /// The step at `step` did not.
    Failed(Box<Failure>),
    /// This kind of cluster lacks what the case needs.
    Lacking(Capability),
}

/// Where a case failed, and everything that explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The line of the step.
    pub line: usize,
    /// The step, as one would say it.
    pub step: String,
    /// What was wrong.
    pub miss: Miss,
    /// The shortest thread of events, calls and money that explains it.
    pub story: Story,
}

/// What came of one case.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The case's path below the folder of cases, without its ending: `scheduling/by-node-name`.
    pub case: String,
    /// The file, as a person would type it.
    pub file: String,
    /// What was claimed.
    pub claim: String,
    /// Where the claim comes from.
    pub cites: String,
    /// How it ended.
    pub verdict: Verdict,
    /// How long it really took.
    pub took: Duration,
    /// How much time passed in the case's world.
    pub simulated: Duration,
    /// What the cloud charged, in yuan.
    pub cost: Decimal,
}

impl Fact {
    /// `name` was `value`.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

impl Miss {
    /// One thing was wanted and another seen.
    pub fn one(name: &str, wanted: impl Into<String>, seen: impl Into<String>) -> Self {
        Self::Unmet {
            wanted: vec![Fact::new(name, wanted)],
            seen: vec![Fact::new(name, seen)],
            because: None,
        }
    }

    /// Adds the cluster's own word, unless there is one already or it says nothing.
    #[must_use]
    pub fn because(mut self, word: Option<String>) -> Self {
        if let Self::Unmet { because, .. } = &mut self
            && because.is_none()
        {
            *because = word.filter(|word| !word.trim().is_empty());
        }
        self
    }
}

impl Outcome {
    /// Whether the case failed.
    pub fn failed(&self) -> bool {
        matches!(self.verdict, Verdict::Failed(_))
    }
}

impl Miss {
    /// What was wrong, as one line.
    pub fn in_short(&self) -> String {
        match self {
            Self::Refused(text) => text.clone(),
            Self::Unmet { wanted, seen, .. } => {
                let pairs = wanted.iter().zip(seen);
                let lines =
                    pairs.map(|(want, have)| format!("{}: {}, not {}", want.name, have.value, want.value));
                lines.collect::<Vec<_>>().join("; ")
            }
        }
    }
}

impl From<kube::Error> for Miss {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::Refused(status.message.clone()),
            other => Self::Refused(provider::with_causes(&other)),
        }
    }
}
