//! Interface of an Engine, whichever it is, in terms of groups and runs.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::net::Ipv4Addr;

use jiff::Timestamp;

use super::attach::Attached;
pub use super::queries::EngineError;
use crate::group::Group;
use crate::group::container::Container;
use crate::group::container::spec::Variable;
pub use crate::orders::RunId;

/// End of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitStatus {
    /// Exit code of the run.
    pub exit_code: i32,
    /// True if the run was out of memory.
    pub out_of_memory: bool,
}

/// Sandbox of a group: network, names and volumes, which its containers share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sandbox {
    /// Id of the group.
    pub group: String,
    /// Host name in the sandbox.
    pub host_name: String,
    /// Name servers; empty for the Engine's usual ones.
    pub name_servers: Vec<String>,
    /// Search domains of the resolver.
    pub searches: Vec<String>,
    /// Options of the resolver, as in `ndots:5`.
    pub options: Vec<String>,
    /// Additional lines of the hosts file: names and addresses.
    pub hosts: Vec<(String, String)>,
    /// Kernel parameters: names and values.
    pub sysctls: Vec<(String, String)>,
    /// Volumes of the group.
    pub volumes: Vec<Volume>,
}

/// A volume that an Engine can make.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Volume {
    /// Name, unique in the group.
    pub name: String,
    /// True for a volume in memory.
    pub in_memory: bool,
    /// Files that lie in the volume from the beginning: path and content.
    pub files: BTreeMap<String, String>,
}

/// Parameters of the start of a run.
#[derive(Clone, PartialEq, Eq)]
pub struct Launch {
    /// Identity of the run.
    pub run: RunId,
    /// Image reference, as it was asked for.
    pub image: String,
    /// Command that replaces the image's entry point; empty for the image's own.
    pub command: Vec<String>,
    /// Arguments of the command; empty for the image's own.
    pub arguments: Vec<String>,
    /// Environment, as `KEY=value`.
    pub environment: Vec<String>,
    /// Working directory; empty for the image's own.
    pub working_dir: String,
    /// Thousandths of a vCPU that the run may use; 0 for no limit.
    pub milli_vcpu: u32,
    /// MiB of memory that the run may use; 0 for no limit.
    pub mebibytes: u32,
    /// Mounts of the group's volumes.
    pub mounts: Vec<Mount>,
    /// True if the run has a terminal.
    pub tty: bool,
    /// True if the standard input stays open.
    pub stdin: bool,
    /// Numeric user id; 0 for the image's own choice.
    pub user: i64,
    /// True for a root file system that can only be read.
    pub read_only: bool,
    /// Capabilities beside the Engine's usual ones.
    pub capabilities: Vec<String>,
}

/// A mount of a volume in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Name of the volume in the group.
    pub volume: String,
    /// Absolute path in the container.
    pub path: String,
    /// True if the volume can only be read there.
    pub read_only: bool,
}

/// An Engine that runs containers; each call may take long.
pub trait Engine: Send + Sync + 'static {
    /// Returns true if the image is present.
    fn has(&self, image: &str) -> impl Future<Output = Result<bool, EngineError>> + Send;
    /// Pulls the image, which takes from seconds to minutes; fails when it cannot be had.
    fn pull(&self, image: &str) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Makes a group's sandbox, and returns its address; one that exists stays as it is.
    fn sandbox(&self, sandbox: &Sandbox) -> impl Future<Output = Result<Ipv4Addr, EngineError>> + Send;
    /// Starts the run; fails when its image or a volume is missing.
    fn start(&self, launch: &Launch) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Waits for the end of the run; fails for a run that no longer exists.
    fn wait(&self, run: &RunId) -> impl Future<Output = Result<ExitStatus, EngineError>> + Send;
    /// Kills the run at once.
    fn kill(&self, run: &RunId) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Stops the run, by force after so many seconds; its log is kept.
    fn stop(&self, run: &RunId, seconds: u32) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Removes everything of a group.
    fn remove(&self, group: &str) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Returns the last `tail` lines of the run's log, each with its timestamp.
    fn logs(
        &self,
        run: &RunId,
        tail: usize,
    ) -> impl Future<Output = Result<Vec<(Timestamp, String)>, EngineError>> + Send;
    /// Runs a command in the container to its end, and returns its output.
    fn exec(&self, run: &RunId, words: &[String])
    -> impl Future<Output = Result<String, EngineError>> + Send;
    /// Starts a command in the container, and returns the client's end of it.
    fn attach(
        &self,
        run: &RunId,
        words: &[String],
        tty: bool,
        stdin: bool,
    ) -> impl Future<Output = Result<Attached, EngineError>> + Send;
    /// Removes everything of every group.
    fn sweep(&self) -> impl Future<Output = Result<(), EngineError>> + Send;
}

impl Sandbox {
    /// The sandbox of a group.
    ///
    /// # Errors
    /// [`EngineError`] for a volume that an Engine cannot make.
    pub fn of(group: &Group) -> Result<Self, EngineError> {
        let optional = group.optional_spec();
        let dns = optional.dns.unwrap_or_default();
        let option = |o: eci_api::actions::describe_container_groups::DnsOption| match o.value.as_str() {
            "" => o.name,
            value => format!("{}:{value}", o.name),
        };
        let hosts = optional.host_aliases.into_iter();
        let volumes = group.spec.volumes.iter().map(|volume| match volume.type_.as_str() {
            "EmptyDirVolume" => Ok(Volume {
                name: volume.name.clone(),
                in_memory: volume.empty_dir_volume_medium == "Memory",
                files: BTreeMap::new(),
            }),
            "ConfigFileVolume" => {
                let files = volume.config_file_volume_config_file_to_paths.iter();
                let files = files.map(|file| (file.path.clone(), file.content.clone())).collect();
                Ok(Volume { name: volume.name.clone(), in_memory: false, files })
            }
            other => Err(EngineError::Failed(format!(
                "volume {} is a {other}, for which a Docker Engine has nothing; it has EmptyDirVolume and \
                 ConfigFileVolume",
                volume.name
            ))),
        });
        let own = Some(&*group.spec.host_name).filter(|name| !name.is_empty());
        let host_name: String = own.unwrap_or(&group.record.name).chars().take(63).collect();
        Ok(Self {
            group: group.id().to_owned(),
            host_name: host_name.trim_end_matches('-').to_owned(),
            name_servers: dns.name_servers,
            searches: dns.searches,
            options: dns.options.into_iter().map(option).collect(),
            hosts: hosts
                .flat_map(|alias| alias.hostnames.into_iter().map(move |name| (name, alias.ip.clone())))
                .collect(),
            sysctls: optional.sysctls.into_iter().map(|sysctl| (sysctl.name, sysctl.value)).collect(),
            volumes: volumes.collect::<Result<_, _>>()?,
        })
    }
}

impl Launch {
    /// The parameters of the start of a group's container.
    ///
    /// # Errors
    /// [`EngineError`] for what an Engine cannot do.
    pub fn of(group: &Group, container: &Container, number: u32) -> Result<Self, EngineError> {
        let spec = &container.spec;
        let optional = spec.optional.as_deref().cloned().unwrap_or_default();
        let words = |words: &[Box<str>]| words.iter().map(|word| word.to_string()).collect();
        let address = group.address.map(|address| address.to_string()).unwrap_or_default();
        let value = |variable: &Variable| match &variable.field {
            Some(_) => format!("{}={address}", variable.key),
            None => format!("{}={}", variable.key, variable.value),
        };
        let security = optional.security.unwrap_or_default();
        let mounts = spec.mounts.iter().map(|mount| match mount.sub_path.as_str() {
            "" => Ok(Mount {
                volume: mount.name.clone(),
                path: mount.mount_path.clone(),
                read_only: mount.read_only,
            }),
            path => Err(EngineError::Failed(format!(
                "volume {} is to be mounted by its part {path}, which the Engine's runtime does not do; mount the \
                 whole volume",
                mount.name
            ))),
        });
        Ok(Self {
            run: RunId::of(group.id(), &spec.name, number),
            image: spec.image.to_string(),
            command: words(&spec.command),
            arguments: words(&spec.arguments),
            environment: spec.environment.iter().map(value).collect(),
            working_dir: optional.working_dir.to_string(),
            milli_vcpu: spec.vcpu.0,
            mebibytes: spec.memory.0,
            mounts: mounts.collect::<Result<_, _>>()?,
            tty: optional.tty,
            stdin: optional.stdin,
            user: security.run_as_user,
            read_only: security.read_only_root_filesystem,
            capabilities: security.capability.map(|capability| capability.adds).unwrap_or_default(),
        })
    }
}

impl fmt::Debug for Launch {
    /// Debug output without the environment, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, image, command, arguments, .. } = self;
        write!(f, "Launch({run:?}, {image}, {command:?} {arguments:?})")
    }
}
