//! A Kubernetes API in one process; it knows nothing of ECI.
//!
//! A service first, a listener second: [`KubeSim::service`] answers `kube::Client` in process, under a paused clock too;
//! [`server::serve`] puts the same service behind HTTPS for kubectl.

pub mod admission;
pub mod authn;
pub mod controllers;
pub mod fields;
pub mod kinds;
pub mod node_proxy;
pub mod object;
pub mod outbound;
pub mod pods;
pub mod scheduler;
pub mod server;
pub mod status;
pub mod store;
pub mod tls;

mod body;
mod bootstrap_roles;
mod builder;
mod cron;
mod decode;
mod defaults;
mod discovery;
mod json;
mod label_selector;
mod managed_fields;
mod measures;
mod meta;
mod openapi;
mod patch;
mod protobuf;
mod rbac;
mod reviews;
mod saved;
mod schema;
mod selector;
mod service;
mod sim;
mod table;
mod tunnel;
mod validation;
mod watch;

pub use body::{BodyError, KubeBody};
pub use builder::KubeSimBuilder;
pub use outbound::{HttpsOutbound, Outbound, OutboundError};
pub use saved::{NoObject, SavedError, SavedObjects};
pub use service::KubeService;
pub use sim::KubeSim;
pub use status::ApiError;
