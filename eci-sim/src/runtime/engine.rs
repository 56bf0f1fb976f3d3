//! What is wanted of an Engine, whichever it is, in terms of groups and runs.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::attach::Attached;
use crate::group::Group;
use crate::group::container::Container;
use crate::group::container::spec::Variable;

/// Why an Engine could not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// What is meant is not there.
    #[error("{0}")]
    Gone(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// One run of a container.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RunId {
    /// The id of its group.
    pub group: String,
    /// The name of its container.
    pub container: String,
    /// How often the container was started, this run included.
    pub number: u32,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// With what.
    pub exit_code: i32,
    /// Whether it ran out of memory.
    pub out_of_memory: bool,
}

/// What the containers of a group share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sandbox {
    /// The id of the group.
    pub group: String,
    /// What its host is called.
    pub host_name: String,
    /// Its name servers; none, where the Engine's usual ones serve.
    pub name_servers: Vec<String>,
    /// Where names are looked for.
    pub searches: Vec<String>,
    /// How they are looked for.
    pub options: Vec<String>,
    /// What stands in its hosts file: names and addresses.
    pub hosts: Vec<(String, String)>,
    /// Kernel parameters.
    pub sysctls: Vec<(String, String)>,
    /// Its volumes.
    pub volumes: Vec<Volume>,
}

/// A volume that an Engine can make.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Volume {
    /// Its name in the group.
    pub name: String,
    /// Whether it lies in memory.
    pub in_memory: bool,
    /// The files that lie in it from the beginning: path and content.
    pub files: BTreeMap<String, String>,
}

/// All that it takes to start a run.
#[derive(Clone, PartialEq, Eq)]
pub struct Launch {
    /// The run.
    pub run: RunId,
    /// Its image.
    pub image: String,
    /// What is run instead of the image's own program; empty for that one.
    pub command: Vec<String>,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its environment, as `KEY=value`.
    pub environment: Vec<String>,
    /// Its directory; empty for the image's own.
    pub working_dir: String,
    /// Thousandths of a vCPU that it may use; 0 for all.
    pub milli_vcpu: u32,
    /// MiB of memory that it may use; 0 for all.
    pub mebibytes: u32,
    /// What is mounted where.
    pub mounts: Vec<Mount>,
    /// Whether it has a terminal.
    pub tty: bool,
    /// Whether its input stays open.
    pub stdin: bool,
    /// Under whose rights it runs; 0 for the image's own choice.
    pub user: i64,
    /// Whether its file system can only be read.
    pub read_only: bool,
    /// What it may do beside the usual.
    pub capabilities: Vec<String>,
}

/// A volume in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The volume's name in the group.
    pub volume: String,
    /// Where it is.
    pub path: String,
    /// Whether it can only be read there.
    pub read_only: bool,
}

/// An Engine; each of its answers may take its time.
pub trait Engine: Send + Sync + 'static {
    /// Whether an image is there.
    fn has(&self, image: &str) -> impl Future<Output = Result<bool, Trouble>> + Send;
    /// Brings an image.
    fn pull(&self, image: &str) -> impl Future<Output = Result<(), Trouble>> + Send;
    /// Makes what the containers of a group share, and tells its address; what is there already stays.
    fn sandbox(&self, sandbox: &Sandbox) -> impl Future<Output = Result<Ipv4Addr, Trouble>> + Send;
    /// Starts a run.
    fn start(&self, launch: &Launch) -> impl Future<Output = Result<(), Trouble>> + Send;
    /// Waits for a run's end.
    fn wait(&self, run: &RunId) -> impl Future<Output = Result<Ended, Trouble>> + Send;
    /// Ends a run at once.
    fn kill(&self, run: &RunId) -> impl Future<Output = Result<(), Trouble>> + Send;
    /// Tells a run to end, and ends it by force after so many seconds; what it said is kept.
    fn stop(&self, run: &RunId, seconds: u32) -> impl Future<Output = Result<(), Trouble>> + Send;
    /// Leaves nothing of a group.
    fn remove(&self, group: &str) -> impl Future<Output = Result<(), Trouble>> + Send;
    /// The last so many lines that a run said.
    fn logs(
        &self,
        run: &RunId,
        tail: usize,
    ) -> impl Future<Output = Result<Vec<(Timestamp, String)>, Trouble>> + Send;
    /// What a command says in a run.
    fn exec(&self, run: &RunId, words: &[String]) -> impl Future<Output = Result<String, Trouble>> + Send;
    /// Begins a command in a run, and gives its near end.
    fn attach(
        &self,
        run: &RunId,
        words: &[String],
        tty: bool,
        stdin: bool,
    ) -> impl Future<Output = Result<Attached, Trouble>> + Send;
    /// Leaves nothing of any group.
    fn sweep(&self) -> impl Future<Output = Result<(), Trouble>> + Send;
}

impl RunId {
    /// The run of a group's container.
    pub fn of(group: &str, container: &str, number: u32) -> Self {
        Self { group: group.to_owned(), container: container.to_owned(), number }
    }
}

impl Sandbox {
    /// What a group's containers share.
    ///
    /// # Errors
    /// [`Trouble`] for a volume that an Engine cannot make.
    pub fn of(group: &Group) -> Result<Self, Trouble> {
        let rare = group.rare();
        let dns = rare.dns.unwrap_or_default();
        let option = |o: eci_api::actions::describe_container_groups::DnsOption| match o.value.as_str() {
            "" => o.name,
            value => format!("{}:{value}", o.name),
        };
        let hosts = rare.host_aliases.into_iter();
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
            other => Err(Trouble::Failed(format!(
                "volume {} is a {other}, for which a Docker Engine has nothing; it has EmptyDirVolume and \
                 ConfigFileVolume",
                volume.name
            ))),
        });
        let own = Some(&*group.spec.host_name).filter(|name| !name.is_empty());
        let host_name: String = own.unwrap_or(&group.card.name).chars().take(63).collect();
        Ok(Self {
            group: group.id().to_owned(),
            host_name: host_name.trim_end_matches('-').to_owned(),
            name_servers: dns.name_servers,
            searches: dns.searches,
            options: dns.options.into_iter().map(option).collect(),
            hosts: hosts
                .flat_map(|alias| alias.hostnames.into_iter().map(move |name| (name, alias.ip.clone())))
                .collect(),
            sysctls: rare.sysctls.into_iter().map(|sysctl| (sysctl.name, sysctl.value)).collect(),
            volumes: volumes.collect::<Result<_, _>>()?,
        })
    }
}

impl Launch {
    /// What it takes to start a container of a group.
    ///
    /// # Errors
    /// [`Trouble`] for what an Engine cannot do.
    pub fn of(group: &Group, container: &Container, number: u32) -> Result<Self, Trouble> {
        let spec = &container.spec;
        let rare = spec.rare.as_deref().cloned().unwrap_or_default();
        let words = |words: &[Box<str>]| words.iter().map(|word| word.to_string()).collect();
        let address = group.address.map(|address| address.to_string()).unwrap_or_default();
        let value = |variable: &Variable| match &variable.field {
            Some(_) => format!("{}={address}", variable.key),
            None => format!("{}={}", variable.key, variable.value),
        };
        let security = rare.security.unwrap_or_default();
        let mounts = spec.mounts.iter().map(|mount| match mount.sub_path.as_str() {
            "" => Ok(Mount {
                volume: mount.name.clone(),
                path: mount.mount_path.clone(),
                read_only: mount.read_only,
            }),
            path => Err(Trouble::Failed(format!(
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
            working_dir: rare.working_dir.to_string(),
            milli_vcpu: spec.vcpu.0,
            mebibytes: spec.memory.0,
            mounts: mounts.collect::<Result<_, _>>()?,
            tty: rare.tty,
            stdin: rare.stdin,
            user: security.run_as_user,
            read_only: security.read_only_root_filesystem,
            capabilities: security.capability.map(|capability| capability.adds).unwrap_or_default(),
        })
    }
}

impl fmt::Debug for Launch {
    /// Without the environment, which may hold what nobody should read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, image, command, arguments, .. } = self;
        write!(f, "Launch({run:?}, {image}, {command:?} {arguments:?})")
    }
}
