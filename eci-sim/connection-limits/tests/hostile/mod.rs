//! Clients that want to harm a server without a credential, and what they can be measured by.
#![allow(dead_code, reason = "each port is attacked by a part of them")]

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How much memory an attacked process may take above what it takes idle, in KiB.
pub const MEMORY_MAX: u64 = 64 << 10;
/// How many hostile clients are at work at once.
const AT_ONCE: usize = 256;

/// What a conversation goes over.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A new connection to the attacked port.
pub type Dialled = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send>>;
/// Opens one.
pub type Dial = Arc<dyn Fn() -> Dialled + Send + Sync>;

/// A connection from one of this machine's own addresses.
pub async fn connect(from: [u8; 4], to: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    socket.connect(to).await
}

/// Plain connections to `to` from 127.0.0.1.
pub fn plain(to: SocketAddr) -> Dial {
    Arc::new(move || {
        Box::pin(async move {
            let stream = connect([127, 0, 0, 1], to).await?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    })
}

/// Sends the beginning of `count` requests of this head, each with so many bytes behind it, and waits a moment for what
/// comes back.
pub async fn requests(dial: &Dial, count: usize, head: &str, bytes: usize) {
    let (places, mut tasks) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    let text: Arc<[u8]> = [head.as_bytes(), &vec![b'x'; bytes]].concat().into();
    for _ in 0..count {
        let place = Arc::clone(&places).acquire_owned().await;
        let (dial, text) = (Arc::clone(dial), Arc::clone(&text));
        tasks.spawn(async move {
            let _place = place;
            let Ok(Ok(mut stream)) = tokio::time::timeout(Duration::from_secs(5), dial()).await else {
                return;
            };
            // It may be closed at any time, which is what it deserves.
            let _closed = tokio::time::timeout(Duration::from_secs(2), stream.write_all(&text)).await;
            let _answer = tokio::time::timeout(Duration::from_millis(50), stream.read_u8()).await;
        });
        while tasks.try_join_next().is_some() {}
    }
    tasks.join_all().await;
}

/// Opens `count` connections that send these bytes and nothing more, and holds the latest of them for so long.
pub async fn idle(dial: &Dial, count: usize, sent: &'static str, held: Duration) {
    let (places, mut tasks) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    let mut open = std::collections::VecDeque::new();
    for _ in 0..count {
        let place = Arc::clone(&places).acquire_owned().await;
        let dial = Arc::clone(dial);
        tasks.spawn(async move {
            let _place = place;
            let mut stream = tokio::time::timeout(Duration::from_secs(5), dial()).await.ok()?.ok()?;
            stream.write_all(sent.as_bytes()).await.ok()?;
            Some(stream)
        });
        while let Some(stream) = tasks.try_join_next() {
            open.extend(stream.ok().flatten());
            if open.len() > 600 {
                open.pop_front(); // the server has closed it long ago
            }
        }
    }
    tokio::time::sleep(held).await;
}

/// Looks at a process while something is done to it.
pub struct Watched {
    process: u32,
    idle: u64,
    most: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Watched {
    /// Begins to look at a process that is idle now.
    #[allow(clippy::disallowed_methods, reason = "another process does not run on our clock")]
    pub fn start(process: u32) -> Self {
        let idle = memory(process);
        let watched = Self { process, idle, most: Arc::default(), over: Arc::default() };
        let (most, over) = (Arc::clone(&watched.most), Arc::clone(&watched.over));
        std::thread::spawn(move || {
            while !over.load(Relaxed) {
                most.fetch_max(memory(process), Relaxed);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        watched
    }

    /// How many KiB it took at most above what it took idle.
    pub fn end(self) -> u64 {
        self.over.store(true, Relaxed);
        let most = self.most.load(Relaxed).max(memory(self.process));
        println!("idle {} KiB, at most {most} KiB", self.idle);
        most.saturating_sub(self.idle)
    }
}

/// The memory of a process that is in RAM, in KiB.
fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}
