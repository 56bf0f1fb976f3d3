//! The play of a trace: each row becomes a pod at its time, runs for its duration, and is deleted when it has ended.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, pin_mut, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, DynamicObject, PostParams};
use kube::runtime::{WatchStreamExt, watcher};
use provider::webhook::injection::{TAINT_KEY, TYPE_LABEL, TYPE_VALUE};
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::trace::Row;
use crate::objects::{Fields, new_object, objects};
use crate::stage::World;

/// The label of a replay's pods.
const LABEL: &str = "virtual-node-replay";
/// Time without an end of any pod, after the last should have ended, in which nothing is waited for any more.
const STALL_TIMEOUT: Duration = Duration::from_secs(1800);
/// Calls in flight at once.
const IN_FLIGHT: usize = 64;

/// What became of the pods.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Played {
    /// Places of the rows whose pods ran to their end.
    pub succeeded: Vec<usize>,
    /// Places of the rows whose pods failed, each with the reason.
    pub failed: Vec<(usize, String)>,
    /// True when somebody ended the play before.
    pub interrupted: bool,
    /// Time that passed in the world.
    pub took: Duration,
}

impl Played {
    /// Number of pods that have ended.
    pub fn ended(&self) -> usize {
        self.succeeded.len() + self.failed.len()
    }
}

/// Plays the rows in the world until all pods have ended, or `end` comes; `tell` hears of each pod that ended.
///
/// # Errors
/// [`kube::Error`] when the API refuses a pod.
pub async fn play(
    world: &World,
    rows: &[Row],
    end: impl Future<Output = ()>,
    mut tell: impl FnMut(&Played),
) -> kube::Result<Played> {
    let api = objects::<Pod>(world.kube(), Some(world.home()));
    let began = Instant::now();
    let last = rows.iter().map(|row| row.arrival + row.duration).max().unwrap_or_default();
    let mut played = Played::default();
    played.interrupted = {
        let creating = create(&api, rows, began);
        let deleting = delete(&api, &mut played, (rows.len(), began + last + STALL_TIMEOUT), &mut tell);
        pin_mut!(creating, deleting, end);
        let mut created = false;
        loop {
            tokio::select! {
                made = &mut creating, if !created => {
                    made?;
                    created = true;
                }
                ended = &mut deleting => {
                    ended?;
                    break false;
                }
                () = &mut end => break true,
            }
        }
    };
    played.took = began.elapsed();
    Ok(played)
}

async fn create(api: &Api<DynamicObject>, rows: &[Row], began: Instant) -> kube::Result<()> {
    let calls = stream::iter(rows.iter().enumerate()).map(|(place, row)| async move {
        sleep_until(began + row.arrival).await;
        api.create(&PostParams::default(), &pod(place, row)).await.map(drop)
    });
    calls.buffered(IN_FLIGHT).try_collect().await
}

/// Deletes each pod that has ended, until all have, or none does any more.
async fn delete(
    api: &Api<DynamicObject>,
    played: &mut Played,
    (all, latest): (usize, Instant),
    tell: &mut impl FnMut(&Played),
) -> kube::Result<()> {
    let events = watcher(api.clone(), watcher::Config::default().labels(LABEL)).applied_objects();
    pin_mut!(events);
    while played.ended() < all {
        let event = tokio::select! {
            event = events.next() => event,
            () = sleep_until(latest) => return Ok(()),
        };
        // A watch that broke begins again by itself.
        let Some(Ok(pod)) = event else { continue };
        let phase = pod.text("/status/phase").unwrap_or_default();
        let place = pod.metadata.labels.as_ref().and_then(|labels| labels.get(LABEL)?.parse::<usize>().ok());
        let (Some(place), Some(name), None) = (place, &pod.metadata.name, &pod.metadata.deletion_timestamp)
        else {
            continue;
        };
        match phase {
            "Succeeded" => played.succeeded.push(place),
            "Failed" => {
                let reason =
                    pod.text("/status/message").or(pod.text("/status/reason")).unwrap_or("no reason");
                played.failed.push((place, reason.to_owned()));
            }
            _ => continue,
        }
        api.delete(name, &DeleteParams::default()).await?;
        tell(played);
    }
    Ok(())
}

/// The pod of a row.
fn pod(place: usize, row: &Row) -> DynamicObject {
    let cpu = format!("{}m", row.milli_vcpu);
    let size = json!({ "cpu": cpu, "memory": format!("{}Mi", row.mebibytes) });
    let seconds = row.duration.as_millis().div_ceil(1000).to_string();
    let spec = json!({
        "restartPolicy": "Never",
        "nodeSelector": { TYPE_LABEL: TYPE_VALUE },
        "tolerations": [{ "key": TAINT_KEY, "operator": "Exists" }],
        "enableServiceLinks": false,
        "containers": [{
            "name": "replay",
            "image": "busybox",
            "command": ["sleep", seconds],
            "resources": { "requests": size, "limits": size },
        }],
    });
    let mut pod = new_object::<Pod>(&format!("replay-{place:06}"), json!({ "spec": spec }));
    pod.metadata.labels = Some([(LABEL.to_owned(), place.to_string())].into());
    pod
}
