//! A container group: its specification, and the state of its life.

mod beside;
pub mod container;
pub mod ending;
mod engine;
pub mod events;
mod failures;
pub mod files;
mod launching;
pub mod order;
mod priority;
mod probes;
pub mod steps;
pub mod timeline;

use std::net::Ipv4Addr;
use std::sync::Arc;

use eci_api::actions::describe_container_groups::{DnsConfig, HostAliase, Sysctl, Volume};
use eci_api::size::{Mebibytes, MilliVcpu};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::agenda::Slot;
use crate::ledger::BillingRecord;
use crate::lifecycle::State;
use crate::terms::{Size, Spot};
use container::{Container, RestartPolicy};
use events::{EVENTS_MAX, EventKind, GroupEvent};
use files::GroupFiles;

/// Permission bits of a configuration file of which nothing is said.
pub const FILE_MODE: u16 = 0o644;

/// A container group, from its request to the end of its record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    /// Identity, and the terms on which it is billed.
    pub record: Arc<BillingRecord>,
    /// Specification from the request, its containers apart.
    pub spec: Spec,
    /// Containers, init containers first.
    pub containers: Vec<Container>,
    /// Current state of its life.
    pub state: State,
    /// Time of the request that created it.
    pub born: Timestamp,
    /// Time at which it entered its present state.
    pub since: Timestamp,
    /// Time of the last change that a client can see.
    pub changed: Timestamp,
    /// Private IPv4 address; `None` until it has one.
    pub address: Option<Ipv4Addr>,
    /// Latest events, oldest first; 50 at most.
    pub events: Vec<GroupEvent>,
    /// Files of its containers and volumes; `None` until one was changed or looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Box<GroupFiles>>,
    /// Number of containers whose launch has begun, in the order of their starts.
    pub begun: u8,
    /// Places in the world's agenda of its steps that are due later.
    #[serde(skip)]
    pub due: Vec<Slot>,
}

/// Specification of a group, its containers apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// Rule for starting containers again.
    pub restart_policy: RestartPolicy,
    /// Requested size; the one that is sold and billed stands in the terms.
    #[serde(alias = "asked")]
    pub requested: Size,
    /// Zone, as in `cn-hangzhou-b`.
    pub zone: Arc<str>,
    /// vSwitch that gives the address.
    pub vswitch: Arc<str>,
    /// Id of the security group.
    pub security_group: Arc<str>,
    /// Host name; empty for the group's own name.
    pub host_name: Box<str>,
    /// Volumes, as describe gives them back.
    pub volumes: Box<[Volume]>,
    /// Options that few groups set; `None` where all have their defaults.
    pub optional: Option<Box<OptionalSpec>>,
}

/// Options that few groups set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OptionalSpec {
    /// Name servers, search domains and options of the resolver.
    pub dns: Option<DnsConfig>,
    /// DNS policy: `None` or `Default`.
    pub dns_policy: String,
    /// Additional lines of the hosts file.
    pub host_aliases: Vec<HostAliase>,
    /// Kernel parameters of its sandbox.
    pub sysctls: Vec<Sysctl>,
    /// Name of the RAM role that the group takes.
    pub ram_role: String,
    /// Id of the resource group.
    pub resource_group: String,
    /// Spot strategy; empty for a group that is no spot instance.
    pub spot_strategy: String,
    /// Highest price of a spot instance in an hour, in the currency of the price lists.
    #[serde(with = "exact")]
    pub spot_limit: eci_api::Number,
    /// Protected hours, in which a spot instance is not reclaimed; 0 for other groups.
    pub spot_hours: u64,
    /// Active deadline in seconds, after which the group is ended by force.
    pub deadline_seconds: Option<u64>,
    /// Grace period of the containers in seconds; `None` for the default of 30.
    pub grace_seconds: Option<u64>,
    /// Minutes in Pending after which the group has failed; `None` for the default of 240.
    pub pending_minutes: Option<u32>,
    /// True if an IPv6 address was asked for.
    pub ipv6: bool,
    /// True if a public address of its own was asked for.
    pub eip: bool,
    /// Id of the public address that was brought along; empty for none.
    pub eip_id: String,
    /// Hours for which the address is kept for the next group of this name; `None` where it is not fixed.
    pub fixed_ip_hours: Option<u32>,
    /// Digest of the registries and passwords, which tells a change of them; they are not kept themselves.
    pub credentials: String,
    /// Use of an image cache.
    pub cache: CacheUse,
    /// Permission bits of configuration files that are not 0o644.
    #[serde(default)]
    pub file_modes: Vec<FileMode>,
}

/// Permission bits of a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMode {
    /// Name of the volume.
    pub volume: Box<str>,
    /// Path of the file within it.
    pub path: Box<str>,
    /// Permission bits, as in 0o644.
    pub mode: u16,
}

/// Use of an image cache by a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CacheUse {
    /// No image cache was asked for.
    #[default]
    None,
    /// An image cache fits: its images need not be pulled.
    Hit {
        /// Id of the cache.
        id: Box<str>,
        /// Images in the cache.
        images: Vec<String>,
    },
    /// No image cache fits, so that one is made.
    Missed {
        /// Id of the cache that is made.
        made: Box<str>,
    },
}

impl Group {
    /// Id of the group.
    pub fn id(&self) -> &str {
        &self.record.id
    }

    /// Options that few groups set, or their defaults.
    pub fn optional_spec(&self) -> OptionalSpec {
        self.spec.optional.as_deref().cloned().unwrap_or_default()
    }

    /// Instance type as the cloud writes it: a size, or an ECS type.
    pub fn instance_spec(&self) -> String {
        self.record.terms.what()
    }

    /// Spot price; `None` for a group on demand.
    pub fn spot(&self) -> Option<&Spot> {
        self.record.terms.instance()?.spot()
    }

    /// vCPU that is sold and billed.
    pub fn vcpu(&self) -> MilliVcpu {
        self.record.terms.size().vcpu
    }

    /// Memory that is sold and billed.
    pub fn memory(&self) -> Mebibytes {
        self.record.terms.size().memory
    }

    /// The container of this name.
    pub fn container(&self, name: &str) -> Option<&Container> {
        self.containers.iter().find(|container| &*container.spec.name == name)
    }

    /// True while an init container is running.
    pub fn is_initializing(&self) -> bool {
        self.containers.iter().any(|container| container.init && container.is_running())
    }

    /// Records an event; one that equals one of the latest eight only raises its count.
    pub fn emit(&mut self, at: Timestamp, kind: EventKind) {
        self.changed = at;
        if let Some(known) = self.events.iter_mut().rev().take(8).find(|known| known.kind == kind) {
            (known.last, known.count) = (at, known.count + 1);
            return;
        }
        if self.events.len() == EVENTS_MAX {
            self.events.remove(0);
        }
        let mark = self.events.last().map_or(0, |last| last.mark + 1);
        self.events.push(GroupEvent { first: at, last: at, count: 1, mark, kind });
    }
}

/// Serialization of a number as text, exact to the last digit, which JSON's own numbers are not.
mod exact {
    use eci_api::Number;
    use rust_decimal::serde::str;
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(number: &Number, serializer: S) -> Result<S::Ok, S::Error> {
        str::serialize(&number.0, serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        str::deserialize(deserializer).map(Number)
    }
}
