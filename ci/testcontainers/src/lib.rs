//! The local ECI and the virtual node as containers of a Rust test; copy this file, or depend on this folder.
//!
//! The images are made by `cargo ci images --load`; nothing is pulled.
//!
//! ```no_run
//! # async fn shown() -> Result<(), Box<dyn std::error::Error>> {
//! use testcontainers::runners::AsyncRunner as _;
//! use virtual_node_testcontainers::LocalEci;
//!
//! let eci = LocalEci::default().start().await?;
//! let endpoint = LocalEci::endpoint(&eci).await?; // http://localhost:32768, for an SDK or a provider
//! # Ok(())
//! # }
//! ```

use std::borrow::Cow;

use testcontainers::core::{ContainerPort, CopyDataSource, CopyToContainer, WaitFor};
use testcontainers::{ContainerAsync, Image, TestcontainersError};

/// Tag of both images.
const TAG: &str = "0.1.0";
/// Port of the ECI API within the container.
const ECI_PORT: ContainerPort = ContainerPort::Tcp(8088);

/// A local ECI.
#[derive(Debug, Clone)]
pub struct LocalEci {
    /// Id of the one access key that the ECI knows.
    pub access_key: String,
    /// Secret of the access key.
    pub secret_key: String,
    /// Pace of time: `wall`, or so many times as fast, as `x60`.
    pub time: String,
}

impl Default for LocalEci {
    /// A local ECI with the key `local` / `local-secret`, at the pace of the wall clock.
    fn default() -> Self {
        Self { access_key: "local".into(), secret_key: "local-secret".into(), time: "wall".into() }
    }
}

impl LocalEci {
    /// URL of the ECI API from this machine.
    ///
    /// # Errors
    /// when the container is gone
    pub async fn endpoint(container: &ContainerAsync<Self>) -> Result<String, TestcontainersError> {
        let (host, port) = (container.get_host().await?, container.get_host_port_ipv4(ECI_PORT).await?);
        Ok(format!("http://{host}:{port}"))
    }

    /// URL of the ECI API from another container, on a network that both are in.
    ///
    /// # Errors
    /// when the container is gone
    pub async fn endpoint_within(container: &ContainerAsync<Self>) -> Result<String, TestcontainersError> {
        Ok(format!("http://{}:{}", container.get_bridge_ip_address().await?, ECI_PORT.as_u16()))
    }
}

impl Image for LocalEci {
    fn name(&self) -> &str {
        "virtual-node/eci-sim"
    }

    fn tag(&self) -> &str {
        TAG
    }

    fn ready_conditions(&self) -> Vec<WaitFor> {
        vec![WaitFor::message_on_stdout("ECI      http://")]
    }

    fn env_vars(&self) -> impl IntoIterator<Item = (impl Into<Cow<'_, str>>, impl Into<Cow<'_, str>>)> {
        [
            ("ECI_SIM_ACCESS_KEY_ID", &self.access_key),
            ("ECI_SIM_ACCESS_KEY_SECRET", &self.secret_key),
            ("ECI_SIM_TIME", &self.time),
        ]
    }

    fn expose_ports(&self) -> &[ContainerPort] {
        &[ECI_PORT]
    }
}

/// A virtual node of a cluster that its container can reach.
#[derive(Debug, Clone)]
pub struct VirtualNode {
    environment: Vec<(&'static str, String)>,
    kubeconfig: CopyToContainer,
}

impl VirtualNode {
    /// A node called `name` in the cluster of `kubeconfig` (its text), whose pods run in the ECI at `endpoint`.
    #[must_use]
    pub fn new(name: &str, kubeconfig: &str, endpoint: &str, eci: &LocalEci) -> Self {
        let environment = [
            ("NODE_NAME", name),
            ("KUBECONFIG", "/kubeconfig"),
            ("ECI_ENDPOINT", endpoint),
            ("ECI_VSWITCH", "vsw-local"),
            ("ECI_SECURITY_GROUP", "sg-local"),
            ("ECI_ACCESS_KEY", &eci.access_key),
            ("ECI_SECRET_KEY", &eci.secret_key),
        ];
        // readable by the ordinary user that the program runs as
        let target = testcontainers::CopyTargetOptions::new("/kubeconfig").with_mode(0o644);
        Self {
            environment: environment.map(|(name, value)| (name, value.to_owned())).into(),
            kubeconfig: CopyToContainer::new(CopyDataSource::Data(kubeconfig.into()), target),
        }
    }
}

impl Image for VirtualNode {
    fn name(&self) -> &str {
        "virtual-node/provider"
    }

    fn tag(&self) -> &str {
        TAG
    }

    fn ready_conditions(&self) -> Vec<WaitFor> {
        vec![WaitFor::message_on_stderr("answers at https://")]
    }

    fn env_vars(&self) -> impl IntoIterator<Item = (impl Into<Cow<'_, str>>, impl Into<Cow<'_, str>>)> {
        self.environment.iter().map(|(name, value)| (*name, value.as_str()))
    }

    fn copy_to_sources(&self) -> impl IntoIterator<Item = &CopyToContainer> {
        [&self.kubeconfig]
    }
}
