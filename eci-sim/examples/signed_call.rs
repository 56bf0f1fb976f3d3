//! A call that no SDK makes: parameters, signature and HTTP by hand, to a local ECI on a port of its own.
//!
//! `cargo run -p eci-sim --example signed_call`; `cargo test` runs it too.

use std::error::Error;

use determinism::Clock;
use eci_api::query::{Pairs, render};
use eci_api::signature::{Secret, rpc};
use eci_sim::{EciSim, listener};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The first scheme of Alibaba Cloud: all parameters, those of the signature among them, in the query.
fn signed(action: &str, parameters: &[(&str, &str)], clock: &Clock) -> String {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let mut pairs: Pairs = parameters.iter().map(owned).collect();
    let key = ("local", &Secret::new("local-secret"));
    // a nonce is used once; a client of many calls draws it
    rpc::complete(&mut pairs, action, key, "GET", clock.now(), "a-nonce-of-this-call");
    render(&pairs)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let clock = Clock::still("2026-01-05T01:30:00Z".parse()?);
    let sim = EciSim::builder().clock(clock.clone()).credential("local", Secret::new("local-secret")).build();
    let socket = TcpListener::bind("127.0.0.1:0").await?;
    let address = socket.local_addr()?;
    tokio::spawn(listener::serve(socket, move |request| sim.exchange(request), std::future::pending()));

    let query = signed("DescribeRegions", &[("RegionId", "cn-hangzhou")], &clock);
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /?{query} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    println!("{}", response.lines().last().unwrap_or_default());
    assert!(response.starts_with("HTTP/1.1 200 ") && response.contains("eci.cn-hangzhou.aliyuncs.com"));
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_call_that_is_signed_by_hand_is_answered() -> Result<(), Box<dyn std::error::Error>> {
        super::main()
    }
}
