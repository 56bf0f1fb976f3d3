//! The rate at which events are written, which leaves the API server to the statuses of pods: a kubelet's own.

use std::time::Duration;

use tokio::time::Instant;

/// Events that are written at once, as a kubelet's `eventBurst` has it by default.
const BURST: u32 = 100;
/// The time until one more may be written behind those, as its `eventRecordQPS` of 50 has it.
const INTERVAL: Duration = Duration::from_millis(20);

/// The turns of a writer.
#[derive(Default)]
pub struct Pace {
    /// The instant at which a whole burst may be written again; `None` before the first turn.
    rested_at: Option<Instant>,
}

impl Pace {
    /// Waits for the next turn.
    pub async fn turn(&mut self) {
        let now = Instant::now();
        let rested_at = self.rested_at.map_or(now, |at| at.max(now)) + INTERVAL;
        self.rested_at = Some(rested_at);
        let wait = rested_at.duration_since(now).saturating_sub(INTERVAL * BURST);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_hundred_come_at_once_and_then_fifty_a_second() {
        let (began, mut pace) = (Instant::now(), Pace::default());
        for _ in 0..100 {
            pace.turn().await;
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
        for _ in 0..50 {
            pace.turn().await;
        }
        assert_eq!(began.elapsed(), Duration::from_secs(1));
        tokio::time::sleep(Duration::from_secs(60)).await;
        let rested = Instant::now();
        for _ in 0..100 {
            pace.turn().await;
        }
        assert_eq!(rested.elapsed(), Duration::ZERO, "a rest fills the burst again, and no more than that");
        pace.turn().await;
        assert_eq!(rested.elapsed(), INTERVAL);
    }
}
