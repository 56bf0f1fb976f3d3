//! The ends of the process in good order: by a signal, or by a change of the files that it was started with.

use std::path::Path;
use std::time::Duration;

use super::arguments::read_settings;

/// The pause between two looks at the files; a kubelet brings a new version within a minute or so.
const POLL_INTERVAL: Duration = Duration::from_secs(10);

/// Waits for Ctrl-C, or for the signal with which Kubernetes ends a container.
pub async fn shutdown_signal() {
    let interrupted = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
        }
        Err(_) => drop(interrupted.await),
    }
}

/// Returns when the settings at `path` have changed; never without a path. While they cannot be read, as between two
/// versions of a mounted Secret, they are taken for unchanged.
pub async fn changed(path: Option<&Path>) {
    let Some(path) = path else { return std::future::pending().await };
    let mut first = None;
    loop {
        match (read_settings(path), &first) {
            (Ok(now), None) => first = Some(now),
            (Ok(now), Some(first)) if now != *first => {
                tracing::warn!("{} has changed: ending, to be started anew with it", path.display());
                return;
            }
            (Ok(_), Some(_)) => {}
            (Err(error), _) => tracing::debug!("{error}"),
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
