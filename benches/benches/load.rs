//! Signed calls in a second over sockets, beside a bare hyper server that answers as many bytes, in turns.
//!
//! Both servers and their clients share two threads, so a ratio is what the simulator costs beside all that both do.
//! The ratio is taken in each turn, so that what else the machine did fell on both; what that was is told, too.

#[path = "../src/conversation.rs"]
mod conversation;
mod groups;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use determinism::{Clock, Seed, Stopwatch};
use eci_api::Secret;
use eci_api::query::render;
use eci_api::signature::acs3;
use eci_sim::{EciSim, listener};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use conversation::{Result, calls_a_second, median, one};
use groups::group;

const KEY: (&str, &str) = ("load", "load-secret");
const GROUPS: usize = 1_000;
const CONNECTIONS: usize = 16;
const CALLS: usize = 20_000;
const TURNS: usize = 15;
/// Number of calls as a test.
const FEW: usize = 160;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(run())
}

async fn run() -> Result<()> {
    let clock = Clock::still("2026-01-05T01:00:00Z".parse()?);
    let sim = EciSim::builder().clock(clock.clone()).credential(KEY.0, Secret::new(KEY.1)).build();
    let ids: Vec<String> =
        (0..GROUPS).map(|n| Ok(sim.act(&group(n))?.container_group_id)).collect::<Result<_>>()?;
    clock.advance(Duration::from_secs(60))?;
    sim.control().now();
    let socket = TcpListener::bind("127.0.0.1:0").await?;
    let eci = socket.local_addr()?;
    tokio::spawn(listener::serve(socket, move |request| sim.exchange(request), std::future::pending()));
    let mut calls = Calls { ids, clock, nonces: Seed::DEFAULT.chance("nonces") };
    let answer = one(eci, &calls.one(eci, 0)).await?.len();
    let bare = serve_constant(answer).await?;
    let is_test = std::env::args().any(|argument| argument == "--test");
    let (count, turns) = if is_test { (FEW, 1) } else { (CALLS, TURNS) };
    let (mut simulator, mut hyper, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..turns {
        let pair = (turn(eci, &mut calls, count).await?, turn(bare, &mut calls, count).await?);
        simulator.push(pair.0);
        hyper.push(pair.1);
        ratios.push(pair.0 * 100 / pair.1.max(1));
    }
    ratios.sort_unstable();
    let range = (ratios[0], ratios[ratios.len() - 1]);
    let (simulator, hyper, ratio) = (median(simulator), median(hyper), median(ratios));
    println!(
        "{count} describes of one of {GROUPS} groups over {CONNECTIONS} connections, {answer} bytes each, median of {turns} turns"
    );
    println!("eci-sim, every signature verified   {simulator:>8} calls/s");
    println!("bare hyper, a constant              {hyper:>8} calls/s");
    println!("ratio of two turns                  {ratio:>8} %, from {} % to {} %", range.0, range.1);
    println!("load of the machine meanwhile       {}", std::fs::read_to_string("/proc/loadavg")?.trim());
    let mut first = Vec::new();
    let mut idle = 0;
    for _ in 0..turns {
        let (micros, kibibytes) = first_answer().await?;
        first.push(micros);
        idle = idle.max(kibibytes);
    }
    println!("first signed answer after exec      {:>8} us", median(first));
    println!("resident memory after it            {idle:>8} KiB at most");
    Ok(())
}

/// Microseconds between the start of the program and its first signed answer, and the memory in KiB that it has then.
async fn first_answer() -> Result<(u64, u64)> {
    let free = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let mut calls = Calls {
        ids: vec!["eci-none".to_owned()],
        clock: Clock::system(),
        nonces: Seed::DEFAULT.chance("first"),
    };
    let call = calls.one(free, 0);
    let watch = Stopwatch::start();
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_eci-sim"))
        .args(["--listen", &free.to_string(), "--access-key-id", KEY.0, "--access-key-secret", KEY.1])
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    while one(free, &call).await.is_err() {
        tokio::task::yield_now().await;
    }
    let micros = u64::try_from(watch.elapsed().as_micros())?;
    let pid = child.id().ok_or("it has ended")?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = resident.ok_or("no VmRSS")?.trim().trim_end_matches(" kB").parse()?;
    child.kill().await?;
    Ok((micros, kibibytes))
}

/// Signed calls, each with a nonce of its own.
struct Calls {
    ids: Vec<String>,
    clock: Clock,
    nonces: determinism::Chance,
}

impl Calls {
    fn one(&mut self, to: SocketAddr, n: usize) -> Vec<u8> {
        let id = &self.ids[n % self.ids.len()];
        let query = vec![("ContainerGroupIds".to_owned(), format!("[\"{id}\"]"))];
        let (nonce, secret) = (self.nonces.text("0123456789abcdef", 32), Secret::new(KEY.1));
        let host = to.to_string();
        let action = "DescribeContainerGroups";
        let headers = acs3::headers(action, &host, &query, (KEY.0, &secret), self.clock.now(), &nonce);
        let lines: String = headers
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("host"))
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let query = render(&query);
        format!("POST /?{query} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\n{lines}\r\n").into_bytes()
    }
}

/// Calls a second of one turn; the calls are signed before the watch starts.
async fn turn(to: SocketAddr, calls: &mut Calls, count: usize) -> Result<u64> {
    let each = count / CONNECTIONS;
    let shares =
        (0..CONNECTIONS).map(|share| (0..each).map(|n| calls.one(to, share * each + n)).collect()).collect();
    calls_a_second(to, shares).await
}

async fn serve_constant(size: usize) -> Result<SocketAddr> {
    let socket = TcpListener::bind("127.0.0.1:0").await?;
    let address = socket.local_addr()?;
    let body = Bytes::from(vec![b'x'; size]);
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let body = body.clone();
            let answer = service_fn(move |_: Request<Incoming>| {
                let body = body.clone();
                async move { Ok::<_, Infallible>(Response::new(Full::new(body))) }
            });
            tokio::spawn(async move {
                let _until_it_hangs_up = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), answer)
                    .await;
            });
        }
    });
    Ok(address)
}
