//! Capabilities of clusters: the words of `needs` in a case file.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

/// A capability that some clusters have and others have not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// The real kubectl is installed, and the cluster is reached over HTTPS.
    Kubectl,
    /// Time is stepped, so that an hour costs nothing.
    SteppedTime,
    /// The cloud is the simulator, whose calls can be made to fail.
    Faults,
    /// The cloud tells what everything cost.
    Bill,
    /// The cluster runs the controllers of Deployments, Jobs and their like.
    WorkloadControllers,
    /// The virtual node is the only node, so that what it does not take runs nowhere.
    LoneNode,
    /// The case may start the provider with other settings.
    ProviderSettings,
    /// The API server passes requests on to the node's own API, which it does not where the node is on loopback.
    NodeProxy,
}

impl Capability {
    /// The word for it in a case file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kubectl => "kubectl",
            Self::SteppedTime => "stepped-time",
            Self::Faults => "faults",
            Self::Bill => "bill",
            Self::WorkloadControllers => "workload-controllers",
            Self::LoneNode => "lone-node",
            Self::ProviderSettings => "provider-settings",
            Self::NodeProxy => "node-proxy",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
