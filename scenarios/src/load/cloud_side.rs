//! The cloud's side of the lives: entries of the local ECI's ledger, as they are written.

use eci_sim::Entry;
use eci_sim::ledger::LedgerEvent;
use eci_sim::lifecycle::State;
use tokio::sync::mpsc::UnboundedReceiver;

use super::history::Moment;
use super::recorder::Recorder;

/// The tag with a pod's name.
const POD_NAME: &str = "PodName";

/// Notes the entries, until dropped. The ledger's own times count: a clock that both sides read is a condition.
pub(super) async fn follow(mut entries: UnboundedReceiver<Entry>, recorder: Recorder) {
    while let Some(entry) = entries.recv().await {
        let Some(moment) = moment(&entry.event) else { continue };
        let pod = entry.group.tags.iter().find(|(key, _)| &**key == POD_NAME);
        if let Some((_, pod)) = pod {
            let at = recorder.micros(entry.at);
            recorder.note(|history, _| history.note_group(pod, moment, at));
        }
    }
}

/// The moment that an entry is.
fn moment(event: &LedgerEvent) -> Option<Moment> {
    match event {
        LedgerEvent::Created => Some(Moment::GroupRequested),
        LedgerEvent::Moved { to: State::Running, .. } => Some(Moment::GroupRunning),
        LedgerEvent::Moved { to: State::Deleted, .. } => Some(Moment::GroupGone),
        _ => None,
    }
}
