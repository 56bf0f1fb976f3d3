//! The provider as a program: arguments, clients, two ports, and then the node until a signal ends it.

mod arguments;
mod cluster;
mod error;
mod inspect;
mod node;
mod ports;
mod restart;
mod uninstall;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory as _, Parser as _};
use determinism::{Clock, Seed};
use tokio::runtime::Runtime;

use self::arguments::{Arguments, Command};
use self::cluster::Cluster;
use self::error::CliError;
use self::node::Node;
use crate::config::Settings;
use crate::eci::key_rotation::KeyRotation;
use crate::eci::key_source::KeyReader;
use crate::eci::{Eci, HyperTransport, Transport};
use crate::external_clock::calls::{CountedTransport, InFlightCalls};
use crate::external_clock::{self, RemoteClock};
use crate::log_levels;

/// Runs the program with the process's arguments and environment until it ends; errors are printed to stderr.
///
/// Logs go to stderr by the levels of `RUST_LOG`, `info` when that is unset or cannot be read, until the node's port is told
/// others (`PUT /debug/flags/v`).
pub fn main() -> ExitCode {
    let levels = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let coloured = std::io::stderr().is_terminal();
    let log =
        tracing_subscriber::fmt().with_env_filter(levels).with_writer(std::io::stderr).with_ansi(coloured);
    let log = log.with_filter_reloading();
    let handle = log.reload_handle();
    log.init();
    log_levels::install(move |levels| handle.reload(levels).is_ok());
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), CliError> {
    if let Some(Command::Completions { shell }) = arguments.command {
        let mut command = Arguments::command();
        clap_complete::generate(shell, &mut command, "provider", &mut std::io::stdout());
        return Ok(());
    }
    let mut settings = arguments.settings()?;
    // Subcommands ask the cloud a few times, for which the machine's time will do.
    let clock_url = settings.clock_url.take().filter(|_| arguments.command.is_none());
    let (runtime, ended) = match clock_url {
        None => {
            let runtime = Runtime::new().map_err(CliError::Runtime)?;
            let ended = runtime.block_on(run_command(arguments, settings, Clock::system(), None));
            (runtime, ended)
        }
        Some(url) => {
            let runtime = external_clock::paused_runtime().map_err(CliError::Runtime)?;
            let remote = RemoteClock::new(url, &settings.config.node_name).map_err(CliError::Transport)?;
            let ended = runtime.block_on(run_by_remote_clock(&remote, arguments, settings));
            (runtime, ended)
        }
    };
    // Tasks that still run are not waited for.
    runtime.shutdown_background();
    ended
}

async fn run_by_remote_clock(
    remote: &RemoteClock,
    arguments: &Arguments,
    settings: Settings,
) -> Result<(), CliError> {
    let _held = external_clock::hold_clock();
    let calls = InFlightCalls::default();
    let clock = remote.start().await;
    let ended = tokio::select! {
        ended = run_command(arguments, settings, clock.clone(), Some(&calls)) => ended,
        backwards = remote.follow(&clock, &calls) => Err(backwards.into()),
    };
    remote.leave().await;
    ended
}

/// Runs the subcommand, or the node where there is none; calls are counted in `calls`, where that is given.
async fn run_command(
    arguments: &Arguments,
    mut settings: Settings,
    clock: Clock,
    calls: Option<&InFlightCalls>,
) -> Result<(), CliError> {
    let seed = Seed::from_entropy().map_err(CliError::Entropy)?;
    let cluster = Cluster::connect(calls).await?;
    let own_address = || cluster::address_towards(&cluster.address);
    settings.config.node_ip = settings.config.node_ip.or_else(own_address);
    let transport = HyperTransport::new().map_err(CliError::Transport)?;
    let transport: Arc<dyn Transport> = match calls {
        Some(calls) => Arc::new(CountedTransport(transport, calls.clone())),
        None => Arc::new(transport),
    };
    let (source, reader) = (settings.keys, KeyReader { transport: transport.clone(), clock: clock.clone() });
    let key = source.read(&reader).await?;
    let eci = Eci::new(transport, key.credentials.clone(), settings.region, clock.clone(), seed)
        .with_rates(arguments.cloud_rates.clone())
        .acting_for(source.principal());
    let eci = settings.endpoint.into_iter().fold(eci, Eci::at);
    eci.set_key(key.clone());
    let (config, listen) = (settings.config, settings.listen);
    let client = cluster.client.clone();
    match arguments.command {
        Some(Command::Check) => inspect::check(&config, client, eci).await,
        Some(Command::Inspect { json }) => inspect::inspect(&config, client, eci, &clock, json).await,
        Some(Command::Orphans { end, json }) => {
            inspect::orphans(&config, client, eci, &clock, end, json).await
        }
        Some(Command::UninstallCheck { on_live_groups }) => {
            uninstall::check(on_live_groups, &config, client, eci).await
        }
        // answered before there were settings
        Some(Command::Completions { .. }) => Ok(()),
        None => {
            let rotation = KeyRotation { eci: eci.clone(), source, reader };
            tokio::select! {
                ended = Node { config, listen, cluster, eci, clock, seed }.run(arguments) => ended,
                () = rotation.run(key) => Ok(()),
            }
        }
    }
}
