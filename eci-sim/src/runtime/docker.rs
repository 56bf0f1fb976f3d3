//! A Docker Engine: each group is a sandbox that holds network and names, and its containers in that network.
//!
//! All that is made carries the label `eci-sim=<name>` and the group's id, and its name begins with both; so what a killed
//! simulator left is found at the next start of one of the same name.

mod attach;
mod bodies;
mod files;
mod logs;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::Ipv4Addr;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::{ContainerCreateBody, ContainerSummary, ExecConfig, VolumeCreateRequest};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, CreateImageOptionsBuilder, ListContainersOptionsBuilder,
    ListVolumesOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder, RemoveVolumeOptionsBuilder,
    StopContainerOptionsBuilder, UploadToContainerOptionsBuilder, WaitContainerOptionsBuilder,
};
use jiff::Timestamp;
use tokio_stream::StreamExt as _;

use super::attach::Attached;
use super::engine::{Engine, EngineError, ExitStatus, Launch, RunId, Sandbox, Volume};

/// Time that the Engine may take to answer, in seconds; long, since containers may have a long grace period.
const ENGINE_TIMEOUT_SECONDS: u64 = 900;
/// Labels of every container and volume that is made: the simulator's name, and the group's id.
const LABEL: &str = "eci-sim";
const LABEL_GROUP: &str = "eci-sim.group";
/// Path of a volume in the container through which its files are put in.
const FILL_MOUNT_PATH: &str = "/volume";

/// Settings of the use of a Docker Engine.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name of the simulator at the Engine; unique there.
    pub name: String,
    /// Name of the Engine's network in which the groups are.
    pub network: String,
    /// Image of sandboxes; it has `sh`, `sleep` and, where there are routes, `ip`.
    pub sandbox: String,
    /// Routes to ranges outside the network: a range, and the address of the gateway.
    pub routes: Vec<(String, Ipv4Addr)>,
}

/// Driver of a Docker Engine that answered.
#[derive(Debug)]
pub struct DockerEngine {
    docker: Docker,
    settings: Settings,
}

impl From<Error> for EngineError {
    fn from(error: Error) -> Self {
        match error {
            Error::DockerResponseServerError { status_code: 404, message } => Self::Gone(message),
            Error::DockerResponseServerError { message, .. } => Self::Failed(message),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl DockerEngine {
    /// Connects to the Engine that `DOCKER_HOST` names, or else to the usual one of this machine.
    ///
    /// # Errors
    /// [`EngineError`] when none answers, or it has no such network.
    pub async fn connect(settings: Settings) -> Result<Self, EngineError> {
        let docker = Docker::connect_with_defaults()?.negotiate_version().await.map_err(|why| {
            EngineError::Failed(format!(
                "no Docker Engine answers ({why}); start one, or say where it is with DOCKER_HOST"
            ))
        })?;
        let mut docker = docker;
        docker.set_timeout(std::time::Duration::from_secs(ENGINE_TIMEOUT_SECONDS));
        let network = docker.inspect_network(&settings.network, None).await;
        network.map_err(|why| {
            EngineError::Failed(format!("the Docker Engine has no network {}: {why}", settings.network))
        })?;
        Ok(Self { docker, settings })
    }

    fn sandbox_name(&self, group: &str) -> String {
        format!("{}.{group}", self.settings.name)
    }

    fn run_name(&self, run: &RunId) -> String {
        format!("{}.{}.{}", self.sandbox_name(&run.group), run.container, run.number)
    }

    fn volume_name(&self, group: &str, volume: &str) -> String {
        format!("{}.{volume}", self.sandbox_name(group))
    }

    fn labels(&self, group: &str) -> HashMap<String, String> {
        [(LABEL, &*self.settings.name), (LABEL_GROUP, group)]
            .map(|(key, value)| (key.into(), value.into()))
            .into()
    }

    /// Filter by label: all containers or volumes of this simulator, or those of a group.
    fn ours(&self, group: Option<&str>) -> HashMap<String, Vec<String>> {
        let mut labels = vec![format!("{LABEL}={}", self.settings.name)];
        labels.extend(group.map(|group| format!("{LABEL_GROUP}={group}")));
        [("label".to_owned(), labels)].into()
    }

    async fn containers(&self, group: Option<&str>) -> Result<Vec<ContainerSummary>, EngineError> {
        let all = ListContainersOptionsBuilder::new().all(true).filters(&self.ours(group)).build();
        Ok(self.docker.list_containers(Some(all)).await?)
    }

    /// Removes every container and volume of a group, or of all groups.
    async fn clear(&self, group: Option<&str>) -> Result<(), EngineError> {
        for id in self.containers(group).await?.into_iter().filter_map(|container| container.id) {
            self.remove_container(&id).await?;
        }
        let ours = ListVolumesOptionsBuilder::new().filters(&self.ours(group)).build();
        for volume in self.docker.list_volumes(Some(ours)).await?.volumes.unwrap_or_default() {
            let force = RemoveVolumeOptionsBuilder::new().force(true).build();
            unless_gone(self.docker.remove_volume(&volume.name, Some(force)).await)?;
        }
        Ok(())
    }

    /// Removes a container with its volumes; one that is being removed already is waited for, as long as any call.
    async fn remove_container(&self, id: &str) -> Result<(), EngineError> {
        let force = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        let removed = self.docker.remove_container(id, Some(force)).await;
        if let Err(Error::DockerResponseServerError { status_code: 409, .. }) = removed {
            let removed = WaitContainerOptionsBuilder::new().condition("removed").build();
            // its exit code, or that it is gone
            let _ = self.docker.wait_container(id, Some(removed)).next().await;
            return Ok(());
        }
        unless_gone(removed)
    }

    /// Makes a container; one of the same name that is there already stays.
    async fn create(&self, name: &str, body: ContainerCreateBody) -> Result<(), EngineError> {
        let named = CreateContainerOptionsBuilder::new().name(name).build();
        match self.docker.create_container(Some(named), body).await {
            Ok(_) | Err(Error::DockerResponseServerError { status_code: 409, .. }) => Ok(()),
            Err(why) => Err(why.into()),
        }
    }

    async fn make_volume(&self, group: &str, volume: &Volume) -> Result<(), EngineError> {
        let in_memory = [("type", "tmpfs"), ("device", "tmpfs"), ("o", "mode=1777")];
        let in_memory = in_memory.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let name = self.volume_name(group, &volume.name);
        let request = VolumeCreateRequest {
            name: Some(name.clone()),
            labels: Some(self.labels(group)),
            driver_opts: volume.in_memory.then(|| in_memory.into()),
            ..VolumeCreateRequest::default()
        };
        self.docker.create_volume(request).await?;
        if volume.files.is_empty() {
            return Ok(());
        }
        let archive = files::archive(&volume.files).map_err(|why| {
            EngineError::Failed(format!("the files of volume {} cannot be packed: {why}", volume.name))
        })?;
        // a container that never runs holds the volume meanwhile
        let holder = format!("{name}.filled");
        let body = self.holder_body(group, name);
        self.create(&holder, body).await?;
        let into = UploadToContainerOptionsBuilder::new().path(FILL_MOUNT_PATH).build();
        let archive = bollard::body_full(archive.into());
        self.docker.upload_to_container(&holder, Some(into), archive).await?;
        let force = RemoveContainerOptionsBuilder::new().force(true).build();
        unless_gone(self.docker.remove_container(&holder, Some(force)).await)
    }

    async fn address(&self, name: &str) -> Result<Ipv4Addr, EngineError> {
        let seen = self.docker.inspect_container(name, None).await?;
        let running = seen.state.as_ref().and_then(|state| state.running) == Some(true);
        let networks = seen.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
        let address = networks.get(&self.settings.network).and_then(|own| own.ip_address.as_deref());
        match address.and_then(|address| address.parse().ok()) {
            Some(address) if running => Ok(address),
            _ => Err(EngineError::Failed(format!("the sandbox ended: {}", self.last_words(name).await))),
        }
    }

    async fn last_words(&self, name: &str) -> String {
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail("3").build();
        let mut said = self.docker.logs(name, Some(options));
        let mut words = String::new();
        while let Some(Ok(part)) = said.next().await {
            words.push_str(&part.to_string());
        }
        words.trim().to_owned()
    }
}

impl Engine for DockerEngine {
    async fn has(&self, image: &str) -> Result<bool, EngineError> {
        match self.docker.inspect_image(image).await.map_err(EngineError::from) {
            Ok(_) => Ok(true),
            Err(EngineError::Gone(_)) => Ok(false),
            Err(why) => Err(why),
        }
    }

    async fn pull(&self, image: &str) -> Result<(), EngineError> {
        let last = image.rsplit('/').next().unwrap_or(image);
        let options = CreateImageOptionsBuilder::new().from_image(image);
        // without a tag every tag of the image would be pulled
        let options = if last.contains([':', '@']) { options } else { options.tag("latest") };
        let mut progress = self.docker.create_image(Some(options.build()), None, None);
        while let Some(step) = progress.next().await {
            step?;
        }
        Ok(())
    }

    async fn sandbox(&self, sandbox: &Sandbox) -> Result<Ipv4Addr, EngineError> {
        let image = &self.settings.sandbox;
        if !self.has(image).await? {
            let explain = |why| {
                EngineError::Failed(format!(
                    "the sandbox's image {image} (--docker-sandbox) cannot be had: {why}"
                ))
            };
            self.pull(image).await.map_err(explain)?;
        }
        for volume in &sandbox.volumes {
            self.make_volume(&sandbox.group, volume).await?;
        }
        let name = self.sandbox_name(&sandbox.group);
        self.create(&name, self.sandbox_body(sandbox)).await?;
        self.docker.start_container(&name, None).await?;
        self.address(&name).await
    }

    async fn start(&self, launch: &Launch) -> Result<(), EngineError> {
        let name = self.run_name(&launch.run);
        self.create(&name, self.body(launch)).await?;
        Ok(self.docker.start_container(&name, None).await?)
    }

    async fn wait(&self, run: &RunId) -> Result<ExitStatus, EngineError> {
        let name = self.run_name(run);
        // the inspection below says the same of the end, and more
        let _told = self.docker.wait_container(&name, None).next().await;
        let state = self.docker.inspect_container(&name, None).await?.state.unwrap_or_default();
        if state.running == Some(true) {
            return Err(EngineError::Failed(format!("{name} is still running")));
        }
        let exit_code = i32::try_from(state.exit_code.unwrap_or_default()).unwrap_or(i32::MAX);
        Ok(ExitStatus { exit_code, out_of_memory: state.oom_killed == Some(true) })
    }

    async fn kill(&self, run: &RunId) -> Result<(), EngineError> {
        unless_gone(self.docker.kill_container(&self.run_name(run), None).await)
    }

    async fn stop(&self, run: &RunId, seconds: u32) -> Result<(), EngineError> {
        let within = StopContainerOptionsBuilder::new().t(i32::try_from(seconds).unwrap_or(i32::MAX)).build();
        unless_gone(self.docker.stop_container(&self.run_name(run), Some(within)).await)
    }

    async fn remove(&self, group: &str) -> Result<(), EngineError> {
        self.clear(Some(group)).await
    }

    async fn logs(&self, run: &RunId, tail: usize) -> Result<Vec<(Timestamp, String)>, EngineError> {
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).timestamps(true);
        let options = options.tail(&tail.to_string()).build();
        let mut parts = self.docker.logs(&self.run_name(run), Some(options));
        let mut bytes = Vec::new();
        while let Some(part) = parts.next().await {
            bytes.extend_from_slice(&part?.into_bytes());
        }
        Ok(logs::stamped(&String::from_utf8_lossy(&bytes)))
    }

    async fn exec(&self, run: &RunId, words: &[String]) -> Result<String, EngineError> {
        let wanted = ExecConfig {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(words.to_vec()),
            ..ExecConfig::default()
        };
        let made = self.docker.create_exec(&self.run_name(run), wanted).await?;
        let started = self.docker.start_exec(&made.id, Some(StartExecOptions::default())).await?;
        let StartExecResults::Attached { mut output, .. } = started else { return Ok(String::new()) };
        let mut bytes = Vec::new();
        while let Some(part) = output.next().await {
            match part? {
                LogOutput::StdIn { .. } => {}
                said => bytes.extend_from_slice(&said.into_bytes()),
            }
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn attach(
        &self,
        run: &RunId,
        words: &[String],
        tty: bool,
        stdin: bool,
    ) -> Result<Attached, EngineError> {
        attach::attach(&self.docker, &self.run_name(run), words, tty, stdin).await
    }

    async fn sweep(&self) -> Result<(), EngineError> {
        self.clear(None).await
    }
}

/// Success also for a container or volume that is already stopped, gone, or being removed (304, 404, 409).
fn unless_gone(done: Result<(), Error>) -> Result<(), EngineError> {
    match done {
        Ok(()) | Err(Error::DockerResponseServerError { status_code: 304 | 404 | 409, .. }) => Ok(()),
        Err(why) => Err(why.into()),
    }
}
