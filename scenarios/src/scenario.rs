//! A scenario as data: one claim, where it comes from, what it needs, and steps that each know their line.

pub mod capability;
pub mod error;
pub mod mistake;
pub mod names;
mod presence;
mod read_error;
mod reading;
pub mod reference;
pub mod span;
pub mod version;
pub(crate) mod yaml;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

pub use self::capability::Capability;
use self::mistake::{Mistake, Source};
use self::yaml::Node;
use crate::steps::Step;

/// One case file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scenario {
    /// The claim, as one sentence.
    #[serde(rename = "scenario")]
    pub claim: String,
    /// The version of the form of case files in which this is written; the current one where nothing is said.
    #[serde(default = "current_version")]
    pub version: u32,
    /// The source of the claim.
    pub cites: String,
    /// The capabilities that the cluster must have; where it lacks one, the case is passed over by name.
    #[serde(default)]
    pub needs: Vec<Capability>,
    /// The actions and expectations, in order.
    pub steps: Vec<Step>,
    /// The line on which each step begins.
    #[serde(skip)]
    pub lines: Vec<usize>,
}

const fn current_version() -> u32 {
    version::CURRENT
}

impl Scenario {
    /// Reads the case in `text`; `name` is how the file is shown to people.
    ///
    /// # Errors
    /// A [`Mistake`] with its place, when the text is no case.
    pub fn read(name: &str, text: &str) -> Result<Self, Mistake> {
        let source = Source { name, text };
        let tree = Node::read(&source)?;
        version::check(&source, &tree)?;
        let mut scenario: Self = reading::read(&source, &tree)?;
        let steps = tree.get("steps").map(Node::items).unwrap_or_default();
        scenario.lines = steps.iter().map(|step| step.at.line).collect();
        for (field, value) in [("scenario", &scenario.claim), ("cites", &scenario.cites)] {
            if value.trim().is_empty() {
                let at = tree.get(field).map_or(mistake::Position::START, |node| node.at);
                return Err(source.mistake(at, format!("`{field}` is empty; it should be one sentence")));
            }
        }
        if steps.is_empty() {
            let at = tree.get("steps").map_or(mistake::Position::START, |node| node.at);
            return Err(source.mistake(at, "a case without steps shows nothing; add at least one".to_owned()));
        }
        for (step, node) in scenario.steps.iter().zip(steps) {
            step.check().map_err(|error| source.mistake(node.verb(), error.to_string()))?;
        }
        presence::check(&scenario.steps).map_err(|(index, error)| {
            let at = steps.get(index).map_or(mistake::Position::START, Node::verb);
            source.mistake(at, error.to_string())
        })?;
        Ok(scenario)
    }

    /// The namespaces that its steps make.
    pub fn namespaces(&self) -> BTreeSet<String> {
        self.steps.iter().filter_map(Step::namespace_made).map(str::to_owned).collect()
    }

    /// The same, with what names no namespace in `home`.
    #[must_use]
    pub fn at_home_in(mut self, home: &str) -> Self {
        for pod in self.steps.iter_mut().flat_map(Step::pods) {
            if pod.namespace == names::HOME {
                home.clone_into(&mut pod.namespace);
            }
        }
        self
    }

    /// The line of the step at `index`, counted from 1.
    pub fn line(&self, index: usize) -> usize {
        self.lines.get(index).copied().unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
scenario: what is made is taken away
cites: ours
steps:
  - create-namespace: vk
  - kubectl: create ns more
  - apply: { apiVersion: v1, kind: Namespace, metadata: { name: third } }
  - run: { pod: vk/nginx, image: nginx }
  - run: { pod: alone, image: nginx }
  - delete: { pod: alone }
  - advance: { pod: alone, billed: 1h }
  - expect-bill: { pod: alone, lines: [{ pod: alone }], total: 0 }
";

    #[test]
    fn the_namespaces_of_a_case_are_known_before_it_is_played() {
        let scenario = Scenario::read("x.yaml", TEXT).unwrap();
        let names: Vec<_> = scenario.namespaces().into_iter().collect();
        assert_eq!(names, ["more", "third", "vk"]);
    }

    #[test]
    fn what_names_no_namespace_can_be_at_home_elsewhere() {
        let scenario = Scenario::read("x.yaml", TEXT).unwrap().at_home_in("home");
        let steps: Vec<_> = scenario.steps.iter().map(ToString::to_string).collect();
        assert!(steps[3].contains("vk/nginx"), "{steps:?}");
        assert!(steps[4..].iter().all(|step| step.contains("home/alone")), "{steps:?}");
    }
}
