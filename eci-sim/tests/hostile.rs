//! Clients without a credential, thousands of them: the simulator stays small, and those who have one are served.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../connection-limits/tests/hostile/mod.rs"]
mod clients;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use clients::{MEMORY_MAX, Watched, connect, idle, plain, requests};
use determinism::Clock;
use eci_api::query::{Pairs, render};
use eci_api::signature::{Secret, rpc};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

struct Process {
    child: Child,
    eci: SocketAddr,
    control: SocketAddr,
}

impl Process {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_eci-sim"))
            .args(["--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--control-token", "token"])
            .args(["--access-key-id", "local", "--access-key-secret", "local-secret"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        let mut address = || {
            let line = lines.next().unwrap().unwrap();
            line.split("http://").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap()
        };
        let (eci, control) = (address(), address());
        Self { child, eci, control }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _gone_already = self.child.wait();
    }
}

/// The status of a signed call over a connection of its own.
async fn call(eci: SocketAddr, nonce: usize) -> std::io::Result<String> {
    let mut pairs: Pairs = Vec::new();
    let key = ("local", &Secret::new("local-secret"));
    rpc::complete(&mut pairs, "DescribeRegions", key, "POST", Clock::system().now(), &nonce.to_string());
    let mut stream = connect([127, 0, 0, 2], eci).await?;
    let head = format!("POST /?{} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n", render(&pairs));
    stream.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes real time; `cargo test -p eci-sim --test integration hostile:: -- --ignored` plays it"]
async fn thousands_without_a_credential_leave_the_simulator_small_and_others_served() {
    let process = Process::start();
    let watched = Watched::start(process.child.id());
    let over = Arc::new(AtomicBool::new(false));
    let served = tokio::spawn({
        let (eci, over) = (process.eci, Arc::clone(&over));
        async move {
            let mut served = 0;
            while !over.load(Relaxed) {
                let answer = tokio::time::timeout(Duration::from_secs(10), call(eci, served)).await;
                assert_eq!(answer.unwrap().unwrap(), "HTTP/1.1 200 OK", "call {served}");
                served += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            served
        }
    });
    let unverified = "POST /?Version=2018-08-08&AccessKeyId=nobody HTTP/1.1\r\nhost: h\r\n\
                      content-type: application/x-www-form-urlencoded\r\ncontent-length: 1048583\r\n\r\nAction=";
    let long_head = "GET /?Version=2018-08-08&AccessKeyId=nobody&Action=";
    let body = "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 4194304\r\n\r\n";
    for port in [process.eci, process.control] {
        let dial = plain(port);
        requests(&dial, 300, unverified, 1 << 20).await;
        requests(&dial, 300, long_head, 1 << 20).await;
        requests(&dial, 200, body, 4_000_000).await;
        requests(&dial, 10_000, body, 20_000).await;
        idle(&dial, 5000, "", Duration::from_millis(200)).await;
        idle(&dial, 600, "GET / HTTP/1.1\r\nx: ", Duration::from_secs(1)).await;
    }
    over.store(true, Relaxed);
    assert!(served.await.unwrap() > 20);
    let grown = watched.end();
    assert!(grown <= MEMORY_MAX, "{grown} KiB more than idle");
}
