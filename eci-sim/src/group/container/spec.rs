//! Specification of a container, as the request gives it.

use std::sync::Arc;

use eci_api::actions::describe_container_groups::{Probe, VolumeMount};
use eci_api::size::{Mebibytes, MilliVcpu};
use serde::{Deserialize, Serialize};

use super::hook::Hook;

/// Specification of a container, as the request gives it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// Name, unique in the group.
    pub name: Arc<str>,
    /// Image reference, as it was asked for.
    pub image: Box<str>,
    /// Command that replaces the image's entry point; empty for the image's own.
    pub command: Box<[Box<str>]>,
    /// Arguments of the command; empty for the image's own.
    pub arguments: Box<[Box<str>]>,
    /// vCPU; zero where nothing was asked.
    pub vcpu: MilliVcpu,
    /// Memory; zero where nothing was asked.
    pub memory: Mebibytes,
    /// Number of GPUs; zero where nothing was asked.
    pub gpus: i32,
    /// Environment, in the order of the request.
    pub environment: Box<[Variable]>,
    /// Ports, in the order of the request.
    pub ports: Box<[Port]>,
    /// Mounts of the group's volumes.
    pub mounts: Box<[VolumeMount]>,
    /// Pull policy of the image.
    pub pull_policy: PullPolicy,
    /// Options that few containers set; `None` where all have their defaults.
    pub optional: Option<Box<OptionalSpec>>,
}

/// Options that few containers set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OptionalSpec {
    /// Liveness probe; a container that fails it is killed.
    pub liveness: Option<Probe>,
    /// Readiness probe; a container that fails it is not ready.
    pub readiness: Option<Probe>,
    /// Security context: user, capabilities, a read-only root file system.
    pub security: Option<eci_api::actions::describe_container_groups::SecurityContext>,
    /// True if describe leaves the environment out.
    pub hides_environment: bool,
    /// Working directory; empty for the image's own.
    pub working_dir: Box<str>,
    /// True if the standard input stays open.
    pub stdin: bool,
    /// True if the standard input closes after the first session.
    pub stdin_once: bool,
    /// True if the container has a terminal.
    pub tty: bool,
    /// True if a bad end's message holds the last lines of the log.
    pub tells_last_words: bool,
    /// Hook that runs right after the start.
    pub start_hook: Option<Box<Hook>>,
    /// Hook that runs before the stop.
    pub stop_hook: Option<Box<Hook>>,
}

/// Port, 1 to 65535, and protocol.
pub type Port = (i32, Box<str>);

/// A variable of a container's environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Name of the variable.
    pub key: Box<str>,
    /// Value; not used where `field` gives one.
    pub value: Box<str>,
    /// Field of the group whose value is taken; only `status.podIP` exists.
    pub field: Option<Box<str>>,
}

/// Rule for pulling an image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PullPolicy {
    /// Nothing was asked for; IfNotPresent is meant.
    #[default]
    Unsaid,
    /// Pull even an image that is present.
    Always,
    /// Pull when the image is not present.
    IfNotPresent,
    /// No pull; a container whose image is not present fails to start.
    Never,
}

impl Spec {
    /// Working directory; empty for the image's own.
    pub fn working_dir(&self) -> &str {
        self.optional.as_ref().map_or("", |optional| &optional.working_dir)
    }

    /// True if the environment has `key` with this value, in any case of its letters.
    pub fn says(&self, key: &str, value: &str) -> bool {
        self.environment.iter().any(|v| &*v.key == key && v.value.eq_ignore_ascii_case(value))
    }
}

impl PullPolicy {
    /// The policy of this name; `Unsaid` for the empty one.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "" => Some(Self::Unsaid),
            "Always" => Some(Self::Always),
            "IfNotPresent" => Some(Self::IfNotPresent),
            "Never" => Some(Self::Never),
            _ => None,
        }
    }

    /// Name of the policy in replies; `Unsaid` is written as IfNotPresent.
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::Unsaid | Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}
