//! A local Alibaba Cloud ECI: the OpenAPI, lifecycles, events and a bill, offline.
//!
//! ```
//! use determinism::{Clock, Seed};
//! use eci_api::actions::{CreateContainerGroup, DescribeContainerGroups};
//! use eci_api::actions::create_container_group::Container;
//! use eci_sim::EciSim;
//!
//! let sim = EciSim::builder().clock(Clock::still("2026-01-01T09:00:00Z".parse()?)).build();
//! let container = Container { name: Some("web".into()), image: Some("nginx".into()), ..Container::default() };
//! let request = CreateContainerGroup {
//!     container_group_name: Some("web".into()),
//!     container: vec![container],
//!     ..CreateContainerGroup::default()
//! };
//! let id = sim.act(&request)?.container_group_id;
//! assert!(id.starts_with("eci-bp1"));
//! sim.control().clock().advance(std::time::Duration::from_secs(60))?;
//! let groups = sim.act(&DescribeContainerGroups::default())?.container_groups;
//! assert_eq!(groups[0].status, "Running");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod actions;
pub mod agenda;
pub mod billing;
pub mod catalog;
pub mod commands;
pub mod control;
pub mod exchange;
pub mod faults;
mod followers;
pub mod group;
mod keyed;
pub mod latency;
pub mod ledger;
pub mod lifecycle;
pub mod listener;
pub mod market;
pub mod money;
mod openapi;
pub mod orders;
pub mod page;
pub mod persistence;
pub mod prices;
pub mod quota;
pub mod refusal;
pub mod runtime;
pub mod script;
pub mod serving;
pub mod session;
mod sim;
pub mod state;
mod temporary_keys;
mod terminal;
pub mod terms;
pub mod text;
pub mod tls;
pub mod world;

pub use billing::{Bill, BillGroup, BillLine, BillQuery, Cost, Dimension, Item};
pub use control::Control;
pub use control::client::{ClientError, ControlClient};
pub use control::server::ControlServer;
pub use exchange::{Exchange, Incoming};
pub use faults::{FaultVerdict, Rule};
pub use latency::Latency;
pub use ledger::Entry;
pub use money::{Amount, Currency};
pub use persistence::store::StoreError;
pub use prices::{NoPrice, PriceFile};
pub use refusal::Refusal;
pub use script::{Runs, Script};
pub use serving::Serve;
pub use sim::EciSim;
pub use sim::builder::Builder;
pub use state::RequestLogEntry;
