//! Errors of the program, each a sentence for the operator.

use std::net::SocketAddr;

use crate::certificates::authority::AuthorityError;
use crate::config::ConfigError;
use crate::eci::TransportError;
use crate::eci::key_source::KeyError;
use crate::external_clock::ClockWentBackwards;
use crate::inspection::InspectionError;
use crate::preflight::NotReady;
use crate::serving::TlsError;
use crate::uninstall_check::LiveGroupsError;

/// Errors that keep the provider from running or end it.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Settings that are missing or cannot be used, all of them at once.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Settings(Vec<ConfigError>),
    /// A file that an argument names.
    #[error("{path} cannot be read: {why}")]
    File { path: String, why: std::io::Error },
    /// The machine's source of randomness.
    #[error("the machine gives no entropy: {0}")]
    Entropy(std::io::Error),
    /// The transport to the cloud.
    #[error("the machine's certificate authorities cannot be read: {0}")]
    Transport(TransportError),
    /// The source of access keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The check before an uninstallation.
    #[error(transparent)]
    LiveGroups(#[from] LiveGroupsError),
    /// The comparison of cluster and cloud.
    #[error(transparent)]
    Inspection(#[from] InspectionError),
    /// The check before an installation.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// No configuration of a cluster is found.
    #[error("there is no cluster: {0}. Set KUBECONFIG, or run this in a pod with a service account.")]
    NoCluster(kube::config::InferConfigError),
    /// The configuration of the cluster cannot be used.
    #[error("there is no cluster: {0}. Set KUBECONFIG, or run this in a pod with a service account.")]
    Client(kube::Error),
    /// A port that cannot be opened.
    #[error("{address} cannot be listened at: {why}. Choose another with {flag}, or end what listens there.")]
    Port { address: SocketAddr, flag: &'static str, why: std::io::Error },
    /// The remote clock that was followed.
    #[error(transparent)]
    Clock(#[from] ClockWentBackwards),
    /// The runtime.
    #[error("the machine does not give what a runtime needs: {0}")]
    Runtime(std::io::Error),
    /// The certificate of a port.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The store of certificates.
    #[error(transparent)]
    Certificates(#[from] AuthorityError),
    /// The registration of the webhook.
    #[error("the webhook cannot be registered: {0}")]
    Registration(kube::Error),
    /// The provider itself.
    #[error(transparent)]
    Run(crate::RunError),
}
