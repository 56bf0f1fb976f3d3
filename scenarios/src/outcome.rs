//! The outcome of a case: verdict, the facts wanted and seen, real and simulated time, and cost.

use std::fmt;
use std::time::Duration;

use eci_sim::billing::NamedBill;
use eci_sim::{Cost, Currency};

use crate::scenario::capability::Capability;
use crate::scenario::error::CaseError;
use crate::story::Story;

/// One line of what was wanted or seen: a name and what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The place in the object, or the figure: `status.phase`, `total`.
    pub name: String,
    /// The value, as one would say it.
    pub value: String,
}

/// The output of a program that a step ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramOutput {
    /// The step, as one would say it.
    pub step: String,
    /// True when the program ended with success.
    pub succeeded: bool,
    /// The program's standard output, then its standard error.
    pub text: String,
}

/// The reason for which a step did not come out as the case says; its message is [`Self::in_short`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// Something else was seen than was wanted.
    Unmet {
        /// The facts that the case names.
        wanted: Vec<Fact>,
        /// The facts that there were instead, in the same order.
        seen: Vec<Fact>,
        /// The cluster's or the cloud's own word for it.
        because: Option<String>,
    },
    /// The step could not be carried out.
    Refused(String),
}

/// The end of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseVerdict {
    /// Every step came out as the case says.
    Passed,
    /// The step at `step` did not.
    Failed(Box<Failure>),
    /// The case needs a capability that this kind of cluster lacks.
    Lacking(Capability),
}

/// The step at which a case failed, and everything that explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The line of the step.
    pub line: usize,
    /// The step, as one would say it.
    pub step: String,
    /// The difference, or the refusal.
    pub miss: Miss,
    /// The shortest thread of events, calls and money that explains it.
    pub story: Story,
}

/// The outcome of one case.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The case's path below the folder of cases, without its ending: `scheduling/by-node-name`.
    pub case: String,
    /// The file, as a person would type it.
    pub file: String,
    /// The claim, as one sentence.
    pub claim: String,
    /// The claim's source.
    pub cites: String,
    /// Passed, failed, or not playable here.
    pub verdict: CaseVerdict,
    /// The failure of the try before, where the case was played again.
    pub earlier: Option<Box<Failure>>,
    /// What the local ECI assumed of containers whose commands it does not play, a line each.
    pub assumed: Vec<String>,
    /// The real time that the case took.
    pub took: Duration,
    /// The time that passed in the case's world.
    pub simulated: Duration,
    /// The currency of the charge.
    pub currency: Currency,
    /// The cloud's charge.
    pub cost: Cost,
    /// The bill at the case's end; `None` where the cloud did not tell.
    pub bill: Option<NamedBill>,
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

    /// Adds a sentence of advice behind whatever was said.
    #[must_use]
    pub(crate) fn adding(self, advice: &str) -> Self {
        match self {
            Self::Refused(text) => Self::Refused(format!("{text}; {advice}")),
            Self::Unmet { wanted, seen, because } => {
                let because = because.map_or_else(|| advice.to_owned(), |word| format!("{word}; {advice}"));
                Self::Unmet { wanted, seen, because: Some(because) }
            }
        }
    }
}

impl Outcome {
    /// The failure that did not come again; of a case that failed each time, nothing.
    pub fn flake(&self) -> Option<&Failure> {
        self.earlier.as_deref().filter(|_| self.verdict == CaseVerdict::Passed)
    }

    /// True when the case failed.
    pub fn failed(&self) -> bool {
        matches!(self.verdict, CaseVerdict::Failed(_))
    }

    /// True when the case passed with containers whose commands were not played.
    pub fn passed_on_assumptions(&self) -> bool {
        self.verdict == CaseVerdict::Passed && !self.assumed.is_empty()
    }

    /// The outcome where nothing may be assumed: a case that passed on assumptions fails by them.
    #[must_use]
    pub fn strictly(self) -> Self {
        if !self.passed_on_assumptions() {
            return self;
        }
        let assumed = self.assumed.iter();
        let seen = assumed.map(|line| Fact::new("assumed", line.clone())).collect::<Vec<_>>();
        let wanted = seen.iter().map(|_| Fact::new("assumed", "nothing, as --strict says")).collect();
        let miss = Miss::Unmet { wanted, seen, because: None };
        let (step, story) = ("--strict".to_owned(), Story::default());
        let verdict = CaseVerdict::Failed(Box::new(Failure { line: 1, step, miss, story }));
        Self { verdict, ..self }
    }
}

impl Miss {
    /// The miss as one line.
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

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_short())
    }
}

impl std::error::Error for Miss {}

impl From<CaseError> for Miss {
    fn from(error: CaseError) -> Self {
        Self::Refused(error.to_string())
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
