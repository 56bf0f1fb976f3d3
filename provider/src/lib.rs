//! A virtual Kubernetes node whose pods run as Elastic Container Instances: node, pods, webhook and kubelet API.

pub mod config;
pub mod eci;
pub mod pods;
pub mod webhook;
