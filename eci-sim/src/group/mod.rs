//! A container group: what it was asked to be, and where it is in its life.

pub mod container;
pub mod ending;
pub mod happened;
mod launching;
pub mod lifecycle;
mod mishaps;
pub mod order;
mod priority;
mod real;
pub mod steps;
pub mod timeline;

use std::net::Ipv4Addr;
use std::sync::Arc;

use eci_api::actions::describe_container_groups::{DnsConfig, HostAliase, Sysctl, Volume};
use eci_api::size::{Mebibytes, MilliVcpu};
use jiff::Timestamp;

use crate::catalog::Size;
use crate::ledger::Card;
use container::{Container, RestartPolicy};
use happened::{Happened, KEPT, What};
use lifecycle::State;
use serde::{Deserialize, Serialize};

/// A container group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    /// Who it is, and on which terms it is billed.
    pub card: Arc<Card>,
    /// What it was asked to be, its containers apart.
    pub spec: Spec,
    /// Its containers, those that initialise first.
    pub containers: Vec<Container>,
    /// Where it is in its life.
    pub state: State,
    /// When it was asked for.
    pub born: Timestamp,
    /// When it entered its present state.
    pub since: Timestamp,
    /// When something that a client can see changed last.
    pub changed: Timestamp,
    /// Its address.
    pub address: Option<Ipv4Addr>,
    /// What happened to it.
    pub events: Vec<Happened>,
    /// How many of its containers were begun with, in the order of their starts.
    pub begun: u8,
    /// Where the world's agenda has something for it.
    #[serde(skip)]
    pub due: Vec<crate::agenda::Slot>,
}

/// What a group was asked to be, its containers apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// Whether containers are started again.
    pub restart_policy: RestartPolicy,
    /// What was asked for; rounded to what is sold in the card's terms.
    pub asked: Size,
    /// The zone it is in.
    pub zone: Arc<str>,
    /// The vSwitch that its address comes from.
    pub vswitch: Arc<str>,
    /// Its security group.
    pub security_group: Arc<str>,
    /// The name of its host; its own where it is empty.
    pub host_name: Box<str>,
    /// Its volumes.
    pub volumes: Box<[Volume]>,
    /// What few groups have.
    pub rare: Option<Box<Rare>>,
}

/// What few groups have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rare {
    /// Its name servers.
    pub dns: Option<DnsConfig>,
    /// `None` or `Default`.
    pub dns_policy: String,
    /// What stands in its hosts file.
    pub host_aliases: Vec<HostAliase>,
    /// Kernel parameters of its sandbox.
    pub sysctls: Vec<Sysctl>,
    /// The role that it takes.
    pub ram_role: String,
    /// The resource group that it belongs to.
    pub resource_group: String,
    /// How a spot price is agreed on.
    pub spot_strategy: String,
    /// The most that a spot instance may cost an hour.
    #[serde(with = "exact")]
    pub spot_limit: eci_api::Number,
    /// For so many hours a spot instance is not taken back.
    pub spot_hours: u64,
    /// After so many seconds it is ended by force.
    pub deadline_seconds: Option<u64>,
    /// How long its containers may take to end.
    pub grace_seconds: Option<u64>,
    /// After so many minutes in Pending it has failed.
    pub pending_minutes: Option<u32>,
    /// Its IPv6 address was asked for.
    pub ipv6: bool,
    /// Whether a public address of its own was asked for.
    pub eip: bool,
    /// The public address that was brought along.
    pub eip_id: String,
    /// For so many hours its address is kept for the next group of its name.
    pub fixed_ip_hours: Option<u32>,
    /// Tells the registries and passwords apart that it was given; they are not kept themselves.
    pub credentials: String,
    /// What an image cache does for it.
    pub cache: CacheUse,
}

/// What an image cache does for a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CacheUse {
    /// None was asked for.
    #[default]
    None,
    /// These images need not be pulled.
    Hit {
        /// The cache's id.
        id: Box<str>,
        /// Its images.
        images: Vec<String>,
    },
    /// None fitted, so that one is made.
    Missed {
        /// The id of the one that is made.
        made: Box<str>,
    },
}

impl Group {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.card.id
    }

    /// What few groups have, or nothing of it.
    pub fn rare(&self) -> Rare {
        self.spec.rare.as_deref().cloned().unwrap_or_default()
    }

    /// What it is made of, as the cloud writes it: a size, or an ECS type.
    pub fn instance_spec(&self) -> String {
        self.card.terms.what()
    }

    /// Its vCPU.
    pub fn vcpu(&self) -> MilliVcpu {
        self.card.terms.size.vcpu
    }

    /// Its memory.
    pub fn memory(&self) -> Mebibytes {
        self.card.terms.size.memory
    }

    /// The container of this name.
    pub fn container(&self, name: &str) -> Option<&Container> {
        self.containers.iter().find(|container| &*container.spec.name == name)
    }

    /// Whether an init container is running.
    pub fn is_initializing(&self) -> bool {
        self.containers.iter().any(|container| container.init && container.is_running())
    }

    /// Tells its owner what happened; what happened just so before is counted.
    pub fn tell(&mut self, at: Timestamp, what: What) {
        self.changed = at;
        if let Some(known) = self.events.iter_mut().rev().take(8).find(|known| known.what == what) {
            (known.last, known.count) = (at, known.count + 1);
            return;
        }
        if self.events.len() == KEPT {
            self.events.remove(0);
        }
        let mark = self.events.last().map_or(0, |last| last.mark + 1);
        self.events.push(Happened { first: at, last: at, count: 1, mark, what });
    }
}

/// A number that is kept to the last digit, which JSON's own numbers are not.
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
