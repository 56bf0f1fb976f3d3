//! `scenarios provider`: the provider in a process of its own, whose time is let on by the process that started it.
//!
//! The process is the whole provider with its two ports, on real sockets. Only its clock is not the machine's: the
//! runtime's clock is paused, and for each line on the standard input it moves by so many milliseconds. So an hour of a
//! case costs seconds, while every timer of the provider keeps its proportion to the cloud's time. When the input closes,
//! which the kernel sees to even if the other process is killed, this one ends.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use crate::load::calls::ApiCalls;
use crate::objects::{Fields, objects};
use anyhow::{Context, anyhow};
use clap::Args;
use connection_limits::ConnectionLimiter;
use determinism::{Clock, Seed};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use provider::config::{Settings, Sources};
use provider::eci::key_source::KeyReader;
use provider::eci::{HyperTransport, Transport};
use provider::external_clock;
use provider::external_clock::calls::{CountedTransport, InFlightCalls};
use provider::kubelet_api::access::Access;
use provider::serving::{Identification, NodePort, serve};
use provider::webhook::registration::{self, Address};
use provider::{Eci, Provider};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Said when the ports are open.
pub(super) const READY: &str = "ready";
/// Said when time has passed and all that followed from it at once is done.
pub(super) const DONE: &str = "done";

/// Asks for the calls to Kubernetes so far, which are answered as JSON in one line.
pub(super) const CALLS: &str = "calls";
/// The variable with the rates at which the cloud is called.
pub(super) const CLOUD_RATES: &str = "ECI_CLOUD_RATES";

/// Arguments of the process; keys and the cluster come by the environment.
#[derive(Debug, Args)]
pub struct ProviderArgs {
    /// The time at which it begins.
    #[arg(long)]
    now: Timestamp,
    /// The seed of its randomness.
    #[arg(long)]
    seed: Seed,
    /// The address at which the API server finds its two ports.
    #[arg(long)]
    address: IpAddr,
    /// Lets time run as the machine's does.
    #[arg(long)]
    machine_time: bool,
}

/// A line of the standard input.
enum Order {
    /// Time passes.
    Pass(Duration),
    /// The calls so far are asked for.
    Calls,
}

/// Runs until the standard input closes.
///
/// # Errors
/// When a part does not start.
pub fn run(arguments: &ProviderArgs) -> anyhow::Result<ExitCode> {
    let log = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(log).with_writer(std::io::stderr).with_ansi(false).init();
    let runtime = match arguments.machine_time {
        true => tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?,
        false => external_clock::paused_runtime()?,
    };
    runtime.block_on(live(arguments))?;
    // Whatever still runs is not waited for.
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}

async fn live(arguments: &ProviderArgs) -> anyhow::Result<()> {
    let calls = InFlightCalls::default();
    let counted = ApiCalls::default();
    let passing = pass(orders(), calls.clone(), counted.clone());
    let life = run_provider(arguments, calls, counted);
    tokio::select! {
        () = passing => Ok(()),
        ended = life => ended,
    }
}

/// The orders that come in, each once. As long as the other end is kept, the runtime does not move its clock by itself.
fn orders() -> mpsc::UnboundedReceiver<Order> {
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::task::spawn_blocking(move || {
        for line in std::io::stdin().lock().lines() {
            let order = line.ok().and_then(|line| match line.as_str() {
                CALLS => Some(Order::Calls),
                stride => stride.parse().ok().map(|stride| Order::Pass(Duration::from_millis(stride))),
            });
            let Some(order) = order else { break };
            if sender.send(order).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Does as it is told, until nobody tells any more.
async fn pass(mut orders: mpsc::UnboundedReceiver<Order>, calls: InFlightCalls, counted: ApiCalls) {
    while let Some(order) = orders.recv().await {
        match order {
            Order::Pass(stride) => {
                tokio::time::advance(stride).await;
                calls.wait_until_none().await;
                say(DONE);
            }
            // A map of texts and numbers can always be written.
            Order::Calls => say(&serde_json::to_string(&counted.counts()).unwrap_or_default()),
        }
    }
}

fn say(word: &str) {
    let mut out = std::io::stdout().lock();
    // A reader that is gone has closed the standard input as well.
    let _ = writeln!(out, "{word}").and_then(|()| out.flush());
}

async fn run_provider(
    arguments: &ProviderArgs,
    calls: InFlightCalls,
    counted: ApiCalls,
) -> anyhow::Result<()> {
    let environment = |name: &str| std::env::var(name).ok();
    let sources = Sources { flags: BTreeMap::new(), environment: &environment, file: BTreeMap::new() };
    let mut settings = Settings::from(&sources).map_err(|problems| {
        let sentences: Vec<_> = problems.iter().map(ToString::to_string).collect();
        anyhow!(sentences.join("\n"))
    })?;
    let clock = Clock::following_runtime(arguments.now);
    let client = client(&calls).await?;
    let transport: Arc<dyn Transport> = Arc::new(CountedTransport(HyperTransport::new()?, calls));
    let reader = KeyReader { transport: transport.clone(), clock: clock.clone() };
    let key = settings.keys.read(&reader).await?;
    let eci = Eci::new(transport, key.credentials, settings.region, clock.clone(), arguments.seed);
    let eci = settings.endpoint.into_iter().fold(eci, Eci::at);
    let rates = environment(CLOUD_RATES).map(|rates| rates.parse()).transpose()?;
    let eci = rates.into_iter().fold(eci, Eci::with_rates);

    let (node_port, port) = bind(arguments.address).await?;
    (settings.config.node_ip, settings.config.kubelet_port) = (Some(arguments.address), port);
    let node = settings.config.node_name.clone();
    let provider = Provider::new(settings.config, counted.count(client.clone()), eci, clock, arguments.seed);
    let shown = Identification::self_signed(std::slice::from_ref(&node), &[arguments.address])?;
    let acceptor = shown.acceptor(client_authority(&client).await?.as_deref())?;
    let access = Some(Access::new(client.clone(), &node));
    let limiter = ConnectionLimiter::default();
    let answer = NodePort { api: provider.kubelet_api(), access };
    let node_port = serve(node_port, acceptor, answer, limiter.clone());

    let (webhook_port, port) = bind(arguments.address).await?;
    let shown = Identification::self_signed(&["localhost".to_owned()], &[arguments.address])?;
    let url = format!("https://{}", SocketAddr::new(arguments.address, port));
    let configuration = registration::configuration(&Address::Url(url), shown.pem.as_bytes());
    registration::register(client, &configuration).await.context("the webhook cannot be registered")?;
    let webhook = serve(webhook_port, shown.acceptor(None)?, provider.webhook(), limiter);

    say(READY);
    tokio::select! {
        ran = provider.run(std::future::pending()) => Ok(ran?),
        () = node_port => Err(anyhow!("the node's port closed")),
        () = webhook => Err(anyhow!("the webhook's port closed")),
    }
}

/// A free port.
async fn bind(address: IpAddr) -> anyhow::Result<(TcpListener, u16)> {
    let listener = TcpListener::bind((address, 0)).await;
    let listener = listener.with_context(|| format!("no port can be had at {address}"))?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

/// A client of the cluster that KUBECONFIG names, with its calls counted.
async fn client(calls: &InFlightCalls) -> anyhow::Result<Client> {
    let mut config = kube::Config::infer().await?;
    if config.cluster_url.host().is_some_and(crate::cluster::existing::is_this_machine) {
        config.proxy_url = None;
    }
    Ok(calls.client(config)?)
}

/// The authority of clients' certificates, as the cluster publishes it.
async fn client_authority(client: &Client) -> anyhow::Result<Option<String>> {
    let api = objects::<ConfigMap>(client.clone(), Some("kube-system"));
    let found = api.get_opt("extension-apiserver-authentication").await?;
    Ok(found.and_then(|found| found.text("/data/client-ca-file").map(ToOwned::to_owned)))
}
