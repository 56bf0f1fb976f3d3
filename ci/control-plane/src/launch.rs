//! Starts the four programs in order, waits until they serve, and ends them.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use certificate_authority::CertificateError;
use kube::config::{KubeConfigOptions, Kubeconfig};
use tempfile::TempDir;
use tokio::time;

use crate::audit::{self, AuditedRequest};
use crate::binaries::Binaries;
use crate::child_guard::ChildGuard;
use crate::credentials::{self, Authority, Identity};
use crate::flags::{self, Files, Ports};

/// Time that a start may take on a machine that does something else as well.
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// Interval of the looks at a program that starts.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// Tries of a start when somebody took a port that had just been free.
const TRIES: u32 = 3;
/// Prefix of the folders of control planes, below the machine's folder for temporary files.
const PREFIX: &str = "virtual-node-control-plane-";
/// Name of the file in such a folder with the id of the process that it belongs to.
const OWNER: &str = "owner";

/// A control plane that runs; dropping it ends it.
#[derive(Debug)]
pub struct ControlPlane {
    // dropped in this order: a caller goes before its server, and the folder last
    programs: Vec<(&'static str, ChildGuard)>,
    authority: Authority,
    ports: Ports,
    folder: TempDir,
}

/// Error of a start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Files cannot be written.
    #[error("cannot write the control plane's files to {}: {reason}", .folder.display())]
    Files {
        /// Folder of the files.
        folder: PathBuf,
        /// Error of the operating system.
        reason: io::Error,
    },
    /// Certificates cannot be made.
    #[error("cannot make the control plane's certificates: {0}")]
    Certificates(#[from] CertificateError),
    /// A program cannot be started at all.
    #[error("cannot start {}: {reason}", .path.display())]
    NotStarted {
        /// Path of the program.
        path: PathBuf,
        /// Error of the operating system.
        reason: io::Error,
    },
    /// A program has started and ended.
    #[error("{program} ended by itself ({status}); it last said:\n{output}")]
    Ended {
        /// Name of the program.
        program: &'static str,
        /// Exit status of the program.
        status: std::process::ExitStatus,
        /// Last lines of its log.
        output: String,
    },
    /// All programs run, but they do not serve.
    #[error("the control plane was not ready after {} s: {waited_for}", START_TIMEOUT.as_secs())]
    NotReady {
        /// Request that did not succeed, and its last answer.
        waited_for: String,
    },
    /// The client library does not take our kubeconfig.
    #[error("cannot make a client of the control plane: {0}")]
    Client(String),
}

impl StartError {
    /// True if other ports may help.
    fn is_taken_port(&self) -> bool {
        matches!(self, Self::Ended { output, .. } if output.contains("address already in use"))
    }
}

impl ControlPlane {
    /// Starts the programs and waits until a pod could be created.
    ///
    /// # Errors
    /// when they cannot be started, or do not come to serve in time
    pub async fn start(binaries: &Binaries) -> Result<Self, StartError> {
        let mut tries = 1;
        loop {
            match Self::start_once(binaries).await {
                Err(error) if error.is_taken_port() && tries < TRIES => tries += 1,
                ended => return ended,
            }
        }
    }

    async fn start_once(binaries: &Binaries) -> Result<Self, StartError> {
        remove_orphans(&std::env::temp_dir());
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir();
        let folder = folder.map_err(|reason| StartError::Files { folder: std::env::temp_dir(), reason })?;
        let not_written = |reason| StartError::Files { folder: folder.path().to_owned(), reason };
        let ports = free_ports().map_err(not_written)?;
        let authority = Authority::generate()?;
        write_files(folder.path(), &authority, ports).map_err(|error| match error {
            FileError::Io(reason) => not_written(reason),
            FileError::Certificate(error) => error.into(),
        })?;

        let mut plane = Self { programs: Vec::new(), authority, ports, folder };
        let files = plane.folder.path().to_owned();
        let files = Files(&files);
        // etcd is waited for by the API server, and both are looked at while they start
        plane.run("etcd", &binaries.etcd, &flags::etcd(files, ports))?;
        plane.run("kube-apiserver", &binaries.apiserver, &flags::apiserver(files, ports))?;
        let client = plane.client().await?;
        plane.wait_for("/readyz", &client).await?;
        let controllers = flags::controller_manager(files);
        plane.run("kube-controller-manager", &binaries.controller_manager, &controllers)?;
        plane.run("kube-scheduler", &binaries.scheduler, &flags::scheduler(files))?;
        // no pod can be created in a namespace before the controllers have given it this
        plane.wait_for("/api/v1/namespaces/default/serviceaccounts/default", &client).await?;
        Ok(plane)
    }

    fn run(&mut self, name: &'static str, program: &Path, flags: &[String]) -> Result<(), StartError> {
        let log = self.folder.path().join(format!("{name}.log"));
        let started = ChildGuard::start(program, flags, log)
            .map_err(|reason| StartError::NotStarted { path: program.to_owned(), reason })?;
        self.programs.insert(0, (name, started));
        Ok(())
    }

    /// Repeats a request until it succeeds, or a program has ended, or the time for the start is over.
    async fn wait_for(&mut self, path: &str, client: &kube::Client) -> Result<(), StartError> {
        let deadline = time::Instant::now() + START_TIMEOUT;
        loop {
            self.all_run()?;
            let request = http::Request::get(path).body(Vec::new());
            let request = request.map_err(|error| StartError::Client(error.to_string()))?;
            let seen = match time::timeout(Duration::from_secs(5), client.request_text(request)).await {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer within 5 s".to_owned(),
            };
            if time::Instant::now() >= deadline {
                return Err(StartError::NotReady { waited_for: format!("{path} answers: {seen}") });
            }
            time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Checks that every program still runs.
    ///
    /// # Errors
    /// with the last words of the first that does not
    pub fn all_run(&mut self) -> Result<(), StartError> {
        for (program, process) in &mut self.programs {
            if let Some(status) = process.ended() {
                return Err(StartError::Ended { program, status, output: process.last_output() });
            }
        }
        Ok(())
    }

    /// URL of the API server.
    #[must_use]
    pub fn server(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports.apiserver)
    }

    /// Path of a kubeconfig with every right; removed with the control plane.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("admin.kubeconfig")
    }

    /// The authority of this cluster, for a node's serving certificate or one more user.
    ///
    /// The node's HTTPS port trusts clients by [`Authority::certificate`]; the API server comes to it as
    /// `kube-apiserver-kubelet-client`.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// A kubeconfig for a user of this name and group, who has the rights that RBAC gives.
    ///
    /// # Errors
    /// when the machine gives no entropy
    pub fn kubeconfig_of(&self, user: &str, group: Option<&str>) -> Result<String, CertificateError> {
        let identity = self.authority.client(user, group)?;
        let text = credentials::kubeconfig(&self.server(), self.authority.certificate(), &identity);
        Ok(text.to_string())
    }

    /// A client with every right.
    ///
    /// # Errors
    /// when the client library does not take the kubeconfig
    pub async fn client(&self) -> Result<kube::Client, StartError> {
        let refused = |error: &dyn std::fmt::Display| StartError::Client(error.to_string());
        let text = fs::read_to_string(self.kubeconfig()).map_err(|error| refused(&error))?;
        let read = Kubeconfig::from_yaml(&text).map_err(|error| refused(&error))?;
        let options = KubeConfigOptions::default();
        let mut config =
            kube::Config::from_custom_kubeconfig(read, &options).await.map_err(|error| refused(&error))?;
        config.proxy_url = None; // the address is this machine's own
        kube::Client::try_from(config).map_err(|error| refused(&error))
    }

    /// Requests of a user to this cluster, oldest first; a watch is counted when it has ended.
    #[must_use]
    pub fn requests_of(&self, user: &str) -> Vec<AuditedRequest> {
        audit::requests_of(user, &self.folder.path().join("audit.log"))
    }

    /// Ids of the programs' guards, by the programs' names; each program is its guard's child.
    pub fn processes(&self) -> impl Iterator<Item = (&'static str, u32)> {
        self.programs.iter().map(|(name, program)| (*name, program.id()))
    }

    /// Paths of the programs' logs, by name.
    pub fn logs(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        self.programs.iter().map(|(name, process)| (*name, process.log()))
    }

    /// Ends everything and removes its files; the same as dropping it, but explicit.
    pub fn end(self) {
        drop(self);
    }
}

/// Removes the folders of processes that were killed before they could do it themselves.
fn remove_orphans(temporary: &Path) {
    let entries = fs::read_dir(temporary).into_iter().flatten().filter_map(Result::ok);
    for folder in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        let owner = fs::read_to_string(folder.path().join(OWNER)).unwrap_or_default();
        // without an owner yet: somebody is just making it
        if !owner.is_empty() && !Path::new("/proc").join(&owner).exists() {
            let _ = fs::remove_dir_all(folder.path()); // somebody else's, or gone already
        }
    }
}

/// Two different ports that nobody listens on right now.
fn free_ports() -> io::Result<Ports> {
    let taken = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    let [etcd, apiserver] = taken;
    Ok(Ports { etcd: etcd?.local_addr()?.port(), apiserver: apiserver?.local_addr()?.port() })
}

enum FileError {
    Io(io::Error),
    Certificate(CertificateError),
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<CertificateError> for FileError {
    fn from(error: CertificateError) -> Self {
        Self::Certificate(error)
    }
}

/// Writes every certificate, key and kubeconfig that the flags name.
fn write_files(folder: &Path, authority: &Authority, ports: Ports) -> Result<(), FileError> {
    fs::DirBuilder::new().mode(0o700).create(folder.join("etcd"))?;
    let write = |name: &str, text: &str| write_private(&folder.join(name), text);
    write(OWNER, &std::process::id().to_string())?;
    write("audit-policy.json", &audit::policy().to_string())?;
    write("ca.crt", authority.certificate())?;
    write("ca.key", &authority.key())?;
    let (signing, public) = certificate_authority::key_pair()?;
    write("tokens.key", &signing)?;
    write("tokens.pub", &public)?;

    let pair = |name: &str, identity: &Identity| {
        write(&format!("{name}.crt"), &identity.certificate)?;
        write(&format!("{name}.key"), &identity.key)
    };
    pair("etcd", &authority.server("etcd", &["127.0.0.1", "localhost"])?)?;
    pair("etcd-client", &authority.client("kube-apiserver-etcd-client", None)?)?;
    let names = ["127.0.0.1", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];
    pair("apiserver", &authority.server("kube-apiserver", &names)?)?;
    let masters = Some("system:masters");
    pair("apiserver-kubelet-client", &authority.client("kube-apiserver-kubelet-client", masters)?)?;

    let server = format!("https://127.0.0.1:{}", ports.apiserver);
    for (name, user, group) in [
        ("admin", "kubernetes-admin", masters),
        ("controller-manager", "system:kube-controller-manager", None),
        ("scheduler", "system:kube-scheduler", None),
    ] {
        let user = authority.client(user, group)?;
        let text = credentials::kubeconfig(&server, authority.certificate(), &user);
        write(&format!("{name}.kubeconfig"), &text.to_string())?;
    }
    Ok(())
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use io::Write as _;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_behind_is_removed_and_nothing_else() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = |name: &str, owner: &str| {
            let folder = temporary.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join(OWNER), owner).unwrap();
            folder
        };
        let orphan = folder(&format!("{PREFIX}a"), "4194305"); // one more than a process id can be
        let ours = folder(&format!("{PREFIX}b"), &std::process::id().to_string());
        let unfinished = folder(&format!("{PREFIX}c"), "");
        let foreign = folder("somebody-elses", "4194305");
        remove_orphans(temporary.path());
        assert!(!orphan.exists());
        assert!(ours.exists() && unfinished.exists() && foreign.exists());
    }
}
