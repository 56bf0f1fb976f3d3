//! `up`: the embedded API, the cloud and the provider on local ports, for your own kubectl or the length of one command;
//! Ctrl-C ends everything.

mod activity;
mod command;
mod data;
mod housekeeping;
mod kubeconfig;
mod manifests;
mod speed;

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use connection_limits::ConnectionLimiter;
use determinism::Seed;
use eci_sim::listener;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::activity::Activity;
use self::data::ObjectsFile;
use self::housekeeping::{EVENTS_MAX, Housekeeping};
use self::kubeconfig::Kubeconfig;
use self::speed::Speed;
use crate::cluster::{Cluster, Embedded, WorldParts};
use crate::eci::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, Eci, REGION};

/// The pause between two looks for something worth a line.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Arguments of `up`.
#[derive(Debug, Args)]
pub struct Up {
    /// The port of the Kubernetes API; 0 for any that is free.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    kubernetes_port: u16,
    /// The port of the ECI OpenAPI; 0 for any that is free.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    eci_port: u16,
    /// Port of the simulator's control API; 0 for any that is free.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    console_port: u16,
    /// The file through which kubectl finds its way; it is removed at the end. One that is there already is replaced
    /// only where an earlier `up` has left it behind.
    #[arg(long, value_name = "FILE", default_value = "./virtual-node.kubeconfig")]
    kubeconfig: PathBuf,
    /// The seed of all randomness: three words, as a run prints them, or any number or text.
    #[arg(long, value_name = "SEED", default_value_t = Seed::DEFAULT)]
    seed: Seed,
    /// The speed of cloud, cluster and provider: `real`; `instant`, in which no step of the cloud takes any time; or a factor
    /// such as `x60`, by which one clock for all of them is faster than the machine's.
    #[arg(long, value_name = "SPEED", default_value_t = Speed::Real)]
    speed: Speed,
    /// A folder that keeps cloud and cluster, for a playground that is there tomorrow; a new one is made.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Evaluates roles and bindings; otherwise whoever is known to the API may do everything.
    #[arg(long)]
    rbac: bool,
    /// Files of manifests that are applied when the playground is ready, and before the command starts.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    apply: Vec<PathBuf>,
    /// A command to run against the playground, which ends with it and with its exit code. It finds the cluster by
    /// KUBECONFIG and the cloud by `ECI_ENDPOINT`; what the playground tells goes to the standard error then.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs the playground until it is told to stop, or its command ends.
///
/// # Errors
/// When a port is taken, the kubeconfig cannot be written, or a part or the command does not start.
pub fn run(arguments: &Up) -> anyhow::Result<ExitCode> {
    let runtime = arguments.speed.runtime()?;
    let code = runtime.block_on(async {
        let speed = tokio::spawn(arguments.speed.keep());
        let played = play(arguments).await;
        speed.abort();
        played
    })?;
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(code)
}

async fn play(arguments: &Up) -> anyhow::Result<ExitCode> {
    let manifests = manifests::read(&arguments.apply)?;
    let kubernetes = bind("Kubernetes", "kubernetes-port", arguments.kubernetes_port).await?;
    let cloud = bind("ECI", "eci-port", arguments.eci_port).await?;
    let console = bind("the console", "console-port", arguments.console_port).await?;
    let stop = stop_signals()?;

    let Parts { eci, mut cluster, mut objects } = Parts::start(arguments).await?;
    let addresses = [cloud.local_addr()?, console.local_addr()?];
    let endpoint = cluster.listen(kubernetes)?;
    let mut servers = JoinSet::new();
    serve(&mut servers, cloud, console, &eci);
    let kubeconfig = Kubeconfig::write(&arguments.kubeconfig, &endpoint.kubeconfig)?;

    let [cloud, console] = addresses;
    let mut out: Box<dyn Write> = match arguments.command.is_empty() {
        true => Box::new(anstream::stdout()),
        false => Box::new(anstream::stderr()),
    };
    welcome(&mut out, &arguments.kubeconfig, endpoint.address, [cloud, console])?;

    let mut activity = Activity::new(eci.clone());
    for manifest in &manifests {
        writeln!(out, "applied {}", manifests::apply(&cluster.client(), manifest).await?)?;
    }
    let mut housekeeping = Housekeeping::new(Instant::now(), cluster.revision());
    let mut command = command::start(&arguments.command, &arguments.kubeconfig, cloud)?;
    let mut code = ExitCode::SUCCESS;
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            status = command::ended(&mut command) => {
                code = command::code_of(status?);
                break;
            }
            () = tokio::time::sleep(POLL_INTERVAL) => activity.print(&mut out)?,
        }
        if let Some(old) = housekeeping.due(Instant::now(), cluster.revision()) {
            cluster.forget(old, EVENTS_MAX);
        }
        let (now, written) = (Instant::now(), cluster.written().unwrap_or_default());
        if let Some(file) = objects.as_mut().filter(|file| file.is_due(now, written)) {
            // A full disk is no reason to end what runs.
            if let Err(why) = file.write(&cluster.saved(), now, written) {
                writeln!(out, "{why}")?;
            }
        }
    }
    activity.print(&mut out)?;
    cluster.end().await;
    servers.shutdown().await;
    if let Some(file) = &mut objects {
        file.write(&cluster.saved(), Instant::now(), cluster.revision())?;
    }
    kubeconfig.remove()?;
    writeln!(out, "\n{}", activity.summary())?;
    Ok(code)
}

/// What a playground is made of.
struct Parts {
    eci: Eci,
    cluster: Embedded,
    /// The file that keeps the cluster's objects, where a folder is given.
    objects: Option<ObjectsFile>,
}

impl Parts {
    /// Starts cloud, cluster and provider, with what the folder keeps.
    async fn start(arguments: &Up) -> anyhow::Result<Self> {
        let (clock, data) = (arguments.speed.clock(), arguments.data.as_deref());
        let opened = data.map(|folder| ObjectsFile::open(folder, Instant::now())).transpose()?;
        let (objects, saved) = opened.map_or((None, None), |(file, saved)| (Some(file), saved));
        let seed = match saved {
            // What the playground before drew must not be drawn again.
            Some(_) => {
                let mut chance = arguments.seed.chance(&format!("at {}", clock.now()));
                Seed::numbered(u32::try_from(chance.between(0, u64::from(u32::MAX))).unwrap_or_default())
            }
            None => arguments.seed,
        };
        let eci = Eci::open_to_clients(&clock, (arguments.seed, seed), arguments.speed.latency(), data)?;
        let parts = WorldParts { clock, seed, eci: eci.clone(), tap: None };
        let cluster = Embedded::start_with(parts, saved).await?;
        cluster.reach_network();
        if arguments.rbac {
            cluster.enable_rbac();
        }
        Ok(Self { eci, cluster, objects })
    }
}

/// Says where everything is, and what to type first.
fn welcome(
    out: &mut impl Write,
    kubeconfig: &Path,
    kubernetes: SocketAddr,
    [cloud, console]: [SocketAddr; 2],
) -> io::Result<()> {
    let file = kubeconfig.display();
    write!(
        out,
        "Kubernetes   https://{kubernetes:<22}kubeconfig  {file}\n\
         ECI          http://{cloud:<23}access key  {ACCESS_KEY_ID} / {ACCESS_KEY_SECRET} · region {REGION}\n\
         Console      http://{console:<23}groups, bill, clock, faults\n\n  \
           export KUBECONFIG={file}\n  \
           kubectl create ns vk\n  \
           kubectl label namespace vk virtual-node-affinity-injection=enabled\n  \
           kubectl -n vk run nginx --image nginx\n\n\
         Ctrl-C ends everything.\n\n",
    )?;
    out.flush()
}

fn serve(servers: &mut JoinSet<()>, cloud: TcpListener, console: TcpListener, eci: &Eci) {
    let (service, console_eci) = (eci.clone(), eci.clone());
    let (never, limiter) = (std::future::pending, ConnectionLimiter::default());
    let answer = move |request| service.exchange(request);
    servers.spawn(listener::serve_within(limiter.clone(), cloud, None, answer, never()));
    let answer = move |request| console_eci.control_exchange(&request);
    servers.spawn(listener::serve_within(limiter, console, None, answer, never()));
}

/// A listener on loopback.
async fn bind(what: &'static str, flag: &'static str, port: u16) -> Result<TcpListener, PortTaken> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    bound.map_err(|why| PortTaken { what, flag, port, why })
}

/// The error for a port that is taken.
#[derive(Debug, thiserror::Error)]
#[error(
    "port {port} cannot be had for {what}: {why}\n  choose another with --{flag}, or 0 for any that is free"
)]
struct PortTaken {
    what: &'static str,
    flag: &'static str,
    port: u16,
    why: std::io::Error,
}

/// Ends when the person or the machine asks for it.
fn stop_signals() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for the signal to end")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_told_with_what_to_do() {
        let first = bind("ECI", "eci-port", 0).await.unwrap();
        let port = first.local_addr().unwrap().port();
        let error = bind("ECI", "eci-port", port).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("port {port} cannot be had for ECI: ")), "{error}");
        assert!(error.contains("choose another with --eci-port"), "{error}");
    }
}
