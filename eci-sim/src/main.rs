//! Arguments, listeners for ECI and for the control door, run until told to stop.

mod arguments;

/// An answer is hundreds of short texts, which the usual allocator of a C library looks for among many holes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use anyhow::Context as _;
use clap::Parser;
use connection_limits::ConnectionLimiter;
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
    let clock = Clock::monotonic();
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
    let ports = Ports { limiter: ConnectionLimiter::default(), closed: closed.clone() };
    let containers = arguments.runtime.begin(&sim, over(&closed)).await?;
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
        let door = Door::of_the_clock(sim.control());
        ports.serve(socket, None, move |request| door.exchange(&request));
    }
    if let Some(wanted) = arguments.control {
        let opened = Arc::default();
        let forks = Forks { eci: arguments.listen, control: wanted, token, ports, opened };
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
    ports: Ports,
    /// How many there are, of all generations.
    opened: Arc<AtomicUsize>,
}

/// How many simulators may be forked off; each is a whole world with two ports, and lives as long as the process.
const FORKS_MAX: usize = 16;

/// What the ports of the process share: their limits, and when they close.
#[derive(Clone)]
struct Ports {
    limiter: ConnectionLimiter,
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
        self.ports
            .serve(socket, None, move |request| tokio::task::block_in_place(|| door.exchange(&request)));
        Ok(address)
    }

    fn open(&self, fork: &EciSim) -> anyhow::Result<Forked> {
        let one_more = |opened| (opened < FORKS_MAX).then_some(opened + 1);
        if self.opened.fetch_update(Relaxed, Relaxed, one_more).is_err() {
            anyhow::bail!("{FORKS_MAX} forks were opened already, and each lives until this eci-sim ends");
        }
        let free = |address: SocketAddr| SocketAddr::new(address.ip(), 0);
        let eci = self.ports.serve_eci(fork, bind(free(self.eci))?)?;
        let control = self.serve_door(fork, free(self.control))?;
        Ok(Forked { eci: format!("http://{eci}"), control: format!("http://{control}") })
    }
}

impl Ports {
    fn serve_eci(&self, sim: &EciSim, socket: TcpListener) -> anyhow::Result<SocketAddr> {
        let address = socket.local_addr()?;
        let sim = sim.clone();
        self.serve(socket, None, move |request| exchange(&sim, request));
        Ok(address)
    }

    fn serve_tls(
        &self,
        sim: &EciSim,
        socket: TcpListener,
        config: Arc<ServerConfig>,
    ) -> anyhow::Result<SocketAddr> {
        let address = socket.local_addr()?;
        let sim = sim.clone();
        self.serve(socket, Some(config), move |request| exchange(&sim, request));
        Ok(address)
    }

    fn serve(
        &self,
        socket: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        answer: impl Fn(Incoming) -> Exchange + Send + Sync + 'static,
    ) {
        let limiter = self.limiter.clone();
        tokio::spawn(listener::serve_within(limiter, socket, tls, answer, over(&self.closed)));
    }
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
