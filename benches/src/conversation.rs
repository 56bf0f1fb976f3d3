//! Conversations over HTTP/1.1: many calls over a few connections, and how many of them are answered in a second.
//!
//! A server that closes after each answer, as some do, is connected to again, and pays for it.

use std::net::SocketAddr;

use determinism::Stopwatch;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A result whose error says what the server did.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Calls in a second; each share goes over a connection of its own, one call after the other.
///
/// # Errors
/// When a call is not answered, or not with status 200.
pub async fn calls_a_second(to: SocketAddr, shares: Vec<Vec<Vec<u8>>>) -> Result<u64> {
    let count: usize = shares.iter().map(Vec::len).sum();
    let watch = Stopwatch::start();
    let clients: Vec<_> = shares.into_iter().map(|share| tokio::spawn(converse(to, share))).collect();
    for client in clients {
        client.await??;
    }
    let micros = watch.elapsed().as_micros().max(1);
    Ok(u64::try_from(count as u128 * 1_000_000 / micros)?)
}

/// The body of the answer to one call.
///
/// # Errors
/// When the call is not answered, or not with status 200.
pub async fn one(to: SocketAddr, call: &[u8]) -> Result<Vec<u8>> {
    let mut stream = connect(to).await?;
    stream.write_all(call).await?;
    let mut buffer = Vec::new();
    let response = read(&mut stream, &mut buffer).await?;
    Ok(buffer.split_off(response.body_at))
}

/// The median of some figures; 0 of none.
pub fn median(mut figures: Vec<u64>) -> u64 {
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

async fn connect(to: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn converse(to: SocketAddr, calls: Vec<Vec<u8>>) -> Result<()> {
    let mut stream = connect(to).await?;
    let mut buffer = Vec::with_capacity(16 << 10);
    for call in calls {
        stream.write_all(&call).await?;
        if read(&mut stream, &mut buffer).await?.closes {
            stream = connect(to).await?;
        }
    }
    Ok(())
}

/// An answer that is in the buffer.
struct Response {
    body_at: usize,
    closes: bool,
}

/// Reads one answer, which has to be a good one.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Response> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err("the server hung up".into());
        }
        let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&buffer[..end])?.to_ascii_lowercase();
        let body_at = end + 4;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize =
            length.ok_or_else(|| format!("an answer without a length: {head}"))?.trim().parse()?;
        while buffer.len() < body_at + length {
            if stream.read_buf(buffer).await? == 0 {
                return Err("the server hung up".into());
            }
        }
        if head.split_ascii_whitespace().nth(1).is_none_or(|status| status != "200") {
            return Err(String::from_utf8_lossy(buffer).into_owned().into());
        }
        let closes = head.lines().any(|line| line == "connection: close") || head.starts_with("http/1.0");
        return Ok(Response { body_at, closes });
    }
}
