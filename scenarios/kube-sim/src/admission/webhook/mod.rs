//! Webhooks: the cluster's own users judge and change objects before they are stored.

pub mod review;
pub mod selection;
