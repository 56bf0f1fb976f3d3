//! The ports of the program: the ECI OpenAPI, the control API, and those of forked simulators.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use anyhow::Context as _;
use connection_limits::ConnectionLimiter;
use eci_api::Secret;
use eci_sim::control::server::ForkError;
use eci_sim::control::wire::Forked;
use eci_sim::{ControlServer, EciSim, Exchange, Incoming, listener};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Listeners of forked simulators: on the same addresses, each on free ports.
#[derive(Clone)]
pub struct Forks {
    pub eci: SocketAddr,
    pub control: SocketAddr,
    pub token: Option<Secret>,
    pub ports: Ports,
    /// Number of forks, of all generations.
    pub opened: Arc<AtomicUsize>,
}

/// The most forks of a process; each is a whole world with two ports, and lives as long as the process.
const FORKS_MAX: usize = 16;

/// Connection limits and shutdown, shared by all ports of the process.
#[derive(Clone)]
pub struct Ports {
    pub limiter: ConnectionLimiter,
    pub closed: watch::Receiver<()>,
}

impl Forks {
    /// Opens a control API for a simulator.
    pub fn serve_control(&self, sim: &EciSim, socket: TcpListener) -> io::Result<SocketAddr> {
        let address = socket.local_addr()?;
        let forks = self.clone();
        let mut server = ControlServer::new(sim.control()).with_forks(move |fork| forks.open(&fork));
        if let Some(token) = &self.token {
            server = server.with_token(token.clone());
        }
        self.ports.serve(socket, None, move |request| match server.authorizes(&request) {
            true => tokio::task::block_in_place(|| server.exchange(&request)),
            // A refusal takes no time, and whoever is refused gets no thread.
            false => server.exchange(&request),
        });
        Ok(address)
    }

    fn open(&self, fork: &EciSim) -> Result<Forked, ForkError> {
        let one_more = |opened| (opened < FORKS_MAX).then_some(opened + 1);
        if self.opened.fetch_update(Relaxed, Relaxed, one_more).is_err() {
            return Err(ForkError::TooMany(FORKS_MAX));
        }
        let free = |address: SocketAddr| SocketAddr::new(address.ip(), 0);
        let eci = self.ports.serve_eci(fork, listen(free(self.eci))?)?;
        let control = self.serve_control(fork, listen(free(self.control))?)?;
        Ok(Forked { eci: format!("http://{eci}"), control: format!("http://{control}") })
    }
}

impl Ports {
    pub fn serve_eci(&self, sim: &EciSim, socket: TcpListener) -> io::Result<SocketAddr> {
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
    ) -> io::Result<SocketAddr> {
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
        tokio::spawn(listener::serve_within(limiter, socket, tls, answer, until_closed(&self.closed)));
    }
}

/// Blocks its worker where the world is persistent, whose journal is written before the answer, or where only a container
/// engine knows the answer; not for a request without a good signature, whose sender gets no thread.
fn exchange(sim: &EciSim, request: Incoming) -> Exchange {
    match sim.authenticated(request) {
        Ok(call) if sim.is_persistent() || sim.is_real() => tokio::task::block_in_place(|| sim.answer(call)),
        Ok(call) => sim.answer(call),
        Err(answered) => *answered,
    }
}

async fn wait_closed(mut closed: watch::Receiver<()>) {
    // The value never changes: this ends when the sender is dropped.
    while closed.changed().await.is_ok() {}
}

/// Completes when the process closes its ports.
pub fn until_closed(closed: &watch::Receiver<()>) -> impl Future<Output = ()> + use<> {
    wait_closed(closed.clone())
}

/// Opens a listener; port 0 takes a free one.
///
/// # Errors
/// Names the address that cannot be listened on.
pub fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let why = || format!("cannot listen on {address}; choose another address, or port 0 for a free one");
    listen(address).with_context(why)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = std::net::TcpListener::bind(address)?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use bytes::Bytes;
    use determinism::Clock;
    use http::Request;

    use super::*;

    #[tokio::test]
    async fn a_request_without_a_signature_blocks_no_worker() {
        let data = tempfile::tempdir().unwrap();
        let clock = Clock::still("2026-01-05T01:00:00Z".parse().unwrap());
        let sim = EciSim::builder().clock(clock).persist(data.path(), None).unwrap();
        let request = Request::get("http://localhost/?Action=DescribeRegions").body(Bytes::new()).unwrap();
        // A worker of this runtime cannot be blocked: that would panic.
        let exchange = exchange(&sim, Incoming::from(request));
        assert!(!exchange.authenticated);
        assert!(exchange.answer.unwrap().status().is_client_error());
    }
}
