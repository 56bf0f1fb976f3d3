//! Tunnels: an upgraded connection of a client and one of a node or pod, whose bytes are handed on both ways.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Tunnels at a time, unless the builder sets another bound.
pub const TUNNELS_MAX: usize = 1024;
/// The time without a byte either way after which a tunnel ends, as a kubelet has it.
const IDLE_TIMEOUT: Duration = Duration::from_hours(4);
/// The number of looks for moved bytes in that time.
const IDLE_CHECKS: u32 = 16;
/// The time that one direction may still take when the other has ended, so that last words are read.
const LINGER: Duration = Duration::from_secs(5);
/// Bytes that wait in one direction.
const BUFFER_BYTES: usize = 16 << 10;

/// The places for tunnels; clones share them.
#[derive(Debug, Clone)]
pub struct Tunnels {
    max: usize,
    free: Arc<Semaphore>,
}

/// A place for one tunnel, free again when its last clone is dropped. It travels with the response that opens the tunnel.
#[derive(Debug, Clone)]
pub struct TunnelPlace(#[expect(dead_code, reason = "it is held, not read")] Arc<OwnedSemaphorePermit>);

/// Every place for a tunnel is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} upgraded connections (exec, attach, port-forward, proxies) are open, which is the most; close one"
)]
pub struct TunnelsFull(usize);

impl Tunnels {
    /// Places for `max` tunnels.
    pub fn new(max: usize) -> Self {
        Self { max, free: Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS))) }
    }

    /// Takes a place.
    ///
    /// # Errors
    /// [`TunnelsFull`].
    pub fn enter(&self) -> Result<TunnelPlace, TunnelsFull> {
        let permit = Arc::clone(&self.free).try_acquire_owned();
        permit.map(|permit| TunnelPlace(Arc::new(permit))).map_err(|_| TunnelsFull(self.max))
    }
}

/// A tunnel whose two connections are about to stop being HTTP.
#[derive(Debug)]
pub struct Tunnel {
    /// The client's connection.
    pub client: OnUpgrade,
    /// The connection to the node or pod.
    pub backend: OnUpgrade,
    /// The tunnel's place.
    pub place: Option<TunnelPlace>,
}

impl Tunnel {
    /// Hands bytes on until either side has ended, or nothing moves any more.
    pub async fn carry(self) {
        let Self { client, backend, place: _place } = self;
        // A side that is gone before the upgrade leaves nothing to carry.
        let Ok((client, backend)) = tokio::try_join!(client, backend) else { return };
        exchange(TokioIo::new(client), TokioIo::new(backend)).await;
    }
}

async fn exchange<C, B>(client: C, backend: B)
where
    C: AsyncRead + AsyncWrite,
    B: AsyncRead + AsyncWrite,
{
    let moved = AtomicU64::new(0);
    let (from_client, to_client) = tokio::io::split(client);
    let (from_backend, to_backend) = tokio::io::split(backend);
    let mut inward = std::pin::pin!(pump(from_client, to_backend, &moved));
    let mut outward = std::pin::pin!(pump(from_backend, to_client, &moved));
    let ended = async {
        // A direction that takes longer than the linger is cut.
        let _in_time = tokio::select! {
            () = inward.as_mut() => tokio::time::timeout(LINGER, outward.as_mut()).await,
            () = outward.as_mut() => tokio::time::timeout(LINGER, inward.as_mut()).await,
        };
    };
    tokio::select! {
        () = ended => {}
        () = idle(&moved) => {}
    }
}

/// Hands bytes on in one direction, and its end.
async fn pump<R: AsyncRead, W: AsyncWrite>(
    mut read: ReadHalf<R>,
    mut write: WriteHalf<W>,
    moved: &AtomicU64,
) {
    let mut buffer = vec![0; BUFFER_BYTES];
    while let Ok(count @ 1..) = read.read(&mut buffer).await {
        moved.fetch_add(1, Relaxed);
        if write.write_all(&buffer[..count]).await.is_err() || write.flush().await.is_err() {
            break;
        }
        moved.fetch_add(1, Relaxed);
    }
    // Fails only where the other side is gone already.
    let _ = write.shutdown().await;
}

/// Comes back when nothing has moved for the idle timeout.
async fn idle(moved: &AtomicU64) {
    let (mut still, mut known) = (0, moved.load(Relaxed));
    while still < IDLE_CHECKS {
        tokio::time::sleep(IDLE_TIMEOUT / IDLE_CHECKS).await;
        let now = moved.load(Relaxed);
        still = if now == known { still + 1 } else { 0 };
        known = now;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::DuplexStream;
    use tokio::time::Instant;

    use super::*;

    /// The two far ends of a tunnel, the client's first, and its task.
    fn tunnel() -> (DuplexStream, DuplexStream, tokio::task::JoinHandle<()>) {
        let (client, near) = tokio::io::duplex(64);
        let (far, backend) = tokio::io::duplex(64);
        (client, backend, tokio::spawn(exchange(near, far)))
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_go_both_ways_and_the_end_of_the_node_reaches_the_client_after_them() {
        let (mut client, mut node, task) = tunnel();
        client.write_all(b"ls").await.unwrap();
        let mut asked = [0; 2];
        node.read_exact(&mut asked).await.unwrap();
        let saying = async move { node.write_all(&[7; 1000]).await };
        let mut said = Vec::new();
        let (written, read) = tokio::join!(saying, client.read_to_end(&mut said));
        written.unwrap();
        assert_eq!((&asked, read.unwrap()), (b"ls", 1000));
        task.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_leaves_frees_a_node_that_goes_on_talking() {
        let (client, mut node, task) = tunnel();
        drop(client);
        let begun = Instant::now();
        while node.write_all(b"more").await.is_ok() {
            tokio::task::yield_now().await;
        }
        task.await.unwrap();
        assert!(begun.elapsed() <= LINGER, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_never_ends_after_its_client_did_is_left_after_a_linger() {
        let (mut client, node, task) = tunnel();
        client.shutdown().await.unwrap();
        let begun = Instant::now();
        task.await.unwrap();
        assert_eq!(begun.elapsed(), LINGER);
        drop(node);
    }

    #[tokio::test(start_paused = true)]
    async fn a_tunnel_in_which_nothing_moves_ends_after_four_hours() {
        let (mut client, node, task) = tunnel();
        let begun = Instant::now();
        tokio::time::sleep(Duration::from_hours(3)).await;
        client.write_all(b"still here").await.unwrap();
        task.await.unwrap();
        let lasted = begun.elapsed();
        assert!(lasted >= Duration::from_hours(7) && lasted < Duration::from_hours(8), "{lasted:?}");
        drop(node);
    }

    #[test]
    fn a_place_is_free_again_when_its_tunnel_is_gone() {
        let tunnels = Tunnels::new(1);
        let place = tunnels.enter().unwrap();
        let refused = tunnels.enter().unwrap_err().to_string();
        assert!(refused.starts_with("1 upgraded connections (exec, attach,"), "{refused}");
        drop(place);
        tunnels.enter().unwrap();
    }
}
