//! The ends of streams as those see them who fill and empty them, whatever carries them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

/// The time without a byte after which a connection is closed, as a kubelet has it.
const IDLE: Duration = Duration::from_secs(4 * 3600);
/// The number of looks for moved bytes in that time.
const IDLE_CHECKS: u32 = 16;
/// The largest piece that is sent at once.
const PIECE_MAX: usize = 32 << 10;
/// The number of pieces that wait for a slow reader before their writer waits too.
pub(super) const WAITING_MAX: usize = 8;

/// Messages to the other side.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// A stream is taken.
    Accepted(u32),
    /// Bytes of a stream.
    Bytes(u32, Bytes),
    /// A stream has no more bytes.
    Closed(u32),
    /// A stream is not taken, for a reason that has a number in SPDY.
    Reset(u32, u32),
    /// A ping comes back.
    Ping(u32),
    /// So many bytes of a stream were taken.
    Room(u32, u32),
    /// Nothing more will be said; zero when all went well.
    End(u32),
}

/// The way to the other side.
pub(super) type Line = mpsc::Sender<Outgoing>;

/// The other side does not listen any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PeerGone;

/// The sending end of one stream.
#[derive(Debug, Clone)]
pub(super) struct StreamSender {
    number: u32,
    line: Line,
}

impl StreamSender {
    pub fn new(number: u32, line: Line) -> Self {
        Self { number, line }
    }

    /// Sends bytes, in pieces; waits while the other side is slow.
    pub async fn say(&self, mut bytes: Bytes) -> Result<(), PeerGone> {
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(PIECE_MAX));
            self.line.send(Outgoing::Bytes(self.number, piece)).await.map_err(|_| PeerGone)?;
        }
        Ok(())
    }

    /// Says that no more will come.
    pub async fn close(&self) {
        // An error is ignored: a peer that has left need not know.
        let _ = self.line.send(Outgoing::Closed(self.number)).await;
    }

    /// Ends the stream in both directions.
    pub async fn reset(&self) {
        let _ = self.line.send(Outgoing::Reset(self.number, 1)).await;
    }
}

/// The receiving end of one stream; it ends when the other side has closed it.
pub(super) type StreamReceiver = mpsc::Receiver<Bytes>;

/// Counts what moves on a connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Movement(Arc<AtomicU64>);

impl Movement {
    pub fn moved(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Comes back when nothing has moved for four hours.
    pub async fn has_ceased(&self) {
        let mut still = 0;
        let mut known = self.0.load(Ordering::Relaxed);
        while still < IDLE_CHECKS {
            tokio::time::sleep(IDLE / IDLE_CHECKS).await;
            let now = self.0.load(Ordering::Relaxed);
            still = if now == known { still + 1 } else { 0 };
            known = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_four_hours_after_its_last_byte() {
        let (movement, begun) = (Movement::default(), Instant::now());
        let (moving, last) = (movement.clone(), Duration::from_secs(50 * 60));
        tokio::spawn(async move {
            sleep(last).await;
            moving.moved();
        });
        movement.has_ceased().await;
        let idle = begun.elapsed() - last;
        assert!(idle >= IDLE && idle <= IDLE + IDLE / IDLE_CHECKS, "{idle:?}");
    }
}
