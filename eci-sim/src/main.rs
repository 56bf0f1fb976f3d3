//! Arguments, listeners for ECI and for the control door, run until told to stop.

mod arguments;

/// An answer is hundreds of short texts, which the usual allocator of a C library looks for among many holes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser;
use determinism::Clock;
use eci_api::Secret;
use eci_sim::control::wire::Forked;
use eci_sim::{Door, EciSim, Exchange, Incoming, listener};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use arguments::Arguments;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> ExitCode {
    let told = std::env::var("RUST_LOG").unwrap_or_else(|_| "error".to_owned());
    let filter: Targets = match told.parse() {
        Ok(filter) => filter,
        Err(error) => {
            eprintln!("error: RUST_LOG=`{told}` should be levels such as `eci_sim=debug,error`: {error}");
            return ExitCode::FAILURE;
        }
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let stopping = told_to_stop()?;
    let (key_id, secret) = arguments.credential()?;
    let token = arguments.control_token()?;
    arguments.check_runtime()?;
    let faults = arguments.faults()?;
    let clock = Clock::system();
    clock.set_rate(arguments.time.unwrap_or(1));
    arguments.begin.into_iter().for_each(|instant| clock.set(instant));
    let builder = EciSim::builder()
        .clock(clock)
        .clients_clock(Clock::system())
        .seed(arguments.seed)
        .region(&arguments.region)
        .sums_up_from(arguments.data_calls_kib.saturating_mul(1024))
        .credential(&key_id, secret);
    let sim = match &arguments.data {
        Some(dir) => builder.keep(dir, arguments.time)?,
        None => builder.build(),
    };
    sim.control().lay_those_missing(faults);
    let (open, closed) = watch::channel(());
    let containers = arguments.runtime.begin(&sim, over(&closed)).await?;
    let address = serve_eci(&sim, bind(arguments.listen)?, &closed)?;
    println!(
        "ECI      http://{address}  access key {key_id}, region {}, seed {}",
        arguments.region, arguments.seed
    );
    if let Some(address) = arguments.tls {
        let (config, trust) = arguments.tls_config()?;
        let address = serve_tls(&sim, bind(address)?, config, &closed)?;
        println!("ECI      https://{address}  {trust}");
    }
    if let Some(address) = arguments.clock {
        let socket = bind(address)?;
        println!("Clock    http://{}  the time alone, for clocks that follow", socket.local_addr()?);
        let door = Door::of_the_clock(sim.control());
        tokio::spawn(listener::serve(socket, move |request| door.exchange(&request), over(&closed)));
    }
    if let Some(wanted) = arguments.control {
        let forks = Forks { eci: arguments.listen, control: wanted, token, closed };
        let address = forks.serve_door(&sim, wanted)?;
        println!("Control  http://{address}  a page; for programs, /openapi.json");
    }
    stopping.await;
    drop(open);
    match containers {
        Some(work) => work.await.context("the Engine's driver broke")?,
        None => Ok(()),
    }
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

/// Where simulators that are forked off answer: on the same addresses, each on free ports of its own.
#[derive(Clone)]
struct Forks {
    eci: SocketAddr,
    control: SocketAddr,
    token: Option<Secret>,
    closed: watch::Receiver<()>,
}

impl Forks {
    /// Opens a simulator's control door.
    fn serve_door(&self, sim: &EciSim, address: SocketAddr) -> anyhow::Result<SocketAddr> {
        let socket = bind(address)?;
        let address = socket.local_addr()?;
        let forks = self.clone();
        let mut door =
            Door::of(sim.control()).forking(move |fork| forks.open(&fork).map_err(|why| format!("{why:#}")));
        if let Some(token) = &self.token {
            door = door.with_token(token.clone());
        }
        tokio::spawn(listener::serve(
            socket,
            move |request| tokio::task::block_in_place(|| door.exchange(&request)),
            over(&self.closed),
        ));
        Ok(address)
    }

    fn open(&self, fork: &EciSim) -> anyhow::Result<Forked> {
        let free = |address: SocketAddr| SocketAddr::new(address.ip(), 0);
        let eci = serve_eci(fork, bind(free(self.eci))?, &self.closed)?;
        let control = self.serve_door(fork, free(self.control))?;
        Ok(Forked { eci: format!("http://{eci}"), control: format!("http://{control}") })
    }
}

fn serve_eci(sim: &EciSim, socket: TcpListener, closed: &watch::Receiver<()>) -> anyhow::Result<SocketAddr> {
    let address = socket.local_addr()?;
    let sim = sim.clone();
    tokio::spawn(listener::serve(socket, move |request| exchange(&sim, request), over(closed)));
    Ok(address)
}

fn serve_tls(
    sim: &EciSim,
    socket: TcpListener,
    config: Arc<ServerConfig>,
    closed: &watch::Receiver<()>,
) -> anyhow::Result<SocketAddr> {
    let address = socket.local_addr()?;
    let sim = sim.clone();
    let answer = move |request| exchange(&sim, request);
    tokio::spawn(listener::serve_tls(socket, config, answer, over(closed)));
    Ok(address)
}

/// What is done to a kept world is written before it is answered, and what only an Engine knows is asked first; both take
/// their time.
fn exchange(sim: &EciSim, request: Incoming) -> Exchange {
    if sim.is_kept() || sim.is_real() {
        return tokio::task::block_in_place(|| sim.exchange(request));
    }
    sim.exchange(request)
}

async fn over_when(mut closed: watch::Receiver<()>) {
    // It never changes: it ends when the other half is dropped.
    while closed.changed().await.is_ok() {}
}

fn over(closed: &watch::Receiver<()>) -> impl Future<Output = ()> + use<> {
    over_when(closed.clone())
}

fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let why = || format!("cannot listen on {address}; choose another address, or port 0 for a free one");
    let socket = std::net::TcpListener::bind(address).with_context(why)?;
    socket.set_nonblocking(true).with_context(why)?;
    TcpListener::from_std(socket).with_context(why)
}
