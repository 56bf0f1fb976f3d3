//! Arguments, one listener for ECI and one for the control door, run until told to stop.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use determinism::{Clock, Seed};
use eci_api::signature::Secret;
use eci_sim::{EciSim, listener};
use tokio::net::TcpListener;

/// A local Alibaba Cloud ECI.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where the ECI OpenAPI answers; port 0 takes a free one
    #[arg(long, env = "ECI_SIM_LISTEN", default_value = "127.0.0.1:8088")]
    listen: SocketAddr,
    /// Where the control door answers; there is none unless this is given
    #[arg(long, env = "ECI_SIM_CONTROL")]
    control: Option<SocketAddr>,
    /// The access key id that clients sign with [env also: ECI_ACCESS_KEY]
    #[arg(long, env = "ECI_SIM_ACCESS_KEY_ID")]
    access_key_id: Option<String>,
    /// Its secret [env also: ECI_SECRET_KEY]
    #[arg(long, env = "ECI_SIM_ACCESS_KEY_SECRET", hide_env_values = true)]
    access_key_secret: Option<String>,
    /// Where all chance comes from: three words, as a run prints them
    #[arg(long, env = "ECI_SIM_SEED", default_value_t = Seed::DEFAULT)]
    seed: Seed,
    /// How time runs: `wall`, so many times as fast (`x60`), or `still` until the control door moves it
    #[arg(long, env = "ECI_SIM_TIME", default_value = "wall", value_parser = rate)]
    time: u32,
    /// The region of calls that name none
    #[arg(long, env = "ECI_SIM_REGION", default_value = "cn-hangzhou")]
    region: String,
}

#[tokio::main(flavor = "multi_thread")]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let key_id = given(arguments.access_key_id, "ECI_ACCESS_KEY", "--access-key-id")?;
    let secret = Secret::new(given(arguments.access_key_secret, "ECI_SECRET_KEY", "--access-key-secret")?);
    if let Some(address) = arguments.control.filter(|address| !address.ip().is_loopback()) {
        anyhow::bail!("the control door has no lock, so it opens on loopback only; {address} is not");
    }
    let clock = Clock::system();
    clock.set_rate(arguments.time);
    let seed = arguments.seed;
    let sim = EciSim::builder()
        .clock(clock)
        .seed(seed)
        .region(&arguments.region)
        .credential(&key_id, secret)
        .build();
    let stopping = told_to_stop()?;
    let eci = bind(arguments.listen).await?;
    let door = match arguments.control {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    println!(
        "ECI      http://{}  access key {key_id}, region {}, seed {seed}",
        eci.local_addr()?,
        arguments.region
    );
    let (stop, _) = tokio::sync::watch::channel(());
    let stopped = |mut stop: tokio::sync::watch::Receiver<()>| async move { drop(stop.changed().await) };
    let control = sim.control();
    if let Some(door) = door {
        println!("Control  http://{}  GET / lists its routes", door.local_addr()?);
        let answer = move |request| control.exchange(&request);
        tokio::spawn(listener::serve(door, answer, stopped(stop.subscribe())));
    }
    listener::serve(eci, move |request| sim.exchange(request), stopping).await;
    drop(stop);
    Ok(())
}

/// Over when somebody interrupts or ends the program; both are heard from the moment of the call, which as the first
/// process of a container is the only way to hear them at all.
fn told_to_stop() -> anyhow::Result<impl Future<Output = ()>> {
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

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let why = || format!("cannot listen on {address}; choose another address, or port 0 for a free one");
    TcpListener::bind(address).await.with_context(why)
}

fn given(value: Option<String>, variable: &str, flag: &str) -> anyhow::Result<String> {
    let value = value.or_else(|| std::env::var(variable).ok()).filter(|value| !value.is_empty());
    value.with_context(|| format!("{flag} is missing; give the flag, or set {variable}"))
}

fn rate(text: &str) -> Result<u32, String> {
    match text.strip_prefix(['x', '×']) {
        Some(factor) => factor.parse().map_err(|_| format!("`{text}` should be a factor such as x60")),
        None if text == "wall" => Ok(1),
        None if text == "still" => Ok(0),
        None => Err(format!("`{text}` should be `wall`, `still`, or a factor such as `x60`")),
    }
}
