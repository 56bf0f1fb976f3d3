//! Command-line arguments of the provider, and the settings that they and their other sources give.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;

use super::error::CliError;
use super::ports::PortArguments;
use crate::config::{Settings, Sources, read_file};
use crate::eci::Rates;
use crate::namespaced_name::NamespacedName;
use crate::uninstall_check::OnLiveGroups;

/// A virtual Kubernetes node whose pods run as Elastic Container Instances.
///
/// Four things must be given, in the environment or in a file: ECI_VSWITCH, ECI_SECURITY_GROUP, ECI_ACCESS_KEY and
/// ECI_SECRET_KEY. The cluster is found as kubectl finds it.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Arguments {
    /// A file of lines `NAME=value`, or a folder with a file for each name, as a mounted Secret is.
    #[arg(long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// The name of the node [default: virtual-kubelet].
    #[arg(long, value_name = "NAME")]
    node_name: Option<String>,
    /// The address at which the API server reaches this process [environment: POD_IP].
    #[arg(long, value_name = "IP")]
    node_ip: Option<String>,
    /// The address at which the node's port listens [default: 0.0.0.0:10250].
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// The vSwitches of the instances, separated by commas [environment: ECI_VSWITCH].
    #[arg(long, value_name = "IDS")]
    vswitch: Option<String>,
    /// The security group of the instances [environment: ECI_SECURITY_GROUP].
    #[arg(long, value_name = "ID")]
    security_group: Option<String>,
    /// The id of the access key [environment: ECI_ACCESS_KEY]; its secret is never an argument.
    #[arg(long, value_name = "ID")]
    access_key: Option<String>,
    /// A folder or file with ECI_ACCESS_KEY and ECI_SECRET_KEY, as a mounted Secret, which is read again when it changes; it goes
    /// before any other access key [environment: ECI_KEYS].
    #[arg(long, value_name = "PATH")]
    keys: Option<String>,
    /// The RAM role of the machine, whose temporary keys are used; `auto` for the one that it has [environment: ECI_RAM_ROLE].
    /// In a pod whose service account opens a role (RRSA) nothing need be given.
    #[arg(long, value_name = "NAME")]
    ram_role: Option<String>,
    /// The region [environment: ECI_REGION, default: cn-hangzhou].
    #[arg(long, value_name = "ID")]
    region: Option<String>,
    /// The URL of the ECI OpenAPI [environment: ECI_ENDPOINT, default: the region's own endpoint].
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// The URL of a local ECI's control API, as http://127.0.0.1:8089, whose time is taken instead of this machine's
    /// [environment: ECI_CLOCK_URL]. For tests and demonstrations, never in production.
    #[arg(long, value_name = "URL")]
    clock_url: Option<String>,
    /// The id of the cluster, which tells its instances from another cluster's [environment: ALIYUN_CLUSTERID,
    /// default: the UID of kube-system].
    #[arg(long, value_name = "ID")]
    cluster_id: Option<String>,
    /// The resource group of the instances [environment: ALIYUN_RESOURCEGROUP_ID].
    #[arg(long, value_name = "ID")]
    resource_group: Option<String>,
    /// The zone that the node claims to be in [environment: ECI_ZONE].
    #[arg(long, value_name = "ID")]
    zone: Option<String>,
    /// The addresses of the cluster's DNS, separated by commas [environment: CLUSTER_DNS, default: found in kube-system].
    #[arg(long, value_name = "ADDRESSES")]
    cluster_dns: Option<String>,
    /// The DNS suffix of the cluster's Services [environment: CLUSTER_DOMAIN, default: cluster.local].
    #[arg(long, value_name = "NAME")]
    cluster_domain: Option<String>,
    /// The architecture of the instances, amd64 or arm64 [environment: ECI_ARCHITECTURE].
    #[arg(long, value_name = "NAME")]
    architecture: Option<String>,
    /// The namespaces whose pods the node runs, separated by commas [environment: ECI_NAMESPACES, default: all].
    #[arg(long, value_name = "NAMES")]
    namespaces: Option<String>,
    /// The resources that the node offers, as cpu=1000,memory=4Ti,pods=200,nvidia.com/gpu=8 [environment: ECI_CAPACITY, default:
    /// vCPU by the account's quota, GPUs where the region has some in stock].
    #[arg(long, value_name = "RESOURCES")]
    capacity: Option<String>,
    /// A file with the purchases that pods' authors may make, as JSON [environment: ECI_POLICY, with the JSON itself].
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The Lease by which several replicas agree on the one that works, as `kube-system/virtual-node`; without it, there
    /// may be one process only.
    #[arg(long, value_name = "NAMESPACE/NAME")]
    pub leader_election: Option<NamespacedName>,
    #[command(flatten)]
    pub ports: PortArguments,
    /// Ends in order when what this file or folder holds changes, so that whoever started the process starts it anew with
    /// it; for a mounted Secret that environment variables came from.
    #[arg(long, value_name = "PATH")]
    pub exit_on_change: Option<PathBuf>,
    /// Seconds for which the group of a pod that was deleted while no provider ran is kept, where the node object was
    /// missing too [default: 600].
    #[arg(long, value_name = "SECONDS")]
    orphan_grace: Option<u64>,
    /// Takes instances that the cloud does not show for lost, and fails their pods, though many are missing at once or
    /// the region, the account or the cluster's id changed. To be given once, after having looked.
    #[arg(long)]
    accept_loss: bool,
    /// The rates at which the cloud is called: `published`, `unlimited`, or calls a minute that differ from the published
    /// ones, as `CreateContainerGroup=300,DescribeContainerGroups=4000`.
    #[arg(long, value_name = "RATES", default_value = "published")]
    pub cloud_rates: Rates,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Tasks that are done instead of running a node.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub enum Command {
    /// Tries, before an installation, all that the provider needs of the cloud and of the cluster, with the settings as they
    /// are: key, clock, region, vSwitches, security group, rights. Nothing is made; each failure comes with its remedy.
    Check,
    /// Compares the node's pods in the cluster with its container groups in the cloud; fails when they differ.
    Inspect {
        /// Prints JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Lists container groups of the node whose pods are gone, with their age and an estimate of what they cost.
    Orphans {
        /// Deletes them, after the cluster was asked once more for each pod.
        #[arg(long)]
        end: bool,
        /// Prints JSON instead of a table.
        #[arg(long, conflicts_with = "end")]
        json: bool,
    },
    /// Prints a script that completes this program's arguments in a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Checks before an uninstallation which container groups of the node are live and billed, and lists or deletes them.
    UninstallCheck {
        /// The treatment of the groups that are live.
        #[arg(long, value_enum, default_value_t)]
        on_live_groups: OnLiveGroups,
    },
}

impl Arguments {
    /// Reads the settings from all their sources: flags, environment, and the file or folder of `--config`.
    ///
    /// # Errors
    /// [`CliError::Settings`] with everything that is missing or wrong, and [`CliError::File`].
    pub fn settings(&self) -> Result<Settings, CliError> {
        let flags = [
            ("NODE_NAME", &self.node_name),
            ("POD_IP", &self.node_ip),
            ("KUBELET_LISTEN", &self.listen),
            ("ECI_VSWITCH", &self.vswitch),
            ("ECI_SECURITY_GROUP", &self.security_group),
            ("ECI_ACCESS_KEY", &self.access_key),
            ("ECI_KEYS", &self.keys),
            ("ECI_RAM_ROLE", &self.ram_role),
            ("ECI_REGION", &self.region),
            ("ECI_ENDPOINT", &self.endpoint),
            ("ECI_CLOCK_URL", &self.clock_url),
            ("ALIYUN_CLUSTERID", &self.cluster_id),
            ("ALIYUN_RESOURCEGROUP_ID", &self.resource_group),
            ("ECI_ZONE", &self.zone),
            ("CLUSTER_DNS", &self.cluster_dns),
            ("CLUSTER_DOMAIN", &self.cluster_domain),
            ("ECI_ARCHITECTURE", &self.architecture),
            ("ECI_NAMESPACES", &self.namespaces),
            ("ECI_CAPACITY", &self.capacity),
        ];
        let mut flags: BTreeMap<_, _> =
            flags.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
        if let Some(path) = &self.policy {
            flags.insert("ECI_POLICY", read_text(path)?);
        }
        let file = self.config.as_deref().map_or_else(|| Ok(BTreeMap::new()), read_settings)?;
        let mut settings =
            Settings::from(&Sources { flags, environment: &|name| std::env::var(name).ok(), file })
                .map_err(CliError::Settings)?;
        settings.config.accept_loss = self.accept_loss;
        if let Some(seconds) = self.orphan_grace {
            settings.config.orphan_grace = Duration::from_secs(seconds);
        }
        Ok(settings)
    }
}

/// Reads a file as text.
///
/// # Errors
/// [`CliError::File`].
pub fn read_text(path: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(path).map_err(|why| CliError::File { path: path.display().to_string(), why })
}

/// Reads settings from a file of lines `NAME=value`, or from a folder with a file for each name.
///
/// # Errors
/// [`CliError::File`].
pub fn read_settings(path: &Path) -> Result<BTreeMap<String, String>, CliError> {
    if !path.is_dir() {
        return Ok(read_file(&read_text(path)?));
    }
    let wrong = |why| CliError::File { path: path.display().to_string(), why };
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(path).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        // A mounted Secret holds links to files, and folders with dots that are no settings.
        if let (Ok(value), Ok(name)) =
            (std::fs::read_to_string(entry.path()), entry.file_name().into_string())
        {
            found.insert(name, value.trim().to_owned());
        }
    }
    Ok(found)
}
