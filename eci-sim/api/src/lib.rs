//! The contract of Alibaba Cloud ECI OpenAPI 2018-08-08, shared by client and server; it does no I/O.
//!
//! A request is a type that names its operation and reply; [`query`] writes it as parameters, and [`signature`] signs them:
//!
//! ```
//! use eci_api::actions::DescribeContainerGroups;
//! use eci_api::signature::rpc;
//! use eci_api::{Action, Secret, query};
//!
//! let request = DescribeContainerGroups { region_id: Some("cn-hangzhou".into()), ..Default::default() };
//! let mut pairs = query::to_pairs(&request)?;
//! let key = ("local", &Secret::new("local-secret"));
//! let now = "2026-01-05T01:30:00Z".parse()?;
//! rpc::complete(&mut pairs, DescribeContainerGroups::NAME, key, "GET", now, "a-nonce-of-this-call");
//! assert!(query::render(&pairs).starts_with("RegionId=cn-hangzhou&Action=DescribeContainerGroups&Version=2018-08-08"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod action;
pub mod actions;
pub mod error;
pub mod group;
pub mod ids;
pub mod number;
pub mod query;
pub mod signature;
pub mod size;
pub mod validate;
pub mod wire;
pub mod xml;

pub use action::{Action, BILLING_VERSION, Product, VERSION};
pub use error::{ErrorBody, ErrorCode};
pub use number::Number;
pub use signature::Secret;
