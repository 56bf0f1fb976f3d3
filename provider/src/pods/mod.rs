//! The pods of the node: watched, judged, carried out, and looked at again.

pub mod annotations;
pub mod book;
pub mod conditions;
pub mod decide;
pub mod events;
pub mod identity;
pub mod look;
mod make;
pub mod monotone;
pub mod names;
pub mod patience;
pub mod phase;
pub mod publish;
pub mod quantity;
pub mod request;
pub mod sources;
pub mod status;
mod take_away;
pub mod verdict;
pub mod watch;
pub mod work;

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use book::Book;
use events::Recorder;
use look::Lookout;
use request::Scope;
use work::Workshop;

/// Looks after the pods of a node until it is dropped, which ends all that it began.
///
/// In the beginning the API's list of pods and then the cloud's list of groups are read whole. What is found in both is
/// adopted, what is only in the cloud and bears this node's marks is deleted, and only then is anything made.
pub async fn look_after(
    client: Client,
    lookout: Arc<Lookout>,
    scope: Scope,
    recorder: Recorder,
    mut births: mpsc::UnboundedReceiver<String>,
) {
    let book: Book = lookout.book.clone();
    let workshop = Arc::new(Workshop::new(client.clone(), lookout.clone(), scope.clone(), recorder));
    let node = scope.config.node_name.clone();
    let watching = watch::pods(client, &node, &book);
    let looking = async {
        while !book.are_pods_listed() {
            tokio::select! {
                () = book.hurry() => {}
                () = tokio::time::sleep(Duration::from_secs(30)) => {}
            }
        }
        lookout.run().await;
    };
    let working = async {
        let mut workers = JoinSet::new();
        let mut names = std::collections::HashMap::new();
        loop {
            tokio::select! {
                born = births.recv() => {
                    let Some(uid) = born else { return };
                    let workshop = workshop.clone();
                    let pod = uid.clone();
                    let task = workers.spawn(async move { workshop.look_after(&pod).await });
                    names.insert(task.id(), uid);
                }
                Some(ended) = workers.join_next_with_id() => match ended {
                    Ok((task, ())) => drop(names.remove(&task)),
                    Err(error) => {
                        // A fault of this program in the work on one pod: that pod is taken up again, a little later.
                        tracing::error!(%error, "the work on a pod broke off");
                        if let Some(uid) = names.remove(&error.id()) {
                            let workshop = workshop.clone();
                            let pod = uid.clone();
                            let task = workers.spawn(async move {
                                tokio::time::sleep(Duration::from_secs(10)).await;
                                workshop.look_after(&pod).await;
                            });
                            names.insert(task.id(), uid);
                        }
                    }
                }
            }
        }
    };
    tokio::join!(watching, looking, working);
}
