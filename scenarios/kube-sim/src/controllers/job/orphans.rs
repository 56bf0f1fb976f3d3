//! Pods that a Job tracked which is gone or going: nobody counts them any more, and so nothing holds them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::{JOBS, TRACKING};
use crate::controllers::following::{Follower, Key, News, key_of};
use crate::controllers::owned::PODS;
use crate::kinds;
use crate::object::field::{controller, is_terminating, list, namespace, text, uid};
use crate::service::controller_writes::remove_finalizer;
use crate::sim::KubeSim;

/// What was seen of pods and Jobs until now.
#[derive(Debug)]
pub struct Orphans {
    pods: Follower,
    jobs: Follower,
}

impl Orphans {
    /// Nothing was seen yet.
    pub fn new() -> Self {
        Self { pods: Follower::new(PODS), jobs: Follower::new(JOBS) }
    }

    /// Takes the tracking finalizer off pods whose Job is gone; looks at pods that changed, and at those of Jobs that did.
    pub fn release(&mut self, sim: &KubeSim) {
        let Some(kind) = kinds::find("", "pods") else { return };
        for pod in self.concerned(sim).into_values() {
            let held = list(&pod, "/metadata/finalizers").iter().any(|f| f == TRACKING);
            if held && !is_counted(sim, &pod) {
                remove_finalizer(sim, kind, &pod, TRACKING);
            }
        }
    }

    fn concerned(&mut self, sim: &KubeSim) -> BTreeMap<Key, Arc<Value>> {
        let (store, mut pods) = (sim.store(), BTreeMap::new());
        let mut add = |pod: Arc<Value>| drop(pods.insert(key_of(&pod), pod));
        match self.jobs.news(store) {
            News::Everything(_) => store.list(PODS, None).0.into_iter().for_each(&mut add),
            News::Changes(changes) => {
                for job in changes.iter().filter(|job| job.removed || is_terminating(&job.after)) {
                    let theirs = store.claimable(PODS, namespace(&job.after), uid(&job.after));
                    theirs.into_iter().for_each(&mut add);
                }
            }
        }
        match self.pods.news(store) {
            News::Everything(all) => all.into_iter().for_each(add),
            News::Changes(changes) => {
                let stored = |change: &crate::store::Change| {
                    let (namespace, name) = key_of(&change.after);
                    store.get(PODS, &namespace, &name)
                };
                changes.iter().filter_map(stored).for_each(add);
            }
        }
        pods
    }
}

/// True for a pod whose Job is there and stays.
fn is_counted(sim: &KubeSim, pod: &Value) -> bool {
    let owner = controller(pod).filter(|owner| text(owner, "/kind") == "Job");
    let job = owner.and_then(|owner| sim.store().get(JOBS, namespace(pod), text(owner, "/name")));
    job.is_some_and(|job| {
        !is_terminating(&job) && owner.is_some_and(|owner| text(owner, "/uid") == uid(&job))
    })
}
