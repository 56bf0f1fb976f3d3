//! Checks before an installation: each thing that the provider needs of the cloud and of the cluster is tried with the settings
//! as they are, nothing is made, and each failure comes with its remedy.

mod cloud;
mod rights;

use std::fmt;

use kube::Client;

use crate::config::Config;
use crate::eci::Eci;
use crate::pods::identity::Owner;

/// Tries of one node's settings.
pub struct Preflight<'a> {
    /// The cluster.
    pub client: Client,
    /// The cloud.
    pub eci: Eci,
    /// The settings.
    pub config: &'a Config,
}

/// Outcome of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The thing that was tried, as `vSwitch vsw-1`.
    pub of: String,
    /// Its outcome.
    pub outcome: Outcome,
}

/// What became of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is as it should be, in these words.
    Good(String),
    /// It is not, for this reason, and this mends it.
    Bad {
        /// The answer of the cloud or the cluster.
        why: String,
        /// What the operator can do.
        remedy: String,
    },
    /// It could not be tried, for this reason.
    Untried(String),
}

/// All findings, in the order in which they were tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings(pub Vec<Finding>);

/// The error of an installation that will not work.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0} of the things above must be mended first")]
pub struct NotReady(pub usize);

impl Preflight<'_> {
    /// Tries everything. Never an error by itself: what does not answer is a finding.
    pub async fn run(&self) -> Findings {
        let mut findings = cloud::findings(&self.eci, self.config).await;
        findings.extend(rights::findings(&self.client, self.config).await);
        Findings(findings)
    }
}

impl Finding {
    fn good(of: impl Into<String>, said: impl Into<String>) -> Self {
        Self { of: of.into(), outcome: Outcome::Good(said.into()) }
    }

    fn bad(of: impl Into<String>, why: impl fmt::Display, remedy: impl Into<String>) -> Self {
        Self { of: of.into(), outcome: Outcome::Bad { why: why.to_string(), remedy: remedy.into() } }
    }

    fn untried(of: impl Into<String>, why: impl Into<String>) -> Self {
        Self { of: of.into(), outcome: Outcome::Untried(why.into()) }
    }
}

impl Findings {
    /// # Errors
    /// [`NotReady`] when something is not as it should be.
    pub fn verdict(&self) -> Result<(), NotReady> {
        let bad = self.0.iter().filter(|one| matches!(one.outcome, Outcome::Bad { .. })).count();
        if bad == 0 { Ok(()) } else { Err(NotReady(bad)) }
    }
}

impl fmt::Display for Findings {
    /// A line a finding, and a second one for a remedy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Finding { of, outcome } in &self.0 {
            match outcome {
                Outcome::Good(said) => writeln!(f, "✓ {of}: {said}")?,
                Outcome::Bad { why, remedy } => writeln!(f, "✗ {of}: {why}\n    {remedy}")?,
                Outcome::Untried(why) => writeln!(f, "- {of}: not tried, {why}")?,
            }
        }
        Ok(())
    }
}

/// The owner of groups as far as it is known without the cluster: enough to ask the cloud for a list.
fn provisional_owner(config: &Config) -> Owner {
    let cluster = config.cluster_id.clone().unwrap_or_else(|| "preflight".to_owned());
    Owner { cluster, cluster_uid: None, node: config.node_name.clone() }
}
