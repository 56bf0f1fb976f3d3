//! The program's run: a simulator and its listeners, until a signal ends them.

use std::sync::Arc;

use anyhow::Context as _;
use connection_limits::ConnectionLimiter;
use determinism::Clock;
use eci_sim::{ControlServer, EciSim};
use tokio::sync::watch;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::arguments::Arguments;
use crate::ports::{Forks, Ports, bind, until_closed};

/// Runs the local ECI that the arguments describe until SIGINT or SIGTERM.
///
/// # Errors
/// Arguments that cannot be used, addresses that cannot be listened on, a data directory that cannot be read.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    start_log()?;
    let stopping = shutdown_signal()?;
    eci_sim::prices::check_tables().context("a table that is compiled in is broken")?;
    let (key_id, secret) = arguments.credential()?;
    let token = arguments.control_token()?;
    arguments.check_runtime()?;
    let faults = arguments.faults()?;
    let clock = Clock::monotonic();
    clock.set_rate(arguments.time.unwrap_or(1));
    arguments.start_time.into_iter().for_each(|instant| clock.set(instant));
    let builder = EciSim::builder()
        .clock(clock)
        .clients_clock(Clock::system())
        .seed(arguments.seed)
        .region(&arguments.region)
        .compact_from(arguments.journal_compact_kib.saturating_mul(1024))
        .credential(&key_id, secret);
    let builder = arguments.ram_role.iter().fold(builder, |builder, role| builder.ram_role(role.as_str()));
    let builder = arguments.latency.into_iter().fold(builder, eci_sim::Builder::latency);
    let builder = arguments.prices(builder)?;
    let sim = match &arguments.data {
        Some(dir) => builder.persist(dir, arguments.time)?,
        None => builder.build(),
    };
    sim.control().add_missing_faults(faults);
    let (open, closed) = watch::channel(());
    let ports = Ports { limiter: ConnectionLimiter::default(), closed: closed.clone() };
    let containers = arguments.runtime.start(&sim, until_closed(&closed)).await?;
    let address = ports.serve_eci(&sim, bind(arguments.listen)?)?;
    println!(
        "ECI      http://{address}  access key {key_id}, region {}, seed {}",
        arguments.region, arguments.seed
    );
    if let Some(address) = arguments.tls {
        let (config, trust) = arguments.tls_config()?;
        let address = ports.serve_tls(&sim, bind(address)?, config)?;
        println!("ECI      https://{address}  {trust}");
    }
    if let Some(address) = arguments.clock {
        let socket = bind(address)?;
        println!("Clock    http://{}  the time alone, for clocks that follow", socket.local_addr()?);
        let server = ControlServer::for_clock(sim.control());
        ports.serve(socket, None, move |request| server.exchange(&request));
    }
    if let Some(wanted) = arguments.control {
        let opened = Arc::default();
        let forks = Forks { eci: arguments.listen, control: wanted, token, ports, opened };
        let address = forks.serve_control(&sim, bind(wanted)?)?;
        println!("Control  http://{address}  a page; for programs, /openapi.json");
    }
    stopping.await;
    drop(open);
    match containers {
        Some(work) => work.await.context("the Engine's driver broke")?,
        None => Ok(()),
    }
}

/// Completes on SIGINT or SIGTERM. The handlers are installed at the call: without them the first process of a
/// container is not ended by either.
fn shutdown_signal() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupted = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let mut ended = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = ended.recv() => {}
        }
    })
}

/// Logs to stderr by the levels of RUST_LOG; errors alone when it is unset.
fn start_log() -> anyhow::Result<()> {
    let levels = std::env::var("RUST_LOG").unwrap_or_else(|_| "error".to_owned());
    let should = || format!("RUST_LOG=`{levels}` should be levels such as `eci_sim=debug,error`");
    let filter: Targets = levels.parse().with_context(should)?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
    Ok(())
}
