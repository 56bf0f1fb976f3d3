//! Errors of clusters: a part that does not start, a provider that does not do as it should, a cluster that cannot be used.

use std::fmt;
use std::net::IpAddr;
use std::process::ExitStatus;
use std::time::Duration;

use eci_sim::control::client::ClientError;
use jiff::Timestamp;

use crate::outcome::Miss;

/// The reason for which a world could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Time can only be stepped where one thread does everything.
    #[error(
        "a world needs a runtime of one thread whose clock is paused: `#[tokio::test(start_paused = true)]`, or \
         `#[tokio::main(flavor = \"current_thread\", start_paused = true)]`"
    )]
    WrongRuntime,
    /// One of its parts did not start.
    #[error("{part} did not start: {why}")]
    Part {
        /// The part, as the beginning of a sentence.
        part: &'static str,
        /// The reason, with its causes.
        why: Box<ClusterError>,
    },
}

impl StartError {
    /// The error of `part`, for `map_err`.
    pub(crate) fn of<E: Into<ClusterError>>(part: &'static str) -> impl Fn(E) -> Self {
        move |why| Self::Part { part, why: Box::new(why.into()) }
    }
}

/// The reason for which a cluster, or the provider in it, did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The provider was to be started while it runs.
    #[error("the provider is running already")]
    AlreadyRunning,
    /// The provider was to be stopped while it does not run.
    #[error("the provider is not running")]
    NotRunning,
    /// The provider was to be configured where its settings are somebody else's.
    #[error("the provider's settings are not the case's to change here")]
    ForeignSettings,
    /// The virtual node of the embedded cluster did not become ready.
    #[error("node {node} was not ready within {} s", .timeout.as_secs())]
    NodeNotReady {
        /// The node's name.
        node: &'static str,
        /// The longest wait, without what a perturbation adds to it.
        timeout: Duration,
    },
    /// The provider of a real cluster did not become usable, or did not go.
    #[error("{lacking} within {} s{details}", .timeout.as_secs())]
    TimedOut {
        /// The clause about the thing that did not come, as in `its node was not ready`.
        lacking: String,
        /// The longest wait.
        timeout: Duration,
        /// The last error, the address that must be reachable, and the end of the provider's log.
        details: Box<TimeoutDetails>,
    },
    /// A follower of the simulator's clock does not come up to the present.
    #[error("{follower} follows the clock and stays at {at}: it did not come up within {} s", .timeout.as_secs())]
    Behind {
        /// The follower's name.
        follower: String,
        /// The instant up to which it has come.
        at: Timestamp,
        /// The longest wait.
        timeout: Duration,
    },
    /// The provider's process did not open its ports.
    #[error("its ports did not open\n{log}")]
    PortsClosed {
        /// The end of its log.
        log: String,
    },
    /// The provider's process has ended.
    #[error("it ended by itself ({status})\n{log}")]
    ProcessEnded {
        /// The exit code or the signal.
        status: ExitStatus,
        /// The end of its log.
        log: String,
    },
    /// The provider's process was started without the pipes that were asked for.
    #[error("its pipes are missing")]
    NoPipes,
    /// The provider's Deployment has no pod.
    #[error("it has no pod")]
    NoPod,
    /// No running pod is selected by the labels of a port forward.
    #[error("no pod runs")]
    NoRunningPod,
    /// The API server forwards the port without a stream.
    #[error("there is no stream")]
    NoStream,
    /// Objects outlive a cleanup.
    #[error("{left} still there after {} s", .timeout.as_secs())]
    Leftover {
        /// The number of objects, and the namespaces.
        left: String,
        /// The longest time of the cleanup.
        timeout: Duration,
    },
    /// The Kubernetes API does not answer, or turns a request down.
    #[error("{}", provider::with_causes(.0.as_ref()))]
    Kubernetes(Box<kube::Error>),
    /// The simulator's control API does not answer, or turns a request down.
    #[error(transparent)]
    Control(#[from] ClientError),
    /// A file, a port or a process cannot be had.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// An instant lies outside of what can be written down.
    #[error(transparent)]
    Time(#[from] jiff::Error),
    /// No certificate can be made.
    #[error(transparent)]
    Certificate(#[from] kube_sim::tls::TlsError),
    /// A manifest of our own is malformed.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// Another part did not start.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl From<kube::Error> for ClusterError {
    fn from(error: kube::Error) -> Self {
        Self::Kubernetes(Box::new(error))
    }
}

impl From<ClusterError> for Miss {
    fn from(error: ClusterError) -> Self {
        Self::Refused(error.to_string())
    }
}

/// Everything that helps to find out why a provider took too long.
#[derive(Debug, Default)]
pub struct TimeoutDetails {
    /// The last error of the Kubernetes API.
    pub error: Option<kube::Error>,
    /// The address of this machine that the API server must reach.
    pub address: Option<IpAddr>,
    /// The end of the provider's log.
    pub log: Option<String>,
}

impl fmt::Display for TimeoutDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(error) = &self.error {
            write!(f, ": {}", provider::with_causes(error))?;
        }
        if let Some(address) = self.address {
            write!(f, "; the API server must reach this machine at {address}")?;
        }
        self.log.iter().try_for_each(|log| write!(f, "\n{log}"))
    }
}

/// The reason for which there is no real cluster to play on, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum SharedClusterError {
    /// There are no programs to start.
    #[error(transparent)]
    NoPrograms(#[from] control_plane::binaries::NotFound),
    /// The control plane's programs do not start.
    #[error(transparent)]
    NotStarted(#[from] control_plane::StartError),
    /// The cluster that was named cannot be played on.
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
    /// The cluster does not do what it is asked.
    #[error("{doing}: {why}")]
    Refused {
        /// The request, as the beginning of a sentence.
        doing: &'static str,
        /// The cluster's answer, with its causes.
        why: ClusterError,
    },
}

/// The error of a request that is named by `doing`, for `map_err`.
pub(crate) fn refused<E: Into<ClusterError>>(doing: &'static str) -> impl Fn(E) -> SharedClusterError {
    move |error| SharedClusterError::Refused { doing, why: error.into() }
}

/// The reason for which a cluster that was named cannot be played on.
#[derive(Debug, thiserror::Error)]
pub enum KubeconfigError {
    /// There is no kubeconfig.
    #[error(
        "no cluster is known: {0}. Point KUBECONFIG at a file with a context, or play on `--cluster control-plane`, which \
         needs none"
    )]
    NoKubeconfig(String),
    /// The kubeconfig has no such context.
    #[error("the kubeconfig has no context `{context}`; {known}. Choose one with --context")]
    NoContext {
        /// The one that was wanted.
        context: String,
        /// The contexts that there are, as a clause.
        known: String,
    },
    /// The context cannot be used: its files, its credentials or its address.
    #[error("context `{context}` of the kubeconfig cannot be used: {why}")]
    Unusable {
        /// The context.
        context: String,
        /// The reason, with its causes.
        why: String,
    },
    /// The cluster has no such node.
    #[error("the cluster has no node `{node}`; it has {}. Name one of them with --node", list(.known))]
    NoNode {
        /// The one that was wanted.
        node: String,
        /// The nodes that there are.
        known: Vec<String>,
    },
    /// Nobody answers there.
    #[error(
        "the cluster of context `{context}` does not answer at {url}: {why}. Start it, or choose another with --context"
    )]
    NoAnswer {
        /// The context.
        context: String,
        /// The URL of the API server.
        url: String,
        /// The error, or the time without an answer.
        why: String,
    },
    /// The cluster was not made by kind.
    #[error(
        "context `{context}` is not one of kind's, which begin with `kind-`. `cargo ci kind up` makes a cluster, \
         `cargo ci kind install --following` puts provider and cloud into it as pods, and `cargo ci kind run -- scenarios run \
         --cluster kind` plays on it; any other is `--cluster kubeconfig`"
    )]
    NotKind {
        /// The context.
        context: String,
    },
    /// The chart is installed in it, and its provider lives by the machine's time.
    #[error(
        "the chart is installed in this cluster, and its provider lives by the machine's time, so that an hour of a case would \
         take an hour. `cargo ci kind install --following` installs it so that it follows the simulator's clock; after `helm \
         --namespace kube-system uninstall ack-virtual-node`, the cases are played with provider and cloud beside the cluster"
    )]
    LivesByTheMachine,
    /// Something of that name is there and is somebody else's.
    #[error(
        "the cluster has {what} already, which the cases would make and take away; remove it, or choose another cluster"
    )]
    Occupied {
        /// The object or namespace that is in the way.
        what: String,
    },
}

/// Names in a row, as in a sentence.
fn list(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => format!("`{}`", names.join("`, `")),
    }
}
