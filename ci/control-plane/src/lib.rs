//! A real Kubernetes control plane on loopback addresses, for as long as a run lasts.
//!
//! etcd, kube-apiserver, kube-controller-manager and kube-scheduler run as children of this process: they live in a
//! folder of their own, listen on free ports of 127.0.0.1, know no proxy, and are gone when the [`ControlPlane`] is
//! dropped or this process is, whatever ended it.
//!
//! ```no_run
//! # async fn shown() -> Result<(), Box<dyn std::error::Error>> {
//! let binaries = control_plane::Binaries::find()?;
//! let plane = control_plane::ControlPlane::start(&binaries).await?;
//! let client = plane.client().await?; // every right
//! println!("kubectl --kubeconfig {} get namespaces", plane.kubeconfig().display());
//! plane.end();
//! # Ok(())
//! # }
//! ```

pub mod audit;
pub mod binaries;
mod child_guard;
pub mod credentials;
pub mod flags;
pub mod launch;
pub mod module;

pub use binaries::Binaries;
pub use launch::{ControlPlane, StartError};
