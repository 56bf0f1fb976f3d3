//! The ports of the program: the ECI OpenAPI, the control API, and those of simulators that are forked off.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use anyhow::Context as _;
use connection_limits::ConnectionLimiter;
use eci_api::Secret;
use eci_sim::control::wire::Forked;
use eci_sim::{Door, EciSim, Exchange, Incoming, listener};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Where simulators that are forked off answer: on the same addresses, each on free ports of its own.
#[derive(Clone)]
pub struct Forks {
    pub eci: SocketAddr,
    pub control: SocketAddr,
    pub token: Option<Secret>,
    pub ports: Ports,
    /// How many there are, of all generations.
    pub opened: Arc<AtomicUsize>,
}

/// How many simulators may be forked off; each is a whole world with two ports, and lives as long as the process.
const FORKS_MAX: usize = 16;

/// What the ports of the process share: their limits, and when they close.
#[derive(Clone)]
pub struct Ports {
    pub limiter: ConnectionLimiter,
    pub closed: watch::Receiver<()>,
}

impl Forks {
    /// Opens a simulator's control door.
    pub fn serve_door(&self, sim: &EciSim, address: SocketAddr) -> anyhow::Result<SocketAddr> {
        let socket = bind(address)?;
        let address = socket.local_addr()?;
        let forks = self.clone();
        let mut door =
            Door::of(sim.control()).forking(move |fork| forks.open(&fork).map_err(|why| format!("{why:#}")));
        if let Some(token) = &self.token {
            door = door.with_token(token.clone());
        }
        self.ports.serve(socket, None, move |request| match door.lets_in(&request) {
            true => tokio::task::block_in_place(|| door.exchange(&request)),
            // A refusal takes no time, and whoever is refused gets no thread.
            false => door.exchange(&request),
        });
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
    pub fn serve_eci(&self, sim: &EciSim, socket: TcpListener) -> anyhow::Result<SocketAddr> {
        let address = socket.local_addr()?;
        let sim = sim.clone();
        self.serve(socket, None, move |request| exchange(&sim, request));
        Ok(address)
    }

    pub fn serve_tls(
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

    pub fn serve(
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

/// Completes when the process ends its ports.
pub fn over(closed: &watch::Receiver<()>) -> impl Future<Output = ()> + use<> {
    over_when(closed.clone())
}

/// Opens a listener; port 0 takes a free one.
///
/// # Errors
/// Names the address that cannot be listened on.
pub fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let why = || format!("cannot listen on {address}; choose another address, or port 0 for a free one");
    let socket = std::net::TcpListener::bind(address).with_context(why)?;
    socket.set_nonblocking(true).with_context(why)?;
    TcpListener::from_std(socket).with_context(why)
}
