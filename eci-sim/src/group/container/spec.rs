//! What a container was asked to be.

use std::sync::Arc;

use eci_api::actions::describe_container_groups::{Probe, VolumeMount};
use eci_api::size::{Mebibytes, MilliVcpu};
use serde::{Deserialize, Serialize};

use super::hook::Hook;

/// What a container was asked to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// Its name, unique in the group.
    pub name: Arc<str>,
    /// Its image.
    pub image: Box<str>,
    /// Its command.
    pub command: Box<[Box<str>]>,
    /// Its arguments.
    pub arguments: Box<[Box<str>]>,
    /// Its vCPU; zero where nothing was asked.
    pub vcpu: MilliVcpu,
    /// Its memory; zero where nothing was asked.
    pub memory: Mebibytes,
    /// How many GPUs it uses.
    pub gpus: i32,
    /// Its environment.
    pub environment: Box<[Variable]>,
    /// Its ports.
    pub ports: Box<[Port]>,
    /// What is mounted where.
    pub mounts: Box<[VolumeMount]>,
    /// When its image is pulled.
    pub pull_policy: PullPolicy,
    /// What few containers have.
    pub rare: Option<Box<Rare>>,
}

/// What few containers have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rare {
    /// Whether it is alive.
    pub liveness: Option<Probe>,
    /// Whether it is ready.
    pub readiness: Option<Probe>,
    /// Under whose rights it runs.
    pub security: Option<eci_api::actions::describe_container_groups::SecurityContext>,
    /// Whether describe leaves its environment out.
    pub hides_environment: bool,
    /// Its directory.
    pub working_dir: Box<str>,
    /// Whether its input stays open.
    pub stdin: bool,
    /// Whether its input closes after the first session.
    pub stdin_once: bool,
    /// Whether it has a terminal.
    pub tty: bool,
    /// Whether its last lines are told when it ends badly.
    pub tells_last_words: bool,
    /// What runs when it has started.
    pub start_hook: Option<Box<Hook>>,
    /// What runs before it is stopped.
    pub stop_hook: Option<Box<Hook>>,
}

/// A port and its protocol.
pub type Port = (i32, Box<str>);

/// One variable of a container's environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Its name.
    pub key: Box<str>,
    /// Its value.
    pub value: Box<str>,
    /// The field of the group whose value it takes; only `status.podIP` exists.
    pub field: Option<Box<str>>,
}

/// When an image is pulled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PullPolicy {
    /// Nothing was said; IfNotPresent is meant.
    #[default]
    Unsaid,
    /// Before each start.
    Always,
    /// When it is not there.
    IfNotPresent,
    /// Never.
    Never,
}

impl Spec {
    /// Its environment as commands read it.
    pub fn variables(&self) -> Vec<(&str, &str)> {
        self.environment.iter().map(|v| (&*v.key, &*v.value)).collect()
    }

    /// Whether its environment has `key` with this value.
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

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::Unsaid | Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}
